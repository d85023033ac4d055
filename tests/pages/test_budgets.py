"""Finance › Budgets and Finance › Cost reports."""

import datetime as dt
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from brain.decisions.budgets import Budget
from brain.engine import Engine
from brain.reports import monthly, monthly_files
from tests.pages.conftest import OpenPage
from tests.pages.test_admin import frame_with, press

BUDGETS, REPORTS = "finance/budgets.py", "finance/reports.py"


def fill(app: AppTest, **fields: str) -> AppTest:
    for each in app.text_input:
        name = each.label.partition(",")[0].lower().replace(" ", "_")
        if name in fields:
            each.set_value(fields[name])
    return press(app, "Set it")


def test_an_empty_page_says_what_to_do(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(BUDGETS)
    assert not app.exception
    assert any("No budget yet. Set one below" in each.value for each in app.info)


def test_budgets_stand_with_their_spend_and_are_set_and_undone(
        filled: Engine, open_page: OpenPage) -> None:
    filled.budgets.put(Budget("tight", Decimal("0.05"), "model", "gpt-4o"))
    filled.budgets.check()
    app = open_page(BUDGETS)
    assert not app.exception
    table = frame_with(app, "remaining")
    # 71 priced requests at 0.002 USD: more than 0.05; the default one of acme has 1,000.
    assert table["of"].tolist() == ["model gpt-4o", "workspace acme"]
    assert table["verdict"].tolist()[0] == "Spent"
    assert table["spent"].tolist() == [pytest.approx(0.142), pytest.approx(0.142)]
    assert table["remaining"].tolist()[0] == 0
    assert "100 %" in table["told"].tolist()[0]
    assert len(frame_with(app, "message")) == 3            # 80, 90 and 100 % at once
    app = fill(app, named="acme", amount="25.50", alert_at_percent="50, 100 %")
    assert not app.exception
    made = filled.budgets.book.get("workspace-acme-month")
    assert (made.amount_usd, made.alert_pcts) == (Decimal("25.50"), (50, 100))
    assert frame_with(app, "remaining")["of"].tolist() == ["model gpt-4o", "workspace acme"]
    app = press(app, "Undo the last change")
    with pytest.raises(LookupError):
        filled.budgets.book.get("workspace-acme-month")
    assert "Budget change undone" in frame_with(app, "after")["action"].tolist()


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"named": "acme", "amount": "much"}, "is no number"),
    ({"named": "acme", "amount": "-5"}, "must be above 0"),
    ({"named": "", "amount": "5"}, "every other scope needs one"),
    ({"named": "acme", "amount": "5", "time_zone": "Mars/Base"}, "no time zone"),
    ({"named": "acme", "amount": "5", "alert_at_percent": "fifty"}, "whole percents")])
def test_what_cannot_be_is_refused_in_words(fields: dict[str, str], sentence: str,
                                            engine: Engine, open_page: OpenPage) -> None:
    app = fill(open_page(BUDGETS), **fields)
    assert sentence in app.error[0].value
    assert engine.budgets.book.all() == ()


def test_what_is_stopped_goes_on_by_a_click(engine: Engine, open_page: OpenPage) -> None:
    engine.budgets.stop("route", "crawler", "a loop")
    app = press(open_page(BUDGETS), "Let it go on")
    assert not app.exception
    assert engine.budgets.stops.all() == []


def test_a_month_is_made_shown_and_kept(filled: Engine, open_page: OpenPage,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = monthly.render
    monkeypatch.setattr(monthly, "render", lambda form, report: (
        b"pdf" if form == "pdf" else rendered(form, report)))
    app = open_page(REPORTS)
    assert not app.exception
    assert any("No report yet" in each.value for each in app.info)
    month = next(each for each in app.selectbox if each.label == "Month")
    month.set_value("2026-03")                             # the running month, so far
    app = press(app, "Make it now")
    assert not app.exception
    (kept,) = monthly_files.list_months(filled)
    assert (kept.month, kept.is_complete) == ("2026-03", False)
    assert frame_with(app, "whole")["whole"].tolist() == ["So far"]
    assert any("The month is not over" in each.value for each in app.warning)
    app = press(app, "Make the file")
    assert not app.exception
    assert any("have no price" in each.value for each in app.warning)
    assert kept.made_at_utc.date() == dt.date(2026, 3, 5)
