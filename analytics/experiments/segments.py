"""Segments and time: does the effect differ by device, region, plan, or from day to day?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analytics.experiments.effects import Effect, estimate_effect
from analytics.experiments.statistics import CannotTell, Statistic

TOO_FEW_SEGMENTS = CannotTell("too_few_segments", "Fewer than two segments have an effect.")
TOO_FEW_POINTS = CannotTell("too_few_points", "A trend takes at least three periods.")


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Cochran's Q over segments: ``p_value`` is small where effects differ more than by chance.

    ``pooled`` is their precision-weighted mean; ``inconsistency_ratio`` (I², 0..1) the share of
    their spread that is more than chance.
    """

    p_value: float
    q: float
    pooled: float
    inconsistency_ratio: float


@dataclass(frozen=True, slots=True)
class Trend:
    """Straight line through effects over time: slope per step with its standard error."""

    slope: float
    standard_error: float
    p_value: float


def effects_by_segment(segments: Mapping[str, tuple[Statistic, Statistic]],
                       is_relative: bool) -> dict[str, Effect | CannotTell]:
    """The effect within each segment, from its control and treatment; exploration only."""
    return {name: estimate_effect(control, treatment, is_relative)
            for name, (control, treatment) in segments.items()}


def check_heterogeneity(effects: Sequence[Effect | CannotTell]) -> Heterogeneity | CannotTell:
    """Whether effects of disjoint segments differ; segments without an effect are left out.

    Source: Cochran, "The Combination of Estimates from Different Experiments", 1954.
    """
    known = [each for each in effects if isinstance(each, Effect)]
    if len(known) < 2:
        return TOO_FEW_SEGMENTS
    estimate, precision = _arrays(known)
    pooled = float((precision * estimate).sum() / precision.sum())
    q = float((precision * (estimate - pooled) ** 2).sum())
    df = len(known) - 1
    return Heterogeneity(float(special.chdtrc(df, q)), q, pooled,
                         max(0.0, 1 - df / q) if q > 0 else 0.0)


def check_novelty(effects: Sequence[Effect | CannotTell]) -> Trend | CannotTell:
    """Trend of the effects of disjoint periods, oldest first: a novelty wears off, a skill grows.

    Weighted least squares with known standard errors. Periods without an effect are gaps.
    """
    places = [place for place, each in enumerate(effects) if isinstance(each, Effect)]
    known = [each for each in effects if isinstance(each, Effect)]
    if len(known) < 3:
        return TOO_FEW_POINTS
    estimate, precision = _arrays(known)
    x = np.asarray(places, float)
    x = x - (precision * x).sum() / precision.sum()
    spread = float((precision * x * x).sum())
    slope = float((precision * x * estimate).sum()) / spread
    error = 1 / math.sqrt(spread)
    return Trend(slope, error, float(2 * special.ndtr(-abs(slope) / error)))


def _arrays(known: Sequence[Effect]) -> tuple[np.ndarray, np.ndarray]:
    estimate = np.array([each.estimate for each in known])
    return estimate, np.array([each.standard_error ** -2 for each in known])
