"""Every case of the reference engine, by our own methods, to 1e-6."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from analytics.experiments.analysis import Metric, Prior, Rules, analyze
from analytics.experiments.srm import RatioCheck, check_ratio
from analytics.experiments.statistics import CannotTell
from tests.analytics.experiments.reference import asked, bound, statistic
from tests.datasets import dataset

KNOWN_IN = {"a", "b", "difference_type", "alpha", "sequential_tuning_parameter", "inverse",
            "prior_type", "prior"}
KNOWN_OUT = {"expected", "ci", "errorMessage", "pValue", "pValueErrorMessage", "chanceToWin",
             "risk", "riskType", "theta"}


def near(expected):
    return pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_every_case():
    cases = json.loads(dataset("EXPERIMENT_CASES").read_text())
    run = Counter()
    for number, case in enumerate(cases):
        kind, given, expected = case["kind"], case["in"], case["out"]
        try:
            if kind == "srm":
                check_srm(given, expected)
            else:
                check_effect(kind, given, expected)
        except AssertionError as error:
            raise AssertionError(f"case {number} ({kind}): {error}") from error
        run[kind] += 1
    assert run == Counter(case["kind"] for case in cases)
    assert run.total() > 0


def check_srm(given, expected):
    found = check_ratio(given["users"], given["weights"])
    if not any(given["users"]):  # no units: not p = 1 but a typed answer
        assert isinstance(found, CannotTell)
        return
    assert isinstance(found, RatioCheck)
    if all(weight > 0 for weight in given["weights"]):
        assert found.p_value == near(expected)


def check_effect(kind, given, expected):
    assert set(given) <= KNOWN_IN, set(given) - KNOWN_IN
    assert set(expected) <= KNOWN_OUT, set(expected) - KNOWN_OUT
    how = asked(kind, given)
    prior = given.get("prior", {"mean": 0.0, "variance": 1.0, "proper": False})
    rules = Rules(how.method, how.alpha, how.alternative, how.is_relative,
                  given.get("sequential_tuning_parameter", 5_000),
                  Prior(prior["mean"], prior["variance"], prior["proper"],
                        given.get("prior_type", "relative") == "relative"))
    metric = Metric("m", {key: statistic(given[key]) for key in "ab"},
                    better="lower" if given.get("inverse") else "higher")
    ((found,),) = [each.comparisons for each in analyze((metric,), "a", rules)]
    if expected["errorMessage"]:
        # Ours tells an absolute effect also where the control's mean is zero.
        assert found.verdict.name == "cannot_tell" or (
            "BASELINE" in expected["errorMessage"] and not how.is_relative)
        return
    reading = found.readings[how.method]
    estimate = found.effect.estimate if reading.estimate is None else reading.estimate
    assert estimate == near(expected["expected"])
    assert reading.lower == near(bound(expected["ci"][0], -1))
    assert reading.upper == near(bound(expected["ci"][1], 1))
    if expected.get("pValue") is not None and not is_cut_off(how, expected["pValue"]):
        # One-sided sequential p-values of the reference come from a search that ends when the
        # bound is within 1e-6 of zero; ours are in closed form.
        is_searched = how.method == "sequential" and how.alternative != "two_sided"
        assert reading.p_value == (pytest.approx(expected["pValue"], rel=1e-2) if is_searched
                                   else near(expected["pValue"]))
    if expected.get("theta") is not None:
        assert found.effect.theta == near(expected["theta"])
    if "chanceToWin" in expected:
        assert reading.chance_to_win == near(expected["chanceToWin"])
        assert (reading.control_loss, reading.treatment_loss) == near(tuple(expected["risk"]))
        assert expected["riskType"] == ("relative" if how.is_relative else "absolute")


def is_cut_off(how, p_value):
    """One-sided sequential p-values of the reference end at 1e-5 and 0.4999; ours go on."""
    return (how.method, how.alternative == "two_sided") == ("sequential", False) and (
        p_value <= 1e-5 or p_value >= 0.4999)


def test_an_unknown_kind_is_not_skipped():
    with pytest.raises(AssertionError, match="not run"):
        asked("permutation_mean", {"difference_type": "relative", "alpha": 0.05})


def test_the_reference_loses_what_ours_keeps():
    """1 - cdf is 0 for strong effects; the tail itself is not."""
    from analytics.experiments.readings import read_fixed
    found = read_fixed(np.array([30.0]), np.array([1.0]), np.array([1e6]), 0.05)
    assert 0 < found.p_value[0] < 1e-150
    assert math.isfinite(found.lower[0])
