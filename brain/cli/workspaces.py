"""``brain workspaces``: whose questions may be stored in their wording."""

from argparse import Namespace
from typing import Any

from brain.cli.command import Command, Option
from brain.cli.output import show


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **given)


def list_workspaces(arguments: Namespace) -> None:
    """Print every workspace."""
    rows = _call("workspaces")
    if not arguments.json:
        rows = [{"workspace": row["workspace_id"], "name": row["name"],
                 "query text": "stored" if row["keeps_query_text"] else "hash only",
                 "texts stored": row["texts"]} for row in rows]
    show(rows, arguments.json)


def keep_text(arguments: Namespace) -> None:
    """Allow query text for a workspace, or forbid it."""
    row = _call("keep_query_text", workspace_id=arguments.workspace, keep=not arguments.off)
    deleted = _call("forget_query_texts", workspace_id=arguments.workspace)["texts"] \
        if arguments.forget else 0
    if arguments.json:
        show({**row, "texts": row["texts"] - deleted, "deleted": deleted}, True)
        return
    word = "stored from now on" if row["keeps_query_text"] else "not stored from now on"
    show(f"{row['workspace_id']}: query text is {word}", False)
    if deleted:
        show(f"{deleted:,} texts deleted", False)
    elif row["texts"] and not row["keeps_query_text"]:
        show(f"{row['texts']:,} texts are still stored; `brain workspaces forget-texts "
             f"{row['workspace_id']}` deletes them", False)


def forget_texts(arguments: Namespace) -> None:
    """Delete the stored query texts of a workspace."""
    done = _call("forget_query_texts", workspace_id=arguments.workspace)
    show(done if arguments.json else f"{done['texts']:,} texts deleted", arguments.json)


_WORKSPACE = Option("workspace", "The workspace's id.", required=True)
COMMANDS: tuple[Command, ...] = (
    Command("workspaces", "list", "List workspaces and whether their query text is stored.",
            run=list_workspaces),
    Command("workspaces", "keep-text", "Store a workspace's query text from now on, or no more.", (
        _WORKSPACE,
        Option("--off", "Store hashes only.", flag=True),
        Option("--forget", "Delete the texts already stored as well.", flag=True)),
        run=keep_text),
    Command("workspaces", "forget-texts", "Delete the stored query texts of a workspace.",
            (_WORKSPACE,), run=forget_texts),
)
