"""The commands of experiments: lines in, lines out, and the same numbers as the analysis."""

import io
import json
import re
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import jsonschema
import pytest

from brain.cli import bandits, experiments
from brain.cli.machine import answer_lines
from tests.analytics.experiments.reference import record
from tests.datasets import dataset

FORMS = {command.verb: command.form for command in experiments.COMMANDS if command.form}
OUTPUTS = {verb: jsonschema.Draft202012Validator(form.schema()["output"])
           for verb, form in FORMS.items()}
AB = [{"key": "control", "weight": 50}, {"key": "variant-a", "weight": 50}]


def run(verb, *records):
    out = io.BytesIO()
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in records)
    status = answer_lines(FORMS[verb], FORMS[verb].prepare(Namespace()),
                          io.BytesIO(text.encode()), out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(records)
    for each in answers:
        OUTPUTS[verb].validate(each)
    return status, answers


def test_every_reference_case_by_command():
    cases = json.loads(dataset("EXPERIMENT_CASES").read_text())
    status, answers = run("analyze", *(record(case["kind"], case["in"]) for case in cases))
    assert status == 0
    for number, (case, found) in enumerate(zip(cases, answers, strict=True)):
        wanted = case["out"]
        if case["kind"] == "srm":
            if all(case["in"]["users"]) and all(case["in"]["weights"]):
                assert found["sample_ratio"]["p_value"] == pytest.approx(wanted, rel=1e-6), number
            continue
        (effect,) = found["comparisons"]
        if wanted["errorMessage"]:
            assert effect["unknown"] or case["in"]["difference_type"] == "absolute"
            continue
        assert effect["estimate"] == pytest.approx(wanted["expected"], rel=1e-6), number
        for name, bound in zip(("lower", "upper"), wanted["ci"], strict=True):
            seen = effect[name]
            assert (seen is None) == (bound in ("inf", "-inf", None)), number
            assert seen is None or seen == pytest.approx(bound, rel=1e-6), number


def test_assigns():
    experiment = {"key": "search-ui-v2", "variants": AB}
    status, (plain, unknown, draft, forced, bad, plan) = run(
        "assign", {"experiment": experiment, "unit": "u1"}, {"experiment": None, "unit": "u1"},
        {"experiment": experiment | {"state": "draft"}, "unit": "u1"},
        {"experiment": experiment | {"forced": {"qa": "variant-a"}}, "unit": "qa"},
        {"experiment": {"key": "e", "variants": [AB[0], AB[0]]}, "unit": "u1"},
        {"experiment": experiment | {"targeting": [{"attribute": "plan", "value": "pro"}]},
         "unit": "u1", "attributes": {"plan": "free"}})
    assert status == 1
    # fnv1a(str(fnv1a("search-ui-v2u1"))) % 10,000 = 957: below 0.5
    assert (plain["variant"], plain["bucket"]) == ("control", 0.0957)
    assert (unknown["variant"], unknown["reasons"][0]["code"]) == (None, "unknown_experiment")
    assert draft["reasons"][0]["code"] == "experiment_draft"
    assert (forced["variant"], forced["counted"]) == ("variant-a", False)
    assert bad["error"]["field"] == "experiment.variants[1].key"
    assert plan["reasons"][0]["code"] == "not_targeted"


def test_time_is_asked_only_where_it_is_given():
    timed = {"key": "e", "variants": AB, "start_utc": "2025-11-01T00:00:00Z", "end_utc": 1.8e9}
    _, (early, in_time, untimed, bad) = run(
        "assign", {"experiment": timed, "unit": "u", "at_utc": "2025-10-31T23:59:59Z"},
        {"experiment": timed, "unit": "u", "at_utc": 1.77e9}, {"experiment": timed, "unit": "u"},
        {"experiment": timed, "unit": "u", "at_utc": 1e300})
    assert early["reasons"][0]["code"] == "not_started"
    assert in_time["reasons"][0]["code"] == untimed["reasons"][0]["code"] == "assigned"
    assert (bad["error"]["code"], bad["error"]["field"]) == ("out_of_range", "at_utc")


def test_health_stands_above_the_result():
    variants = [{"key": "a", "n": 9_463, "sum": 900, "weight": 1},
                {"key": "b", "n": 7_681, "sum": 1_200, "weight": 1}]
    line = {"kind": "proportion", "variants": variants}
    _, (found, crossed, unweighted) = run(
        "analyze", line, {"kind": "proportion", "crossed_units": 500, "variants": [
            {"key": "a", "n": 9_463, "sum": 900}, {"key": "b", "n": 9_463, "sum": 1_200}]},
        {"kind": "proportion", "variants": [
            {key: value for key, value in each.items() if key != "weight"}
            for each in variants]})
    assert (found["verdict"], found["winner"]) == ("invalid", None)
    assert found["reasons"][0]["code"] == "sample_ratio"
    assert crossed["health"][0]["code"] == "crossed_units"
    assert crossed["verdict"] == "invalid"
    # without planned shares no equal shares are assumed
    assert (unweighted["verdict"], unweighted["winner"]) == ("better", "b")
    assert unweighted["sample_ratio"] is None


def test_three_variants_name_a_winner_and_the_chance_of_each():
    line = {"kind": "mean", "better": "lower", "planned_units": 40_000, "variants": [
        {"key": "a", "n": 20_000, "sum": 100_000, "sum_squares": 580_000},
        {"key": "b", "n": 20_000, "sum": 95_000, "sum_squares": 540_000},
        {"key": "c", "n": 20_000, "sum": 101_000, "sum_squares": 590_000}]}
    _, (found,) = run("analyze", line)
    assert (found["verdict"], found["winner"]) == ("better", "b")
    assert sum(found["chance_to_be_best"].values()) == pytest.approx(1)
    assert found["chance_to_be_best"]["b"] > 0.99
    assert [each["verdict"] for each in found["comparisons"]] == ["better", "cannot_tell_yet"]
    assert found["comparisons"][1]["units_to_decide"] > 40_000
    assert set(found["comparisons"][0]["readings"]) == {"sequential", "fixed", "bayesian"}


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"kind": "mean"}, "missing_field", "variants[0].sum_squares"),
    ({"kind": "ratio"}, "missing_field", "variants[0].sum_squares"),
    ({"kind": "quantile"}, "missing_field", "quantile"),
    ({"control": "z"}, "unknown_variant", "control"),
    ({"alpha": 0.5}, "invalid_value", "alpha"), ({"alpha": 0}, "invalid_value", "alpha"),
    ({"method": "group_sequential"}, "missing_field", "looks"),
    ({"looks": [0.5, 0.4]}, "wrong_order", "looks"), ({"looks": [1.1]}, "wrong_order", "looks"),
    ({"nope": 1}, "unknown_field", "nope"), ({"planned_units": 0}, "invalid_value",
                                             "planned_units"),
    ({"variants": [{"key": "a", "n": 1, "sum": 1}]}, "invalid_value", "variants"),
    ({"variants": [{"key": "a", "n": 9, "sum": 1}, {"key": "a", "n": 9, "sum": 1}]},
     "repeated_variant", "variants[1].key"),
    ({"variants": [{"key": "a", "n": -1, "sum": 1}, {"key": "b", "n": 9, "sum": 1}]},
     "invalid_value", "variants[0].n"),
    ({"variants": [{"key": "a", "n": 9, "sum": 1, "weight": 1}, {"key": "b", "n": 9, "sum": 1}]},
     "missing_field", "variants[1].weight"),
])
def test_says_which_field_cannot_be_used(change, code, field):
    line = {"kind": "proportion", "variants": [{"key": "a", "n": 9, "sum": 1},
                                               {"key": "b", "n": 9, "sum": 1}]} | change
    status, (found,) = run("analyze", line)
    assert status == 1
    assert (found["error"]["code"], found["error"]["field"]) == (code, field)


def test_degenerate_statistics_are_answers_not_errors():
    status, (found,) = run("analyze", {"kind": "proportion", "variants": [
        {"key": "a", "n": 100, "sum": 0}, {"key": "b", "n": 100, "sum": 9}]})
    (effect,) = found["comparisons"]
    assert (status, found["verdict"], effect["unknown"]["code"]) == (0, "cannot_tell",
                                                                     "no_variance")
    assert (effect["p_value"], effect["readings"]) == (None, {})


def test_group_sequential_tells_its_critical_value():
    _, (found,) = run("analyze", {
        "kind": "proportion", "method": "group_sequential", "looks": [0.2, 0.4, 0.6, 0.8],
        "variants": [{"key": "a", "n": 900, "sum": 100}, {"key": "b", "n": 900, "sum": 150}]})
    reading = found["comparisons"][0]["readings"]["group_sequential"]
    assert reading["critical_z"] == pytest.approx(2.2898, abs=2e-4)  # the published boundary
    assert found["verdict"] == "better"


def test_plans():
    status, (plan, many, never, bad) = run(
        "power", {"baseline": 0.1, "effect": 0.01, "effect_type": "absolute", "method": "fixed",
                  "units_per_day": 1_000},
        {"baseline": 5, "variance": 4, "kind": "mean", "effect": 0.1, "variants": 4},
        {"baseline": 0.1, "effect": 0}, {"baseline": 0, "effect": 0.1})
    assert status == 1
    # (1.95996 + 0.84162)² x (0.09 + 0.11 x 0.89) / 0.01² = 14,749 each
    assert plan["control_units"] == pytest.approx(14_750, abs=3)
    assert plan["days"] == pytest.approx(plan["total_units"] / 1_000)
    assert list(plan["smallest_effect_by_week"]) == ["1", "2", "4", "8"]
    assert many["total_units"] == many["control_units"] + 3 * many["treatment_units"]
    assert (never["control_units"], never["unknown"]["code"]) == (None, "no_effect")
    assert bad["error"]["field"] == "baseline"


def test_a_thousand_assignments_a_second_from_the_start():
    lines = "\n".join(json.dumps({"experiment": {"key": "e", "variants": AB}, "unit": f"u{n}"})
                      for n in range(2_000))
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "brain", "experiments", "assign"], input=lines,
                          capture_output=True, text=True, timeout=240, check=True)
    assert len(done.stdout.splitlines()) == 2_000
    assert time.monotonic() - started < 10  # measured 0.2 s on a quiet machine


def test_the_documentation_runs():
    """Every block of JSON under a command's heading is answered, and none as an error."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "experiments.md").read_text()
    forms = {f"{command.area} {command.verb}": command.form
             for command in (*experiments.COMMANDS, *bandits.COMMANDS) if command.form}
    shown = dict(re.findall(r"### brain (\w+ \w+)\n```json\n(.*?)```", text, re.DOTALL))
    assert set(shown) == set(forms)
    for name, lines in shown.items():
        out = io.BytesIO()
        status = answer_lines(forms[name], forms[name].prepare(Namespace()),
                              io.BytesIO(lines.encode()), out)
        assert status == 0, out.getvalue().decode()
        assert len(out.getvalue().splitlines()) == len(lines.splitlines())
