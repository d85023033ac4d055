"""Monthly reports in the data folder: made once by one process, kept, mailed to finance."""

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from brain.decisions.months import due_months, month_span, read_month
from brain.engine import Engine
from brain.mail.outbox import Attachment, Outbox, split_addresses
from brain.reports import monthly
from brain.reports.monthly_reading import MonthlyReport
from brain.reports.monthly_reading import read_month as read_costs
from brain.reports.reading import report_zone
from brain.sources.frames import plain_times

KIND = "monthly costs"
MAKING, MADE, PARTIAL = "making", "made", "partial"
"""A partial one was made before its month was over, and does not count as made."""
LEASE = dt.timedelta(minutes=15)
"""After so long a process that makes a report is taken for dead."""
_NAME = re.compile(r"costs_(\d{4}-\d{2})\.(html|pdf|csv|parquet|json)")


@dataclass(frozen=True, slots=True)
class KeptMonth:
    """A month's report that was made; ``files`` has what is in this machine's folder, by form."""

    month: str
    zone: str
    made_at_utc: dt.datetime
    made_by: str
    total_usd: str
    is_complete: bool
    files: dict[str, Path]


def list_months(engine: Engine) -> list[KeptMonth]:
    """Reports that were made, newest month first."""
    this = engine.state.tables["monthly_reports"].c
    files: dict[str, dict[str, Path]] = {}
    for path in _folder(engine).glob("costs_*"):
        if told := _NAME.fullmatch(path.name):
            files.setdefault(told[1], {})[told[2]] = path
    rows = engine.state.rows("monthly_reports", this.status != MAKING, order="month")
    return [KeptMonth(row["month"], row["zone"], row["made_at_utc"], row["made_by"],
                      row["total_usd"], row["status"] == MADE,
                      {form: files[row["month"]][form] for form in monthly.FORMS
                                         if form in files.get(row["month"], {})})
            for row in reversed(rows)]


def make_month(engine: Engine, month: str, person: str = "") -> MonthlyReport:
    """The month's report, written anew into the folder. Raises InputError for no month."""
    read_month(month)
    engine.settle()
    report = read_costs(engine, month)
    _write(engine, report)
    row = {"zone": report.zone, "status": MADE if report.is_complete else PARTIAL,
           "made_at_utc": report.at_utc, "made_by": person or "console",
           "total_usd": f"{report.total_usd:f}", "claimed_until_utc": report.at_utc}
    this = engine.state.tables["monthly_reports"]
    with engine.state.begin() as connection:
        done = connection.execute(sa.update(this).where(this.c.month == month)
                                  .values(**plain_times(row)))
        if not done.rowcount:
            connection.execute(sa.insert(this), [plain_times({"month": month, **row})])
    engine.audit("monthly report made", month, None, {"total_usd": row["total_usd"]}, person)
    return report


def mail_month(engine: Engine, report: MonthlyReport, reference: str = "") -> bool:
    """Whether the report was put into the outbox: only to addresses in the settings, once.

    ``reference`` tells a repeated message from the first. Raises InputError for an address in
    the settings that is none.
    """
    to = split_addresses(engine.settings.reports.finance_to)
    copy = split_addresses(engine.settings.reports.operations_cc)
    if not to and not copy:
        return False
    statement = monthly.describe_month(report)
    mark = " (demonstration data)" if report.has_demo else ""
    text = "\n".join([statement.title, statement.about, *statement.marks, "",
                      *(f"{each.name}: {each.value}{f' ({each.note})' if each.note else ''}"
                        for each in statement.figures), "",
                      "The whole report is attached as PDF, HTML and CSV."])
    attached = [Attachment(f"costs_{report.month}.{form}", monthly.FORMS[form],
                           monthly.render(form, report)) for form in ("pdf", "html", "csv")]
    return outbox(engine).put(KIND, reference or report.month, f"{statement.title}{mark}", text,
                              to or copy, copy if to else (), attached=attached)


def make_due(engine: Engine) -> int:
    """How many monthly reports were due and were made here; each by one process only.

    Months that passed while no server ran are caught up. The first report ever is made only for
    a month with requests.
    """
    settings = engine.settings.reports
    if not settings.monthly:
        return 0
    kept = engine.state.rows("monthly_reports", order="month")
    made = [row["month"] for row in kept if row["status"] == MADE]
    due = due_months(engine.clock(), report_zone(engine), settings.monthly_hour,
                     made[-1] if made else None)
    count = 0
    for month in due:
        if not made and not _has_requests(engine, month):
            continue
        if _claim(engine, month):
            mail_month(engine, make_month(engine, month))
            count += 1
    _mail_forgotten(engine)
    return count


def outbox(engine: Engine) -> Outbox:
    """The engine's outbox."""
    return Outbox(engine.state, engine.settings.mail, engine.clock)


def _mail_forgotten(engine: Engine) -> None:
    """Mail the newest report again where a stop of the program came between making and mailing."""
    reports, this = engine.settings.reports, engine.state.tables["mails"].c
    kept = [each for each in list_months(engine) if each.is_complete and "json" in each.files][:1]
    if kept and (reports.finance_to or reports.operations_cc) and not engine.state.rows(
            "mails", this.kind == KIND, this.reference == kept[0].month):
        mail_month(engine, read_kept(kept[0]))


def read_kept(kept: KeptMonth) -> MonthlyReport:
    """A kept report's data."""
    return msgspec.json.decode(kept.files["json"].read_bytes(), type=MonthlyReport)


def _has_requests(engine: Engine, month: str) -> bool:
    from analytics import spans
    from brain.budgets.spending import NO_FILTERS
    params = spans.query_params(month_span(month, report_zone(engine)))
    return bool(engine.query("usage/totals", **params, **NO_FILTERS).iloc[0]["requests"])


def _claim(engine: Engine, month: str) -> bool:
    """Whether this process is the one that makes the month's report."""
    this, now = engine.state.tables["monthly_reports"], engine.clock()
    times: dict[str, Any] = plain_times({"now": now, "until": now + LEASE})
    try:
        with engine.state.begin() as connection:
            done = connection.execute(sa.update(this).where(
                this.c.month == month, this.c.status != MADE,
                this.c.claimed_until_utc <= times["now"]).values(
                    status=MAKING, claimed_until_utc=times["until"]))
            if done.rowcount:
                return True
            connection.execute(sa.insert(this), [{
                "month": month, "zone": report_zone(engine), "status": MAKING, "made_by": "",
                "claimed_until_utc": times["until"], "made_at_utc": None, "total_usd": "0"}])
    except sa.exc.IntegrityError:
        return False
    return True


def _write(engine: Engine, report: MonthlyReport) -> None:
    folder = _folder(engine)
    folder.mkdir(parents=True, exist_ok=True)
    for form in monthly.FORMS:
        draft = folder / f".costs_{report.month}.{form}"
        draft.write_bytes(monthly.render(form, report))
        os.replace(draft, folder / f"costs_{report.month}.{form}")


def _folder(engine: Engine) -> Path:
    return engine.settings.data_dir / "reports"
