"""The engine's verbs over what people set and note: targets, privacy, annotations, feedback."""

import datetime as dt
import getpass
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from brain import notes
from brain.decisions.targets import Target
from brain.ingestion import Ingestion
from brain.privacy import QueryPrivacy, WorkspacePrivacy
from brain.sources.spool import Spool
from brain.sources.state import StateStore
from brain.targets import TargetRow, TargetTable

if TYPE_CHECKING:
    import pandas as pd

    from brain.engine import Engine


class Kept:
    """A part of the engine: what is kept in the state store because somebody said so."""

    state: StateStore
    spool: Spool
    clock: Callable[[], dt.datetime]
    target_table: TargetTable
    privacy: QueryPrivacy
    ingestion: Ingestion
    query: "Callable[..., pd.DataFrame]"
    drain: Callable[[], int]

    # targets

    def targets(self) -> dict[str, Target]:
        """The one table of targets, by metric, as it holds now."""
        return self.target_table.in_force()

    def set_target(self, metric: str, levels: Mapping[str, Any], person: str = "") -> TargetRow:
        """The row with changed ``target``, ``warning`` or ``critical``; see `TargetTable.set`.

        Raises InputError naming the field for a level that cannot be used.
        """
        return self.target_table.set(metric, levels, self.clock(), person or whoami())

    def reset_target(self, metric: str, person: str = "") -> TargetRow:
        """The row as delivered. Raises InputError for an unknown metric."""
        return self.target_table.reset(metric, self.clock(), person or whoami())

    def undo_target(self, metric: str = "", person: str = "") -> TargetRow:
        """The row as before its last change; see `TargetTable.undo`."""
        return self.target_table.undo(metric, self.clock(), person or whoami())

    # privacy

    def workspaces(self) -> list[WorkspacePrivacy]:
        """Every workspace, and whether its questions may be stored in their wording."""
        choices = self.query("overview/choices", limit=500)
        return self.privacy.rows(list(choices.loc[choices["dimension"] == "workspace", "choice"]))

    def keep_query_text(self, workspace_id: str, keep: bool, person: str = "") -> None:
        """Allow or forbid query text from now on. Raises InputError; see `QueryPrivacy.set`."""
        self.privacy.set(workspace_id, keep, self.clock(), person or whoami())

    def forget_query_texts(self, workspace_id: str, person: str = "") -> int:
        """How many stored texts of a workspace were deleted, here and in the spool."""
        self.drain()
        forgotten = self.privacy.forget(workspace_id, self.clock(), person or whoami())
        self.ingestion.checkpoint()
        self.spool.compact()
        return forgotten

    # notes

    def annotations(self, start: dt.datetime, end: dt.datetime,
                    workspaces: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Notes, deploys and price changes of a span, oldest first; see `brain.notes`."""
        return notes.list_notes(cast("Engine", self), start, end, workspaces)

    def annotate(self, at_utc: dt.datetime, kind: str, text: str, *,
                 end_utc: dt.datetime | None = None, workspace_id: str = "",
                 is_demo: bool = False) -> str:
        """The id of a new annotation on every time chart."""
        number = uuid.uuid4().hex
        self.state.insert("annotations", {
            "annotation_id": number, "at_utc": at_utc, "end_utc": end_utc, "kind": kind,
            "workspace_id": workspace_id, "text": text[:2000], "is_demo": is_demo})
        return number

    def change_annotation(self, annotation_id: str, person: str = "",
                          **changes: Any) -> dict[str, Any]:
        """The annotation as it was before the change; see `brain.notes.change_note`."""
        return notes.change_note(cast("Engine", self), annotation_id, person or whoami(), **changes)

    def remove_annotation(self, annotation_id: str) -> bool:
        """Whether there was such an annotation."""
        return self.state.delete("annotations", annotation_id=annotation_id) > 0

    def leave_feedback(self, page: str, stars: int, comment: str, person: str = "") -> str:
        """The id of a reader's verdict on a page of the console. Raises ValueError for stars
        outside 1 to 5."""
        if not 1 <= stars <= 5:
            raise ValueError(f"stars must be 1 to 5, not {stars}")
        number = uuid.uuid4().hex
        self.state.insert("console_feedback", {
            "feedback_id": number, "at_utc": self.clock(), "page": page[:128], "stars": stars,
            "comment": comment[:5000], "person": person or whoami()})
        return number

    def audit(self, action: str, subject: str, before: Any, after: Any, person: str = "") -> None:
        """Write an entry into the record."""
        self.state.audit(self.clock(), person or whoami(), action, subject, before, after)


def whoami() -> str:
    """The name of the person at this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"
