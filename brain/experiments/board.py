"""The verbs of experiments: define, run, assign, measure, decide."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from brain.decisions.assignment.choosing import Assignment
from brain.decisions.experiment import (
    KEPT,
    PAST,
    Action,
    Definition,
    Experiment,
    next_state,
    read_definition,
    shares_traffic,
)
from brain.decisions.experiment_steps import Step
from brain.decisions.reasons import InputError, Reason
from brain.events import Event
from brain.experiments.assigning import Assigning
from brain.experiments.records import AllocationRow, ExperimentChange, ExperimentRecords
from brain.experiments.samples import SAMPLES, demo_experiments
from brain.sources.state import StateStore

if TYPE_CHECKING:
    from analytics.experiments.series import Calls
    from brain.experiments.results import ImportedSeries, Overlap, Results, SegmentResults

_STAMPS: dict[Action, str] = {"start": "started_at_utc", "pause": "paused_at_utc",
                              "stop": "stopped_at_utc", "decide": "decided_at_utc"}


class Experiments:
    """Experiments of one platform. Every change is audited with person and reason.

    ``query`` reads the event store, ``record`` writes events; both are the engine's.
    """

    def __init__(self, state: StateStore, query: Callable[..., pd.DataFrame],
                 record: Callable[[str, Sequence[Event]], int], clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._query, self._clock, self._whoami = state, query, clock, whoami
        self.records = ExperimentRecords(state, clock)
        self._assigning = Assigning(self.records, record, clock)

    # definition

    def list(self) -> tuple[Experiment, ...]:
        """Every experiment, by key."""
        return self.records.all()

    def get(self, key: str) -> Experiment:
        """The experiment of this key. Raises LookupError for an unknown one."""
        return self.records.get(key)

    def create(self, definition: Definition, person: str = "") -> Experiment:
        """The new draft; see `brain.decisions.experiment.read_definition`.

        Raises InputError naming the field for what cannot be used or a key that is taken.
        """
        draft = replace(read_definition(definition), created_at_utc=self._clock())
        return self.records.add(draft, self._who(person))

    def change(self, key: str, definition: Definition, person: str = "") -> Experiment:
        """The draft as defined anew. What has begun is not changed: its results would mix.

        Raises LookupError for an unknown key, InputError naming the field.
        """
        wanted = read_definition(definition)

        def work(before: Experiment) -> Experiment:
            if before.state != "draft":
                raise InputError("wrong_state", f"{key} is {before.state}: only a draft can be "
                                                "changed", "state")
            if wanted.key != key:
                raise InputError("key_changed", "an experiment keeps its key", "key")
            return replace(wanted, **{name: getattr(before, name) for name in KEPT})
        return self._change(key, work, "changed", person)

    def remove(self, key: str, person: str = "") -> None:
        """Forget a draft or an imported experiment.

        Raises LookupError for an unknown key, InputError for one that has run here.
        """
        found = self.records.get(key)
        if found.state != "draft" and not found.is_imported:
            raise InputError("wrong_state", f"{key} is {found.state}: what has run is kept",
                             "state")
        self.records.remove(key, self._who(person))
        self._assigning.forget()

    def load_samples(self, person: str = "") -> tuple[Experiment, ...]:
        """The sample experiments as drafts, those left out whose keys are taken."""
        taken = {each.key for each in self.records.all()}
        return tuple(self.create(each, person) for each in SAMPLES if each["key"] not in taken)

    # life

    def start(self, key: str, person: str = "", reason: str = "") -> Experiment:
        """The experiment, running; a canary begins with the first step of its ramp.

        Raises LookupError for an unknown key, InputError in a wrong state, as all of these do.
        """
        def work(given: Experiment) -> Experiment:
            ratio = given.ramp.steps_pct[0] / 100 if given.kind == "canary" \
                else given.traffic_ratio
            return replace(given, traffic_ratio=ratio)
        found = self._act(key, "start", person, reason, work)
        self._allocate(found, reason or "started")
        return found

    def pause(self, key: str, person: str = "", reason: str = "") -> Experiment:
        """The experiment, paused: nobody is assigned, everybody sees the product as it is."""
        return self._act(key, "pause", person, reason)

    def resume(self, key: str, person: str = "", reason: str = "") -> Experiment:
        """The experiment, running again."""
        return self._act(key, "resume", person, reason)

    def ramp(self, key: str, traffic_ratio: float, person: str = "",
             reason: str = "") -> Experiment:
        """The experiment with another share of units taking part; none changes its variant.

        A share of 0 takes the variants back and should go with a pause. Raises InputError for
        a share outside 0 to 1.
        """
        if not 0 <= traffic_ratio <= 1:
            raise InputError("out_of_range", "traffic_ratio must be between 0 and 1",
                             "traffic_ratio")
        found = self._act(key, "ramp", person, reason,
                          lambda given: replace(given, traffic_ratio=traffic_ratio))
        last = self.records.allocations(key)
        self._allocate(found, reason or f"ramped to {traffic_ratio:.4g}",
                       last[-1].shares if last else None)
        return found

    def stop(self, key: str, person: str = "", reason: str = "") -> Experiment:
        """The experiment, stopped: no more units, results stay readable."""
        return self._act(key, "stop", person, reason)

    def decide(self, key: str, variant: str, person: str = "", reason: str = "") -> Experiment:
        """The experiment, decided for a variant (the control's key: nothing changes).

        Raises InputError for an unknown variant or without a reason.
        """
        if not reason.strip():
            raise InputError("empty", "a decision needs a reason", "reason")

        def work(given: Experiment) -> Experiment:
            if variant not in given.shares:
                raise InputError("unknown_variant", f"{key} has no variant {variant!r:.80}",
                                 "variant")
            return replace(given, decided_variant=variant, decision_reason=reason.strip(),
                           stopped_at_utc=given.stopped_at_utc or self._clock())
        return self._act(key, "decide", person, reason, work)

    def history(self, key: str) -> tuple[ExperimentChange, ...]:
        """Every change of an experiment, newest first, also of one that was removed."""
        return self.records.history(key)

    def undo_last(self, key: str, person: str = "") -> Experiment:
        """The experiment as before its last change; undoing twice brings the change back.

        Raises LookupError for an unknown key, InputError where the change cannot be undone: a
        creation, and a start after which units were exposed.
        """
        last = next(iter(self.records.history(key)), None)
        if last is None or self.records.find(key) is None:
            raise LookupError(f"there is no experiment {key!r:.80}")
        if last.before is None:
            raise InputError("nothing_to_undo", f"{key} was never changed; a draft can be removed",
                             "key")
        import msgspec
        before = msgspec.convert(last.before, Experiment)
        if before.state == "draft" and self.records.get(key).state != "draft" \
                and self._exposed(key):
            raise InputError("exposed_already", f"units have been exposed to {key}: stop it "
                                                "instead", "key")
        ratio = self.records.get(key).traffic_ratio
        found = self._change(key, lambda _: before, "change undone", person, last.action)
        if found.traffic_ratio != ratio and (rows := self.records.allocations(key)):
            self._allocate(found, f"{last.action} undone", rows[-1].shares)
        return found

    def allocations(self, key: str) -> tuple[AllocationRow, ...]:
        """Every allocation of a ramp or a bandit, oldest first."""
        return self.records.allocations(key)

    def reallocate(self, key: str, shares: Mapping[str, float],
                   reasons: tuple[Reason, ...]) -> AllocationRow:
        """The allocation of a bandit from now on: shares of its variants, with reasons."""
        row = self.records.allocate(key, self.get(key).traffic_ratio, shares, reasons)
        self._assigning.forget()
        return row

    def overlaps(self, key: str) -> "tuple[Overlap, ...]":
        """Draft, running and paused experiments that a unit of this one can take part in too."""
        from brain.experiments.results import Overlap
        this = self.get(key)
        found = []
        for other in self.records.all():
            if other.is_imported or other.state not in ("draft", "running", "paused") \
                    or not shares_traffic(this, other):
                continue
            same = this.namespace and other.namespace and this.namespace.key == other.namespace.key
            found.append(Overlap(other, "Their parts of the namespace overlap." if same else
                                 "No namespace keeps them apart; they are assigned "
                                 "independently."))
        return tuple(found)

    # units

    def assign(self, key: str, unit_id: str,
               attributes: Mapping[str, Any] | None = None) -> Assignment:
        """The unit's variant, or none with the reason; microseconds unless it is sticky.

        An unknown experiment is an answer too. Units of sticky experiments and of bandits are
        remembered with the share that their variant had.
        """
        return self._assigning.assign(key, unit_id, attributes or {})

    def expose(self, key: str, unit_id: str, variant: str, *, workspace_id: str = "default",
               user_id: str = "", session_id: str = "", source: str = "api") -> bool:
        """Whether this is the unit's first exposure, which is recorded; once per unit.

        Units that are forced into a variant are not recorded. Raises LookupError for an unknown
        experiment, InputError for an unknown variant or an experiment that does not run.
        """
        return self._assigning.expose(key, unit_id, variant, workspace_id=workspace_id,
                                      user_id=user_id, session_id=session_id, source=source)

    # results

    def results(self, key: str, metric: str | None = None,
                now: dt.datetime | None = None) -> "Results":
        """Everything the experiment has shown up to ``now``; ``metric`` leads as primary.

        Raises LookupError for an unknown key or metric.
        """
        from brain.experiments.reading import read_results
        return read_results(self.get(key), self._state, self._query, self.records,
                            now or self._clock(), metric)

    def segments(self, key: str, dimension: str, metric: str | None = None,
                 now: dt.datetime | None = None) -> "tuple[SegmentResults, ...]":
        """The effect by ``device``, ``region``, ``plan``, ``workspace`` or ``model``.

        Raises LookupError for an unknown key or metric, InputError for another dimension.
        """
        from brain.experiments.segmenting import read_segments
        plans = {row["workspace_id"]: row["plan"] for row in self._state.rows("workspaces")}
        return read_segments(self.get(key), self._query, now or self._clock(), dimension, metric,
                             plans)

    def import_series(self, path: Path, person: str = "") -> "ImportedSeries":
        """What importing experiments with their cumulative statistics (the ASOS form) brought.

        Raises InputError for a file that cannot be read or lacks a column.
        """
        from brain.experiments.imported import import_series
        return import_series(path, self._state, self.records, self._clock(), self._who(person))

    def peeking(self) -> "Calls":
        """Of all imported series: what naive peeking, the sequential reading and the last look
        call a difference."""
        from brain.experiments.imported import count_imported_calls
        return count_imported_calls(self._state)

    def next_step(self, key: str, now: dt.datetime | None = None) -> Step:
        """What the console would do with the experiment now, and why; see `decide_step`.

        Raises LookupError for an unknown key.
        """
        from brain.experiments.watching import look
        moment = now or self._clock()
        return look(self.get(key), self.results(key, now=moment), self.records, self._query,
                    moment)

    def run_once(self) -> int:
        """How many running experiments were ramped, halted, stopped or given new shares.

        Demonstration experiments are left to run. Whoever halts a ramp pauses the experiment.
        """
        from brain.experiments.watching import run_once
        return run_once(self)

    # demonstration

    def register_demo(self, described: Mapping[str, Any]) -> int:
        """How many experiments of the demonstration were registered; ``described`` is its record
        of true effects."""
        added = 0
        for each in demo_experiments(described):
            if self.records.find(each.key) is None:
                self.records.add(each, self._who(""))
                self._allocate(each, "started", at_start=True)
                added += 1
        return added

    def remove_demo(self) -> int:
        """How many demonstration experiments were removed."""
        shown = [each for each in self.records.all() if each.is_demo]
        for each in shown:
            self.records.remove(each.key, self._who(""))
        self._assigning.forget()
        return len(shown)

    def _act(self, key: str, action: Action, person: str, reason: str,
             further: Callable[[Experiment], Experiment] = lambda given: given) -> Experiment:
        def work(given: Experiment) -> Experiment:
            if given.is_imported and action != "decide":
                raise InputError("imported", f"{key} was imported: it runs elsewhere", "key")
            state = next_state(given, action)
            stamp: dict[str, Any] = \
                {_STAMPS[action]: self._clock()} if action in _STAMPS else {}
            return replace(further(given), state=state, **stamp)
        return self._change(key, work, PAST[action], person, reason)

    def _change(self, key: str, work: Callable[[Experiment], Experiment], action: str,
                person: str, reason: str = "") -> Experiment:
        found = self.records.replace(key, work, action, self._who(person), reason[:4_000])
        self._assigning.forget()
        return found

    def _allocate(self, given: Experiment, why: str,
                  shares: Mapping[str, float] | None = None, at_start: bool = False) -> None:
        self.records.allocate(given.key, given.traffic_ratio, shares or given.shares,
                              (Reason("by_hand", why[:1_000]),),
                              given.started_at_utc if at_start else None)

    def _exposed(self, key: str) -> bool:
        from brain.experiments.measuring import count_exposures
        return count_exposures(self._query, key) > 0

    def _who(self, person: str) -> str:
        return person or self._whoami()
