"""Effects and readings beside scipy and statsmodels, to 1e-9."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from analytics.experiments.corrections import adjust_benjamini_hochberg, adjust_holm
from analytics.experiments.effects import Effect, estimate_effect
from analytics.experiments.quantiles import summarize_quantile
from analytics.experiments.readings import (
    chance_to_be_best,
    expected_excess,
    read_fixed,
    read_posterior,
    read_sequence,
    sequence_rho,
)
from analytics.experiments.segments import check_heterogeneity, check_novelty
from analytics.experiments.statistics import Adjusted, CannotTell, Mean, Proportion, Ratio, measure


def near(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-12)


def sums(values):
    return Mean(len(values), float(values.sum()), float((values * values).sum()))


def adjusted(post, pre):
    return Adjusted(sums(post), sums(pre), float((post * pre).sum()))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize(("sizes", "shift"), [((30, 45), 0.3), ((2, 3), 5.0), ((400, 50), -1.0)])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_welch_is_that_of_scipy_and_statsmodels(rng, sizes, shift, alpha):
    control, treatment = rng.normal(3, 1, sizes[0]), rng.normal(3 + shift, 2, sizes[1])
    effect = estimate_effect(sums(control), sums(treatment), is_relative=False)
    found = read_fixed(*as_arrays(effect), alpha)
    theirs = stats.ttest_ind(treatment, control, equal_var=False)
    assert found.p_value[0] == near(theirs.pvalue)
    assert effect.degrees_of_freedom == near(theirs.df)
    assert (found.lower[0], found.upper[0]) == near(tuple(theirs.confidence_interval(1 - alpha)))
    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    assert (found.lower[0], found.upper[0]) == near(
        compared.tconfint_diff(alpha=alpha, usevar="unequal"))
    for side, name in (("greater", "greater"), ("less", "less")):
        one_sided = stats.ttest_ind(treatment, control, equal_var=False, alternative=name)
        ours = read_fixed(*as_arrays(effect), alpha, side)
        assert ours.p_value[0] == near(one_sided.pvalue)
        assert (ours.lower[0], ours.upper[0]) == near(
            tuple(one_sided.confidence_interval(1 - alpha)))


def as_arrays(effect):
    return tuple(np.array([each]) for each in (effect.estimate, effect.standard_error,
                                               effect.degrees_of_freedom))


def test_a_proportion_has_the_standard_error_of_the_wald_interval():
    effect = estimate_effect(Proportion(1_000, 100), Proportion(900, 117), is_relative=False)
    low, high = confint_proportions_2indep(117, 900, 100, 1_000, method="wald", compare="diff")
    assert effect.estimate == near((low + high) / 2)
    # the interval of statsmodels is by the normal, ours by Welch's t
    assert effect.standard_error == near((high - low) / 2 / stats.norm.ppf(0.975))


def test_a_ratio_by_the_delta_method_is_the_residuals_variance(rng):
    requests = rng.poisson(5, 500).astype(float) + 1
    errors = rng.binomial(requests.astype(int), 0.1).astype(float)
    found = measure(Ratio(500, errors.sum(), (errors**2).sum(), requests.sum(),
                          (requests**2).sum(), (errors * requests).sum()))
    ratio = errors.sum() / requests.sum()
    residuals = (errors - ratio * requests) / requests.mean()
    assert found.mean == near(ratio)
    assert found.variance == near(residuals.var(ddof=1))


def test_cuped_is_the_regression_on_the_history(rng):
    before = rng.normal(10, 3, 800)
    after = 2 + 0.7 * before + rng.normal(0, 1, 800)
    treated = np.arange(800) % 2 == 1
    after[treated] += 0.2
    effect = estimate_effect(adjusted(after[~treated], before[~treated]),
                             adjusted(after[treated], before[treated]), is_relative=False)
    pooled = OLS(after, np.column_stack([np.ones(800), before])).fit()
    assert effect.theta == near(pooled.params[1])
    residuals = after - effect.theta * before
    theirs = stats.ttest_ind(residuals[treated], residuals[~treated], equal_var=False)
    assert effect.estimate / effect.standard_error == near(theirs.statistic)
    # correlation² of history and value: what the variance loses, about 0.49 x 9 / 5.41 = 0.815
    assert effect.variance_reduction_ratio == pytest.approx(0.815, abs=0.03)


def test_cuped_without_history_changes_nothing(rng):
    values = rng.normal(5, 1, (2, 50))
    flat = np.zeros(50)
    plain = estimate_effect(sums(values[0]), sums(values[1]), is_relative=True)
    found = estimate_effect(adjusted(values[0], flat), adjusted(values[1], flat), True)
    assert (found.theta, found.variance_reduction_ratio) == (0.0, 0.0)
    assert (found.estimate, found.standard_error) == near((plain.estimate, plain.standard_error))


def test_a_relative_effect_covers_the_truth(rng):
    """4,000 runs: 95 % intervals of a relative effect and of CUPED hold it about as often."""
    hits, cuped_hits = 0, 0
    for _ in range(4_000):
        before = rng.normal(10, 2, (2, 200))
        after = before + rng.normal(0, 1, (2, 200))
        after[1] *= 1.1
        effect = estimate_effect(sums(after[0]), sums(after[1]), True)
        cuped = estimate_effect(adjusted(after[0], before[0]), adjusted(after[1], before[1]), True)
        hits += abs(effect.estimate - 0.1) < 1.96 * effect.standard_error
        cuped_hits += abs(cuped.estimate - 0.1) < 1.97 * cuped.standard_error
    # the standard error of a share of 0.95 in 4,000 runs is 0.0034
    assert hits / 4_000 == pytest.approx(0.95, abs=0.012)
    assert cuped_hits / 4_000 == pytest.approx(0.95, abs=0.02)


def test_a_negative_baseline_keeps_the_sign_of_the_effect():
    # from -10 to -8: +2 on a size of 10
    effect = estimate_effect(Mean(10, -100, 1_100), Mean(10, -80, 740), is_relative=True)
    assert effect.estimate == near(0.2)


def test_an_absolute_effect_needs_no_baseline():
    found = estimate_effect(Mean(10, 0.0, 10.0), Mean(10, 5.0, 12.0), is_relative=False)
    assert isinstance(found, Effect)
    assert estimate_effect(Mean(10, 0.0, 10.0), Mean(10, 5.0, 12.0), True).code == "zero_baseline"


def test_the_interval_of_a_quantile_covers_the_truth(rng):
    """2,000 runs of 40 units with 25 alike values each: only clusters keep the level."""
    plain_hits, hits = 0, 0
    for _ in range(2_000):
        values = (rng.exponential(1, 40)[:, None] * rng.exponential(1, (40, 25))).ravel()
        units = np.repeat(np.arange(40), 25)
        plain = measure(summarize_quantile(values, 0.5))
        clustered = measure(summarize_quantile(values, 0.5, units))
        plain_hits += abs(plain.mean - TRUE_MEDIAN) < 1.96 * np.sqrt(plain.variance / plain.n)
        hits += abs(clustered.mean - TRUE_MEDIAN) < 1.96 * np.sqrt(clustered.variance / 1_000)
    assert plain_hits / 2_000 < 0.8
    assert hits / 2_000 == pytest.approx(0.95, abs=0.03)


# P(XY > m) = 2 sqrt(m) K1(2 sqrt(m)) for unit exponentials, a half at this m
TRUE_MEDIAN = 0.395107405


def test_the_median_of_a_product_of_exponentials_is_as_said():
    from scipy.special import k1
    assert 2 * np.sqrt(TRUE_MEDIAN) * k1(2 * np.sqrt(TRUE_MEDIAN)) == pytest.approx(0.5, abs=1e-8)


def test_the_sequence_is_the_boundary_of_the_paper():
    # written out for n = 1,000, se = 0.1, alpha = 0.05, tuned to 1,000 units:
    # rho² = (-2 ln 0.05 + ln(-2 ln 0.05 + 1)) / 1000 = (5.99146 + 1.94469) / 1000
    rho = sequence_rho(0.05, 1_000)
    assert rho**2 == near((2 * np.log(20) + np.log(2 * np.log(20) + 1)) / 1_000)
    found = read_sequence(*(np.array([each]) for each in (0.5, 0.1, 1_000.0)), 0.05, 1_000)
    spread = 1_000 * rho**2 + 1
    reach = 0.1 * np.sqrt(1_000) * np.sqrt(
        2 * spread / (1_000**2 * rho**2) * np.log(np.sqrt(spread) / 0.05))
    assert (found.lower[0], found.upper[0]) == near((0.5 - reach, 0.5 + reach))
    # at most 1.55 times the fixed interval where it is tuned to
    assert reach / 0.1 / stats.norm.ppf(0.975) == pytest.approx(1.5486, abs=1e-4)


@pytest.mark.parametrize("alternative", ["two_sided", "greater", "less"])
def test_the_p_value_of_the_sequence_is_the_level_at_which_it_leaves_zero(alternative):
    estimate = np.array([-0.3 if alternative == "less" else 0.3])
    rest = (np.array([0.1]), np.array([800.0]))
    p_value = None
    # rho belongs to the planned level, so the level is varied at the boundary's own formula
    found = read_sequence(estimate, *rest, 0.05, 800, alternative)
    p_value = found.p_value[0]
    assert 0 < p_value < 0.5
    rho = sequence_rho(0.05, 800, alternative == "two_sided")
    spread = 800 * rho**2 + 1
    log = (np.log(np.sqrt(spread) / p_value) if alternative == "two_sided"
           else np.log1p(np.sqrt(spread) / (2 * p_value)))
    assert 0.1 * np.sqrt(2 * spread / (800 * rho**2) * log) == near(0.3)


def test_one_sided_sequences_against_the_effect_say_nothing():
    found = read_sequence(np.array([-0.3]), np.array([0.1]), np.array([800.0]), 0.05, 800,
                          "greater")
    assert (found.p_value[0], found.upper[0]) == (1.0, np.inf)
    with pytest.raises(ValueError, match="alpha below"):
        read_sequence(np.array([1.0]), np.array([1.0]), np.array([9.0]), 0.5, 9, "less")


def test_the_posterior_weighs_prior_and_data():
    # precision 1/0.04 + 1/0.01 = 125, mean (0.3 x 25 + 0 x 100) / 125
    found = read_posterior(np.array([0.3]), np.array([0.2]), 0.05, 0.0, 0.01)
    assert found.mean[0] == near(0.06)
    assert found.standard_deviation[0] == near(125 ** -0.5)
    z = 0.06 * 125 ** 0.5
    assert found.chance_to_win[0] == near(stats.norm.cdf(z))
    draws = stats.norm(0.06, 125 ** -0.5)
    assert found.treatment_loss[0] == near(-draws.expect(lambda x: x, ub=0.0))
    flipped = read_posterior(np.array([0.3]), np.array([0.2]), 0.05, 0.0, 0.01, True)
    assert flipped.chance_to_win[0] == near(1 - stats.norm.cdf(z))
    assert flipped.control_loss[0] == near(found.treatment_loss[0])


def test_the_expected_excess_is_precise_in_the_tail():
    for z in (-30.0, -6.0, -1.0, 0.0, 2.0, 30.0):
        upper = stats.norm.expect(lambda x, z=z: x + z, lb=-z, ub=max(-z, 0) + 12) if z > -6 \
            else stats.norm.pdf(z) / z**2 * (1 - 3 / z**2 + 15 / z**4 - 105 / z**6 + 945 / z**8)
        assert float(expected_excess(np.array(z))) == pytest.approx(upper, rel=1e-4 if z == -6
                                                                    else 1e-7)


def test_the_best_of_three_by_simulation(rng):
    mean, error = np.array([1.0, 1.2, 0.9]), np.array([0.2, 0.3, 0.1])
    draws = rng.normal(mean, error, (400_000, 3))
    shares = np.bincount(draws.argmax(axis=1), minlength=3) / 400_000
    assert chance_to_be_best(mean, error) == pytest.approx(shares, abs=0.003)
    lowest = np.bincount(draws.argmin(axis=1), minlength=3) / 400_000
    assert chance_to_be_best(mean, error, True) == pytest.approx(lowest, abs=0.003)


def test_corrections_are_those_of_statsmodels(rng):
    for size in (1, 2, 7, 40):
        p_values = np.append(rng.uniform(0, 0.2, size), [0.01, 0.01])
        assert adjust_holm(p_values) == near(multipletests(p_values, method="holm")[1])
        assert adjust_benjamini_hochberg(p_values) == near(
            multipletests(p_values, method="fdr_bh")[1])


def effects_of(estimates, errors):
    return [Effect(estimate, error, 100, 200, 1, 1, False, error)
            for estimate, error in zip(estimates, errors, strict=True)]


def test_heterogeneity_is_that_of_a_meta_analysis():
    estimates, errors = np.array([0.1, 0.4, -0.2, 0.3]), np.array([0.1, 0.15, 0.2, 0.05])
    theirs = combine_effects(estimates, errors**2)
    found = check_heterogeneity([*effects_of(estimates, errors), CannotTell("x", "y")])
    assert (found.q, found.pooled) == near((theirs.q, theirs.mean_effect_fe))
    assert found.p_value == near(stats.chi2.sf(theirs.q, 3))
    assert found.inconsistency_ratio == near(max(0, theirs.i2))
    assert check_heterogeneity(effects_of([0.1], [1.0])).code == "too_few_segments"


def test_novelty_is_a_weighted_line():
    estimates, errors = np.array([0.5, 0.4, 0.1, 0.05]), np.array([0.1, 0.1, 0.2, 0.05])
    design = np.column_stack([np.ones(4), [0, 1, 3, 4]])
    weights = np.diag(errors ** -2)
    cover = np.linalg.inv(design.T @ weights @ design)
    slope = (cover @ design.T @ weights @ estimates)[1]
    listed = effects_of(estimates, errors)
    found = check_novelty([*listed[:2], CannotTell("x", "y"), *listed[2:]])
    assert (found.slope, found.standard_error) == near((slope, cover[1, 1] ** 0.5))
    assert check_novelty(listed[:2]).code == "too_few_points"
