"""Price book: which price holds for which model, since when, and what the contract says."""

import streamlit as st

from pages.ui import cards, data, price_form, price_table, price_versions

st.title("Price book")
asked_provider = st.query_params.get("provider", "")
asked_model = st.query_params.get("priced_model", "")
rows = data.engine().prices.rows()
seen = bool(data.engine().ingestion.seen_models)

with cards.guarded("Prices that hold now"):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key="find", bind="query-params",
                             placeholder="model or provider")
        only_seen = st.toggle("Only models that requests name", value=seen, disabled=not seen)
    names = price_table.find_names(rows, text or "", only_seen=only_seen and seen)
    if len(names) > price_table.MOST_MODELS:
        st.caption(f"{len(names):,} models; the first {price_table.MOST_MODELS} are shown. "
                   "Search to see others.")
    chosen: list[int] = []
    if names:
        now = price_table.prices_now(names[:price_table.MOST_MODELS], rows)
        chosen = price_table.show_now(now)
    else:
        st.info("No model of that name. Search for a part of it, or add its price below.")
    st.caption("Amounts are USD per million tokens (Mtok) of each class; classes never overlap. "
               "Choose a row to see its history.")

if chosen:
    asked_provider, asked_model = (str(now[each].iloc[chosen[0]]) for each in ("provider", "model"))
if asked_model:
    with cards.guarded(f"History of {asked_model}"):
        history = data.engine().prices.history(asked_provider, asked_model)
        if not history:
            st.caption("No price was ever given. Its requests are listed as unpriced.")
        elif picked := price_table.show_history(history):
            price = history[picked[0]]
            if st.button("Let it hold again" if price.withdrawn else "Withdraw this price",
                         icon=":material/undo:"):
                price_form.confirm_withdrawal(price)
        else:
            st.caption("Choose a price to withdraw it, or to let it hold again.")

with cards.guarded("Add a contract price"):
    price_form.add_contract_price(asked_provider, asked_model)
with cards.guarded("Take over a price list"):
    price_versions.import_list()
with cards.guarded("Versions of the price book"):
    price_versions.draw()
