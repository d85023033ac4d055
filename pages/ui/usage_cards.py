"""Cards of usage: requests, users, tokens, errors, latency and cost, with their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd

from analytics.costs import unit_costs
from analytics.traffic import ActiveUsers
from analytics.usage import Usage
from pages.ui import charts, format
from pages.ui.cards import Card


def requests(now: Usage, before: Usage | None, line: pd.DataFrame) -> Card:
    """How many requests there were."""
    return _count("Requests", now.requests, _then(before, "requests"), line["requests"],
                  "Calls to a model, failed ones and answers from the platform's own cache "
                  "included.")


def active_users(now: ActiveUsers, before: ActiveUsers | None, line: Sequence[float] = (),
                 online: int | None = None) -> Card:
    """How many people there were; unknown where no event names one."""
    error = now.error_pct
    how = "exact" if error is None else f"estimate, ±{error:.1f} %"
    if online is not None:
        how = f"{online:,} online now · {how}"
    return Card("Active users", format.compact(now.users or None),
                "Distinct users with a request, a page view or a click. Events without a user "
                "do not count. Large numbers are estimated. Online now: with an event in the last "
                "5 minutes.", format.change(now.users, before.users if before else None),
                charts.sparkline(line),
                note=how if now.users else "no event names a user")


def error_share(now: Usage, before: Usage | None, line: pd.DataFrame) -> Card:
    """How many requests failed."""
    ratios = [None if each is None or each.error_ratio is None else each.error_ratio * 100
              for each in (now, before)]
    return Card("Error share", format.share(now.error_ratio),
                "Failed requests per request.", format.difference(ratios[0], ratios[1], "points"),
                charts.sparkline(list(line["errors"])), better="lower",
                note=f"{now.errors:,} failed")


def tokens(now: Usage, before: Usage | None, line: pd.DataFrame) -> Card:
    """How many tokens went in and came out."""
    classes = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"]
    card = _count("Tokens", now.tokens, _then(before, "tokens"), line[classes].sum(axis=1),
                  f"Input {now.input_tokens:,}, cache reads {now.cache_read_tokens:,}, cache "
                  f"writes {now.cache_write_tokens:,}, output {now.output_tokens:,}, of which "
                  f"reasoning {now.reasoning_tokens:,}. Answers from the platform's own cache "
                  "took none.")
    cached = now.cache_read_tokens + now.cache_write_tokens
    return replace(card, note=f"{now.input_tokens:,} in, {now.output_tokens:,} out"
                              f"{f', {cached:,} cached' if cached else ''}")


def latency(now: Mapping[str, Any], before: Mapping[str, Any],
            line: Sequence[float | None] = ()) -> Card:
    """How long requests took."""
    return Card("p95 latency", format.ms(now["p95_ms"]),
                "19 of 20 requests took no longer, from request to complete answer (±1 %).",
                format.change(now["p95_ms"], before.get("p95_ms")), charts.sparkline(line),
                better="lower",
                note=f"median {format.ms(now['p50_ms'])}" if now["requests"]
                else "no request has a latency")


def total_cost(now: Usage, before: Usage | None, line: pd.DataFrame) -> Card:
    """What it cost."""
    cost = _known_cost(now)
    exactly = "" if cost is None else f"exactly {format.usd_exact(cost)}"
    left_out = f"{now.unpriced_requests:,} requests have no price" if now.unpriced_requests else ""
    return Card("Total cost", format.usd(cost),
                f"{exactly.replace('e', 'E', 1) or 'The total'}: tokens × the price that held "
                "when they were used. Answers from the platform's own cache cost nothing.",
                format.change(cost, _known_cost(before) if before else None),
                charts.sparkline(list(line["cost_usd"].astype(float))), better="lower",
                note="; ".join(filter(None, (exactly, left_out))) if now.requests
                else "no requests")


def _known_cost(usage: Usage) -> Decimal | None:
    """None where there were requests and none of them has a price: unknown is not free."""
    return None if 0 < usage.requests == usage.unpriced_requests else usage.cost_usd


def cost_per_request(now: Usage, before: Usage | None) -> Card:
    """What a request cost."""
    return _unit("Cost per request", "per_request_usd", now, before,
                 "Total cost over requests that have a price, cached answers included.")


def cost_per_1k_tokens(now: Usage, before: Usage | None) -> Card:
    """What a thousand tokens cost."""
    return _unit("Cost per 1,000 tokens", "per_1k_tokens_usd", now, before,
                 "Total cost over tokens that have a price: input, cache reads and writes, output.")


def unpriced(now: Usage, before: Usage | None) -> Card:
    """What has no price."""
    return Card("Unpriced requests", format.compact(now.unpriced_requests),
                "Requests of a model, or with a class of tokens, that the price book does not "
                "know. They are left out of every cost, never counted as free.",
                format.change(now.unpriced_requests, _then(before, "unpriced_requests")),
                status="warning" if now.unpriced_requests else "ok", better="lower",
                note=f"{now.unpriced_tokens:,} tokens" if now.unpriced_requests
                else "all requests have a price")


def _count(label: str, value: int, before: int | None, line: pd.Series, meaning: str) -> Card:
    short = format.compact(value)
    exactly = format.count(value)
    return Card(label, short, meaning, format.change(value, before), charts.sparkline(list(line)),
                note="" if short == exactly else f"exactly {exactly}")


def _then(before: Usage | None, name: str) -> Any:
    return getattr(before, name) if before else None


def _unit(label: str, name: str, now: Usage, before: Usage | None, meaning: str) -> Card:
    value: Decimal | None = getattr(unit_costs(now), name)
    then: Decimal | None = getattr(unit_costs(before), name) if before else None
    return Card(label, format.usd(value), meaning, format.change(value, then), better="lower")
