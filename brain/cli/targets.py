"""``brain targets``: the one table of targets, read and changed while the console runs."""

from argparse import Namespace
from typing import Any

from brain.cli.command import Command, Option
from brain.cli.output import show


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **{name: value for name, value in given.items() if value is not None})


def list_targets(arguments: Namespace) -> None:
    """Print every metric with its levels."""
    rows = _call("targets")
    if not arguments.json:
        rows = [{"metric": row["metric"], "levels": row["in_words"],
                 "changed": (row["changed_at_utc"] or "")[:16].replace("T", " "),
                 "by": row["changed_by"], "fault": row["fault"]} for row in rows]
    show(rows, arguments.json)


def set_target(arguments: Namespace) -> None:
    """Change levels of a metric."""
    _tell(_call("set_target", metric=arguments.metric, target=arguments.target,
                warning=arguments.warning, critical=arguments.critical), arguments)


def reset_target(arguments: Namespace) -> None:
    """Give a metric its delivered levels back."""
    _tell(_call("reset_target", metric=arguments.metric), arguments)


def undo_target(arguments: Namespace) -> None:
    """Undo the last change."""
    _tell(_call("undo_target", metric=arguments.metric), arguments)


def list_changes(arguments: Namespace) -> None:
    """Print who changed what, newest first."""
    rows = _call("target_changes", metric=arguments.metric)
    if not arguments.json:
        rows = [{"at (UTC)": row["at_utc"][:16].replace("T", " "), "person": row["person"],
                 "action": row["action"], "metric": row["metric"],
                 "before": _levels(row["before"]), "after": _levels(row["after"])}
                for row in rows]
    show(rows, arguments.json)


def _tell(row: Any, arguments: Namespace) -> None:
    show(row if arguments.json else f"{row['metric']}: {row['in_words']}", arguments.json)


def _levels(levels: Any) -> str:
    told = [f"{name} {value}" for name, value in (levels or {}).items() if value is not None]
    return ", ".join(told) or "as delivered"


_METRIC = Option("metric", "The metric, as `brain targets list` names it.", required=True)
_ANY_METRIC = Option("metric", "The metric; without one the last changed.")
COMMANDS: tuple[Command, ...] = (
    Command("targets", "list", "List every metric with its target, warning and critical level.",
            run=list_targets),
    Command("targets", "set", "Change levels of a metric; what is left out keeps its level.", (
        _METRIC,
        Option("--target", "A number; for a metric with a range, such as pods_running, 3-10.",
               metavar="LEVEL"),
        Option("--warning", "A number, or none for no such level.", metavar="LEVEL"),
        Option("--critical", "A number, or none for no such level.", metavar="LEVEL")),
        run=set_target),
    Command("targets", "reset", "Give a metric its delivered levels back.", (_METRIC,),
            run=reset_target),
    Command("targets", "undo", "Undo the last change; again, and it is back.", (_ANY_METRIC,),
            run=undo_target),
    Command("targets", "history", "List who changed which target, newest first.", (
        Option("metric", "Only this metric."),), run=list_changes),
)
