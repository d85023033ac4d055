"""The drill: a squeezed worker pool under real questions, found, doubled, proven; then a planted
change for the worse, found and taken back."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from brain.decisions.load_tests import Profile, plan_arrivals
from brain.decisions.models.catalogue import Model
from brain.optimization import reading
from brain.optimization.desk import Planned
from brain.optimization.history import to_line
from brain.optimization.records import Run

if TYPE_CHECKING:
    from brain.engine import Engine

PROVIDER, MODEL = "drill", "drill-model"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """A pool of ``slots`` that serves slots / latency questions a second, asked more than that.

    The short queue soon stands still, full, so that what is measured does not drift. Short
    windows, so that the drill takes a minute; the rules are otherwise those in force.
    """

    slots: int = 2
    latency_ms: float = 400.0
    rate_per_s: float = 6.5
    queue: int = 8
    window_s: float = 12.0
    stabilization_s: float = 4.0
    planted_slots: int = 1


@dataclass(frozen=True, slots=True)
class Drilled:
    """What came of both halves; ``slots`` are those before, after, and at the end."""

    helped: Run
    planted: Run
    slots: tuple[int, int, int]


class DrillFailedError(RuntimeError):
    """The drill did not go as it must; the message says where."""


def run_drill(engine: "Engine", plan: DrillPlan, say: Say) -> Drilled:
    """Both halves of the drill, on an engine that nobody else uses. Takes real time.

    Raises DrillFailedError where the optimizer does not find, prove or take back what it should.
    """
    knobs, desk = engine.gateway.knobs, engine.optimization
    prepare(engine, plan)
    say(f"{plan.slots} worker slots, answers take {plan.latency_ms:g} ms: room for "
        f"{1000 * plan.slots / plan.latency_ms:g} questions a second. "
        f"{plan.rate_per_s:g} a second are asked.")
    with Load(engine, plan) as load:
        load.watch(plan.window_s + 3)
        begun = desk.run(person="drill")
        if isinstance(begun, Planned):
            raise DrillFailedError("nothing was found: " + " ".join(
                each.text for each in begun.plan.reasons))
        doubled = knobs.read().worker_slots
        say(f"Found and done: {to_line(begun).title}, {to_line(begun).actions}. Measuring.")
        helped = load.until_over(begun.run_id)
        line = to_line(helped)
        say(f"{line.verdict}: {line.why}")
        if (helped.verdict, helped.rolled_back) != ("improved", False):
            raise DrillFailedError(f"the change was not proven: {line.verdict}, {line.why}")
        say(f"Planted: {plan.planted_slots} worker slots in the place of {doubled}.")
        planted = load.until_over(_plant(engine, plan).run_id)
        line = to_line(planted)
        say(f"{line.verdict}: {line.why}")
        end = knobs.read().worker_slots
        say(f"Worker slots now: {end}.")
    if not planted.rolled_back or end != doubled:
        raise DrillFailedError(f"the planted change was not taken back: {line.why}")
    return Drilled(helped, planted, (plan.slots, doubled, end))


def prepare(engine: "Engine", plan: DrillPlan) -> None:
    """A simulated provider, a squeezed pool, and short windows."""
    from brain.gateway.providers import ProviderConfig
    engine.gateway.providers.put(ProviderConfig(
        PROVIDER, "simulated", models=(Model(MODEL, quality=0.5, latency_ms=plan.latency_ms),),
        options={"places": 10_000, "queue": 10_000,
                 "profile": {"latency_ms": plan.latency_ms, "spread": 0.2, "tokens": 4}}),
        "drill")
    engine.gateway.knobs.apply("drill", worker_slots=plan.slots)
    engine.gateway.slots.resize(plan.slots, plan.queue)
    engine.optimization.configure({
        "window_s": plan.window_s, "stabilization_s": plan.stabilization_s,
        "hold_factor": plan.window_s / 300, "cool_down_s": 0, "actuator": "engine"}, "drill")


class Load:
    """Questions that go on in a thread of their own, while this one lets the optimizer look."""

    def __init__(self, engine: "Engine", plan: DrillPlan) -> None:
        self._engine, self._over = engine, threading.Event()
        # A second is planned at a time, so that the load ends soon after it is not needed.
        self._second = Profile("drill", "", plan.rate_per_s, 1.0)
        self._thread = threading.Thread(target=self._ask, name="drill load", daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def watch(self, seconds: float) -> None:
        """Let the optimizer look once or twice a second for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._engine.drain()  # what the server's own job does
            self._engine.optimization.tick()
            self._over.wait(0.4)

    def until_over(self, run_id: str) -> Run:
        """The run when it is over; a run takes two windows and little more."""
        rules = self._engine.optimization.configuration()
        until = time.monotonic() + 3 * rules.window_s + rules.stabilization_s + 60
        while time.monotonic() < until:
            self.watch(0.4)
            run = self._engine.optimization.book.find(run_id)
            if run.is_over:
                return run
        raise DrillFailedError("the run does not end")

    def _ask(self) -> None:
        import asyncio

        from brain.gateway.question import Question
        from brain.load_driving import Ask, drive

        async def ask(text: str) -> str:
            answer = await self._engine.gateway.answer(Question(
                text=text, workspace_id="drill", provider=PROVIDER, model=MODEL, use_cache=False,
                use_knowledge=False))
            return "" if answer.status == "ok" else answer.error

        async def work(ask: Ask) -> None:
            rng = np.random.default_rng(1)
            waiting: set[asyncio.Task[None]] = set()
            while not self._over.is_set():
                due = plan_arrivals(self._second, rng).tolist()
                task = asyncio.create_task(_drive(due, ask))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                await asyncio.sleep(1.0)
            if waiting:
                await asyncio.wait(waiting, timeout=20)

        async def _drive(due: list[float], ask: Ask) -> None:
            await drive(due, ask)
        asyncio.run(work(ask))


def _plant(engine: "Engine", plan: DrillPlan) -> Run:
    """A run that makes it worse, begun as a person's would be but planned by nobody."""
    desk = engine.optimization
    rules, now = desk.configuration(), engine.clock()
    observed = reading.observe(engine, rules, now)
    slots = engine.gateway.knobs.read().worker_slots
    run = Run(uuid.uuid4().hex, now, "drill", "drill", "efficiency", "engine", due_at_utc=now,
              body={"title": "Planted change", "rules": asdict(replace(rules)),
                    "goal": "generation_latency_p95_ms", "situation": "planted",
                    "wanted": {"replicas": plan.planted_slots}, "expected": {"replicas": slots},
                    "before": observed.window})
    return desk.begin(run, "planted by the drill")
