"""The optimizer's rules over days of real load: which capacity actions it would take, and when."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from brain.decisions.optimization.actions import Platform
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.learning import PastRun
from brain.decisions.optimization.metrics import Metric
from brain.decisions.optimization.plan import Situation, decide_plan

RUN_S = 330.0
"""A run takes its pause and one window."""


@dataclass(frozen=True, slots=True)
class Act:
    """One capacity action: when, which way, replicas before and after."""

    at_s: float
    way: str
    before: int
    after: int


def replay(load_rps: np.ndarray, step_s: float, replica_rps: float, replicas: int,
           rules: Configuration | None = None) -> list[Act]:
    """Capacity actions on a load, looked at every step, as the rules alone decide them.

    A replica serves ``replica_rps``; CPU is the used share, and what does not fit waits.
    """
    acts: list[Act] = []
    cpu: list[tuple[float, float]] = []
    loads: list[float] = []
    queue = 0.0
    for number, load in enumerate(load_rps):
        now = number * step_s
        room = replicas * replica_rps
        queue = max(0.0, queue + (load - room) * step_s)
        queue = min(queue, 1000.0)
        use = min(100.0, 100 * load / room)
        cpu = [*cpu[-6:], (now, use)]
        loads = [*loads[-int(3600 / step_s):], load]
        peak = min(100.0, 100 * max(loads) / room)
        if now < 3600 or (acts and now - acts[-1].at_s < RUN_S):
            continue
        seen = {"cpu_pct": Metric(use, series=tuple(cpu), peak=peak), "memory_pct": Metric(35.0),
                "queue_depth": Metric(queue), "throughput_per_s": Metric(min(load, room)),
                "error_pct": Metric(0.1), "success_pct": Metric(99.9)}
        history = tuple(PastRun("emergency_scale_up" if act.way == "up" else "efficiency",
                                now - act.at_s - RUN_S, verdict="improved", gain=0.2,
                                capacity=act.way)  # type: ignore[arg-type]
                        for act in acts[-20:])
        found = decide_plan(Situation(seen, Platform(replicas=replicas, can=frozenset(
            {"scale_up", "scale_down"})), history=history), rules)
        for action in found.actions:
            after = action.after["replicas"]
            acts.append(Act(now, "up" if after > replicas else "down", replicas, after))
            replicas, cpu = after, []
    return acts


def most_per_hour(acts: list[Act]) -> int:
    """The most actions in any hour."""
    times = np.array([act.at_s for act in acts])
    return max((int(((times >= at) & (times < at + 3600)).sum()) for at in times), default=0)


def flips(acts: list[Act]) -> int:
    """Capacity taken away within an hour of adding it, or to and fro and to again in two hours.

    Capacity added within an hour of taking it away, once, is a surge and no flip-flop: an
    emergency is not made to wait.
    """
    back = sum(later.way == "down" and earlier.way == "up" and later.at_s - earlier.at_s < 3600
               for earlier, later in pairwise(acts))
    return back + sum(first.way == third.way != second.way and third.at_s - first.at_s < 7200
                      for first, second, third in zip(acts, acts[1:], acts[2:], strict=False))


def surges(acts: list[Act]) -> int:
    """Capacity added within an hour of taking it away."""
    return sum(later.way == "up" and earlier.way == "down" and later.at_s - earlier.at_s < 3600
               for earlier, later in pairwise(acts))
