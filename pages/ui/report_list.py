"""Reports of the data folder: drawn, listed, made, and taken away."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import pandas as pd
import streamlit as st

from brain.decisions.check import LatencyRow
from brain.reports import document, files
from brain.reports.files import FORMS, KINDS, KeptReport
from brain.reports.reading import LatencyReport
from pages.ui import cards, data, filters, format, tables

_HELPS = {"verdict": "A warning where p95 passes the level of the settings, 1 s as delivered.",
          "errors": "Requests with status “error”.",
          **{f"p{share}_ms": f"{share} of 100 requests with a latency took no longer, ±1 %."
             for share in (50, 95, 99)}}
_FORM_NAMES = {"html": "HTML", "txt": "Text", "json": "JSON"}


def schedule_text() -> str:
    """When reports are made by themselves."""
    reports = data.settings().reports
    if not reports.daily:
        return "Daily reports are off (`BRAIN_REPORTS_DAILY`). They can be made here."
    return (f"Both are written every day at {reports.daily_hour:02}:{reports.daily_minute:02} "
            f"{reports.time_zone}, over the 24 hours before, into "
            f"`{data.settings().data_dir / 'reports'}`.")


def offer(kind: str, label: str) -> None:
    """A button that makes a report now."""
    if st.button(label, icon=":material/lab_profile:", key=f"make_{kind}",
                 help=f"{KINDS[kind]} of the last 24 hours"):
        with st.spinner("Reading"):
            made = files.write_report(data.engine(), kind)
        data.engine().audit("report made", kind, None, {"verdict": made.verdict})
        st.session_state["_told"] = f"{KINDS[kind]}: {document.WORDS[made.verdict]}."
        st.rerun()


def latest() -> KeptReport | None:
    """The newest report there is."""
    return next(iter(files.list_reports(data.engine())), None)


def title(report: KeptReport) -> str:
    """A report's kind and time."""
    return f"{KINDS[report.kind]} of {format.moment(report.at_utc, filters.time_zone())}"


def draw(report: KeptReport) -> None:
    """A report's verdict, sentences and tables, and its files."""
    found, told = files.read_kept(report)
    cards.badge(told.verdict)
    st.caption(told.about)
    for sentence in told.sentences:
        st.text(sentence)
    if isinstance(found, LatencyReport):
        _draw_latency("All requests", "Requests of", [replace(found.total, name="all")])
        _draw_latency("By endpoint", "Endpoint", found.endpoints)
        _draw_latency("By agent", "Agent", found.agents)
    else:
        (table,) = told.tables
        names = [f"c{number}" for number in range(len(table.heads))]
        tables.show(pd.DataFrame(table.rows, columns=names), "daily check",
                    dict(zip(names, table.heads, strict=True)), most_rows=25)
    _offer_files(report, "latest")


def _draw_latency(title: str, head: str, rows: Sequence[LatencyRow]) -> None:
    st.markdown(f"**{title}**")
    if not rows:
        st.caption("No requests in its range.")
        return
    tables.show(pd.DataFrame([asdict(row) | {
        "verdict": cards.LOOKS[row.verdict][0], "name": row.name or "(none named)"}
        for row in rows]), f"latency {title}", {
            "name": head, "verdict": "Verdict", "requests": "Requests", "errors": "Errors",
            "p50_ms": "p50 (ms)", "p95_ms": "p95 (ms)", "p99_ms": "p99 (ms)", "note": "Note"},
        {"requests": "count", "errors": "count", "p50_ms": "ms", "p95_ms": "ms",
         "p99_ms": "ms"}, most_rows=25, helps=_HELPS)


def draw_list() -> None:
    """Kept reports, newest first; the files of a chosen one."""
    kept = files.list_reports(data.engine())
    if not kept:
        st.caption("None yet.")
        return
    chosen = tables.show(pd.DataFrame([{
        "at_utc": each.at_utc, "kind": KINDS[each.kind],
        "verdict": cards.LOOKS[each.verdict][0]} for each in kept]), "reports", {
            "at_utc": "Made", "kind": "Report", "verdict": "Verdict"}, {"at_utc": "time"},
        select=True)
    if chosen:
        _offer_files(kept[chosen[0]], "chosen")
    else:
        st.caption("Choose one to take it away.")


def _offer_files(report: KeptReport, place: str) -> None:
    with st.container(horizontal=True):
        for form, path in report.files.items():
            st.download_button(
                f"{_FORM_NAMES[form]}", data=path.read_bytes(), file_name=path.name,
                mime=FORMS[form], icon=":material/download:", on_click="ignore",
                key=f"take_{place}_{path.name}",
                help=f"{title(report)} as {_FORM_NAMES[form]}")
