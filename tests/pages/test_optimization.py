"""Operations › Optimization: the plan and why, a run by hand, its progress, the way back."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from brain.acting import Access
from brain.engine import Engine
from brain.optimization.records import Run
from brain.settings import load
from tests.optimization.conftest import write_traffic
from tests.pages.conftest import NOW, OpenPage
from tests.pages.test_admin import frame_with, press
from tests.pages.test_scaling import labels, words

OPTIMIZATION = "operations/optimization.py"


def squeezed(engine: Engine) -> None:
    write_traffic(engine, NOW - timedelta(seconds=300), 300, latency_ms=4000)


def tick(app: AppTest, label: str) -> None:
    next(each for each in app.checkbox if each.label.startswith(label)).check().run()


def test_an_empty_console_says_that_nothing_is_known(engine: Engine, open_page: OpenPage) -> None:
    told = words(open_page(OPTIMIZATION))
    assert "Nothing to do: no metric is known well enough." in told
    assert "No run in this range" in told


def test_a_run_by_hand_shows_its_progress_and_is_stopped(engine: Engine,
                                                         open_page: OpenPage) -> None:
    squeezed(engine)
    before = engine.gateway.knobs.read().worker_slots
    app = open_page(OPTIMIZATION)
    told = words(app)
    assert "Emergency scale-up: scale_up." in told
    assert "Use of worker slots is 100 %, above 90 %" in told
    changes = frame_with(app, "action")
    assert list(changes["after"]) == [f"{2 * before:,}"]
    assert next(each for each in app.button if each.label == "Optimize now").disabled
    tick(app, "I have read")
    press(app, "Optimize now")
    assert engine.gateway.knobs.read().worker_slots == 2 * before
    app.run()
    told = words(app)
    assert "Emergency scale-up" in told and "Next step in 30 s" in told
    assert "Stop and take it back" in labels(app)
    press(app, "Stop and take it back")
    assert engine.gateway.knobs.read().worker_slots == before
    app.run()
    assert frame_with(app, "how").iloc[0]["how"] == "cannot be told, rolled back"


def test_settings_are_checked_saved_and_undone(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(OPTIMIZATION)
    next(each for each in app.text_input if each.label == "Interval (min)").set_value("0")
    press(app, "Save")
    assert "interval_min must be from 1 to 1440, got 0" in words(app)
    assert engine.optimization.configuration().interval_min == 5
    next(each for each in app.text_input if each.label == "Interval (min)").set_value("10")
    press(app, "Save")
    assert engine.optimization.configuration().interval_min == 10
    press(app, "Undo the last change")
    assert engine.optimization.configuration().interval_min == 5


def test_runs_of_the_demonstration_stand_by_themselves(engine: Engine,
                                                       open_page: OpenPage) -> None:
    def past(number: str, gain: float, *, is_demo: bool) -> Run:
        at = NOW - timedelta(hours=1)
        return Run(number, at, "person", "ada", "response_time", "engine", "finished", at,
                   "improved", False, at, is_demo, {
                       "title": number, "goal": "api_latency_p95_ms", "judgement": {
                           "goal": "api_latency_p95_ms", "changes": [{
                               "metric": "api_latency_p95_ms", "before": 1.0, "after": 1 - gain,
                               "gain": gain, "low": gain, "high": gain}], "reasons": []}})
    engine.optimization.book.add_finished(past("of the demo", 0.9, is_demo=True))
    told = words(open_page(OPTIMIZATION))
    assert "They count for nothing above." in told
    engine.optimization.book.add_finished(past("of ours", 0.2, is_demo=False))
    app = open_page(OPTIMIZATION)
    assert list(frame_with(app, "how")["title"]) == ["of ours"]
    ours, demo = (each.value for each in app.dataframe if "trigger" in each.value.columns)
    response = ours[ours["strategy"] == "Response time"].iloc[0]
    assert response["runs"] == 1 and response["expected"] == pytest.approx(35)  # (3×40 + 20) / 4
    assert list(demo["expected"]) == [pytest.approx(52.5)]  # (3×40 + 90) / 4
    app.segmented_control[0].set_value("Demo").run()
    assert list(frame_with(app, "how")["title"]) == ["of the demo"]


def test_a_viewer_sees_and_can_do_nothing(engine: Engine, open_page: OpenPage) -> None:
    engine.access = Access(load({}, access_local_role="viewer"), engine.state, engine.clock,
                           lambda: "eve")
    squeezed(engine)
    app = open_page(OPTIMIZATION)
    told = words(app)
    assert "Emergency scale-up: scale_up." in told
    assert "Not for you: this takes the role operator; eve has the role viewer." in told
    assert "To look at only: this takes the role admin" in told
    acting = {each.label: each.disabled for each in app.button}
    assert acting["Optimize now"] and acting["Save"] and acting["Undo the last change"]
    assert not acting["Dry run"]
