"""Re-pricing: what a span costs by other prices, exactly, model by model."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from itertools import pairwise

from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, NO_TIER_END, PriceRange, Use
from brain.decisions.reasons import InputError

BASES = ("billed", "current", "today", "list", "version:N")
"""Ways of pricing a span.

``billed``: prices of the day of use by the book as it was known at the end of that UTC day, days
before its first version by that one. ``current``: prices of the day of use by the book of now, as
all pages show them. ``today``: the prices that hold today, for every request. ``list``: as current,
without contracts. ``version:N``: prices of the day of use by the book's version N.
"""
_DAY = dt.timedelta(days=1)
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Cell:
    """A span of time and prompt size in which each way of pricing has one price, or none."""

    cell_id: int
    provider: str
    model: str
    price_context: str
    valid_from_utc: dt.datetime
    valid_to_utc: dt.datetime
    tier_from_tokens: int
    tier_to_tokens: int
    prices: tuple[PriceRange | None, ...]


@dataclass(frozen=True, slots=True)
class CellUse:
    """Requests of one cell that used the same classes: tokens by class, added up."""

    cell_id: int
    provider: str
    model: str
    price_context: str
    cached: bool
    classes_used: int
    requests: int
    tokens: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Repriced:
    """A model by several ways of pricing; costs leave out requests that one has no price for."""

    provider: str
    model: str
    price_context: str
    requests: int
    cached: int
    tokens: int
    costs_usd: tuple[Decimal, ...]
    unpriced_requests: tuple[int, ...]

    @property
    def difference_usd(self) -> Decimal:
        """The last way less the first."""
        return _EXACT.subtract(self.costs_usd[-1], self.costs_usd[0])


def read_basis(text: str) -> tuple[str, int | None]:
    """The way of pricing that a text names, and its version. Raises InputError."""
    name, _, number = text.strip().lower().partition(":")
    if name == "version" and number.isdecimal() and 0 < int(number) < 2**31:
        return name, int(number)
    if number or name == "version" or name not in BASES:
        raise InputError("unknown_basis", f"a way of pricing is one of {', '.join(BASES)}, not "
                         f"{text[:40]!r}", "basis")
    return name, None


def hold_today(ranges: Iterable[PriceRange], now: dt.datetime) -> tuple[PriceRange, ...]:
    """The ranges that hold at ``now``, made to hold always."""
    return tuple(replace(each, valid_from_utc=ALWAYS_FROM, valid_to_utc=ALWAYS_TO)
                 for each in ranges if each.valid_from_utc <= now < each.valid_to_utc)


def as_known(known: Sequence[tuple[dt.datetime, Sequence[PriceRange]]]) -> tuple[PriceRange, ...]:
    """Ranges by the book as it was known on each day.

    ``known`` are the books by the time they came about, oldest first. A book counts from the
    midnight (UTC) before that time on, the first one always before; the last of a day wins.
    """
    starts = [at.replace(hour=0, minute=0, second=0, microsecond=0) for at, _ in known]
    found: list[PriceRange] = []
    for place, (_, ranges) in enumerate(known):
        start = ALWAYS_FROM if place == 0 else starts[place]
        end = starts[place + 1] if place + 1 < len(known) else ALWAYS_TO
        found += [replace(each, valid_from_utc=max(start, each.valid_from_utc),
                          valid_to_utc=min(end, each.valid_to_utc)) for each in ranges
                  if max(start, each.valid_from_utc) < min(end, each.valid_to_utc)]
    return tuple(found)


def cut_cells(ways: Sequence[Sequence[PriceRange]], start: dt.datetime, end: dt.datetime,
              ) -> tuple[Cell, ...]:
    """Cells that tile [start, end) for every use that has a price in one of the ways."""
    by_use: dict[Use, list[tuple[int, PriceRange]]] = defaultdict(list)
    for way, ranges in enumerate(ways):
        for each in ranges:
            if each.valid_from_utc < end and start < each.valid_to_utc:
                by_use[each.provider, each.model, each.price_context].append((way, each))
    cells: list[Cell] = []
    for use in sorted(by_use):
        pieces = by_use[use]
        instants = sorted({start, end} | {
            at for _, each in pieces for at in (each.valid_from_utc, each.valid_to_utc)
            if start < at < end})
        tiers = sorted({0} | {each.tier_from_tokens for _, each in pieces})
        for first, last in pairwise(instants):
            for tier, tier_to in zip(tiers, [*tiers[1:], NO_TIER_END], strict=True):
                held: list[PriceRange | None] = [None] * len(ways)
                for way, each in pieces:
                    if (each.valid_from_utc <= first and last <= each.valid_to_utc
                            and each.tier_from_tokens <= tier < each.tier_to_tokens):
                        held[way] = each
                cells.append(Cell(len(cells), *use, first, last, tier, tier_to, tuple(held)))
    return tuple(cells)


def price_uses(uses: Iterable[CellUse], cells: Sequence[Cell], ways: int) -> tuple[Repriced, ...]:
    """What each model costs by each way, ordered by name.

    tokens × pico-USD in whole numbers: exact. Answers from the platform's own cache cost nothing.
    A request that used a class without a price is unpriced, as one without any price that used
    tokens; a request without tokens costs its own price, where there is one.
    """
    sums: dict[Use, list[list[int]]] = {}
    for use in uses:
        key = (use.provider, use.model, use.price_context)
        found = sums.setdefault(key, [[0, 0, 0], [0] * ways, [0] * ways])
        found[0][0] += use.requests
        found[0][1] += use.requests if use.cached else 0
        found[0][2] += 0 if use.cached else sum(use.tokens)
        if use.cached:
            continue
        for way in range(ways):
            price = cells[use.cell_id].prices[way] if use.cell_id >= 0 else None
            cost = _price_use(use, price)
            if cost is None:
                found[2][way] += use.requests
            else:
                found[1][way] += cost
    return tuple(
        Repriced(*key, requests, cached, tokens,
                 tuple(Decimal(each).scaleb(-12, context=_EXACT) for each in costs),
                 tuple(unpriced))
        for key, ((requests, cached, tokens), costs, unpriced) in sorted(sums.items()))


def _price_use(use: CellUse, price: PriceRange | None) -> int | None:
    if price is None:
        return None if use.classes_used else 0
    *classes, request = price.pico_amounts()
    if any(pico is None and use.classes_used >> place & 1 for place, pico in enumerate(classes)):
        return None
    return use.requests * (request or 0) + sum(
        tokens * (pico or 0) for tokens, pico in zip(use.tokens, classes, strict=True))
