"""Models: which model for which request, what each was measured at, what a router saves."""

import streamlit as st

from pages.ui import cards, data, model_catalogue, model_curve, model_playground, model_router

st.title("Models")
models = data.engine().models
catalogue = models.catalogue()
if models.is_sample():
    st.info("These are three sample models with declared figures: connect a provider, or add your "
            "models below, and choices go by those.", icon=":material/info:")

with cards.guarded("Playground", "The same rules that choose in the gateway: constraints first, "
                   "then scores of 0 to 100 over the candidates."):
    model_playground.draw(models, catalogue)

with cards.guarded("Catalogue", "Declared figures are priors; measured ones outweigh them with "
                   "their number."):
    model_catalogue.draw(models, catalogue)

with cards.guarded("Change the catalogue", "Every change is audited and can be undone."):
    model_catalogue.change(models, catalogue)

with cards.guarded("Learned router", "Predicts each model's quality for a prompt; used only if it "
                   "beats plain means on prompts it never saw."):
    model_router.draw(models)

with cards.guarded("Cost and quality here", "What quality each way of choosing reaches at which "
                   "cost, on prompts of this platform that it never saw."):
    model_curve.draw_own(models)

with cards.guarded("Cost and quality of a file", "The same for evaluations made elsewhere."):
    model_curve.draw()
