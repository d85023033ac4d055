"""CUPED: an effect whose variance is reduced by what is known from before the experiment."""

from dataclasses import dataclass

from analytics.experiments.statistics import (
    IMPOSSIBLE,
    Adjusted,
    CannotTell,
    Mean,
    Moments,
    Proportion,
    covary,
    is_flat,
    measure,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Control and treatment after adjustment.

    ``control`` and ``treatment`` hold adjusted means and variances; ``control_rel_variance`` is
    the control's part of a relative effect, times the squared mean: the effect divides by the
    control's own mean, with which the adjusted one varies. Without a usable history ``theta`` is
    0 and nothing is adjusted.
    """

    theta: float
    control: Moments
    treatment: Moments
    control_mean: float
    treatment_mean: float
    control_rel_variance: float
    variance_reduction_ratio: float


def adjust_pair(control: Adjusted, treatment: Adjusted) -> Pair | CannotTell:
    """Both variants adjusted by one theta, the pooled covariance over the pooled variance.

    Source: Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of Online Controlled
    Experiments by Utilizing Pre-Experiment Data", WSDM 2013.
    """
    plain = []
    for each in (control, treatment):
        moments = measure(each.post)
        if isinstance(moments, CannotTell):
            return moments
        if each.pre.n != each.post.n:
            return IMPOSSIBLE
        plain.append(moments)
    theta = _theta(control, treatment)
    spreads = [_spread(each, moments, theta, 1.0) for each, moments in
               zip((control, treatment), plain, strict=True)]
    if min(spreads) <= 0:
        return IMPOSSIBLE
    means = [moments.mean - theta * each.pre.sum / each.n
             for each, moments in zip((control, treatment), plain, strict=True)]
    before = sum(moments.variance / moments.n for moments in plain)
    after = sum(spread / moments.n for spread, moments in zip(spreads, plain, strict=True))
    growth = plain[1].mean / plain[0].mean if plain[0].mean else 0.0
    return Pair(theta, Moments(control.n, means[0], spreads[0]),
                Moments(treatment.n, means[1], spreads[1]), plain[0].mean, plain[1].mean,
                _spread(control, plain[0], theta, growth), 1 - after / before)


def _theta(control: Adjusted, treatment: Adjusted) -> float:
    n = control.n + treatment.n
    post, pre = (_pool(control.post, treatment.post), _pool(control.pre, treatment.pre))
    spread = _variance(pre)
    if spread <= 0:
        return 0.0
    return covary(n, post, pre, control.product_sum + treatment.product_sum) / spread


def _pool(first: Mean | Proportion, second: Mean | Proportion) -> Mean | Proportion:
    if isinstance(first, Mean) and isinstance(second, Mean):
        return Mean(first.n + second.n, first.sum + second.sum,
                    first.sum_squares + second.sum_squares)
    return Proportion(first.n + second.n, first.sum + second.sum)


def _variance(given: Mean | Proportion) -> float:
    if isinstance(given, Proportion):
        share = given.sum / given.n
        return share * (1 - share)
    centered = given.sum_squares - given.sum * given.sum / given.n
    return 0.0 if is_flat(centered, given.sum_squares, given.n) else centered / (given.n - 1)


def _spread(given: Adjusted, plain: Moments, theta: float, growth: float) -> float:
    """Variance of growth × value - theta × value before, of one unit."""
    if theta == 0:
        return growth * growth * plain.variance
    return (growth * growth * plain.variance + theta * theta * _variance(given.pre)
            - 2 * theta * growth * covary(given.n, given.post, given.pre, given.product_sum))
