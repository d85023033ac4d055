"""``brain knowledge``: documents that questions are answered from, and who may see what."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from brain.cli.command import Command, Option
from brain.cli.output import show


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **given)


def add_documents(arguments: Namespace) -> None:
    """Read files into a workspace's knowledge."""
    done = [_call("add_document", path=str(Path(each).absolute()),
                  workspace_id=arguments.workspace) for each in arguments.files]
    show(done if arguments.json else _rows(done), arguments.json)


def list_documents(arguments: Namespace) -> None:
    """Print a workspace's documents."""
    rows = _call("documents", workspace_id=arguments.workspace)
    show(rows if arguments.json else _rows(rows), arguments.json)


def remove_documents(arguments: Namespace) -> None:
    """Take documents out; they can be brought back within a week."""
    done = [_call("remove_document", document=each, workspace_id=arguments.workspace)
            for each in arguments.documents]
    if arguments.json:
        show(done, True)
        return
    for each in done:
        show(f"{each['name']} is found no more; `brain knowledge restore {each['document_id']}` "
             "brings it back within a week", False)


def restore_documents(arguments: Namespace) -> None:
    """Bring removed documents back."""
    done = [_call("restore_document", document_id=each, workspace_id=arguments.workspace)
            for each in arguments.documents]
    show(done if arguments.json else _rows(done), arguments.json)


def search(arguments: Namespace) -> None:
    """Print the passages that fit a question, and the sentences that answer it."""
    found = _call("search_knowledge", query=arguments.query, workspace_id=arguments.workspace,
                  limit=arguments.limit, answer=True)
    if arguments.json:
        show(found, True)
        return
    show(found["answer"]["text"], False)
    for reason in found["reasons"]:
        show(reason["text"], False)
    show([{"document": each["name"], "heading": each["heading"], "score": f"{each['score']:.4f}",
           "words": f"{each['share']:.0%}", **{
               f"{name} rank": each["ranks"].get(name, "") for name in ("bm25", "vector")}}
          for each in found["passages"]], False)


def show_status(arguments: Namespace) -> None:
    """Say whose vectors rank a workspace's passages, and what is in the way."""
    state = _call("knowledge_status", workspace_id=arguments.workspace)
    show(state if arguments.json else state["told"], arguments.json)


def embed(arguments: Namespace) -> None:
    """Make the vectors that are missing, now."""
    done = _call("embed_knowledge", workspace_id=arguments.workspace)
    show(done if arguments.json else f"{done['made']:,} passages got their vectors. "
                                     f"{done['told']}", arguments.json)


def reindex(arguments: Namespace) -> None:
    """Cut a workspace's documents anew and have their vectors made anew."""
    state = _call("reindex_knowledge", workspace_id=arguments.workspace)
    show(state, arguments.json)


def _rows(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"document": each["name"], "id": each["document_id"], "kind": each["media_type"],
             "bytes": each["size_bytes"], "passages": each["chunks"], "version": each["version"],
             "updated": each["updated_at_utc"]} for each in documents]


_WORKSPACE = Option("--workspace", "The workspace's id.", default="default")
COMMANDS: tuple[Command, ...] = (
    Command("knowledge", "add", "Add documents: text, Markdown, HTML, PDF; the same name replaces.",
            (Option("files", "Files to read.", many=True), _WORKSPACE), run=add_documents),
    Command("knowledge", "list", "List a workspace's documents.", (_WORKSPACE,),
            run=list_documents),
    Command("knowledge", "search", "Search documents and answer from them by their sentences.",
            (Option("query", "What is asked.", required=True), _WORKSPACE,
             Option("--limit", "Most passages.", kind=int, default=5)), run=search),
    Command("knowledge", "status", "Say whose vectors rank the passages, and what is in the way.",
            (_WORKSPACE,), run=show_status),
    Command("knowledge", "embed", "Have the embedding endpoint make the vectors that are missing.",
            (_WORKSPACE,), run=embed),
    Command("knowledge", "reindex", "Index a workspace's documents anew, vectors included.",
            (_WORKSPACE,), run=reindex),
    Command("knowledge", "remove", "Take documents out, by name or id.",
            (Option("documents", "Names or ids.", many=True), _WORKSPACE), run=remove_documents),
    Command("knowledge", "restore", "Bring documents removed within a week back, by id.",
            (Option("documents", "Ids.", many=True), _WORKSPACE), run=restore_documents),
)
