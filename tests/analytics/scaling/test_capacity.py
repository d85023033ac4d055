"""Capacity of a pod, from rates and latencies of which the truth is known."""

import numpy as np
import pytest

from analytics.scaling.capacity import CannotFit, Capacity, fit_capacity


def measured(most_rps, points=600, service_s=0.1, saturation_rps=100.0, noise=0.1):
    """latency = 0.1 s / (1 - rate / 100), with noise and now and then an outlier."""
    rng = np.random.default_rng(4)
    rates = rng.uniform(5, most_rps, points)
    latency = service_s / (1 - rates / saturation_rps) * np.exp(rng.normal(0, noise, points))
    return rates, np.where(rng.random(points) < 0.03, latency * 8, latency)


def test_finds_what_a_pod_can_serve():
    found = fit_capacity(*measured(90.0), objective_s=0.4)
    assert isinstance(found, Capacity)
    # 0.1 / (1 - r / 100) = 0.4 at r = 75
    assert found.pod_rps == pytest.approx(75, rel=0.05)
    assert found.saturation_rps == pytest.approx(100, rel=0.05)
    assert found.service_s == pytest.approx(0.1, rel=0.05)
    assert found.error_ratio < 0.1 and not found.is_limited


def test_promises_little_beyond_what_was_seen():
    rates, latency = measured(40.0, noise=0.02)
    found = fit_capacity(rates, latency, objective_s=0.4)
    assert isinstance(found, Capacity) and found.is_limited
    assert found.pod_rps == pytest.approx(1.25 * rates.max())


def test_gaps_are_left_out():
    rates, latency = measured(90.0)
    whole = fit_capacity(rates, latency, 0.4)
    gaps = np.array([np.nan, 0.0, 30.0]), np.array([0.1, 0.1, np.nan])
    assert fit_capacity(*(np.concatenate(pair) for pair in zip((rates, latency), gaps,
                                                               strict=True)), 0.4) == whole


@pytest.mark.parametrize(("rates", "latency", "code"), [
    (np.arange(1.0, 20.0), np.full(19, 0.1), "too_few"),
    (np.full(100, 5.0), np.full(100, 0.1), "one_rate"),
    (np.linspace(1, 9, 100), np.full(100, 0.1), "never_loaded"),
    (np.linspace(1, 90, 100), 1.0 / (1 - np.linspace(0.01, 0.9, 100)),
     "objective_below_service")])
def test_says_why_nothing_can_be_told(rates, latency, code):
    found = fit_capacity(rates, latency, 0.4)
    assert isinstance(found, CannotFit) and found.code == code


def test_refuses_unequal_pairs():
    with pytest.raises(ValueError, match="pairs"):
        fit_capacity(np.ones(3), np.ones(4), 0.4)
