"""Spend by what it was for: which pieces a query may read, exact rests, unit costs, drivers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import pandas as pd

from analytics.cost_drivers import Change, Item, explain_change
from analytics.usage import DAY_S, HOUR_S, REST, from_events

DIMENSIONS: Mapping[str, str] = {
    "Model": "model", "Provider": "provider", "Workspace": "workspace_id", "Agent": "agent_id",
    "User": "user_id", "Feature": "feature", "Variant": "variant", "API key": "api_key_id",
    "Price context": "price_context"}
"""Columns by what a reader calls them."""
BUCKETS: Mapping[str, int] = {"Day": DAY_S, "Hour": HOUR_S}
CLASSES: Mapping[str, str] = {"input": "Input", "cache_read": "Cache read",
                              "cache_write": "Cache write", "output": "Output"}
TOKENS = tuple(f"{name}_tokens" for name in CLASSES)
COUNTS = ("requests", "cached", *TOKENS, "unpriced_requests", "unpriced_tokens")
MONEY = ("cost_usd", *(f"{name}_usd" for name in CLASSES), "request_usd", "saved_usd")
SUMS = (*COUNTS, *MONEY)
MOST_ROWS, MOST_CELLS = 200, 5_000
_PRECISION = Context(prec=28)
_EXACT = Context(prec=60)

Params = dict[str, Any]


def breakdown_params(params: Mapping[str, Any], by: Sequence[str], limit: int = MOST_CELLS,
                     ) -> Params:
    """``params`` of a view for ``costs/breakdown`` by up to two columns, or "Day" or "Hour".

    Users, regions and devices are in no rollup of spend: then every request is read. Hours of the
    day rollup are not there, so buckets under a day read hours.
    """
    names = [DIMENSIONS.get(each, each) for each in by if each not in BUCKETS]
    widths = [BUCKETS[each] for each in by if each in BUCKETS]
    if len(names) > 2 or len(widths) > 1 or len(by) > 2:
        raise ValueError("a breakdown has at most two dimensions, one of them time")
    found: Params = {**params, "first": names[0] if names else "",
                     "second": names[1] if len(names) > 1 else "",
                     "width_s": widths[0] if widths else 0, "limit": limit}
    if reads_events(params, by):
        return from_events(found)
    if widths and widths[0] < DAY_S:
        found |= {"day_start": found["hour_end"], "day_end": found["hour_end"]}
    return found


def reads_events(params: Mapping[str, Any], by: Sequence[str]) -> bool:
    """Whether a breakdown has to read every request of the span."""
    return bool(params["regions"] or params["devices"]
                or "user_id" in {DIMENSIONS.get(each, each) for each in by})


@dataclass(frozen=True, slots=True)
class Spend:
    """Spend of a span. Tokens are those that have a price; ``saved_usd`` is what answers from the
    platform's own cache would have cost. The cost is the sum of its classes and of requests."""

    requests: int
    cached: int
    tokens: int
    cost_usd: Decimal
    saved_usd: Decimal
    unpriced_requests: int
    unpriced_tokens: int
    by_class_usd: Mapping[str, Decimal]

    @property
    def usd_per_request(self) -> Decimal | None:
        """Over requests that have a price, answers from the cache among them."""
        return _quotient(self.cost_usd, self.requests - self.unpriced_requests)

    @property
    def usd_per_1k_tokens(self) -> Decimal | None:
        """Over tokens that have a price."""
        return _quotient(self.cost_usd * 1000, self.tokens)

    def usd_per(self, count: int | None) -> Decimal | None:
        """Cost per one of something else, such as active users; None without any."""
        return _quotient(self.cost_usd, count)


def total(rows: pd.DataFrame) -> Spend:
    """The sum of the rows of a breakdown."""
    sums = {name: _sum(rows[name]) for name in SUMS}
    return Spend(int(sums["requests"]), int(sums["cached"]),
                 int(sum(sums[each] for each in TOKENS)), Decimal(sums["cost_usd"]),
                 Decimal(sums["saved_usd"]),
                 int(sums["unpriced_requests"]), int(sums["unpriced_tokens"]),
                 {name: Decimal(sums[f"{name}_usd"]) for name in (*CLASSES, "request")})


def with_rest(rows: pd.DataFrame, whole: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first ``most`` rows of a breakdown and, if there are more, one of all others.

    ``whole`` is the same breakdown without dimensions: the rest is what is left of it, so the rows
    add up to it exactly. ``is_rest`` marks the row.
    """
    shown = rows.head(most).assign(is_rest=False)
    rest = {name: _EXACT.subtract(Decimal(_sum(whole[name])), Decimal(_sum(shown[name])))
            if name in MONEY else int(_sum(whole[name])) - int(_sum(shown[name]))
            for name in SUMS}
    if not any(rest.values()):
        return shown
    last = {"bucket_start_utc": pd.NaT, "first_name": REST, "second_name": "", **rest,
            "is_rest": True}
    both = pd.concat([shown, pd.DataFrame([last])], ignore_index=True)
    for name in MONEY:
        both[name] = both[name].astype("object")
    return both


def with_units(rows: pd.DataFrame, answers: Mapping[str, int] | None = None) -> pd.DataFrame:
    """A breakdown with its tokens, share of the total and unit costs, null where there are none.

    ``cost_usd`` is null where nothing of a row has a price: that is unpriced, not free.
    ``answers`` are positive answers by ``first_name``.
    """
    tokens = rows[list(TOKENS)].sum(axis=1) if len(rows) else pd.Series(dtype="int64")
    whole = Decimal(_sum(rows["cost_usd"]))
    lines = []
    for row, used in zip(rows.to_dict("records"), tokens, strict=True):
        cost = Decimal(row["cost_usd"])
        unpriced = bool(row["unpriced_requests"]) and not used and not cost
        asked = 0 if unpriced else row["requests"] - row["unpriced_requests"]
        lines.append({
            "tokens": int(used), "cost_usd": None if unpriced else cost,
            "share": float(cost / whole) if whole else None,
            "usd_per_request": _quotient(cost, asked),
            "usd_per_1k_tokens": _quotient(cost * 1000, used),
            "usd_per_answer": None if unpriced else _quotient(
                cost, (answers or {}).get(row["first_name"]))})
    more = pd.DataFrame(lines, index=rows.index, columns=[
        "tokens", "cost_usd", "share", "usd_per_request", "usd_per_1k_tokens", "usd_per_answer"])
    for name in ("cost_usd", "usd_per_request", "usd_per_1k_tokens", "usd_per_answer"):
        more[name] = more[name].astype("object").where(more[name].notna(), None)
    return rows.drop(columns="cost_usd").join(more)


def explain(before: pd.DataFrame, after: pd.DataFrame) -> Change:
    """What drove the change of cost between two breakdowns by model and price context."""
    return explain_change(_items(before), _items(after), _asked(before), _asked(after))


def _items(rows: pd.DataFrame) -> list[Item]:
    found = []
    for row in rows.to_dict("records"):
        name, context = row["first_name"], row["second_name"]
        found += [Item(name, f"{each} {context}".strip(), int(row[f"{each}_tokens"]),
                       Decimal(row[f"{each}_usd"])) for each in CLASSES
                  if row[f"{each}_tokens"] or row[f"{each}_usd"]]
        if row["request_usd"]:
            found.append(Item(name, f"request {context}".strip(),
                              int(row["requests"] - row["cached"] - row["unpriced_requests"]),
                              Decimal(row["request_usd"]), "requests"))
    return found


def _asked(rows: pd.DataFrame) -> int:
    """Requests that had a price and were not answered from the cache."""
    return int(_sum(rows["requests"]) - _sum(rows["cached"]) - _sum(rows["unpriced_requests"]))


def _sum(column: pd.Series) -> Any:
    if column.dtype == "object":
        found = Decimal(0)
        for each in column:
            found = _EXACT.add(found, Decimal(each))
        return found
    return int(column.sum())


def _quotient(amount: Decimal, count: int | None) -> Decimal | None:
    return _PRECISION.divide(amount, Decimal(int(count))) if count else None
