"""Workspaces and their query texts as verbs: JSON in, JSON-able values out."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from brain.engine import Engine

Workspace = Annotated[str, Meta(min_length=1, max_length=128)]
Person = Annotated[str, Meta(max_length=128)]


class Workspaces(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class KeepQueryText(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a workspace's questions may be stored in their wording from now on."""

    workspace_id: Workspace
    keep: bool
    person: Person = ""


class ForgetQueryTexts(msgspec.Struct, forbid_unknown_fields=True):
    """Whose stored texts are deleted."""

    workspace_id: Workspace
    person: Person = ""


def list_workspaces(engine: Engine, _: Workspaces) -> Any:
    """Every workspace, whether it keeps query text, and how many texts are stored."""
    return [asdict(row) for row in engine.workspaces()]


def keep_query_text(engine: Engine, wanted: KeepQueryText) -> Any:
    """The workspace as it is now."""
    engine.keep_query_text(wanted.workspace_id, wanted.keep, wanted.person)
    return next(asdict(row) for row in engine.workspaces()
                if row.workspace_id == wanted.workspace_id)


def forget_query_texts(engine: Engine, wanted: ForgetQueryTexts) -> Any:
    """How many texts were deleted."""
    return {"texts": engine.forget_query_texts(wanted.workspace_id, wanted.person)}
