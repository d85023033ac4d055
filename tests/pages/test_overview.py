"""Overview: score, findings, movement, and what to do when nothing is there."""

import datetime as dt

from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from tests.pages.conftest import NOW, OpenPage


def metrics(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def test_shows_score_with_what_each_part_cost(filled: Engine, open_page: OpenPage) -> None:
    app = open_page()
    # errors 2 of 48 = 4.17 %: (4.17 - 5) / (1 - 5) = 20.8 of 100, costs 20 * 0.792 = 15.8;
    # no minute is down, p95 100 ms, CPU 42, memory 50, disk 60: the rest is at its target
    assert metrics(app)["Health score"] == "84 of 100"
    assert any("Errors at 21 of 100 costs 15.8 points." in each.value for each in app.caption)


def test_unknown_resources_are_named_not_green(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(range="2026-03-04", compare="false")
    assert any("resources unknown" in each.value for each in app.caption)


def test_totals_and_changes_are_against_the_period_before(filled: Engine,
                                                         open_page: OpenPage) -> None:
    app = open_page()
    assert metrics(app)["Requests"] == "48"
    assert metrics(app)["Total cost"] == "0.0940 USD"  # 47 priced requests * 0.002 USD
    assert metrics(app)["Error share"] == "4.2 %"
    changes = {each.label: each.delta for each in app.metric}
    assert changes["Requests"] == "+100.0 %"  # 48 against 24
    assert changes["Total cost"] == "+95.8 %"  # 0.094 against 24 * 0.002 = 0.048


def test_without_comparison_no_change_is_claimed(filled: Engine, open_page: OpenPage) -> None:
    assert {each.delta for each in open_page(compare="false").metric} == {""}


def test_lists_findings_with_links(filled: Engine, open_page: OpenPage) -> None:
    told = [each.value for each in open_page().text]
    assert told == [
        "Error rate is 4.167 %, above the warning level of 1 %.",
        "1 request of 1 model without a price. The cost shown leaves them out."]


def test_lists_marks_of_the_range(filled: Engine, open_page: OpenPage) -> None:
    filled.annotate(NOW - dt.timedelta(hours=2), "deploy", "gateway *2.1*")
    assert any(each.value == r"**1** 5 Mar 10:00 gateway \*2\.1\*"
               for each in open_page().caption)


def test_welcomes_where_nothing_was_recorded(engine: Engine, open_page: OpenPage) -> None:
    app = open_page()
    assert "Nothing is recorded yet" in app.info[0].value
    assert any(each.label == "Write demonstration data" for each in app.button)
    assert not app.metric


def test_failure_of_one_part_leaves_the_rest(filled: Engine, open_page: OpenPage,
                                             monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no marks today")

    monkeypatch.setattr("pages.ui.attention.draw_marks", fail)
    app = open_page()
    assert [each.value.split(";")[0] for each in app.error] == ["This part could not be shown"]
    assert "no marks today" not in app.error[0].value
    assert metrics(app)["Requests"] == "48"
