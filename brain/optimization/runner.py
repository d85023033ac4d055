"""One run as a state machine: every step is committed before what it stands for is done.

A step that is done twice does nothing the second time, so a process that is killed anywhere
leaves a run that the next one carries on, or rolls back from its checkpoint.
"""

import datetime as dt
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from brain.decisions.optimization.configuration import Configuration, check_configuration
from brain.decisions.optimization.judging import LOOKS, Judgement, judge_run
from brain.decisions.targets import Target
from brain.optimization.actuators import Actuator, ActuatorError
from brain.optimization.records import Run, RunBook

Window = dict[str, list[float | None]]
RETRY = dt.timedelta(seconds=2)
UNTOUCHED = ("planned", "checkpointed")
SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a runner needs of the platform; ``tell`` hears of each thing worth a note or alert.

    ``measure`` gives each metric's samples of [start, end) under an actuator's rules.
    ``tell(event, run, text)`` has event finished or alert, and may come twice after a crash.
    """

    clock: Callable[[], dt.datetime]
    actuator: Callable[[str, Configuration], Actuator]
    measure: Callable[[dt.datetime, dt.datetime, Configuration], Window]
    targets: Callable[[], Mapping[str, Target]]
    tell: Callable[[str, Run, str], None]


class Runner:
    """Carries runs on under one owner's lease."""

    def __init__(self, book: RunBook, owner: str, around: Surroundings) -> None:
        self._book, self._owner, self._around = book, owner, around
        self._steps: Mapping[str, Callable[[Run], Run]] = {
            "planned": self._take_checkpoint, "checkpointed": self._announce,
            "applying": self._apply, "stabilizing": self._begin_to_measure,
            "measuring": self._judge, "judged": self._follow_verdict,
            "rolling_back": self._roll_back, "learning": self._finish}

    def carry_on(self, run: Run) -> Run:
        """The run after every step that is due now; not over where it has to wait."""
        while not run.is_over and run.due_at_utc <= self._around.clock():
            run = self._steps[run.step](run)
        return run

    def recover(self, run: Run) -> Run:
        """A run that another process left, made ready to be carried on.

        One that changed nothing yet is cancelled. One cut off while it acted, or that waited for
        longer than a window beyond its time, is rolled back: what it did cannot be proven.
        """
        late = self._around.clock() - run.due_at_utc
        if run.step in UNTOUCHED:
            return self._to(run, "learning", "a stop of the program came before anything was "
                            "changed", verdict="cancelled")
        window = dt.timedelta(seconds=rules_of(run).window_s)
        if run.step == "applying" or (run.step in ("stabilizing", "measuring")
                                      and late > max(window, 30 * SECOND)):
            return self._to(run, "rolling_back", "a stop of the program cut the run off",
                            verdict="unclear", body={"cut_off": True})
        return run

    def stop(self, run: Run, person: str) -> Run:
        """The run on its way back: cancelled where nothing was changed, else rolled back."""
        note = f"stopped by {person}"
        if run.step in UNTOUCHED:
            return self._to(run, "learning", note, verdict="cancelled")
        if run.step in ("rolling_back", "learning", "finished"):
            return run
        return self._to(run, "rolling_back", note, verdict="unclear", body={"stopped_by": person})

    # the steps

    def _take_checkpoint(self, run: Run) -> Run:
        if run.actuator == "recommend":
            return self._to(run, "learning", "recommended: a person applies it or not",
                            verdict="recommended")
        try:
            checkpoint = self._actuator(run).read()
        except ActuatorError as error:
            return self._to(run, "learning", f"the state cannot be read: {error.message}",
                            verdict="cancelled")
        expected = run.body["expected"]
        moved = [name for name, value in expected.items()
                 if name != "routing_weights" and checkpoint.get(name) != value]
        if moved:
            return self._to(run, "learning", f"{', '.join(moved)} changed since the plan was made",
                            verdict="cancelled")
        return self._to(run, "checkpointed", "the state to go back to is kept",
                        body={"checkpoint": {name: checkpoint.get(name) for name in expected}})

    def _announce(self, run: Run) -> Run:
        return self._to(run, "applying", "the change begins")

    def _apply(self, run: Run) -> Run:
        try:
            self._actuator(run).apply(run.body["wanted"], run.body["checkpoint"])
        except ActuatorError as error:
            unclear = error.code == "unclear"
            return self._to(run, "rolling_back" if unclear else "learning",
                            f"not applied: {error.message}",
                            verdict="unclear" if unclear else "cancelled")
        now = self._around.clock()
        return self._to(run, "stabilizing", "applied; waiting until it has settled",
                        due=now + rules_of(run).stabilization_s * SECOND,
                        body={"applied_at": now.isoformat()})

    def _begin_to_measure(self, run: Run) -> Run:
        start = run.due_at_utc
        return self._to(run, "measuring", "measuring the same metrics again",
                        due=start + rules_of(run).window_s * SECOND,
                        body={"measured_from": start.isoformat(), "look": 1})

    def _judge(self, run: Run) -> Run:
        rules = rules_of(run)
        start, look = dt.datetime.fromisoformat(run.body["measured_from"]), run.body["look"]
        after = self._around.measure(start, run.due_at_utc, rules)
        found = judge_run(run.body["before"], after, run.body["goal"], rules,
                          np.random.default_rng(zlib.crc32(run.run_id.encode()) + look), look,
                          self._around.targets(), run.body.get("demand_unmet", False))
        told = {"after": after, "judgement": to_json(found)}
        if found.act == "watch" and look < LOOKS:
            return self._to(run, "measuring", found.reasons[0].text + " One more window.",
                            due=run.due_at_utc + rules.window_s * SECOND,
                            body={**told, "look": look + 1})
        return self._to(run, "judged", found.reasons[0].text, verdict=found.verdict, body=told)

    def _follow_verdict(self, run: Run) -> Run:
        if run.body["judgement"]["act"] == "roll_back":
            return self._to(run, "rolling_back", "taken back")
        return self._to(run, "learning", "kept")

    def _roll_back(self, run: Run) -> Run:
        """Back to the checkpoint, read back; what others changed since is left as they made it."""
        tried = run.body.get("attempts", 0)
        checkpoint, wanted = run.body["checkpoint"], run.body["wanted"]
        if tried >= rules_of(run).rollback_attempts:
            text = (f"{run.strategy} could not be rolled back in {tried} attempts: "
                    f"{run.body.get('rollback_error', 'none are allowed')}")
            self._around.tell("alert", run, text)
            return self._to(run, "learning", text, body={"rollback_failed": True})
        try:
            actuator = self._actuator(run)
            now = actuator.read()
            ours = {name: value for name, value in checkpoint.items()
                    if now.get(name) != value and now.get(name) == wanted.get(name)}
            foreign = [name for name, value in checkpoint.items()
                       if now.get(name) != value and name not in ours]
            if ours:
                actuator.apply(ours, {name: now.get(name) for name in ours})
                now = actuator.read()
            left = [name for name in ours if now.get(name) != checkpoint[name]]
            if left:
                raise ActuatorError("not_back", f"{', '.join(left)} is not back")
        except ActuatorError as error:
            return self._to(run, "rolling_back", f"attempt {tried + 1} failed: {error.message}",
                            due=self._around.clock() + RETRY,
                            body={"attempts": tried + 1, "rollback_error": error.message})
        if foreign:
            text = f"{', '.join(foreign)} was changed by others since and is left as it is"
            self._around.tell("alert", run, text)
            return self._to(run, "learning", text, rolled_back=bool(ours),
                            body={"attempts": tried + 1, "foreign": foreign})
        return self._to(run, "learning", "rolled back, and read back to be sure",
                        rolled_back=True, body={"attempts": tried + 1})

    def _finish(self, run: Run) -> Run:
        self._around.tell("finished", run, "")
        return self._to(run, "finished", "recorded", ended=self._around.clock())

    def _to(self, run: Run, step: str, note: str, *, due: dt.datetime | None = None,
            verdict: str = "", rolled_back: bool = False, ended: dt.datetime | None = None,
            body: Mapping[str, Any] | None = None) -> Run:
        now = self._around.clock()
        after = replace(run, step=step, due_at_utc=due or now, verdict=verdict or run.verdict,
                        rolled_back=rolled_back or run.rolled_back, ended_at_utc=ended,
                        body={**run.body, **(body or {})})
        return self._book.advance(run, after, self._owner, now, note)

    def _actuator(self, run: Run) -> Actuator:
        return self._around.actuator(run.actuator, rules_of(run))


def rules_of(run: Run) -> Configuration:
    """The configuration that the run began with."""
    return check_configuration(run.body["rules"])[0]


def to_json(found: Judgement) -> dict[str, Any]:
    """A judgement as the run keeps it."""
    return {"verdict": found.verdict, "act": found.act, "goal": found.goal,
            "changes": [asdict(each) for each in found.changes],
            "reasons": [asdict(each) for each in found.reasons]}
