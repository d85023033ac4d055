"""Known steps of spend: what a change of the price book does to a scope's usual use."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analytics.forecasting.blocks import Change
from brain.decisions.prices import PriceRange

LEAST_STEP = 0.001
"""A change of all spend by less than a thousandth is no step."""
MOST_FACTOR = 1_000.0


@dataclass(frozen=True, slots=True)
class UsualUse:
    """What a scope usually takes of one model in some time: tokens by class, and requests."""

    provider: str
    model: str
    requests: int
    tokens: tuple[int, int, int, int]
    price_context: str = ""


def find_price_steps(uses: Sequence[UsualUse], ranges: Iterable[PriceRange],
                     start: dt.datetime, end: dt.datetime) -> tuple[Change, ...]:
    """Moments in [start, end) at which the price book changes what the usual use costs.

    The factor is the cost of all uses just after the moment over that just before it, each at
    the tier of its mean prompt. Models without a price on either side count on neither. A price
    that begins from nothing, or ends in it, is no step: what was free tells no factor.
    """
    by_use: dict[tuple[str, str, str], list[PriceRange]] = {}
    for each in ranges:
        by_use.setdefault((each.provider, each.model, each.price_context), []).append(each)
    moments = sorted({at for use in uses for each in by_use.get(_key(use), ())
                      for at in (each.valid_from_utc, each.valid_to_utc) if start <= at < end})
    found = []
    for at in moments:
        before = after = 0
        for use in uses:
            prices = by_use.get(_key(use), ())
            costs = (_cost(use, prices, at - dt.timedelta(microseconds=1)),
                     _cost(use, prices, at))
            if costs[0] is not None and costs[1] is not None:
                before, after = before + costs[0], after + costs[1]
        if before and after and LEAST_STEP < abs(after / before - 1) < MOST_FACTOR:
            found.append(Change(at, after / before))
    return tuple(found)


def _key(use: UsualUse) -> tuple[str, str, str]:
    return use.provider, use.model, use.price_context


def _cost(use: UsualUse, prices: Iterable[PriceRange], at: dt.datetime) -> int | None:
    """What the use costs in pico-USD at a moment; None without a price of a class it has."""
    prompt = sum(use.tokens[:3]) // max(use.requests, 1)
    held = next((each for each in prices if each.valid_from_utc <= at < each.valid_to_utc
                 and each.tier_from_tokens <= prompt < each.tier_to_tokens), None)
    if held is None:
        return None
    amounts = held.pico_amounts()
    if any(count and amount is None
           for count, amount in zip(use.tokens, amounts, strict=False)):
        return None
    return sum(count * (amount or 0) for count, amount in zip(use.tokens, amounts, strict=False)) \
        + use.requests * (amounts[4] or 0)
