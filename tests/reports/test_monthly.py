"""The monthly report: the whole month, exact, in every form, legible and harmless."""

import csv
import datetime as dt
import html.parser
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pypdf
import pytest

from brain.decisions.budgets import Budget
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Request
from brain.reports import monthly
from brain.reports.monthly_reading import MonthlyReport, read_month
from brain.settings import load

NOW = dt.datetime(2026, 11, 3, 12, 30, tzinfo=dt.UTC)
MILLION = 1_000_000  # tokens of a model at 1 USD per million
CHINESE, FORMULA, UMLAUTS = "通义千问-旗舰版", "=cmd|' /C calc'!A0", "Grüße & Söhne <b>GmbH</b>"


def utc(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=dt.UTC)


def open_engine(folder: Path, now: dt.datetime = NOW, **settings: str) -> Engine:
    opened = Engine.open(load({}, data_dir=folder, **settings), clock=lambda: now)
    for model in ("m", CHINESE):
        opened.add_price(Price(0, "house", model, "contract", "test", ALWAYS_FROM, ALWAYS_TO, 0,
                               Decimal(1), None, None, Decimal(1), None))
    return opened


def spend(engine: Engine, *spent: tuple[float, dt.datetime, str, str]) -> None:
    """Record requests: USD, time, workspace, model."""
    engine.record("requests", [Request(
        at_utc=at, workspace_id=workspace, provider="house", model=model, source="api",
        input_tokens=round(usd * MILLION)) for usd, at, workspace, model in spent])
    engine.settle()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = open_engine(tmp_path_factory.mktemp("monthly"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def october(engine: Engine) -> MonthlyReport:
    """An October of 12 workspaces: 1 + 2 + ... + 12 = 78 USD, and the edges of the month."""
    spend(engine, *[(n, utc(2026, 10, n, 9), f"ws-{n:02}", "m") for n in range(1, 13)],
          (0.5, utc(2026, 9, 30, 23, 59, 59), UMLAUTS, "m"),     # September
          (0.25, utc(2026, 10, 31, 23, 59, 59), UMLAUTS, CHINESE),  # the last second of October
          (0.125, utc(2026, 11, 1), UMLAUTS, "m"),                # November
          (100, utc(2026, 10, 15, 12), FORMULA, "no-price"))
    engine.budgets.put(Budget("b", Decimal(10), "workspace", "ws-12"))
    return read_month(engine, "2026-10")


def test_the_month_is_whole_and_exact(october: MonthlyReport) -> None:
    assert october.total_usd == Decimal("78.25")
    assert october.previous_usd == Decimal("0.5")
    assert (october.requests, october.unpriced_requests, october.unpriced_tokens) == (
        14, 1, 100 * MILLION)
    assert [(row.name, row.cost_usd) for row in october.models] == [
        ("m", 78), (CHINESE, Decimal("0.25")), ("no-price", 0)]
    assert october.models[0].provider == "house"
    assert october.models[0].share_pct == pytest.approx(100 * 78 / 78.25)
    # The ten dearest: 12 to 3; the others are 1 + 2 + 0.25, and one without a price.
    assert [row.name for row in october.workspaces] == [
        *(f"ws-{n:02}" for n in range(12, 2, -1)), "All others"]
    assert october.workspaces[-1].cost_usd == Decimal("3.25")
    assert october.workspace_count == 14
    assert len(october.days) == 31
    assert october.days[30].cost_usd == Decimal("0.25")  # the last day is not lost
    for parts in (october.models, october.workspaces, october.days):
        assert sum((each.cost_usd for each in parts), Decimal(0)) == october.total_usd
    assert [(row.model, row.requests) for row in october.unpriced] == [("no-price", 1)]
    budget = next(each for each in october.budgets if each.budget_id == "b")
    assert (budget.spent_usd, budget.used_pct, budget.verdict) == (12, 120.0, "exceeded")
    assert october.forecast.month == "2026-11"
    assert october.forecast.spent_usd == Decimal("0.125")
    assert october.is_complete


@pytest.mark.parametrize(("zone", "first", "last", "hours"), [
    # In Berlin October begins at 22:00 UTC and has 745 hours; in Kolkata at 18:30.
    ("Europe/Berlin", utc(2026, 9, 30, 22), utc(2026, 10, 31, 22, 59, 59), 745),
    ("Asia/Kolkata", utc(2026, 9, 30, 18, 30), utc(2026, 10, 31, 18, 29, 59), 744)])
def test_the_month_is_that_of_the_zone(tmp_path: Path, zone: str, first: dt.datetime,
                                       last: dt.datetime, hours: int) -> None:
    engine = open_engine(tmp_path, reports_time_zone=zone)
    second = dt.timedelta(seconds=1)
    spend(engine, (8, first - second, "a", "m"), (1, first, "a", "m"), (2, last, "a", "m"),
          (16, last + second, "a", "m"))
    report = read_month(engine, "2026-10")
    engine.close()
    assert report.total_usd == 3
    assert (report.days[0].cost_usd, report.days[-1].cost_usd) == (1, 2)
    assert (report.end_utc - report.start_utc).total_seconds() == hours * 3_600
    assert sum(day.cost_usd for day in report.days) == 3


def test_a_thousandfold_error_would_show(tmp_path: Path) -> None:
    """1,000 input and 1,000 output tokens at 0.01 and 0.03 USD per 1,000 are 0.04 USD."""
    engine = open_engine(tmp_path)
    engine.record("requests", [Request(
        at_utc=utc(2026, 10, 5), workspace_id="a", provider="openai", model="gpt-4-turbo-preview",
        source="api", input_tokens=1_000, output_tokens=1_000)])
    engine.settle()
    report = read_month(engine, "2026-10")
    assert report.total_usd == Decimal("0.04")
    assert "0.04" in monthly.render("html", report).decode()
    engine.close()


class Page(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_harmless(october: MonthlyReport) -> None:
    seen = Page(monthly.render("html", october).decode())
    assert seen.addresses == []                       # nothing is fetched
    assert "b" not in seen.tags                       # a name is text, not markup
    assert seen.tags.count("svg") == 3                # models, days, budgets
    for text in ("Costs of October 2026", "1 to 31 October 2026", "78.25 USD", CHINESE,
                 "All others", "Unpriced usage", "no-price", "Forecast for 2026-11"):
        assert text in seen.text


def test_the_pdf_has_every_letter(october: MonthlyReport) -> None:
    document = pypdf.PdfReader(io.BytesIO(monthly.render("pdf", october)))
    text = "\n".join(page.extract_text() for page in document.pages)
    for told in ("Costs of October 2026", "78.25", "ws-12", "All others", CHINESE, "no-price",
                 f"page 1 of {len(document.pages)}"):
        assert told in text, told
    assert document.metadata.title == "Costs of October 2026"
    fonts = {str(font.get_object()["/BaseFont"]) for page in document.pages
             for font in page["/Resources"]["/Font"].values()}  # type: ignore[index,union-attr]
    assert all("+" in name for name in fonts)         # each embedded, in part


def test_csv_and_parquet_hold_the_same_exact_rows(engine: Engine) -> None:
    spend(engine, (64, utc(2026, 8, 20), FORMULA, "m"), (78.25, utc(2026, 8, 31, 23), "a", "m"))
    report = read_month(engine, "2026-08")
    rows = list(csv.DictReader(io.StringIO(monthly.render("csv", report).decode())))
    assert tuple(rows[0]) == monthly.COLUMNS
    assert {row["name"] for row in rows if row["section"] == "workspace"} >= {f"'{FORMULA}"}
    for section in ("model", "workspace", "day"):
        assert sum(Decimal(row["cost_usd"]) for row in rows if row["section"] == section) == \
            Decimal("142.25")  # 78.25 + 64
    table = pq.read_table(io.BytesIO(monthly.render("parquet", report))).to_pylist()
    assert len(table) == len(rows)
    assert FORMULA in {row["name"] for row in table}  # no spreadsheet reads it: as it is
    assert table[0]["cost_usd"] == Decimal("142.25")
    told = json.loads(monthly.render("json", report))
    assert Decimal(told["total_usd"]) == Decimal("142.25")


def test_shown_cents_add_up_where_rounding_each_would_not(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    spend(engine, *[(0.004, utc(2026, 10, 5), f"w{n}", "m") for n in range(5)])
    report = read_month(engine, "2026-10")
    grid = next(each.grid for each in monthly.describe_month(report).sections
                if each.title == "Top ten workspaces")
    assert grid is not None
    shown = [Decimal(row[-2]) for row in grid.rows]
    assert sum(shown[:-1]) == shown[-1] == Decimal("0.02")
    engine.close()


def test_an_empty_month_says_so(engine: Engine) -> None:
    report = read_month(engine, "2026-02")
    seen = Page(monthly.render("html", report).decode())
    assert "No requests in this month." in seen.text
    assert len(pypdf.PdfReader(io.BytesIO(monthly.render("pdf", report))).pages) >= 1
    with pytest.raises(InputError):
        read_month(engine, "2026-2")
