"""``brain scaling tune``: HPA parameters found on past days and judged on later ones."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.scaling_replay import SERVICE, TRACE, describe, positive, read_service, read_trace
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from brain.decisions.scaling.tuning import Span, Tuning


def tune(arguments: Namespace) -> None:
    """Print the tuned manifest as YAML with its evidence, or all of it as JSON."""
    from brain.cli.output import show
    from brain.cli.scaling import read_yaml
    from brain.decisions.scaling.tuning import tune_policy
    load, step_s = read_trace(arguments.trace)
    manifest = read_yaml(arguments.policy)
    try:
        found = tune_policy(load, step_s, read_service(arguments), manifest,
                            arguments.held_out_days * 86_400, goal=arguments.goal,
                            predictive=arguments.predictive)
    except InputError as error:
        raise CommandError(error.message, error.code, error.field) from error
    if arguments.json:
        show(to_answer(found), True)
        return
    import yaml
    for each in found.reasons:
        print(f"# {each.text}")
    print(yaml.safe_dump(found.manifest, sort_keys=False, allow_unicode=True), end="")


def to_answer(found: "Tuning") -> dict[str, Any]:
    """The tuning for machines; ``parameters`` is null where nothing did better."""
    knobs = found.knobs
    return {"is_better": found.is_better,
            "parameters": None if knobs is None else {
                "target_pct": knobs.target_pct, "down_window_s": knobs.down_window_s,
                "up_window_s": knobs.up_window_s, "forecast_level": knobs.level},
            "train": _to_rows(found.train), "held_out": _to_rows(found.held_out),
            "trials": len(found.trials), "manifest": found.manifest,
            "reasons": [{"code": each.code, "text": each.text} for each in found.reasons]}


def _to_rows(span: "Span") -> dict[str, Any]:
    closed = span.gap_closed_pct
    return {"days": round(span.days, 2), "saved_pct": round(span.saved_pct, 2),
            "gap_closed_pct": None if closed is None else round(closed, 1),
            "accounts": [{**describe(each), "policy": name} for name, each in (
                ("before", span.before), ("tuned", span.tuned), ("oracle", span.oracle))]}


TUNE = Command(
    "scaling", "tune", "Search HPA parameters on past days, judge them on later ones, print the "
    "manifest.", (
        TRACE, Option("--policy", "The HorizontalPodAutoscaler to begin with, as YAML.",
                      required=True, metavar="FILE"), *SERVICE,
        Option("--held-out-days", "The last days, which only judge.", positive, 7.0),
        Option("--goal", "What to gain: save, fewer pod-hours at no more objective minutes; "
               "protect, fewer objective minutes at 3 % more pod-hours at most.", default="save",
               choices=("save", "protect")),
        Option("--predictive", "Add a forecast of load as a metric.", flag=True)), run=tune)
"""The command of the tuner."""
