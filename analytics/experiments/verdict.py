"""The verdict on a variant: better, worse, no difference, or not to be told yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analytics.experiments.health import HealthCheck
from analytics.experiments.statistics import CannotTell

VerdictName = Literal["better", "worse", "no_difference", "not_worse", "cannot_tell_yet",
                      "cannot_tell", "invalid"]
Better = Literal["higher", "lower"]
Guard = Literal["safe", "harm", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict and why: ``code`` for machines, ``text`` for people."""

    name: VerdictName
    code: str
    text: str


def decide_verdict(lower: float, upper: float, better: Better, smallest_effect: float,
                   is_significant: bool) -> Verdict:
    """The verdict that an interval gives.

    ``is_significant`` is whether the family of tests lets the effect count. An interval inside
    ± ``smallest_effect`` is no difference; one whose bad end is not beyond it is not worse.
    """
    low, high = (lower, upper) if better == "higher" else (-upper, -lower)
    if low > 0 and is_significant:
        return Verdict("better", "interval_above_zero", "The whole interval is better than the "
                                                        "control.")
    if high < 0 and is_significant:
        return Verdict("worse", "interval_below_zero", "The whole interval is worse than the "
                                                       "control.")
    if smallest_effect > 0 and -smallest_effect < low and high < smallest_effect:
        return Verdict("no_difference", "inside_smallest_effect",
                       f"The effect is smaller than {smallest_effect:g}, the smallest of interest.")
    if smallest_effect > 0 and low > -smallest_effect:
        return Verdict("not_worse", "above_margin",
                       f"It is not worse by {smallest_effect:g} or more.")
    if low > 0 or high < 0:
        return Verdict("cannot_tell_yet", "not_significant", "The interval leaves zero, but the "
                       "difference is not sure enough for the number of comparisons and units.")
    return Verdict("cannot_tell_yet", "interval_holds_zero", "Both directions are still possible.")


def decide_by_chance(chance_to_win: float, alpha: float) -> Verdict:
    """The verdict that a posterior gives: sure at a chance of 1 - alpha."""
    if chance_to_win >= 1 - alpha:
        return Verdict("better", "likely_better", f"Better with a chance of {chance_to_win:.1%}.")
    if chance_to_win <= alpha:
        return Verdict("worse", "likely_worse",
                       f"Better with a chance of {chance_to_win:.1%} only.")
    return Verdict("cannot_tell_yet", "chance_undecided",
                   f"Better with a chance of {chance_to_win:.1%}.")


def refuse_verdict(why: CannotTell) -> Verdict:
    """The verdict where there is no number."""
    return Verdict("cannot_tell", why.code, why.text)


def withhold_verdict(checks: Sequence[HealthCheck]) -> Verdict | None:
    """The verdict that failed health checks leave, None where none failed."""
    failed = [each for each in checks if each.status == "failed"]
    if not failed:
        return None
    return Verdict("invalid", failed[0].code, " ".join(each.text for each in failed))


def summarize_verdicts(found: Sequence[tuple[str, float, Verdict]]) -> tuple[Verdict, str | None]:
    """One verdict for all variants of a metric, and the winner if there is one.

    Takes variant, gain (positive is good) and verdict of each. One better variant is enough to
    win; "worse" and "no_difference" need all variants, and whatever is open keeps it open.
    """
    winners = [each for each in found if each[2].name == "better"]
    if winners:
        variant, _, verdict = max(winners, key=lambda each: each[1])
        return verdict, variant
    for name in ("invalid", "cannot_tell_yet", "cannot_tell", "not_worse", "no_difference"):
        for _, _, verdict in found:
            if verdict.name == name:
                return verdict, None
    return (found[0][2] if found else Verdict("cannot_tell", "no_variants",
                                              "There is nothing to compare.")), None


def guard_of(verdict: Verdict) -> Guard:
    """What a verdict on a guardrail metric means for going on: unknown is never safe."""
    if verdict.name == "worse":
        return "harm"
    return "safe" if verdict.name in ("better", "no_difference", "not_worse") else "unknown"
