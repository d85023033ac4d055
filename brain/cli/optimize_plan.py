"""The machine form of ``brain optimize plan``: what would be done, why, and the way back."""

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from brain.cli.health import TargetIn, override_targets
from brain.cli.machine import Form
from brain.decisions.reasons import InputError
from brain.optimization.forms import PlanOut, plan_to_json

if TYPE_CHECKING:
    from brain.decisions.optimization.learning import PastRun

NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class MetricIn(msgspec.Struct, forbid_unknown_fields=True):
    """A metric over its window, made of ``samples`` readings. How long a condition has held is
    read from ``series`` ([seconds, value], oldest first), else it is ``held_s`` (300). ``peak`` is
    the highest of the last hour: no capacity is taken away that it would need."""

    value: float | None
    samples: Count | None = None
    held_s: NotNegative = 300.0
    series: list[tuple[float, float | None]] = []
    peak: NotNegative | None = None


class RouteIn(msgspec.Struct, forbid_unknown_fields=True):
    """A provider that questions may go to."""

    name: str
    weight: NotNegative = 1.0
    error_pct: NotNegative | None = None
    latency_p95_ms: NotNegative | None = None


class PlatformIn(msgspec.Struct, forbid_unknown_fields=True):
    """What can be changed, as it is now; ``can`` names the actions that can be done (all)."""

    replicas: Count | None = None
    cache_capacity_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)] | None = None
    cache_ttl_s: NotNegative | None = None
    cpu_milli: Count | None = None
    memory_mib: Count | None = None
    routes: list[RouteIn] = []
    can: list[str] | None = None


class RunIn(msgspec.Struct, forbid_unknown_fields=True):
    """A run that is over: when, as ``age_s`` or ``at_s`` with the line's ``now_s``; its measured
    ``gain``, and whether capacity went up or down (told by the strategy where left out)."""

    strategy: str
    age_s: NotNegative | None = None
    at_s: float | None = None
    situation: str = ""
    verdict: Literal["improved", "no_change", "worse", "unclear", "cancelled",
                     "recommended"] = "unclear"
    rolled_back: bool = False
    capacity: Literal["", "up", "down"] | None = None
    gain: float | None = None


class PlanIn(msgspec.Struct, forbid_unknown_fields=True):
    """Metrics by name, each a number, null or an object; history; configuration (what is left out
    is as delivered). ``rejected`` of ``requests`` were turned away for want of capacity. ``only``
    names one strategy to plan whatever its conditions say."""

    metrics: dict[str, float | MetricIn | None]
    platform: PlatformIn = msgspec.field(default_factory=PlatformIn)
    rejected: Count | None = None
    requests: Count | None = None
    history: list[RunIn] = []
    configuration: dict[str, float | bool | str | None] = {}
    targets: list[TargetIn] = []
    running: bool = False
    now_s: float | None = None
    only: str = ""


def prepare_plan(_: Namespace) -> Callable[[Any], PlanOut]:
    """The function that plans one line."""
    from brain.decisions.optimization.actions import Platform, Route
    from brain.decisions.optimization.configuration import require_configuration
    from brain.decisions.optimization.metrics import Metric
    from brain.decisions.optimization.plan import Situation, decide_plan
    from brain.decisions.targets import TARGETS

    def plan(given: PlanIn) -> PlanOut:
        try:
            rules = require_configuration(given.configuration)
        except InputError as error:
            raise InputError(error.code, error.message,
                             f"configuration.{error.field}") from error
        targets = override_targets(given.targets) if given.targets else TARGETS
        seen = {name: Metric(each.value, each.samples, each.held_s, tuple(each.series),
                              each.peak)
                if isinstance(each, MetricIn) else Metric(each)
                for name, each in given.metrics.items()}
        there = given.platform
        platform = Platform(
            there.replicas, there.cache_capacity_bytes, there.cache_ttl_s, there.cpu_milli,
            there.memory_mib, tuple(Route(each.name, each.weight, each.error_pct,
                                          each.latency_p95_ms) for each in there.routes),
            None if there.can is None else frozenset(there.can))
        history = tuple(_read_run(run, number, given.now_s)
                        for number, run in enumerate(given.history))
        try:
            return plan_to_json(decide_plan(Situation(seen, platform, given.rejected, history,
                                                   given.running, given.only, given.requests),
                                             rules, targets))
        except InputError as error:
            where = error.field if error.field == "only" else f"metrics.{error.field}"
            raise InputError(error.code, error.message, where) from error
    return plan


def _read_run(run: RunIn, number: int, now_s: float | None) -> "PastRun":
    from brain.decisions.optimization.learning import PastRun
    from brain.decisions.optimization.strategies import BY_KEY, CAPACITY
    age_s = run.age_s
    if age_s is None:
        if run.at_s is None or now_s is None:
            raise InputError("missing_field", "a run needs age_s, or at_s with the line's now_s",
                             f"history[{number}].age_s")
        age_s = max(0.0, now_s - run.at_s)
    capacity = run.capacity
    if capacity is None:
        strategy = BY_KEY.get(run.strategy)
        kinds = [step.kind for step in strategy.steps] if strategy else []
        ways: list[Literal["", "up", "down"]] = [
            "up" if kind == "scale_up" else "down" for kind in kinds if kind in CAPACITY]
        capacity = ways[0] if ways else ""
    return PastRun(run.strategy, age_s, run.situation, run.verdict, run.rolled_back, capacity,
                   run.gain)


FORM = Form(PlanIn, PlanOut, prepare_plan)
