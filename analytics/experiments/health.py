"""Health of an experiment: what must hold before its result may be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.experiments.effects import Effect, estimate_effect
from analytics.experiments.readings import read_fixed
from analytics.experiments.segments import Trend
from analytics.experiments.srm import RatioCheck
from analytics.experiments.statistics import Adjusted, CannotTell

CheckStatus = Literal["ok", "warning", "failed", "unknown"]
RATIO_ALPHA = 0.001
ANYTIME_RATIO_ALPHA = 0.01
BEFORE_ALPHA = 0.001
NOVELTY_ALPHA = 0.01
MOST_CROSSED_RATIO = 0.01
MOST_UNEXPOSED_RATIO = 0.05


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check; a failed one takes the verdict away, a warning stands beside it."""

    code: str
    status: CheckStatus
    text: str


def judge_ratio(found: RatioCheck | CannotTell, is_anytime: bool) -> HealthCheck:
    """Sample ratio mismatch: by the anytime p-value where results are looked at often."""
    code = "sample_ratio"
    if isinstance(found, CannotTell):
        return HealthCheck(code, "unknown", found.text)
    p_text = f"p = {found.p_value:.2g}, at any look {found.anytime_p_value:.2g}"
    is_failed = (found.anytime_p_value < ANYTIME_RATIO_ALPHA if is_anytime
                 else found.p_value < RATIO_ALPHA)
    if is_failed:
        shares = ", ".join(f"{seen:.2%} of planned {wanted:.2%}" for seen, wanted in
                           zip(found.observed, found.planned, strict=True))
        return HealthCheck(code, "failed", f"Units do not fall as planned ({p_text}): {shares}.")
    if found.p_value < RATIO_ALPHA:
        return HealthCheck(code, "warning", f"Units may not fall as planned ({p_text}).")
    return HealthCheck(code, "ok", f"Units fall as planned ({p_text}).")


def judge_crossed(crossed_units: int, units: int) -> HealthCheck:
    """Units that saw two variants: they belong to neither."""
    code = "crossed_units"
    if units <= 0:
        return HealthCheck(code, "unknown", "There are no units yet.")
    share = crossed_units / units
    text = f"{crossed_units:,} of {units:,} units ({share:.2%}) saw more than one variant."
    if share > MOST_CROSSED_RATIO:
        return HealthCheck(code, "failed", text)
    return HealthCheck(code, "warning" if crossed_units else "ok", text)


def judge_unexposed(unexposed_units: int, units: int) -> HealthCheck:
    """Units that were assigned or measured but of which no exposure is recorded."""
    code = "missing_exposures"
    total = unexposed_units + units
    if total <= 0:
        return HealthCheck(code, "unknown", "There are no units yet.")
    share = unexposed_units / total
    text = f"{unexposed_units:,} of {total:,} units ({share:.2%}) have no exposure."
    return HealthCheck(code, "warning" if share > MOST_UNEXPOSED_RATIO else "ok", text)


def judge_before(variants: Mapping[str, Adjusted], control: str) -> HealthCheck:
    """Whether variants differed before the experiment began, as they must not (A/A)."""
    code = "difference_before"
    found = [estimate_effect(variants[control].pre, each.pre, is_relative=False)
             for key, each in variants.items() if key != control]
    known = [each for each in found if isinstance(each, Effect)]
    if not known:
        return HealthCheck(code, "unknown", "There is no history to compare.")
    estimate, error, df = np.array([(each.estimate, each.standard_error, each.degrees_of_freedom)
                                    for each in known]).T
    p_values = read_fixed(estimate, error, df, BEFORE_ALPHA).p_value
    p_value = min(1.0, float(p_values.min()) * len(known))
    if p_value < BEFORE_ALPHA:
        return HealthCheck(code, "failed", "Variants differed before the experiment began "
                                           f"(p = {p_value:.2g}).")
    return HealthCheck(code, "ok", f"Variants were alike before (p = {p_value:.2g}).")


def judge_novelty(trend: Trend | CannotTell) -> HealthCheck:
    """Whether the effect changes with time, so that its mean is not its future."""
    code = "novelty"
    if isinstance(trend, CannotTell):
        return HealthCheck(code, "unknown", trend.text)
    if trend.p_value < NOVELTY_ALPHA:
        return HealthCheck(code, "warning", f"The effect changes by {trend.slope:.3g} per period "
                                            f"(p = {trend.p_value:.2g}).")
    return HealthCheck(code, "ok", f"The effect keeps its size (p = {trend.p_value:.2g}).")


def judge_shares(shares: Mapping[str, tuple[float, ...]]) -> HealthCheck:
    """Whether planned shares changed meanwhile, per variant in order of time.

    With changing shares (a bandit, a ramp) variants are unequally spread over days, and plain
    means mix days with variants.
    """
    changed = sorted(key for key, each in shares.items() if len(set(each)) > 1)
    if changed:
        return HealthCheck("changing_shares", "warning", "Shares changed while it ran ("
                           + ", ".join(changed) + "): read the effect by period.")
    return HealthCheck("changing_shares", "ok", "Shares did not change.")
