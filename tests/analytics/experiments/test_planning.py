"""Power, duration, health, verdicts and worth: numbers with their arithmetic."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from analytics.experiments import health, power, srm, verdict, worth
from analytics.experiments.analysis import Metric, Rules, analyze
from analytics.experiments.power import Plan, SampleSize, plan_size, smallest_effect
from analytics.experiments.segments import Trend, effects_by_segment
from analytics.experiments.statistics import Adjusted, CannotTell, Mean, Proportion

EFFECTS = [(0.5, 0.05, 0.8, 1.0, True), (0.1, 0.01, 0.9, 2.0, True), (0.2, 0.05, 0.8, 0.5, False),
           (1.5, 0.05, 0.8, 1.0, True), (0.02, 0.05, 0.95, 1.0, True)]


@pytest.mark.parametrize(("effect", "alpha", "wanted", "ratio", "two_sided"), EFFECTS)
def test_the_fixed_plan_is_that_of_statsmodels(effect, alpha, wanted, ratio, two_sided):
    plan = Plan(0, 1, effect, alpha=alpha, power=wanted, ratio=ratio, is_two_sided=two_sided,
                method="fixed")
    found = plan_size(plan)
    side = "two-sided" if two_sided else "larger"
    theirs = TTestIndPower().power(effect, found.exact, alpha, ratio, alternative=side)
    assert theirs == pytest.approx(wanted, rel=1e-9)
    assert power.find_power(plan, 100.0) == pytest.approx(
        TTestIndPower().power(effect, 100.0, alpha, ratio, alternative=side), rel=1e-9)
    assert found.control == int(np.ceil(found.exact - 1e-9))
    assert found.treatment == int(np.ceil(found.exact * ratio - 1e-9))


def test_the_smallest_effect_is_the_normal_one_of_statsmodels():
    found = smallest_effect(Plan(0, 1, 1, method="fixed"), 400)
    theirs = NormalIndPower().solve_power(nobs1=400, alpha=0.05, power=0.8, ratio=1)
    # theirs counts the far side too, whose chance at a power of 0.8 is 1e-6
    assert found == pytest.approx(theirs, rel=1e-5)


def test_a_proportion_in_words():
    # 10 % + 1 point: (1.95996 + 0.84162)² x (0.1 x 0.9 + 0.11 x 0.89) / 0.01² = 14,748.6 (normal)
    found = plan_size(Plan(0.1, 0.09, 0.1, True, True, method="fixed"))
    normal = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 * (
        1.1**2 * 0.09 + 0.11 * 0.89) / 0.01**2
    assert found.exact == pytest.approx(normal, rel=1e-3)
    absolute = plan_size(Plan(0.1, 0.09, 0.01, False, True, method="fixed"))
    assert absolute.exact == pytest.approx(14_748.6, rel=1e-3)


@pytest.mark.parametrize("method", ["sequential", "group_sequential"])
def test_plans_of_looking_often_find_the_effect_as_often_as_wanted(method):
    rng = np.random.default_rng(17)
    plan = Plan(0, 1, 0.2, method=method, looks=5)
    size = plan_size(plan)
    fixed = plan_size(replace(plan, method="fixed"))
    shares = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    steps = rng.normal(0.2 * size.exact / 5, np.sqrt(2 * size.exact / 5), (4_000, 5))
    z = steps.cumsum(axis=1) / np.sqrt(2 * size.exact * shares)
    if method == "group_sequential":
        critical = np.array(power.find_boundary(tuple(shares), 0.05).critical)
        assert size.exact / fixed.exact < 1.05  # five looks cost 3 %
        assert (z >= critical).any(axis=1).mean() == pytest.approx(0.8, abs=0.02)
    else:
        factor = power.sequence_factor(0.05)
        assert (z[:, -1] >= factor).mean() == pytest.approx(0.8, abs=0.02)
        # (1.5486 x 1.96 + 0.8416)² / (1.96 + 0.8416)² = 1.915
        assert size.exact / fixed.exact == pytest.approx(1.915, abs=0.01)


@pytest.mark.parametrize(("change", "code"), [
    ({"effect": 0.0}, "no_effect"), ({"variance": 0.0}, "no_variance"),
    ({"mean": 0.0, "is_relative": True}, "zero_baseline"), ({"alpha": 0.5}, "out_of_range"),
    ({"power": 0.04}, "out_of_range"), ({"ratio": 0.0}, "out_of_range"),
    ({"mean": float("nan")}, "not_finite"), ({"effect": 1e-12}, "too_many_units"),
    ({"mean": 0.9, "variance": 0.09, "effect": 0.2, "is_proportion": True}, "out_of_range"),
])
def test_plans_that_cannot_be_made_say_why(change, code):
    found = plan_size(replace(Plan(1.0, 1.0, 0.1), **change))
    assert isinstance(found, CannotTell)
    assert found.code == code


PLANS = st.builds(
    Plan, st.floats(-10, 10), st.floats(0.01, 100), st.floats(0.01, 5), st.booleans(),
    st.just(False), st.floats(0.001, 0.2), st.floats(0.5, 0.99), st.booleans(),
    st.floats(0.1, 10), st.integers(1, 5), st.sampled_from(["fixed", "sequential"]))


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_a_larger_effect_never_needs_more_units(plan):
    small, large = plan_size(plan), plan_size(replace(plan, effect=plan.effect * 2))
    if isinstance(small, SampleSize) and isinstance(large, SampleSize) and not plan.is_relative:
        assert large.exact <= small.exact  # a relative effect makes its own variance larger
    surer = plan_size(replace(plan, comparisons=plan.comparisons + 1))
    if isinstance(small, SampleSize) and isinstance(surer, SampleSize):
        assert surer.exact >= small.exact * (1 - 1e-9)


def test_days_need_traffic():
    assert power.days_needed(70_000, 10_000) == 7
    assert power.days_needed(1, 0).code == "no_traffic"
    assert smallest_effect(Plan(1, 1, 1), 1).code == "one_unit"


@pytest.mark.parametrize("planned", [None, 500.0, 5_000.0, 5e6])
def test_units_to_decide_are_where_the_interval_meets_zero(planned):
    n = power.units_to_decide(0.01, 0.01, 1_000, 0.05, planned)
    factor = stats.norm.ppf(0.975) if planned is None else power.sequence_factor(
        0.05, True, n / planned)
    assert factor * 0.01 * (1_000 / n) ** 0.5 == pytest.approx(0.01, rel=2e-3)
    assert power.units_to_decide(5.0, 0.01, 1_000, 0.05, planned) == 1_000
    assert power.units_to_decide(0.0, 0.01, 1_000, 0.05, planned).code == "no_effect"
    # an effect of nothing is decided by fitting into what is of interest
    assert power.units_to_decide(0.0, 0.01, 1_000, 0.05, planned, 0.01) == pytest.approx(
        n, rel=2e-3)


# --- health -------------------------------------------------------------------------------------

def test_the_ratio_check_is_the_chi_square_of_scipy():
    found = srm.check_ratio([1_000, 2_000, 990], [1, 2, 1])
    assert found.p_value == pytest.approx(
        stats.chisquare([1_000, 2_000, 990], [997.5, 1_995, 997.5]).pvalue, rel=1e-9)
    assert found.planned == (0.25, 0.5, 0.25)
    # the factor of the Dirichlet-multinomial by its definition, for 3 and 1 of two equal shares
    small = srm.check_ratio([3, 1], [1, 1], concentration=2.0)
    # B(1 + 3, 1 + 1) / B(1, 1) = 1/20 against 1/16: the Bayes factor is 0.8, no evidence
    assert small.anytime_p_value == 1.0
    # 4 and 0: B(5, 1) = 1/5 against 1/16 = 3.2; p = 1 / 3.2
    assert srm.check_ratio([4, 0], [1, 1], 2.0).anytime_p_value == pytest.approx(1 / 3.2)


def test_a_variant_without_weight_counts_only_if_seen():
    # freedom 1, not 2: the third variant was never meant to be seen
    assert srm.check_ratio([500, 450, 0], [1, 1, 0]).p_value == pytest.approx(
        stats.chisquare([500, 450]).pvalue, rel=1e-9)
    assert srm.check_ratio([500, 450, 1], [1, 1, 0]).p_value == 0.0
    assert srm.check_ratio([0, 0], [1, 1]).code == "empty_variant"
    assert srm.check_ratio([5, 5], [1, 0]).code == "no_planned_shares"
    assert srm.check_ratio([5, -5], [1, 1]).code == "impossible_statistics"


def test_health_of_units():
    skewed = srm.check_ratio([9_463, 7_681], [0.5, 0.5])
    assert health.judge_ratio(skewed, is_anytime=True).status == "failed"
    assert health.judge_ratio(skewed, is_anytime=False).status == "failed"
    # 3,050 of 5,800: chi-square 300² / 5,800 = 15.5, p = 8e-5; at any look it may be chance
    odd = srm.check_ratio([3_050, 2_750], [1, 1])
    assert health.judge_ratio(odd, is_anytime=False).status == "failed"
    assert health.judge_ratio(srm.check_ratio([230, 150], [1, 1]), True).status == "warning"
    assert health.judge_ratio(srm.check_ratio([510, 490], [1, 1]), True).status == "ok"
    assert health.judge_ratio(srm.NO_SHARES, True).status == "unknown"
    assert health.judge_crossed(11, 1_000).status == "failed"  # 1.1 % above 1 %
    assert health.judge_crossed(1, 1_000).status == "warning"
    assert health.judge_crossed(0, 1_000).status == "ok"
    assert health.judge_crossed(0, 0).status == "unknown"
    assert health.judge_unexposed(60, 940).status == "warning"  # 6 % above 5 %
    assert health.judge_unexposed(0, 10).status == "ok"
    assert health.judge_novelty(Trend(-0.1, 0.01, 1e-9)).status == "warning"
    assert health.judge_novelty(CannotTell("too_few_points", "x")).status == "unknown"
    assert health.judge_shares({"a": (0.5, 0.5), "b": (0.5, 0.6)}).status == "warning"
    assert health.judge_shares({"a": (0.5, 0.5)}).status == "ok"


def test_variants_must_be_alike_before():
    post = Mean(1_000, 5_000.0, 26_000.0)
    alike = Adjusted(post, Mean(1_000, 5_000.0, 26_000.0), 25_500.0)
    other = Adjusted(post, Mean(1_000, 5_300.0, 29_090.0), 27_000.0)
    # 0.3 apart with a standard error of sqrt(2 x 1 / 1000) = 0.045
    assert health.judge_before({"a": alike, "b": alike}, "a").status == "ok"
    assert health.judge_before({"a": alike, "b": other}, "a").status == "failed"


# --- verdicts -----------------------------------------------------------------------------------

@pytest.mark.parametrize(("lower", "upper", "better", "smallest", "sure", "name"), [
    (0.1, 0.3, "higher", 0.0, True, "better"), (0.1, 0.3, "lower", 0.0, True, "worse"),
    (-0.3, -0.1, "lower", 0.0, True, "better"), (0.1, 0.3, "higher", 0.0, False, "cannot_tell_yet"),
    (-0.1, 0.3, "higher", 0.0, True, "cannot_tell_yet"),
    (-0.1, 0.1, "higher", 0.2, True, "no_difference"),
    (-0.1, 0.3, "higher", 0.2, True, "not_worse"), (-0.3, 0.1, "lower", 0.2, True, "not_worse"),
])
def test_verdicts(lower, upper, better, smallest, sure, name):
    assert verdict.decide_verdict(lower, upper, better, smallest, sure).name == name


def test_a_guardrail_is_never_safe_by_ignorance():
    def guard(lower, upper, smallest=0.0):
        return verdict.guard_of(verdict.decide_verdict(lower, upper, "higher", smallest, True))
    assert [guard(-2, -1), guard(-1, 1), guard(1, 2), guard(-1, 1, 1.5)] == [
        "harm", "unknown", "safe", "safe"]
    assert verdict.guard_of(verdict.refuse_verdict(CannotTell("empty_variant", "x"))) == "unknown"


def test_one_verdict_for_all_variants():
    better, worse, open_ = (verdict.Verdict(name, "c", "t") for name in
                            ("better", "worse", "cannot_tell_yet"))
    assert verdict.summarize_verdicts([("b", 1, better), ("c", 2, better)]) == (better, "c")
    assert verdict.summarize_verdicts([("b", -1, worse), ("c", 0, open_)]) == (open_, None)
    assert verdict.summarize_verdicts([("b", -1, worse)]) == (worse, None)
    assert verdict.summarize_verdicts([])[0].name == "cannot_tell"


def test_roles_make_the_families():
    def metric(key, role, hits):
        return Metric(key, {"a": Proportion(5_000, 500), "b": Proportion(5_000, hits)}, role)
    found = analyze([metric("p1", "primary", 560), metric("p2", "primary", 570),
                     metric("s", "secondary", 570), metric("g", "guardrail", 570)], "a",
                    Rules("fixed", is_relative=False))
    read = {each.metric: each.comparisons[0].readings["fixed"] for each in found}
    # Holm over the two primary ones: the smaller p doubles, the larger stays
    assert read["p2"].p_adjusted == pytest.approx(2 * read["p2"].p_value)
    assert read["p1"].p_adjusted == pytest.approx(read["p1"].p_value)
    assert read["s"].p_adjusted == read["s"].p_value == read["g"].p_adjusted


# --- worth --------------------------------------------------------------------------------------

def test_money_a_month():
    # 0.02 USD per unit x 1,000 units a day x 30.4375 days
    found = worth.monthly_worth(0.02, -0.01, 0.05, 1_000)
    assert (found.usd, found.lower_usd, found.upper_usd) == pytest.approx(
        (608.75, -304.375, 1_521.875))
    cost = worth.monthly_worth(0.004, 0.003, 0.005, 1_000, usd_per_value=-1)
    assert (cost.usd, cost.lower_usd, cost.upper_usd) == pytest.approx(
        (-121.75, -152.1875, -91.3125))
    net = worth.net_worth(found, cost)
    assert (net.usd, net.lower_usd) == pytest.approx((487.0, -456.5625))


def test_the_win_rate_counts_decided_experiments_only():
    found = worth.summarize_wins(["better", "worse", "cannot_tell_yet", "no_difference", "better",
                                  "invalid"])
    assert (found.wins, found.decided, found.ratio) == (2, 4, 0.5)
    interval = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert (found.lower_ratio, found.upper_ratio) == pytest.approx(tuple(interval))
    assert worth.summarize_wins(["cannot_tell"]).code == "none_decided"


def test_cost_per_variant():
    found = worth.variant_cost("a", 400, Decimal("10.00"))
    assert found.usd_per_unit == Decimal("0.025")
    assert worth.variant_cost("a", 0, Decimal(0)).code == "empty_variant"


def test_segments_without_units_are_told_as_such():
    found = effects_by_segment({"mobile": (Proportion(100, 10), Proportion(100, 20)),
                                "tablet": (Proportion(0, 0), Proportion(1, 1))}, False)
    assert found["mobile"].estimate == pytest.approx(0.1)
    assert found["tablet"].code == "empty_variant"
