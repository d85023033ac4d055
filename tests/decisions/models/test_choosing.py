"""Model choice: known answers with their arithmetic, and what must hold for any catalogue."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from brain.decisions.models.catalogue import SAMPLE_CATALOGUE, Measured, Model, prepare_catalogue
from brain.decisions.models.choosing import choose_model
from brain.decisions.models.constraints import (
    BudgetLeft,
    Criteria,
    State,
    usd,
)
from brain.decisions.models.estimates import expect
from brain.decisions.models.features import Features
from brain.decisions.quotas import Left
from brain.decisions.reasons import InputError

THOUSAND = Features(1_000, "low", is_estimated=False)
GPT4, GPT35, GPT35_16K = SAMPLE_CATALOGUE


def chosen(features=THOUSAND, criteria=None, catalogue=SAMPLE_CATALOGUE, state=None, **criteria_of):
    found = choose_model(features, criteria or Criteria(**criteria_of), catalogue, state)
    return found.chosen.model.name if found.chosen else None


def codes(found):
    return [each.code for each in found.reasons]


def test_expected_cost_takes_two_output_tokens_for_each_of_the_input():
    found = choose_model(THOUSAND, Criteria("cost"), SAMPLE_CATALOGUE)
    # gpt-3.5-turbo: 1,000 × $0.0005/1,000 + 2,000 × $0.0015/1,000 = $0.0035
    assert found.chosen.expected.cost_pico == 3_500_000_000
    by_name = {each.model.name: each for each in found.alternatives}
    # gpt-4: 1,000 × $0.01/1,000 + 2,000 × $0.03/1,000 = $0.07; 0.07/0.0035 = 20 times
    assert by_name["gpt-4-turbo-preview"].expected.cost_pico == 70_000_000_000
    assert by_name["gpt-4-turbo-preview"].trade == \
        "20 times the cost, 1.3 s slower, 15 points higher"
    assert "output_assumed" in codes(found)
    # 3,000 tokens would give 6,000, the model gives at most 4,096: 1.5e9 + 4,096 × 1.5e6 pico-USD
    capped = choose_model(Features(3_000), Criteria("cost"), [GPT35])
    assert capped.chosen.expected.cost_pico == 1_500_000_000 + 4_096 * 1_500_000


@pytest.mark.parametrize(("complexity", "gpt4", "turbo", "turbo_16k"), [
    # scaled over 95, 80, 82; 2.5, 1.2, 1.8 s; $0.07, $0.0035, $0.011: quality 100, 0, 2/15;
    # latency 0, 100, 0.7/1.3; cost 0, 100, 0.059/0.0665
    ("high", 50.0, 50.0, 0.5 * 200 / 15 + 0.3 * 70 / 1.3 + 0.2 * 5_900 / 66.5),
    ("medium", 40.0, 60.0, 0.4 * 200 / 15 + 0.4 * 70 / 1.3 + 0.2 * 5_900 / 66.5),
    ("low", 30.0, 70.0, 0.3 * 200 / 15 + 0.4 * 70 / 1.3 + 0.3 * 5_900 / 66.5)])
def test_balanced_scores_by_complexity(complexity, gpt4, turbo, turbo_16k):
    found = choose_model(replace(THOUSAND, complexity=complexity), Criteria(), SAMPLE_CATALOGUE)
    totals = {each.model.name: each.scores.total for each in (found.chosen, *found.alternatives)}
    assert totals == pytest.approx({"gpt-4-turbo-preview": gpt4, "gpt-3.5-turbo": turbo,
                                    "gpt-3.5-turbo-16k": turbo_16k})


def test_a_tie_goes_to_the_better_quality():
    # high complexity: gpt-4 has 0.5 × 100, gpt-3.5-turbo 0.3 × 100 + 0.2 × 100
    hard = replace(THOUSAND, complexity="high")
    assert chosen(hard, catalogue=[GPT35, GPT4]) == "gpt-4-turbo-preview"
    twins = [replace(GPT35, name=name) for name in ("b", "a", "c")]
    found = choose_model(THOUSAND, Criteria(), twins)
    assert (found.chosen.model.name, found.fallbacks) == ("a", ("b", "c"))
    assert "a tie" in found.reasons[0].text


@pytest.mark.parametrize(("priority", "name"), [
    ("cost", "gpt-3.5-turbo"), ("latency", "gpt-3.5-turbo"), ("quality", "gpt-4-turbo-preview"),
    ("balanced", "gpt-3.5-turbo")])
def test_priorities(priority, name):
    assert chosen(priority=priority) == name


@pytest.mark.parametrize(("criteria", "state", "features", "constraint", "value"), [
    ({"max_cost_usd": Decimal("0.0034")}, {}, {}, "max_cost", 0.0035),
    ({"max_latency_ms": 1_199.0}, {}, {}, "max_latency", 1_200.0),
    ({"min_quality": 95.1}, {}, {}, "min_quality", 95.0),
    ({"needs": frozenset({"vision"})}, {}, {}, "capability", None),
    ({"regions": frozenset({"eu"})}, {}, {}, "region", None),
    ({"no_training": True}, {}, {}, "data_policy", None),
    ({"no_training_for_personal_data": True}, {}, {"has_personal_data": True}, "data_policy",
     None),
    ({"max_output_tokens": 20_000}, {}, {}, "output_limit", 16_384),
    ({}, {}, {"input_tokens": 128_000}, "context", 127_999),
    ({"models": frozenset({"gpt-5"})}, {}, {}, "models", None),
    ({}, {"budget_remaining_usd": Decimal(0)}, {}, "budget", 0.0035),
    ({}, {"budget_remaining_usd": Decimal("-1.5")}, {}, "budget", 0.0035),
    ({}, {"breakers": dict.fromkeys((each.name for each in SAMPLE_CATALOGUE), "open")}, {},
     "breaker", None),
    ({}, {"quotas": {each.name: Left(tokens=2_999) for each in SAMPLE_CATALOGUE}}, {}, "quota",
     3_000),
    ({}, {"quotas": {each.name: Left(requests=0) for each in SAMPLE_CATALOGUE}}, {}, "quota", 1),
])
def test_says_what_emptied_the_list_and_what_would_do(criteria, state, features, constraint, value):
    found = choose_model(replace(THOUSAND, **features), Criteria(**criteria), SAMPLE_CATALOGUE,
                         State(**state))
    assert (found.chosen, found.no_model.constraint) == (None, constraint)
    told = found.no_model.remedies[0].value
    assert (None if told is None else float(told)) == value
    assert found.no_model.remedies[0].remedy in found.reasons[0].text
    assert codes(found) == ["no_model"]


def test_the_constraint_that_took_the_last_model_is_told():
    # at most 2 s leave both 3.5 models, at least quality 90 neither of them
    found = choose_model(THOUSAND, Criteria(max_latency_ms=2_000, min_quality=90), SAMPLE_CATALOGUE)
    assert found.no_model.constraint == "min_quality"
    assert found.no_model.nearest == GPT35_16K  # one constraint, and the higher one of quality
    assert "be content with 82.0" in found.no_model.text
    assert choose_model(THOUSAND, Criteria(), []).no_model.constraint == "catalogue"


def test_budget_pressure_begins_at_ninety_percent_of_what_remains():
    def found(projected, left, **criteria):
        return choose_model(THOUSAND, Criteria("quality", **criteria), SAMPLE_CATALOGUE,
                            State(budget_remaining_usd=Decimal(left),
                                  projected_usd=Decimal(projected)))
    assert found("8.99", 10).chosen.model == GPT4
    assert found("9", 10).chosen.model == GPT35
    assert codes(found("9", 10))[0] == "budget_pressure"
    assert found("9", 10, min_quality=81).chosen.model == GPT35_16K
    assert found("9", 10, min_quality=96).no_model.constraint == "min_quality"
    # without a projection: gpt-4's $0.07 is 90 % of $0.0777..., the others are taken before it
    alone = [State(budget_remaining_usd=Decimal(left)) for left in ("0.0777", "0.0778")]
    assert [chosen(priority="quality", state=each) for each in alone] == [
        "gpt-3.5-turbo-16k", "gpt-4-turbo-preview"]


def test_budgets_of_some_models_press_on_those_only():
    def found(*budgets):
        return choose_model(THOUSAND, Criteria("quality"), SAMPLE_CATALOGUE,
                            State(budgets=budgets))
    # gpt-4 costs $0.07; a budget of its own that leaves less takes only it
    small = found(BudgetLeft(Decimal("0.06"), label="day budget of model gpt-4",
                             model="gpt-4-turbo-preview"))
    assert small.chosen.model == GPT35_16K
    assert small.excluded[0].broken[0].text == (
        "costs 0.07 USD, the day budget of model gpt-4 leaves 0.06 USD")
    pressed = found(BudgetLeft(Decimal(10), Decimal(9), "day budget of model gpt-4",
                               model="gpt-4-turbo-preview"))
    assert (pressed.chosen.model, codes(pressed)[0]) == (GPT35_16K, "budget_pressure")
    assert "day budget of model gpt-4: the others come first" in pressed.reasons[0].text
    # of two budgets the tighter one decides
    both = found(BudgetLeft(Decimal(10), Decimal(1)), BudgetLeft(Decimal("0.0034"), label="small"))
    assert both.no_model.constraint == "budget"
    assert found(BudgetLeft(Decimal(0), provider="azure")).chosen.model == GPT4


def test_a_quota_of_one_provider_leaves_its_other_routes():
    twins = [replace(GPT35, provider=name) for name in ("one", "two")]
    used_up = choose_model(THOUSAND, Criteria(), twins, State(quotas={
        "one/gpt-3.5-turbo": Left(usd=Decimal("0.0034"))}))
    assert used_up.chosen.model.provider == "two"
    assert "0.0034 USD left in its quota, 0.0035 USD are needed" in used_up.excluded[0].broken[
        0].text


def test_unknown_figures_never_pass_a_bound_and_score_nothing():
    bare = Model("bare")
    assert chosen(catalogue=[bare]) == "bare"
    for criteria, constraint in ((Criteria(max_cost_usd=Decimal(1)), "max_cost"),
                                 (Criteria(max_latency_ms=9e8), "max_latency"),
                                 (Criteria(min_quality=0), "min_quality")):
        assert choose_model(THOUSAND, criteria, [bare]).no_model.constraint == constraint
    assert choose_model(THOUSAND, Criteria(), [bare], State(
        budget_remaining_usd=Decimal(5))).no_model.constraint == "budget"
    for priority in ("cost", "latency", "quality", "balanced"):
        assert chosen(catalogue=[bare, GPT35], priority=priority) == "gpt-3.5-turbo"


def test_measured_figures_outweigh_declared_ones_with_their_number():
    measured = (Measured("", 80, 8, 600.0, 1_200.0, quality=70.0, quality_n=60, output_ratio=0.5),
                Measured("code", 20, 1, 300.0, 600.0, quality=90.0, quality_n=20))
    (priced,) = prepare_catalogue([replace(GPT35, measured=measured)])
    found = expect(priced, replace(THOUSAND, task_class="chat"))
    # quality (20 × 80 + 60 × 70) / 80 = 72.5; latency exp((20 ln 1200 + 80 ln 600) / 100)
    assert found.quality.value == pytest.approx(72.5)
    assert found.latency.value == pytest.approx(1_200 ** 0.2 * 600 ** 0.8)
    assert (found.output_tokens, found.output_basis) == (500, "measured")
    assert (found.error_ratio, found.requests) == (0.1, 80)
    code = expect(priced, replace(THOUSAND, task_class="code"))
    # all tasks' 72.5 counts at most 20 + 60: (80 × 72.5 + 20 × 90) / 100 = 76
    assert code.quality.value == pytest.approx(76.0)
    assert code.quality.lower < 76 < code.quality.upper
    predicted = choose_model(THOUSAND, Criteria("quality"), SAMPLE_CATALOGUE, None,
                             {"gpt-3.5-turbo": 99.0})
    assert (predicted.chosen.model, codes(predicted)[-2]) == (GPT35, "quality_predicted")


@pytest.mark.parametrize(("criteria", "field"), [
    ({"priority": "best"}, "criteria.priority"), ({"needs": frozenset({"fly"})}, "criteria.needs"),
    ({"max_cost_usd": Decimal("nan")}, "criteria.max_cost_usd"),
    ({"max_cost_usd": Decimal(-1)}, "criteria.max_cost_usd"),
    ({"max_latency_ms": float("inf")}, "criteria.max_latency_ms")])
def test_criteria_that_cannot_be_used(criteria, field):
    with pytest.raises(InputError) as caught:
        chosen(**criteria)
    assert caught.value.field == field


def test_amounts_for_people():
    assert [usd(each) for each in (0, 24_500_000, 3_500_000_000, 10**12, 12_345 * 10**11)] == [
        "0.00 USD", "0.0000245 USD", "0.0035 USD", "1.00 USD", "1,234.50 USD"]


def test_order_is_the_same_for_any_shuffle_of_a_large_catalogue():
    rng = random.Random(3)
    many = [Model(f"m{n}", "p", 8_000, 2_000, Decimal(rng.randint(1, 40)) / 10,
                  Decimal(rng.randint(1, 90)) / 10, quality=float(rng.randint(40, 99)),
                  latency_ms=float(rng.randint(200, 4_000))) for n in range(60)]
    first = choose_model(THOUSAND, Criteria(), many)
    for _ in range(5):
        rng.shuffle(many)
        assert choose_model(THOUSAND, Criteria(), many) == first
