"""Workspaces and their query texts as verbs: JSON in, JSON-able values out."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from brain.engine import Engine
from brain.gateway.data_policy import DataPolicyRow

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


class SetDataPolicy(msgspec.Struct, forbid_unknown_fields=True):
    """Where a workspace's prompts may go; null leaves a part as it is, no regions is any."""

    workspace_id: Workspace
    regions: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=50)] | None = None
    no_training: bool | None = None
    no_training_for_personal_data: bool | None = None
    person: Person = ""


def list_data_policies(engine: Engine, _: Workspaces) -> Any:
    """Workspaces whose prompts may not go everywhere."""
    return [_show(row) for row in engine.gateway.data_policies.all()]


def set_data_policy(engine: Engine, wanted: SetDataPolicy) -> Any:
    """The policy as it is now."""
    return _show(engine.gateway.data_policies.put(
        wanted.workspace_id, wanted.regions, wanted.no_training,
        wanted.no_training_for_personal_data, wanted.person))


def _show(row: DataPolicyRow) -> dict[str, Any]:
    return {"workspace_id": row.workspace_id, "regions": sorted(row.policy.regions),
            "no_training": row.policy.no_training,
            "no_training_for_personal_data": row.policy.no_training_for_personal_data,
            "changed_at_utc": row.changed_at_utc, "person": row.person}


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
