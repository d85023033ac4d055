"""What has no price, and the way to give it one."""

import streamlit as st

from pages.ui import filters, tables, usage
from pages.ui.filters import View


def draw(view: View) -> None:
    """Draw the models without a price; the chosen one gets a link to the price book."""
    missing = usage.unpriced(view)
    if missing.empty:
        st.caption("Every request of this range has a price.")
        return
    st.markdown("These requests are in no cost above. Choose a model to give it a price.")
    chosen = tables.show(missing, "unpriced", {
        "provider": "Provider", "model": "Model", "unpriced_requests": "Requests",
        "unpriced_tokens": "Tokens", "first_seen_utc": "First seen",
        "last_seen_utc": "Last seen"},
        {"unpriced_requests": "count", "unpriced_tokens": "count", "first_seen_utc": "time",
         "last_seen_utc": "time"}, select=True)
    row = missing.iloc[chosen[0] if chosen else 0]
    st.page_link("pages/admin/prices.py", icon=":material/sell:",
                 label=f"Add a price for {row['model'] or 'requests without a model'}",
                 query_params=filters.link_params(
                     provider=str(row["provider"]), priced_model=str(row["model"])))
