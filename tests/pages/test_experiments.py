"""The Experiments pages: board, one experiment, design, bandits."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from brain.decisions.experiment import Experiment
from brain.decisions.reasons import Reason
from brain.engine import Engine
from brain.events import Exposure, Outcome
from pages.ui import experiment_charts
from tests.pages.conftest import NOW, OpenPage
from tests.pages.test_admin import frame_with, press, told

BOARD, ONE = "experiments/board.py", "experiments/experiment.py"
DESIGN, BANDITS = "experiments/design.py", "experiments/bandits.py"
START = NOW - dt.timedelta(days=4)
UNITS = 2_000


def define(engine: Engine, key: str = "search", **further: Any) -> Experiment:
    return engine.experiments.create({
        "key": key, "name": "Compact search", "hypothesis": "Fewer clicks, more answers.",
        "variants": [{"key": "control", "name": "Current UI"}, {"key": "b", "name": "Compact UI"}],
        "primary": {"key": "solved", "kind": "proportion", "smallest_effect": 0.05},
        "planned_units": 2_000, **further})


def run(engine: Engine, key: str, shares: tuple[float, ...] = (0.4, 0.5),
        sizes: tuple[int, ...] = (1_000, 1_000), **further: Any) -> None:
    """An experiment that began four days ago; each variant's first units did it.

    As many units a day see it, and each that does it is counted a minute later.
    """
    define(engine, key, **further)
    engine.experiments.start(key, reason="go")
    engine.experiments.records.replace(
        key, lambda given: replace(given, started_at_utc=START), "dated back", "test")
    exposures, outcomes = [], []
    for variant, share, size in zip(("control", "b", "c"), shares, sizes, strict=False):
        for number in range(size):
            unit = f"{key}-{variant}-{number}"
            at = START + dt.timedelta(minutes=1) + (number * 7 % size) * (NOW - START) / size * 0.99
            who: dict[str, Any] = {"workspace_id": "acme", "user_id": unit, "unit_id": unit,
                                   "source": "api"}
            exposures.append(Exposure(event_id=f"seen-{unit}", at_utc=at, experiment_key=key,
                                      variant=variant, **who))
            outcomes.append(Outcome(event_id=f"did-{unit}", at_utc=at + dt.timedelta(seconds=5),
                                    metric="solved", value=float(number < share * size), **who))
    engine.record("exposures", exposures)
    engine.record("outcomes", outcomes)
    engine.settle()


def texts(app: AppTest) -> str:
    """Everything said on the page outside tables."""
    assert not app.exception
    parts = (app.markdown, app.info, app.success, app.error, app.warning, app.caption)
    return "\n".join(each.value for part in parts for each in part)


def cards(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def test_empty_pages_say_what_to_do(engine: Engine, open_page: OpenPage) -> None:
    board = open_page(BOARD)
    assert "load the two samples" in texts(board)
    assert {each.label for each in board.button} >= {"New experiment", "Load samples",
                                                     "Write demonstration data"}
    assert "No experiments yet" in texts(open_page(ONE))
    assert "No bandit yet" in texts(open_page(BANDITS))


def test_samples_become_drafts_once(engine: Engine, open_page: OpenPage) -> None:
    app = press(open_page(BOARD), "Load samples")
    rows = frame_with(app, "verdict")
    assert list(rows["key"]) == ["response-format", "search-ui-v2"]
    assert set(rows["verdict"]) == {"Not begun"}
    press(app, "Load samples")
    assert len(engine.experiments.list()) == 2
    assert len(engine.experiments.history("search-ui-v2")) == 1


def test_board_shows_how_each_stands(engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search")
    define(engine, "later")
    app = open_page(BOARD)
    rows = frame_with(app, "verdict").set_index("key")
    row = rows.loc["search"]
    assert (row["state"], row["lead"], row["verdict"]) == ("running", "Compact UI", "Better")
    assert row["effect"] == pytest.approx(25.0)  # (0.5 - 0.4) / 0.4
    assert row["units"] == UNITS
    assert row["days"] == 4.0
    assert row["interval"].startswith("+")
    assert rows.loc["later", "verdict"] == "Not begun"
    assert cards(app)["Running"] == "1"
    assert cards(app)["Win rate"] == "100.0 %"


def test_a_chosen_row_opens_its_experiment(engine: Engine, open_page: OpenPage) -> None:
    define(engine, "one")
    define(engine, "two")
    app = open_page(BOARD)
    app.session_state["board_2"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.run()
    assert app.title[0].value == "Experiment"
    assert app.selectbox(key="experiment").value == "two"


def test_board_filters_leave_what_fits(engine: Engine, open_page: OpenPage) -> None:
    define(engine, "one")
    define(engine, "two", owner="Ada")
    app = open_page(BOARD)
    app.text_input(key="find_experiment").set_value("ada").run()
    assert list(frame_with(app, "verdict")["key"]) == ["two"]
    app.multiselect(key="experiment_state").set_value(["running"]).run()
    assert "No experiment fits" in texts(app)


def test_a_winner_is_told_in_one_sentence_with_three_readings(
        engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search")
    app = open_page(ONE)
    assert app.success[0].value.startswith(
        "**Compact UI is better:** +25.0 % in Solved against Current UI (sequential interval +")
    (row,) = frame_with(app, "sequential").to_dict("records")
    assert (row["variant"], row["verdict"]) == ("Compact UI", "Better")
    assert (row["control_mean"], row["mean"]) == (0.4, 0.5)
    # By the delta method se = sqrt(.25/1000 + 1.25^2 * .24/1000) / .4 = 0.0625. Welch: ± 1.9612 se
    # = 12.26 %; the normal posterior: ± 1.96 se = 12.25 %.
    assert row["fixed"] == "+12.7 % to +37.3 %"
    assert row["bayesian"] == "+12.8 % to +37.2 %"
    # 1.549 times 1.96 standard errors at the planned number of units: ± 19.0 %
    assert row["sequential"] == "+6.0 % to +44.0 %"
    assert {each.label for each in app.button} >= {"Pause", "Ramp", "Stop", "Decide"}
    assert {each.label for each in app.download_button} >= {"Report (HTML)", "Results (CSV)"}


def test_a_failed_health_check_takes_the_verdict_away(
        engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search", sizes=(800, 1_200))
    app = open_page(ONE)
    assert "**Sample ratio failed.**" in app.error[0].value
    assert app.error[1].value.startswith("**No verdict.** A health check failed (Sample ratio)")
    assert set(frame_with(app, "sequential")["verdict"]) == {"Not valid"}
    assert not app.success
    board = open_page(BOARD)
    assert cards(board)["Health checks failed"] == "1"
    assert list(frame_with(board, "verdict")["health"]) == ["Critical"]


def test_an_open_question_says_how_long_it_will_take(
        engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search", shares=(0.40, 0.42))
    app = open_page(ONE)
    assert "**Cannot tell yet:** Compact UI has +5.0 %" in app.info[0].value
    assert "more days, if units come as so far" in app.info[0].value


def test_a_draft_has_no_result_and_can_be_begun(engine: Engine, open_page: OpenPage) -> None:
    define(engine)
    app = open_page(ONE)
    assert "**Not begun.**" in app.info[0].value
    labels = {each.label for each in app.button}
    assert labels >= {"Start", "Change the draft", "Remove"}
    assert not labels & {"Pause", "Stop", "Ramp", "Decide"}


def test_the_last_change_is_taken_back(engine: Engine, open_page: OpenPage) -> None:
    define(engine)
    engine.experiments.start("search", reason="go")
    app = open_page(ONE)
    assert list(frame_with(app, "reason")["reason"]) == ["go", ""]
    app = press(app, "Undo the last change")
    assert engine.experiments.get("search").state == "draft"
    assert list(frame_with(app, "action")["action"]) == ["change undone", "started", "created"]


def test_what_an_action_does_is_said_before(engine: Engine, open_page: OpenPage) -> None:
    define(engine)
    app = press(open_page(ONE), "Start")
    said = told(app)
    for part in ("What will happen", "100.0 % of users take part: Current UI 50.0 %, Compact UI "
                 "50.0 %", "Expected effect", "What it costs", "Undo"):
        assert part in said
    assert engine.experiments.get("search").state == "draft"


def test_the_effect_of_another_metric_can_be_looked_at(
        engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search", guardrails=[{"key": "llm_cost_usd", "kind": "llm_cost",
                                       "better": "lower", "name": "LLM cost"}])
    app = open_page(ONE)
    assert "Effect in Solved over time" in [each.value for each in app.subheader]
    app.selectbox(key="metric_of_search").set_value("llm_cost_usd").run()
    assert "Effect in LLM cost over time" in [each.value for each in app.subheader]
    assert app.success[0].value.startswith("**Compact UI is better:**")  # the primary's verdict


def test_segments_are_marked_as_exploration(engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search")
    app = open_page(ONE)
    assert "Segments (exploration)" in [each.value for each in app.subheader]
    rows = frame_with(app, "segment")
    assert rows["units"].sum() == UNITS


def test_demo_and_imported_say_so(engine: Engine, open_page: OpenPage, tmp_path: Path) -> None:
    looks = [("e1", 1, metric, at, n, n, 0.40, treated, 0.24, 0.24)
             for metric, treated in ((1, 0.40), (2, 0.46))
             for at, n in ((1.0, 100.0), (2.0, 5_000.0))]
    pd.DataFrame(looks, columns=[
        "experiment_id", "variant_id", "metric_id", "time_since_start", "count_c", "count_t",
        "mean_c", "mean_t", "variance_c", "variance_t"]).to_parquet(tmp_path / "looks.parquet")
    engine.experiments.import_series(tmp_path / "looks.parquet")
    define(engine, "shown")
    engine.experiments.records.replace("shown", lambda given: replace(given, is_demo=True),
                                       "marked", "test")
    app = open_page(BOARD)
    rows = frame_with(app, "verdict").set_index("key")
    assert dict(rows["origin"]) == {"asos-e1": "Imported", "shown": "Demo"}
    # Two series; 0.06 apart with a standard error of sqrt(2 * .24 / 5000) = 0.0098 is called.
    assert {name: cards(app)[name] for name in (
        "Series", "Naive peeking calls", "Sequential calls", "Last look calls")} == {
            "Series": "2", "Naive peeking calls": "1", "Sequential calls": "1",
            "Last look calls": "1"}
    one = open_page(ONE)
    assert any("Demo" in each.value for each in one.markdown)
    one.selectbox(key="experiment").set_value("asos-e1").run()
    labels = {each.label for each in one.button}
    assert "Decide" in labels and not labels & {"Pause", "Stop", "Start"}


def test_design_plans_from_the_platforms_own_past(engine: Engine, open_page: OpenPage) -> None:
    run(engine, "search")
    define(engine, "next")
    app = open_page(DESIGN)
    metric = app.selectbox(key="plan_metric")
    assert metric.value == "solved, share of units above 0"
    # 900 of 2,000 less those of today, which is no whole day yet
    assert "Baseline: 0.4" in texts(app)
    assert cards(app)["Units per variant"] != "unknown"
    assert "next" in list(frame_with(app, "namespace")["key"])


def test_design_by_hand_gives_the_textbook_sample_size(
        engine: Engine, open_page: OpenPage) -> None:
    app = open_page(DESIGN)
    app.selectbox(key="plan_method").set_value("fixed").run()
    app.selectbox(key="plan_kind").set_value("mean").run()
    app.number_input(key="plan_base").set_value(100.0).run()
    app.number_input(key="plan_spread").set_value(20.0).run()
    app.number_input(key="plan_effect").set_value(5.0).run()
    app.number_input(key="plan_per_day").set_value(100.0).run()
    # (1.96 + 0.8416)^2 * (20^2 + 1.05^2 * 20^2) / 5^2 = 264.0, and one more by the t-test
    assert cards(app)["Units per variant"] in {"264", "265", "266"}
    total = int(cards(app)["Units in all"])
    assert cards(app)["Duration"] == f"{total / 100:,.1f} days"
    assert list(frame_with(app, "effect_pct")["weeks"]) == [1, 2, 3, 4]


def test_without_traffic_the_duration_is_unknown(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(DESIGN)
    assert cards(app)["Duration"] == "unknown"
    assert "no units come" in texts(app)


def test_an_impossible_plan_says_why(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(DESIGN)
    app.number_input(key="plan_base_pct").set_value(90.0).run()
    app.number_input(key="plan_effect").set_value(50.0).run()
    assert "takes the proportion out of 0 and 1" in texts(app)


def test_a_plan_is_kept_in_a_draft(engine: Engine, open_page: OpenPage) -> None:
    define(engine)
    app = open_page(DESIGN)
    app.number_input(key="plan_effect").set_value(8.0).run()
    app.number_input(key="plan_traffic").set_value(50.0).run()
    per_variant = int(cards(app)["Units per variant"].replace(",", ""))
    press(app, "Keep this plan in the draft")
    kept = engine.experiments.get("search")
    assert kept.planned_units == 2 * per_variant
    assert (kept.primary.smallest_effect, kept.traffic_ratio) == (0.08, 0.5)


def test_a_bandit_shows_shares_arms_and_differences(engine: Engine, open_page: OpenPage) -> None:
    run(engine, "tone", kind="bandit")
    engine.experiments.reallocate("tone", {"control": 0.2, "b": 0.8},
                                  (Reason("thompson", "Shares are the chances to be best."),))
    app = open_page(BANDITS)
    assert {name: cards(app)[name] for name in ("Current UI", "Compact UI")} == {
        "Current UI": "20.0 %", "Compact UI": "80.0 %"}
    history = frame_with(app, "reasons")
    assert list(history["share_1"]) == [80.0, 50.0]
    arms = frame_with(app, "chance").set_index("name")
    assert arms.loc["Compact UI", "estimate"] == 0.5
    # 0.5 ± 1.96 * sqrt(0.25 / 1000)
    assert arms.loc["Compact UI", "lower"] == pytest.approx(0.469, abs=1e-4)
    assert "too low" in texts(app)


def test_a_canary_shows_its_ramp(engine: Engine, open_page: OpenPage) -> None:
    define(engine, kind="canary")
    engine.experiments.start("search", reason="go")
    app = open_page(ONE)
    assert "Ramp" in [each.value for each in app.subheader]
    assert list(frame_with(app, "reasons")["traffic"]) == [0.01]


def test_a_band_names_both_ends_and_never_hides_the_estimate() -> None:
    at = pd.date_range("2026-03-01", periods=4, freq="D", tz="UTC")
    series = pd.DataFrame({"at_utc": at, "variant": "b", "estimate": [-0.5, 0.1, 0.1, 0.1],
                           "lower": [-9.0, -0.2, -0.1, 0.0], "upper": [9.0, 0.4, 0.3, 0.2]})
    figure = experiment_charts.effect_band(series, {"b": "Compact"}, "%", "UTC", 100.0, 5.0)
    low, high = figure.layout.yaxis.range
    assert low <= -50 and high >= 30  # the estimates, and the ends of the later half
    assert low > -900  # the first look's wide interval runs out of the chart
    assert [trace.name for trace in figure.data] == [None, "Compact, 95 % interval", "Compact"]
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [-5.0, 0, 5.0]


def test_a_name_that_is_not_there_is_told(engine: Engine, open_page: OpenPage) -> None:
    define(engine)
    app = open_page(ONE, experiment="<b>gone")
    assert "There is no experiment “·b·gone”" in app.warning[0].value
    assert app.selectbox(key="experiment").value == "search"


def test_the_form_asks_for_level_reading_span_worth_and_policy(engine: Engine) -> None:
    def form() -> None:
        import streamlit

        from pages.ui import experiment_rules_form
        with streamlit.form("rules"):
            streamlit.session_state["asked"] = experiment_rules_form.ask(None)
            streamlit.form_submit_button("Keep")
    app = AppTest.from_function(form).run()
    asked = app.session_state["asked"]
    plain = define(engine, "plain", **asked)  # untouched, it gives a definition's own defaults
    assert replace(plain, key="", created_at_utc=None) == replace(
        define(engine, "bare"), key="", created_at_utc=None)
    typed = {"False alarms (%)": 1.0, "Worth (USD per unit of the primary metric)": 2.5,
             "Least share of an arm (%)": 10.0}
    for field in app.number_input:
        field.set_value(typed.get(field.label, field.value))
    chosen = {"Leading reading": "fixed", "Policy": "ucb"}
    for field in app.selectbox:
        field.set_value(chosen.get(field.label, field.value))
    press(app, "Keep")
    kept = define(engine, "typed", kind="bandit", **app.session_state["asked"])
    assert (kept.alpha, kept.method, kept.usd_per_value) == (0.01, "fixed", 2.5)
    assert (kept.bandit.name, kept.bandit.floor_ratio) == ("ucb", 0.1)
