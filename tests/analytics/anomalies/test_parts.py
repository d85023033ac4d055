"""Tail, record and season: the parts of the detector, each by itself."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.anomalies.records import ALONE, SETTLED_AFTER, Record
from analytics.anomalies.season import Season
from analytics.anomalies.tail import Tail

DAY_S = 86_400.0
HORIZON_S = 28 * DAY_S


class TestTail:
    def test_rarity_of_an_exponential_is_right_within_a_fifth(self) -> None:
        tail = Tail(6_000)
        for size in np.random.default_rng(1).exponential(1, 20_000):
            tail.learn(float(size))
        # P(size >= x) = exp(-x), so -log10 of it is x / ln 10
        for size in (2.3, 4.6, 9.2):
            assert tail.rarity(size) == pytest.approx(size / math.log(10), rel=0.2)

    def test_a_heavy_tail_makes_the_same_size_less_rare(self) -> None:
        light, heavy = Tail(6_000), Tail(6_000)
        rng = np.random.default_rng(2)
        for size in np.abs(rng.normal(size=5_000)):
            light.learn(float(size))
        for size in np.abs(rng.standard_t(2, 5_000)):
            heavy.learn(float(size))
        assert heavy.rarity(8.0) < light.rarity(8.0) / 3

    def test_the_size_of_a_rarity_is_the_way_back(self) -> None:
        tail = Tail(1_000)
        for size in np.random.default_rng(3).exponential(5, 2_000):
            tail.learn(float(size))
        size = tail.size_at(2.5)
        assert size is not None
        assert tail.rarity(size) == pytest.approx(2.5)

    def test_nothing_is_rare_while_little_is_known(self) -> None:
        tail = Tail(1_000)
        for _ in range(29):
            tail.learn(1.0)
        assert tail.rarity(1e9) == 0.0
        assert tail.size_at(1.0) is None

    def test_the_past_fades(self) -> None:
        tail = Tail(500)
        for _ in range(2_000):
            tail.learn(1.0)
        before = tail.rarity(50.0)
        for _ in range(2_000):
            tail.learn(40.0)
        assert tail.rarity(50.0) < before / 4

    @given(st.lists(st.floats(0, 1e300), max_size=200), st.floats(0, 1e300))
    def test_any_sizes_give_a_finite_rarity_that_survives_json(self, sizes: list[float],
                                                              size: float) -> None:
        tail = Tail(100)
        for each in sizes:
            tail.learn(each)
        rarity = tail.rarity(size)
        assert rarity >= 0 and math.isfinite(rarity)
        again = Tail.restore(json.loads(json.dumps(tail.state(), allow_nan=False)))
        assert again.rarity(size) == rarity


class TestRecord:
    def test_holds_the_biggest_once_it_has_settled(self) -> None:
        record = Record()
        for number in range(SETTLED_AFTER):
            assert record.size == 0.0
            record.learn(number, 5.0 if number == 3 else 4.0, HORIZON_S)
        assert record.size == 5.0

    def test_forgets_after_the_horizon(self) -> None:
        record = Record()
        for number in range(100):
            record.learn(number * 600.0, 9.0, HORIZON_S)
        for day in range(2, 30):
            for number in range(100):
                record.learn(day * DAY_S + number * 600.0, 1.0, HORIZON_S)
        assert record.size == 1.0

    def test_a_size_that_stands_alone_counts_as_ten_times_the_next(self) -> None:
        record = Record()
        for day in range(12):
            for number in range(100):
                size = 1_000.0 if day == 6 else 2.0
                record.learn(day * DAY_S + number * 600.0, size, HORIZON_S)
        assert record.size == ALONE * 2.0

    def test_what_is_allowed_is_never_forgotten(self) -> None:
        record = Record()
        record.learn(0.0, 1.0, HORIZON_S)
        record.allow(50.0)
        record.learn(100 * DAY_S, 1.0, HORIZON_S)
        assert record.size == 50.0


class TestSeason:
    def test_knows_each_hour_by_the_mean_of_its_visits(self) -> None:
        season = Season(24)
        for day in range(3):
            for hour in range(24):
                season.learn(day * DAY_S + hour * 3_600, 10.0 * hour)
        assert season.usual(5 * 3_600, 3_600) == 50.0
        # in between hours of finer series: 5 h 30 min is the middle of the hour from 5 to 6
        assert season.usual(5.5 * 3_600, 300) == 50.0
        assert season.usual(6.0 * 3_600, 300) == 55.0

    def test_an_hour_never_seen_is_unknown(self) -> None:
        season = Season(168)
        season.learn(0.0, 1.0)
        season.learn(3_600.0, 1.0)
        assert season.usual(0.0, 3_600) == 1.0
        assert season.usual(7_200.0, 3_600) is None
        assert season.usual(0.0, 3_600, fewest=2) is None
