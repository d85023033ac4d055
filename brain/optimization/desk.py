"""The verbs of optimization: plan, run, carry on, stop, roll back, configure, look back."""

import datetime as dt
import os
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.learning import Record, summarize_record
from brain.decisions.optimization.plan import Plan, Situation, decide_plan
from brain.decisions.optimization.strategies import BY_KEY
from brain.decisions.reasons import InputError
from brain.optimization import history, reading
from brain.optimization.actuators import (
    Actuator,
    ActuatorError,
    KnobActuator,
    KubernetesActuator,
    RecommendActuator,
)
from brain.optimization.configuring import ConfigurationBook
from brain.optimization.forms import plan_to_json
from brain.optimization.records import LostLeaseError, Run, RunBook
from brain.optimization.runner import Runner, Surroundings

if TYPE_CHECKING:
    from brain.engine import Engine

DEMO_WINDOW_S = 3600.0
"""The demonstration has few requests in five minutes."""
QUIET_AFTER = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan made now, with what it was made of. ``fault`` says why the actuator cannot act."""

    plan: Plan
    observed: reading.Observed
    rules: Configuration
    fault: str = ""


class Optimization:
    """Optimization of one platform; any number of processes may call it, one of them runs."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.settings = ConfigurationBook(engine.state)
        self.book = RunBook(engine.state)
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._runner = Runner(self.book, self._owner, Surroundings(
            engine.clock, self.actuator, self._measure, engine.targets, self._tell))
        self._mine: set[str] = set()
        self._lock = threading.RLock()
        self._timer: tuple[float, dt.datetime] | None = None
        self._busy_at: dt.datetime | None = None
        self.last_look: tuple[dt.datetime, Plan] | None = None

    # looking

    def configuration(self) -> Configuration:
        """What holds now."""
        return self.settings.read()

    def configure(self, changes: Mapping[str, Any], person: str = "") -> Configuration:
        """The configuration with the changes, in force at once. Raises InputError with every
        rule that was broken, having changed nothing, or where the role is too low."""
        who = self._allow("configure", person)
        return self.settings.change(changes, self._engine.clock(), who)

    def undo_configuration(self, person: str = "") -> Configuration:
        """The configuration as before its last change. Raises LookupError for none."""
        return self.settings.undo(self._engine.clock(), self._allow("configure", person))

    def plan(self, only: str = "", *, is_demo: bool | None = None) -> Planned:
        """What would be done now; changes nothing. ``only`` chooses a strategy by hand.

        Where no real requests came in the window but there is a demonstration, the plan is made
        of its data, and nothing can be run from it. Raises InputError for an unknown strategy.
        """
        rules, now = self.configuration(), self._engine.clock()
        observed = reading.observe(self._engine, rules, now, is_demo=bool(is_demo))
        if is_demo is None and not observed.requests and self._engine.has_demo():
            wide = replace(rules, window_s=max(rules.window_s, DEMO_WINDOW_S))
            demo = reading.observe(self._engine, wide, now, is_demo=True)
            observed = demo if demo.requests else observed
        actuator, fault = self.actuator(rules.actuator, rules), ""
        try:
            state = actuator.read()
        except ActuatorError as error:
            state, fault = {}, error.message
        platform = reading.read_platform(self._engine, state, actuator.can, observed)
        past = history.to_past([run for run in self.book.runs()
                                if run.is_demo == observed.is_demo], now)
        found = decide_plan(Situation(observed.seen, platform, observed.rejected, past,
                                      self.book.open_run() is not None, only,
                                      observed.requests or None), rules,
                            self._engine.targets())
        if found.strategy and not fault and rules.actuator != "recommend" and not any(
                each.after for each in found.actions):
            fault = "the values that it would change are not known"
        return Planned(found, observed, rules, fault)

    def current(self) -> Run | None:
        """The run that is under way."""
        return self.book.open_run()

    def runs(self, start: dt.datetime | None = None, end: dt.datetime | None = None,
             limit: int | None = 100) -> list[Run]:
        """Runs of a span, newest first."""
        return self.book.runs(start, end, limit)

    def records(self, *, is_demo: bool = False) -> tuple[Record, ...]:
        """What each strategy's own runs say; those of the demonstration say it for themselves."""
        past = history.to_past([run for run in self.book.runs() if run.is_demo == is_demo],
                               self._engine.clock())
        return tuple(summarize_record(each, past) for each in BY_KEY.values())

    # acting

    def run(self, only: str = "", person: str = "") -> Run | Planned:
        """The run that was begun, or the plan where it says that nothing is to be done.

        Raises InputError where a run is under way here or in another process, or the role of
        who asks is too low.
        """
        return self._run(only, self._allow("run", person), "person")

    def _run(self, only: str, who: str, cause: str) -> Run | Planned:
        with self._lock:
            self._claim()
            self._engine.drain()
            planned = self.plan(only, is_demo=False)
            if planned.plan.strategy is None or planned.fault:
                return planned
            return self.begin(_new_run(planned, self._engine.clock(), cause, who), "planned")

    def begin(self, run: Run, note: str) -> Run:
        """A new run after what is due of it. Raises InputError where another one is under way."""
        with self._lock:
            self._claim()
            self.book.begin(run, self._owner, note)
            self._mine.add(run.run_id)
            self._engine.audit("optimization begun", run.run_id, None, {
                "strategy": run.strategy, "cause": run.cause, "wanted": run.body["wanted"]},
                run.person)
            return self._runner.carry_on(run)

    def tick(self) -> Run | None:
        """The run after what is due now: a run carried on, or one begun by an automatic look.

        Any process may call it at any time; only the one with the lease does anything.
        """
        with self._lock:
            self._sample()
            run, rules = self.book.open_run(), self.configuration()
            due = self._is_look_due(rules)
            if run is None and not due:
                return None
            if not self._take_lease():
                return None
            try:
                if run is not None:
                    return self._carry_on(run)
                planned = self.plan(is_demo=False)
                self.last_look = (self._engine.clock(), planned.plan)
                if planned.plan.strategy is None or planned.fault:
                    return None
                found = self._run("", "schedule", "schedule")
                return found if isinstance(found, Run) else None
            except LostLeaseError:
                return None

    def stop(self, person: str = "") -> Run:
        """The run under way, ended: rolled back where it had changed anything. Raises
        LookupError where none is, InputError where it is another process's or the role is too
        low."""
        who = self._allow("stop", person)
        with self._lock:
            run = self.book.open_run()
            if run is None:
                raise LookupError("no optimization is under way")
            self._claim(running=False)
            self._mine.add(run.run_id)
            self._engine.audit("optimization stopped", run.run_id, {"step": run.step}, None, who)
            return self._runner.carry_on(self._runner.stop(run, who))

    def roll_back(self, run_id: str, person: str = "") -> Run:
        """The run that takes a past one back. Raises LookupError for an unknown one, InputError
        saying why its checkpoint does not hold any more, or that the role is too low."""
        who = self._allow("roll_back", person)
        with self._lock:
            old = self.book.find(run_id)
            if why := self.why_not_back(old):
                raise InputError("checkpoint_invalid", why, "run_id")
            now = self._engine.clock()
            run = Run(uuid.uuid4().hex, now, "rollback", who, old.strategy,
                      old.actuator, "rolling_back", now, "cancelled", body={
                          "undoes": run_id, "rules": old.body["rules"],
                          "checkpoint": old.body["checkpoint"], "wanted": old.body["wanted"],
                          "expected": old.body["wanted"], "goal": old.body.get("goal", "")})
            self._engine.audit("optimization rollback asked for", run_id, None, None, run.person)
            return self.begin(run, f"run {run_id} is taken back")

    def why_not_back(self, run: Run) -> str:
        """Why a run cannot be taken back; "" where it can."""
        if not run.is_over or not run.body.get("applied_at") or run.is_demo:
            return "this run is not over, or changed nothing"
        if run.rolled_back or any(each.body.get("undoes") == run.run_id and each.rolled_back
                                  for each in self.book.runs()):
            return "this run was rolled back already"
        try:
            now = self.actuator(run.actuator, self.configuration()).read()
        except ActuatorError as error:
            return f"the state cannot be read: {error.message}"
        moved = [name for name, value in run.body["wanted"].items() if now.get(name) != value]
        return f"{', '.join(moved)} was changed since" if moved else ""

    def alerts(self) -> tuple[str, ...]:
        """Rollbacks of the last day that failed, or that met changes of others, in words."""
        day = self._engine.clock() - dt.timedelta(days=1)
        return tuple(self.book.steps(run.run_id)[-2]["note"] for run in self.book.runs(day)
                     if run.is_over and (run.body.get("rollback_failed")
                                         or run.body.get("foreign")))

    def marks(self, start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
        """Marks of runs for every time chart."""
        return history.list_marks(self.book.runs(start - dt.timedelta(days=2), end), start, end)

    def actuator(self, name: str, rules: Configuration) -> Actuator:
        """What carries actions out."""
        if name == "kubernetes":
            return KubernetesActuator(self._engine.scaling.scaler, rules.target)
        knobs = KnobActuator(self._engine.gateway.knobs)
        return knobs if name == "engine" else RecommendActuator(knobs)

    def close(self) -> None:
        """Let another process run optimizations at once."""
        self.book.give_up_lease(self._owner)

    def _carry_on(self, run: Run) -> Run:
        if run.run_id not in self._mine:
            run = self._runner.recover(run)
            self._mine.add(run.run_id)
        return self._runner.carry_on(run)

    def _claim(self, *, running: bool = True) -> None:
        if not self._take_lease():
            raise InputError("busy", "another process runs optimizations: ask it, or wait until "
                                     "its lease is over")
        if running and self.book.open_run() is not None:
            raise InputError("busy", "an optimization is under way; only one at a time")

    def _take_lease(self) -> bool:
        return self.book.take_lease(self._owner, self._engine.clock(),
                                    self._engine.settings.optimization.lease_s)

    def _is_look_due(self, rules: Configuration) -> bool:
        """Whether it is time to look by itself; another interval begins anew."""
        now = self._engine.clock()
        if not rules.automatic:
            self._timer = None
            return False
        if self._timer is None or self._timer[0] != rules.interval_min:
            self._timer = (rules.interval_min, now)
            return False
        if now - self._timer[1] < dt.timedelta(minutes=rules.interval_min):
            return False
        self._timer = (rules.interval_min, now)
        return True

    def _sample(self) -> None:
        """Samples of the worker pool while it works, and a minute longer."""
        now, pool = self._engine.clock(), self._engine.gateway.slots.state()
        if pool.in_use or pool.waiting:
            self._busy_at = now
        if self._busy_at is not None and now - self._busy_at <= QUIET_AFTER:
            reading.sample_gateway(self._engine)

    def _measure(self, start: dt.datetime, end: dt.datetime,
                 rules: Configuration) -> dict[str, list[float | None]]:
        self._engine.drain()
        return reading.measure(self._engine, start, end, rules)

    def _tell(self, event: str, run: Run, text: str) -> None:
        if event == "alert":
            self._engine.audit("optimization alert", run.run_id, None, {"critical": text},
                               run.person)
        else:
            self._engine.audit("optimization finished", run.run_id, None, {
                "strategy": run.strategy, "verdict": run.verdict,
                "rolled_back": run.rolled_back}, run.person)

    def why_not(self, action: str) -> str:
        """Why who asks may not run, stop, roll_back or configure; "" where it may."""
        return self._engine.access.why_not(f"optimization.{action}")

    def _allow(self, action: str, person: str) -> str:
        """Who does it, for the record. Raises InputError where the role is too low."""
        actor = self._engine.access.require(f"optimization.{action}")
        return person or actor.name


def _new_run(planned: Planned, now: dt.datetime, cause: str, person: str) -> Run:
    plan, observed = planned.plan, planned.observed
    if plan.strategy is None:
        raise InputError("nothing_to_do", "the plan does nothing")
    wanted: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for action in plan.actions:
        wanted |= _plain(action.after)
        expected |= _plain(action.before)
    rules = asdict(planned.rules)
    return Run(uuid.uuid4().hex, now, cause, person, plan.strategy.key, planned.rules.actuator,
               due_at_utc=now, body={
                   "plan": msgspec.to_builtins(plan_to_json(plan)), "rules": rules,
                   "goal": plan.goal, "situation": plan.situation, "wanted": wanted,
                   "expected": expected, "before": observed.window,
                   "measured_before_from": observed.start.isoformat(),
                   "demand_unmet": plan.demand_unmet,
                   "told": [f"{each.kind} ×{each.factor:g}" for each in plan.actions]})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value
            for name, value in values.items()}
