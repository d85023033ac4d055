"""``brain anomalies detect``: one answer for each point, whatever the line is written in."""

import io
import json
from argparse import Namespace

import numpy as np
import pytest

from brain.cli.anomalies import COMMANDS
from brain.cli.machine import answer_lines

FORM = COMMANDS[0].form


def answer(text: str, **options: str) -> tuple[int, list[dict]]:
    out = io.BytesIO()
    status = answer_lines(FORM, FORM.prepare(Namespace(**options)), io.BytesIO(text.encode()), out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def rows(count: int = 600, spike: int = 500) -> list[tuple[str, float]]:
    values = np.random.default_rng(1).normal(10, 1, count)
    values[spike] = 80.0
    return [(f"2026-01-{1 + n // 288:02}T{n % 288 // 12:02}:{n % 12 * 5:02}:00", float(value))
            for n, value in enumerate(values)]


def test_a_file_as_the_benchmark_writes_it() -> None:
    status, points = answer("timestamp,value\n" + "\n".join(
        f"{time.replace('T', ' ')},{value}" for time, value in rows()))
    assert (status, len(points)) == (0, 600)
    assert [n for n, point in enumerate(points) if point["is_anomaly"]] == [500]
    found = points[500]
    assert found["score"] >= 0.5
    assert found["low"] < found["expected"] < found["high"] < 80
    assert found["time"] == "2026-01-02 17:40:00"
    assert [reason["code"] for reason in points[0]["reasons"]] == ["learning"]
    assert [reason["code"] for reason in points[499]["reasons"]] == ["usual"]
    assert found["reasons"][0]["text"]


def test_several_series_in_one_call_are_scored_each_by_itself() -> None:
    lines = [json.dumps({"series": series, "time": time, "value": value})
             for time, value in rows() for series in ("a", "b")]
    _, points = answer("\n".join(lines))
    alone = answer("\n".join(f"{time},{value}" for time, value in rows()))[1]
    for series in ("a", "b"):
        of_series = [{**point, "series": ""} for point in points if point["series"] == series]
        assert of_series == alone


@pytest.mark.parametrize(("line", "code", "field"), [
    ("what,1", "invalid_time", "time"), ("2026-02-01,what", "invalid_value", "value"),
    ("2026-02-01", "invalid_row", ""), ("1,2,3", "invalid_row", ""),
    ("2025-02-01,1", "out_of_order", "time"), ("1e300,1", "out_of_range", "time"),
    ("nan,1", "out_of_range", "time"), ("1e11,inf", "not_finite", "value"),
    ("", "empty_line", ""), ('{"value": 1}', "missing_field", "time"),
    ('{"time": 1, "valeu": 1}', "unknown_field", "valeu"),
])
def test_a_bad_row_is_named_and_does_not_stop_the_rest(line: str, code: str, field: str) -> None:
    status, points = answer(f"2026-01-01,1\n{line}\n2026-03-01,2")
    assert status == 1
    assert (points[1]["error"]["code"], points[1]["error"]["field"]) == (code, field)
    assert [points[0]["state"], points[2]["state"]] == ["learning", "learning"]


@pytest.mark.parametrize("word", ["", "null", "NaN", "None"])
def test_a_missing_value_is_no_fault(word: str) -> None:
    status, points = answer(f"2026-01-01,1\n2026-01-02,{word}")
    assert status == 0
    assert (points[1]["state"], points[1]["reasons"][0]["code"]) == ("missing", "missing")


def test_times_in_seconds_and_with_a_zone_are_the_same_moments() -> None:
    _, (first, second) = answer("1767225600,1\n2026-01-01T01:05:00+01:00,2")  # 00:00, 00:05 UTC
    assert [first["state"], second["state"]] == ["learning", "learning"]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        answer("", zone="Moon/Base")
