"""What cannot be told is told so: never p = 1, never NaN, never a crash."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.experiments.analysis import Metric, Prior, Rules, analyze
from analytics.experiments.effects import Effect, estimate_effect
from analytics.experiments.health import HealthCheck as Check
from analytics.experiments.statistics import (
    Adjusted,
    CannotTell,
    Clusters,
    Mean,
    Proportion,
    Quantile,
    Ratio,
    measure,
)

SOUND = Mean(100, 500.0, 2_700.0)
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(("statistic", "code"), [
    (Mean(0, 0, 0), "empty_variant"), (Proportion(0, 0), "empty_variant"),
    (Mean(1, 5, 25), "one_unit"), (Proportion(1, 1), "one_unit"),
    (Mean(10, 50, 250), "no_variance"), (Proportion(10, 0), "no_variance"),
    (Proportion(10, 10), "no_variance"), (Mean(10, 0, 0), "no_variance"),
    # ten times 0.1 summed in floats: not quite 1 and not quite 0.1
    (Mean(10, sum([0.1] * 10), sum([0.1 * 0.1] * 10)), "no_variance"),
    (Mean(10, NAN, 5), "not_finite"), (Mean(10, 5, INF), "not_finite"),
    (Proportion(10, NAN), "not_finite"), (Mean(10, 1e300, 1e300), "impossible_statistics"),
    (Mean(10, 50, 100), "impossible_statistics"), (Mean(10, 0, -1), "impossible_statistics"),
    (Proportion(10, 11), "impossible_statistics"), (Proportion(10, -1), "impossible_statistics"),
    (Mean(-1, 0, 0), "impossible_statistics"),
    (Ratio(10, 5, 5, 0, 0, 0), "zero_denominator"),
    (Ratio(10, 5, 9, 20, 60, 1_000), "impossible_statistics"),
    (Ratio(10, 10, 10, 20, 40, 20), "no_variance"),  # every unit has 1 of 2
    (Quantile(5, 0.9, 1, 0, 2), "too_few_for_quantile"),
    (Quantile(500, 0.9, 1, 1, 1), "no_variance"),
    (Quantile(500, 0.9, 1, 2, 3), "impossible_statistics"),
    (Quantile(500, 1.0, 1, 0, 2), "impossible_statistics"),
    (Quantile(500, 0.5, 1, 0, 2, 500, Clusters(1, 250, 62_500, 500, 250_000, 125_000)),
     "too_few_for_quantile"),
    (Adjusted(Mean(10, 50, 250), SOUND, 0), "no_variance"),
])
def test_says_why(statistic, code):
    found = measure(statistic)
    assert isinstance(found, CannotTell)
    assert found.code == code


def test_histories_of_other_units_or_impossible_products_are_refused():
    other = Adjusted(SOUND, Mean(99, 500.0, 2_700.0), 0)
    assert estimate_effect(other, other, False).code == "impossible_statistics"
    wild = Adjusted(SOUND, SOUND, 1e9)
    assert estimate_effect(wild, wild, False).code == "impossible_statistics"


NUMBERS = st.one_of(
    st.floats(), st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, NAN, INF, -INF]),
    st.integers(-10, 1_000).map(float))
COUNTS = st.integers(-1, 5) | st.integers(0, 10**12)
MEANS = st.builds(Mean, COUNTS, NUMBERS, NUMBERS)
PROPORTIONS = st.builds(Proportion, COUNTS, NUMBERS)
STATISTICS = {
    "mean": MEANS, "proportion": PROPORTIONS,
    "ratio": st.builds(Ratio, COUNTS, *[NUMBERS] * 5),
    "adjusted": st.builds(Adjusted, MEANS | PROPORTIONS, MEANS | PROPORTIONS, NUMBERS),
    "quantile": st.builds(Quantile, COUNTS, *[NUMBERS] * 4, COUNTS, st.none() | st.builds(
        Clusters, COUNTS, *[NUMBERS] * 5))}
RULES = st.builds(
    Rules, st.sampled_from(["sequential", "fixed", "bayesian", "group_sequential"]),
    st.sampled_from([1e-6, 0.05, 0.49]), st.sampled_from(["two_sided", "greater", "less"]),
    st.booleans(),
    st.floats(1, 1e9), st.builds(Prior, st.floats(-1e3, 1e3), st.floats(1e-12, 1e6),
                                 st.booleans(), st.booleans()), st.just((0.5, 1.0)))


def sound(result):
    """Numbers where there is an effect, a typed answer where not."""
    for comparison in result.comparisons:
        assert comparison.verdict.code
        assert comparison.verdict.text
        if isinstance(comparison.effect, CannotTell):
            assert comparison.readings == {}
            assert comparison.verdict.name == "cannot_tell"
            continue
        for reading in comparison.readings.values():
            assert not math.isnan(reading.lower)
            assert not math.isnan(reading.upper)
            assert reading.lower <= reading.upper
            for value in (reading.p_value, reading.p_adjusted, reading.chance_to_win):
                assert value is None or 0 <= value <= 1
            for loss in (reading.control_loss, reading.treatment_loss):
                assert loss is None or loss >= 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", STATISTICS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data(), rules=RULES)
def test_any_statistics_give_numbers_or_reasons(kind, data, rules):
    variants = {key: data.draw(STATISTICS[kind]) for key in "abc"}
    (result,) = analyze((Metric("m", variants),), "a", rules)
    sound(result)


UNIT_VALUES = st.lists(st.integers(-50, 50), min_size=2, max_size=30)


def sums(values):
    return Mean(len(values), float(sum(values)), float(sum(value * value for value in values)))


@settings(deadline=None)
@given(UNIT_VALUES, UNIT_VALUES, RULES)
def test_real_values_give_sound_answers(first, second, rules):
    (result,) = analyze((Metric("m", {"a": sums(first), "b": sums(second)}),), "a", rules)
    sound(result)
    (comparison,) = result.comparisons
    flat = len(set(first)) == 1 or len(set(second)) == 1
    assert isinstance(comparison.effect, CannotTell) or not flat


@settings(deadline=None)
@given(UNIT_VALUES, UNIT_VALUES)
def test_swapping_variants_turns_the_absolute_effect(first, second):
    there = estimate_effect(sums(first), sums(second), False)
    back = estimate_effect(sums(second), sums(first), False)
    assert isinstance(there, Effect) == isinstance(back, Effect)
    if isinstance(there, Effect):
        assert back.estimate == pytest.approx(-there.estimate)
        assert back.standard_error == pytest.approx(there.standard_error)


@settings(deadline=None)
@given(UNIT_VALUES, UNIT_VALUES, st.floats(0.01, 100))
def test_the_unit_of_measurement_does_not_matter_to_relative_effects(first, second, factor):
    def scaled(given):
        return Mean(given.n, given.sum * factor, given.sum_squares * factor * factor)
    plain = estimate_effect(sums(first), sums(second), True)
    other = estimate_effect(scaled(sums(first)), scaled(sums(second)), True)
    if isinstance(plain, Effect) and isinstance(other, Effect):
        assert other.estimate == pytest.approx(plain.estimate, rel=1e-6, abs=1e-9)
        assert other.standard_error == pytest.approx(plain.standard_error, rel=1e-6)


def test_a_prior_relative_to_a_mean_of_zero_says_nothing():
    rules = Rules("bayesian", is_relative=False, prior=Prior(0.0, 0.1, True))
    variants = {"a": Mean(10, 0.0, 10.0), "b": Mean(10, 5.0, 12.0)}
    ((found,),) = [each.comparisons for each in analyze((Metric("m", variants),), "a", rules)]
    assert (found.verdict.name, found.verdict.code) == ("cannot_tell", "zero_baseline")
    assert "bayesian" not in found.readings
    assert "sequential" in found.readings


def test_a_failed_check_takes_every_verdict_away():
    failed = Check("sample_ratio", "failed", "Units do not fall as planned.")
    variants = {"a": Proportion(10_000, 1_000), "b": Proportion(10_000, 1_500),
                "c": Proportion(0, 0)}
    (found,) = analyze((Metric("m", variants),), "a", Rules(), [failed])
    assert {each.verdict.name for each in found.comparisons} == {"invalid"}
    (sane,) = analyze((Metric("m", variants),), "a", Rules())
    assert [each.verdict.name for each in sane.comparisons] == ["better", "cannot_tell"]


def test_group_sequential_needs_its_looks():
    with pytest.raises(ValueError, match="looks"):
        analyze((Metric("m", {"a": SOUND, "b": SOUND}),), "a", Rules("group_sequential"))
