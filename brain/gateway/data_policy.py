"""Where the prompts of each workspace may go: kept, audited, in force within two seconds."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from brain.decisions.reasons import InputError
from brain.gateway.fresh import Fresh
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

CHANGED = "data policy changed"
MOST_REGIONS = 50
_KEPT_S = 2.0
_LONGEST_ID, _LONGEST_REGION = 128, 64


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """Which models may see a workspace's prompts.

    One that keeps data in one of ``regions`` (empty is any), and, with ``no_training``, one whose
    provider promises that customers' data trains nothing; ``no_training_for_personal_data`` asks
    that only of prompts that name a person.
    """

    regions: frozenset[str] = frozenset()
    no_training: bool = False
    no_training_for_personal_data: bool = False


OPEN = DataPolicy()


@dataclass(frozen=True, slots=True)
class DataPolicyRow:
    """A workspace's policy, and who set it."""

    workspace_id: str
    policy: DataPolicy
    changed_at_utc: dt.datetime | None = None
    person: str = ""


class DataPolicies:
    """Policies by workspace; one without any lets its prompts go anywhere."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami
        self._rows: Fresh[dict[str, DataPolicyRow]] = Fresh(self._read, _KEPT_S)

    def of(self, workspace_id: str) -> DataPolicy:
        """The policy in force."""
        row = self._rows.get().get(workspace_id)
        return OPEN if row is None else row.policy

    def all(self) -> tuple[DataPolicyRow, ...]:
        """Policies that restrict anything, by workspace."""
        return tuple(row for _, row in sorted(self._read().items()))

    def put(self, workspace_id: str, regions: Sequence[str] | None = None,
            no_training: bool | None = None, no_training_for_personal_data: bool | None = None,
            person: str = "") -> DataPolicyRow:
        """The policy after the changes; None leaves a part as it is. Audited.

        Raises InputError naming the field that cannot be used.
        """
        if not 0 < len(workspace_id) <= _LONGEST_ID:
            raise InputError("invalid_workspace", "a workspace id has 1 to 128 characters",
                             "workspace_id")
        before = self._read().get(workspace_id, DataPolicyRow(workspace_id, OPEN)).policy
        after = before if regions is None else replace(before, regions=_check(regions))
        if no_training is not None:
            after = replace(after, no_training=no_training)
        if no_training_for_personal_data is not None:
            after = replace(after, no_training_for_personal_data=no_training_for_personal_data)
        row = DataPolicyRow(workspace_id, after, self._clock(), person or self._whoami())
        table = self._state.tables["data_policies"]
        with self._state.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.workspace_id == workspace_id))
            if after != OPEN:
                connection.execute(sa.insert(table), [plain_times({
                    "workspace_id": workspace_id, "regions": ",".join(sorted(after.regions)),
                    "no_training": after.no_training,
                    "no_training_for_personal_data": after.no_training_for_personal_data,
                    "changed_at_utc": row.changed_at_utc, "person": row.person})])
        if after != before:
            self._state.audit(self._clock(), row.person, CHANGED, workspace_id, _plain(before),
                              _plain(after))
        self._rows.forget()
        return row

    def _read(self) -> dict[str, DataPolicyRow]:
        return {row["workspace_id"]: DataPolicyRow(
            row["workspace_id"], DataPolicy(
                frozenset(filter(None, row["regions"].split(","))), bool(row["no_training"]),
                bool(row["no_training_for_personal_data"])),
            row["changed_at_utc"], row["person"]) for row in self._state.rows("data_policies")}


def _check(regions: Sequence[str]) -> frozenset[str]:
    found = frozenset(each.strip() for each in regions if each.strip())
    if len(found) > MOST_REGIONS or any(
            len(each) > _LONGEST_REGION or "," in each for each in found):
        raise InputError("invalid_value", f"at most {MOST_REGIONS} regions of {_LONGEST_REGION} "
                         "characters without commas", "regions")
    return found


def _plain(policy: DataPolicy) -> dict[str, Any]:
    return {"regions": sorted(policy.regions), "no_training": policy.no_training,
            "no_training_for_personal_data": policy.no_training_for_personal_data}
