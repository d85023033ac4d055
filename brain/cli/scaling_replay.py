"""``brain scaling replay``: what a policy would have done on past load, beside its bounds."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.cli.command import Command, CommandError, Option, UsageError
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from brain.decisions.scaling.manifests import HpaPolicy
    from brain.decisions.scaling.replay import Load, Replay
    from brain.decisions.scaling.service import Course, ServiceModel

PLAIN_HPA_PCT = 70
"""CPU utilization of the HPA without a behaviour that stands beside the policy."""


def replay(arguments: Namespace) -> None:
    """Print the account of the policy, of a plain HPA, of a static count and of the oracle.

    Where something acts on the policy (a fault, schedules, a cap), the policy without it and
    where asked for with a forecast follow.
    """
    from brain.cli.output import show
    try:
        rows = [describe(each) for each in compare(arguments)]
    except InputError as error:
        raise CommandError(error.message, error.code, error.field) from error
    show(rows, arguments.json)


def compare(arguments: Namespace) -> list["Replay"]:
    """The accounts; raises InputError for a policy or trace that cannot be replayed."""
    from brain.cli.scaling import read_yaml
    from brain.decisions.scaling.manifests import read_hpa
    from brain.decisions.scaling.replay import replay_oracle, replay_policy, replay_static
    load, step_s = read_trace(arguments.trace)
    model = read_service(arguments)
    manifest = read_yaml(arguments.policy)
    policy = read_hpa(manifest)
    plain = read_hpa({"spec": {
        "minReplicas": policy.min_replicas, "maxReplicas": policy.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {
            "type": "Utilization", "averageUtilization": PLAIN_HPA_PCT}}}]}})
    course = read_course(arguments, policy, len(load), step_s)
    found = [replay_policy(load, step_s, model, policy, course=course),
             replay_policy(load, step_s, model, plain, name="plain HPA"),
             replay_static(load, step_s, model), replay_oracle(load, step_s, model)]
    if any(each is not None for each in (course.reading, course.floor, course.cap)):
        found.append(replay_policy(load, step_s, model, policy, name="policy undisturbed"))
    if arguments.forecast_level is not None:
        found.append(_replay_predictive(load, step_s, model, manifest, course,
                                        arguments.forecast_level))
    return found


def _replay_predictive(load: "Load", step_s: float, model: "ServiceModel",
                       manifest: dict[str, Any], course: "Course", level: float) -> "Replay":
    from dataclasses import replace

    from brain.decisions.scaling.manifests import read_hpa
    from brain.decisions.scaling.predictive import add_forecast, publish_forecast
    from brain.decisions.scaling.replay import replay_policy
    read = load if course.reading is None else load * course.reading
    return replay_policy(
        load, step_s, model, read_hpa(add_forecast(manifest)), name="predictive",
        course=replace(course, external=publish_forecast(read, step_s, model, level)))


def read_service(arguments: Namespace) -> "ServiceModel":
    """The service model of the options; raises UsageError without a capacity."""
    from decimal import Decimal

    from brain.decisions.scaling.service import ServiceModel
    pod_rps = arguments.pod_rps
    if (pod_rps is None) == (arguments.measured is None):
        raise UsageError("one of --pod-rps and --measured is needed")
    if pod_rps is None:
        pod_rps = _fit(arguments.measured, arguments.objective_latency_s)
    return ServiceModel(pod_rps, arguments.start_s, arguments.objective_wait_s,
                        arguments.longest_wait_s, Decimal(str(arguments.pod_h_usd)))


def _fit(path: str, objective_s: float) -> float:
    import pandas as pd

    from analytics.scaling.capacity import CannotFit, fit_capacity
    frame = _read_table(path)
    if "pod_rps" not in frame or "latency_s" not in frame:
        raise UsageError(f"{path} needs the columns pod_rps and latency_s")
    rates, latencies = (pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
                        for name in ("pod_rps", "latency_s"))
    found = fit_capacity(rates, latencies, objective_s)
    if isinstance(found, CannotFit):
        raise CommandError(found.text, found.code, "measured")
    return found.pod_rps


def read_course(arguments: Namespace, policy: "HpaPolicy", steps: int, step_s: float) -> "Course":
    """What acts on the replay: fault, schedules and cap; raises UsageError or InputError."""
    import datetime as dt
    from decimal import Decimal

    from brain.decisions.scaling.faults import inject_fault
    from brain.decisions.scaling.service import Cap, Course, bounds_over
    floor = ceiling = reading = cap = None
    if arguments.schedule is not None:
        if arguments.start_utc is None:
            raise UsageError("--schedule needs --start-utc, when the trace begins")
        start_utc = dt.datetime.fromisoformat(arguments.start_utc)
        if start_utc.tzinfo is None:
            start_utc = start_utc.replace(tzinfo=dt.UTC)
        floor, ceiling = bounds_over(_read_schedule(arguments.schedule, policy.name), policy.name,
                                     start_utc, step_s, steps)
    if arguments.fault is not None:
        reading = inject_fault(arguments.fault, steps, step_s)
    if arguments.cap_usd is not None:
        cap = Cap(Decimal(str(arguments.cap_usd)), arguments.cap_window_h * 3_600)
    return Course(reading, floor, ceiling, None, cap)


def _read_schedule(path: str, workload: str) -> list[Any]:
    import msgspec

    from brain.cli.scaling import read_yaml
    from brain.decisions.scaling.schedules import ScheduledBound
    lines = read_yaml(path).get("schedules")
    try:
        return msgspec.convert([{"workload": workload, **each} for each in lines or ()],
                               list[ScheduledBound])
    except (msgspec.ValidationError, TypeError) as error:
        raise UsageError(f"{path}: schedules must be a list of cron, zone, min_replicas, "
                         f"max_replicas: {str(error)[:200]}") from error


def moment(text: str) -> str:
    """An ISO 8601 time; raises ValueError for any other text."""
    import datetime as dt
    dt.datetime.fromisoformat(text)
    return text


def describe(found: "Replay") -> dict[str, Any]:
    """The account as a row."""
    return {"policy": found.name, "objective_minutes": round(found.objective_minutes, 2),
            "lost_requests": round(found.lost, 1), "pod_hours": round(found.pod_hours, 2),
            "cost_usd": f"{found.cost_usd:.4f}", "actions": found.actions,
            "over_pod_hours": round(found.over_pod_hours, 2),
            "under_pod_hours": round(found.under_pod_hours, 2),
            "capped_minutes": round(found.capped_minutes, 2)}


def read_trace(path: str) -> tuple["Load", float]:
    """Requests per second by step, and the step in seconds, of a CSV or Parquet file.

    The file has ``t_s`` in equal steps and ``requests`` in each step, or ``rps``. Raises
    UsageError for any other.
    """
    import pandas as pd
    frame = _read_table(path)
    value = "rps" if "rps" in frame else "requests"
    if "t_s" not in frame or value not in frame or len(frame) < 2:
        raise UsageError(f"{path} needs the columns t_s and requests (or rps) and two rows")
    frame = frame[["t_s", value]].apply(pd.to_numeric, errors="coerce").sort_values("t_s")
    steps = frame["t_s"].diff().dropna()
    step_s = float(steps.iloc[0])
    if frame.isna().any().any() or step_s <= 0 or not ((steps - step_s).abs() < 1e-6).all():
        raise UsageError(f"{path} needs numbers, with t_s in equal steps")
    load = frame[value].to_numpy(dtype=float)
    return (load if value == "rps" else load / step_s), step_s


def _read_table(path: str) -> Any:
    import pandas as pd
    try:
        return pd.read_parquet(path) if Path(path).suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {str(error)[:200]}") from error


def positive(text: str) -> float:
    """A finite number above 0; raises ValueError for any other."""
    value = not_negative(text)
    if not value:
        raise ValueError(f"{text} is not above 0")
    return value


def not_negative(text: str) -> float:
    """A finite number of 0 or more; raises ValueError for any other."""
    value = float(text)
    if not 0 <= value < 1e12:
        raise ValueError(f"{text} is not a number of 0 or more")
    return value


def share(text: str) -> float:
    """A number between 0 and 1, both excluded; raises ValueError for any other."""
    value = float(text)
    if not 0 < value < 1:
        raise ValueError(f"{text} is not between 0 and 1")
    return value


TRACE = Option("--trace", "CSV or Parquet with t_s in equal steps and requests per step, or rps.",
               required=True, metavar="FILE")
SERVICE = (
    Option("--pod-rps", "Requests per second that one pod serves.", positive),
    Option("--measured", "CSV or Parquet with pod_rps and latency_s, a row per minute or so: the "
           "capacity is fitted.", metavar="FILE"),
    Option("--objective-latency-s", "The latency that the fitted capacity keeps.", positive, 0.4),
    Option("--start-s", "Seconds until a new pod serves.", not_negative, 60.0),
    Option("--objective-wait-s", "A longer queue misses the objective.", not_negative, 0.0),
    Option("--longest-wait-s", "What would wait longer is lost.", not_negative, 30.0),
    Option("--pod-h-usd", "What a pod costs per hour.", not_negative, 0.0))
"""The options of a service model."""

REPLAY = Command(
    "scaling", "replay", "Replay an HPA on past load, beside a plain HPA, a static count and an "
    "oracle that knows the future.", (
        TRACE,
        Option("--policy", "The HorizontalPodAutoscaler, as YAML; metrics are utilizations of CPU "
               "and memory, or values per pod.", required=True, metavar="FILE"), *SERVICE,
        Option("--fault", "Let the metrics fail, read zero or ten times too much, ten minutes "
               "every day.", choices=("gap", "zero", "spike")),
        Option("--forecast-level", "Replay the policy with a forecast of this quantile too.",
               share, metavar="LEVEL"),
        Option("--schedule", "YAML with schedules: cron, zone, min_replicas, max_replicas.",
               metavar="FILE"),
        Option("--start-utc", "When the trace begins, for schedules.", moment, metavar="TIME"),
        Option("--cap-usd", "The policy may not cost more in a window.", positive),
        Option("--cap-window-h", "Hours of that window.", positive, 720.0)), run=replay)
"""The command of the replay."""
