"""Scores: cost, latency and quality of the candidates, each from 0 (worst) to 100 (best)."""

from collections.abc import Sequence
from dataclasses import dataclass

from brain.decisions.models.catalogue import Priced
from brain.decisions.models.constraints import Ask
from brain.decisions.models.estimates import Expected

WEIGHTS = {
    "high": (0.5, 0.3, 0.2),
    "medium": (0.4, 0.4, 0.2),
    "low": (0.3, 0.4, 0.3),
}
"""Weights of quality, latency and cost in a balanced score, by complexity."""

SINGLE = {"quality": (1.0, 0.0, 0.0), "latency": (0.0, 1.0, 0.0), "cost": (0.0, 0.0, 1.0)}
Pair = tuple[Priced, Expected]


@dataclass(frozen=True, slots=True)
class Scores:
    """Each from 0 to 100; ``total`` is their mean by the weights of the priority."""

    quality: float
    latency: float
    cost: float
    total: float


def score(candidates: Sequence[Pair], ask: Ask) -> list[tuple[Priced, Expected, Scores]]:
    """The candidates with their scores, best first.

    A dimension is scaled over the candidates, so no unit drowns another: 100 × (value − worst) /
    (best − worst), 100 for all where they are alike, and 0 where a figure is unknown. Ties go to
    the better quality, then the lower cost, the lower latency, and the name.
    """
    quality = _scale([_whole(each.quality.value, 1_000_000) for _, each in candidates], 1)
    latency = _scale([_whole(each.latency.value, 1_000) for _, each in candidates], -1)
    cost = _scale([each.cost_pico for _, each in candidates], -1)
    priority = ask.criteria.priority
    weights = SINGLE.get(priority) or WEIGHTS[ask.features.complexity]
    found = []
    for (priced, expected), good, fast, cheap in zip(candidates, quality, latency, cost,
                                                     strict=True):
        total = weights[0] * good + weights[1] * fast + weights[2] * cheap
        found.append((priced, expected, Scores(good, fast, cheap, round(total, 9))))
    return sorted(found, key=lambda each: (-each[2].total, *_tie(each[0], each[1])))


def order_by_cost(candidates: Sequence[Pair], ask: Ask
                  ) -> list[tuple[Priced, Expected, Scores]]:
    """The candidates, cheapest first, with their scores; a tie goes to the better quality."""
    def cost(each: tuple[Priced, Expected, Scores]) -> tuple[object, ...]:
        pico = each[1].cost_pico
        return (pico is None, pico or 0, *_tie(each[0], each[1]))
    return sorted(score(candidates, ask), key=cost)


def _scale(values: list[int | None], sign: int) -> list[float]:
    """0 to 100 by exact division of whole numbers, so that no unit changes an order."""
    known = [each for each in values if each is not None]
    if not known:
        return [0.0] * len(values)
    best, worst = (max(known), min(known)) if sign > 0 else (min(known), max(known))
    if best == worst:
        return [0.0 if each is None else 100.0 for each in values]
    return [0.0 if each is None else 100 * (abs(each - worst) / abs(best - worst))
            for each in values]


def _whole(value: float | None, scale: int) -> int | None:
    return None if value is None else round(value * scale)


def _tie(priced: Priced, expected: Expected) -> tuple[object, ...]:
    quality, latency, cost = expected.quality.value, expected.latency.value, expected.cost_pico
    return (quality is None, -(quality or 0), cost is None, cost or 0, latency is None,
            latency or 0, priced.model.key)
