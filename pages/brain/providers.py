"""Providers: are they well, how full are they, what do they cost, and how are they set up?"""

import streamlit as st

from pages.ui import cards, data, filters, frame, provider_form, provider_health
from pages.ui.filters import View

st.title("Providers")
providers = data.engine().gateway.providers.all()
if not providers:
    st.info("No provider is set up: questions are answered from documents alone. Add one below; "
            "the simulated one needs no key and is marked wherever it appears.",
            icon=":material/info:")
    provider_form.offer_simulated(providers)


def draw(view: View) -> None:
    """What changes by itself: health, load, breakers, quotas."""
    provider_health.draw_load()
    if configured := data.engine().gateway.providers.all():
        provider_health.draw_routes(view, configured)
        provider_health.draw_spend(view)
        provider_health.draw_quotas()


frame.live(draw)
if providers:
    with cards.guarded("Try one", "A short question straight to one model, recorded like any other "
                                  "and paid for."):
        provider_form.offer_test(providers)
with cards.guarded("Set up", "Keys stay in the environment: only the variable's name is kept."):
    provider_form.edit(providers)
if providers:
    with cards.guarded("Set a quota", "How much may be used within any 60 seconds; one more is "
                                      "refused with the time to ask again."):
        provider_form.edit_quota()
    with cards.guarded("History"):
        provider_form.show_history(filters.time_zone())
