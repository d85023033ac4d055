"""The form of an experiment's definition: for a new one, and for a draft that is changed."""

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.assignment.targeting import OPERATORS
from brain.decisions.experiment import BUILT_IN, KINDS, METRIC_KINDS, UNITS, Experiment
from brain.decisions.reasons import InputError
from pages.ui import data, experiment_rules_form, filters

PAGE = "pages/experiments/experiment.py"
_KIND_WORDS = {"ab": "A/B: fixed shares", "bandit": "bandit: shares follow the rewards",
               "canary": "canary: a ramp that halts on harm"}
_ROLES = ("primary", "secondary", "guardrail")
_METRIC_HELP = ("The name of an outcome that programs send, or one that the platform measures "
                f"itself: {', '.join(BUILT_IN)}.")
_FIRST_METRICS = [{"key": "task_success", "role": "primary", "kind": "proportion",
                   "better": "higher", "effect_pct": 5.0, "denominator": ""},
                  {"key": "llm_cost_usd", "role": "guardrail", "kind": "llm_cost",
                   "better": "lower", "effect_pct": 5.0, "denominator": ""}]
_FIRST_VARIANTS = [{"key": "control", "name": "As it is", "weight": 50.0},
                   {"key": "variant-a", "name": "", "weight": 50.0}]


def offer_new() -> None:
    """A button that opens the form of a new experiment."""
    if st.button("New experiment", icon=":material/add:", type="primary"):
        _new()


def offer_samples(experiments: Sequence[Experiment]) -> None:
    """A button that adds the sample experiments as drafts, unless their keys are taken."""
    if st.button("Load samples", icon=":material/science:",
                 help="Adds search-ui-v2 and response-format as drafts to look at, start or "
                      "remove. Those whose keys are taken are left out."):
        added = data.engine().experiments.load_samples()
        told = ", ".join(each.key for each in added)
        st.session_state["_told"] = f"Drafts were added: {told}." if added else \
            "Nothing was added: both sample keys are taken."
        data.forget_answers()
        st.rerun()


def offer_change(given: Experiment) -> None:
    """A button that opens the form of a draft."""
    if st.button("Change the draft", icon=":material/edit:"):
        _edit(given)


@st.dialog("New experiment", width="large")
def _new() -> None:
    st.caption("It becomes a draft: nobody sees anything before it is started.")
    definition = _ask(None)
    if definition is not None:
        _save(definition, lambda: data.engine().experiments.create(definition).key)


@st.dialog("Change the draft", width="large")
def _edit(given: Experiment) -> None:
    definition = _ask(given)
    if definition is not None:
        _save(definition, lambda: data.engine().experiments.change(given.key, definition).key)


def _save(definition: Mapping[str, Any], work: Any) -> None:
    try:
        key = work()
    except (InputError, LookupError) as error:
        field = error.field if isinstance(error, InputError) else ""
        told = error.message if isinstance(error, InputError) else str(error.args[0])
        st.error(f"{told[:1].upper()}{told[1:]}{f' ({field})' if field else ''}.",
                 icon=":material/block:")
        return
    data.forget_answers()
    st.session_state["_told"] = f"{key} is kept as a draft."
    st.switch_page(PAGE, query_params=filters.link_params(experiment=key))


def _ask(given: Experiment | None) -> dict[str, Any] | None:
    """The definition as typed once it is sent, else None."""
    with st.form("experiment_form", border=False):
        left, right = st.columns(2)
        key = given.key if given else left.text_input(
            "Key", max_chars=128, help="Letters, digits and . _ : - as in search-ui-v2. Programs "
            "ask for the assignment by it; it never changes.")
        name = left.text_input("Name", given.name if given else "", max_chars=256)
        owner = right.text_input("Owner", given.owner if given else "", max_chars=128)
        kind = right.selectbox("Kind", KINDS, index=KINDS.index(given.kind) if given else 0,
                               format_func=_KIND_WORDS.__getitem__)
        hypothesis = st.text_area("Hypothesis", given.hypothesis if given else "", height=80,
                                  max_chars=4_000, help="What should change for whom, and why.")
        st.markdown("**Variants.** The first one is the control; weights are any positive "
                    "numbers.")
        variants = st.data_editor(
            pd.DataFrame(_variants(given)), num_rows="dynamic", hide_index=True,
            key="form_variants", column_config={"key": "Key", "name": "Name",
                                                "weight": "Weight"})
        st.markdown("**Metrics.** One is primary and decides; a harmed guardrail stops.",
                    help=_METRIC_HELP)
        metrics = st.data_editor(
            pd.DataFrame(_metrics(given)), num_rows="dynamic", hide_index=True,
            key="form_metrics", column_config={
                "key": "Key", "role": st.column_config.SelectboxColumn("Role", options=_ROLES),
                "kind": st.column_config.SelectboxColumn("Kind", options=list(METRIC_KINDS)),
                "better": st.column_config.SelectboxColumn("Better", options=["higher", "lower"]),
                "effect_pct": st.column_config.NumberColumn("Smallest effect (%)", min_value=0.0),
                "denominator": "Denominator (ratio only)"})
        chosen = {"key": key, "name": name, "owner": owner, "kind": kind,
                  "hypothesis": hypothesis, **_ask_who(given), **experiment_rules_form.ask(given)}
        sent = st.form_submit_button("Keep the draft", type="primary", icon=":material/save:")
    if not sent:
        return None
    try:
        return _kept(given) | chosen | {
            "targeting": _conditions(chosen["targeting"]),
            "variants": [{"key": _text(row["key"]), "name": _text(row["name"]),
                          "weight": _number(row["weight"], "variants")}
                         for row in variants.to_dict("records") if _text(row["key"])],
            **_metric_fields(metrics.to_dict("records"), given)}
    except InputError as error:
        st.error(f"{error.message[:1].upper()}{error.message[1:]}.", icon=":material/block:")
        return None


def _ask_who(given: Experiment | None) -> dict[str, Any]:
    """Who takes part, how long, and when it ends by itself."""
    with st.container(horizontal=True):
        unit = st.selectbox("Unit", UNITS, index=UNITS.index(given.unit) if given else 0,
                            width=140, help="What keeps its variant for ever.")
        traffic = st.number_input("Traffic (%)", 0.0, 100.0,
                                  given.traffic_ratio * 100 if given else 100.0, width=130,
                                  help="Share of the units that take part.")
        planned = st.number_input("Planned units", 2, None,
                                  given.planned_units if given else 10_000, width=160,
                                  help="Of control and one treatment; the Design page computes "
                                       "it. The interval is tightest there.")
        cap = st.number_input("Cost cap (USD)", 0.0, None,
                              float(given.cost_cap_usd) if given and given.cost_cap_usd else None,
                              width=150, help="It halts when its units have cost so much.")
    with st.expander("Targeting, namespace, end"):
        targeting = st.data_editor(
            pd.DataFrame([{"attribute": each.attribute, "operator": each.operator,
                           "value": json.dumps(each.value)} for each in
                          (given.targeting if given else ())] or None,
                         columns=["attribute", "operator", "value"], dtype="string"),
            num_rows="dynamic", hide_index=True, key="form_targeting", column_config={
                "attribute": "Attribute", "value": "Value",
                "operator": st.column_config.SelectboxColumn("Operator",
                                                             options=list(OPERATORS))})
        with st.container(horizontal=True):
            space = given.namespace if given else None
            name = st.text_input("Namespace", space.key if space else "", width=180,
                                 help="Experiments on disjoint parts of one share no unit.")
            start = st.number_input("Part from (%)", 0.0, 100.0,
                                    space.start * 100 if space else 0.0, width=130)
            end = st.number_input("Part to (%)", 0.0, 100.0,
                                  space.end * 100 if space else 100.0, width=130)
            rules = given.stop_rules if given else None
            after = st.number_input("Stop after (days)", 0.01, 36_500.0,
                                    rules.after_days if rules else None, width=150)
            winner = st.checkbox("Stop on a winner", rules.on_winner if rules else False)
    return {"unit": unit, "traffic_ratio": traffic / 100, "planned_units": int(planned),
            "cost_cap_usd": str(cap) if cap else None, "targeting": targeting.to_dict("records"),
            "namespace": {"key": name.strip(), "start": start / 100, "end": end / 100}
            if name.strip() else None,
            "stop_rules": {"on_harm": rules.on_harm if rules else True, "on_winner": winner,
                           "at_units": rules.at_units if rules else None, "after_days": after}}


def _metric_fields(rows: Sequence[Mapping[Hashable, Any]],
                   given: Experiment | None) -> dict[str, Any]:
    """Primary, secondary and guardrail metrics of the table. Raises InputError without a primary.

    What the table does not show (a name, a cap) is taken over by the metric's key.
    """
    import msgspec
    before = {each.key: msgspec.to_builtins(each) for _, each in given.metrics} if given else {}
    found: dict[str, list[dict[str, Any]]] = {role: [] for role in _ROLES}
    for row in rows:
        if not (key := _text(row["key"])):
            continue
        found.setdefault(_text(row["role"]) or "secondary", []).append({
            **before.get(key, {}), "key": key, "kind": _text(row["kind"]) or "mean",
            "better": _text(row["better"]) or "higher",
            "denominator": _text(row["denominator"]),
            "smallest_effect": _number(row["effect_pct"], "metrics", 0.0) / 100})
    if len(found["primary"]) != 1:
        raise InputError("one_primary", "exactly one metric must be primary", "primary")
    return {"primary": found["primary"][0], "secondary": found["secondary"],
            "guardrails": found["guardrail"]}


def _kept(given: Experiment | None) -> dict[str, Any]:
    """Fields of the definition that the form does not show."""
    if given is None:
        return {}
    return {name: getattr(given, name) for name in ("seed", "forced", "ramp")}


def _variants(given: Experiment | None) -> list[dict[str, Any]]:
    return _FIRST_VARIANTS if given is None else [
        {"key": each.key, "name": each.name, "weight": each.weight} for each in given.variants]


def _metrics(given: Experiment | None) -> list[dict[str, Any]]:
    return _FIRST_METRICS if given is None else [
        {"key": each.key, "role": role, "kind": each.kind, "better": each.better,
         "effect_pct": each.smallest_effect * 100, "denominator": each.denominator}
        for role, each in given.metrics]


def _conditions(rows: Sequence[Mapping[Hashable, Any]]) -> list[dict[str, Any]]:
    return [{"attribute": _text(row["attribute"]), "operator": _text(row["operator"]) or "is",
             "value": _value(_text(row["value"]))} for row in rows if _text(row["attribute"])]


def _value(text: str) -> Any:
    """What was typed: JSON where it is, such as ["pro", "team"] or 3, else the text itself."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value).strip()


def _number(value: Any, field: str, default: float = 1.0) -> float:
    try:
        return default if value is None or value != value else float(value)
    except (TypeError, ValueError) as error:
        raise InputError("not_a_number", f"{value!r:.40} is no number", field) from error
