"""Adding a prompt's version, and its gate and experiment."""

import json
from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from brain.decisions.evaluation import Gate
from brain.decisions.reasons import InputError
from brain.gateway.prompts import ANY_TEXT, Prompt
from pages.ui import ask_form, data, prompt_versions

_NEW = "(a new prompt)"


def add(prompts: Sequence[Prompt]) -> None:
    """The form of a version, beginning with the newest one of the prompt."""
    registry = data.engine().studio.prompts
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [each.name for each in prompts]
        looked_at = st.session_state.get("prompt")
        chosen = st.selectbox("Of prompt", [*names, _NEW],
                              names.index(looked_at) if looked_at in names else 0, width=260)
        name = st.text_input("Name of the new prompt", max_chars=64, width=260) \
            if chosen == _NEW else chosen
    newest = None if chosen == _NEW else registry.versions(chosen)[0]
    with st.form(f"version_of_{chosen}", border=False):
        system = st.text_area("System text", newest.system if newest else "", height=140,
                              max_chars=100_000, help="What the model is told. {{name}} puts an "
                              "input in, {{#list}}…{{/list}} repeats, {{^name}}…{{/name}} stands "
                              "where it is empty.")
        user = st.text_area("User text", newest.user if newest else "{{question}}", height=68,
                            max_chars=100_000)
        schema = st.text_area("Inputs (JSON Schema)", json.dumps(
            newest.schema if newest else ANY_TEXT, indent=2), height=160, max_chars=50_000)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            note = st.text_input("What changed", max_chars=1_000, width=420)
            if st.form_submit_button("Add the version", type="primary", icon=":material/add:"):
                _add(name, system, user, schema, note)


def configure(prompt: Prompt) -> None:
    """The forms of a prompt's gate and of its experiment."""
    sets = [each.name for each in data.engine().studio.evaluation.sets.list()]
    gate = prompt.gate
    with st.form(f"gate_{prompt.name}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            options = ["", *sets]
            chosen = st.selectbox("Golden set", options, options.index(gate.golden_set)
                                  if gate and gate.golden_set in sets else 0, width=200,
                                  format_func=lambda each: each or "(no gate)")
            require = st.selectbox("Must be", ("not_worse", "better"), width=160,
                                   index=int(bool(gate and gate.require == "better")),
                                   format_func=lambda each: each.replace("_", " "))
            margin = st.number_input("Not worse by more than", 0.0, 1.0,
                                     gate.margin if gate else 0.05, 0.01, width=170,
                                     help="Of the mean score, which is 0 to 1.")
            routes = ask_form.routes()
            labels = list(routes)
            now = (gate.provider, gate.model) if gate else ("", "")
            route = st.selectbox("Asked of", labels, next(
                (place for place, each in enumerate(labels) if routes[each] == now), 0), width=240)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            least = st.number_input("Least mean score", 0.0, 1.0,
                                    gate.least_mean_score if gate else 0.0, 0.05, width=160)
            most_ms = st.number_input("Highest p95 latency (ms)", 0.0, 1e7, float(
                gate.most_p95_latency_ms or 0.0) if gate else 0.0, 100.0, width=190,
                help="0 for no such objective.")
            most_usd = st.number_input("Highest cost per item (USD)", 0.0, 1_000.0, float(
                gate.most_usd_per_item or 0) if gate else 0.0, 0.001, format="%.6g", width=210,
                help="0 for no such objective.")
            key = st.text_input("Experiment on versions", prompt.experiment_key, max_chars=128,
                                width=220, help="Its variants are called v1, v2, …; empty for "
                                                "none.")
        if st.form_submit_button("Keep gate and experiment", icon=":material/check:"):
            provider, model = routes[route]
            wanted = Gate(
                chosen, "better" if require == "better" else "not_worse", margin, least,
                most_ms or None, Decimal(str(most_usd)) if most_usd else None, provider,
                model) if chosen else None
            prompt_versions.act(lambda: data.engine().studio.prompts.configure(
                prompt.name, gate=wanted, experiment_key=key.strip()), "is changed")


def _add(name: str, system: str, user: str, schema: str, note: str) -> None:
    try:
        body = json.loads(schema)
        added = data.engine().studio.prompts.add(name.strip(), system, user, body,
                                                 note=note.strip())
    except ValueError as error:
        if isinstance(error, InputError):
            prompt_versions.tell(error)
        else:
            st.error("The schema is no JSON.", icon=":material/block:")
        return
    except LookupError as error:
        prompt_versions.tell(error)
        return
    st.session_state["_told"] = f"{added.name} has version {added.version}."
    st.rerun()
