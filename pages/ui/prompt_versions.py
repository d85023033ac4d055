"""A prompt's versions: what is in force, what differs, putting one in force and back."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.gateway.prompts import Prompt, PromptVersion
from pages.ui import data, request_story, tables

VERDICTS = {"pass": ("The gate is open", ":material/check_circle:", "green"),
            "fail": ("The gate is closed", ":material/block:", "red"),
            "cannot_tell": ("The gate cannot tell", ":material/help:", "orange")}


def choose(prompts: Sequence[Prompt]) -> Prompt:
    """The prompt that is looked at; its name stands in the address bar."""
    names = [each.name for each in prompts]
    name = st.selectbox("Prompt", names, key="prompt", bind="query-params", width=320)
    return prompts[names.index(name)]


def draw(prompt: Prompt) -> None:
    """The versions, newest first, with what can be done with the chosen one."""
    prompts = data.engine().studio.prompts
    versions = prompts.versions(prompt.name)
    if prompt.meaning:
        st.caption(prompt.meaning)
    tables.show(pd.DataFrame([{
        "version": each.version, "state": "in force" if each.version == prompt.active_version
        else "", "system": each.system[:200], "note": each.note, "person": each.person,
        "created_at_utc": each.created_at_utc} for each in versions]), "prompt versions", {
            "version": "Version", "state": "State", "system": "System text", "note": "Note",
            "person": "By", "created_at_utc": "Added at"},
        {"version": "count", "created_at_utc": "time"}, most_rows=8)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox("Version", [each.version for each in versions], key="version",
                              bind="query-params", width=120)
        looked_at = next(each for each in versions if each.version == number)
        if st.button("Put in force", type="primary", icon=":material/check:",
                     disabled=number == prompt.active_version):
            _confirm(prompt.name, number)
        if st.button("Roll back", icon=":material/history:",
                     help="The version that was in force before; no gate stands in the way."):
            act(lambda: prompts.rollback(prompt.name), "is rolled back")
        if st.button("Undo the last change", icon=":material/undo:",
                     help="Once more, and the change is back."):
            act(lambda: prompts.undo(prompt.name), "is as before its last change")
    _texts(looked_at)
    _gate(prompt, number)


def draw_difference(prompt: Prompt) -> None:
    """Two versions, line by line."""
    numbers = [each.version for each in data.engine().studio.prompts.versions(prompt.name)]
    if len(numbers) < 2:
        st.caption("There is one version only.")
        return
    with st.container(horizontal=True):
        one = st.selectbox("From version", numbers, numbers.index(prompt.active_version), width=140)
        other = st.selectbox("To version", numbers, 0, width=140)
    told = data.engine().studio.prompts.diff(prompt.name, one, other)
    if told:
        st.code(told, language="diff", wrap_lines=True)
    else:
        st.caption("Nothing differs.")


def draw_history(prompt: Prompt) -> None:
    """Who changed what, newest first."""
    rows = data.engine().studio.prompts.history(prompt.name)
    tables.show(pd.DataFrame([{
        "at_utc": each.at_utc, "person": each.person, "action": each.action,
        "after": _in_words(each.after)} for each in rows]), f"history of {prompt.name}", {
            "at_utc": "At", "person": "By", "action": "What", "after": "After it"},
        {"at_utc": "time"}, key="prompt_history")


def act(change: Callable[[], Prompt], told: str) -> bool:
    """Whether a change was made; what stands in its way is told."""
    try:
        changed = change()
    except (InputError, LookupError) as error:
        tell(error)
        return False
    st.session_state["_told"] = f"{changed.name} {told}: version {changed.active_version} holds."
    st.rerun()
    return True


def tell(error: InputError | LookupError) -> None:
    """Say why something cannot be done, and where."""
    told = error.message if isinstance(error, InputError) else str(error.args[0])
    field = f" ({error.field})" if isinstance(error, InputError) and error.field else ""
    st.error(request_story.plain(f"{told[:1].upper()}{told[1:]}{field}.", 1_000),
             icon=":material/block:")


@st.dialog("Put this version in force?")
def _confirm(name: str, number: int) -> None:
    prompts = data.engine().studio.prompts
    prompt = prompts.get(name)
    st.markdown(f"- **What will happen:** every question that uses {request_story.plain(name)} is "
                f"put by version {number} instead of {prompt.active_version}, from now on.\n"
                "- **Expected effect:** what its evaluation showed; without one, unknown.\n"
                "- **Undo:** “Roll back” brings the version before.")
    decided = prompts.gate_decision(name, number)
    if decided is not None:
        for each in decided.reasons:
            st.caption(each.text)
    reason = st.text_input("Reason", max_chars=1_000, help="Kept with the change.")
    if st.button("Put in force", type="primary", key="confirm_activation"):
        act(lambda: prompts.activate(name, number, reason=reason.strip()), "is changed")


def _texts(version: PromptVersion) -> None:
    with st.container(horizontal=True):
        for label, text in (("System text", version.system), ("User text", version.user)):
            with st.container(width="stretch"):
                st.markdown(f"**{label}**")
                st.code(text or "(empty)", language=None, wrap_lines=True)
    with st.expander("Inputs (JSON Schema)"):
        st.json(dict(version.schema))


def _gate(prompt: Prompt, number: int) -> None:
    if prompt.gate is None or number == prompt.active_version:
        return
    evaluation = data.engine().studio.evaluation
    decided = data.engine().studio.prompts.gate_decision(prompt.name, number)
    if decided is None:
        return
    word, icon, colour = VERDICTS[decided.verdict]
    st.badge(f"{word} for version {number}", icon=icon, color=colour)  # type: ignore[arg-type]
    for reason in decided.reasons:
        st.caption(reason.text)
    if decided.verdict != "pass" and st.button(
            "Evaluate it for the gate", icon=":material/grading:",
            help=f"Runs {prompt.gate.golden_set} on this version and the one in force."):
        try:
            run = evaluation.start_gate(prompt.name, number)
        except (InputError, LookupError) as error:
            tell(error)
            return
        st.session_state["_told"] = "The evaluation runs: see Evaluations."
        st.session_state["run"] = run.run_id
        st.rerun()


def _in_words(after: Any) -> str:
    if not after:
        return ""
    if "version" in after:
        return f"version {after['version']} {after.get('note', '')}".strip()
    parts = [f"version {after['active_version']} in force"]
    if after.get("experiment_key"):
        parts.append(f"experiment {after['experiment_key']}")
    if after.get("gate_json") not in (None, "null"):
        parts.append("with a gate")
    if after.get("reason"):
        parts.append(str(after["reason"]))
    return ", ".join(parts)
