"""What a change of the price book does to a scope's spend, as a factor from a moment on."""

import datetime as dt

import pytest

from brain.decisions.price_steps import UsualUse, find_price_steps
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, NO_TIER_END, PriceRange

START, END = dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
CHANGE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def price(model: str, pico: int | None, first: dt.datetime = ALWAYS_FROM,
          last: dt.datetime = ALWAYS_TO, tier: int = 0, tier_to: int = NO_TIER_END) -> PriceRange:
    return PriceRange("house", model, first, last, tier, tier_to, pico, pico, pico, pico, None, 1,
                      (1,) * 5)


def use(model: str, tokens: int, requests: int = 10) -> UsualUse:
    return UsualUse("house", model, requests, (tokens, 0, 0, 0))


def test_half_the_spend_doubles() -> None:
    """3 and 3 before, 3 and 6 after: 9 / 6."""
    ranges = [price("a", 1), price("b", 1, last=CHANGE), price("b", 2, first=CHANGE)]
    (step,) = find_price_steps([use("a", 3), use("b", 3)], ranges, START, END)
    assert (step.at_utc, step.factor) == (CHANGE, pytest.approx(1.5))


def test_only_what_is_used_and_in_time_counts() -> None:
    ranges = [price("a", 1), price("b", 1, last=CHANGE), price("b", 2, first=CHANGE)]
    assert find_price_steps([use("a", 3)], ranges, START, END) == ()
    assert find_price_steps([use("b", 3)], ranges, START, CHANGE) == ()
    assert len(find_price_steps([use("b", 3)], ranges, CHANGE, END)) == 1


def test_what_begins_or_ends_without_a_price_is_no_step() -> None:
    ends = [price("a", 1, last=CHANGE), price("b", 1)]
    assert find_price_steps([use("a", 3), use("b", 3)], ends, START, END) == ()
    free = [price("a", 0, last=CHANGE), price("a", 5, first=CHANGE)]
    assert find_price_steps([use("a", 3)], free, START, END) == ()


def test_a_use_is_priced_at_the_tier_of_its_mean_prompt() -> None:
    """50 tokens a request: below the tier of 100, whose price alone changes."""
    ranges = [price("a", 1, tier_to=100), price("a", 2, last=CHANGE, tier=100),
              price("a", 9, first=CHANGE, tier=100)]
    assert find_price_steps([use("a", 500)], ranges, START, END) == ()
    (step,) = find_price_steps([use("a", 5_000)], ranges, START, END)
    assert step.factor == pytest.approx(4.5)
