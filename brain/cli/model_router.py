"""``brain models train``, ``routers``, ``activate``, ``rollback``: the learned router."""

import sys
from argparse import Namespace
from typing import Any

from brain.cli.command import Command, Option
from brain.cli.output import show


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **given)


def train(arguments: Namespace) -> int:
    """Train a router and print what its gate says; 1 where it was not good enough."""
    if arguments.schema:
        import msgspec

        from brain.api.models import TrainedRouter, TrainRouter
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode({
            "input": msgspec.json.schema(TrainRouter),
            "output": msgspec.json.schema(TrainedRouter)})) + b"\n")
        return 0
    found = _call("train_router", write=arguments.write or arguments.activate,
                  activate=arguments.activate)
    if arguments.json:
        show(found, True)
    else:
        for line in _tell(found, arguments.write or arguments.activate):
            print(line)
    return 0 if found["passed"] else 1


def _tell(found: dict[str, Any], wrote: bool) -> list[str]:
    lines = [each["text"] for each in found["reasons"]]
    if not found["trained"]:
        return lines
    gate = found["gate"]
    lines.insert(0, f"Learned from {found['trained_on']:,} prompts ("
                 + ", ".join(f"{count:,} by {source}" for source, count
                             in sorted(found["scores"].items()))
                 + f") for {', '.join(found['models'])}.")
    in_force = "" if gate["active_error"] is None else \
        f", of the router in force {gate['active_error']:.4f}"
    lines.append(f"Squared error on {gate['tested']:,} scores held back: "
                 f"{gate['router_error']:.4f}, of plain means {gate['means_error']:.4f}{in_force}; "
                 f"better by {gate['gain']:.4f}, at least {gate['least_gain']:.4f} (95 %).")
    version = found["version"]
    if version is not None:
        lines.append(f"Kept as version {version['version']}, {version['status']}.")
    elif not wrote:
        lines.append("A dry run: nothing was kept. --write keeps it, --activate puts it in force.")
    return lines


def list_versions(arguments: Namespace) -> None:
    """Print every version of the router, newest first."""
    rows = _call("router_versions")
    if not arguments.json:
        rows = [{"version": each["version"], "status": each["status"],
                 "trained (UTC)": each["created_at_utc"][:16].replace("T", " "),
                 "prompts": each["trained_on"], "models": ", ".join(each["models"]),
                 "better by": f"{each['gate']['gain']:.4f}",
                 "at least": f"{each['gate']['least_gain']:.4f}", "by": each["person"]}
                for each in rows]
    show(rows, arguments.json)


def activate(arguments: Namespace) -> None:
    """Put a version in force."""
    _told(_call("activate_router", version=arguments.version), arguments.json)


def roll_back(arguments: Namespace) -> None:
    """Put the version before the last change in force again."""
    _told(_call("roll_back_router"), arguments.json)


def _told(found: dict[str, Any], as_json: bool) -> None:
    show(found if as_json else f"Router version {found['active']} is in force." if found["active"]
         else "No router is in force: declared and measured figures decide.", as_json)


COMMANDS: tuple[Command, ...] = (
    Command("models", "train", "Train a router from graders, task success and stars; a dry run "
            "unless told otherwise.", (
                Option("--write", "Keep it as a new version, if it passes its gate on held-out "
                       "prompts.", flag=True),
                Option("--activate", "Keep it and put it in force, if it passes.", flag=True),
                Option("--schema", "Print the JSON Schema of what is taken and answered.",
                       flag=True)), run=train),
    Command("models", "routers", "List the versions of the learned router.", run=list_versions),
    Command("models", "activate", "Put a version of the router in force; 0 for none.", (
        Option("version", "Its number.", int, required=True),), run=activate),
    Command("models", "rollback", "Put the router version before the last change in force again.",
            run=roll_back),
)
