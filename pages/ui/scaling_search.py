"""Better parameters of a policy, searched on past load and judged on days not seen before."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.replay import Replay
from brain.decisions.scaling.tuning import Span, Tuning
from brain.scaling.changes import diff_yaml, to_yaml
from brain.scaling.plans import ScalingPlan
from brain.scaling.replaying import Past, tune_back
from pages.ui import data, scaling_now, scaling_policy, tables
from pages.ui.filters import View

_GOALS = {"save": "fewer pod-hours, no more missed minutes",
          "protect": "fewer missed minutes, at most 3 % more pod-hours"}


def draw(view: View, key: str, plan: ScalingPlan, past: Past | None) -> None:
    """The search and what it found last."""
    with st.form(f"search_{key}", border=False), st.container(
            horizontal=True, vertical_alignment="bottom"):
        goal = st.selectbox("Goal", list(_GOALS), format_func=_GOALS.__getitem__, width=340)
        predictive = st.checkbox("With a forecast of load",
                                 help="One more metric for the autoscaler; it needs something "
                                      "that publishes it to the cluster.")
        sent = st.form_submit_button("Find parameters", icon=":material/search:")
    place = f"scaling_search_{key}"
    if sent:
        st.session_state[place] = _search(view, plan, goal, predictive,
                                          past.factor if past else 1.0)
    found = st.session_state.get(place)
    if isinstance(found, Tuning):
        _show(key, plan, found)


def _search(view: View, plan: ScalingPlan, goal: str, predictive: bool,
            factor: float) -> Tuning | None:
    end = scaling_now.shared_end(view)
    try:
        with st.spinner("Searching: every candidate is replayed on the range"):
            return tune_back(data.engine().scaling, plan, view.span.start, end,
                             "save" if goal == "save" else "protect",
                             predictive=predictive, factor=factor)
    except InputError as error:
        told = ("The range is too short: a search needs at least two days, one to learn from and "
                "one to judge by. Choose 7 days or more." if error.code == "trace_too_short"
                else f"{error.message[:1].upper()}{error.message[1:]}.")
        st.warning(told, icon=":material/help:")
        return None


def _show(key: str, plan: ScalingPlan, found: Tuning) -> None:
    box = st.success if found.is_better else st.info
    box(" ".join(each.text for each in found.reasons),
        icon=":material/check:" if found.is_better else ":material/equal:")
    rows = [_row(part, name, account)
            for part, span in (("held out", found.held_out), ("searched on", found.train))
            for name, account in _accounts(span, found.knobs is not None)]
    tables.show(pd.DataFrame(rows), "scaling search", {
        "days": "Days", "policy": "Policy", "objective_minutes": "Outside objective (min)",
        "lost": "Lost requests", "pod_hours": "Pod-hours", "actions": "Changes"},
        {"objective_minutes": "pct", "lost": "count", "pod_hours": "pct", "actions": "count"})
    st.caption(f"{len(found.trials):,} candidates were replayed. Only the held-out days judge: the "
               "best of many always looks good on the days it was chosen by.")
    if found.knobs is None:
        return
    tuned = replace(plan, manifest=found.manifest)
    st.code(diff_yaml(dict(plan.manifest), found.manifest), language="diff")
    with st.container(horizontal=True):
        scaling_policy.offer_as_edit(key, tuned)
        st.download_button("Manifest", to_yaml(found.manifest), f"{plan.workload}-tuned.yaml",
                           "application/yaml", icon=":material/download:")


def _accounts(span: Span, is_found: bool) -> tuple[tuple[str, Replay], ...]:
    tuned = (("As found", span.tuned),) if is_found else ()
    return (("As stored", span.before), *tuned, ("Oracle: knows the future", span.oracle))


def _row(part: str, name: str, account: Replay) -> dict[str, object]:
    return {"days": part, "policy": name, "objective_minutes": account.objective_minutes,
            "lost": account.lost, "pod_hours": account.pod_hours, "actions": account.actions}
