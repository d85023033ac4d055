"""Rounded parts add up to the rounded whole."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from analytics.rounding import round_parts

AMOUNTS = st.decimals("0", "1000000", allow_nan=False, allow_infinity=False, places=12)


def test_thirds_of_a_dollar_add_up_to_a_dollar() -> None:
    third = Decimal("0.333333333333")
    assert round_parts([third, third, Decimal("0.333333333334")]) == (
        Decimal("0.33"), Decimal("0.33"), Decimal("0.34"))  # 0.34 for the largest remainder
    assert round_parts([Decimal("0.004")] * 5) == (  # 0.02 in all, though each rounds to 0.00
        Decimal("0.01"), Decimal("0.01"), Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))
    assert round_parts([]) == ()


@given(st.lists(AMOUNTS, max_size=40))
def test_the_sum_is_the_rounded_sum_and_no_part_moves_by_a_cent(amounts: list[Decimal]) -> None:
    rounded = round_parts(amounts)
    assert sum(rounded, Decimal(0)) == sum(amounts, Decimal(0)).quantize(Decimal("0.01"))
    assert all(abs(a - b) < Decimal("0.01") for a, b in zip(rounded, amounts, strict=True))
