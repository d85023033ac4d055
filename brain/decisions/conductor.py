"""Plans of steps that depend on each other: whether one can run, and what to start next."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from brain.decisions.reasons import InputError, Reason

StepKind = Literal["ask", "retrieve", "tool"]
StepState = Literal["waiting", "running", "done", "failed", "skipped", "cancelled"]
KINDS: tuple[StepKind, ...] = ("ask", "retrieve", "tool")
ENDED: frozenset[StepState] = frozenset({"done", "failed", "skipped", "cancelled"})


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What one run of a plan may take at most."""

    steps: int = 50
    parallel: int = 8
    time_s: float = 120.0
    cost_usd: Decimal = Decimal(1)
    retries: int = 3
    """Most retries that one step may ask for."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step: ``given`` is what its kind takes; texts in it may name earlier outputs.

    An ``optional`` step may fail without ending the run; what needs it is then skipped.
    """

    key: str
    kind: StepKind
    given: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    retries: int = 0
    time_s: float | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in any order; their needs say which comes first."""

    name: str
    steps: tuple[PlanStep, ...]


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """The steps in waves: all of one may run at once, when the waves before it are done."""

    waves: tuple[tuple[str, ...], ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What to do now: steps to start, steps that can never run, and whether the run is over.

    ``verdict`` is empty while it goes on, else done, failed, stopped or cancelled.
    """

    start: tuple[str, ...]
    skip: tuple[str, ...]
    verdict: Literal["", "done", "failed", "stopped", "cancelled"]
    reasons: tuple[Reason, ...]


def order_plan(plan: Plan, limits: PlanLimits) -> PlanOrder:
    """The plan's waves.

    Raises InputError for no or too many steps, a key used twice, an unknown need, a cycle (told
    step by step), or more retries or time than the limits allow.
    Source: Kahn, "Topological sorting of large networks", 1962.
    """
    _check_steps(plan, limits)
    needs = {step.key: set(step.needs) for step in plan.steps}
    waves: list[tuple[str, ...]] = []
    while needs:
        ready = tuple(key for key, waits in needs.items() if not waits)
        if not ready:
            told = " → ".join(_find_cycle(needs))
            raise InputError("cycle", f"these steps wait for each other: {told}", "steps")
        waves.append(ready)
        needs = {key: waits - set(ready) for key, waits in needs.items() if key not in ready}
    widest = max(len(wave) for wave in waves)
    reasons = [Reason("ordered", f"{len(plan.steps)} steps in {len(waves)} waves, at most "
                                 f"{min(widest, limits.parallel)} at once.")]
    if widest > limits.parallel:
        reasons.append(Reason("parallel_limit", f"{widest} steps could run at once; "
                                                f"{limits.parallel} may."))
    return PlanOrder(tuple(waves), tuple(reasons))


def decide_next(plan: Plan, states: Mapping[str, StepState], elapsed_s: float,
                spent_usd: Decimal, limits: PlanLimits, *, cancelled: bool = False) -> NextSteps:
    """What a run does now, from the state of each step, the time gone and the money spent.

    Steps start in the plan's order. A failed step that is not optional ends the run: nothing new
    starts. Time or money used up ends it too, and says so.
    """
    running = sum(1 for state in states.values() if state == "running")
    if cancelled:
        return _end(states, "cancelled", Reason("cancelled", "Someone cancelled the run."))
    failed = [step.key for step in plan.steps
              if states[step.key] == "failed" and not step.optional]
    if failed:
        return _end(states, "failed", Reason("step_failed", f"{failed[0]} failed, and the run "
                                                            "cannot do without it."))
    if elapsed_s >= limits.time_s:
        return _end(states, "stopped", Reason("time_limit", f"The run may take {limits.time_s:g} s "
                                                            f"and has taken {elapsed_s:.3g} s."))
    if spent_usd >= limits.cost_usd and any(state == "waiting" for state in states.values()):
        return _end(states, "stopped", Reason("cost_limit", f"The run may cost {limits.cost_usd} "
                                                            f"USD and has cost {spent_usd} USD."))
    skip = _unreachable(plan, states)
    waiting = [step for step in plan.steps
               if states[step.key] == "waiting" and step.key not in skip]
    ready = [step.key for step in waiting if all(states[need] == "done" for need in step.needs)]
    start = tuple(ready[:max(0, limits.parallel - running)])
    if not waiting and not running:
        return NextSteps((), skip, "done", (Reason("all_ended", "Every step has ended."),))
    reasons = [Reason("started", f"{', '.join(start)} can run: what they need is there.")] \
        if start else [Reason("waiting", "What could start next waits for a running step.")]
    reasons += [Reason("skipped", f"{key} is skipped: what it needs did not come.")
                for key in skip]
    return NextSteps(start, skip, "", tuple(reasons))


def _check_steps(plan: Plan, limits: PlanLimits) -> None:
    if not plan.steps:
        raise InputError("no_steps", "a plan needs at least one step", "steps")
    if len(plan.steps) > limits.steps:
        raise InputError("too_many_steps", f"a plan may have {limits.steps} steps, not "
                                           f"{len(plan.steps)}", "steps")
    known = [step.key for step in plan.steps]
    for place, step in enumerate(plan.steps):
        where = f"steps[{place}]"
        if not step.key or len(step.key) > 64 or not step.key.replace("_", "").isalnum():
            raise InputError("invalid_key", "a step's key has 1 to 64 letters, digits or _",
                             f"{where}.key")
        if known.count(step.key) > 1:
            raise InputError("double_key", f"two steps are called {step.key}", f"{where}.key")
        if step.kind not in KINDS:
            raise InputError("unknown_kind", f"{step.kind!r:.40} is no kind of step; there are "
                                             f"{', '.join(KINDS)}", f"{where}.kind")
        for need in step.needs:
            if need not in known:
                raise InputError("unknown_need", f"{step.key} needs {need!r:.64}, which is no "
                                                 "step of the plan", f"{where}.needs")
        if not 0 <= step.retries <= limits.retries:
            raise InputError("too_many_retries", f"a step may be retried {limits.retries} times",
                             f"{where}.retries")
        if step.time_s is not None and not 0 < step.time_s <= limits.time_s:
            raise InputError("out_of_range", f"time_s of a step is above 0 and at most "
                                             f"{limits.time_s:g}", f"{where}.time_s")


def _find_cycle(needs: Mapping[str, AbstractSet[str]]) -> Sequence[str]:
    """A chain of steps from one back to itself; each waits for the next."""
    seen: list[str] = []
    key = next(iter(needs))
    while key not in seen:
        seen.append(key)
        key = min(need for need in needs[key] if need in needs)
    return [*seen[seen.index(key):], key]


def _end(states: Mapping[str, StepState],
         verdict: Literal["failed", "stopped", "cancelled"], reason: Reason) -> NextSteps:
    waiting = tuple(key for key, state in states.items() if state == "waiting")
    return NextSteps((), waiting, verdict, (reason,))


def _unreachable(plan: Plan, states: Mapping[str, StepState]) -> tuple[str, ...]:
    """Waiting steps that can never run, since something they need, near or far, did not come."""
    lost = {key for key, state in states.items() if state in ("failed", "skipped", "cancelled")}
    found: list[str] = []
    changed = True
    while changed:
        changed = False
        for step in plan.steps:
            if states[step.key] == "waiting" and step.key not in lost \
                    and any(need in lost for need in step.needs):
                lost.add(step.key)
                found.append(step.key)
                changed = True
    return tuple(found)
