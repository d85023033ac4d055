"""Prompts & evaluation: what is asked and by whom, and whether a change of it is proven."""

import streamlit as st

from pages.ui import (
    agent_form,
    cards,
    data,
    evaluation_runs,
    golden_sets,
    prompt_forms,
    prompt_versions,
)

st.title("Prompts & evaluation")
studio = data.engine().studio
part = st.radio("Part", ("Prompts", "Agents", "Golden sets", "Evaluations"), horizontal=True,
                key="part", bind="query-params", label_visibility="collapsed")

if part == "Agents":
    with cards.guarded("Agents", "What each can do, with which prompt and tools, at what cost."):
        agent_form.draw(studio.agents.list())
elif part == "Golden sets":
    with cards.guarded("Golden sets", "Questions with the answers that are right; versions are "
                                      "only added."):
        golden_sets.draw()
elif part == "Evaluations":
    with cards.guarded("New run", "The set is asked of a route or a prompt's version; every "
                                  "question is recorded and paid for."):
        evaluation_runs.offer_start()
    evaluation_runs.draw()
else:
    prompts = studio.prompts.list()
    if not prompts:
        st.info("No prompt yet. Add one: its first version is in force at once, later ones when "
                "they are activated.", icon=":material/info:")
    else:
        with cards.guarded("Prompt"):
            chosen = prompt_versions.choose(prompts)
            prompt_versions.draw(chosen)
        with cards.guarded("What differs"):
            prompt_versions.draw_difference(chosen)
        with cards.guarded("Gate and experiment", "What a version must show before it goes live, "
                                                  "and who is tried on others."):
            prompt_forms.configure(chosen)
        with cards.guarded("History"):
            prompt_versions.draw_history(chosen)
    with cards.guarded("New version"):
        prompt_forms.add(prompts)
