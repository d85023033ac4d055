"""What a strategy's own record says, in place of the gain it was delivered with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from brain.decisions.optimization.strategies import Strategy

Verdict = Literal["improved", "no_change", "worse", "unclear", "cancelled", "recommended"]
PRIOR_RUNS = 3.0
"""How many measured runs the delivered gain weighs as much as."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that is over. ``capacity`` is "up" or "down" where it changed how much there is.

    ``gain`` is the measured relative improvement of the strategy's goal, None where it was not
    measured; ``situation`` is the code of what triggered it.
    """

    strategy: str
    age_s: float
    situation: str = ""
    verdict: Verdict = "unclear"
    rolled_back: bool = False
    capacity: Literal["", "up", "down"] = ""
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A strategy's runs in a situation, or in all.

    ``gain`` is what to expect: the mean of the measured gains and of the prior, which weighs as
    three runs. ``low`` and ``high`` bound the measured mean (95 %, Student's t), None for fewer
    than two runs; ``success_share`` is None without runs.
    """

    strategy: str
    situation: str
    runs: int
    successes: int
    gain: float
    low: float | None
    high: float | None

    @property
    def success_share(self) -> float | None:
        """Runs that improved things, of all that were measured."""
        return self.successes / self.runs if self.runs else None


def summarize_record(strategy: Strategy, history: Sequence[PastRun],
                     situation: str = "") -> Record:
    """The record of a strategy; where the situation has no run of its own, that of all."""
    own = [run for run in history if run.strategy == strategy.key and run.gain is not None
           and math.isfinite(run.gain)]
    here = [run for run in own if run.situation == situation]
    counted = here if situation and here else own
    gains = [run.gain for run in counted if run.gain is not None]
    runs = len(gains)
    mean = sum(gains) / runs if runs else 0.0
    low = high = None
    if runs >= 2:
        from scipy import special  # 0.1 s that a plan without a record need not wait for
        spread = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / (runs - 1) / runs)
        reach = float(special.stdtrit(runs - 1, 0.5 + LEVEL / 2)) * spread
        low, high = mean - reach, mean + reach
    return Record(strategy.key, situation if here else "", runs,
                  sum(run.verdict == "improved" for run in counted),
                  strategy.prior_gain + runs * (mean - strategy.prior_gain) / (PRIOR_RUNS + runs),
                  low, high)


def rank_of(strategy: Strategy, record: Record) -> float:
    """What strategies are ordered by, highest first; without a record the order of priority.

    The emergency and its stand-in stay first. For others the priority counts by the ratio of the
    expected gain to the delivered one, up to twice it.
    """
    if strategy.priority == 1:
        return math.inf
    ratio = min(2.0, max(0.0, record.gain / strategy.prior_gain))
    return (6 - strategy.priority) * ratio
