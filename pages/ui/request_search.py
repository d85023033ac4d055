"""Searching requests: the search stands in the address bar, so that a link finds it again."""

from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import streamlit as st

from pages.ui import cards, data, filters, format, request_story, tables
from pages.ui.filters import View

MOST_ROWS = 500
_LABELS = {"at_utc": "Time", "outcome": "Outcome", "wording": "Question", "model": "Model",
           "latency_ms": "Latency (ms)", "cost_usd": "Cost (USD)", "cache": "Cache",
           "agent_id": "Agent", "user_id": "User", "workspace_id": "Workspace",
           "provider": "Provider", "variant": "Variant", "error_code": "Error",
           "attempts": "Calls", "event_id": "Request id"}
_KINDS = {"at_utc": "time", "latency_ms": "ms", "cost_usd": "usd_exact", "attempts": "count"}
_HELPS = {"wording": "Only where its workspace allows wordings to be stored.",
          "cost_usd": "Empty: at least one class of its tokens has no price.",
          "attempts": "Calls of providers, retries and hedges included."}
_TIERS = ("none", "yes", "exact", "similar")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for beside the frame's filters; empty lists mean all."""

    text: str
    users: list[str]
    outcomes: list[str]
    providers: list[str]
    tiers: list[str]
    least_ms: float


def ask() -> Search:
    """The controls of the search."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key="find_request", bind="query-params", width=280,
                             placeholder="request id, or words of the question")
        outcomes = st.multiselect("Outcome", list(request_story.OUTCOMES), key="outcome",
                                  bind="query-params", placeholder="All", width=220,
                                  format_func=lambda each: request_story.OUTCOMES[each][0])
        users = st.multiselect("User", [], key="asked_by", bind="query-params", width=200,
                               accept_new_options=True, placeholder="All")
    with st.expander("More of the search", expanded=any(
            st.query_params.get_all(each) for each in ("by_provider", "tier", "least_ms"))), \
            st.container(horizontal=True, vertical_alignment="bottom"):
        providers = st.multiselect("Provider", [each.provider for each in
                                                data.engine().gateway.providers.all()],
                                   key="by_provider", bind="query-params", width=220,
                                   accept_new_options=True, placeholder="All")
        tiers = st.multiselect("Cache", _TIERS, key="tier", bind="query-params", width=200,
                               placeholder="All", accept_new_options=True,
                               help="From which level of the answer cache; yes where a program "
                                    "told no level.")
        least_ms = st.number_input("Slower than (ms)", 0.0, 1e9, 0.0, 100.0, key="least_ms",
                                   bind="query-params", width=160)
    return Search(text.strip(), users, outcomes, providers, tiers, float(least_ms))


def find(view: View, wanted: Search) -> pd.DataFrame:
    """Requests of the view that fit, newest first, at most `MOST_ROWS`."""
    rows = data.query("requests/search", start=view.span.start, end=view.span.end, limit=MOST_ROWS,
                      text=wanted.text, least_ms=wanted.least_ms, workspaces=view.workspaces,
                      users=wanted.users, providers=wanted.providers, models=view.models,
                      agents=view.agents, statuses=wanted.outcomes).copy()
    rows["cache"] = [tier or ("yes" if cached else "") for tier, cached in
                     zip(rows["cache_tier"], rows["cached"], strict=True)]
    if wanted.tiers:
        rows = rows[rows["cache"].replace("", "none").isin(wanted.tiers)].reset_index(drop=True)
    return rows


def summarize(rows: pd.DataFrame) -> None:
    """Cards over what was found."""
    failed = int((rows["outcome"] != "ok").sum())
    latencies = rows["latency_ms"].dropna().astype(float)
    known = [each for each in rows["cost_usd"] if isinstance(each, Decimal)]
    most = f"the newest {MOST_ROWS}" if len(rows) == MOST_ROWS else "all that fit"
    cards.row([
        cards.Card("Found", format.count(len(rows)), "Requests that fit the search.", note=most),
        cards.Card("Not answered", format.count(failed), "Failed or refused.",
                   note=f"{format.share(failed / len(rows))} of these"),
        cards.Card("Median latency", format.ms(None if latencies.empty
                                               else float(latencies.median())),
                   "Half of the found ones took less."),
        cards.Card("Cost", format.usd(sum(known, Decimal(0))), "Of those with a price.",
                   note=f"{len(rows) - len(known)} without a price" if len(known) < len(rows)
                   else "")], min_width_px=200)


def draw(rows: pd.DataFrame) -> None:
    """The table; a chosen row opens its request."""
    shown = rows.assign(outcome=[request_story.OUTCOMES.get(each, (each,))[0]
                                 + (" (simulated)" if simulated else "") for each, simulated in
                                 zip(rows["outcome"], rows["simulated"], strict=True)])
    labels = {name: label for name, label in _LABELS.items()
              if name in ("at_utc", "outcome", "model", "latency_ms", "event_id")
              or (shown[name].notna() & shown[name].astype(str).ne("")).any()}
    ids = list(rows["event_id"])

    def choose() -> None:
        places = st.session_state["found_requests"]["selection"]["rows"]
        if places and places[0] < len(ids):
            st.session_state["request"] = str(ids[places[0]])
    tables.show(shown, "requests", labels, {name: kind for name, kind in _KINDS.items()
                                            if name in labels},
                key="found_requests", helps=_HELPS, select=choose)


def opened() -> tuple[str, str] | None:
    """The request that is open and the one beside it ("" for none); None where none is."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        one = st.text_input("Open request", key="request", bind="query-params", width=330,
                            placeholder="its id")
        other = st.text_input("Compare with", key="with", bind="query-params", width=330,
                              placeholder="another id",
                              help="Both are laid side by side; the address bar keeps them.")
    return (one.strip(), other.strip()) if one.strip() else None


def link(request_id: str) -> dict[str, str]:
    """Parameters of a link that opens a request."""
    return filters.link_params(request=request_id)
