"""The parts of the Import page: options, column map, preview, outcome, earlier imports."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from brain.events import KINDS
from brain.import_preview import FORMAT_SENTENCES, Preview, preview_import
from brain.imports import (
    ImportPlan,
    ImportReport,
    find_rejected,
    plan_from_query,
    undo_import,
)
from pages.ui import data, filters, format, tables

_AUTOMATIC = "detect by content"
_MAPPED = ("csv", "jsonl", "parquet")
_STATUS = {"done": "kept", "refused": "refused", "failed": "failed, nothing kept",
           "interrupted": "interrupted, nothing kept", "running": "running", "undone": "undone"}


def choose_plan(path: Path, name: str) -> tuple[ImportPlan, Preview]:
    """What the reader wants done with an uploaded file, and what it would bring.

    Raises ImportRefused for options that cannot be used.
    """
    wanted = {**_choose_options(), "file_name": name[-512:]}
    plan = plan_from_query(wanted)
    preview = preview_import(data.engine(), path, plan)
    if preview.format == "servegen":
        plan = plan_from_query({**wanted, **_choose_windows()})
        preview = preview_import(data.engine(), path, plan)
    if preview.format in _MAPPED and preview.columns:
        changed = _choose_columns(preview)
        if changed:
            plan = ImportPlan(**{each: getattr(plan, each) for each in plan.__struct_fields__
                                 if each != "column_map"}, column_map=changed)
            preview = preview_import(data.engine(), path, plan)
    return plan, preview


def _choose_options() -> dict[str, str]:
    known = filters.choices()
    providers = sorted({row.provider for row in data.engine().prices.rows() if row.provider})
    with st.container(horizontal=True):
        kind = st.selectbox("What the rows are", list(KINDS), help="The kind of event of each row.")
        file_format = st.selectbox("Format", [_AUTOMATIC, *FORMAT_SENTENCES],
                                   format_func=lambda each: FORMAT_SENTENCES.get(each, each))
        workspace = st.selectbox("Workspace", known["workspace"], index=None,
                                 accept_new_options=True, placeholder="default",
                                 help="For rows that name none.")
        model = st.selectbox("Model", known["model"], index=None, accept_new_options=True,
                             placeholder="as in the file", help="For rows that name none. Without "
                             "a model, requests have no price.")
        provider = st.selectbox("Provider", providers, index=None, accept_new_options=True,
                                placeholder="as in the file", help="For rows that name none.")
    strict = st.toggle("Import nothing if any row is rejected", help="Otherwise good rows are kept "
                       "and rejected ones are listed with their reasons.")
    return {"kind": kind, "format": "" if file_format == _AUTOMATIC else file_format,
            "workspace": workspace or "", "model": model or "", "provider": provider or "",
            "strict": "true" if strict else ""}


def _choose_windows() -> dict[str, str]:
    """What ServeGen windows leave open: when they began, and how many requests to make."""
    with st.container(horizontal=True):
        start = st.date_input("First day (UTC)", dt.date(2025, 1, 6),
                              help="The file counts seconds from its start.")
        scale = st.selectbox("Scale", ["", "1", "0.1", "0.01", "0.001"],
                             format_func=lambda each: each or "at most ten million requests",
                             help="Part of the requests to make; bursts keep their shape.")
        tokens = [st.number_input(f"{which} tokens per request", 0, 1_000_000, step=100,
                                  help="The file holds none.") for which in ("Input", "Output")]
    return {"start": f"{start}T00:00:00Z", "scale": scale or "",
            "input_tokens": str(tokens[0]), "output_tokens": str(tokens[1])}


def _choose_columns(preview: Preview) -> dict[str, str]:
    """The column of each field that the reader set to something else than was found."""
    with st.expander("Which column is which field", expanded=preview.refused is not None):
        found = preview.sources or {}
        rows = pd.DataFrame({"field": preview.fields,
                             "column": [found.get(each, "") for each in preview.fields]})
        edited = st.data_editor(
            rows, hide_index=True, disabled=["field"], height=320, column_config={
                "field": st.column_config.TextColumn("Field of the event"),
                "column": st.column_config.SelectboxColumn(
                    "Column of the file", options=["", *preview.columns],
                    help="Empty: not in the file")})
    return {field: column for field, column in zip(edited["field"], edited["column"], strict=True)
            if column and column != found.get(field)}


def show_preview(preview: Preview) -> None:
    """Format, first rows, and what is odd about them."""
    if preview.format:
        st.markdown(f"**{FORMAT_SENTENCES[preview.format]}**. The first rows, as they would be "
                    "read:")
    if preview.refused:
        st.error(f"{preview.refused.message[:1].upper()}{preview.refused.message[1:]}.",
                 icon=":material/block:")
    elif preview.rows is not None and len(preview.rows):
        st.dataframe(preview.rows, hide_index=True, height=230)
    for note in preview.notes:
        st.caption(f"{note[:1].upper()}{note[1:]}.")
    if preview.ignored:
        st.caption(f"Columns that are not taken: {', '.join(preview.ignored)}.")
    if preview.rejected:
        st.warning(f"Some of the first rows would be rejected, line {preview.rejected[0].line:,}: "
                   f"{preview.rejected[0].message}.", icon=":material/rule:")


def show_report(report: ImportReport) -> None:
    """What an import did, with its rejected rows to take away and a way to its numbers."""
    told = f"**{report.file_name}**: {report.summary()} in {report.seconds:,.1f} s."
    if report.status == "refused":
        st.error(f"{told} Nothing was imported.", icon=":material/block:")
    elif report.rows_rejected:
        st.warning(told, icon=":material/rule:")
    else:
        st.success(told, icon=":material/check:")
    for note in report.notes:
        st.caption(f"{note[:1].upper()}{note[1:]}.")
    if report.totals:
        st.caption(" · ".join(f"{name.replace('_', ' ')} {amount:,}"
                              for name, amount in report.totals.items()))
    if report.rejected:
        tables.show(pd.DataFrame([{"line": row.line, "field": row.field, "why": row.message}
                                  for row in report.rejected]),
                    "first rejected rows", {"line": "Line", "field": "Field", "why": "Why"})
    with st.container(horizontal=True):
        _offer_rejected(report.import_id)
        if report.first_at_utc and report.last_at_utc:
            span = f"{report.first_at_utc.date()}..{report.last_at_utc.date()}"
            for page, label, icon in (("product/traffic.py", "See its traffic", "bar_chart"),
                                      ("finance/costs.py", "See its costs", "payments")):
                st.page_link(f"pages/{page}", label=label, icon=f":material/{icon}:",
                             query_params={"range": span})


def list_imports() -> None:
    """Every import so far, newest first; a chosen one can be undone or its rejected rows taken."""
    rows = data.engine().state.rows("imports", order="started_at_utc")[::-1]
    if not rows:
        st.caption("Nothing was imported yet.")
        return
    shown = pd.DataFrame(rows).assign(status=[_STATUS.get(row["status"], row["status"])
                                              for row in rows])
    chosen = tables.show(shown, "imports", {
        "started_at_utc": "Started", "file_name": "File", "format": "Format", "status": "Outcome",
        "rows_read": "Rows read", "rows_kept": "Kept", "rows_repeated": "Already there",
        "rows_rejected": "Rejected", "first_at_utc": "First event", "last_at_utc": "Last event",
        "message": "Note"},
        {"started_at_utc": "time", "first_at_utc": "time", "last_at_utc": "time",
         "rows_read": "count", "rows_kept": "count", "rows_repeated": "count",
         "rows_rejected": "count"}, select=True)
    if not chosen:
        st.caption("Choose an import to undo it or to take its rejected rows away.")
        return
    row = rows[chosen[0]]
    with st.container(horizontal=True):
        if row["status"] == "done" and st.button("Undo this import", icon=":material/undo:"):
            _confirm_undo(row)
        _offer_rejected(row["import_id"])


def _offer_rejected(import_id: str) -> None:
    path = find_rejected(data.engine(), import_id)
    if path is not None:
        st.download_button("Rejected rows (CSV)", path.read_bytes, file_name=path.name,
                           mime="text/csv", icon=":material/download:", on_click="ignore",
                           key=f"rejected_{import_id}")


@st.dialog("Undo this import?")
def _confirm_undo(row: Mapping[str, Any]) -> None:
    st.markdown(f"- **What will happen:** the {row['rows_kept']:,} events that came with this file "
                "leave the stores, and totals are made anew.\n"
                "- **What stays:** everything else, and this line in the list.\n"
                "- **Undo:** import the file again.")
    st.caption(f"{row['file_name']}, {format.moment(row['started_at_utc'], filters.time_zone())}")
    with st.container(horizontal=True):
        if st.button("Undo it", type="primary"):
            with st.spinner("Removing"):
                removed = undo_import(data.engine(), row["import_id"])
            data.forget_answers()
            st.session_state["_told"] = f"{removed:,} events were removed."
            st.rerun()
        if st.button("Keep it"):
            st.rerun()
