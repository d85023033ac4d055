"""An experiment played by numpy: events for the store, and the same as a frame of units."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brain.engine import Engine
from brain.events import Exposure, Outcome, Request
from tests.experiments.conftest import NOW

START = NOW - dt.timedelta(days=6)
VARIANTS = ("a", "b")


@dataclass(frozen=True)
class Played:
    """One row per unit: variant, seen_utc; one row per value: unit, metric, at_utc, value."""

    units: pd.DataFrame
    values: pd.DataFrame

    def after(self, metric: str) -> pd.DataFrame:
        """Values of a metric since the unit's exposure, with the variant."""
        both = self.values[self.values["metric"] == metric].merge(self.units, on="unit")
        return both[both["at_utc"] >= both["seen_utc"]]

    def totals(self, metric: str) -> pd.DataFrame:
        """Sum of each unit's values since its exposure, 0 without any, with the variant."""
        sums = self.after(metric).groupby("unit")["value"].sum()
        return self.units.assign(value=self.units["unit"].map(sums).fillna(0.0))


def play(engine: Engine, key: str, units: int = 400, lift: float = 0.3, seed: int = 1) -> Played:
    """Half of the units see "b", whose values are higher by ``lift``; some have a history.

    Each unit pays 0 to 4 times in the days after its exposure, and made a request or two.
    """
    rng = np.random.default_rng(seed)
    shown, values, requests = [], [], []
    for number in range(units):
        unit, variant = f"u{number}", VARIANTS[number % 2]
        seen = START + dt.timedelta(seconds=float(rng.uniform(0, 4 * 86_400)))
        shown.append((unit, variant, seen))
        grown = lift if variant == "b" else 0.0
        for _ in range(int(rng.poisson(1.2 + grown))):
            at = seen + dt.timedelta(seconds=float(rng.uniform(0, 86_400)))
            values.append((unit, "revenue_usd", at, float(rng.gamma(2.0, 5.0))))
            values.append((unit, "paid", at, 1.0))
        if number % 3 == 0:
            before = seen - dt.timedelta(seconds=float(rng.uniform(1, 86_400)))
            values.append((unit, "revenue_usd", before, float(rng.gamma(2.0, 5.0))))
        for place in range(1 + number % 4):
            at = seen + dt.timedelta(seconds=60.0 * (place + 1))
            requests.append((unit, at, float(rng.lognormal(6, 0.5)), number % 7 == place))
    engine.record("exposures", [Exposure(
        event_id=f"x-{unit}", at_utc=at, experiment_key=key, variant=variant, unit_id=unit,
        user_id=unit) for unit, variant, at in shown])
    engine.record("outcomes", [Outcome(
        event_id=f"o-{n}", at_utc=at, metric=metric, unit_id=unit, user_id=unit, value=value)
        for n, (unit, metric, at, value) in enumerate(values)])
    engine.record("requests", [Request(
        event_id=f"r-{n}", at_utc=at, user_id=unit, latency_ms=latency, provider="openai",
        model="gpt-4o", input_tokens=1_000, output_tokens=100, region=("eu", "us")[n % 2],
        device="mobile" if n % 3 else "desktop", status="error" if failed else "ok")
        for n, (unit, at, latency, failed) in enumerate(requests)])
    engine.drain()
    made = pd.DataFrame([(unit, "latency_ms", at, latency) for unit, at, latency, _ in requests]
                        + [(unit, "requests", at, 1.0) for unit, at, _, _ in requests]
                        + [(unit, "errors", at, 1.0) for unit, at, _, failed in requests if failed]
                        + values, columns=["unit", "metric", "at_utc", "value"])
    return Played(pd.DataFrame(shown, columns=["unit", "variant", "seen_utc"]), made)
