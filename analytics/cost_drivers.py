"""What drove a change of cost: volume, mix and price, adding up to it exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Item:
    """What one thing that has a price took and cost in a span: a class of tokens of a model.

    ``name`` is what it is told by (the model), ``part`` what else sets it apart (class, price
    context). ``quantity`` is in ``unit``, tokens or requests; only quantities of one unit are
    added.
    """

    name: str
    part: str
    quantity: int
    cost_usd: Decimal
    unit: str = "tokens"


@dataclass(frozen=True, slots=True)
class Drivers:
    """Change of cost by driver: volume + mix + price is after − before, exactly.

    ``requests_usd`` and ``size_usd`` split the volume into more requests and more per request.
    """

    name: str
    before_usd: Decimal
    after_usd: Decimal
    volume_usd: Decimal
    mix_usd: Decimal
    price_usd: Decimal
    requests_usd: Decimal
    size_usd: Decimal

    @property
    def change_usd(self) -> Decimal:
        """What it cost more."""
        return _EXACT.subtract(self.after_usd, self.before_usd)


@dataclass(frozen=True, slots=True)
class Change:
    """The drivers of a whole change and, name by name, of its parts, which add up to it."""

    total: Drivers
    by_name: tuple[Drivers, ...]


def explain_change(before: Iterable[Item], after: Iterable[Item], requests_before: int,
                   requests_after: int) -> Change:
    """Why ``after`` cost more or less than ``before``.

    With q the quantity, c the cost and p = c / q the unit cost of each item, Q the sum of all q
    of one unit, and 0 and 1 the spans before and after, an item's
    volume = c0 × (Q1 / Q0 − 1), mix = q1 × p0 − c0 × Q1 / Q0, price = c1 − q1 × p0:
    volume is everything growing alike at old unit costs, mix the shift between items at old unit
    costs, price the change of unit costs at new quantities. An item that is new is mix, as it has
    no old unit cost; where there was nothing before, all is volume. The part of the volume that
    follows the number of requests N is c0 × (N1 / N0 − 1), the rest is their size. Volume and
    q1 × p0 are rounded to 10^-12 USD, the others are what is left, so that nothing is lost.
    Source: price-volume-mix analysis; the sales mix, quantity and price variances of management
    accounting (base-period weights).
    """
    old, new = _by_key(before), _by_key(after)
    grown = _grown(old, new)
    asked = Fraction(requests_after, requests_before) if requests_before else None
    found: dict[str, list[Decimal]] = {}
    for key in sorted(old.keys() | new.keys()):
        parts = _split(old.get(key), new.get(key), grown[key[2]], asked)
        sums = found.setdefault(key[0], [ZERO] * len(parts))
        found[key[0]] = [_EXACT.add(one, two) for one, two in zip(sums, parts, strict=True)]
    by_name = sorted((_drivers(name, parts) for name, parts in found.items()),
                     key=lambda each: (-abs(each.change_usd), each.name))
    total = [ZERO] * 6
    for parts in found.values():
        total = [_EXACT.add(one, two) for one, two in zip(total, parts, strict=True)]
    return Change(_drivers("", total), tuple(by_name))


_Key = tuple[str, str, str]


def _by_key(items: Iterable[Item]) -> dict[_Key, Item]:
    found: dict[_Key, Item] = {}
    for item in items:
        key = (item.name, item.part, item.unit)
        if key in found:
            there = found[key]
            item = Item(*key[:2], there.quantity + item.quantity,
                        _EXACT.add(there.cost_usd, item.cost_usd), item.unit)
        found[key] = item
    return found


def _grown(old: Mapping[_Key, Item], new: Mapping[_Key, Item]) -> dict[str, Fraction | None]:
    """How much more of each unit there is; None where there was nothing to compare with."""
    units = {key[2] for key in (*old, *new)}
    sums = {(unit, place): sum(item.quantity for key, item in items.items() if key[2] == unit)
            for unit in units for place, items in enumerate((old, new))}
    return {unit: Fraction(sums[unit, 1], sums[unit, 0]) if sums[unit, 0] else None
            for unit in units}


def _split(old: Item | None, new: Item | None, grown: Fraction | None, asked: Fraction | None,
           ) -> list[Decimal]:
    """Before, after, volume, mix, price, and the volume's part that follows the requests."""
    c0, q0 = (old.cost_usd, old.quantity) if old else (ZERO, 0)
    c1, q1 = (new.cost_usd, new.quantity) if new else (ZERO, 0)
    if grown is None:  # nothing of this unit before
        volume = _EXACT.subtract(c1, c0)
        return [c0, c1, volume, ZERO, ZERO, volume]
    volume = _round(Fraction(c0) * (grown - 1))
    at_old_price = _round(Fraction(c0) * q1 / q0) if q0 else c1
    mix = _EXACT.subtract(_EXACT.subtract(at_old_price, c0), volume)
    by_requests = volume if asked is None else _round(Fraction(c0) * (asked - 1))
    return [c0, c1, volume, mix, _EXACT.subtract(c1, at_old_price), by_requests]


def _round(exact: Fraction) -> Decimal:
    # Integer arithmetic: a division of Decimals would round twice.
    scaled = exact * 10**12
    return Decimal(round(scaled)).scaleb(-12, context=_EXACT)


def _drivers(name: str, parts: list[Decimal]) -> Drivers:
    before, after, volume, mix, price, by_requests = parts
    return Drivers(name, before, after, volume, mix, price, by_requests,
                   _EXACT.subtract(volume, by_requests))
