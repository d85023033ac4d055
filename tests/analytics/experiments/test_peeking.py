"""Two thousand A/A experiments, looked at a hundred times: who raises false alarms?"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.experiments.group_sequential import crossing_probability, find_boundary
from analytics.experiments.readings import read_fixed, read_sequence
from analytics.experiments.series import count_calls, read_series
from analytics.experiments.srm import check_ratio

RUNS, LOOKS, BATCH = 2_000, 100, 50
ALPHA = 0.05
NOISE = 3 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5
"""Three standard errors of a share of 0.05 in 2,000 runs: 0.0146."""


def draw(law, rng):
    shape = (RUNS, LOOKS, BATCH)
    if law == "proportion":
        hits = rng.binomial(BATCH, 0.1, (RUNS, LOOKS)).astype(float)
        return hits, hits
    values = rng.standard_exponential(shape) if law == "exponential" else rng.normal(
        3, 1, shape)
    return values.sum(axis=2), (values * values).sum(axis=2)


def moments(law, rng):
    """Means and variances of one variant after each look, shape (runs, looks)."""
    sums, squares = (each.cumsum(axis=1) for each in draw(law, rng))
    n = np.arange(1, LOOKS + 1) * float(BATCH)
    return sums / n, (squares - sums * sums / n) / (n - 1), n


@pytest.fixture(scope="module", params=["normal", "exponential", "proportion"])
def looks(request):
    """Relative effects of nothing: estimate, standard error, absolute z, freedom, units.

    Looks at which a variant has no variance yet have no effect: there the error is infinite.
    """
    rng = np.random.default_rng(11)
    (mean_a, var_a, n), (mean_b, var_b, _) = moments(request.param, rng), moments(
        request.param, rng)
    known = (var_a > 0) & (var_b > 0)
    mean_a, var_a, var_b = (np.where(known, each, 1.0) for each in (mean_a, var_a, var_b))
    error = np.sqrt(var_b / n + (mean_b / mean_a) ** 2 * var_a / n) / mean_a
    df = (var_a + var_b) ** 2 / ((var_a**2 + var_b**2) / (n - 1))
    z = np.where(known, (mean_b - mean_a) / np.sqrt((var_a + var_b) / n), 0.0)
    return (mean_b - mean_a) / mean_a, np.where(known, error, 1e9), z, df, 2 * n


def significant(found, on_difference):
    """As the analysis decides: the interval leaves zero, and the plain difference is sure."""
    left = (found.lower > 0) | (found.upper < 0)
    return left & (on_difference.p_value <= ALPHA)


def test_naive_peeking_is_wrong_a_third_of_the_time(looks):
    estimate, error, _, df, _ = looks
    found = read_fixed(estimate, error, df, ALPHA)
    ever = ((found.lower > 0) | (found.upper < 0)).any(axis=1).mean()
    assert ever > 0.3


@pytest.mark.parametrize("planned_units", [1_000, 10_000])
def test_the_sequence_keeps_its_level_at_every_look(looks, planned_units):
    estimate, error, z, _, n = looks
    found = read_sequence(estimate, error, n, ALPHA, planned_units)
    left = (found.lower > 0) | (found.upper < 0)
    assert ((found.p_value <= ALPHA) == left).all()
    on_difference = read_sequence(z, np.ones_like(z), n, ALPHA, planned_units)
    assert significant(found, on_difference).any(axis=1).mean() <= ALPHA


@pytest.mark.parametrize("side", ["greater", "less"])
def test_one_sided_sequences_keep_their_level(looks, side):
    estimate, error, z, _, n = looks
    found = read_sequence(estimate, error, n, ALPHA, 10_000, side)
    on_difference = read_sequence(z, np.ones_like(z), n, ALPHA, 10_000, side)
    assert significant(found, on_difference).any(axis=1).mean() <= ALPHA


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_group_sequential_looks_keep_their_level(looks, spending):
    estimate, error, z, _, _ = looks
    fractions = tuple((look + 1) / LOOKS for look in range(LOOKS))
    critical = np.array(find_boundary(fractions, ALPHA, spending).critical)
    ever = (np.minimum(np.abs(estimate / error), np.abs(z)) >= critical).any(axis=1).mean()
    assert ever <= ALPHA + NOISE
    if spending == "obrien_fleming":
        # 2.185 at the last look: 1.12 times the fixed interval
        assert critical[-1] / stats.norm.ppf(1 - ALPHA / 2) == pytest.approx(1.115, abs=0.002)


def test_a_real_effect_is_found_and_never_left_uncovered():
    """An effect of 0.1 standard deviations: found in the plan's units, and covered throughout."""
    rng = np.random.default_rng(5)
    (mean_a, var_a, n), (mean_b, var_b, _) = moments("normal", rng), moments("normal", rng)
    estimate, error = mean_b + 0.1 - mean_a, np.sqrt((var_a + var_b) / n)
    found = read_sequence(estimate, error, np.broadcast_to(2 * n, error.shape), ALPHA, 6_000)
    covered = ((found.lower <= 0.1) & (found.upper >= 0.1)).all(axis=1)
    assert covered.mean() >= 1 - ALPHA
    assert (found.lower > 0).any(axis=1).mean() > 0.9


def test_units_that_fall_as_planned_raise_no_alarm_at_any_look():
    rng = np.random.default_rng(3)
    shares = np.array([0.5, 0.3, 0.2])
    alarms, naive = 0, 0
    for _ in range(400):
        counts = rng.multinomial(BATCH, shares, LOOKS).cumsum(axis=0)
        checks = [check_ratio(each, [50, 30, 20]) for each in counts[4::5]]
        alarms += any(each.anytime_p_value <= ALPHA for each in checks)
        naive += any(each.p_value <= ALPHA for each in checks)
    assert alarms / 400 <= ALPHA
    assert naive / 400 > 0.15


# Boundaries of the spending function of Lan and DeMets, O'Brien-Fleming type, alpha 0.05
# two-sided, five looks: as in Jennison and Turnbull and in the gsDesign package (sfLDOF).
@pytest.mark.parametrize(("looks_fractions", "spending", "expected"), [
    ((0.2, 0.4, 0.6, 0.8, 1.0), "obrien_fleming", (4.8769, 3.3570, 2.6803, 2.2898, 2.0310)),
    ((0.2, 0.4, 0.6, 0.8, 1.0), "pocock", (2.4380, 2.4268, 2.4102, 2.3966, 2.3860)),
    ((0.5, 1.0), "obrien_fleming", (2.9626, 1.9686)),
    ((1.0,), "obrien_fleming", (1.95996,)),
])
def test_boundaries_are_the_published_ones(looks_fractions, spending, expected):
    found = find_boundary(looks_fractions, 0.05, spending)
    assert found.critical == pytest.approx(expected, abs=2e-4)
    assert crossing_probability(found, 0.0) == pytest.approx(0.05, abs=1e-9)


def test_boundaries_of_one_side_are_those_of_two_at_half_the_level():
    fractions = (0.25, 0.5, 1.0)
    assert find_boundary(fractions, 0.025, is_two_sided=False).critical == pytest.approx(
        find_boundary(fractions, 0.05).critical, abs=1e-6)


def test_looks_must_rise():
    for fractions in ((), (0.5, 0.5), (0.0, 1.0), (0.5, 1.2)):
        with pytest.raises(ValueError, match="rising"):
            find_boundary(fractions, 0.05)


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_rare_conversions_do_not_fool_the_series(share):
    """Relative intervals alone leave zero too easily while the control's mean is uncertain."""
    rng = np.random.default_rng(23)
    means = rng.binomial(BATCH, share, (2, RUNS, LOOKS)).cumsum(axis=2) / (
        np.arange(1, LOOKS + 1) * BATCH)
    n = np.tile(np.arange(1, LOOKS + 1) * BATCH, RUNS)
    looks_of = pd.DataFrame({
        "count_c": n, "count_t": n, "mean_c": means[0].ravel(), "mean_t": means[1].ravel(),
        "variance_c": (means[0] * (1 - means[0])).ravel(),
        "variance_t": (means[1] * (1 - means[1])).ravel()})
    found = read_series(looks_of, 10_000.0, ALPHA)
    run = pd.Series(np.repeat(np.arange(RUNS), LOOKS))
    calls = count_calls(found, run, pd.Series(n))
    assert calls.sequential <= ALPHA * calls.series
    assert calls.naive > 0.15 * calls.series
    if share == 0.01:
        alone = ((found["lower"] > 0) | (found["upper"] < 0)).groupby(run).any().mean()
        assert alone > 0.1
