"""Systems whose truth is known: correlated, skewed samples, changed by a factor or not at all."""

import numpy as np

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.judging import judge_run

P95 = "generation_latency_p95_ms"
SPIKES, SPIKE = 0.03, 4.0
"""Share of samples that a pause somewhere makes four times as slow."""
SAMPLES = 60
"""Of a default window: 300 s in steps of 5 s."""


def autocorrelated(rng: np.random.Generator, size: int, correlation: float, spread: float,
                   runs: int) -> np.ndarray:
    """Rows of lognormal samples with mean 1, that coefficient of variation, and AR(1) logs."""
    drawn = rng.standard_normal((runs, size))
    for place in range(1, size):
        drawn[:, place] = (correlation * drawn[:, place - 1]
                           + np.sqrt(1 - correlation ** 2) * drawn[:, place])
    sigma = np.sqrt(np.log(1 + spread ** 2))
    return np.asarray(np.exp(sigma * drawn - sigma ** 2 / 2))


def share_of(verdict: str, factor: float, *, runs: int, correlation: float, spread: float,
             seed: int, spiky: bool = False) -> float:
    """Share of runs that end with the verdict; up to two windows are watched after the change."""
    rng = np.random.default_rng(seed)
    rows = 50 * autocorrelated(rng, 3 * SAMPLES, correlation, spread, runs)
    if spiky:
        rows *= np.where(rng.random(rows.shape) < SPIKES, SPIKE, 1.0)
    rules, found = Configuration(), 0
    for row in rows:
        before, after = row[:SAMPLES], factor * row[SAMPLES:]
        for look in (1, 2):
            judged = judge_run({P95: before.tolist()},
                               {P95: after[:look * SAMPLES].tolist()}, P95, rules, rng, look)
            if judged.act != "watch":
                break
        found += judged.verdict == verdict
    return found / runs
