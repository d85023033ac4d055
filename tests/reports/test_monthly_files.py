"""The month's report is made once, by whichever process, and reaches finance."""

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, Price
from brain.engine import Engine
from brain.events import Request
from brain.jobs import monthly as job
from brain.reports import monthly, monthly_files
from brain.reports.monthly_files import list_months, mail_month, make_due, make_month, outbox
from brain.settings import load
from tests.services.process import free_port
from tests.services.smtp import running_smtp

PORT = free_port()


def utc(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = utc(2026, 10, 31, 23, 59)

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    # Forms are tested elsewhere; the PDF alone takes most of a second.
    monkeypatch.setattr(monthly, "render", lambda form, report: (
        report.month.encode() if form == "pdf" else RENDER(form, report)))
    opened = Engine.open(load({}, data_dir=tmp_path, mail_host="127.0.0.1", mail_port=PORT,
                              mail_security="none", reports_finance_to="fin@example.com",
                              reports_operations_cc="ops@example.com"), clock=clock)
    opened.add_price(Price(0, "house", "m", "contract", "test", ALWAYS_FROM, ALWAYS_TO, 0,
                           Decimal(1), None, None, Decimal(1), None))
    opened.record("requests", [Request(
        at_utc=at, workspace_id="a", provider="house", model="m", source="api",
        input_tokens=tokens) for at, tokens in (
            (utc(2026, 10, 1), 1_000_000), (utc(2026, 10, 31, 23, 58), 2_000_000))])
    opened.settle()
    yield opened
    opened.close()


RENDER = monthly.render


def test_it_is_made_once_the_month_is_over_and_mailed_once(engine: Engine, clock: Clock) -> None:
    assert make_due(engine) == 0                       # October runs, September had nothing
    clock.now = utc(2026, 11, 1, 6)
    with running_smtp(PORT) as box:
        job.run(engine)
        job.run(engine)
        assert len(box.messages) == 1
    (kept,) = list_months(engine)
    assert (kept.month, kept.total_usd, kept.is_complete) == ("2026-10", "3.000000000000", True)
    assert set(kept.files) == set(monthly.FORMS)
    assert monthly_files.read_kept(kept).total_usd == 3  # the last minute is in it
    assert box.messages[0]["Subject"] == "Costs of October 2026"
    assert (box.messages[0]["To"], box.messages[0]["Cc"]) == ("fin@example.com", "ops@example.com")
    assert [each.get_filename() for each in box.messages[0].iter_attachments()] == [
        "costs_2026-10.pdf", "costs_2026-10.html", "costs_2026-10.csv"]
    body = box.messages[0].get_body(("plain",))
    assert body is not None
    assert "Total: 3.00 USD" in body.get_content()


def test_months_without_a_server_are_caught_up(engine: Engine, clock: Clock) -> None:
    clock.now = utc(2026, 11, 1, 7)
    assert make_due(engine) == 1
    clock.now = utc(2027, 2, 3)
    assert make_due(engine) == 3
    assert [each.month for each in list_months(engine)] == [
        "2027-01", "2026-12", "2026-11", "2026-10"]
    assert make_due(engine) == 0


def test_a_report_of_a_running_month_does_not_count_as_made(engine: Engine, clock: Clock) -> None:
    report = make_month(engine, "2026-10", "ann")
    assert not report.is_complete
    assert [(each.month, each.is_complete) for each in list_months(engine)] == [("2026-10", False)]
    clock.now = utc(2026, 11, 1, 6)
    assert make_due(engine) == 1
    assert list_months(engine)[0].is_complete
    assert {row["subject"] for row in outbox(engine).rows()} == {"Costs of October 2026"}


def test_several_processes_make_it_once(engine: Engine, clock: Clock) -> None:
    clock.now = utc(2026, 11, 1, 6)
    won: list[bool] = []
    threads = [threading.Thread(target=lambda: won.append(monthly_files._claim(engine, "2026-10")))
               for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(won) == [False] * 7 + [True]
    assert make_due(engine) == 0                       # the winner is at it
    clock.now += monthly_files.LEASE                   # and was killed
    assert make_due(engine) == 1


def test_a_stop_between_making_and_mailing_loses_no_message(engine: Engine,
                                                          clock: Clock) -> None:
    clock.now = utc(2026, 11, 1, 6)
    make_month(engine, "2026-10")
    assert outbox(engine).rows() == []                 # killed here
    make_due(engine)
    assert {row["address"] for row in outbox(engine).rows()} == {
        "fin@example.com", "ops@example.com"}
    make_due(engine)
    assert len(outbox(engine).rows()) == 2
    report = monthly_files.read_kept(list_months(engine)[0])
    assert mail_month(engine, report, "2026-10 again")  # by hand
    assert len(outbox(engine).rows()) == 4
