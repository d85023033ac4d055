"""The price book: which row holds when, and which rows are refused or look odd."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.prices import (
    AMOUNTS,
    NO_TIER_END,
    Price,
    check_price,
    renew_list,
    resolve_ranges,
    resolve_seen,
    to_pico_usd,
)
from brain.decisions.reasons import InputError

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def day(number):
    return DAY + dt.timedelta(days=number)


def price(price_id=1, origin="list", start=0, end=100, tier=0, **amounts):
    texts = {"input_usd_per_mtok": "1"} | amounts
    return Price(price_id, "openai", "m", origin, "test", day(start), day(end), tier,
                 **{name: None if text is None else Decimal(text) for name, text in texts.items()})


def spans(rows):
    return [((each.valid_from_utc - DAY).days, (each.valid_to_utc - DAY).days,
             each.input_pico_usd) for each in resolve_ranges(rows)]


@pytest.mark.parametrize(("text", "name", "pico"), [
    ("0.5", "input_usd_per_mtok", 500_000),      # 0.5e-6 USD a token = 500,000e-12
    ("0.000001", "output_usd_per_mtok", 1),
    ("0.012", "request_usd", 12_000_000_000),    # 0.012 x 10^12
    ("0E+999999", "input_usd_per_mtok", 0), ("1.50000000000000", "input_usd_per_mtok", 1_500_000),
])
def test_amounts_become_exact_integers(text, name, pico):
    assert to_pico_usd(Decimal(text), name) == pico


@pytest.mark.parametrize("text", ["-1", "NaN", "sNaN", "Infinity", "0.0000001", "1e999999",
                                  "1e-999999", "1000000.000001"])
def test_refuses_amounts_that_are_not_exact_money(text):
    with pytest.raises(InputError) as caught:
        to_pico_usd(Decimal(text), "input_usd_per_mtok")
    assert caught.value.field == "input_usd_per_mtok"


def test_a_contract_beats_a_list_price_however_old_it_is():
    rows = [price(1, "contract", 10, 20, input_usd_per_mtok="3"),
            price(2, "list", 0, 30, input_usd_per_mtok="1")]
    assert spans(rows) == [(0, 10, 1_000_000), (10, 20, 3_000_000), (20, 30, 1_000_000)]


def test_the_later_row_of_one_origin_wins():
    rows = [price(1, start=0, end=30), price(2, start=10, end=20, input_usd_per_mtok="2")]
    assert spans(rows) == [(0, 10, 1_000_000), (10, 20, 2_000_000), (20, 30, 1_000_000)]


def test_withdrawn_rows_say_nothing():
    assert spans([price(1), replace(price(2, input_usd_per_mtok="9"), withdrawn=True)]) \
        == [(0, 100, 1_000_000)]


def test_a_contract_lies_over_only_the_classes_it_names():
    (found,) = resolve_ranges([
        price(1, output_usd_per_mtok="4"),
        price(2, "contract", input_usd_per_mtok="0.5")])
    assert (found.input_pico_usd, found.output_pico_usd) == (500_000, 4_000_000)
    assert found.price_id == 2
    assert found.row_ids == (2, None, None, 1, None)


def test_tiers_are_kept():
    found = resolve_ranges([price(1), price(2, tier=200_001, input_usd_per_mtok="2")])
    assert [(each.tier_from_tokens, each.tier_to_tokens, each.input_pico_usd) for each in found] \
        == [(0, 200_001, 1_000_000), (200_001, NO_TIER_END, 2_000_000)]


def test_a_later_flat_price_replaces_tiers_and_is_called_odd():
    rows = [price(1), price(2, tier=200_001, input_usd_per_mtok="2")]
    flat = price(3, input_usd_per_mtok="1.5")
    assert {each.input_pico_usd for each in resolve_ranges([*rows, flat])} == {1_500_000}
    assert [reason.code for reason in check_price(flat, rows)] == ["hides_tier"]


TEXTS = st.sampled_from([None, "0", "0.5", "1", "2.25"])
ROWS = st.lists(st.builds(
    lambda origin, start, length, tier, withdrawn, texts: replace(
        price(0, origin, start, start + length, tier, **dict(zip(AMOUNTS, texts, strict=True))),
        withdrawn=withdrawn),
    st.sampled_from(["list", "contract"]), st.integers(0, 8), st.integers(1, 6),
    st.sampled_from([0, 0, 10, 20]), st.sampled_from([False, False, True]),
    st.tuples(*[TEXTS] * 5)), max_size=7).map(
        lambda rows: [replace(row, price_id=number) for number, row in enumerate(rows, 1)])


def naive_answer(rows, at_utc, tokens):
    """Each amount by the plain rule: of the rows that hold and name it, the strongest."""
    held = [row for row in rows if not row.withdrawn and row.tier_from_tokens <= tokens
            and row.valid_from_utc <= at_utc < row.valid_to_utc]
    held.sort(key=lambda row: (row.origin == "contract", row.price_id))
    answer = [None] * len(AMOUNTS)
    for row in held:
        answer = [old if new is None else int(new * 10**(12 if name == "request_usd" else 6))
                  for name, old, new in zip(AMOUNTS, answer, row.amounts(), strict=True)]
    return tuple(answer)


@given(ROWS, st.randoms())
def test_ranges_are_disjoint_and_answer_as_the_plain_rule(rows, random):
    shuffled = rows[:]
    random.shuffle(shuffled)
    ranges = resolve_ranges(shuffled)
    assert ranges == resolve_ranges(rows)
    for half_days in range(-1, 32):
        at_utc = DAY + dt.timedelta(hours=12 * half_days)
        for tokens in (0, 9, 10, 19, 20, 10**9):
            held = [each for each in ranges if each.valid_from_utc <= at_utc < each.valid_to_utc
                    and each.tier_from_tokens <= tokens < each.tier_to_tokens]
            assert len(held) <= 1
            answer = held[0].pico_amounts() if held else (None,) * len(AMOUNTS)
            assert answer == naive_answer(rows, at_utc, tokens)


@pytest.mark.parametrize(("row", "field"), [
    (price(input_usd_per_mtok="-1"), "input_usd_per_mtok"),
    (price(input_usd_per_mtok=None, request_usd="-1"), "request_usd"),
    (price(input_usd_per_mtok=None), "input_usd_per_mtok"),
    (price(start=5, end=5), "valid_from_utc"),
    (price(tier=-1), "tier_from_tokens"),
    (replace(price(), model=""), "model"), (replace(price(), model="m" * 257), "model"),
    (replace(price(), origin="guess"), "origin"),
    (replace(price(), valid_from_utc=dt.datetime(2026, 1, 1)), "valid_from_utc"),
    (replace(price(), valid_to_utc=dt.datetime(2300, 1, 1, tzinfo=dt.UTC)), "valid_to_utc"),
])
def test_refuses_a_row_that_cannot_be_used(row, field):
    with pytest.raises(InputError) as caught:
        check_price(row)
    assert caught.value.field == field


def test_a_price_per_thousand_tokens_looks_odd_but_is_taken():
    # gpt-4-turbo-preview: 0.01 and 0.03 per 1,000 tokens are 10 and 30 per million
    (first, second) = check_price(price(input_usd_per_mtok="0.01", output_usd_per_mtok="0.03"))
    assert (first.code, second.code) == ("suspicious", "suspicious")
    assert "10" in first.text


def test_a_hundredfold_difference_from_a_known_price_looks_odd():
    assert check_price(price(2, input_usd_per_mtok="0.01"), [price(1)])[0].code == "suspicious"
    assert check_price(price(2, input_usd_per_mtok="100"), [price(1)])[0].code == "suspicious"
    assert check_price(price(2, input_usd_per_mtok="0.5"), [price(1)]) == ()


def test_rows_hold_under_the_names_that_events_carry():
    rows = [price(1), replace(price(2, "contract", input_usd_per_mtok="3"), provider="", model="x")]
    found = resolve_seen(rows, [("", "m-alias"), ("azure", "x"), ("openai", "other")],
                         lambda provider, model: ("openai", "m") if model == "m-alias" else None)
    assert [(each.provider, each.model, each.input_pico_usd) for each in found] \
        == [("", "m-alias", 1_000_000), ("azure", "x", 3_000_000)]


def test_a_new_list_is_taken_over_by_whole_models():
    base = replace(price(1), source="list 1")
    tier = replace(price(2, tier=10), source="list 1, note")
    new_base = replace(base, price_id=0, input_usd_per_mtok=Decimal(2), source="list 2")
    new_tier = replace(tier, price_id=0, source="list 2, note")
    assert renew_list([base, tier], [replace(base, source="list 2"), new_tier]) == ([], [])
    assert renew_list([base, tier], [new_base, new_tier]) == ([new_base, new_tier], [1, 2])
    assert renew_list([base, tier], [new_base]) == ([new_base], [1, 2])
    by_hand = replace(base, withdrawn=True)
    assert renew_list([by_hand, tier], [base, tier]) == ([], [])
    assert renew_list([], [base]) == ([base], [])
