"""Costs per request and per token, and by day, exact to the last digit."""

from dataclasses import dataclass
from decimal import Context, Decimal

import pandas as pd

from analytics.usage import Usage

_PRECISION = Context(prec=28)


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """What one request and a thousand tokens cost, over what has a price; None without any."""

    per_request_usd: Decimal | None
    per_1k_tokens_usd: Decimal | None


def unit_costs(usage: Usage) -> UnitCosts:
    """Cost over priced requests, and over priced tokens in thousands.

    Answers from the platform's own cache are requests that cost nothing; their tokens do not
    count. Requests without a price count on neither side.
    """
    requests = usage.requests - usage.unpriced_requests
    tokens = usage.tokens - usage.unpriced_tokens
    return UnitCosts(
        _PRECISION.divide(usage.cost_usd, Decimal(requests)) if requests else None,
        _PRECISION.divide(usage.cost_usd * 1_000, Decimal(tokens)) if tokens else None)


def by_bucket(rows: pd.DataFrame) -> pd.DataFrame:
    """Exact cost, requests and unpriced requests of each bucket of a series, oldest first."""
    return rows.groupby("bucket_start_utc", as_index=False)[
        ["cost_usd", "requests", "unpriced_requests", "unpriced_tokens"]].sum()


def unit_costs_by_name(rows: pd.DataFrame) -> pd.DataFrame:
    """A breakdown with ``usd_per_request`` and ``usd_per_1k_tokens``; null without a price.

    Rows have the sums of a usage query and ``tokens``. ``cost_usd`` is null, too, where none of
    the tokens has a price: that is unpriced, not free.
    """
    requests = rows["requests"] - rows["unpriced_requests"]
    tokens = rows["tokens"] - rows["unpriced_tokens"]
    amounts = [None if each and missing >= each else amount for amount, each, missing
               in zip(rows["cost_usd"], rows["tokens"], rows["unpriced_tokens"], strict=True)]
    return rows.assign(cost_usd=pd.Series(amounts, index=rows.index, dtype="object"),
                       usd_per_request=_quotients(rows["cost_usd"], requests, 1),
                       usd_per_1k_tokens=_quotients(rows["cost_usd"], tokens, 1_000))


def _quotients(amounts: pd.Series, counts: pd.Series, factor: int) -> pd.Series:
    return pd.Series([_PRECISION.divide(Decimal(amount) * factor, Decimal(int(each)))
                      if each else None for amount, each in zip(amounts, counts, strict=True)],
                     index=amounts.index, dtype="object")
