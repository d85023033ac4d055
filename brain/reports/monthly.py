"""The monthly report in its forms: statement, HTML, PDF, JSON, and rows for CSV and Parquet."""

import datetime as dt
import io
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from analytics.rounding import round_parts
from brain.reports.drawing import draw_bars, draw_columns
from brain.reports.monthly_reading import BudgetRow, CostRow, MonthForecast, MonthlyReport
from brain.reports.statement import Figure, Grid, Section, Statement, to_html

FORMS: dict[str, str] = {
    "html": "text/html", "pdf": "application/pdf", "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet", "json": "application/json"}
FORM_NAMES: dict[str, str] = {"html": "HTML", "pdf": "PDF", "csv": "CSV", "parquet": "Parquet",
                              "json": "JSON"}
COLUMNS = ("section", "name", "provider", "start_utc", "end_utc", "requests", "tokens", "cost_usd",
           "share_pct", "unpriced_requests", "amount_usd", "note")
MOST_BARS = 8


def describe_month(report: MonthlyReport) -> Statement:
    """The report as people read it: amounts to the cent, each sum equal to its parts."""
    first, last = report.days[0].day, report.days[-1].day
    marks = [*(["Contains demonstration data."] if report.has_demo else ()),
             *([] if report.is_complete else
               ["The month is not over: this is what it came to so far."])]
    return Statement(
        f"Costs of {first:%B %Y}",
        f"{first:%-d} to {last:%-d %B %Y}, whole days in {report.zone}, made "
        f"{_moment(report.at_utc, report.zone)}", tuple(marks), _figures(report),
        (_models(report), _workspaces(report), _trend(report), _budgets(report),
         _forecast(report.forecast), _unpriced(report)))


def render(form: str, report: MonthlyReport) -> bytes:
    """The report as html, pdf, csv, parquet or json."""
    forms: dict[str, Callable[[], bytes]] = {
        "html": lambda: to_html(describe_month(report)).encode(), "pdf": lambda: _pdf(report),
        "csv": lambda: _csv(report), "parquet": lambda: _parquet(report),
        "json": lambda: bytes(msgspec.json.format(_json(report))) + b"\n"}
    return forms[form]()


def rows_of(report: MonthlyReport) -> list[dict[str, Any]]:
    """Every part of the report as one tidy table of `COLUMNS`, amounts exact."""
    whole = {"start_utc": report.start_utc, "end_utc": report.end_utc}
    rows: list[dict[str, Any]] = [{
        "section": "total", "name": report.month, **whole, "requests": report.requests,
        "tokens": report.tokens, "cost_usd": report.total_usd, "share_pct": 100.0,
        "unpriced_requests": report.unpriced_requests, "note": report.zone}]
    for section, parts in (("model", report.models), ("workspace", report.workspaces)):
        rows += [{"section": section, "name": each.name, "provider": each.provider, **whole,
                  "requests": each.requests, "tokens": each.tokens,
                  "cost_usd": None if each.is_unpriced else each.cost_usd,
                  "share_pct": each.share_pct, "unpriced_requests": each.unpriced_requests}
                 for each in parts]
    rows += [{"section": "day", "name": day.day.isoformat(), "start_utc": day.start_utc,
              "end_utc": day.end_utc, "requests": day.requests, "cost_usd": day.cost_usd}
             for day in report.days]
    rows += [{"section": "budget", "name": each.label, "start_utc": each.window_start_utc,
              "end_utc": each.window_end_utc, "cost_usd": each.spent_usd,
              "share_pct": each.used_pct, "amount_usd": each.amount_usd, "note": each.verdict}
             for each in report.budgets]
    coming = report.forecast
    rows += [{"section": "forecast", "name": f"{coming.month} {name}", "amount_usd": amount}
             for name, amount in (("projected", coming.projected_usd), ("lower", coming.lower_usd),
                                  ("upper", coming.upper_usd), ("run rate", coming.run_rate_usd),
                                  ("billed so far", coming.spent_usd))]
    rows += [{"section": "unpriced", "name": each.model, "provider": each.provider, **whole,
              "requests": each.requests, "tokens": each.tokens,
              "unpriced_requests": each.requests} for each in report.unpriced]
    return [{name: row.get(name) for name in COLUMNS} for row in rows]


def _json(report: MonthlyReport) -> bytes:
    return msgspec.json.Encoder(decimal_format="string").encode(report)


def _csv(report: MonthlyReport) -> bytes:
    import pandas as pd

    from analytics.exports import to_csv
    rows = [{name: value.isoformat() if isinstance(value, dt.datetime) else value
             for name, value in row.items()} for row in rows_of(report)]
    return to_csv(pd.DataFrame(rows, columns=list(COLUMNS), dtype="object"))


def _parquet(report: MonthlyReport) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq
    money, moment = pa.decimal128(38, 12), pa.timestamp("us", "UTC")
    types = {"start_utc": moment, "end_utc": moment, "requests": pa.int64(), "tokens": pa.int64(),
             "cost_usd": money, "share_pct": pa.float64(), "unpriced_requests": pa.int64(),
             "amount_usd": money}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows_of(report), schema=schema), out)
    return out.getvalue()


def _pdf(report: MonthlyReport) -> bytes:
    from brain.reports.pdf import to_pdf
    return to_pdf(describe_month(report), report.at_utc)


def _figures(report: MonthlyReport) -> tuple[Figure, ...]:
    coming = report.forecast
    return (
        Figure("Total", _usd(report.total_usd), _against(report)),
        Figure("Requests", f"{report.requests:,}", f"{report.tokens:,} tokens"),
        Figure("Models", f"{_count(report.models):,}", "used in the month"),
        Figure("Workspaces", f"{report.workspace_count:,}", "with requests"),
        Figure("Unpriced requests", f"{report.unpriced_requests:,}",
               "in no cost" if report.unpriced_requests else "every request has a price"),
        Figure(f"Expected for {coming.month}", _usd(coming.projected_usd),
               "" if coming.projected_usd is None else
               f"80 %: {_usd(coming.lower_usd)} to {_usd(coming.upper_usd)}"))


def _against(report: MonthlyReport) -> str:
    if not report.previous_requests:
        return "no requests in the month before"
    change = report.total_usd - report.previous_usd
    if not report.previous_usd:
        return "0.00 USD in the month before"
    return f"{100 * float(change / report.previous_usd):+.1f} % on {_usd(report.previous_usd)}"


def _count(rows: Sequence[CostRow]) -> int:
    return sum(1 for each in rows if each.name != "All others")


def _models(report: MonthlyReport) -> Section:
    if not report.models:
        return Section("Cost by model", ("No requests in this month.",))
    top = report.models[:MOST_BARS]
    cents = round_parts([each.cost_usd for each in report.models])
    return Section("Cost by model", ("In USD, the dearest first.",), draw_bars(
        "Cost by model in USD, the dearest first", [each.name or "(none named)" for each in top],
        [float(each.cost_usd) for each in top],
        [_cost(each, amount) for each, amount in zip(top, cents, strict=False)]),
        _cost_grid(report, report.models, "Model", with_provider=True))


def _workspaces(report: MonthlyReport) -> Section:
    if not report.workspaces:
        return Section("Top ten workspaces", ("No requests in this month.",))
    return Section("Top ten workspaces", (), None,
                   _cost_grid(report, report.workspaces, "Workspace", with_provider=False))


def _cost_grid(report: MonthlyReport, rows: Sequence[CostRow], head: str, *,
               with_provider: bool) -> Grid:
    cents = round_parts([each.cost_usd for each in rows])
    provider = ("Provider",) if with_provider else ()
    heads = (head, *provider, "Requests", "Tokens", "Unpriced", "Cost, USD", "Share")
    body = [(each.name or "(none named)", *((each.provider,) if with_provider else ()),
             f"{each.requests:,}", f"{each.tokens:,}", f"{each.unpriced_requests:,}",
             _cost(each, amount), _share(each.share_pct))
            for each, amount in zip(rows, cents, strict=True)]
    body.append(("Total", *(("",) if with_provider else ()), f"{report.requests:,}",
                 f"{report.tokens:,}", f"{report.unpriced_requests:,}",
                 f"{sum(cents, Decimal(0)):,.2f}", _share(100.0 if report.total_usd else None)))
    right = (False, *((False,) if with_provider else ()), True, True, True, True, True)
    return Grid(heads, tuple(body), right, has_sum=True)


def _trend(report: MonthlyReport) -> Section:
    cents = round_parts([day.cost_usd for day in report.days])
    rows = [(f"{day.day:%a %-d %b}", f"{day.requests:,}", f"{amount:,.2f}")
            for day, amount in zip(report.days, cents, strict=True)]
    rows.append(("Total", f"{report.requests:,}", f"{sum(cents, Decimal(0)):,.2f}"))
    return Section("Daily trend", (), draw_columns(
        f"Cost of each day, {report.zone}", [f"{day.day:%-d}" for day in report.days],
        [float(day.cost_usd) for day in report.days], "USD"),
        Grid(("Day", "Requests", "Cost, USD"), tuple(rows), (False, True, True), has_sum=True))


def _budgets(report: MonthlyReport) -> Section:
    if not report.budgets:
        return Section("Budgets", ("No budget is set.",))
    months = [each for each in report.budgets if each.window == "month"
              and each.spent_usd is not None][:MOST_BARS * 2]
    chart = draw_bars(
        "Spend of month budgets against their amounts", [each.label.partition(" of ")[2]
                                                         for each in months],
        [float(each.spent_usd or 0) for each in months],
        [f"{each.used_pct or 0:.0f} %" for each in months],
        [float(each.amount_usd) for each in months]) if months else None
    return Section("Budgets", (
        "Each in its last window of the month. A budget is exceeded where more was spent than its "
        "amount.",), chart, Grid(
        ("Budget of", "Kind", "Window", "From, UTC", "Amount, USD", "Spent, USD", "Used", "Result",
         "Alerts"),
        tuple(_budget_cells(each) for each in report.budgets),
        (False, False, False, False, True, True, True, False, True)))


def _budget_cells(each: BudgetRow) -> tuple[str, ...]:
    return (each.label.partition(" of ")[2], "hard" if each.hard else "soft", each.window,
            f"{each.window_start_utc:%Y-%m-%d %H:%M}",
            f"{each.amount_usd:,.2f}",
            "unknown" if each.spent_usd is None else f"{each.spent_usd:,.2f}",
            _share(each.used_pct), each.verdict, f"{each.alerts:,}")


def _forecast(coming: MonthForecast) -> Section:
    told = tuple(each.text for each in coming.reasons)
    if coming.projected_usd is None:
        return Section(f"Forecast for {coming.month}", told or ("There is none.",))
    return Section(f"Forecast for {coming.month}", told, None, Grid(
        ("", "USD"), (
            ("Billed so far", f"{coming.spent_usd:,.2f}"),
            ("Expected at the end", f"{coming.projected_usd:,.2f}"),
            ("80 % interval, lower end", f"{coming.lower_usd:,.2f}"),
            ("80 % interval, upper end", f"{coming.upper_usd:,.2f}"),
            ("Run rate (spent / elapsed × month)", _usd(coming.run_rate_usd).removesuffix(" USD"))),
        (False, True)))


def _unpriced(report: MonthlyReport) -> Section:
    if not report.unpriced:
        return Section("Unpriced usage", ("Every request of the month has a price.",))
    return Section("Unpriced usage", (
        "These requests have no price. They are in no cost above; a price can be added in the "
        "price book, and costs are then made anew.",), None, Grid(
        ("Model", "Provider", "Requests", "Tokens"),
        tuple((each.model or "(none named)", each.provider, f"{each.requests:,}",
               f"{each.tokens:,}") for each in report.unpriced), (False, False, True, True)))


def _cost(row: CostRow, cents: Decimal) -> str:
    return "unpriced" if row.is_unpriced else f"{cents:,.2f}"


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f} USD"


def _share(pct: float | None) -> str:
    return "–" if pct is None else f"{pct:.1f} %"


def _moment(at: dt.datetime, zone: str) -> str:
    return f"{at.astimezone(zoneinfo.ZoneInfo(zone)):%Y-%m-%d %H:%M}"
