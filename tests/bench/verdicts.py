"""Verdicts on simulated systems whose truth is known: how often they are right, and how fast."""

from collections.abc import Iterator

import numpy as np

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.judging import judge_run
from tests.bench.measuring import Figure, Plan, repeat_ms
from tests.decisions.optimization.simulating import P95, SAMPLES, autocorrelated, share_of

NULLS, CHANGED = 2_000, 500
SYSTEMS: tuple[tuple[float, float, bool], ...] = (
    (0.2, 0.4, False), (0.2, 0.4, True), (0.2, 0.7, False), (0.3, 0.6, False), (0.3, 0.8, False))
"""Coefficient of variation, correlation of neighbours, and whether some samples are spikes."""
DEFAULT = (0.2, 0.4)


def measure(_plan: Plan) -> Iterator[Figure]:
    """False "improved" of 2,000 unchanged systems, and of 500 faster by a fifth how many are
    found; default windows."""
    for spread, correlation, spiky in SYSTEMS:
        size = f"CV {spread}, correlation {correlation}{', spikes' if spiky else ''}"
        false = 100 * share_of("improved", 1.0, runs=NULLS, correlation=correlation,
                               spread=spread, seed=1, spiky=spiky)
        yield Figure("false improved", size, "%", (false,), most=5.0)
        found = 100 * share_of("improved", 0.8, runs=CHANGED, correlation=correlation,
                               spread=spread, seed=2, spiky=spiky)
        usual = (spread, correlation) == DEFAULT
        yield Figure("a fifth is found", size, "%", (found,), least=90.0 if usual else None)
    rng = np.random.default_rng(3)
    before, after = (autocorrelated(rng, SAMPLES, 0.4, 0.2, 1)[0].tolist() for _ in range(2))
    yield Figure("judge_run", "one metric, 60 samples", "ms", repeat_ms(
        lambda: judge_run({P95: before}, {P95: after}, P95, Configuration(), rng), 200))
