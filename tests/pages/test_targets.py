"""Admin › Targets and Admin › Reports."""

import pytest
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from brain.reports import files
from tests.pages.conftest import OpenPage
from tests.pages.test_admin import frame_with, press

TARGETS, REPORTS = "admin/targets.py", "admin/reports.py"


def fill(app: AppTest, **levels: str) -> AppTest:
    for each in app.text_input:
        name = each.label.partition(",")[0]
        if name in levels:
            each.set_value(levels[name])
    return press(app, "Change")


def row(app: AppTest, metric: str = "cpu_pct") -> dict[str, str]:
    table = frame_with(app, "critical")
    return dict(table[table["metric"] == metric].iloc[0])


def test_every_metric_is_listed_as_delivered(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(TARGETS)
    assert not app.exception
    assert len(frame_with(app, "critical")) == 19  # rows of the one table of targets
    assert (row(app)["target"], row(app)["warning"], row(app)["critical"]) == ("70", "70", "85")
    assert row(app, "throughput_per_s")["critical"] == "none"
    assert row(app, "pods_running")["target"] == "3-10"


def test_a_change_holds_and_is_taken_back_by_one_click(
        engine: Engine, open_page: OpenPage) -> None:
    app = fill(open_page(TARGETS), Warning="60", Critical="80")
    assert (row(app)["warning"], row(app)["critical"]) == ("60", "80")
    assert "warns above 70, critical above 85" in row(app)["default"]
    assert engine.targets()["cpu_pct"].critical == 80
    assert list(frame_with(app, "action")["after"]) == ["target 70, warning 60, critical 80"]
    app = press(app, "Undo the last change")
    assert row(app)["critical"] == "85"
    app = press(app, "Undo the last change")
    assert row(app)["critical"] == "80"
    app = press(app, "Back to delivered")
    assert row(app)["default"] == "as now"
    assert len(frame_with(app, "action")) == 4


@pytest.mark.parametrize(("levels", "sentence"), [
    ({"Warning": "90"}, "must be on the good side of critical"),
    ({"Target": ""}, "must be a number"), ({"Critical": "much"}, "must be a number"),
    ({"Target": "101"}, "must be at most 100")])
def test_what_cannot_hold_is_refused_in_words(
        levels: dict[str, str], sentence: str, engine: Engine, open_page: OpenPage) -> None:
    app = fill(open_page(TARGETS), **levels)
    assert sentence in app.error[0].value
    assert engine.target_table.history() == []


def test_an_empty_level_means_none(engine: Engine, open_page: OpenPage) -> None:
    fill(open_page(TARGETS), Warning="", Critical="none")
    assert engine.targets()["cpu_pct"].warning is None
    assert engine.targets()["cpu_pct"].critical is None


def test_health_is_judged_by_the_changed_table(filled: Engine, open_page: OpenPage) -> None:
    filled.set_target("cpu_pct", {"target": 10, "warning": 20, "critical": 30})  # it is at 42
    app = open_page("operations/health.py")
    assert not app.exception
    assert any("Critical" in each.value for each in app.markdown)


def test_a_report_is_made_shown_and_kept(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(REPORTS)
    assert any("No report yet" in each.value for each in app.info)
    app = press(app, "Latency report now")
    assert not app.exception
    total = frame_with(app, "p95_ms")
    assert total["name"].tolist() == ["all"]
    assert total["requests"].tolist() == [48]  # the requests of the last 24 hours
    app = press(app, "Check now")
    assert not app.exception
    assert list(frame_with(app, "kind")["kind"]) in (
        [["Daily check", "Latency report"], ["Latency report", "Daily check"]])
    assert len(files.list_reports(filled)) == 2
