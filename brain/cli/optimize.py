"""``brain optimize``: what would be done about the platform, doing it, and taking it back."""

import time
from argparse import Namespace
from base64 import b64decode
from pathlib import Path
from typing import Any

from brain.cli import optimize_plan
from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show

POLL_S = 1.0
FORMS = ("json", "csv", "parquet")


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **{name: value for name, value in given.items() if value is not None})


def run(arguments: Namespace) -> int:
    """Begin a run and say what it does; 1 where nothing is to be done."""
    found = _call("run_optimization", only=arguments.strategy, dry_run=arguments.dry_run)
    if arguments.wait and found["run"] is not None:
        found["run"] = _wait(found["run"]["run_id"])
    if arguments.json:
        show(found, True)
    elif found["run"] is None:
        _tell_plan(found)
    else:
        _tell_run(found["run"])
    return 0 if found["run"] or arguments.dry_run else 1


def stop(arguments: Namespace) -> None:
    """End the run under way."""
    found = _call("stop_optimization")
    show(found, True) if arguments.json else _tell_run(found["run"])


def roll_back(arguments: Namespace) -> None:
    """Take a past run back."""
    found = _call("roll_back_optimization", run_id=arguments.run_id)
    show(found, True) if arguments.json else _tell_run(found["run"])


def list_runs(arguments: Namespace) -> None:
    """Print runs as a table or in a form, or write them to a file."""
    asked = {"range": arguments.range, "limit": arguments.limit}
    form = arguments.format or Path(arguments.out or "").suffix.removeprefix(".")
    if arguments.out and form not in FORMS:
        raise CommandError("--out takes a name that ends with .json, .csv or .parquet, or "
                           "--format with it", "unknown_form", "out")
    if form == "parquet" and not arguments.out:
        raise CommandError("Parquet is no text: say --out FILE too", "no_file", "out")
    if form:
        found = _call("optimization_runs", **asked, form=form)
        body = found["text"].encode() if form != "parquet" else b64decode(found["text"])
        if not arguments.out:
            show(body.decode().rstrip(), False)
            return
        Path(arguments.out).write_bytes(body)
        show({"written": arguments.out} if arguments.json else f"written to {arguments.out}",
             arguments.json)
        return
    rows = _call("optimization_runs", **asked)
    if not arguments.json:
        rows = [{"at (UTC)": row["started_at_utc"][:16].replace("T", " "), "run": row["run_id"],
                 "strategy": row["title"] + (" (Demo)" if row["is_demo"] else ""),
                 "what": row["actions"], "by": row["person"], "gain": _gain(row),
                 "how it ended": _end(row)} for row in rows]
    show(rows, arguments.json)


def configure(arguments: Namespace) -> None:
    """Print the configuration, or change it."""
    if arguments.undo:
        found = _call("undo_optimizer")
    elif arguments.set:
        changes: dict[str, Any] = {}
        for pair in arguments.set:
            name, equals, value = pair.partition("=")
            if not equals:
                raise CommandError(f"{pair!r:.80} must read like interval_min=10", "not_a_pair",
                                   "set")
            changes[name.strip()] = {"true": True, "false": False}.get(value.strip().lower(),
                                                                       value.strip())
        found = _call("configure_optimizer", changes=changes)
    else:
        found = _call("optimizer_configuration")
    if arguments.json:
        show(found, True)
        return
    from brain.decisions.optimization.configuration import MEANINGS
    show([{"name": name, "value": "none" if value is None else value, "meaning": MEANINGS[name]}
          for name, value in found.items()], False)


def drill(arguments: Namespace) -> int:
    """Show on an engine of its own that the optimizer finds, proves and takes back; 1 if not."""
    import tempfile

    from brain.engine import Engine
    from brain.optimization.drill import DrillFailedError, DrillPlan, run_drill
    from brain.settings import load
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        if not arguments.json:
            show(text, False)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(load({}, data_dir=folder))
        try:
            run_drill(engine, DrillPlan(), say)
            passed = True
        except DrillFailedError as failed:
            say(f"The drill failed: {failed}")
            passed = False
        finally:
            engine.close()
    if arguments.json:
        show({"passed": passed, "told": told}, True)
    return 0 if passed else 1


def _wait(run_id: str) -> dict[str, Any]:
    """The run when it is over. Where no server runs, this process carries it on."""
    while True:
        _call("tick_optimization")
        row = next(each for each in _call("optimization_runs", limit=1000)
                   if each["run_id"] == run_id)
        if row["step"] == "finished":
            return dict(row)
        time.sleep(POLL_S)


def _tell_plan(found: dict[str, Any]) -> None:
    plan = found["plan"]
    if plan["strategy"]:
        show(f"Would do: {plan['strategy']}", False)
        show([{"action": each["kind"], "from": each["before"], "to": each["after"]}
              for each in plan["actions"]], False)
    for reason in plan["reasons"]:
        show(reason["text"], False)
    if found["fault"]:
        show(f"The actuator cannot act: {found['fault']}", False)
    if found["is_demo"]:
        show("Made of the demonstration's data.", False)


def _tell_run(row: dict[str, Any]) -> None:
    show(f"{row['run_id']}: {row['title']}, {row['actions']}; "
         f"{_end(row) or row['step'].replace('_', ' ')}{_gain(row) and ', ' + _gain(row)}", False)


def _gain(row: dict[str, Any]) -> str:
    if row["measured_gain"] is None:
        return ""
    return (f"{row['measured_gain']:+.1%} ({row['gain_low']:+.1%} to {row['gain_high']:+.1%}) "
            f"in {row['goal']}")


def _end(row: dict[str, Any]) -> str:
    told = row["verdict"].replace("_", " ")
    return f"{told}, rolled back" if row["rolled_back"] else told


COMMANDS: tuple[Command, ...] = (
    Command("optimize", "plan", "Plan from given metrics, history and configuration; changes "
                                "nothing.", form=optimize_plan.FORM),
    Command("optimize", "run", "Look at the platform and do what helps; the effect is measured "
                               "and taken back if it does not.", (
        Option("--strategy", "Only this strategy, whatever its conditions say."),
        Option("--dry-run", "Say what would be done and change nothing.", flag=True),
        Option("--wait", "Wait until the run is over.", flag=True)), run=run),
    Command("optimize", "stop", "End the run under way; what it changed is rolled back.",
            run=stop),
    Command("optimize", "rollback", "Take a past run back while its checkpoint holds.", (
        Option("run_id", "The run, as `brain optimize history` names it.", required=True),),
        run=roll_back),
    Command("optimize", "history", "List runs, newest first.", (
        Option("--range", "Runs of this range, such as 7d or 2026-10.", default=""),
        Option("--limit", "The newest so many; 100 without a range, else all of it.", kind=int),
        Option("--format", "Print in this form, or write it with --out.", choices=FORMS),
        Option("--out", "Write to this file: .json, .csv or .parquet.", metavar="FILE")),
        run=list_runs),
    Command("optimize", "drill", "Show in a minute, on an engine of its own, that a squeezed pool "
                                 "is found and widened, and a change for the worse taken back.",
            run=drill),
    Command("optimize", "settings", "Show the optimizer's configuration, or change it.", (
        Option("--set", "A value, such as interval_min=10; may be given again.", many=True,
               metavar="NAME=VALUE"),
        Option("--undo", "Undo the last change.", flag=True)), run=configure),
)
