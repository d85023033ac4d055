"""The price book: which dated price holds when, for whom, and from how many tokens on."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from itertools import pairwise
from typing import Literal

from brain.decisions.price_contexts import distinct, holds_in, is_well_formed, words_of
from brain.decisions.reasons import InputError, Reason

TOKEN_CLASSES: tuple[str, ...] = ("input", "cache_read", "cache_write", "output")
"""Disjoint classes of tokens, in the order they are shown."""

AMOUNTS: tuple[str, ...] = (*(f"{name}_usd_per_mtok" for name in TOKEN_CLASSES), "request_usd")
"""The five amounts of a price."""

ALWAYS_FROM = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
ALWAYS_TO = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
NO_TIER_END = 2**63 - 1
MOST_USD = Decimal(1_000_000)

Name = tuple[str, str]
"""Provider and model."""

Use = tuple[str, str, str]
"""Provider, model and price context, as requests carry them."""


@dataclass(frozen=True, slots=True)
class Price:
    """One row of the price book, valid in [valid_from_utc, valid_to_utc).

    Amounts are USD per million tokens, and USD per request; None says nothing about that
    class. The row holds for requests of ``tier_from_tokens`` prompt tokens (uncached, cache
    read and cache written together) and more.

    ``context`` are words such as batch, flex, priority or a region: the row holds for requests
    whose own context has them all, the empty one for every request. ``discount_pct`` in the
    place of amounts takes that much off every list price that holds there; its ``model`` may be
    empty for all models of the provider.
    """

    price_id: int
    provider: str
    model: str
    origin: Literal["list", "contract"]
    source: str
    valid_from_utc: dt.datetime = ALWAYS_FROM
    valid_to_utc: dt.datetime = ALWAYS_TO
    tier_from_tokens: int = 0
    input_usd_per_mtok: Decimal | None = None
    cache_read_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    request_usd: Decimal | None = None
    withdrawn: bool = False
    context: str = ""
    discount_pct: Decimal | None = None

    def amounts(self) -> tuple[Decimal | None, ...]:
        """The five amounts in the order of ``AMOUNTS``."""
        return (self.input_usd_per_mtok, self.cache_read_usd_per_mtok,
                self.cache_write_usd_per_mtok, self.output_usd_per_mtok, self.request_usd)


@dataclass(frozen=True, slots=True)
class PriceRange:
    """What holds for one provider and model in one span of time and of prompt tokens.

    Both spans are half-open. Token prices are pico-USD per token (micro-USD per million
    tokens), the request price is pico-USD. ``price_id`` is the strongest row used,
    ``row_ids`` the row behind each of the five amounts, ``discount_id`` the row whose discount
    is taken off those of the list. ``standard_only`` says that no row of ``price_context`` was
    used although the context is not empty.
    """

    provider: str
    model: str
    valid_from_utc: dt.datetime
    valid_to_utc: dt.datetime
    tier_from_tokens: int
    tier_to_tokens: int
    input_pico_usd: int | None
    cache_read_pico_usd: int | None
    cache_write_pico_usd: int | None
    output_pico_usd: int | None
    request_pico_usd: int | None
    price_id: int
    row_ids: tuple[int | None, ...]
    price_context: str = ""
    discount_id: int | None = None
    standard_only: bool = False

    def pico_amounts(self) -> tuple[int | None, ...]:
        """The five amounts in the order of ``AMOUNTS``."""
        return (self.input_pico_usd, self.cache_read_pico_usd, self.cache_write_pico_usd,
                self.output_pico_usd, self.request_pico_usd)


def to_pico_usd(amount: Decimal, name: str) -> int:
    """The amount of field ``name`` as an exact integer.

    USD per million tokens becomes pico-USD per token (times 10^6), USD per request
    becomes pico-USD (times 10^12). Raises InputError for what is negative, not finite,
    above 1,000,000 USD, or finer than 6 (per million tokens) or 12 (per request) decimals.
    """
    decimals = 12 if name == "request_usd" else 6
    if not amount.is_finite():
        raise InputError("not_finite", f"{name} must be a finite number", name)
    if amount < 0:
        raise InputError("negative", f"{name} must not be negative, got {amount:.6g}", name)
    if amount > MOST_USD:
        raise InputError("too_large", f"{name} must be at most {MOST_USD:,} USD", name)
    exact = amount.quantize(Decimal(1).scaleb(-decimals), context=Context(prec=40))
    if exact != amount:
        raise InputError("too_fine", f"{name} may have at most {decimals} decimals", name)
    return int(exact.scaleb(decimals))


def check_price(price: Price, others: Iterable[Price] = ()) -> tuple[Reason, ...]:
    """What looks odd about a price that can be used; empty for nothing.

    Odd ("suspicious") are a hundredfold difference from another price of the same provider
    and model, amounts so small that they look like USD per 1,000 tokens, and a row that
    hides the tiers of an earlier one. Raises InputError naming the field for a price that
    cannot be used.
    """
    _check_names_and_spans(price)
    for name, amount in zip(AMOUNTS, price.amounts(), strict=True):
        if amount is not None:
            to_pico_usd(amount, name)
    peers = [other for other in others if (other.provider, other.model, other.context) == (
        price.provider, price.model, price.context) and not other.withdrawn
        and other.price_id != price.price_id]
    odd = [reason for index, name in enumerate(AMOUNTS)
           if (reason := _find_odd_amount(name, price.amounts()[index],
                                          [peer.amounts()[index] for peer in peers]))]
    if any(peer.origin == price.origin and peer.price_id < price.price_id
           and peer.tier_from_tokens > price.tier_from_tokens
           and peer.valid_from_utc < price.valid_to_utc
           and price.valid_from_utc < peer.valid_to_utc for peer in peers):
        odd.append(Reason("hides_tier", "This price also replaces an earlier one for larger "
                                        "prompts; give the tiers after their base."))
    return tuple(odd)


def _check_names_and_spans(price: Price) -> None:
    for name, text, longest in (("provider", price.provider, 128), ("model", price.model, 256),
                                ("source", price.source, 256)):
        if len(text) > longest:
            raise InputError("too_long", f"{name} may have {longest} characters", name)
    if not price.model and price.discount_pct is None:
        raise InputError("missing", "model must be named", "model")
    if not is_well_formed(price.context):
        raise InputError("bad_context", "context must be words such as batch, flex, priority or "
                         "us, in lower case, in order, each once", "context")
    if price.origin not in ("list", "contract"):
        raise InputError("unknown_origin", "origin must be list or contract", "origin")
    for name, at_utc in (("valid_from_utc", price.valid_from_utc),
                         ("valid_to_utc", price.valid_to_utc)):
        if at_utc.tzinfo is None:
            raise InputError("no_zone", f"{name} must have a time zone", name)
        if not ALWAYS_FROM <= at_utc <= ALWAYS_TO:
            raise InputError("out_of_range", f"{name} must be within 2000 and 2200", name)
    if price.valid_from_utc >= price.valid_to_utc:
        raise InputError("empty_span", "valid_from_utc must be before valid_to_utc",
                         "valid_from_utc")
    if not 0 <= price.tier_from_tokens < NO_TIER_END:
        raise InputError("out_of_range", "tier_from_tokens must not be negative",
                         "tier_from_tokens")
    named = any(amount is not None for amount in price.amounts())
    if price.discount_pct is None:
        if not named:
            raise InputError("no_amount", "a price needs at least one amount", AMOUNTS[0])
        return
    if named or price.origin != "contract":
        raise InputError("not_both", "a discount belongs to a contract and has no amounts",
                         "discount_pct")
    if not price.discount_pct.is_finite() or not 0 < price.discount_pct <= 100:
        raise InputError("out_of_range", "discount_pct must be above 0 and at most 100",
                         "discount_pct")
    if price.discount_pct != round(price.discount_pct, 4):
        raise InputError("too_fine", "discount_pct may have at most 4 decimals", "discount_pct")


def _find_odd_amount(name: str, amount: Decimal | None,
                     others: Sequence[Decimal | None]) -> Reason | None:
    if not amount:
        return None
    known = [other for other in others if other]
    for other in known:
        if amount * 100 <= other or amount >= other * 100:
            return Reason("suspicious", f"{name} {amount:.10g} is far from {other:.10g}, another "
                                        "price of this model; is it per million tokens?")
    smallest = {"input_usd_per_mtok": Decimal("0.02"), "output_usd_per_mtok": Decimal("0.05")}
    if not known and amount < smallest.get(name, 0):
        return Reason("suspicious", f"{name} {amount:.10g} looks like a price per 1,000 tokens; "
                                    f"per million it would be {amount * 1000:.10g}.")
    return None


def _strength(price: Price) -> tuple[bool, int, int]:
    return (price.origin == "contract", len(words_of(price.context)), price.price_id)


def resolve_ranges(rows: Iterable[Price], contexts: Iterable[str] | None = None,
                   ) -> tuple[PriceRange, ...]:
    """Disjoint ranges, ordered, that answer every instant and prompt size as the rows do.

    For each amount the strongest row that names it wins: a contract beats a list price, inside
    one origin more words of context beat fewer, and then the later ``price_id`` the earlier. The
    strongest discount is taken off amounts that come from the list, rounded half-even to whole
    pico-USD. Withdrawn rows say nothing. A row reaches from its tier upward, so tiers are given
    after their base. Ranges are made for ``contexts``, or for those the rows name.
    Raises InputError as `to_pico_usd` does.
    """
    by_name: dict[Name, list[Price]] = defaultdict(list)
    for row in rows:
        if not row.withdrawn and row.valid_from_utc < row.valid_to_utc:
            by_name[row.provider, row.model].append(row)
    wanted = None if contexts is None else tuple(sorted(set(contexts)))
    return tuple(each for name in sorted(by_name)
                 for context in (distinct(row.context for row in by_name[name])
                                 if wanted is None else wanted)
                 for each in _resolve_use(name, context, by_name[name]))


def _resolve_use(name: Name, context: str, rows: list[Price]) -> list[PriceRange]:
    strongest_first = sorted((row for row in rows if holds_in(row.context, context)),
                             key=_strength, reverse=True)
    instants = sorted({row.valid_from_utc for row in strongest_first}
                      | {row.valid_to_utc for row in strongest_first})
    tiers = sorted({0} | {row.tier_from_tokens for row in strongest_first})
    found: list[PriceRange] = []
    for tier_from, tier_to in zip(tiers, [*tiers[1:], NO_TIER_END], strict=True):
        last: PriceRange | None = None
        for start, end in pairwise(instants):
            here = _resolve_cell((*name, context), (start, end), (tier_from, tier_to), [
                row for row in strongest_first if row.tier_from_tokens <= tier_from
                and row.valid_from_utc <= start and end <= row.valid_to_utc])
            if here and last and last.valid_to_utc == start and last == replace(
                    here, valid_from_utc=last.valid_from_utc, valid_to_utc=start):
                found[-1] = last = replace(last, valid_to_utc=end)
            elif here:
                found.append(here)
                last = here
    return found


def _resolve_cell(use: Use, span: tuple[dt.datetime, dt.datetime], tier: tuple[int, int],
                  strongest_first: list[Price]) -> PriceRange | None:
    picos: list[int | None] = [None] * len(AMOUNTS)
    used: list[Price | None] = [None] * len(AMOUNTS)
    for row in strongest_first:
        for index, amount in enumerate(row.amounts()):
            if amount is not None and used[index] is None:
                picos[index] = to_pico_usd(amount, AMOUNTS[index])
                used[index] = row
    named = [row for row in used if row]
    if not named:
        return None
    off = next((row for row in strongest_first if row.discount_pct is not None), None)
    if off is not None and off.discount_pct is not None:
        kept_ratio = (100 - off.discount_pct) / 100
        for index, source in enumerate(used):
            pico = picos[index]
            if source and pico is not None and source.origin == "list":
                picos[index] = round(pico * kept_ratio)
    discounted = off is not None and any(row.origin == "list" for row in named)
    provider, model, context = use
    return PriceRange(
        provider, model, span[0], span[1], tier[0], tier[1], picos[0], picos[1], picos[2],
        picos[3], picos[4], max(named, key=_strength).price_id,
        tuple(row.price_id if row else None for row in used), context,
        off.price_id if off and discounted else None,
        bool(context) and not any(row.context for row in named)
        and not (off and discounted and off.context))


def resolve_seen(rows: Iterable[Price], seen: Iterable[Name | Use],
                 match: Callable[[str, str], Name | None]) -> tuple[PriceRange, ...]:
    """Ranges under the very names, and price contexts, that events carry.

    A row holds for a seen name if it has that name, or the name ``match`` finds for it, or
    no provider and one of the two models. A discount may name a provider and no model, or
    neither. A name without a context is asked for as the plain one.
    """
    by_name: dict[Name, list[Price]] = defaultdict(list)
    for row in rows:
        by_name[row.provider, row.model].append(row)
    contexts: dict[Name, set[str]] = defaultdict(set)
    for each in seen:
        contexts[each[0], each[1]].add(each[2] if len(each) == 3 else "")
    found: list[PriceRange] = []
    for provider, model in sorted(contexts):
        names = [(provider, model), ("", model), (provider, ""), ("", "")]
        if matched := match(provider, model):
            names += [matched, ("", matched[1]), (matched[0], "")]
        found += resolve_ranges(
            [replace(row, provider=provider, model=model)
             for name in dict.fromkeys(names) for row in by_name.get(name, ())
             if row.model or row.discount_pct is not None],
            contexts[provider, model])
    return tuple(found)


def renew_list(known: Iterable[Price], published: Iterable[Price],
               ) -> tuple[list[Price], list[int]]:
    """Rows to append and ids to withdraw so that the book follows a newly published list.

    A model whose published rows differ from those taken over last is taken over whole, and
    its standing rows of that list are withdrawn: else a changed base would outrank its own
    unchanged tiers, and a dropped tier would live on. A row withdrawn by hand stays so.
    ``known`` are the book's rows of that list only, withdrawn ones included; the part of
    ``source`` before the first comma names the list's version.
    """
    taken: dict[Name, list[Price]] = defaultdict(list)
    for row in known:
        taken[row.provider, row.model].append(row)
    offered: dict[Name, list[Price]] = defaultdict(list)
    for row in published:
        offered[row.provider, row.model].append(row)
    append: list[Price] = []
    withdraw: list[int] = []
    for name, rows in offered.items():
        old = taken.get(name, [])
        version = max(old, key=_strength).source.partition(",")[0] if old else ""
        latest = {_content(row) for row in old if row.source.partition(",")[0] == version}
        if latest != {_content(row) for row in rows}:
            append += rows
            withdraw += [row.price_id for row in old if not row.withdrawn]
    return append, withdraw


def _content(row: Price) -> tuple[object, ...]:
    return (row.origin, row.valid_from_utc, row.valid_to_utc, row.tier_from_tokens, row.context,
            *row.amounts())
