"""``brain forecast`` by machine: what goes in and what comes out."""

import io
import json
import math
from argparse import Namespace

import numpy as np
import pytest

from brain.cli.forecast import COMMANDS
from brain.cli.machine import answer_lines

FORMS = {command.verb: command.form for command in COMMANDS}
CYCLE = [round(50 + 15 * math.sin(2 * math.pi * step / 24), 6) for step in range(200)]
JUNE = {"start_utc": "2026-05-01T00:00:00Z", "step_s": 86_400,
        "window_start_utc": "2026-06-01T00:00:00Z", "window_end_utc": "2026-07-01T00:00:00Z",
        "now_utc": "2026-06-11T00:00:00Z", "values_usd": [10] * 41}


def ask(verb: str, *lines: dict) -> tuple[int, list[dict]]:
    form, out = FORMS[verb], io.BytesIO()
    text = "\n".join(map(json.dumps, lines)).encode()
    status = answer_lines(form, form.prepare(Namespace()), io.BytesIO(text), out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_series_by_step() -> None:
    status, (found,) = ask("", {"values": CYCLE, "step_s": 3_600, "horizon": 24,
                                "start_utc": "2026-03-01T00:00:00+01:00", "levels": [0.1, 0.9]})
    assert status == 0
    assert found["start_utc"] == "2026-03-09T07:00:00Z"  # 200 hours after 23:00 of the day before
    assert found["mean"] == pytest.approx(
        [50 + 15 * math.sin(2 * math.pi * step / 24) for step in range(200, 224)], abs=0.01)
    assert set(found["quantiles"]) == {"0.1", "0.9"}
    assert len(found["quantiles"]["0.9"]) == 24
    assert found["seasons"] == [24]
    assert found["backtest"]["origins"] >= 3
    assert {reason["code"] for reason in found["reasons"]} >= {"season_found"}


def test_series_by_times_in_any_order_with_gaps() -> None:
    times = [3_600 * step for step in range(200)]
    given = {"values": [*CYCLE[:150], None, *CYCLE[151:]], "times": times, "horizon": 3}
    shuffled = np.random.default_rng(1).permutation(200).tolist()
    turned = {"values": [given["values"][each] for each in shuffled],
              "times": [times[each] for each in shuffled], "horizon": 3, "step_s": 3_600}
    _, (found, other) = ask("", given, turned)
    assert found == other
    assert found["step_s"] == 3_600
    assert found["start_utc"] == "1970-01-09T08:00:00Z"
    assert "gaps_filled" in {reason["code"] for reason in found["reasons"]}


def test_no_forecast_is_an_answer_with_its_reason() -> None:
    status, (found,) = ask("", {"values": [1, 2, 3], "step_s": 60, "horizon": 2})
    assert status == 0
    assert (found["mean"], found["quantiles"], found["method"]) == (None, None, None)
    assert [reason["code"] for reason in found["reasons"]] == ["too_short"]


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"step_s": None}, "missing_field", "step_s"),
    ({"horizon": 0}, "invalid_value", "horizon"),
    ({"levels": [0.9, 0.1]}, "invalid_value", "levels"),
    ({"seasons": [24, 100]}, "invalid_value", "seasons"),
    ({"times": [1, 2]}, "unequal_lengths", "times"),
    ({"times": [1e300] * 200}, "out_of_range", "times[0]"),
    ({"start_utc": 1, "times": [1] * 200}, "given_twice", "start_utc"),
    ({"start_utc": "2026-01-01T00:00:00"}, "invalid_value", "start_utc"),
    ({"start_utc": "9999-12-31T00:00:00Z"}, "out_of_range", "start_utc"),
    ({"hours": 3}, "unknown_field", "hours"),
])
def test_says_what_is_wrong_with_a_series(change: dict, code: str, field: str) -> None:
    good = {"values": CYCLE, "step_s": 3_600, "horizon": 3}
    status, (bad, after) = ask("", {**good, **change}, good)
    assert status == 1
    assert (bad["error"]["code"], bad["error"]["field"]) == (code, field)
    assert len(after["mean"]) == 3


def test_many_series_are_learnt_from_at_once() -> None:
    rng = np.random.default_rng(3)
    series = [(size * (np.array(CYCLE * 2) + rng.normal(size=400))).tolist()
              for size in (1.0, 10.0, 100.0) for _ in range(6)]
    given = {"series": [*series, [1, 2, 3]], "horizon": 24, "step_s": 3_600, "rounds": 10,
             "seasons": [24]}
    status, (found, again) = ask("many", given, given)
    assert status == 0
    assert found == again
    assert (found["learned"], found["reasons"]) == (True, [])
    *good, short = found["forecasts"]
    for values, each in zip(series, good, strict=True):
        assert len(each["mean"]) == 24
        assert 0 < min(each["mean"]) < np.mean(values) < max(each["mean"])
    assert short["reasons"][0]["code"] == "too_short"


def test_few_series_are_forecast_alone_and_that_is_said() -> None:
    given = {"series": [CYCLE, CYCLE], "horizon": 3, "step_s": 3_600}
    status, (found,) = ask("many", given)
    assert status == 0
    assert (found["learned"], found["reasons"][0]["code"]) == (False, "too_few_series")
    assert [len(each["mean"]) for each in found["forecasts"]] == [3, 3]
    status, (bad,) = ask("many", {**given, "start_utc": [0]})
    assert (status, bad["error"]["field"]) == (1, "start_utc")


def test_spend_of_a_window() -> None:
    status, (found,) = ask("spend", {**JUNE, "budget_usd": "250"})
    assert status == 0
    # Ten days at 10 are spent, twenty to come; 150 of the budget are left for 15 of them.
    assert found["spent_usd"] == "100.000000"
    assert float(found["total_usd"]) == pytest.approx(300)
    assert found["run_rate_usd"] == "300.000000"
    assert (found["verdict"], found["runs_out_utc"]) == ("over", "2026-06-26T00:00:00Z")


def test_spend_with_everything_known() -> None:
    _, (found,) = ask("spend", {
        **JUNE, "spent_usd": 120, "cap_usd": 1_000,
        "changes": [{"at_utc": "2026-06-21T00:00:00Z", "factor": 2}],
        "planned": [{"start_utc": "2026-06-20T00:00:00Z", "end_utc": "2026-06-22T00:00:00Z",
                     "amount_usd": "5.5"}]})
    # 120 spent, ten days at 10, ten at 20, and 5.50 planned
    assert float(found["total_usd"]) == pytest.approx(120 + 100 + 200 + 5.5)


def test_spend_without_history_still_has_a_run_rate() -> None:
    _, (found,) = ask("spend", {**JUNE, "values_usd": [], "spent_usd": "100"})
    assert (found["total_usd"], found["run_rate_usd"]) == (None, "300.000000")
    assert found["reasons"][0]["code"] == "too_short"


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"window_end_utc": "2026-06-01T00:00:00Z"}, "wrong_order", "window_end_utc"),
    ({"spent_usd": "-1"}, "out_of_range", "spent_usd"),
    ({"budget_usd": "1e400"}, "out_of_range", "budget_usd"),
    ({"changes": [{"at_utc": 1, "factor": 0}]}, "invalid_value", "changes"),
    ({"interval_pct": 100}, "invalid_value", "interval_pct"),
    ({"planned": [{"start_utc": 2, "end_utc": 1, "amount_usd": 1}]}, "wrong_order",
     "planned[0].end_utc"),
])
def test_says_what_is_wrong_with_a_window(change: dict, code: str, field: str) -> None:
    status, (bad,) = ask("spend", {**JUNE, **change})
    assert status == 1
    assert (bad["error"]["code"], bad["error"]["field"]) == (code, field)


def test_load_of_a_control_loop() -> None:
    rng = np.random.default_rng(2)
    status, (found, short) = ask(
        "load", {"values": rng.poisson(100, 500).tolist(), "step_s": 15, "ahead_s": 60},
        {"values": [1, 2], "step_s": 15, "ahead_s": 60})
    assert status == 0
    assert len(found["mean"]) == len(found["upper"]) == 4
    assert found["is_persistence"] is False
    assert found["error_ratio"] < 1
    assert (short["mean"], short["reasons"][0]["code"]) == (None, "too_short")
    status, (bad,) = ask("load", {"values": [1] * 50, "step_s": 1, "ahead_s": 1e300})
    assert (status, bad["error"]["field"]) == (1, "ahead_s")
