"""Cost-quality curves: what quality a policy reaches at which cost, and what that saves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STEPS = 200


@dataclass(frozen=True, slots=True)
class Curve:
    """A policy's points (mean cost in USD and mean quality per prompt) and their hull.

    ``aiq`` is the mean height of the hull over the cost range. ``saving`` is the share of the best
    model's cost that is saved at 95 % of its quality, None where the policy never reaches that:
    on the hull, mixing two points by chance, and ``saving_flat`` at the cheapest single point.
    """

    name: str
    costs: tuple[float, ...]
    qualities: tuple[float, ...]
    hull_costs: tuple[float, ...]
    hull_qualities: tuple[float, ...]
    aiq: float
    saving: float | None
    saving_flat: float | None


@dataclass(frozen=True, slots=True)
class Range:
    """The models' own mean costs, lowest to highest, and the best model's cost and quality."""

    lowest: float
    highest: float
    best_cost: float
    best_quality: float


def range_of(scores: Floats, costs: Floats) -> Range:
    """The range over which curves are compared: columns are models, rows are prompts."""
    cost, quality = costs.mean(axis=0), scores.mean(axis=0)
    best = int(np.lexsort((cost, -quality))[0])
    return Range(float(cost.min()), float(cost.max()), float(cost[best]), float(quality[best]))


def draw_curve(name: str, costs: Sequence[float], qualities: Sequence[float], over: Range,
               keep_ratio: float = 0.95) -> Curve:
    """The curve through the points; see `Curve`.

    Between two points of the hull a policy mixes both by chance, so every cost in between can be
    had. Source: Hu et al., "RouterBench", 2024 (non-decreasing convex hull, AIQ).
    """
    hull_costs, hull_qualities = _hull(np.asarray(costs, float), np.asarray(qualities, float))
    return Curve(name, tuple(costs), tuple(qualities), tuple(hull_costs.tolist()),
                 tuple(hull_qualities.tolist()), _mean_height(hull_costs, hull_qualities, over),
                 _saving(hull_costs, hull_qualities, over, keep_ratio),
                 _saving_flat(costs, qualities, over, keep_ratio))


def sweep(predicted: Floats, expected_costs: Floats, scores: Floats, costs: Floats
          ) -> tuple[list[float], list[float]]:
    """Mean cost and quality of choosing by predicted quality − λ × expected cost, for all λ.

    From the λ that decides by quality alone to the one that decides by cost alone; of the values
    between at which a choice changes, STEPS quantiles.
    """
    changes = []
    for first in range(predicted.shape[1]):
        for second in range(first + 1, predicted.shape[1]):
            gained = predicted[:, first] - predicted[:, second]
            paid = expected_costs[:, first] - expected_costs[:, second]
            changes.append((gained / np.where(paid == 0, np.nan, paid)).ravel())
    found = np.concatenate(changes)
    found = found[np.isfinite(found) & (found > 0)]
    steps = np.quantile(found, np.linspace(0, 1, STEPS)) if found.size else np.zeros(0)
    rows = np.arange(len(scores))
    at_costs, at_qualities = [], []
    largest = float(found.max()) * 2 + 1 if found.size else 1.0
    smallest = float(found.min()) * 1e-6 if found.size else 1e-12  # of equals the cheapest
    for step in (0.0, smallest, *(steps * (1 + 1e-9)).tolist(), largest):
        chosen = (predicted - step * expected_costs).argmax(axis=1)
        at_costs.append(float(costs[rows, chosen].mean()))
        at_qualities.append(float(scores[rows, chosen].mean()))
    return at_costs, at_qualities


def _hull(costs: Floats, qualities: Floats) -> tuple[Floats, Floats]:
    """Vertices of the upper hull from the cheapest point to the best one."""
    kept: list[tuple[float, float]] = []
    for place in np.lexsort((-qualities, costs)):
        cost, quality = float(costs[place]), float(qualities[place])
        if kept and (cost == kept[-1][0] or quality <= kept[-1][1]):
            continue
        while len(kept) >= 2 and ((kept[-1][1] - kept[-2][1]) * (cost - kept[-2][0])
                                  <= (quality - kept[-2][1]) * (kept[-1][0] - kept[-2][0])):
            kept.pop()
        kept.append((cost, quality))
    return np.array([each[0] for each in kept]), np.array([each[1] for each in kept])


def _mean_height(costs: Floats, qualities: Floats, over: Range) -> float:
    """Mean of the hull, level beyond its ends, over the range of costs."""
    if over.highest <= over.lowest:
        return float(np.interp(over.highest, costs, qualities))
    inside = costs[(costs > over.lowest) & (costs < over.highest)]
    at = np.concatenate(([over.lowest], inside, [over.highest]))
    return float(np.trapezoid(np.interp(at, costs, qualities), at) / (over.highest - over.lowest))


def _saving(costs: Floats, qualities: Floats, over: Range, keep_ratio: float) -> float | None:
    wanted = keep_ratio * over.best_quality
    if qualities[-1] < wanted or over.best_cost <= 0:
        return None
    cost = float(costs[0]) if qualities[0] >= wanted else float(
        np.interp(wanted, qualities, costs))
    return 1 - cost / over.best_cost


def _saving_flat(costs: Sequence[float], qualities: Sequence[float], over: Range,
                 keep_ratio: float) -> float | None:
    reached = [cost for cost, quality in zip(costs, qualities, strict=True)
               if quality >= keep_ratio * over.best_quality]
    return 1 - min(reached) / over.best_cost if reached and over.best_cost > 0 else None
