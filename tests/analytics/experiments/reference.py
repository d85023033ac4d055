"""Cases of a reference statistics engine in our own terms; an unknown kind is an error."""

import math
from dataclasses import dataclass
from typing import Any

from analytics.experiments.statistics import (
    Adjusted,
    Clusters,
    Mean,
    Proportion,
    Quantile,
    Ratio,
    Statistic,
)

METHODS = {"freq": "fixed", "sequential": "sequential", "bayes": "bayesian", "cuped": "",
           "ratio": "", "quantile": ""}
SIDES = {"two_sided": "two_sided", "greater": "greater", "lesser": "less", "less": "less"}


@dataclass(frozen=True, slots=True)
class Asked:
    """How a case is to be read."""

    method: str
    alternative: str
    is_relative: bool
    alpha: float


def asked(kind: str, given: dict[str, Any]) -> Asked:
    """Method and side out of a kind such as sequential_two_sided_mean or cuped_freq."""
    words = kind.split("_")
    methods = [METHODS[word] for word in words if METHODS.get(word)]
    assert words[0] in METHODS, f"a kind of case that is not run: {kind}"
    assert len(methods) == 1, f"a kind of case that is not run: {kind}"
    sides = [side for word, side in SIDES.items() if f"_{word}" in kind]
    return Asked(methods[0], sides[0] if sides else "two_sided",
                 given["difference_type"] == "relative", given["alpha"])


def statistic(given: dict[str, Any]) -> Statistic:
    """The sums of one variant."""
    if "post" in given:
        return Adjusted(_plain(given["post"]), _plain(given["pre"]),
                        given["post_pre_sum_of_products"])
    if "m" in given:
        above, below = given["m"], given["d"]
        return Ratio(given["n"], above["sum"], above.get("sum_squares", above["sum"]),
                     below["sum"], below.get("sum_squares", below["sum"]),
                     given["m_d_sum_of_products"])
    if "quantile_hat" in given:
        clusters = None
        if "n_clusters" in given:
            clusters = Clusters(given["n_clusters"], given["main_sum"],
                                given["main_sum_squares"], given["denominator_sum"],
                                given["denominator_sum_squares"],
                                given["main_denominator_sum_product"])
        return Quantile(given["n"], given["nu"], given["quantile_hat"], given["quantile_lower"],
                        given["quantile_upper"], given["n_star"], clusters)
    return _plain(given)


def _plain(given: dict[str, Any]) -> Mean | Proportion:
    if "sum_squares" in given:
        return Mean(given["n"], given["sum"], given["sum_squares"])
    return Proportion(given["n"], given["sum"])


def record(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The case as a line of ``brain experiments analyze``."""
    if kind == "srm":
        return {"kind": "units", "variants": [
            {"key": str(place), "n": n, "weight": weight} for place, (n, weight) in
            enumerate(zip(given["users"], given["weights"], strict=True))]}
    how = asked(kind, given)
    line: dict[str, Any] = {
        "method": how.method, "alternative": how.alternative, "alpha": how.alpha,
        "effect": given["difference_type"],
        "variants": [{"key": key} | _fields(statistic(given[key])) for key in "ab"]}
    line["kind"] = _kind(statistic(given["a"]))
    if line["kind"] == "quantile":
        line["quantile"] = given["a"]["nu"]
    if "sequential_tuning_parameter" in given:
        line["planned_units"] = given["sequential_tuning_parameter"]
    if "prior" in given:
        line["prior"] = given["prior"] | {"type": given["prior_type"]}
        line["better"] = "lower" if given["inverse"] else "higher"
    return line


def _kind(given: Statistic) -> str:
    return _kind(given.post) if isinstance(given, Adjusted) else type(given).__name__.lower()


def _fields(given: Statistic) -> dict[str, Any]:
    if isinstance(given, Adjusted):
        before = _fields(given.pre)
        before.pop("n")
        return _fields(given.post) | {f"pre_{name}": value for name, value in before.items()} | {
            "pre_product_sum": given.product_sum}
    if isinstance(given, Ratio):
        return {"n": given.n, "sum": given.sum, "sum_squares": given.sum_squares,
                "denominator_sum": given.denominator_sum,
                "denominator_sum_squares": given.denominator_sum_squares,
                "denominator_product_sum": given.product_sum}
    if isinstance(given, Quantile):
        fields = {"n": given.n, "value": given.value, "value_lower": given.lower,
                  "value_upper": given.upper, "bounds_n": given.bounds_n}
        if given.clusters:
            fields |= {"clusters": given.clusters.n, "under_sum": given.clusters.under_sum,
                       "under_sum_squares": given.clusters.under_sum_squares,
                       "events_sum": given.clusters.events_sum,
                       "events_sum_squares": given.clusters.events_sum_squares,
                       "events_product_sum": given.clusters.product_sum}
        return fields
    fields = {"n": given.n, "sum": given.sum}
    return fields if isinstance(given, Proportion) else fields | {
        "sum_squares": given.sum_squares}


def bound(value: float | str | None, side: float) -> float:
    """A bound of the file; text and null are infinite."""
    return side * math.inf if value is None else float(value)
