"""The conductor: runs a plan's steps in this process, each recorded, within its limits."""

import datetime as dt
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from brain.decisions.conductor import (
    ENDED,
    Plan,
    PlanLimits,
    PlanStep,
    StepState,
    decide_next,
    order_plan,
)
from brain.decisions.plan_tools import run_tool
from brain.decisions.prompts.templates import read_template, render_template
from brain.decisions.reasons import InputError, Reason
from brain.sources.state import StateStore

LOOK_S = 0.25
"""How often a run looks at its limits while its steps are busy."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
MOST_RUNS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What became of a step; times are milliseconds since the run began."""

    key: str
    kind: str
    state: StepState
    attempts: int = 0
    started_ms: float | None = None
    took_ms: float | None = None
    cost_usd: Decimal = Decimal(0)
    request_id: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What a run came to. ``state`` is done, failed, stopped (a limit) or cancelled."""

    run_id: str
    state: str
    steps: tuple[StepRecord, ...]
    took_ms: float
    cost_usd: Decimal
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class _Run:
    plan: Plan
    limits: PlanLimits
    asker: Mapping[str, str]
    began: float
    cancel: threading.Event
    records: dict[str, StepRecord]
    outputs: dict[str, Any]
    spent: Decimal = Decimal(0)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def gone_ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000


class Conductor:
    """Runs plans. ``ask`` takes a question's fields and gives an answer, ``search`` gives
    passages of a workspace."""

    def __init__(self, state: StateStore, ask: Callable[..., Any],
                 search: Callable[[str, str, int], Any], clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str], rng: random.Random | None = None) -> None:
        self._state, self._ask, self._search = state, ask, search
        self._clock, self._whoami = clock, whoami
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._running: dict[str, threading.Event] = {}

    def run(self, plan: Plan, *, workspace_id: str = "default", user_id: str = "",
            inputs: Mapping[str, Any] | None = None, limits: PlanLimits | None = None,
            person: str = "", run_id: str = "") -> PlanRun:
        """What the plan came to, when it has ended; another thread may cancel it by its id.

        Raises InputError for a plan that cannot run, or steps that name what they do not need.
        """
        limits = limits or PlanLimits()
        order_plan(plan, limits)
        check_references(plan)
        run_id, now = run_id or uuid.uuid4().hex, self._clock()
        cancel = threading.Event()
        self._running[run_id] = cancel
        self._state.insert("plan_runs", {
            "run_id": run_id, "plan_name": plan.name[:128], "workspace_id": workspace_id,
            "state": "running", "person": (person or self._whoami())[:128],
            "started_at_utc": now, "took_ms": None, "cost_usd": "0", "reasons_json": "[]"})
        run = _Run(plan, limits, {"workspace_id": workspace_id, "user_id": user_id},
                   time.perf_counter(), cancel,
                   {step.key: StepRecord(step.key, step.kind, "waiting") for step in plan.steps},
                   {"inputs": dict(inputs or {})})
        try:
            verdict, reasons = self._drive(run_id, run)
        finally:
            del self._running[run_id]
        done = PlanRun(run_id, verdict, tuple(run.records[step.key] for step in plan.steps),
                       run.gone_ms(), run.spent, reasons)
        self._state.update("plan_runs", "run_id", run_id, state=verdict, took_ms=done.took_ms,
                           cost_usd=f"{done.cost_usd:f}", reasons_json=_encode(reasons))
        return done

    def cancel(self, run_id: str) -> bool:
        """Whether a run of this process was told to end; steps under way give up at once."""
        found = self._running.get(run_id)
        if found is not None:
            found.set()
        return found is not None

    def runs(self, most: int = 100) -> list[dict[str, Any]]:
        """The latest runs, newest first, as stored; one that outlived its limit was cut off."""
        rows = self._state.rows("plan_runs", order="started_at_utc")[::-1][:most]
        oldest = self._clock() - dt.timedelta(seconds=2 * PlanLimits().time_s)
        for row in rows:
            if row["state"] == "running" and row["run_id"] not in self._running \
                    and row["started_at_utc"] < oldest:
                row["state"] = "interrupted"
        return rows

    def steps(self, run_id: str) -> list[dict[str, Any]]:
        """The record of a run's steps, in the plan's order, with decoded ``reasons``."""
        column = self._state.tables["plan_steps"].c.run_id
        return [{**row, "reasons": tuple(Reason(*each) for each in json.loads(
            row["reasons_json"]))} for row in self._state.rows(
                "plan_steps", column == run_id, order="step_number")]

    def _drive(self, run_id: str, run: _Run) -> tuple[str, tuple[Reason, ...]]:
        steps = {step.key: step for step in run.plan.steps}
        busy: dict[Future[StepRecord], str] = {}
        deadlines: dict[str, float] = {}
        pool = ThreadPoolExecutor(max_workers=run.limits.parallel, thread_name_prefix="plan")
        try:
            while True:
                states = {key: record.state for key, record in run.records.items()}
                now = decide_next(run.plan, states, run.gone_ms() / 1000, run.spent, run.limits,
                                  cancelled=run.cancel.is_set())
                for key in now.skip:
                    self._end(run_id, run, StepRecord(key, steps[key].kind, "skipped",
                                                      reasons=now.reasons[-1:]))
                if now.verdict:
                    run.cancel.set()
                    for key in busy.values():
                        self._end(run_id, run, _left(run, steps[key], now.reasons))
                    return now.verdict, now.reasons
                for key in now.start:
                    run.records[key] = StepRecord(key, steps[key].kind, "running",
                                                  started_ms=run.gone_ms())
                    deadlines[key] = run.gone_ms() + 1000 * (steps[key].time_s or
                                                             run.limits.time_s)
                    busy[pool.submit(self._do, run, steps[key], deadlines[key])] = key
                done, _ = wait(busy, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    del deadlines[busy.pop(future)]
                    self._end(run_id, run, future.result())
                for future, key in [each for each in busy.items()
                                    if run.gone_ms() > deadlines[each[1]]]:
                    del busy[future]  # its thread ends by itself; what it gives comes too late
                    self._end(run_id, run, _late(run, steps[key]))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _do(self, run: _Run, step: PlanStep, deadline_ms: float) -> StepRecord:
        """The step's record after its last attempt; raises nothing."""
        started, cost = run.gone_ms(), Decimal(0)
        reasons: list[Reason] = []
        for attempt in range(1, step.retries + 2):
            try:
                output, spent, request_id = self._attempt(run, step, deadline_ms)
                cost += spent
                with run.lock:
                    run.spent += spent
                if not output.get("failed"):
                    return StepRecord(step.key, step.kind, "done", attempt, started,
                                      run.gone_ms() - started, cost, request_id, output,
                                      (*reasons, Reason("done", f"{step.key} is done.")))
                code, told = "failed", str(output["failed"])
            except InputError as error:  # the same input would fail again
                return StepRecord(step.key, step.kind, "failed", attempt, started,
                                  run.gone_ms() - started, cost,
                                  reasons=(*reasons, Reason(error.code, error.message)))
            except Exception as error:
                code, told = "failed", f"{type(error).__name__}: {error}"[:300]
            reasons.append(Reason(code, f"Attempt {attempt}: {told}"))
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
            if attempt > step.retries or run.gone_ms() >= deadline_ms \
                    or run.cancel.wait(pause * self._rng.uniform(0.5, 1.0)):
                break
        return StepRecord(step.key, step.kind, "failed", attempt, started,
                          run.gone_ms() - started, cost, reasons=tuple(reasons))

    def _attempt(self, run: _Run, step: PlanStep, deadline_ms: float
                 ) -> tuple[dict[str, Any], Decimal, str]:
        """Output, cost and request id; an output with ``failed`` says why it is none."""
        given = _fill(step.given, run.outputs)
        left_ms = max(1.0, min(deadline_ms, run.limits.time_s * 1000) - run.gone_ms())
        if step.kind == "tool":
            value = run_tool(str(given.pop("tool", "")), given)
            return {"text": value if isinstance(value, str) else json.dumps(value),
                    "value": value}, Decimal(0), ""
        if step.kind == "retrieve":
            found = self._search(run.asker["workspace_id"], str(given.get("query", "")),
                                 int(given.get("limit", 5)))
            return {"text": "\n\n".join(each.text for each in found),
                    "passages": [{"document_id": each.document_id, "name": each.name,
                                  "text": each.text} for each in found]}, Decimal(0), ""
        with run.lock:
            left_usd = run.limits.cost_usd - run.spent
        if left_usd <= 0:
            raise InputError("cost_limit", f"the run may cost {run.limits.cost_usd} USD")
        answer = self._ask(**{**given, **run.asker, "max_latency_ms": left_ms,
                              "max_cost_usd": left_usd})
        output = {"text": answer.text, "model": answer.model, "provider": answer.provider}
        if answer.status != "ok":
            output["failed"] = answer.error or answer.status
        return output, answer.cost_usd or Decimal(0), answer.request_id

    def _end(self, run_id: str, run: _Run, record: StepRecord) -> None:
        if run.records[record.key].state in ENDED:
            return
        run.records[record.key] = record
        if record.state == "done":
            run.outputs[record.key] = record.output
        number = next(place for place, step in enumerate(run.plan.steps)
                      if step.key == record.key)
        self._state.insert("plan_steps", {
            "run_id": run_id, "step_number": number, "step_key": record.key,
            "kind": record.kind, "state": record.state, "attempts": record.attempts,
            "started_ms": record.started_ms, "took_ms": record.took_ms,
            "cost_usd": f"{record.cost_usd:f}", "request_id": record.request_id,
            "reasons_json": _encode(record.reasons)})


def read_plan(given: Mapping[str, Any]) -> Plan:
    """The plan that JSON values describe. Raises InputError naming the field."""
    steps = given.get("steps")
    if not isinstance(steps, list):
        raise InputError("missing_field", "a plan has a list of steps", "steps")
    read = []
    for place, each in enumerate(steps):
        if not isinstance(each, Mapping):
            raise InputError("wrong_type", "a step is an object", f"steps[{place}]")
        for name in each:
            if name not in PlanStep.__dataclass_fields__:
                raise InputError("unknown_field", f"a step takes no {name!r:.40}",
                                 f"steps[{place}]")
        try:
            read.append(PlanStep(
                str(each.get("key", "")), each.get("kind", "ask"), dict(each.get("given", {})),
                tuple(str(need) for need in each.get("needs", ())), int(each.get("retries", 0)),
                None if each.get("time_s") is None else float(each["time_s"]),
                bool(each.get("optional", False))))
        except (TypeError, ValueError) as error:
            raise InputError("invalid_value", f"step {place + 1} cannot be read: {error!s:.120}",
                             f"steps[{place}]") from error
    return Plan(str(given.get("name", "")), tuple(read))


def check_references(plan: Plan) -> None:
    """Nothing, where every text names only the inputs and steps that are needed before it.

    Raises InputError naming the step.
    """
    needs = {step.key: set(step.needs) for step in plan.steps}
    for place, step in enumerate(plan.steps):
        before, further = set(step.needs), set(step.needs)
        while further:
            further = set().union(*(needs[key] for key in further)) - before
            before |= further
        for text in _texts(step.given):
            for name in read_template(text, f"steps[{place}].given").names:
                if name != "inputs" and name not in before:
                    raise InputError("not_needed", f"{step.key} uses {name!r:.60}, which is none "
                                                   "of the steps that it needs",
                                     f"steps[{place}].needs")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value \
        if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in _texts(part)]


def _fill(value: Any, outputs: Mapping[str, Any]) -> Any:
    """A step's fields with earlier outputs in their texts."""
    if isinstance(value, str):
        return render_template(read_template(value), outputs) if "{{" in value else value
    if isinstance(value, Mapping):
        return {name: _fill(each, outputs) for name, each in value.items()}
    return [_fill(each, outputs) for each in value] if isinstance(value, list | tuple) else value


def _left(run: _Run, step: PlanStep, reasons: tuple[Reason, ...]) -> StepRecord:
    started = run.records[step.key].started_ms or 0.0
    return StepRecord(step.key, step.kind, "cancelled", 1, started, run.gone_ms() - started,
                      reasons=reasons)


def _late(run: _Run, step: PlanStep) -> StepRecord:
    started = run.records[step.key].started_ms or 0.0
    return StepRecord(step.key, step.kind, "failed", 1, started, run.gone_ms() - started, reasons=(
        Reason("time_limit", f"{step.key} may take {step.time_s or run.limits.time_s:g} s."),))


def _encode(reasons: tuple[Reason, ...]) -> str:
    return json.dumps([[each.code, each.text[:500]] for each in reasons])
