"""``brain costs budget`` by machine: history, budget and now in, status out."""

import io
import json
from argparse import Namespace

import pytest

from brain.cli.costs import COMMANDS
from brain.cli.machine import answer_lines

FORM = next(command.form for command in COMMANDS if command.verb == "budget")
JUNE = {"budget": {"amount_usd": 250, "scope": "workspace", "name": "acme"},
        "start_utc": "2026-05-01T00:00:00Z", "now_utc": "2026-06-11T00:00:00Z",
        "values_usd": [10] * 41}


def ask(*lines: dict) -> tuple[int, list[dict]]:
    out = io.BytesIO()
    text = "\n".join(map(json.dumps, lines)).encode()
    status = answer_lines(FORM, FORM.prepare(Namespace()), io.BytesIO(text), out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_status_of_a_month():
    status, (found,) = ask(JUNE)
    assert status == 0
    assert found["window_end_utc"] == "2026-07-01T00:00:00Z"
    assert float(found["spent_usd"]) == 100        # 10 days at 10
    assert float(found["remaining_usd"]) == 150
    assert float(found["run_rate_usd"]) == 300     # 100 / 10 × 30
    assert float(found["projected_usd"]) == 300
    assert (found["verdict"], found["on_track"]) == ("over", False)
    assert found["runs_out_utc"] == "2026-06-26T00:00:00Z"  # 15 days at 10
    assert [each["code"] for each in found["alerts"]] == ["projected_to_exceed"]


def test_memory_of_one_line_keeps_the_next_quiet():
    _, (first,) = ask({**JUNE, "spent_usd": 205})
    assert [each["crossing"] for each in first["alerts"]] == ["80", "projected"]
    _, (second,) = ask({**JUNE, "spent_usd": 210, "memory": first["memory"]})
    assert second["alerts"] == []


def test_exact_amounts_stay_exact():
    _, (found,) = ask({**JUNE, "values_usd": ["0.1"] * 41, "reserved_usd": "0.000000001"})
    assert found["spent_usd"] == "1.000000000"
    assert found["remaining_usd"] == "248.999999999"


@pytest.mark.parametrize(("change", "field"), [
    ({"budget": {"amount_usd": 0}}, "budget.amount_usd"),
    ({"budget": {"amount_usd": 1, "time_zone": "Mars"}}, "budget.time_zone"),
    ({"budget": {"amount_usd": 1, "nope": 1}}, "budget.nope"),
    ({"now_utc": 1e300}, "now_utc"), ({"now_utc": 0}, "now_utc"),
    ({"values_usd": [1, -1]}, "values_usd[1]"), ({"values_usd": ["NaN"]}, "values_usd[0]"),
    ({"spent_usd": "-1"}, "spent_usd"), ({"step_s": 0}, "step_s"),
    ({"step_s": 31_622_400, "values_usd": [1] * 5_000}, "values_usd"),
    ({"memory": {"window_start_utc": 0, "amount_usd": 1, "told": ["x"]}}, "memory.told"),
])
def test_says_which_field_cannot_be_used(change, field):
    status, (bad, good) = ask({**JUNE, **change}, JUNE)
    assert status == 1
    assert bad["error"]["field"] == field
    assert good["verdict"] == "over"
