"""What an experiment is worth: win rate, money per month, cost per variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from analytics.experiments.statistics import EMPTY, CannotTell

DAYS_PER_MONTH = 365.25 / 12
NONE_DECIDED = CannotTell("none_decided", "No experiment has been decided yet.")


@dataclass(frozen=True, slots=True)
class MonthlyWorth:
    """USD per month at full rollout, with the interval of the effect that it follows from."""

    usd: float
    lower_usd: float
    upper_usd: float


@dataclass(frozen=True, slots=True)
class WinRate:
    """Share of decided experiments that a variant won, with Wilson's 95 % interval (0..1)."""

    ratio: float
    lower_ratio: float
    upper_ratio: float
    wins: int
    decided: int


@dataclass(frozen=True, slots=True)
class VariantCost:
    """What a variant's units cost so far, and each of them."""

    variant: str
    units: int
    cost_usd: Decimal
    usd_per_unit: Decimal | None


def monthly_worth(effect: float, lower: float, upper: float, units_per_day: float,
                  usd_per_value: float = 1.0) -> MonthlyWorth:
    """Money per month if all units got the variant, from an absolute effect per unit.

    ``usd_per_value`` turns the metric's unit into USD: 1 for revenue, -1 for cost.
    """
    factor = units_per_day * DAYS_PER_MONTH * usd_per_value
    ends = sorted((lower * factor, upper * factor))
    return MonthlyWorth(effect * factor, ends[0], ends[1])


def net_worth(gain: MonthlyWorth, cost: MonthlyWorth) -> MonthlyWorth:
    """What a win is worth against what it costs; both as gains, so that costs are negative.

    The interval adds the ends, which holds whatever the dependence of the two.
    """
    return MonthlyWorth(gain.usd + cost.usd, gain.lower_usd + cost.lower_usd,
                        gain.upper_usd + cost.upper_usd)


def summarize_wins(verdicts: Sequence[str]) -> WinRate | CannotTell:
    """Wins among verdicts "better", "worse" and "no_difference"; others are not decided."""
    decided = [each for each in verdicts if each in ("better", "worse", "no_difference")]
    if not decided:
        return NONE_DECIDED
    n, wins = len(decided), decided.count("better")
    return WinRate(wins / n, *wilson_interval(wins, n), wins, n)


def wilson_interval(wins: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``n`` observations. Source: Wilson, JASA 22 (1927)."""
    share, square = wins / n, 1.959963984540054 ** 2
    middle = (share + square / (2 * n)) / (1 + square / n)
    reach = (square * (share * (1 - share) / n + square / (4 * n * n))) ** 0.5 / (1 + square / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def variant_cost(variant: str, units: int, cost_usd: Decimal) -> VariantCost | CannotTell:
    """Cost of a variant and of each of its units; without units there is none to tell."""
    if units <= 0:
        return EMPTY
    return VariantCost(variant, units, cost_usd, cost_usd / units)
