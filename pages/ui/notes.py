"""Annotations of a range: added, listed, changed, removed, and each put back by one click."""

import datetime as dt
import zoneinfo
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.notes import KINDS, LONGEST_TEXT, check_text
from pages.ui import data, filters, format, tables
from pages.ui.filters import View

_FROM = {"event": "a deploy event", "price": "the price book"}


def list_notes(view: View) -> None:
    """The range's annotations; a chosen one can be changed or removed, and put back."""
    _offer_undo()
    rows = data.annotations(view.span.start, view.span.end, view.workspaces)
    if not rows:
        st.caption("No annotations in this range. “Annotate” above adds one.")
        return
    shown = pd.DataFrame(rows).assign(from_=[_FROM.get(row["origin"]) or (
        "demonstration" if row["is_demo"] else "people") for row in rows])
    chosen = tables.show(shown, "annotations", {
        "at_utc": "At", "end_utc": "Until", "kind": "Kind", "text": "What happened",
        "workspace_id": "Workspace", "from_": "From"},
        {"at_utc": "time", "end_utc": "time"}, select=True)
    if not chosen:
        st.caption("Choose one to change or remove it.")
        return
    row = rows[chosen[0]]
    if row["origin"] != "note":
        st.caption(f"This mark comes from {_FROM[row['origin']]}, so it is changed there.")
        return
    _edit(row, view.zone)
    if st.button("Remove this annotation", icon=":material/delete:"):
        _remove(row)


def _edit(row: dict[str, Any], zone: str) -> None:
    here = zoneinfo.ZoneInfo(zone)
    at = row["at_utc"].astimezone(here)
    until = row["end_utc"].astimezone(here) if row["end_utc"] else None
    with st.form(f"note_{row['annotation_id']}", border=False):
        text = st.text_input("What happened", row["text"], max_chars=LONGEST_TEXT)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            kind = st.selectbox("Kind", KINDS, index=KINDS.index(row["kind"])
                                if row["kind"] in KINDS else len(KINDS) - 1, key="note_kind")
            start = st.datetime_input(f"At ({zone})", at.replace(tzinfo=None), key="note_at")
            end = st.datetime_input(f"Until ({zone})", until.replace(tzinfo=None) if until
                                    else None, key="note_until", help="Empty for a moment.")
        if st.form_submit_button("Change", icon=":material/check:"):
            _change(row, text, kind, _moment(start, row["at_utc"], here),
                    _moment(end, row["end_utc"], here))


def _moment(given: Any, was: dt.datetime | None, here: zoneinfo.ZoneInfo) -> dt.datetime | None:
    """The chosen moment in UTC; the old one, with its seconds, if that is what the form shows."""
    if not isinstance(given, dt.datetime):
        return None
    chosen = given.replace(tzinfo=here).astimezone(dt.UTC)
    return was if was and was.replace(second=0, microsecond=0) == chosen else chosen


def _change(row: dict[str, Any], text: str, kind: str, start: dt.datetime | None,
            end: dt.datetime | None) -> None:
    if start is None:
        st.error("Choose when it happened.", icon=":material/block:")
        return
    try:
        before = data.engine().change_annotation(row["annotation_id"], text=text, kind=kind,
                                                 at_utc=start, end_utc=end)
    except (InputError, LookupError) as error:
        told = error.message if isinstance(error, InputError) else str(error.args[0])
        st.error(f"{told[:1].upper()}{told[1:]}.", icon=":material/block:")
        return
    st.session_state["changed_annotation"] = before
    _done("The annotation was changed.")


def _remove(row: dict[str, Any]) -> None:
    kept = {name: value for name, value in row.items() if name != "origin"}
    data.engine().remove_annotation(row["annotation_id"])
    data.engine().audit("annotation removed", row["annotation_id"], kept, None)
    st.session_state["removed_annotation"] = kept
    _done(f"“{row['text'][:60]}” was removed.")


def _offer_undo() -> None:
    if removed := st.session_state.get("removed_annotation"):
        st.info(f"“{removed['text']}” was removed.", icon=":material/delete:")
        if st.button("Put it back", icon=":material/undo:"):
            given = {name: value for name, value in removed.items() if name != "annotation_id"}
            number = data.engine().annotate(given.pop("at_utc"), given.pop("kind"),
                                            given.pop("text"), **given)
            data.engine().audit("annotation put back", number, None, removed)
            del st.session_state["removed_annotation"]
            _done("The annotation is back.")
    if before := st.session_state.get("changed_annotation"):
        st.info(f"“{before['text']}” of {format.moment(before['at_utc'], filters.time_zone())} "
                "was changed.", icon=":material/edit:")
        if st.button("Take the change back", icon=":material/undo:"):
            data.engine().change_annotation(**{name: before[name] for name in (
                "annotation_id", "at_utc", "end_utc", "kind", "text")})
            del st.session_state["changed_annotation"]
            _done("The annotation is as before.")


def form(view: View) -> None:
    """A button that opens a form for a new annotation."""
    with st.popover("Annotate", icon=":material/flag:",
                    help="Put a mark with a text on every time chart"), \
            st.form("annotation", clear_on_submit=True, border=False):
        here = zoneinfo.ZoneInfo(view.zone)
        now = data.now().astimezone(here)
        text = st.text_input("What happened", max_chars=200)
        kind = st.selectbox("Kind", KINDS, index=len(KINDS) - 1)
        day = st.date_input("Day", now.date())
        at = st.time_input(f"Time ({view.zone})", now.time().replace(second=0, microsecond=0),
                           step=dt.timedelta(minutes=5))
        if st.form_submit_button("Add annotation", type="primary"):
            if not isinstance(day, dt.date):
                st.error("Choose a day.")
                return
            moment = dt.datetime.combine(day, at, here).astimezone(dt.UTC)
            try:
                told = check_text(text)
            except InputError as error:
                st.error(f"{error.message.capitalize()}.")
                return
            data.engine().annotate(moment, kind, told)
            data.engine().audit("annotation added", kind, None, {"at_utc": moment, "text": told})
            _done(f"Annotation added at {format.moment(moment, view.zone)}.")


def _done(sentence: str) -> None:
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
