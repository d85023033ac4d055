"""Monthly cost reports: made, listed, drawn, taken away; the export, and what was mailed."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from brain.decisions.months import month_of, shift_month
from brain.decisions.reasons import InputError
from brain.reports import monthly, monthly_files
from brain.reports.costs_export import export
from brain.reports.monthly_files import KeptMonth
from brain.reports.monthly_reading import MonthlyReport
from brain.reports.reading import report_zone
from pages.ui import cards, charts, data, filters, format, tables
from pages.ui.filters import View

MONTHS_BACK = 24
_EXPORTS = {"focus": "FOCUS", "plain": "Plain"}


def schedule_text() -> str:
    """When reports are made by themselves, and who gets them."""
    reports, mail = data.settings().reports, data.settings().mail
    made = (f"The report of a month is made on the first of the next one at "
            f"{reports.monthly_hour:02}:00 {report_zone(data.engine())}, whole days of that zone, "
            f"into `{data.settings().data_dir / 'reports'}`." if reports.monthly else
            "Monthly reports are off (`BRAIN_REPORTS_MONTHLY`). They can be made here.")
    who = reports.finance_to or reports.operations_cc
    if not who:
        return f"{made} Nobody gets it by mail (`BRAIN_REPORTS_FINANCE_TO`)."
    copy = f", copy to {reports.operations_cc}" if reports.finance_to and reports.operations_cc \
        else ""
    return f"{made} It goes to {who}{copy}" + (
        f" through {mail.host}." if mail.host else
        "; without a mail server (`BRAIN_MAIL_HOST`) messages are kept below.")


def offer() -> None:
    """Choose a month, make its report now, and mail it if asked."""
    running = month_of(data.now(), report_zone(data.engine()))
    months = [shift_month(running, -back) for back in range(MONTHS_BACK)]
    with st.form("make_month", border=False), \
            st.container(horizontal=True, vertical_alignment="bottom"):
        month = st.selectbox("Month", months, 1, width=180, format_func=lambda each: (
            f"{each} (so far)" if each == running else each))
        mailed = st.toggle("Mail it", help="To those of the settings, once more.",
                           disabled=not (data.settings().reports.finance_to
                                         or data.settings().reports.operations_cc))
        asked = st.form_submit_button("Make it now", icon=":material/lab_profile:",
                                      type="primary")
    if asked:
        with st.spinner("Reading the month"):
            report = monthly_files.make_month(data.engine(), month)
            if mailed:
                monthly_files.mail_month(data.engine(), report,
                                         f"{month} {report.at_utc:%Y-%m-%dT%H:%M:%SZ}")
        st.session_state["_told"] = f"The report of {month} was made."
        st.rerun()


def kept() -> list[KeptMonth]:
    """Reports that were made, newest month first."""
    return monthly_files.list_months(data.engine())


def show_list(rows: Sequence[KeptMonth]) -> KeptMonth:
    """Draw them; the chosen one, the newest without a choice."""
    chosen = tables.show(pd.DataFrame([{
        "month": each.month, "total": float(each.total_usd), "made": each.made_at_utc,
        "by": each.made_by, "whole": "Whole month" if each.is_complete else "So far"}
        for each in rows]), "cost reports", {
            "month": "Month", "total": "Total, USD", "made": "Made", "by": "By",
            "whole": "Covers"}, {"total": "usd", "made": "time"}, select=True)
    if not chosen:
        st.caption("Choose one to see it below; now the newest is shown.")
    return rows[chosen[0]] if chosen else rows[0]


def draw(each: KeptMonth) -> None:
    """The report: its figures, charts and tables, and its files."""
    if "json" not in each.files:
        st.warning("Its files are on another machine, or were removed. Make it anew above.",
                   icon=":material/folder_off:")
        return
    report = monthly_files.read_kept(each)
    statement = monthly.describe_month(report)
    with st.container(horizontal=True):
        for form, path in each.files.items():
            st.download_button(monthly.FORM_NAMES[form], data=path.read_bytes(),
                               file_name=path.name, mime=monthly.FORMS[form],
                               icon=":material/download:", on_click="ignore",
                               key=f"take_{path.name}", help=f"The whole report as "
                                                             f"{monthly.FORM_NAMES[form]}")
    st.caption(statement.about)
    for mark in statement.marks:
        st.warning(mark, icon=":material/info:")
    cards.row([cards.Card(figure.name, figure.value, figure.note or figure.name,
                          note=figure.note) for figure in statement.figures], min_width_px=210)
    if report.requests:
        _charts(report)
    for section in statement.sections:
        if section.title == "Daily trend":
            continue
        st.markdown(f"**{section.title}**")
        for sentence in section.sentences:
            st.text(sentence)
        if section.grid is not None:
            names = [f"c{place}" for place in range(len(section.grid.heads))]
            tables.show(pd.DataFrame(section.grid.rows, columns=names),
                        f"{section.title} {report.month}",
                        dict(zip(names, (head or " " for head in section.grid.heads),
                                 strict=True)))


def _charts(report: MonthlyReport) -> None:
    days = pd.DataFrame([{"bucket_start_utc": pd.Timestamp(day.start_utc), "name": "Cost",
                          "cost_usd": float(day.cost_usd)} for day in report.days])
    st.markdown("**Daily trend**")
    charts.show(charts.stacked(days, "bucket_start_utc", "cost_usd", "name", unit="USD",
                               zone=report.zone, width_s=86_400).update_layout(height=260),
                f"days_{report.month}", explained=False)


def offer_export(view: View) -> None:
    """The range of the frame as files, made when asked for."""
    with st.form("export_costs", border=False), \
            st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.selectbox("Columns", tuple(_EXPORTS), format_func=_EXPORTS.__getitem__,
                            width=160)
        file = st.selectbox("File", ("csv", "parquet"), format_func={
            "csv": "CSV", "parquet": "Parquet"}.__getitem__, width=160)
        asked = st.form_submit_button("Make the file", icon=":material/table_view:")
    st.caption(f"{filters.in_words(view.span, view.zone)} {view.zone}, all workspaces, by UTC day. "
               "The range above the page says which.")
    if not asked:
        return
    try:
        with st.spinner("Reading"):
            done = export(data.engine(), view.span.start.isoformat(), view.span.end.isoformat(),
                          form, file)
    except InputError as error:
        st.error(f"{error.message[:1].upper()}{error.message[1:]}.", icon=":material/block:")
        return
    st.download_button(f"Take it away: {done.rows:,} rows", data=done.content,
                       file_name=f"costs_{form}_{done.start_utc:%Y%m%d}_{done.end_utc:%Y%m%d}."
                                 f"{file}", icon=":material/download:", on_click="ignore")
    st.text(f"Billed {format.usd(done.billed_usd)}, by the list {format.usd(done.list_usd)}.")
    if done.unpriced_requests:
        st.warning(f"{done.unpriced_requests:,} requests have no price: " + (
            "FOCUS has no place for them, they are not in the file." if form == "focus" else
            "their cost is empty in the file."), icon=":material/sell:")


def show_mail() -> None:
    """Messages and what became of them, each with a button that tries it again."""
    box = monthly_files.outbox(data.engine())
    rows = box.rows()
    if not rows:
        st.caption("No message was written yet.")
        return
    chosen = tables.show(pd.DataFrame([{
        "at": row["created_at_utc"], "to": row["address"], "subject": row["subject"],
        "status": row["status"].capitalize(), "attempts": row["attempts"],
        "next": row["next_try_utc"] if row["status"] == "waiting" else None,
        "error": row["error"]} for row in rows]), "mail", {
            "at": "Written", "to": "To", "subject": "Subject", "status": "Status",
            "attempts": "Tries", "next": "Next try", "error": "What the server said"},
        {"at": "time", "next": "time", "attempts": "count"}, select=True)
    if not chosen or rows[chosen[0]]["status"] == "sent":
        st.caption("Choose a message that waits or was refused to try it again at once.")
    elif st.button("Try it again now", icon=":material/send:"):
        box.retry(rows[chosen[0]]["mail_id"])
        done = box.deliver_due()
        st.session_state["_told"] = (
            f"{done.sent} sent, {done.waiting} wait, {done.refused} refused.")
        st.rerun()
