"""Days of real load: no more than two capacity actions in an hour, and no flip-flop."""

import numpy as np
import pandas as pd
import pytest

from tests.datasets import dataset
from tests.optimization.replaying import flips, most_per_hour, replay, surges

STEP_S = 60.0


@pytest.mark.parametrize("place", range(4))
def test_servegen_clients(place: int) -> None:
    windows = pd.read_parquet(dataset("SERVEGEN_WINDOWS"),
                              columns=["model", "client", "t_s", "rate_rps"])
    busiest = windows.groupby(["model", "client"])["rate_rps"].sum().nlargest(4).index[place]
    own = windows[(windows["model"] == busiest[0]) & (windows["client"] == busiest[1])]
    own = own.sort_values("t_s")
    rng = np.random.default_rng(place)
    times = np.arange(0, own["t_s"].max(), STEP_S)[:7 * 1440]
    mean = np.interp(times, own["t_s"], own["rate_rps"])
    load = rng.poisson(np.maximum(mean, 0) * STEP_S) / STEP_S
    acts = replay(load, STEP_S, float(np.quantile(mean, 0.9)) / 8, 8)
    assert most_per_hour(acts) <= 2
    assert flips(acts) == 0
    assert len(acts) >= 2  # it does follow the day
    assert surges(acts) <= len(acts) / 10


def test_a_load_that_jumps_back_and_forth_is_not_followed() -> None:
    load = np.where(np.arange(1440) // 10 % 2, 95.0, 5.0)  # every ten minutes
    acts = replay(load, STEP_S, 10.0, 10)
    assert most_per_hour(acts) <= 2 and flips(acts) == 0
