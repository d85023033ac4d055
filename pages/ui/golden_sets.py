"""Golden sets: what is kept, its items, and the way in for a file."""

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.evaluation.golden import read_lines
from pages.ui import data, prompt_versions, tables

_EXAMPLE = '{"id": "sum", "input": "What is 2 + 2?", "expected": 4}\n' \
           '{"id": "capital", "input": "Capital of France?", "expected": ["Paris"]}\n' \
           '{"id": "refund", "input": "May I return it?", "grader": {"kind": "rubric", ' \
           '"criteria": [{"rule": "contains", "value": "30 days", "required": true}, ' \
           '{"rule": "max_words", "value": 60}]}}'


def draw() -> None:
    """The sets, the items of the chosen one, and the form of a new version."""
    sets = data.engine().studio.evaluation.sets
    kept = sets.list()
    if not kept:
        st.info("No golden set yet. Paste items below or choose a file: one JSON object a line, "
                "with input, expected or a grader.", icon=":material/info:")
    else:
        tables.show(pd.DataFrame([{
            "name": each.name, "version": each.version, "items": each.items, "note": each.note,
            "person": each.person, "created_at_utc": each.created_at_utc} for each in kept]),
            "golden sets", {"name": "Set", "version": "Version", "items": "Items", "note": "Note",
                            "person": "By", "created_at_utc": "Added at"},
            {"version": "count", "items": "count", "created_at_utc": "time"})
        name = st.selectbox("Items of", [each.name for each in kept], key="golden_set",
                            bind="query-params", width=260)
        lines = sets.lines(name)
        tables.show(pd.DataFrame([{
            "id": each.get("id"), "input": each.get("input", ""),
            "expected": str(each.get("expected", "")),
            "grader": _grader(each.get("grader"))} for each in lines]), f"items of {name}", {
                "id": "Id", "input": "Question", "expected": "Expected", "grader": "Grader"},
            key="golden_items", most_rows=8)
    _form()


def _grader(given: object) -> str:
    if isinstance(given, dict):
        return str(given.get("kind", ""))
    return str(given or "by what is expected")


def _form() -> None:
    with st.form("golden_form", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name of the set", max_chars=64, width=220)
            note = st.text_input("Note", max_chars=1_000, width=320)
        text = st.text_area("Items, one JSON object a line", height=120, placeholder=_EXAMPLE,
                            help="Graders: exact, numeric with absolute or relative tolerance, "
                                 "rubric (rules), judge (a model by an instruction).")
        file = st.file_uploader("Or a file", ("jsonl", "ndjson", "json"), max_upload_size=50)
        if st.form_submit_button("Add the version", type="primary", icon=":material/add:"):
            _add(name.strip(), file.getvalue().decode("utf-8", "replace") if file else text,
                 note.strip())


def _add(name: str, text: str, note: str) -> None:
    try:
        added = data.engine().studio.evaluation.sets.add(name, read_lines(text), note)
    except InputError as error:
        prompt_versions.tell(error)
        return
    st.session_state["_told"] = f"{added.name} has version {added.version}: {added.items} items."
    st.rerun()
