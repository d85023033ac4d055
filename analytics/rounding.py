"""Amounts rounded so that the parts still add up to the rounded whole."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

_EXACT = Context(prec=60)


def round_parts(amounts: Sequence[Decimal], places: int = 2) -> tuple[Decimal, ...]:
    """The amounts to ``places`` decimals; their sum is the sum of all, rounded half to even.

    Each is rounded down or up, those with the largest remainders up (the first of equals).
    """
    step = Decimal(1).scaleb(-places)
    total = sum(amounts, Decimal(0))
    floors = [each.quantize(step, ROUND_FLOOR, _EXACT) for each in amounts]
    missing = int((total.quantize(step, ROUND_HALF_EVEN, _EXACT) - sum(floors, Decimal(0))) / step)
    by_rest = sorted(range(len(amounts)), key=lambda place: floors[place] - amounts[place])
    raised = set(by_rest[:missing])
    return tuple(each + step if place in raised else each for place, each in enumerate(floors))
