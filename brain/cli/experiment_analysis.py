"""The machine form of `brain experiments analyze`."""

from argparse import Namespace as Arguments
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from brain.cli.machine import ReasonOut
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from analytics.experiments import analysis
    from analytics.experiments.statistics import Mean, Proportion, Statistic

Units = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Level = Annotated[float, msgspec.Meta(gt=0, lt=0.5)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e18)]


class VariantIn(msgspec.Struct, forbid_unknown_fields=True):
    """Sums over the ``n`` units of a variant; ``weight`` is its planned share, any scale.

    Proportion: ``sum``. Mean: ``sum``, ``sum_squares``. Ratio: the same of the numerator and of
    ``denominator_``, and the sum of their products. Values from before (CUPED): ``pre_``.
    Quantile: ``value`` and its 95 % bounds for ``bounds_n`` values; with ``clusters`` units, per
    unit its events and those at or under the value.
    """

    key: str
    n: Units
    weight: Annotated[float, msgspec.Meta(ge=0, le=1e18)] | None = None
    sum: float | None = None
    sum_squares: float | None = None
    pre_sum: float | None = None
    pre_sum_squares: float | None = None
    pre_product_sum: float | None = None
    denominator_sum: float | None = None
    denominator_sum_squares: float | None = None
    denominator_product_sum: float | None = None
    value: float | None = None
    value_lower: float | None = None
    value_upper: float | None = None
    bounds_n: Units = 0
    clusters: Units | None = None
    under_sum: float | None = None
    under_sum_squares: float | None = None
    events_sum: float | None = None
    events_sum_squares: float | None = None
    events_product_sum: float | None = None


class PriorIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Normal prior of the effect, flat unless ``proper``; a relative one is times the mean."""

    mean: float = 0.0
    variance: Positive = 1.0
    proper: bool = False
    type: Literal["relative", "absolute"] = "relative"


class AnalyzeIn(msgspec.Struct, forbid_unknown_fields=True):
    """One metric of an experiment; the first variant is the control unless ``control`` is given.

    Kind "units" checks the health of the units only. ``planned_units`` tunes the sequence;
    ``looks`` are information fractions so far, for "group_sequential".
    """

    kind: Literal["proportion", "mean", "ratio", "quantile", "units"]
    variants: Annotated[list[VariantIn], msgspec.Meta(min_length=2, max_length=1_000)]
    metric: str = "metric"
    control: str | None = None
    method: Literal["sequential", "fixed", "bayesian", "group_sequential"] = "sequential"
    effect: Literal["relative", "absolute"] = "relative"
    alternative: Literal["two_sided", "greater", "less"] = "two_sided"
    alpha: Level = 0.05
    planned_units: Positive | None = None
    better: Literal["higher", "lower"] = "higher"
    smallest_effect: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    quantile: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    prior: PriorIn = PriorIn()
    looks: Annotated[list[float], msgspec.Meta(max_length=1_000)] = []
    spending: Literal["obrien_fleming", "pocock"] = "obrien_fleming"
    crossed_units: Units | None = None
    unexposed_units: Units | None = None


class ReadingOut(msgspec.Struct, frozen=True):
    """One method's reading; a null bound is unbounded, other nulls a method does not have."""

    lower: float | None
    upper: float | None
    p_value: float | None
    p_adjusted: float | None
    estimate: float | None
    chance_to_win: float | None
    control_loss: float | None
    treatment_loss: float | None
    critical_z: float | None


class ComparisonOut(msgspec.Struct, frozen=True):
    """A variant against the control, read by ``method``; ``readings`` holds every method's.

    Where the effect cannot be told, ``unknown`` says why and there are no numbers.
    """

    variant: str
    estimate: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    p_adjusted: float | None
    chance_to_win: float | None
    standard_error: float | None
    degrees_of_freedom: float | None
    control_mean: float | None
    treatment_mean: float | None
    theta: float | None
    variance_reduction_ratio: float | None
    units_to_decide: float | None
    verdict: str
    unknown: ReasonOut | None
    readings: dict[str, ReadingOut]


class CheckOut(msgspec.Struct, frozen=True):
    """A health check; a failed one takes the verdict away."""

    code: str
    status: str
    text: str


class RatioOut(msgspec.Struct, frozen=True):
    """Units against planned shares: chi-square, and valid at every look."""

    p_value: float
    anytime_p_value: float
    observed: tuple[float, ...]
    planned: tuple[float, ...]


class AnalyzeOut(msgspec.Struct, frozen=True):
    """Effects of every variant, health first, and the verdict."""

    metric: str
    method: str
    effect: str
    alpha: float
    control: str
    verdict: str
    winner: str | None
    comparisons: list[ComparisonOut]
    chance_to_be_best: dict[str, float] | None
    sample_ratio: RatioOut | None
    health: list[CheckOut]
    reasons: list[ReasonOut]


def prepare_analysis(_: Arguments) -> Callable[[Any], AnalyzeOut]:
    """The function that reads one metric."""
    from brain.cli.experiment_reading import read_metric
    return read_metric


def read_statistic(given: VariantIn, kind: str, quantile: float | None,
                   place: str) -> "Statistic":
    """A variant's sums as its kind of metric; raises InputError naming what is missing."""
    from analytics.experiments import statistics

    def need(name: str) -> float:
        value = getattr(given, name)
        if value is None:
            raise InputError("missing_field", f"a {kind} needs {name}", f"{place}.{name}")
        return float(value)

    if kind == "quantile":
        if quantile is None:
            raise InputError("missing_field", "a quantile needs its level", "quantile")
        clusters = None if given.clusters is None else statistics.Clusters(
            given.clusters, need("under_sum"), need("under_sum_squares"), need("events_sum"),
            need("events_sum_squares"), need("events_product_sum"))
        return statistics.Quantile(given.n, quantile, need("value"), need("value_lower"),
                                   need("value_upper"), given.bounds_n, clusters)
    if kind == "ratio":
        return statistics.Ratio(given.n, need("sum"), need("sum_squares"),
                                need("denominator_sum"), need("denominator_sum_squares"),
                                need("denominator_product_sum"))
    post: Proportion | Mean = statistics.Proportion(given.n, need("sum"))
    if kind == "mean":
        post = statistics.Mean(given.n, post.sum, need("sum_squares"))
    if given.pre_sum is None:
        return post
    pre: Proportion | Mean = statistics.Proportion(given.n, given.pre_sum)
    if given.pre_sum_squares is not None:
        pre = statistics.Mean(given.n, given.pre_sum, given.pre_sum_squares)
    return statistics.Adjusted(post, pre, need("pre_product_sum"))


def read_rules(given: AnalyzeIn) -> "analysis.Rules":
    """How the metric is to be read; raises InputError for looks that do not rise to 1."""
    from analytics.experiments import analysis
    looks = tuple(given.looks)
    rising = all(low < high for low, high in zip((0.0, *looks), looks, strict=False))
    if not rising or (looks and looks[-1] > 1):
        raise InputError("wrong_order", "looks must rise from above 0 to at most 1", "looks")
    if given.method == "group_sequential" and not looks:
        raise InputError("missing_field", "a group sequential reading needs the looks so far",
                         "looks")
    prior = analysis.Prior(given.prior.mean, given.prior.variance, given.prior.proper,
                           given.prior.type == "relative")
    return analysis.Rules(given.method, given.alpha, given.alternative,
                          given.effect == "relative",
                          given.planned_units or analysis.DEFAULT_PLANNED_UNITS, prior, looks,
                          given.spending)
