"""Usage sums, shares and series, with the arithmetic beside each number."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import spans, usage

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def rows(**columns: list[object]) -> pd.DataFrame:
    """A usage query's rows: what is not given is 0."""
    length = len(next(iter(columns.values())))
    zeros = {name: [0] * length for name in usage.COUNTS} | {
        "latency_ms_sum": [0.0] * length, "cost_usd": [Decimal(0)] * length}
    return pd.DataFrame({**zeros, **columns})


def view(hours: float) -> dict[str, object]:
    span = spans.Span(DAY + 0.5 * HOUR, DAY + (0.5 + hours) * HOUR)
    return {**spans.query_params(span), "workspaces": [], "models": [], "agents": [],
            "regions": [], "devices": []}


def test_sums_are_exact_and_ratios_follow() -> None:
    seen = usage.summarize(rows(
        requests=[3, 1], errors=[1, 0], latency_ms_sum=[250.0, 50.0], latency_count=[2, 1],
        input_tokens=[10, 5], cache_read_tokens=[1, 0], cache_write_tokens=[2, 0],
        output_tokens=[7, 1], reasoning_tokens=[4, 0],
        cost_usd=[Decimal("0.1"), Decimal("0.2")]))
    assert seen.requests == 4
    assert seen.tokens == 26  # 15 + 1 + 2 + 8; reasoning is inside output
    assert seen.error_ratio == 0.25  # 1 of 4
    assert seen.mean_latency_ms == 100  # 300 ms over 3 with a latency
    assert seen.cost_usd == Decimal("0.3")  # in floats 0.30000000000000004


def test_nothing_has_no_ratio() -> None:
    seen = usage.summarize(rows(requests=[]))
    assert (seen.requests, seen.cost_usd) == (0, Decimal(0))
    assert seen.error_ratio is None and seen.mean_latency_ms is None


def test_points_never_read_pieces_wider_than_themselves() -> None:
    params = view(60)
    daily = usage.series_params(params, 86_400)
    assert daily["day_start"] < daily["day_end"] and daily["width_s"] == 86_400
    hourly = usage.series_params(params, 21_600)
    assert hourly["day_start"] == hourly["day_end"] == hourly["hour_end"] == params["hour_end"]
    assert hourly["hour_start"] == params["hour_start"]
    fine = usage.series_params(params, 900)
    assert {fine[name] for name in ("hour_start", "day_start", "day_end", "hour_end")} == {
        params["end"]}


@pytest.mark.parametrize(("chosen", "dimension", "latency_raw", "users_raw"), [
    ({}, "", False, False),
    ({"workspaces": ["a"]}, "workspace_id", False, False),
    ({"agents": ["a"]}, "", False, True),  # users per agent are in no rollup
    ({"models": ["m"]}, "", True, True),
    ({"regions": [""]}, "", True, True),
    ({"devices": ["d"]}, "", True, True),
    ({}, "region", False, True),
])
def test_rollups_without_the_column_are_left_out(
        chosen: dict[str, list[str]], dimension: str, *, latency_raw: bool,
        users_raw: bool) -> None:
    params = view(60) | chosen
    assert (usage.latency_params(params)["hour_start"] == params["end"]) is latency_raw
    assert (usage.users_params(params, dimension)["hour_start"] == params["end"]) is users_raw


def test_what_is_not_shown_is_one_row_that_completes_the_total() -> None:
    all_rows = rows(name=["a", "b", "c"], requests=[5, 3, 2], errors=[1, 0, 0],
                    cost_usd=[Decimal("1.5"), Decimal("0.25"), Decimal("0.25")],
                    input_tokens=[50, 30, 20])
    total = usage.summarize(all_rows)
    shown = usage.with_rest(all_rows, total, most=1)
    assert list(shown["name"]) == ["a", usage.REST]
    assert list(shown["requests"]) == [5, 5]
    assert list(shown["request_ratio"]) == [0.5, 0.5]
    assert list(shown["cost_usd"]) == [Decimal("1.5"), Decimal("0.5")]
    assert list(shown["cost_ratio"]) == [0.75, 0.25]
    assert list(shown["error_pct"]) == [20.0, 0.0]  # 1 of 5
    assert list(shown["tokens"]) == [50, 50]
    assert list(shown["is_rest"]) == [False, True]
    whole = usage.with_rest(all_rows, total)
    assert usage.REST not in set(whole["name"]) and whole["cost_usd"].sum() == total.cost_usd


def test_shares_of_nothing_are_unknown() -> None:
    free = rows(name=["a"], requests=[2])
    shown = usage.with_rest(free, usage.summarize(free))
    assert shown["request_ratio"][0] == 1
    assert pd.isna(shown["cost_ratio"][0]) and pd.isna(shown["mean_latency_ms"][0])


def test_gaps_are_zeros_for_every_name() -> None:
    span = spans.Span(DAY + 0.5 * HOUR, DAY + 3 * HOUR)
    seen = rows(bucket_start_utc=[pd.Timestamp(DAY), pd.Timestamp(DAY + 2 * HOUR)],
                name=["a", "b"], requests=[4, 6])
    filled = usage.fill_gaps(seen, span, 3_600, ["requests"])
    assert list(zip(filled["name"], filled["requests"], strict=True)) == [
        ("a", 4), ("b", 0), ("a", 0), ("b", 0), ("a", 0), ("b", 6)]
    assert list(filled["bucket_start_utc"].unique()) == [DAY, DAY + HOUR, DAY + 2 * HOUR]
    plain = usage.fill_gaps(seen.drop(columns="name"), span, 3_600, ["requests"])
    assert list(plain["requests"]) == [4, 0, 6]


@given(start_s=st.integers(0, 10**7), length_s=st.integers(1, 10**6),
       width_s=st.sampled_from(spans.WIDTHS_S))
def test_buckets_cover_the_span_and_no_more(start_s: int, length_s: int, width_s: int) -> None:
    start = DAY + dt.timedelta(seconds=start_s)
    span = spans.Span(start, start + dt.timedelta(seconds=length_s))
    found = usage.bucket_starts(span, width_s)
    width = dt.timedelta(seconds=width_s)
    assert found[0] <= span.start < found[0] + width
    assert found[-1] < span.end <= found[-1] + width
    assert all(moment.timestamp() % width_s == 0 for moment in found)


def test_small_lines_become_one() -> None:
    seen = rows(bucket_start_utc=[DAY, DAY, DAY, DAY + HOUR, DAY + HOUR],
                name=["small", "big", "tiny", "big", "tiny"],
                cost_usd=[Decimal(2), Decimal(5), Decimal(1), Decimal(5), Decimal(1)])
    found = usage.top_and_rest(seen, "cost_usd", 1)
    assert list(zip(found["name"], found["cost_usd"], strict=True)) == [
        ("big", Decimal(5)), ("big", Decimal(5)),
        (usage.REST, Decimal(3)), (usage.REST, Decimal(1))]  # 2 + 1, then 1


def test_points_that_are_not_whole_yet_are_left_out() -> None:
    span = spans.Span(DAY + 0.5 * HOUR, DAY + 6 * HOUR)
    line = pd.DataFrame({"bucket_start_utc": usage.bucket_starts(span, 3_600),
                         "requests": range(6)})
    now = DAY + 5.2 * HOUR
    assert list(usage.whole_buckets(line, span, 3_600, now)["requests"]) == [1, 2, 3, 4]
    assert len(usage.whole_buckets(line, span, 3_600, DAY + 3 * HOUR)) == 6  # two would be left


def test_minutes_answer_what_they_know() -> None:
    params = view(24)
    found = usage.minutes_params({**params, "workspaces": ["a"]}, 900)
    assert found is not None and found["workspaces"] == ["a"] and found["width_s"] == 900
    assert (found["minute_start"], found["minute_end"]) == (params["start"], params["end"])
    assert usage.minutes_params(params, 86_400) is None
    assert usage.minutes_params({**params, "models": ["m"]}, 900) is None
    span = spans.Span(DAY + dt.timedelta(seconds=61), DAY + dt.timedelta(seconds=119))
    inside = usage.minutes_params({**params, "start": span.start, "end": span.end}, 60)
    assert inside is not None and inside["minute_start"] == inside["minute_end"] == span.end
