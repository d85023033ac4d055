"""Usage as charges: one for each day, owner, model and class of tokens, exact to the pico-USD."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from analytics.spans import Span
from brain.decisions.prices import TOKEN_CLASSES, PriceRange
from brain.decisions.repricing import Cell

REQUEST = "request"
PER_MTOK = 10**6
_EXACT = Context(prec=60)
_PICO = Decimal("0.000000000001")
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one class of tokens of an owner cost on one day.

    ``unit_usd`` is USD per million tokens, or per request; ``list_unit_usd`` that of the list
    price, which is our own where the list has none. Unpriced: costs and prices are None.
    """

    start_utc: dt.datetime
    end_utc: dt.datetime
    workspace_id: str
    provider: str
    model: str
    price_context: str
    agent_id: str
    feature: str
    api_key_id: str
    region: str
    token_class: str
    quantity: int
    unit_usd: Decimal | None
    cost_usd: Decimal | None
    list_unit_usd: Decimal | None
    list_cost_usd: Decimal | None
    price_id: int | None
    tier_from_tokens: int
    requests: int
    row: int
    """Charges of the same requests have the same row."""

    @property
    def is_request(self) -> bool:
        """Whether requests are charged, not tokens."""
        return self.token_class == REQUEST


def charges_of(rows: Iterable[Mapping[str, Any]], cells: Sequence[Cell],
               span: Span) -> Iterator[Charge]:
    """The charges of rows of ``costs/use_by_day``; the cells' ways are our prices and the list's.

    Requests that used a class without a price are unpriced as a whole, as everywhere.
    """
    for number, row in enumerate(rows):
        cell = cells[row["cell_id"]] if row["cell_id"] >= 0 else None
        own, listed = cell.prices if cell is not None else (None, None)
        start = row["bucket_start_utc"]
        start = start if start.tzinfo else start.replace(tzinfo=dt.UTC)
        fixed: dict[str, Any] = {
            "start_utc": max(start, span.start), "end_utc": min(start + _DAY, span.end),
            **{name: row[name] for name in ("workspace_id", "provider", "model", "price_context",
                                            "agent_id", "feature", "api_key_id", "region")},
            "requests": row["requests"], "row": number,
            "tier_from_tokens": cell.tier_from_tokens if cell is not None else 0}
        unpriced = _is_unpriced(row["classes_used"], own)
        for place, name in enumerate(TOKEN_CLASSES):
            tokens = row[f"{name}_tokens"]
            if tokens:
                yield _charge(fixed, name, tokens, place, None if unpriced else own, listed)
        if own is not None and own.request_pico_usd and not unpriced:
            yield _charge(fixed, REQUEST, row["requests"], len(TOKEN_CLASSES), own, listed)


def _is_unpriced(classes_used: int, own: PriceRange | None) -> bool:
    if own is None:
        return bool(classes_used)
    return any(classes_used & 1 << place and own.pico_amounts()[place] is None
               for place in range(len(TOKEN_CLASSES)))


def _charge(fixed: Mapping[str, Any], name: str, quantity: int, place: int,
            own: PriceRange | None, listed: PriceRange | None) -> Charge:
    if own is None:
        return Charge(**fixed, token_class=name, quantity=quantity, unit_usd=None, cost_usd=None,
                      list_unit_usd=None, list_cost_usd=None, price_id=None)
    pico = own.pico_amounts()[place] or 0
    list_pico = None if listed is None else listed.pico_amounts()[place]
    list_pico = pico if list_pico is None else list_pico
    scale = 1 if name == REQUEST else PER_MTOK
    return Charge(**fixed, token_class=name, quantity=quantity,
                  unit_usd=_usd(pico * scale), cost_usd=_usd(quantity * pico),
                  list_unit_usd=_usd(list_pico * scale), list_cost_usd=_usd(quantity * list_pico),
                  price_id=own.row_ids[place] or own.price_id)


def _usd(pico: int) -> Decimal:
    return _EXACT.multiply(Decimal(pico), _PICO)
