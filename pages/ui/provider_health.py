"""How providers do: slots in use, breakers, errors, latency and cost by model, quotas."""

import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from brain.gateway.providers import LiveProvider, ProviderConfig
from pages.ui import cards, charts, data, format, tables
from pages.ui.filters import View

_POSITIONS = {"closed": "closed: calls pass", "open": "open: calls are held back",
              "half_open": "half open: a probe decides"}
_ENOUGH = 20
_ERRORS_PCT = (1.0, 5.0)


def draw_load() -> None:
    """Cards of the engine's own slots, and of all providers together."""
    gateway = data.engine().gateway
    slots = gateway.slots.state()
    live = [found for each in gateway.providers.all()
            if (found := gateway.providers.live(each.provider)) is not None]
    broken = sum(breaker.position != "closed" for each in live
                 for breaker in each.breakers.values())
    cards.row([
        cards.Card("Calls under way", format.count(slots.in_use),
                   "Questions that hold a worker slot now.", note=f"of {slots.limit:,} slots"),
        cards.Card("Waiting", format.count(slots.waiting), "Questions in the engine's queue.",
                   note=f"of {slots.queue:,} places",
                   status="warning" if slots.waiting else ""),
        cards.Card("Providers on", format.count(len(live)), "Set up and switched on.",
                   note=f"of {len(gateway.providers.all())}"),
        cards.Card("Breakers not closed", format.count(broken),
                   "Models whose calls are held back, since too many failed in a row.",
                   status="critical" if broken else "ok" if live else "unknown")],
        min_width_px=200)


def draw_routes(view: View, providers: Sequence[ProviderConfig]) -> None:
    """A row for each provider and model."""
    seen = data.query("requests/providers", start=view.span.start, end=view.span.end,
                      workspaces=view.workspaces)
    by_route = {(row.provider, row.model): row for row in seen.itertuples()}
    rows = []
    for config in providers:
        live = data.engine().gateway.providers.live(config.provider)
        for model in config.models:
            rows.append(_row(config, live, model.name,
                             by_route.get((config.provider, model.name))))
    with cards.guarded("Models", "Health is that of the chosen range; breaker, calls under way and "
                                 "queue are those of now."):
        tables.show(pd.DataFrame(rows), "providers", {
            "provider": "Provider", "model": "Model", "health": "Health", "breaker": "Breaker",
            "busy": "Under way", "waiting": "Waiting", "requests": "Requests",
            "errors_pct": "Errors (%)", "mean_ms": "Mean latency (ms)",
            "p95_ms": "p95 of last calls (ms)", "kind": "Kind"},
            {"busy": "count", "waiting": "count", "requests": "count", "errors_pct": "pct",
             "mean_ms": "ms", "p95_ms": "ms"}, helps={
                "health": f"Critical from {_ERRORS_PCT[1]:g} % errors on or with an open breaker, "
                          f"a warning from {_ERRORS_PCT[0]:g} %; unknown below {_ENOUGH} requests.",
                "p95_ms": f"Of the last 100 good calls of this process; empty below {_ENOUGH}."})


def draw_spend(view: View) -> None:
    """What each provider cost in the range."""
    rows = data.query("usage/breakdown", **view.params(), dimension="provider")
    known = rows[rows["cost_usd"].notna() & (rows["name"].astype(str) != "")]
    if known.empty:
        return
    known = known.sort_values("cost_usd", ascending=False, key=lambda each: each.astype(float))
    with cards.guarded("Cost by provider", "All requests of the range, by the price book."):
        charts.show(charts.bars(known.head(12), "name", "cost_usd", "USD"), "provider_cost")


def draw_quotas() -> None:
    """Quotas in force, and how much of each is used."""
    quotas = data.engine().gateway.quotas.all()
    with cards.guarded("Quotas", "How much may be used within any 60 seconds."):
        if not quotas:
            st.caption("No quota is set: nobody is held back. Set one below.")
            return
        used = {each: data.engine().gateway.quotas.used(each.scope, each.name)
                for each in quotas if each.name or each.scope == "platform"}
        tables.show(pd.DataFrame([{
            "label": each.label, "requests": each.requests_per_minute,
            "tokens": each.tokens_per_minute, "usd": each.usd_per_minute,
            "used": f"{used[each].requests:,} requests, {used[each].tokens:,} tokens, "
                    f"{format.usd(used[each].usd)}" if each in used else "by caller"}
            for each in quotas]),
            "quotas", {"label": "Quota", "requests": "Requests per minute",
                       "tokens": "Tokens per minute", "usd": "USD per minute",
                       "used": "Used in the last minute"},
            {"requests": "count", "tokens": "count", "usd": "usd_exact"})


def _row(config: ProviderConfig, live: LiveProvider | None, model: str, seen: Any
         ) -> dict[str, Any]:
    breaker = live.breakers.get(model) if live else None
    slots = live.slots.state() if live else None
    requests = int(seen.requests) if seen is not None else 0
    errors_pct = 100 * int(seen.errors) / requests if requests else None
    return {
        "provider": config.provider + (" (simulated)" if config.simulated else ""),
        "model": model, "kind": config.kind, "requests": requests, "errors_pct": errors_pct,
        "health": cards.LOOKS[_health(live, breaker, requests, errors_pct)][0]
        if config.enabled else "Off",
        "breaker": _breaker_text(breaker), "busy": slots.in_use if slots else None,
        "waiting": slots.waiting if slots else None,
        "mean_ms": float(seen.latency_ms_sum) / int(seen.timed_requests)
        if seen is not None and int(seen.timed_requests) else None,
        "p95_ms": live.p95_ms(model) if live else None}


def _health(live: LiveProvider | None, breaker: Any, requests: int,
            errors_pct: float | None) -> str:
    if breaker is not None and breaker.position != "closed":
        return "critical"
    if live is None or errors_pct is None or requests < _ENOUGH:
        return "unknown"
    return "critical" if errors_pct >= _ERRORS_PCT[1] else \
        "warning" if errors_pct >= _ERRORS_PCT[0] else "ok"


def _breaker_text(breaker: Any) -> str:
    if breaker is None:
        return _POSITIONS["closed"]
    left_s = breaker.until_s - time.monotonic()
    more = f", next try in {left_s:.0f} s" if breaker.position == "open" and left_s > 0 else ""
    return _POSITIONS[breaker.position] + more
