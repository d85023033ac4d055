"""What each user prefers, set by them or learned from their feedback; and their own questions."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from typing import Any

from brain.decisions.personalization import (
    LEAST_SIMILARITY,
    LIKED_STARS,
    MOST_LIKED,
    MOST_SIGNALS,
    TONES,
    VERBOSITIES,
    Preference,
    Signal,
    Suggestion,
    decide_preference,
    read_signals,
    suggest,
)
from brain.decisions.reasons import InputError
from brain.gateway.fresh import Fresh
from brain.privacy import QueryPrivacy
from brain.sources.state import StateStore

SET, RESET = "answer preference set", "answer preference reset"
READ_AGAIN = dt.timedelta(seconds=5)
"""How long a preference that another process changed may still hold here."""
LIKED_FOR = dt.timedelta(days=180)
_MOST_KEPT = 10_000


class Personalization:
    """Preferences of users. ``query`` reads the event store."""

    def __init__(self, state: StateStore, query: Callable[..., Any], privacy: QueryPrivacy,
                 clock: Callable[[], dt.datetime], whoami: Callable[[], str]) -> None:
        self._state, self._query, self._privacy = state, query, privacy
        self._clock, self._whoami = clock, whoami
        self._lock = threading.Lock()
        self._wishing = Fresh(self._read_wishing, READ_AGAIN.total_seconds())
        self._known: dict[tuple[str, str], tuple[dt.datetime, Preference]] = {}

    def preference(self, workspace_id: str, user_id: str) -> Preference:
        """What holds for a user, with the reasons that the user may read."""
        now = self._clock()
        found = self._known.get((workspace_id, user_id))
        if found is not None and now - found[0] < READ_AGAIN:
            return found[1]
        settings, signals = ({}, ()) if (workspace_id, user_id) not in self._wishing.get() else (
            self.settings(workspace_id, user_id), self.signals(workspace_id, user_id))
        preference = decide_preference(settings, signals)
        with self._lock:
            if len(self._known) >= _MOST_KEPT:
                self._known = {}
            self._known[workspace_id, user_id] = (now, preference)
        return preference

    def is_ready(self, workspace_id: str, user_id: str) -> bool:
        """Whether `preference` answers without asking the store."""
        found = self._known.get((workspace_id, user_id))
        if found is not None and self._clock() - found[0] < READ_AGAIN:
            return True
        wishing = self._wishing.ready()
        return wishing is not None and (workspace_id, user_id) not in wishing

    def settings(self, workspace_id: str, user_id: str) -> dict[str, str]:
        """What the user set: ``verbosity`` and ``tone``, empty where the feedback decides."""
        columns = self._state.tables["answer_preferences"].c
        rows = self._state.rows("answer_preferences", columns.workspace_id == workspace_id,
                                columns.user_id == user_id)
        return {"verbosity": rows[0]["verbosity"], "tone": rows[0]["tone"]} if rows else {}

    def signals(self, workspace_id: str, user_id: str) -> tuple[Signal, ...]:
        """What the user's feedback said, oldest first."""
        columns = self._state.tables["preference_signals"].c
        return tuple(Signal(row["at_utc"], row["wish"], row["why"]) for row in self._state.rows(
            "preference_signals", columns.workspace_id == workspace_id,
            columns.user_id == user_id, order="at_utc"))

    def set(self, workspace_id: str, user_id: str, verbosity: str = "", tone: str = "",
            person: str = "") -> Preference:
        """The preference with the user's own settings; an empty one leaves it to the feedback.

        Raises InputError for a user without a name or a value that is not offered.
        """
        if not user_id or len(user_id) > 256:
            raise InputError("no_user", "a preference needs a user", "user_id")
        for name, value, allowed in (("verbosity", verbosity, VERBOSITIES), ("tone", tone, TONES)):
            if value and value not in allowed:
                raise InputError("invalid_value", f"{name} is one of {', '.join(allowed)}", name)
        before = self.settings(workspace_id, user_id)
        row = {"verbosity": verbosity, "tone": tone}
        self._state.delete("answer_preferences", workspace_id=workspace_id, user_id=user_id)
        self._state.insert("answer_preferences", {
            "workspace_id": workspace_id, "user_id": user_id, **row,
            "changed_at_utc": self._clock()})
        self._state.audit(self._clock(), person or self._whoami(), SET,
                          f"{workspace_id}/{user_id}", before, row)
        self._forget(workspace_id, user_id)
        return self.preference(workspace_id, user_id)

    def reset(self, workspace_id: str, user_id: str, person: str = "") -> Preference:
        """The default: settings and everything learned are forgotten."""
        before = self.settings(workspace_id, user_id)
        learned = sum(self._state.delete(table, workspace_id=workspace_id, user_id=user_id)
                      for table in ("preference_signals", "answer_preferences"))
        self._state.audit(self._clock(), person or self._whoami(), RESET,
                          f"{workspace_id}/{user_id}", before, {"forgotten": learned})
        self._forget(workspace_id, user_id)
        return self.preference(workspace_id, user_id)

    def note_feedback(self, workspace_id: str, user_id: str, stars: int, comment: str,
                      output_tokens: int | None = None) -> tuple[Signal, ...]:
        """What a piece of feedback was read as; the comment itself is not kept here."""
        if not user_id:
            return ()
        found = read_signals(self._clock(), stars, comment, output_tokens)
        self._state.insert("preference_signals", *(
            {"signal_id": uuid.uuid4().hex, "workspace_id": workspace_id, "user_id": user_id,
             "at_utc": each.at_utc, "wish": each.wish, "why": each.why} for each in found))
        if found:
            self._forget_old(workspace_id, user_id)
            self._forget(workspace_id, user_id)
        return found

    def suggest(self, workspace_id: str, user_id: str, typed: str) -> tuple[Suggestion, ...]:
        """Up to five of the user's own liked questions near what was typed.

        Empty where the workspace does not allow wordings to be stored.
        """
        if not user_id or not typed.strip() or workspace_id not in self._privacy.allowed():
            return ()
        rows = self._query("personalization/liked_queries", start=self._clock() - LIKED_FOR,
                           workspace_id=workspace_id, user_id=user_id, stars=LIKED_STARS,
                           limit=MOST_LIKED)
        return suggest(typed, [str(each) for each in rows["query_text"]], least=LEAST_SIMILARITY)

    def _forget(self, workspace_id: str, user_id: str) -> None:
        self._wishing.forget()
        self._known.pop((workspace_id, user_id), None)

    def _read_wishing(self) -> frozenset[tuple[str, str]]:
        """Users of whom anything is known, so that nobody else's question waits for the store."""
        return frozenset((row["workspace_id"], row["user_id"])
                         for table in ("answer_preferences", "preference_signals")
                         for row in self._state.rows(table))

    def _forget_old(self, workspace_id: str, user_id: str) -> None:
        """Keep as many signals of a user as the rule looks at, and no more."""
        columns = self._state.tables["preference_signals"].c
        rows = self._state.rows("preference_signals", columns.workspace_id == workspace_id,
                                columns.user_id == user_id, order="at_utc")
        for row in rows[:-MOST_SIGNALS]:
            self._state.delete("preference_signals", signal_id=row["signal_id"])
