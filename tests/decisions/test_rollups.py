"""Which spans a rollup computes anew."""

import datetime as dt

import pytest

from brain.decisions.rollups import plan_spans

FIRST = dt.datetime(2026, 3, 1, 22)
HOUR = dt.timedelta(hours=1)


def at(*numbers: int) -> list[dt.datetime]:
    return [FIRST + number * HOUR for number in numbers]


def spans(*pairs: tuple[int, int]) -> list[tuple[dt.datetime, dt.datetime]]:
    return [(FIRST + start * HOUR, FIRST + end * HOUR) for start, end in pairs]


@pytest.mark.parametrize(("hours", "options", "expected", "chosen"), [
    ([], {}, [], []),
    ([5], {}, [(5, 6)], [5]),
    ([2, 1, 1, 0], {}, [(0, 3)], [0, 1, 2]),  # neighbours join, repeats count once
    ([0, 5], {}, [(0, 1), (5, 6)], [0, 5]),
    # Gaps of 3, 2 and 5 hours, two spans allowed: the widest gap stays open.
    ([0, 3, 5, 10], {"most_spans": 2}, [(0, 6), (10, 11)], [0, 3, 5, 10]),
    ([0, 1, 2, 3], {"most_hours": 2}, [(0, 2)], [0, 1]),
])
def test_spans_cover_the_hours(hours: list[int], options: dict[str, int],
                               expected: list[tuple[int, int]], chosen: list[int]) -> None:
    assert plan_spans(at(*hours), {}, **options) == (spans(*expected), at(*chosen))


def test_stops_before_too_many_requests() -> None:
    # 40 + 40 = 80 fit into 100, 40 more do not.
    requests = dict.fromkeys(at(0, 1, 2, 3), 40)
    assert plan_spans(at(0, 1, 2, 3), requests, most_requests=100) == (spans((0, 2)), at(0, 1))


def test_requests_between_the_hours_count_too() -> None:
    # Hour 1 is right already but would be read as well if 0 and 2 were joined: 40 + 90 > 100.
    requests = dict(zip(at(0, 1, 2), (40, 90, 1), strict=True))
    assert plan_spans(at(0, 2), requests, most_requests=100) == (spans((0, 1)), at(0))


def test_an_hour_that_is_too_big_is_taken_alone() -> None:
    requests = dict(zip(at(0, 1), (500, 1), strict=True))
    assert plan_spans(at(0, 1), requests, most_requests=100) == (spans((0, 1)), at(0))
