"""Monthly reports, exports of costs and mail as verbs: JSON in, JSON-able values out."""

import base64
from dataclasses import asdict
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.engine import Engine

Month = Annotated[str, Meta(max_length=7)]
Day = Annotated[str, Meta(max_length=40)]
Person = Annotated[str, Meta(max_length=128)]


class CostReports(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class CostReport(msgspec.Struct, forbid_unknown_fields=True):
    """Which month (such as 2026-10; empty for the last one that is over), in which form."""

    month: Month = ""
    form: Literal["html", "pdf", "csv", "parquet", "json"] = "json"


class MakeCostReport(msgspec.Struct, forbid_unknown_fields=True):
    """Make a month's report anew and keep it; ``mail`` sends it to those of the settings."""

    month: Month
    mail: bool = False
    person: Person = ""


class ExportCosts(msgspec.Struct, forbid_unknown_fields=True):
    """Costs of [start, end): days or times, UTC where no zone is given."""

    start: Day
    end: Day
    form: Literal["focus", "plain"] = "focus"
    file: Literal["csv", "parquet"] = "csv"


class Mails(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class RetryMail(msgspec.Struct, forbid_unknown_fields=True):
    """Which message is tried again at once."""

    mail_id: Annotated[str, Meta(max_length=64)]


def list_reports(engine: Engine, _: CostReports) -> Any:
    """Reports that were made, newest month first."""
    from brain.reports.monthly_files import list_months
    return [{**asdict(each), "files": {form: str(path) for form, path in each.files.items()}}
            for each in list_months(engine)]


def show_report(engine: Engine, wanted: CostReport) -> Any:
    """The month's report as it is now: ``content`` is base64 of the file."""
    from brain.decisions.months import month_of, shift_month
    from brain.reports import monthly
    from brain.reports.monthly_reading import read_month
    from brain.reports.reading import report_zone
    month = wanted.month or shift_month(month_of(engine.clock(), report_zone(engine)), -1)
    content = monthly.render(wanted.form, read_month(engine, month))
    return {"month": month, "form": wanted.form, "mime": monthly.FORMS[wanted.form],
            "content": base64.b64encode(content).decode()}


def make_report(engine: Engine, wanted: MakeCostReport) -> Any:
    """What was made, and whether it was put into the outbox."""
    from brain.reports.monthly_files import mail_month, make_month
    report = make_month(engine, wanted.month, wanted.person)
    mailed = wanted.mail and mail_month(engine, report,
                                        f"{report.month} {report.at_utc:%Y-%m-%dT%H:%M:%SZ}")
    return {"month": report.month, "total_usd": f"{report.total_usd:f}",
            "is_complete": report.is_complete, "mailed": mailed}


def export_costs(engine: Engine, wanted: ExportCosts) -> Any:
    """The file as base64 ``content``, its rows and sums, and what is not in it."""
    from brain.reports.costs_export import export
    done = export(engine, wanted.start, wanted.end, wanted.form, wanted.file)
    return {**{name: getattr(done, name) for name in (
        "rows", "unpriced_requests", "unpriced_tokens", "start_utc", "end_utc")},
        "billed_usd": f"{done.billed_usd:f}", "list_usd": f"{done.list_usd:f}",
        "content": base64.b64encode(done.content).decode()}


def list_mails(engine: Engine, _: Mails) -> Any:
    """Every recipient with the message, newest first."""
    from brain.reports.monthly_files import outbox
    return outbox(engine).rows()


def retry_mail(engine: Engine, wanted: RetryMail) -> Any:
    """What trying it now did."""
    from brain.reports.monthly_files import outbox
    box = outbox(engine)
    recipients = box.retry(wanted.mail_id)
    return {"recipients": recipients, **asdict(box.deliver_due())}
