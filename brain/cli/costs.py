"""``brain costs``: what one usage record costs, and how a budget stands."""

import datetime as dt
from argparse import Namespace
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from brain.cli.command import Command
from brain.cli.cost_reports import COST_COMMANDS
from brain.cli.costs_budget import BudgetStatusIn, BudgetStatusOut, prepare_budget
from brain.cli.costs_spend import SPEND_COMMANDS
from brain.cli.machine import Form, ReasonOut
from brain.decisions.price_contexts import read_context
from brain.decisions.prices import (
    ALWAYS_FROM,
    ALWAYS_TO,
    Price,
    PriceRange,
    check_price,
    resolve_seen,
)
from brain.decisions.pricing import ClassCost, Usage, price_usage
from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens, split_tokens

Tokens = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)] | float
"""ISO 8601 with a zone, or seconds since 1970 UTC."""


class PriceIn(msgspec.Struct, forbid_unknown_fields=True):
    """A price row; it is the record's own provider and model unless it names others.

    ``context`` are words such as batch, flex, priority or a region: the row holds for records
    that have them all. ``discount_pct`` in the place of amounts is taken off list prices.
    """

    provider: str | None = None
    model: str | None = None
    origin: Literal["list", "contract"] = "contract"
    source: str = "input"
    valid_from_utc: Moment = ALWAYS_FROM
    valid_to_utc: Moment = ALWAYS_TO
    tier_from_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    context: Annotated[str, msgspec.Meta(max_length=64)] = ""
    discount_pct: Decimal | None = None
    input_usd_per_mtok: Decimal | None = None
    cache_read_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    request_usd: Decimal | None = None


class UsageIn(msgspec.Struct, forbid_unknown_fields=True):
    """Tokens of one request in disjoint classes, and when; reasoning is a part of output.

    ``price_context`` are words such as batch, flex, priority or a region, in any order; where no
    price of them is known the plain one holds, and a reason says so. With ``total_input_tokens``
    the cached tokens must be inside it, as OpenAI counts, and input_tokens is what is left. With
    ``prices`` only those rows are used, without them the built-in price list.
    """

    model: Annotated[str, msgspec.Meta(max_length=256)]
    at_utc: Moment
    provider: Annotated[str, msgspec.Meta(max_length=256)] = ""
    input_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    output_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    total_input_tokens: Tokens | None = None
    price_context: Annotated[str, msgspec.Meta(max_length=256)] = ""
    prices: list[PriceIn] | None = None


class ClassOut(msgspec.Struct, frozen=True):
    """One class: units used, USD per million tokens (or per request), cost; null is unpriced."""

    units: int
    usd_per_mtok: str | None
    usd_per_request: str | None
    cost_usd: str | None
    price_id: int | None


class PriceOut(msgspec.Struct, frozen=True):
    """A price row that was used; amounts are decimal text."""

    price_id: int
    provider: str
    model: str
    origin: str
    source: str
    valid_from_utc: dt.datetime
    valid_to_utc: dt.datetime
    tier_from_tokens: int
    context: str
    discount_pct: str | None
    input_usd_per_mtok: str | None
    cache_read_usd_per_mtok: str | None
    cache_write_usd_per_mtok: str | None
    output_usd_per_mtok: str | None
    request_usd: str | None


class CostOut(msgspec.Struct, frozen=True):
    """Exact cost in USD as decimal text, null if any class that was used is unpriced."""

    total_usd: str | None
    by_class: dict[str, ClassOut]
    unpriced: tuple[str, ...]
    price_rows: list[PriceOut]
    reasons: list[ReasonOut]


def prepare_price(_: Namespace) -> Callable[[UsageIn], CostOut]:
    """The function that prices one usage record."""
    return price_record


def price_record(given: UsageIn) -> CostOut:
    """What the record costs, with the price rows used.

    Raises InputError naming the field for rows or tokens that cannot be used.
    """
    at_utc = _to_utc(given.at_utc, "at_utc")
    if given.reasoning_tokens > given.output_tokens:
        raise InputError("reasoning_exceeds_output", "reasoning_tokens is a part of "
                         "output_tokens and cannot be more", "reasoning_tokens")
    context = read_context(*given.price_context.split())
    use = (given.provider, given.model, context)
    input_tokens = _read_input(given)
    rows: Sequence[Price]
    if given.prices is None:
        rows, ranges = _built_in(*use)
    else:
        rows = [_to_price(number, row, given) for number, row in enumerate(given.prices, start=1)]
        ranges = resolve_seen(rows, [use], lambda *_: None)
    found = price_usage(Usage(given.provider, given.model, input_tokens,
                              given.cache_read_tokens, given.cache_write_tokens,
                              given.output_tokens, context), ranges, at_utc)
    return CostOut(
        _to_text(found.total_usd), {each.name: _to_class(each) for each in found.classes},
        found.unpriced, [_to_row(row) for row in rows if row.price_id in found.price_ids],
        [ReasonOut(reason.code, reason.text) for reason in found.reasons])


def _read_input(given: UsageIn) -> int:
    """Uncached input tokens. Raises InputError where the total cannot hold the cached ones."""
    if given.total_input_tokens is None:
        return given.input_tokens
    told = ToldTokens(given.total_input_tokens, given.cache_read_tokens, given.cache_write_tokens,
                      uncached_input=given.input_tokens or None)
    return split_tokens(told, Convention.INCLUDES_CACHED).input_tokens


@lru_cache(maxsize=4096)
def _built_in(provider: str, model: str, context: str,
              ) -> tuple[list[Price], tuple[PriceRange, ...]]:
    from brain.sources.price_lists import find_prices, match_model
    rows = find_prices(provider, model)
    return rows, resolve_seen(rows, [(provider, model, context)], match_model)


def _to_price(number: int, row: PriceIn, given: UsageIn) -> Price:
    place = f"prices[{number - 1}]"
    try:
        price = Price(
            number, given.provider if row.provider is None else row.provider,
            given.model if row.model is None else row.model, row.origin, row.source,
            _to_utc(row.valid_from_utc, "valid_from_utc"),
            _to_utc(row.valid_to_utc, "valid_to_utc"), row.tier_from_tokens,
            row.input_usd_per_mtok, row.cache_read_usd_per_mtok, row.cache_write_usd_per_mtok,
            row.output_usd_per_mtok, row.request_usd, context=row.context,
            discount_pct=row.discount_pct)
        check_price(price)
    except InputError as error:
        raise InputError(error.code, f"{place}: {error.message}",
                         f"{place}.{error.field}") from error
    return price


def _to_utc(moment: dt.datetime | float, field: str) -> dt.datetime:
    try:
        if isinstance(moment, dt.datetime):
            return moment.astimezone(dt.UTC)
        return dt.datetime.fromtimestamp(moment, dt.UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise InputError("out_of_range", f"{field} is no time that can be used", field) from error


def _to_text(amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _to_class(each: ClassCost) -> ClassOut:
    price = each.price_usd
    per_request = each.name == "request"
    return ClassOut(each.units,
                    None if per_request or price is None else _to_text(price * 10**6),
                    _to_text(price) if per_request else None,
                    _to_text(each.cost_usd), each.price_id)


def _to_row(row: Price) -> PriceOut:
    return PriceOut(row.price_id, row.provider, row.model, row.origin, row.source,
                    row.valid_from_utc, row.valid_to_utc, row.tier_from_tokens,
                    row.context, _to_text(row.discount_pct),
                    *(_to_text(amount) for amount in row.amounts()))


COMMANDS: tuple[Command, ...] = (
    Command("costs", "price", "Price usage records, class by class, with the price rows used.",
            form=Form(UsageIn, CostOut, prepare_price)),
    Command("costs", "budget", "Spend history, budget and now: status, alerts and what to "
            "remember.", form=Form(BudgetStatusIn, BudgetStatusOut, prepare_budget)),
    *SPEND_COMMANDS,
    *COST_COMMANDS,
)
