"""What one use of a model costs, class by class, and by which rows of the price book."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from brain.decisions.prices import AMOUNTS, TOKEN_CLASSES, PriceRange
from brain.decisions.reasons import InputError, Reason

MOST_TOKENS = 10**12


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request in disjoint classes; output includes reasoning."""

    provider: str
    model: str
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    price_context: str = ""

    def tokens(self) -> tuple[int, ...]:
        """Tokens in the order of ``TOKEN_CLASSES``."""
        return (self.input_tokens, self.cache_read_tokens, self.cache_write_tokens,
                self.output_tokens)

    @property
    def prompt_tokens(self) -> int:
        """Tokens that decide the tier: uncached, cache read and cache written."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class ClassCost:
    """Cost of one class: ``units`` (tokens, or 1 request) times ``price_usd`` per unit.

    ``cost_usd`` and ``price_usd`` are None where there is no price, and ``cost_usd`` is 0
    where there are no tokens.
    """

    name: str
    units: int
    price_usd: Decimal | None
    cost_usd: Decimal | None
    price_id: int | None


@dataclass(frozen=True, slots=True)
class Priced:
    """Exact cost in USD, or None if any class that was used has no price."""

    total_usd: Decimal | None
    classes: tuple[ClassCost, ...]
    price_ids: tuple[int, ...]
    unpriced: tuple[str, ...]
    reasons: tuple[Reason, ...]


def price_usage(usage: Usage, ranges: Iterable[PriceRange], at_utc: dt.datetime) -> Priced:
    """What the usage costs by the prices that held at ``at_utc``.

    A class with tokens and without price is unpriced, never zero, and then there is no
    total; a class without tokens needs no price. A price without a request amount charges
    nothing per request. ``ranges`` may hold other models; they must be disjoint.

    Raises InputError naming the field for tokens outside 0 to 10^12 and for a time without
    zone.
    """
    for name, tokens in zip(TOKEN_CLASSES, usage.tokens(), strict=True):
        if not 0 <= tokens <= MOST_TOKENS:
            raise InputError("out_of_range", f"{name}_tokens must be within 0 and 10^12",
                             f"{name}_tokens")
    if at_utc.tzinfo is None:
        raise InputError("no_zone", "at_utc must have a time zone", "at_utc")
    held = next((each for each in ranges if _holds(each, usage, at_utc)), None)
    amounts = held.pico_amounts() if held else (None,) * len(AMOUNTS)
    row_ids = held.row_ids if held else (None,) * len(AMOUNTS)
    units = (*usage.tokens(), 1)
    names = (*TOKEN_CLASSES, "request")
    classes = tuple(_cost_class(*each) for each in zip(names, units, amounts, row_ids, strict=True)
                    if each[0] != "request" or each[2] is not None)
    unpriced = tuple(each.name for each in classes if each.cost_usd is None)
    known = [each.cost_usd for each in classes if each.cost_usd is not None]
    used = {each.price_id for each in classes if each.price_id is not None and each.units}
    if held and held.discount_id is not None and used:
        used.add(held.discount_id)
    return Priced(None if unpriced else sum(known, Decimal(0)), classes, tuple(sorted(used)),
                  unpriced, _explain(usage, held, unpriced))


def _holds(each: PriceRange, usage: Usage, at_utc: dt.datetime) -> bool:
    return (each.provider == usage.provider and each.model == usage.model
            and each.price_context == usage.price_context
            and each.valid_from_utc <= at_utc < each.valid_to_utc
            and each.tier_from_tokens <= usage.prompt_tokens < each.tier_to_tokens)


def _cost_class(name: str, units: int, pico: int | None, price_id: int | None) -> ClassCost:
    price_usd = None if pico is None else Decimal(pico).scaleb(-12)
    if units == 0:
        return ClassCost(name, 0, price_usd, Decimal(0), price_id)
    cost_usd = None if pico is None else Decimal(units * pico).scaleb(-12)
    return ClassCost(name, units, price_usd, cost_usd, price_id)


def _explain(usage: Usage, held: PriceRange | None, unpriced: tuple[str, ...]
             ) -> tuple[Reason, ...]:
    if held is None and unpriced:
        return (Reason("no_price", f"No price of model {usage.model!r} of provider "
                                   f"{usage.provider!r} holds at that time."),)
    if unpriced:
        return (Reason("class_unpriced", f"No price for {', '.join(unpriced)} tokens."),)
    if held is None:
        return (Reason("nothing_used", "No tokens were used, so nothing is charged."),)
    reasons = [Reason("priced", "Every class that was used has a price.")]
    if held.standard_only:
        reasons.append(Reason("standard_price", f"No price of the context {held.price_context!r} "
                              "is known, so the plain price holds."))
    if held.discount_id is not None:
        reasons.append(Reason("discount", f"Discount {held.discount_id} is taken off the prices of "
                              "the list."))
    return tuple(reasons)
