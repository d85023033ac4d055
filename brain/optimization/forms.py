"""A plan as machines read it: by the command line, over HTTP, and in the record of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from brain.decisions.optimization.actions import Action
from brain.decisions.optimization.plan import Candidate, Plan
from brain.decisions.reasons import Reason


class ReasonOut(msgspec.Struct, frozen=True):
    """Why a decision is as it is: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


class StrategyOut(msgspec.Struct, frozen=True):
    """A strategy: its state, what triggered, and what its own record says."""

    strategy: str
    title: str
    priority: int
    state: str
    metric: str
    held_s: float
    risk: str
    expected_gain: float
    runs: int
    success_share: float | None
    gain_low: float | None
    gain_high: float | None
    reasons: list[ReasonOut]


class ActionOut(msgspec.Struct, frozen=True):
    """One change, absolute values by name; both sides are empty where the present is unknown."""

    kind: str
    factor: float
    mode: str
    before: dict[str, Any]
    after: dict[str, Any]


class ExpectedOut(msgspec.Struct, frozen=True):
    """What should come of it; ``cost_usd_per_h`` is the change. Null is unknown; ``…_low`` and
    ``…_high`` bound a value at 95 %, by the samples of the window."""

    metric: str
    gain: float | None
    low: float | None
    high: float | None
    latency_p95_ms: float | None
    error_pct: float | None
    cost_usd_per_h: float | None
    latency_p95_ms_low: float | None = None
    latency_p95_ms_high: float | None = None
    error_pct_low: float | None = None
    error_pct_high: float | None = None
    cost_usd_per_h_low: float | None = None
    cost_usd_per_h_high: float | None = None


class ScoreOut(msgspec.Struct, frozen=True):
    """The performance score, 0.0 to 1.0, with each metric's part (0 to 1) and weight."""

    score: float | None
    parts: dict[str, float]
    weights: dict[str, float]
    missing: tuple[str, ...]


class PlanOut(msgspec.Struct, frozen=True):
    """The plan; ``strategy`` is null for nothing to do. ``rollback`` is in the order to do it."""

    strategy: str | None
    triggered: list[str]
    actions: list[ActionOut]
    rollback: list[ActionOut]
    expected: ExpectedOut | None
    risk: str | None
    goal: str
    situation: str
    strategies: list[StrategyOut]
    score: ScoreOut
    demand_unmet: bool
    reasons: list[ReasonOut]


def plan_to_json(found: Plan) -> PlanOut:
    """A plan as the machine form tells it."""
    expected = found.expected
    ranges = (expected.latency, expected.errors, expected.cost) if expected else ()
    return PlanOut(
        found.strategy.key if found.strategy else None,
        [each.strategy.key for each in found.triggered],
        _actions(found.actions), _actions(found.rollback),
        None if expected is None else ExpectedOut(
            expected.metric, expected.gain, expected.low, expected.high,
            *(each.value if each else None for each in ranges),
            *(bound for each in ranges for bound in ((each.low, each.high) if each
                                                     else (None, None)))),
        found.strategy.risk if found.strategy else None, found.goal, found.situation,
        [_strategy(each) for each in found.candidates],
        ScoreOut(found.score.score, {each.metric: each.score for each in found.score.parts},
                 {each.metric: each.weight for each in found.score.parts}, found.score.missing),
        found.demand_unmet, _reasons(found.reasons))


def _strategy(each: Candidate) -> StrategyOut:
    record = each.record
    return StrategyOut(each.strategy.key, each.strategy.title, each.strategy.priority, each.state,
                       each.metric, each.held_s, each.strategy.risk, record.gain, record.runs,
                       record.success_share, record.low, record.high, _reasons(each.reasons))


def _actions(given: Sequence[Action]) -> list[ActionOut]:
    return [ActionOut(each.kind, each.factor, each.mode, _plain(each.before), _plain(each.after))
            for each in given]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value
            for name, value in values.items()}


def _reasons(given: tuple[Reason, ...]) -> list[ReasonOut]:
    return [ReasonOut(each.code, each.text) for each in given]
