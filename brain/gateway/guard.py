"""The guard's policies by workspace: kept, audited, applied."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from brain.decisions.guard.judging import (
    GuardDecision,
    GuardPolicy,
    judge_answer,
    judge_prompt,
    stream_answer,
)
from brain.decisions.guard.leaks import AnswerStream
from brain.decisions.guard.masking import Names
from brain.decisions.reasons import InputError
from brain.gateway.fresh import Fresh
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

CHANGED = "guard policy changed"
DELIVERED = GuardPolicy()
_LONGEST_ID = 128
_KEPT_S = 2.0


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A workspace's policy, and who set it; ``changed_at_utc`` is None for the delivered one."""

    workspace_id: str
    policy: GuardPolicy
    changed_at_utc: dt.datetime | None = None
    person: str = ""


class Guard:
    """Judges texts by their workspace's policy; a change elsewhere is in force within 2 s."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str], names: Names | None = None) -> None:
        self._state, self._clock, self._whoami, self._names = state, clock, whoami, names
        self._rows: Fresh[dict[str, PolicyRow]] = Fresh(self._read, _KEPT_S)

    def policy(self, workspace_id: str) -> GuardPolicy:
        """The policy in force."""
        row = self._rows.get().get(workspace_id)
        return DELIVERED if row is None else row.policy

    def policies(self) -> tuple[PolicyRow, ...]:
        """Policies of workspaces that do not go by the delivered one, by workspace."""
        return tuple(row for _, row in sorted(self._read().items()))

    def set_policy(self, workspace_id: str, person: str = "", **changes: Any) -> PolicyRow:
        """The policy after ``changes`` (pii, injection, toxicity, kinds), kept and audited.

        Raises InputError naming the field that cannot be used.
        """
        if not 0 < len(workspace_id) <= _LONGEST_ID:
            raise InputError("invalid_workspace", "a workspace id has 1 to 128 characters",
                             "workspace_id")
        if unknown := set(changes) - set(GuardPolicy.__dataclass_fields__):
            raise InputError("unknown_field", f"a policy has no {sorted(unknown)[0]!r:.60}",
                             sorted(unknown)[0])
        before = self._read().get(workspace_id, PolicyRow(workspace_id, DELIVERED)).policy
        if "kinds" in changes:
            changes["kinds"] = tuple(changes["kinds"])
        after = GuardPolicy(**{**_fields(before), **changes})
        now, who = self._clock(), person or self._whoami()
        table = self._state.tables["guard_policies"]
        with self._state.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.workspace_id == workspace_id))
            if after != DELIVERED:
                connection.execute(sa.insert(table), [plain_times({
                    "workspace_id": workspace_id, "pii": after.pii, "injection": after.injection,
                    "toxicity": after.toxicity, "kinds": ",".join(after.kinds),
                    "changed_at_utc": now, "person": who})])
        if after != before:
            self._state.audit(now, who, CHANGED, workspace_id, asdict(before), asdict(after))
        self._rows.forget()
        return self._read().get(workspace_id, PolicyRow(workspace_id, DELIVERED))

    def judge_prompt(self, workspace_id: str, text: str,
                     known: Mapping[str, str] | None = None) -> GuardDecision:
        """What the workspace's policy does with a text on its way to a model."""
        return judge_prompt(text, self.policy(workspace_id), known, names=self._names)

    def judge_answer(self, workspace_id: str, text: str,
                     known: Mapping[str, str] | None = None) -> GuardDecision:
        """What the workspace's policy does with an answer; see `brain.decisions.guard.judging`."""
        return judge_answer(text, self.policy(workspace_id), known)

    def stream_answer(self, workspace_id: str, known: Mapping[str, str] | None = None
                      ) -> AnswerStream:
        """A way out for an answer in pieces, by the workspace's policy."""
        return stream_answer(self.policy(workspace_id), known)

    def _read(self) -> dict[str, PolicyRow]:
        return {row["workspace_id"]: PolicyRow(
            row["workspace_id"], GuardPolicy(
                row["pii"], row["injection"], row["toxicity"],
                tuple(filter(None, row["kinds"].split(",")))),
            row["changed_at_utc"], row["person"]) for row in self._state.rows("guard_policies")}


def _fields(policy: GuardPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in GuardPolicy.__dataclass_fields__}
