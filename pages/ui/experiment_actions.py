"""What can be done with an experiment: each says what will happen and asks for a reason."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from brain.decisions.experiment import ACTIONS, Action, Experiment
from brain.decisions.reasons import InputError
from pages.ui import data, experiment_form, format, tables
from pages.ui import experiment_reading as reading

_LABELS: dict[Action, tuple[str, str]] = {
    "start": ("Start", ":material/play_arrow:"), "pause": ("Pause", ":material/pause:"),
    "resume": ("Resume", ":material/play_arrow:"), "ramp": ("Ramp", ":material/trending_up:"),
    "stop": ("Stop", ":material/stop:"), "decide": ("Decide", ":material/gavel:")}
_HAPPENS: dict[Action, str] = {
    "start": "Units are assigned and see their variants from the next question on.",
    "pause": "Nobody is assigned any more: everybody sees the product as it is. Results stay.",
    "resume": "Units are assigned again, each to the variant that it had.",
    "ramp": "Another share of the units takes part. No unit changes its variant.",
    "stop": "No more units are assigned, for good. Results stay readable and can be decided.",
    "decide": "The question is closed for the variant chosen. Assignment ends: the product itself "
              "has to bring the variant to everybody."}
_EFFECTS: dict[Action, str] = {
    "start": "Results appear with the first exposures.", "pause": "The result waits.",
    "resume": "More units, a narrower interval.",
    "ramp": "More units a day with a larger share, fewer at risk with a smaller one.",
    "stop": "The result stands as it is now.", "decide": "The experiment counts as decided."}
_UNDOES: dict[Action, str] = {
    "start": "“Undo the last change” makes it a draft again until a unit was exposed; after that, "
             "pause or stop it.",
    "pause": "Resume it.", "resume": "Pause it.", "ramp": "Ramp back to the share before.",
    "stop": "“Undo the last change” lets it run again.",
    "decide": "“Undo the last change” opens it again."}
LONGEST_REASON = 1_000


def offer(given: Experiment) -> None:
    """Buttons of all that this experiment's state allows."""
    with st.container(horizontal=True):
        for action, (states, _) in ACTIONS.items():
            if given.state in states and (action == "decide" or not given.is_imported):
                label, icon = _LABELS[action]
                if st.button(label, icon=icon, key=f"do_{action}",
                             type="primary" if action in ("start", "resume") else "secondary"):
                    _confirm(given.key, action)
        if given.state == "draft" and not given.is_imported:
            experiment_form.offer_change(given)
        changes = data.engine().experiments.history(given.key)
        if st.button("Undo the last change", icon=":material/undo:",
                     disabled=not changes or changes[0].before is None,
                     help=f"Takes back “{changes[0].action}”; once more, and it is done again."
                     if changes else "Nothing was changed."):
            _act(lambda: data.engine().experiments.undo_last(given.key), "is as before")
        if (given.state == "draft" or given.is_imported) and st.button(
                "Remove", icon=":material/delete:"):
            _confirm_removal(given.key)


@st.dialog("Change the experiment")
def _confirm(key: str, action: Action) -> None:
    given = data.engine().experiments.get(key)
    st.markdown(f"**{_LABELS[action][0]} {given.name}**\n"
                f"- **What will happen:** {_HAPPENS[action]} {_detail(given, action)}\n"
                f"- **Expected effect:** {_EFFECTS[action]}\n"
                f"- **What it costs:** {_cost(given)}\n"
                f"- **Undo:** {_UNDOES[action]}")
    with st.form(f"confirm_{action}", border=False):
        share = st.number_input("Traffic (%)", 0.0, 100.0, given.traffic_ratio * 100,
                                help="Share of the units that take part.") \
            if action == "ramp" else 0.0
        variant = st.selectbox(
            "Variant", [each.key for each in given.variants], index=_winner_place(given),
            format_func=lambda each: reading.variant_name(given, each),
            help="The control means: nothing changes.") if action == "decide" else ""
        reason = st.text_area("Reason", max_chars=LONGEST_REASON, height=80,
                              help="Kept with the change, for whoever asks later.")
        if not st.form_submit_button(_LABELS[action][0], type="primary"):
            return
    if not reason.strip():
        st.error("Give a reason: it is kept with the change.", icon=":material/block:")
        return
    _act(_verb(given.key, action, reason.strip(), share / 100, variant),
         f"is {_after(action)}")


def _after(action: Action) -> str:
    """What an experiment is after an action."""
    return {"start": "running", "pause": "paused", "resume": "running again",
            "ramp": "ramped", "stop": "stopped", "decide": "decided"}[action]


def draw_history(key: str) -> None:
    """Every change, newest first: who, what, why, and which fields."""
    changes = data.engine().experiments.history(key)
    if not changes:
        st.caption("Nothing was changed yet.")
        return
    tables.show(pd.DataFrame([{
        "at_utc": each.at_utc, "person": each.person, "action": each.action,
        "reason": each.reason, "fields": _changed(each.before, each.after)}
        for each in changes]), f"history {key}", {
            "at_utc": "At", "person": "By", "action": "What", "reason": "Reason",
            "fields": "Changed fields"}, {"at_utc": "time"}, key="history")


@st.dialog("Remove the experiment?")
def _confirm_removal(key: str) -> None:
    given = data.engine().experiments.get(key)
    again = "import the file again." if given.is_imported else "create it anew; its history stays."
    st.markdown(f"- **What will happen:** {given.name} leaves the board.\n"
                f"- **Undo:** {again}")
    if st.button("Remove it", type="primary"):
        try:
            data.engine().experiments.remove(key)
        except (InputError, LookupError) as error:
            st.error(_told(error), icon=":material/block:")
            return
        data.forget_answers()
        st.session_state["_told"] = f"{key} was removed."
        st.switch_page("pages/experiments/board.py")


def _verb(key: str, action: Action, reason: str, share: float,
          variant: str) -> Callable[[], Experiment]:
    verbs = data.engine().experiments
    if action == "ramp":
        return lambda: verbs.ramp(key, share, reason=reason)
    if action == "decide":
        return lambda: verbs.decide(key, variant, reason=reason)
    return lambda: getattr(verbs, action)(key, reason=reason)


def _act(work: Callable[[], Experiment], told: str) -> None:
    try:
        found = work()
    except (InputError, LookupError) as error:
        st.error(_told(error), icon=":material/block:")
        return
    data.forget_answers()
    st.session_state["_told"] = f"{found.key} {told}."
    st.rerun()


def _told(error: InputError | LookupError) -> str:
    told = error.message if isinstance(error, InputError) else str(error.args[0])
    return f"{told[:1].upper()}{told[1:]}."


def _detail(given: Experiment, action: Action) -> str:
    if action == "start" and given.kind == "canary":
        return (f"The ramp begins at {given.ramp.steps_pct[0]:g} % and goes on by itself; a harmed "
                "guardrail halts it and takes the variant back.")
    if action in ("start", "resume"):
        shares = ", ".join(f"{reading.variant_name(given, key)} {format.share(share)}"
                           for key, share in given.shares.items())
        return f"{format.share(given.traffic_ratio)} of {given.unit}s take part: {shares}."
    return ""


def _cost(given: Experiment) -> str:
    results = data.experiment_results(given.key)
    so_far = "" if results.cost_usd is None else \
        f"Its units' LLM calls cost {format.usd(results.cost_usd)} so far. "
    cap = "There is no cost cap." if given.cost_cap_usd is None else \
        f"It halts at {format.usd(given.cost_cap_usd)}."
    return f"{so_far}{cap}"


def _winner_place(given: Experiment) -> int:
    winner = data.experiment_results(given.key).winner
    keys = [each.key for each in given.variants]
    return keys.index(winner) if winner in keys else 0


def _changed(before: object, after: object) -> str:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ""
    return ", ".join(sorted(name for name in after if before.get(name) != after[name]))
