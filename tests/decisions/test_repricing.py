"""Re-pricing: cells tile the span, and their sums cost what the single requests cost."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.prices import Price, resolve_ranges
from brain.decisions.pricing import Usage, price_usage
from brain.decisions.reasons import InputError
from brain.decisions.repricing import (
    Cell,
    CellUse,
    as_known,
    cut_cells,
    hold_today,
    price_uses,
    read_basis,
)

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = 10


def at(day: float) -> dt.datetime:
    return START + dt.timedelta(days=day)


def price(price_id: int, first: int, last: int, tier: int, **usd: int | None) -> Price:
    return Price(price_id, "p", "m", "list", "test", at(first), at(last), tier,
                 **{name: None if each is None else Decimal(each) for name, each in usd.items()})


amounts = st.one_of(st.none(), st.integers(0, 100))
books = st.lists(st.tuples(st.integers(-2, DAYS), st.integers(1, 6), st.sampled_from((0, 50)),
                           amounts, amounts, amounts), max_size=4).map(lambda rows: [
    price(number, first, first + length, tier, input_usd_per_mtok=a, cache_read_usd_per_mtok=b,
          request_usd=c) for number, (first, length, tier, a, b, c) in enumerate(rows, start=1)
    if (a, b, c) != (None, None, None)])
calls = st.lists(st.tuples(st.integers(0, DAYS * 24 - 1), st.integers(0, 100), st.integers(0, 30),
                           st.booleans()), max_size=12)


def find(cells: tuple[Cell, ...], moment: dt.datetime, prompt: int) -> int:
    there = [cell.cell_id for cell in cells if cell.valid_from_utc <= moment < cell.valid_to_utc
             and cell.tier_from_tokens <= prompt < cell.tier_to_tokens]
    assert len(there) == (1 if cells else 0)
    return there[0] if there else -1


@given(books, books, calls)
def test_sums_of_cells_cost_what_the_requests_cost(
        one: list[Price], two: list[Price], asked: list[tuple[int, int, int, bool]]) -> None:
    ways = [resolve_ranges(one), resolve_ranges(two)]
    cells = cut_cells(ways, START, at(DAYS))
    uses = [CellUse(find(cells, at(hour / 24), tokens + read), "p", "m", "", cached,
                    (tokens > 0) + 2 * (read > 0), 1, (tokens, read, 0, 0))
            for hour, tokens, read, cached in asked]
    for way, ranges in enumerate(ways):
        found = [price_usage(Usage("p", "m", tokens, read), ranges, at(hour / 24)).total_usd
                 for hour, tokens, read, cached in asked if not cached]
        rows = price_uses(uses, cells, 2)
        assert sum(row.costs_usd[way] for row in rows) == sum(each or 0 for each in found)
        assert sum(row.unpriced_requests[way] for row in rows) == found.count(None)
    assert sum(row.cached for row in price_uses(uses, cells, 2)) == sum(each[3] for each in asked)


def test_each_day_has_the_book_that_was_known_at_its_end() -> None:
    first = resolve_ranges([price(1, -9, 99, 0, input_usd_per_mtok=1)])
    # Found out on day 4 at noon that the price had been 2 from day 2 on.
    later = resolve_ranges([price(1, -9, 99, 0, input_usd_per_mtok=1),
                            price(2, 2, 99, 0, input_usd_per_mtok=2)])
    ranges = as_known([(at(1.5), first), (at(4.5), later)])
    found = [price_usage(Usage("p", "m", 10**6), ranges, at(day)).total_usd
             for day in (0, 3, 3.999, 4, 4.2, 8)]
    assert found == [1, 1, 1, 2, 2, 2]  # days before the first book by the first


def test_todays_prices_hold_for_every_day() -> None:
    rows = [price(1, -9, 3, 0, input_usd_per_mtok=1), price(2, 3, 99, 0, input_usd_per_mtok=7)]
    ranges = hold_today(resolve_ranges(rows), at(5))
    assert price_usage(Usage("p", "m", 10**6), ranges, at(1)).total_usd == 7


@pytest.mark.parametrize(("text", "found"), [("billed", ("billed", None)),
                                             (" Version:12 ", ("version", 12))])
def test_reads_ways_of_pricing(text: str, found: tuple[str, int | None]) -> None:
    assert read_basis(text) == found


@pytest.mark.parametrize("text", ["", "version", "version:0", "version:x", "today:3", "best",
                                  "version:99999999999", "version:²"])
def test_refuses_other_words(text: str) -> None:
    with pytest.raises(InputError):
        read_basis(text)
