"""Assigning units and recording their exposures, once each."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brain.decisions.assignment.choosing import UNKNOWN_EXPERIMENT, Assigner, Assignment
from brain.decisions.experiment import Experiment, for_assignment
from brain.decisions.reasons import InputError
from brain.events import Event, Exposure
from brain.experiments.records import ExperimentRecords

READ_AGAIN = dt.timedelta(seconds=1)
"""How long a change by another process may stay unseen."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """An experiment made ready, its shares, and when it was read."""

    experiment: Experiment | None
    assigner: Assigner | None
    shares: Mapping[str, float]
    read_at_utc: dt.datetime


class Assigning:
    """Assigns from experiments kept ready in memory; ``forget`` after a change."""

    def __init__(self, records: ExperimentRecords,
                 record: Callable[[str, Sequence[Event]], int],
                 clock: Callable[[], dt.datetime]) -> None:
        self._records, self._record, self._clock = records, record, clock
        self._ready: dict[str, _Ready] = {}

    def forget(self) -> None:
        """Read experiments anew when they are next asked for."""
        self._ready = {}

    def assign(self, key: str, unit_id: str, attributes: Mapping[str, Any]) -> Assignment:
        """The unit's variant, or none with the reason."""
        now = self._clock()
        ready = self._look_up(key, now)
        if ready.experiment is None or ready.assigner is None:
            return UNKNOWN_EXPERIMENT
        if not ready.assigner.experiment.sticky or ready.experiment.state != "running":
            return ready.assigner.assign(unit_id, attributes, now)
        kept = self._records.unit(key, unit_id)
        found = ready.assigner.assign(unit_id, attributes, now, kept["variant"] if kept else None)
        if found.variant is not None and found.is_counted and (
                kept is None or kept["variant"] != found.variant):
            self._records.keep_unit(key, unit_id, found.variant, ready.shares[found.variant])
        return found

    def expose(self, key: str, unit_id: str, variant: str, *, workspace_id: str, user_id: str,
               session_id: str, source: str) -> bool:
        """Whether this is the unit's first exposure, which is then safe on disk."""
        now = self._clock()
        ready = self._look_up(key, now)
        given = ready.experiment
        if given is None:
            raise LookupError(f"there is no experiment {key!r:.80}")
        if not unit_id or len(unit_id) > 256:
            raise InputError("no_unit", "unit_id has 1 to 256 characters", "unit_id")
        if variant not in given.shares:
            raise InputError("unknown_variant", f"{key} has no variant {variant!r:.80}", "variant")
        if unit_id in given.forced:
            return False
        if given.state not in ("running", "paused"):  # a page seen before the pause still counts
            raise InputError("wrong_state", f"{key} is {given.state}: no exposures are taken",
                             "experiment")

        def write() -> None:
            number = hashlib.sha256(f"{key}\0{unit_id}".encode()).hexdigest()[:40]
            self._record("exposures", [Exposure(
                event_id=f"exposure-{number}", at_utc=now, workspace_id=workspace_id,
                user_id=user_id or (unit_id if given.unit == "user" else ""),
                session_id=session_id or (unit_id if given.unit == "session" else ""),
                source=source, experiment_key=key, variant=variant, unit_id=unit_id)])
        before = self._records.expose_unit(key, unit_id, variant,
                                           ready.shares.get(variant, 0.0), write)
        return before is None

    def _look_up(self, key: str, now: dt.datetime) -> _Ready:
        ready = self._ready.get(key)
        if ready is not None and now - ready.read_at_utc < READ_AGAIN:
            return ready
        given = self._records.find(key)
        shares: Mapping[str, float] = given.shares if given else {}
        if given and given.kind == "bandit" and (rows := self._records.allocations(key)):
            shares = rows[-1].shares
        ready = _Ready(given, Assigner(for_assignment(given, shares)) if given else None, shares,
                       now)
        if len(self._ready) > 10_000:  # unknown keys must not fill the memory
            self._ready = {}
        self._ready[key] = ready
        return ready
