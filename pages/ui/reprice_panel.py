"""Re-pricing on the page: choose two ways, confirm, see the difference by model."""

import pandas as pd
import streamlit as st

from brain.costs.repricing import Repricing
from brain.decisions.reasons import InputError
from pages.ui import data, filters, format, spend_charts, tables
from pages.ui.filters import View

WAYS = {"billed": "As billed: prices of the day of use, as the book was known then",
        "current": "As shown: prices of the day of use, by the book of now",
        "today": "As of today: today's prices for every request",
        "list": "By list: as shown, without contracts and discounts"}
COLUMNS = {"base_usd": "First way (USD)", "other_usd": "Second way (USD)",
           "difference_usd": "Difference (USD)"}
_RESULT, _ASKED = "repriced", "reprice_asked"


def draw(view: View) -> None:
    """Two ways of pricing, the button that asks, and the last answer with its rows."""
    versions = data.engine().prices.versions()
    ways = {**WAYS, **{f"version:{each.version}": f"Version {each.version} of the price book: "
                       f"{each.action}, {format.moment(each.at_utc, view.zone)}"
                       for each in versions[:50]}}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        base = st.selectbox("Price it", list(ways), key="reprice_base",
                            format_func=ways.__getitem__)
        other = st.selectbox("and compare with", list(ways), index=2, key="reprice_other",
                             format_func=ways.__getitem__)
        if st.button("Re-price this range", icon=":material/price_change:"):
            st.session_state[_ASKED] = (view.span, str(base), str(other))
    if view.models or view.agents or view.regions or view.devices:
        st.caption("The filter by workspace counts here; the others do not.")
    if asked := st.session_state.get(_ASKED):
        if asked == (view.span, base, other):
            _confirm(view, str(base), str(other))
        else:
            del st.session_state[_ASKED]
    done = st.session_state.get(_RESULT)
    if isinstance(done, Repricing) and done.span == view.span:
        _show(done, ways)
    with st.expander("Re-pricings so far"):
        _list_past(view)


def link() -> None:
    """The way to the price book."""
    st.page_link("pages/admin/prices.py", label="Price book and its history",
                 icon=":material/sell:")


def _confirm(view: View, base: str, other: str) -> None:
    who = ", ".join(view.workspaces) or "all workspaces"
    st.markdown(f"- **What will happen:** every request of "
                f"{filters.in_words(view.span, view.zone)} {view.zone} of {who} is priced in two "
                f"ways: {base} and {other}.\n"
                "- **What stays:** all prices and all costs that pages show. To change those, add "
                "or withdraw a price in the price book.\n"
                "- **Kept:** both totals and every model's difference, as an entry in the record.")
    with st.container(horizontal=True):
        if st.button("Re-price", type="primary"):
            with st.spinner("Pricing"):
                try:
                    st.session_state[_RESULT] = data.engine().costs.reprice(
                        view.span, base, other, workspaces=view.workspaces)
                except InputError as error:
                    st.error(str(error), icon=":material/block:")
                    return
            del st.session_state[_ASKED]
            st.rerun()
        if st.button("Leave it"):
            del st.session_state[_ASKED]
            st.rerun()


def _show(done: Repricing, ways: dict[str, str]) -> None:
    base, other = done.totals_usd
    with st.container(horizontal=True):
        st.metric(done.base, format.usd(base), border=True, help=ways.get(done.base))
        st.metric(done.other, format.usd(other), border=True, help=ways.get(done.other))
        st.metric("Difference", spend_charts.told(done.difference_usd), border=True,
                  help=f"Exactly {format.usd_exact(done.difference_usd)}")
    if any(done.unpriced_requests):
        st.caption(f"Without a price: {done.unpriced_requests[0]:,} requests the first way, "
                   f"{done.unpriced_requests[1]:,} the second; they are in neither total.")
    rows = sorted(done.rows, key=lambda row: (-abs(row.difference_usd), row.model))
    tables.show(pd.DataFrame([{
        "model": row.model or "(none)", "provider": row.provider, "price_context":
        row.price_context, "requests": row.requests, "tokens": row.tokens,
        "base_usd": row.costs_usd[0], "other_usd": row.costs_usd[1],
        "difference_usd": row.difference_usd} for row in rows],
        columns=["model", "provider", "price_context", "requests", "tokens", *COLUMNS]),
        "repriced", {"model": "Model", "provider": "Provider", "price_context": "Price context",
                     **COLUMNS, "requests": "Requests", "tokens": "Tokens"},
        {**dict.fromkeys(COLUMNS, "usd_exact"), "requests": "count", "tokens": "count"})


def _list_past(view: View) -> None:
    past = data.engine().costs.repricings()[:50]
    if not past:
        st.caption("Nobody has re-priced anything yet.")
        return
    tables.show(pd.DataFrame([row | {
        "difference_usd": row["other_usd"] - row["base_usd"],
        "span": filters.in_words(filters.spans.Span(row["start_utc"], row["end_utc"]), view.zone)}
        for row in past]), "repricings", {
            "at_utc": "When", "person": "Who", "span": f"Range ({view.zone})", "base": "First way",
            "other": "Second way", "base_usd": "First way (USD)",
            "other_usd": "Second way (USD)", "difference_usd": "Difference (USD)"},
        {"at_utc": "time", **dict.fromkeys(COLUMNS, "usd_exact")})
