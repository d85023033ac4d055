"""What usage costs: known answers, and unpriced that is never zero."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.prices import Price, resolve_ranges
from brain.decisions.pricing import Usage, price_usage
from brain.decisions.reasons import InputError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def ranges(*, tier=0, **amounts):
    return resolve_ranges([Price(7, "p", "m", "list", "test", tier_from_tokens=tier, **{
        name: Decimal(text) for name, text in amounts.items()})])


def cost(usage, **amounts):
    return price_usage(usage, ranges(**amounts), NOW)


@pytest.mark.parametrize(("input_usd", "output_usd", "tokens", "total"), [
    ("10", "30", (1000, 1000), "0.04"),         # gpt-4-turbo-preview: 0.01 + 0.03
    ("0.5", "1.5", (1000, 1000), "0.002"),      # gpt-3.5-turbo: 0.0005 + 0.0015
    ("0.02", "0", (1_000_000, 0), "0.02"),      # text-embedding-3-small
    # 22.36187 x 0.5 + 4.088665 x 1.5 = 11.180935 + 6.1329975
    ("0.5", "1.5", (22_361_870, 4_088_665), "17.3139325"),
])
def test_known_answers(input_usd, output_usd, tokens, total):
    found = cost(Usage("p", "m", tokens[0], 0, 0, tokens[1]),
                 input_usd_per_mtok=input_usd, output_usd_per_mtok=output_usd)
    assert found.total_usd == Decimal(total)
    assert found.price_ids == (7,)
    assert found.unpriced == ()


def test_classes_are_charged_one_by_one_and_once():
    found = cost(Usage("p", "m", 100, 200, 300, 400), input_usd_per_mtok="1",
                 cache_read_usd_per_mtok="0.1", cache_write_usd_per_mtok="1.25",
                 output_usd_per_mtok="4", request_usd="0.005")
    # 100e-6, 20e-6, 375e-6, 1600e-6 and 5000e-6
    assert [each.cost_usd for each in found.classes] == [
        Decimal("0.0001"), Decimal("0.00002"), Decimal("0.000375"), Decimal("0.0016"),
        Decimal("0.005")]
    assert found.total_usd == Decimal("0.007095")


def test_a_used_class_without_price_is_unpriced_never_zero():
    found = cost(Usage("p", "m", 100, 5, 0, 0), input_usd_per_mtok="1")
    assert found.total_usd is None
    assert found.unpriced == ("cache_read",)
    assert found.reasons[0].code == "class_unpriced"
    assert found.classes[0].cost_usd == Decimal("0.0001")


def test_a_class_without_tokens_needs_no_price():
    assert cost(Usage("p", "m", 100), input_usd_per_mtok="1").total_usd == Decimal("0.0001")


def test_an_unknown_model_is_unpriced():
    found = cost(Usage("p", "other", 1, 0, 0, 1), input_usd_per_mtok="1")
    assert (found.total_usd, found.unpriced) == (None, ("input", "output"))
    assert found.reasons[0].code == "no_price"
    assert price_usage(Usage("p", "other"), (), NOW).total_usd == 0


def test_a_price_of_zero_is_a_price():
    assert cost(Usage("p", "m", 5), input_usd_per_mtok="0").total_usd == 0


def test_the_price_of_the_moment_holds_from_its_start_to_before_its_end():
    change = NOW + dt.timedelta(days=1)
    rows = [Price(1, "p", "m", "list", "t", NOW, change, input_usd_per_mtok=Decimal(1)),
            Price(2, "p", "m", "list", "t", change, input_usd_per_mtok=Decimal(2))]
    usage = Usage("p", "m", 1_000_000)
    found = [price_usage(usage, resolve_ranges(rows), at).total_usd for at in (
        NOW - dt.timedelta(microseconds=1), NOW, change - dt.timedelta(microseconds=1), change)]
    assert found == [None, 1, 1, 2]


def test_the_tier_is_told_by_all_prompt_tokens_and_holds_for_all():
    rows = [Price(1, "p", "m", "list", "t", input_usd_per_mtok=Decimal(1),
                  cache_read_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(1)),
            Price(2, "p", "m", "list", "t", tier_from_tokens=200_001,
                  input_usd_per_mtok=Decimal(2), cache_read_usd_per_mtok=Decimal(2),
                  output_usd_per_mtok=Decimal(3))]
    below = price_usage(Usage("p", "m", 100_000, 100_000, 0, 10), resolve_ranges(rows), NOW)
    above = price_usage(Usage("p", "m", 100_000, 100_001, 0, 10), resolve_ranges(rows), NOW)
    assert below.total_usd == Decimal("0.20001")    # 200,010 x 1e-6
    assert above.total_usd == Decimal("0.400032")   # 200,001 x 2e-6 + 10 x 3e-6
    assert (below.price_ids, above.price_ids) == ((1,), (2,))


@pytest.mark.parametrize("usage", [Usage("p", "m", -1), Usage("p", "m", 10**12 + 1)])
def test_refuses_impossible_tokens(usage):
    with pytest.raises(InputError) as caught:
        price_usage(usage, (), NOW)
    assert caught.value.field == "input_tokens"


def test_refuses_a_time_without_zone():
    with pytest.raises(InputError) as caught:
        price_usage(Usage("p", "m"), (), dt.datetime(2026, 1, 1))
    assert caught.value.field == "at_utc"


TOKENS = st.tuples(*[st.integers(0, 10**9)] * 4)


@given(TOKENS, TOKENS, st.decimals(0, 1000, places=6))
def test_costs_add_up_to_the_last_digit(first, second, usd_per_mtok):
    amounts = {f"{name}_usd_per_mtok": str(usd_per_mtok)
               for name in ("input", "cache_read", "cache_write", "output")}
    both = tuple(one + other for one, other in zip(first, second, strict=True))
    one, other, all_of_it = (cost(Usage("p", "m", *tokens), **amounts).total_usd
                             for tokens in (first, second, both))
    assert one + other == all_of_it == sum(both) * usd_per_mtok / 10**6
