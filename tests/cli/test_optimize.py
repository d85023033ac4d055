"""The machine form of plans: every line answered, schema kept, faults named."""

import io
import json
from argparse import Namespace

import jsonschema
import pytest

from brain.cli import optimize
from brain.cli.machine import answer_lines

FORM = next(command.form for command in optimize.COMMANDS if command.verb == "plan")
OUTPUT = jsonschema.Draft202012Validator(FORM.schema()["output"])


def run(*records):
    out = io.BytesIO()
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in records)
    status = answer_lines(FORM, FORM.prepare(Namespace()), io.BytesIO(text.encode()), out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    for each in answers:
        OUTPUT.validate(each)
    return status, answers


def test_plans_with_the_way_back_and_reasons():
    status, (found, quiet) = run(
        {"metrics": {"cpu_pct": 95, "memory_pct": {"value": 60}, "spend_usd_per_h": 8},
         "platform": {"replicas": 4}},
        {"metrics": {"cpu_pct": 50, "memory_pct": None}})
    assert status == 0
    assert found["strategy"] == "emergency_scale_up"
    assert found["triggered"] == ["emergency_scale_up", "proactive_rebalancing"]
    assert found["actions"][0]["after"] == {"replicas": 8}
    assert found["rollback"][0] == {**found["rollback"][0], "kind": "scale_down",
                                    "after": {"replicas": 4}}
    assert found["expected"]["cost_usd_per_h"] == pytest.approx(8)  # 4 more at 8/4 USD
    assert quiet["strategy"] is None and quiet["reasons"][0]["code"] == "nothing_to_do"


@pytest.mark.parametrize(("line", "code", "field"), [
    ('{"metrics": {"cpu_pct": NaN}}', "invalid_json", ""),
    ({"metrics": {"cpu_pct": 101}}, "out_of_range", "metrics.cpu_pct"),
    ({"metrics": {"speed": 1}}, "unknown_metric", "metrics.speed"),
    ({"metrics": {}, "configuration": {"interval_min": 1441}}, "out_of_range",
     "configuration.interval_min"),
    ({"metrics": {}, "configuration": {"rollback_threshold": 1.1}}, "out_of_range",
     "configuration.rollback_threshold"),
    ({"metrics": {}, "configuration": {"rollback_attempts": 11}}, "out_of_range",
     "configuration.rollback_attempts"),
    ({"metrics": {}, "configuration": {"proactive_cpu_pct": 90}}, "wrong_order",
     "configuration.proactive_cpu_pct"),
    ({"metrics": {}, "targets": [{"metric": "cpu_pct", "target": 90}]}, "wrong_order",
     "targets[0].target"),
    ({"metrics": {}, "history": [{"strategy": "x"}]}, "missing_field", "history[0].age_s"),
    ({"metrics": {}, "only": "x"}, "unknown_strategy", "only"),
    ({}, "missing_field", "metrics"),
])
def test_names_what_cannot_be_used_and_goes_on(line, code, field):
    status, (fault, sound) = run(line, {"metrics": {}})
    assert status == 1
    assert (fault["error"]["code"], fault["error"]["field"]) == (code, field)
    assert sound["strategy"] is None
