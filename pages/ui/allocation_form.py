"""Acting on traffic allocation: set it with a dry run first, undo, stop and resume routes."""

import dataclasses

import pandas as pd
import streamlit as st

from brain.decisions.allocation import MODES, AllocationPolicy, check_allocation
from brain.decisions.bandits.policy import POLICIES
from brain.decisions.reasons import InputError
from pages.ui import allocation, data, tables

_RULES = {"thompson": "Thompson sampling", "ucb1": "UCB1", "kl_ucb": "KL-UCB",
          "ucb": "Upper confidence bound", "epsilon_greedy": "Epsilon-greedy",
          "uniform": "Even shares"}
_TRIED = "allocation_tried"


def draw(policy: AllocationPolicy | None) -> None:
    """The form of a policy, its dry run, Apply, and Undo."""
    before = policy or AllocationPolicy("support", mode="dry_run")
    with st.form(f"allocation_form_{before.policy_id}", border=False):
        name = st.text_input("Name", before.policy_id, max_chars=64, disabled=policy is not None)
        with st.container(horizontal=True):
            workspace = st.text_input("Workspace", before.workspace_id, max_chars=128,
                                      help="Empty for every workspace.")
            task = st.text_input("Task class", before.task_class, max_chars=64,
                                 help="Such as code, math, question; empty for every one.")
        with st.container(horizontal=True):
            mode = st.selectbox("Mode", MODES, MODES.index(before.mode),
                                format_func=lambda each: allocation.MODES[each])
            rule = st.selectbox("Rule", POLICIES, POLICIES.index(before.rule),
                                format_func=lambda each: _RULES[each])
        routes = st.text_input("Routes", ", ".join(before.routes), help="provider/model, separated "
                               "by commas; empty for all that break no constraint.")
        context = st.toggle("By the request's features too", before.context, help="LinTS with "
                            "Thompson sampling, LinUCB with the upper bound: complexity, task and "
                            "length of the request decide with.")
        with st.container(horizontal=True):
            floor = st.number_input("Least share of a route (%)", 0.0, 50.0,
                                    before.floor_ratio * 100, 1.0)
            half_life = st.number_input("Half-life of a choice (h)", 0.0, 100_000.0,
                                        before.half_life_h, 24.0, help="0: none fades.")
        with st.container(horizontal=True):
            per_usd = st.number_input("Reward that 1 USD is worth", 0.0, None,
                                      before.reward_per_usd, help="Quality goes from 0 to 1.")
            per_s = st.number_input("Reward that 1 s is worth", 0.0, None, before.reward_per_s)
        with st.container(horizontal=True):
            errors = st.number_input("Most failed calls (%)", 0.0, 100.0,
                                     before.max_error_ratio * 100, 1.0,
                                     help="A route beyond it for certain is stopped.")
            quality = st.number_input("Least quality", 0.0, 1.0, before.min_quality, 0.05,
                                      help="0: none is asked for.")
        asked = st.form_submit_button("Dry run", icon=":material/science:", type="primary")
    wanted = dataclasses.replace(
        before, policy_id=name.strip(), workspace_id=workspace.strip(), task_class=task.strip(),
        mode=mode, rule=rule, floor_ratio=floor / 100, half_life_h=half_life,
        routes=tuple(each.strip() for each in routes.split(",") if each.strip()),
        reward_per_usd=per_usd, reward_per_s=per_s, max_error_ratio=errors / 100,
        min_quality=quality, context=context)
    if asked:
        _try(wanted)
    _confirm(policy)
    if policy is not None:
        _undo(policy)


def _try(wanted: AllocationPolicy) -> None:
    st.session_state.pop(_TRIED, None)
    try:
        check_allocation(wanted)
    except InputError as fault:
        st.error(f"{fault.field}: {fault.message}.", icon=":material/block:")
        return
    st.session_state[_TRIED] = wanted


def _confirm(policy: AllocationPolicy | None) -> None:
    wanted = st.session_state.get(_TRIED)
    if not isinstance(wanted, AllocationPolicy) or (
            policy is not None and wanted.policy_id != policy.policy_id):
        return
    verbs = data.engine().allocation
    coming, latest = verbs.preview(wanted), verbs.latest(wanted.policy_id)
    st.markdown(f"**Dry run of {wanted.policy_id}.** {allocation.MODES[wanted.mode]}.")
    if coming.shares:
        tables.show(pd.DataFrame([{
            "route": route, "now": None if latest is None else latest.shares.get(route, 0.0) * 100,
            "then": share * 100} for route, share in coming.shares.items()]), "dry run", {
                "route": "Route", "now": "Share now (%)", "then": "Share then (%)"},
            {"now": "pct", "then": "pct"}, key="allocation_dry_run")
    st.caption(" ".join(each.text for each in coming.reasons))
    st.caption("What will happen: the settings hold from the next second on; shares move at the "
               "job's next look, within a minute. Undo: “Undo the last change” below. It is "
               "written into the audit record.")
    if st.button("Apply", type="primary", icon=":material/rocket_launch:"):
        try:
            verbs.put(wanted)
        except InputError as fault:
            st.error(f"{fault.field}: {fault.message}.", icon=":material/block:")
            return
        st.session_state.pop(_TRIED, None)
        _done(f"{wanted.policy_id}: {allocation.MODES[wanted.mode]}.")


def _undo(policy: AllocationPolicy) -> None:
    if st.button("Undo the last change", icon=":material/undo:"):
        try:
            found = data.engine().allocation.undo(policy.policy_id)
        except (LookupError, InputError) as fault:
            st.error(f"{fault.args[0]}.", icon=":material/block:")
            return
        _done(f"{policy.policy_id} is as before its last change." if found
              else f"{policy.policy_id} is gone again.")


def draw_stops(policy: AllocationPolicy) -> None:
    """Stopped routes with who and why, and the switch for each."""
    verbs = data.engine().allocation
    stops = verbs.stops(policy.policy_id)
    if stops:
        tables.show(pd.DataFrame(stops), f"stopped {policy.policy_id}", {
            "at_utc": "At", "route": "Route", "person": "By", "reason": "Why"},
            {"at_utc": "time"}, key="allocation_stops")
    latest = verbs.latest(policy.policy_id)
    stopped = [each["route"] for each in stops]
    going = sorted({*(latest.shares if latest else ()), *policy.routes} - set(stopped))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        route = st.selectbox("Stop a route", going, index=None, placeholder="Choose a route",
                             width=320)
        reason = st.text_input("Why", max_chars=1_000, key="allocation_stop_reason", width=320)
        if st.button("Stop", icon=":material/block:", disabled=route is None) and route:
            verbs.stop(policy.policy_id, route, reason.strip() or "Stopped by hand.")
            _done(f"{route} is chosen no more.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        again = st.selectbox("Let a route go on", stopped, index=None, width=320,
                             placeholder="Choose a route" if stopped else "None is stopped",
                             disabled=not stopped)
        if st.button("Go on", icon=":material/play_arrow:", disabled=again is None) and again:
            verbs.resume(policy.policy_id, again)
            _done(f"{again} may be chosen again; its past is not held against it.")
    if policy.mode == "on" and st.button("Switch the whole allocation off",
                                         icon=":material/power_settings_new:"):
        verbs.put(dataclasses.replace(policy, mode="off"))
        _done(f"{policy.policy_id} is off: the rules of model choice decide.")


def _done(sentence: str) -> None:
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
