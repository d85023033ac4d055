"""The demonstration's experiments: registered with it, their true effects found, gone with it."""

import json

import pytest

from analytics.experiments.effects import Effect
from brain.engine import Engine
from brain.jobs import demo
from tests.experiments.conftest import Clock


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    from brain import settings
    opened = Engine.open(settings.load({}, data_dir=str(tmp_path_factory.mktemp("demo"))),
                         clock=Clock())
    demo.write(opened, events=120_000)
    yield opened
    opened.close()


def test_true_effects_lie_in_their_intervals(shown):
    true = json.loads(shown.state.rows("demo_state")[0]["effects_json"])["experiments"]
    compared = 0
    for each in true:
        results = shown.experiments.results(each["key"])
        assert "invalid" not in {metric.verdict.name for metric in results.metrics}
        for told in each["metrics"]:
            metric = next(one for one in results.metrics
                          if one.definition.key == told["metric"])
            assert metric.definition.better == told["better"]
            for one in metric.comparisons:
                mean = told["mean"]
                wanted = mean[one.variant] / mean[each["variants"][0]] - 1
                assert isinstance(one.effect, Effect)
                read = one.readings["sequential"]
                assert read.lower < wanted < read.upper, (told["metric"], one.variant)
                compared += 1
    assert compared == 6  # 2 metrics of one treatment, 2 metrics of two


def test_the_larger_effect_is_called(shown):
    results = shown.experiments.results("response-format")
    # 66 against 62 with a standard deviation of 10: 0.4 of it
    assert (results.verdict.name, results.winner) == ("better", "hybrid")
    assert {each.code: each.status for each in results.checks}["crossed_units"] == "ok"


def test_they_are_left_to_run_and_are_no_drafts(shown):
    assert [(each.key, each.state, each.is_demo) for each in shown.experiments.list()] == [
        ("response-format", "running", True), ("search-ui-v2", "running", True)]
    assert shown.experiments.run_once() == 0
    assert shown.experiments.load_samples() == ()


def test_history_of_cost_adjusts_the_cost(shown):
    results = shown.experiments.results("search-ui-v2")
    (cost,) = next(each for each in results.metrics
                   if each.definition.key == "llm_cost_usd").comparisons
    assert cost.effect.variance_reduction_ratio > 0.2


def test_removal_takes_them_along(tmp_path, clock):
    from brain import settings
    opened = Engine.open(settings.load({}, data_dir=str(tmp_path)), clock=clock)
    demo.write(opened, events=5_000, days=7)
    opened.experiments.create({"key": "mine", "name": "Mine", "primary": {"key": "m"},
                               "variants": [{"key": "a"}, {"key": "b"}]})
    opened.remove_demo()
    assert [each.key for each in opened.experiments.list()] == ["mine"]
    assert opened.state.rows("experiment_allocations") == []
    opened.close()
