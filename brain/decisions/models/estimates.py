"""What a request is expected to cost, take and be worth on one model, with 95 % intervals."""

import math
from dataclasses import dataclass
from typing import Literal

from brain.decisions.models.catalogue import Measured, Priced
from brain.decisions.models.features import Features

Basis = Literal["declared", "measured", "predicted", "unknown"]
OutputBasis = Literal["told", "measured", "assumed"]
PRIOR_WEIGHT = 20
"""Observations that a declared figure counts for beside measured ones."""
OUTPUT_PER_INPUT = 2
"""Output by input tokens until a ratio was measured: 1:2."""
DECLARED_FACTOR = 2.0
"""A declared latency, and an assumed output length, may be off by this factor either way."""
_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """An expected value with its interval, and what it rests on; all None if unknown."""

    value: float | None
    lower: float | None
    upper: float | None
    basis: Basis


UNKNOWN = Estimate(None, None, None, "unknown")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one model. Costs are whole pico-USD, latency ms, quality 0–100."""

    input_tokens: int
    output_tokens: int
    cost_pico: int | None
    cost_lower_pico: int | None
    cost_upper_pico: int | None
    latency: Estimate
    quality: Estimate
    output_basis: OutputBasis
    requests: int
    error_ratio: float | None


def expect(priced: Priced, features: Features, most_output_tokens: int | None = None,
           predicted_quality: float | None = None) -> Expected:
    """What the request is expected to cost, take and be worth on the model.

    A declared figure is a prior of PRIOR_WEIGHT observations: quality is the mean of both by
    their counts, latency their geometric mean. A quality predicted for this very prompt takes
    the place of both.
    """
    model = priced.model
    whole, own = measured_of(priced, features.task_class)
    tokens = features.input_tokens
    for name, count in features.model_tokens:
        if name == model.name:
            tokens = count
    most = min((limit for limit in (model.max_output_tokens, most_output_tokens)
                if limit is not None), default=None)
    output, shortest, longest, output_basis = _expect_output(features, tokens, whole, own, most)
    cost = _cost(priced, tokens, output)
    quality = _clip_quality(predicted_quality) if predicted_quality is not None else \
        _expect_quality(model.quality, whole, own)
    seen = whole or own
    return Expected(
        tokens, output, cost, _cost(priced, tokens, shortest), _cost(priced, tokens, longest),
        _expect_latency(model.latency_ms, whole, own), quality, output_basis,
        seen.requests if seen else 0,
        seen.errors / seen.requests if seen and seen.requests else None)


def measured_of(priced: Priced, task_class: str) -> tuple[Measured | None, Measured | None]:
    """What was measured over all tasks, and in one class; None where nothing was."""
    whole = own = None
    for each in priced.model.measured:
        if each.task_class == "":
            whole = each
        elif each.task_class == task_class:
            own = each
    return whole, own


def _expect_output(features: Features, tokens: int, whole: Measured | None, own: Measured | None,
                   most: int | None) -> tuple[int, int, int, OutputBasis]:
    """Expected output tokens, the fewest and the most likely, and what they rest on."""
    basis: OutputBasis
    if features.output_tokens is not None:
        basis, middle, factor = "told", features.output_tokens, 1.0
    else:
        seen = next((each for each in (own, whole) if each is not None
                     and each.output_ratio is not None and each.requests), None)
        if seen is not None and seen.output_ratio is not None:
            basis, middle = "measured", math.ceil(tokens * seen.output_ratio)
            factor = DECLARED_FACTOR ** (1 / math.sqrt(1 + seen.requests / PRIOR_WEIGHT))
        else:
            basis, middle, factor = "assumed", tokens * OUTPUT_PER_INPUT, DECLARED_FACTOR
    longest = math.ceil(middle * factor)
    if most is not None:
        middle, longest = min(middle, most), min(longest, most)
    return middle, min(int(middle / factor), middle), longest, basis


def _cost(priced: Priced, tokens: int, output: int) -> int | None:
    """Exact pico-USD, None if a class with tokens has no price."""
    if (tokens and priced.input_pico is None) or (output and priced.output_pico is None):
        return None
    if priced.input_pico is None and priced.output_pico is None and not priced.request_pico:
        return None
    return (tokens * (priced.input_pico or 0) + output * (priced.output_pico or 0)
            + priced.request_pico)


def _expect_quality(declared: float | None, whole: Measured | None,
                    own: Measured | None) -> Estimate:
    """Declared, then all tasks', then the class's own mean, each a prior of the next."""
    value, weight, basis = declared, float(PRIOR_WEIGHT), "declared"
    for seen in (whole, own):
        if seen is None or seen.quality is None or not seen.quality_n:
            continue
        n = seen.quality_n
        if value is None:
            value, weight = seen.quality, float(n)
        else:
            value = (weight * value + n * seen.quality) / (weight + n)
            weight = min(weight, PRIOR_WEIGHT) + n
        basis = "measured"
    if value is None:
        return UNKNOWN
    share = value / 100
    half = 100 * _Z95 * math.sqrt(max(share * (1 - share), 0.25 / (weight + 1)) / (weight + 1))
    return Estimate(value, max(0.0, value - half), min(100.0, value + half),
                    "measured" if basis == "measured" else "declared")


def _clip_quality(predicted: float) -> Estimate:
    value = min(max(predicted, 0.0), 100.0)
    share = value / 100
    half = 100 * _Z95 * math.sqrt(max(share * (1 - share), 0.01) / PRIOR_WEIGHT)
    return Estimate(value, max(0.0, value - half), min(100.0, value + half), "predicted")


def _expect_latency(declared: float | None, whole: Measured | None,
                    own: Measured | None) -> Estimate:
    """The median expected; its interval narrows with the number of requests seen."""
    value, weight, spread, basis = declared, float(PRIOR_WEIGHT), 0.0, "declared"
    for seen in (whole, own):
        if seen is None or seen.latency_p50_ms is None or not seen.requests:
            continue
        n = seen.requests
        if value is None or value <= 0 or seen.latency_p50_ms <= 0:
            value, weight = seen.latency_p50_ms, float(n)
        else:
            value = math.exp((weight * math.log(value) + n * math.log(seen.latency_p50_ms))
                             / (weight + n))
            weight = min(weight, PRIOR_WEIGHT) + n
        if seen.latency_p95_ms is not None and seen.latency_p95_ms > seen.latency_p50_ms > 0:
            # of a log-normal: the 95th percentile lies 1.645 deviations above the median
            spread = math.log(seen.latency_p95_ms / seen.latency_p50_ms) / 1.644854
        basis = "measured"
    if value is None:
        return UNKNOWN
    if basis == "declared":
        factor = DECLARED_FACTOR
    else:  # a median's standard error is 1.2533 times a mean's
        factor = math.exp(_Z95 * 1.2533 * (spread or math.log(DECLARED_FACTOR)) / math.sqrt(weight))
    return Estimate(value, value / factor, value * factor,
                    "measured" if basis == "measured" else "declared")
