"""The price book as tables: what holds now, and the history of one model."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

import pandas as pd

from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, AMOUNTS, Name, Price
from pages.ui import data, tables
from pages.ui.price_form import LABELS

MOST_MODELS = 200
COLUMNS = {name: f"{label}{', USD' if name == 'request_usd' else ', USD/Mtok'}"
           for name, label in LABELS.items()}
_KINDS = dict.fromkeys(COLUMNS, "usd_exact")
_HELPS = {name: "USD per request" if name == "request_usd" else "USD per million tokens"
          for name in COLUMNS}


def find_names(rows: Iterable[Price], text: str, *, only_seen: bool) -> list[Name]:
    """Provider and model of every price, or of every request, that contain a text."""
    names = set(data.engine().ingestion.seen_models) if only_seen else {
        (row.provider, row.model) for row in rows}
    words = text.lower().split()
    return sorted(name for name in names if all(word in " ".join(name).lower() for word in words))


def prices_now(names: list[Name], rows: Iterable[Price]) -> pd.DataFrame:
    """What holds at this moment for each name and tier; amounts are None without a price."""
    now, by_id = data.now(), {row.price_id: row for row in rows}
    every = {row.context for row in rows if row.context and not row.withdrawn}
    uses = [(*name, context) for name in names for context in ("", *sorted(every))]
    found = [each for each in data.engine().prices.resolve(uses)
             if not each.standard_only and each.valid_from_utc <= now < each.valid_to_utc]
    lines = []
    for each in found:
        source = by_id[each.price_id]
        lines.append({"provider": each.provider, "model": each.model,
                      "context": each.price_context,
                      "tier_from_tokens": each.tier_from_tokens,
                      "origin": source.origin + (", discounted" if each.discount_id else ""),
                      "source": source.source} | dict(zip(AMOUNTS, (
                          None if amount is None else Decimal(amount).scaleb(
                              -12 if name == "request_usd" else -6)
                          for name, amount in zip(AMOUNTS, each.pico_amounts(), strict=True)),
                          strict=True)))
    priced = {(each.provider, each.model) for each in found}
    lines += [{"provider": provider, "model": model, "context": "", "tier_from_tokens": 0,
               "origin": "no price", "source": ""} | dict.fromkeys(AMOUNTS)
              for provider, model in names if (provider, model) not in priced]
    return pd.DataFrame(lines).sort_values(["provider", "model", "context", "tier_from_tokens"],
                                           ignore_index=True)


def show_now(frame: pd.DataFrame) -> list[int]:
    """Draw `prices_now`; positions of chosen rows."""
    return tables.show(frame, "price book", {
        "provider": "Provider", "model": "Model", "context": "Context",
        "tier_from_tokens": "From prompt tokens",
        **COLUMNS, "origin": "Origin", "source": "Source"},
        {**_KINDS, "tier_from_tokens": "count"}, helps=_HELPS, select=True)


def show_history(rows: list[Price]) -> list[int]:
    """Draw every price of one model, newest first; positions of chosen rows."""
    frame = pd.DataFrame([{name: getattr(row, name) for name in Price.__dataclass_fields__}
                          for row in rows]).assign(
        state=["withdrawn" if row.withdrawn else "holds" for row in rows],
        valid_from_utc=[_bound(row.valid_from_utc) for row in rows],
        valid_to_utc=[_bound(row.valid_to_utc) for row in rows])
    return tables.show(frame, "price history", {
        "price_id": "Number", "state": "State", "origin": "Origin", "valid_from_utc": "From (UTC)",
        "valid_to_utc": "Before (UTC)", "context": "Context",
        "tier_from_tokens": "From prompt tokens", **COLUMNS, "discount_pct": "Discount (%)",
        "provider": "Provider", "model": "Model", "source": "Source"},
        {**_KINDS, "price_id": "count", "tier_from_tokens": "count", "discount_pct": "usd_exact"},
        helps=_HELPS, select=True)


def _bound(at: dt.datetime) -> str:
    return "" if at in {ALWAYS_FROM, ALWAYS_TO} else f"{at:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
