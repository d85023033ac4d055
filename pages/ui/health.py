"""Health of what the reader looks at: machines, requests, services, the score's inputs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from analytics import health, spans
from analytics.health import Gauge, Machine
from analytics.spans import Span
from brain.decisions import targets
from brain.decisions.health import (
    Demand,
    DemandVerdict,
    HealthScore,
    judge_demand,
    summarize_health,
)
from brain.decisions.targets import Target
from brain.watch import SourceStatus, answer
from pages.ui import data, filters, format, health_prometheus, usage
from pages.ui.filters import View

EVENTS, PROMETHEUS = "Event store", "Prometheus"
DEMAND_SPAN = 15 * spans.MINUTE


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the health pages show of one span. Percentages are None where unknown.

    ``origin`` says where the figures of requests come from; ``latency_metric`` is the row of the
    table of targets that its latency is judged by. ``origins`` are those of the gauges.
    ``why`` says why Prometheus gave no value, by figure.
    """

    gauges: Mapping[str, Gauge]
    requests: int
    rate_per_s: float | None
    error_pct: float | None
    availability_pct: float | None
    p95_ms: float | None
    demand: Demand = dataclasses.field(default_factory=Demand)
    throughput_per_s: float | None = None
    origin: str = EVENTS
    origins: Mapping[str, str] = dataclasses.field(default_factory=dict)
    why: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def latency_metric(self) -> str:
        """Calls of a model take longer than HTTP requests, so each has targets of its own."""
        return "api_latency_p95_ms" if self.origin == PROMETHEUS else "generation_latency_p95_ms"

    def values(self) -> dict[str, float | None]:
        """Values by metric of the table of targets; what is stale or missing is None."""
        measured = {metric: gauge.current for metric, gauge in self.gauges.items()
                    if metric in targets.TARGETS}
        return {**dict.fromkeys(health.GAUGES), **measured,
                "availability_pct": self.availability_pct, "error_pct": self.error_pct,
                "throughput_per_s": self.throughput_per_s, self.latency_metric: self.p95_ms}


def table_of_targets() -> dict[str, Target]:
    """The table of targets in force."""
    return data.targets()


def close_up(view: View) -> View:
    """The view; a short one that reaches the present ends at the next full ten seconds."""
    span = health.close_up(view.span, data.now())
    if span == view.span:
        return view
    return dataclasses.replace(view, span=span, previous=view.previous and spans.previous(span))


def width_s(view: View) -> int:
    """Seconds between the points of the page's charts."""
    return health.point_width_s(view.span, usage.width_s(view))


def source(name: str) -> SourceStatus:
    """How a source is doing; one whose name begins so."""
    return next(each for each in data.sources() if each.name.startswith(name))


def choose_machine(view: View) -> Machine | None:
    """The machine the reader chose; the choice lives in the address bar."""
    machines = (*list_machines(view), *health_prometheus.list_nodes())
    fallback = health.choose_machine(machines, "", data.engine().has_demo())
    titles = [machine.title for machine in machines]
    if fallback is None:
        return None
    title = _choose("Machine", titles, fallback.title, "machine", 260,
                    "Whose CPU, memory and disk are shown. Machines are never mixed; those of the "
                    "demonstration and of Prometheus say so.")
    return health.choose_machine(machines, title, data.engine().has_demo())


def choose_origin(view: View) -> str:
    """Where the figures of requests come from: the reader's choice where Prometheus is there.

    At first the event store, unless it has no request in the span.
    """
    if not source(PROMETHEUS).is_configured:
        return EVENTS
    first = EVENTS if usage.read(view).total.requests else PROMETHEUS
    return _choose("Requests from", [EVENTS, PROMETHEUS], first, "requests_from", 200,
                   "Event store: calls of models that were recorded here, under the filters. "
                   "Prometheus: HTTP requests of the programs it scrapes; filters do not apply.")


def _choose(label: str, offered: list[str], first: str, key: str, width_px: int,
            meaning: str) -> str:
    """What the reader chose; the wall screen has no controls, so there the address counts."""
    if filters.on_wall():
        wanted = str(st.query_params.get(key) or first)
        return wanted if wanted in offered else first
    return st.selectbox(label, offered, index=offered.index(first), key=key, help=meaning,
                        bind="query-params", width=width_px) or first


def list_machines(view: View) -> tuple[Machine, ...]:
    """Machines that sent samples in the span or its last day."""
    span = health.search_span(view.span)
    return health.list_machines(data.query("health/instances", start=span.start, end=span.end,
                                           metric="cpu_pct"))


def default_machine(view: View) -> Machine | None:
    """The machine shown unless the reader chooses."""
    return health.choose_machine(list_machines(view), "", data.engine().has_demo())


def read_before(view: View, machine: Machine | None, origin: str = EVENTS) -> Seen:
    """Health of the period before; all unknown if there is nothing to compare."""
    nothing = Seen({}, 0, None, None, None, None, origin=origin)
    if view.previous is None:
        return nothing
    if origin == EVENTS and usage.read_before(view) is None:
        return nothing
    return read(view, machine, view.previous, origin)


def read(view: View, machine: Machine | None, span: Span | None = None,
         origin: str = EVENTS) -> Seen:
    """Health of the view's span, or of another one under its filters."""
    span = span or view.span
    now, total = data.now(), usage.read(view, span).total
    up = data.query("health/availability", **health.availability_params(view.params(span)))
    gauges, origins = _gauges(view, machine, span)
    demand, throughput_per_s = _demand(view, span, gauges)
    seen = Seen(gauges, total.requests, health.rate_per_s(total.requests, span, now),
                health.error_pct(total.errors, total.requests), health.availability_pct(up),
                usage.latency(view, span)["p95_ms"], demand, throughput_per_s, origins=origins)
    if origin != PROMETHEUS:
        return seen
    return dataclasses.replace(seen, origin=origin, **health_prometheus.requests(
        view, span, width_s(view)))


def demand(seen: Seen) -> DemandVerdict:
    """Whether demand is unmet, so that throughput counts."""
    return judge_demand(seen.demand)


def score(seen: Seen) -> HealthScore:
    """The health score of what was seen."""
    return summarize_health(seen.values(), table_of_targets(), demand(seen).unmet)


def _demand(view: View, span: Span, gauges: Mapping[str, Gauge]) -> tuple[Demand, float | None]:
    """Signs of unmet demand in the last 15 minutes of the span, and requests per second in them."""
    end = max(min(span.end, data.shared_now()), span.start + spans.MINUTE)
    params = view.params(Span(max(span.start, end - DEMAND_SPAN), end))
    row = data.query("health/rejections", **{name: params[name] for name in (
        "start", "end", "workspaces", "models", "agents", "regions", "devices")}).iloc[0]
    queue = gauges.get("queue_length") or health.missing_gauge("queue_length")
    cpu = gauges.get("cpu_pct") or health.missing_gauge("cpu_pct")
    requests = int(row["requests"])
    seconds = (params["end"] - params["start"]).total_seconds()
    return (Demand(int(row["rejected"]) if requests else None, queue.current, cpu.current),
            requests / seconds if requests else None)


def _gauges(view: View, machine: Machine | None,
            span: Span) -> tuple[dict[str, Gauge], dict[str, str]]:
    """Gauges of the machine and of the services, and who measured each."""
    found: dict[str, Gauge] = {}
    if machine is not None and machine.origin == "samples":
        found = _sampled(machine.instance, int(machine.is_demo), span, machine)
    elif machine is not None:
        found = health_prometheus.machine_gauges(machine, view, span, width_s(view))
    origins = dict.fromkeys(found, machine.title if machine else "")
    here = source("This machine")
    for name, metrics in (("Redis", ("cache_hit_pct",)),
                          (PROMETHEUS, ("active_connections", "cache_hit_pct")),
                          (here.name, ("active_connections",))):
        wanted = [metric for metric in metrics if metric not in found or
                  (metric == "active_connections" and name == PROMETHEUS)]
        for metric in wanted:
            gauge = health_prometheus.gauge(metric, view, span, width_s(view)) \
                if name == PROMETHEUS else _service_gauge(name, metric, span)
            if gauge is not None and gauge.last is not None:
                found[metric] = gauge
                origins[metric] = name.partition(" (")[0]
    return found, origins


def _service_gauge(name: str, metric: str, span: Span) -> Gauge | None:
    """A watched server's metric: the samples kept of it, else its last reading."""
    status = source(name)
    if not status.is_configured or not status.instance:
        return None
    if gauge := _sampled(status.instance, 0, span).get(metric):
        return gauge
    value = status.values.get(metric)
    if value is None or not isinstance(value, int | float) or span.end < data.now():
        return None
    return Gauge(metric, float(value), status.value_at_utc, None, None, status.status != "ok")


def _sampled(instance: str, is_demo: int, span: Span,
             machine: Machine | None = None) -> dict[str, Gauge]:
    rows = data.query("health/machine_summary", start=span.start, end=span.end,
                      instance=instance, is_demo=is_demo)
    after = machine.stale_after if machine else 3 * spans.MINUTE
    return health.read_gauges(rows, span, data.now(), after)


def uptime_text(seen: Seen, machine: Machine | None) -> str:
    """How long the engine, and the machine shown, have been up."""
    engine_s = (data.now() - data.engine().opened_at_utc).total_seconds()
    told = f"Engine up **{format.uptime(engine_s)}**"
    gauge = seen.gauges.get("uptime_s")
    if machine is not None and gauge is not None and gauge.current is not None:
        return f"{told} · {machine.title} up **{format.uptime(gauge.current)}**"
    return f"{told} · uptime of {machine.title if machine else 'the machine'} unknown"


def in_flight_text() -> str:
    """How many requests are being answered; only Prometheus knows, calls are recorded as they end.
    """
    status = source(PROMETHEUS)
    found = answer(status.values, "requests_in_flight").value
    if found is None or status.status != "ok":
        return "in flight unknown"
    return f"**{found:,.0f}** in flight (Prometheus)"


def limits(metric: str) -> list[tuple[str, float]]:
    """Warning and critical level of a metric, for a chart."""
    target = table_of_targets()[metric]
    return [(word, level) for word, level in (("warning", target.warning),
                                              ("critical", target.critical)) if level is not None]


def said_by(status: SourceStatus, what: str = "") -> str:
    """Whose word it is; of a silent source its last value's age and the reason."""
    told = f"From {status.name}{f', {what}' if what else ''}."
    if status.status == "ok":
        return told
    if status.value_at_utc is None:
        return f"{told} {status.text}"
    return f"{told} Last value {format.ago(status.value_at_utc, data.now())}. {status.text}"


def pods_verdict(counts: Mapping[str, int]) -> str:
    """Whether the pods running are as many as the table of targets wants."""
    target = table_of_targets()["pods_running"]
    status = targets.judge(target, float(counts["Running"]) if "Running" in counts else None)
    words = {"ok": "as wanted", "warning": "outside what is wanted", "critical": "outside",
             "unknown": "unknown"}
    return f"Running: {words[status]} ({target.low:g} to {target.high:g})."
