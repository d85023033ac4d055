"""Ask: a question to the query engine, its answer with sources, and what every step took."""

import streamlit as st

from pages.ui import ask_answer, ask_form, cards

st.title("Ask")
left, right = st.columns((3, 2), gap="medium")
with left, cards.guarded("Question", "Answered by the same engine as POST /v1/ask, and recorded."):
    question = ask_form.ask()
with right, cards.guarded("How answers should be", "What you set, else what your feedback says."):
    ask_form.preference()
if question is not None:
    ask_answer.answer(question)
with cards.safe("answer"):
    ask_answer.draw_last()
