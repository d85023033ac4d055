"""``brain workspaces``: whose questions may be stored, and where prompts may go."""

from argparse import Namespace
from typing import Any

from brain.cli.command import Command, Option, UsageError
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


def list_policies(arguments: Namespace) -> None:
    """Print the workspaces whose prompts may not go everywhere."""
    rows = _call("data_policies")
    show(rows if arguments.json else list(map(_plain, rows)), arguments.json)


def set_policy(arguments: Namespace) -> None:
    """Set where a workspace's prompts may go."""
    given: dict[str, Any] = {}
    if arguments.regions is not None:
        given["regions"] = [each for each in arguments.regions.split(",") if each.strip()]
    for name in ("no_training", "no_training_for_personal_data"):
        if (value := getattr(arguments, name)) is not None:
            given[name] = value == "yes"
    if arguments.off:
        given = {"regions": [], "no_training": False, "no_training_for_personal_data": False}
    if not given:
        raise UsageError("say what to set: --regions, --no-training, "
                         "--no-training-for-personal-data or --off")
    row = _call("set_data_policy", workspace_id=arguments.workspace, **given)
    show(row if arguments.json else [_plain(row)], arguments.json)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {"workspace": row["workspace_id"], "regions": ", ".join(row["regions"]) or "any",
            "no training": "always" if row["no_training"] else "of personal data"
            if row["no_training_for_personal_data"] else "not asked for"}


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
    Command("workspaces", "data-policies", "List where workspaces' prompts may go: regions, and "
            "providers that train on nothing.", run=list_policies),
    Command("workspaces", "set-data-policy", "Set where a workspace's prompts may go.", (
        _WORKSPACE,
        Option("--regions", "Regions that models have to keep data in, separated by commas; "
               "empty for any.", metavar="REGIONS"),
        Option("--no-training", "Only models whose provider promises that customers' data trains "
               "nothing.", choices=("yes", "no")),
        Option("--no-training-for-personal-data", "The same for prompts that name a person.",
               choices=("yes", "no")),
        Option("--off", "Let prompts go anywhere.", flag=True)), run=set_policy),
)
