"""The commands of stored experiments: list, show, create, act, import."""

import base64
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show

ACTIONS = ("start", "pause", "resume", "ramp", "stop", "decide", "undo", "remove")


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **{name: value for name, value in given.items() if value is not None})


def list_experiments(arguments: Namespace) -> None:
    """Print every experiment."""
    rows = _call("experiments", state=arguments.state)
    if not arguments.json:
        rows = [{"key": row["key"], "name": row["name"], "state": row["state"],
                 "kind": row["kind"], "variants": ", ".join(row["variants"]),
                 "traffic": f"{row['traffic_ratio']:.0%}", "primary": row["primary"],
                 "from": row["source"]} for row in rows]
    show(rows, arguments.json)


def show_experiment(arguments: Namespace) -> None:
    """Print an experiment's results, or write them to a file."""
    form = Path(arguments.out).suffix.removeprefix(".") if arguments.out else None
    if form is not None and form not in ("html", "pdf", "csv"):
        raise CommandError("--out takes a name that ends with .html, .pdf or .csv",
                           "unknown_form", "out")
    found = _call("experiment", key=arguments.key, metric=arguments.metric, form=form)
    if arguments.out:
        Path(arguments.out).write_bytes(found["text"].encode() if "text" in found
                                        else base64.b64decode(found["content"]))
        show({"written": arguments.out} if arguments.json else f"written to {arguments.out}",
             arguments.json)
        return
    if arguments.json:
        show(found, True)
        return
    show(f"{found['experiment']['name']}: {found['verdict']['name'].replace('_', ' ')}. "
         f"{found['verdict']['text']}", False)
    show([{"check": each["code"], "status": each["status"], "": each["text"]}
          for each in found["checks"]], False)
    show([_line(metric, each, found["experiment"]["method"]) for metric in found["metrics"]
          for each in metric["comparisons"]], False)


def create_experiment(arguments: Namespace) -> None:
    """Create a draft from a JSON file."""
    try:
        definition = json.loads(Path(arguments.file).read_text())
    except ValueError as error:
        raise CommandError(f"{arguments.file} is no JSON: {error}", "not_json", "file") from error
    if not isinstance(definition, dict):
        raise CommandError(f"{arguments.file} holds no JSON object", "not_json", "file")
    made = _call("create_experiment", definition=definition, change=arguments.change)
    show(made if arguments.json else f"{made['key']}: {made['state']}", arguments.json)


def act(arguments: Namespace) -> None:
    """Start, pause, resume, ramp, stop, decide, undo or remove."""
    done = _call("act_on_experiment", key=arguments.key, action=arguments.action,
                 reason=arguments.reason, variant=arguments.variant,
                 traffic_ratio=arguments.traffic)
    show(done if arguments.json else f"{done['key']}: {done.get('state', 'removed')}",
         arguments.json)


def load_samples(arguments: Namespace) -> None:
    """Add the sample experiments."""
    added = _call("load_samples")
    show(added if arguments.json else f"{len(added)} samples added as drafts", arguments.json)


def import_experiments(arguments: Namespace) -> None:
    """Import experiments with their cumulative statistics."""
    done = _call("import_experiments", path=str(Path(arguments.file).resolve()))
    if arguments.json:
        show(done, True)
        return
    calls = done["calls"]
    show(f"{done['experiments']} experiments, {done['series']} series, {done['looks']:,} looks; "
         f"{len(done['known'])} were there already.", False)
    show(f"Of {calls['series']} imported series with an effect, naive peeking calls "
         f"{calls['naive']}, the sequential reading {calls['sequential']}, the last look "
         f"{calls['at_end']}.", False)


def _line(metric: Any, each: Any, method: str) -> dict[str, Any]:
    read = each["readings"].get(method)
    size = f"{each['effect']['estimate']:+.2%}" if read else ""
    ends = [f"{read[name]:+.2%}" if read[name] is not None else "unbounded"
            for name in ("lower", "upper")] if read else []
    return {"metric": metric["key"], "role": metric["role"], "variant": each["variant"],
            "effect": size, "interval": " to ".join(ends),
            "verdict": each["verdict"]["name"].replace("_", " ")}


_KEY = Option("key", "The experiment's key.", required=True)
COMMANDS: tuple[Command, ...] = (
    Command("experiments", "list", "List experiments.", (
        Option("--state", "Only those in this state.",
               choices=("draft", "running", "paused", "stopped", "decided")),),
        run=list_experiments),
    Command("experiments", "show", "Show an experiment's results so far.", (
        _KEY,
        Option("--metric", "This metric leads in the place of the primary one."),
        Option("--out", "Write a report to this file, .html, .pdf or .csv.", metavar="FILE")),
        run=show_experiment),
    Command("experiments", "create", "Create a draft from a JSON file.", (
        Option("file", "The definition; docs/experiments.md has its fields.", required=True),
        Option("--change", "Write an existing draft anew.", flag=True)), run=create_experiment),
    Command("experiments", "act", "Start, pause, resume, ramp, stop or decide an experiment, undo "
            "its last change, or remove a draft.", (
        _KEY, Option("action", "What to do.", required=True, choices=ACTIONS),
        Option("--reason", "Why; a decision needs it.", metavar="TEXT"),
        Option("--traffic", "Share of units that take part from now on, 0 to 1; for a ramp.",
               kind=float, metavar="SHARE"),
        Option("--variant", "The variant decided for; the control's key for no change.")), run=act),
    Command("experiments", "samples", "Add the sample experiments as drafts.", run=load_samples),
    Command("experiments", "import", "Import experiments with their cumulative statistics, in the "
            "form of the ASOS data set (Parquet or CSV).", (
        Option("file", "The file.", required=True),), run=import_experiments),
)
