"""The command that chooses a model: the documented sides, defaults, and faults by field."""

import io
import json
from argparse import Namespace

import jsonschema
import pytest

from brain.cli import models
from brain.cli.machine import answer_lines

FORM = models.COMMANDS[0].form
OUTPUT = jsonschema.Draft202012Validator(FORM.schema()["output"])
TWO = [{"model": "small", "input_usd_per_mtok": 1, "output_usd_per_mtok": "2", "quality": 70,
        "latency_ms": 500, "regions": ["eu"]},
       {"model": "large", "input_usd_per_mtok": 10, "output_usd_per_mtok": 20, "quality": 90,
        "latency_ms": 2_000, "capabilities": ["tools"]}]


def run(*records):
    out = io.BytesIO()
    status = answer_lines(FORM, FORM.prepare(Namespace()), io.BytesIO("\n".join(
        json.dumps(each) for each in records).encode()), out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    for each in answers:
        OUTPUT.validate(each)
    return status, answers


def test_a_prompt_alone_is_enough():
    status, (found,) = run({"prompt": "What is the capital of France?"})
    assert (status, found["model"], found["fallbacks"]) == (
        0, "gpt-3.5-turbo", ["gpt-3.5-turbo-16k", "gpt-4-turbo-preview"])
    # 30 characters are 8 tokens: 8 × $0.5/10^6 + 16 × $1.5/10^6
    assert found["expected_cost_usd"] == 28e-6
    assert (found["expected_latency_ms"], found["expected_quality"]) == (1_200, 80)
    assert "sample_model" in [each["code"] for each in found["reasons"]]
    low, high = found["chosen"]["cost_interval_usd"]
    assert low < found["expected_cost_usd"] < high


def test_features_criteria_and_catalogue():
    status, (quality, region, none, half) = run(
        {"features": {"input_tokens": 100, "output_tokens": 50}, "catalogue": TWO,
         "criteria": {"priority": "quality"}},
        {"prompt": "hi", "catalogue": TWO, "criteria": {"priority": "quality", "regions": ["eu"]}},
        {"prompt": "hi", "catalogue": TWO, "criteria": {"regions": ["eu"], "needs": ["tools"]}},
        {"features": {"characters": 400, "words": 101}, "catalogue": TWO})
    assert status == 0
    # 100 × $10/10^6 + 50 × $20/10^6 = $0.002; the small one costs a tenth
    assert (quality["model"], quality["expected_cost_usd"]) == ("large", 0.002)
    assert quality["alternatives"][0]["trade"] == "90 % cheaper, 1.5 s faster, 20 points lower"
    assert region["model"] == "small"
    assert [each["model"] for each in region["excluded"]] == ["large"]
    assert (none["model"], none["no_model"]["constraint"]) == (None, "region")
    assert none["no_model"]["satisfy"][0]["field"] == "criteria.regions"
    assert half["features"] | {"task_class": ""} == {
        "input_tokens": 100, "tokens_estimated": True, "complexity": "high", "task_class": "",
        "language": "", "has_personal_data": False}


@pytest.mark.parametrize(("record", "field"), [
    ({}, "prompt"), ({"prompt": "x", "criteria": {"priority": "best"}}, "criteria.priority"),
    ({"prompt": "x", "catalogue": [TWO[0], TWO[0]]}, "catalogue[1].model"),
    ({"prompt": "x", "catalogue": [{"model": "a", "input_usd_per_mtok": -1}]},
     "catalogue[0].input_usd_per_mtok"),
    ({"prompt": "x", "catalogue": [{"model": "a", "quality": 101}]}, "catalogue[0].quality"),
    ({"prompt": "x", "criteria": {"max_cost_usd": -1}}, "criteria.max_cost_usd"),
    ({"prompt": "x", "state": {"breakers": {"a": "broken"}}}, "state.breakers[...]"),
    ({"prompt": "x", "budget": 1}, "budget")])
def test_faults_name_their_field(record, field):
    status, (found,) = run(record)
    assert (status, found["error"]["field"]) == (1, field)
