"""Batch, flex, priority, regions and discounts: which price holds for which request."""

import datetime as dt
from decimal import Decimal

import pytest

from brain.decisions.price_contexts import holds_in, is_well_formed, read_context
from brain.decisions.prices import Price, check_price, resolve_seen
from brain.decisions.pricing import Priced, Usage, price_usage
from brain.decisions.reasons import InputError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def row(price_id: int, usd: str | None = None, context: str = "", origin: str = "list",
        model: str = "m", **more: object) -> Price:
    return Price(price_id, "p", model, origin, "test", context=context,  # type: ignore[arg-type]
                 input_usd_per_mtok=None if usd is None else Decimal(usd), **more)  # type: ignore[arg-type]


def priced(rows: list[Price], context: str, tokens: int = 10**6) -> Priced:
    use = Usage("p", "m", tokens, price_context=context)
    return price_usage(use, resolve_seen(rows, [("p", "m", context)], lambda *_: None), NOW)


@pytest.mark.parametrize(("told", "context"), [
    (("Batch",), "batch"), (("default", "us"), "us"), (("auto",), ""), (("flex", "eu", "flex"),
                                                                       "eu flex"),
    (("standard", "", "not_available"), ""), (("US East (1)",), "us-east-1"),
    (("priority_on_demand",), "priority"), (("batches",), "batch"), (("x" * 99,), ""),
])
def test_words_of_sources_become_a_context(told: tuple[str, ...], context: str) -> None:
    assert read_context(*told) == context
    assert is_well_formed(context)


def test_a_price_holds_where_all_its_words_are() -> None:
    assert holds_in("", "batch us") and holds_in("us", "batch us") and holds_in("batch", "Batch")
    assert not holds_in("batch us", "batch") and not holds_in("flex", "")


def test_more_words_beat_fewer_and_a_contract_beats_both() -> None:
    rows = [row(1, "4", "batch us"), row(2, "1"), row(3, "2", "batch"), row(4, "3", "us")]
    assert [priced(rows, each).total_usd for each in ("", "batch", "us", "batch us", "flex")] == [
        1, 2, 3, 4, 1]
    assert priced([*rows, row(5, "9", origin="contract")], "batch us").total_usd == 9


def test_the_plain_price_in_another_context_is_told() -> None:
    codes = [reason.code for reason in priced([row(1, "1")], "flex").reasons]
    assert codes == ["priced", "standard_price"]
    assert [reason.code for reason in priced([row(1, "1", "flex")], "flex").reasons] == ["priced"]
    assert priced([row(1, "1", "flex")], "").total_usd is None  # and never zero


def test_a_tier_holds_inside_its_context() -> None:
    rows = [row(1, "1"), row(2, "2", tier_from_tokens=200_001), row(3, "0.5", "batch"),
            row(4, "1.5", "batch", tier_from_tokens=200_001)]
    assert priced(rows, "batch", 200_000).total_usd == Decimal("0.1")   # 0.2 M x 0.5
    assert priced(rows, "batch", 200_001).total_usd == Decimal("0.3000015")  # 0.200001 M x 1.5
    assert priced(rows, "", 200_001).total_usd == Decimal("0.400002")


def test_a_discount_is_taken_off_the_list_and_nothing_else() -> None:
    off = row(9, None, origin="contract", model="", discount_pct=Decimal("12.5"))
    found = priced([row(1, "2"), off], "")
    assert found.total_usd == Decimal("1.75")  # 2 x 0.875
    assert found.price_ids == (1, 9)
    assert found.reasons[-1].code == "discount"
    assert priced([row(1, "2"), row(2, "3", origin="contract"), off], "").total_usd == 3
    # Half-even to whole pico-USD a token: 3 x 0.875 = 2.625 -> 3
    assert priced([row(1, "0.000003"), off], "").total_usd == Decimal("0.000003")


def test_a_discount_of_one_context_leaves_the_others() -> None:
    half = row(9, None, "batch", "contract", discount_pct=Decimal(50))
    assert [priced([row(1, "2"), half], each).total_usd for each in ("", "batch")] == [2, 1]


@pytest.mark.parametrize(("change", "field"), [
    ({"context": "us batch"}, "context"), ({"context": "Batch"}, "context"),
    ({"usd": None, "discount_pct": Decimal(0), "origin": "contract"}, "discount_pct"),
    ({"usd": None, "discount_pct": Decimal("NaN"), "origin": "contract"}, "discount_pct"),
    ({"usd": None, "discount_pct": Decimal("0.00001"), "origin": "contract"}, "discount_pct"),
    ({"usd": "1", "discount_pct": Decimal(5), "origin": "contract"}, "discount_pct"),
    ({"usd": None, "discount_pct": Decimal(5)}, "discount_pct"),
])
def test_refuses_what_no_price_can_say(change: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        check_price(row(1, **{"usd": "1"} | change))  # type: ignore[arg-type]
    assert caught.value.field == field
