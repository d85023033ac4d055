"""Load tests: when each question is asked, and what the answers say about the platform."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from brain.decisions.reasons import InputError, Reason

Shape = Literal["flat", "ramp", "spike"]
MOST_PER_S, LONGEST_S = 1_000.0, 3_600.0
MEAN_MS, P95_MS, ERROR_PCT = 1_000.0, 2_000.0, 5.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of load: ``rate_per_s`` at its start, ``peak`` times that at its height.

    A ramp rises evenly to the peak; a spike is the middle fifth.
    """

    name: str
    meaning: str
    rate_per_s: float
    length_s: float
    shape: Shape = "flat"
    peak: float = 1.0


PROFILES: tuple[Profile, ...] = (
    Profile("smoke", "A few questions: does it answer at all?", 2, 10),
    Profile("load", "The usual load for a minute: does it keep its promise?", 10, 60),
    Profile("stress", "Four times the load, rising evenly: where does it bend?", 10, 120, "ramp",
            4),
    Profile("spike", "Five times the load for a moment: does it come back?", 10, 60, "spike", 5),
    Profile("scale10", "Ten times the load, rising evenly: would it still hold?", 5, 300, "ramp",
            10),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: when it was to be asked, when the answer was there (seconds from the start),
    and the error's code, "" for none."""

    due_s: float
    done_s: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load test found; times are from when a question was due, so that a slow server does
    not hide its queue. None where nothing was answered."""

    profile: str
    asked: int
    answered: int
    errors: int
    error_pct: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    throughput_per_s: float
    length_s: float
    grade: str
    passed: bool
    reasons: tuple[Reason, ...]


def plan_arrivals(profile: Profile, rng: np.random.Generator) -> np.ndarray:
    """Seconds at which questions are due: a Poisson process that follows the profile's shape.

    Raises InputError naming the field that passes its bound.
    """
    for field, value, most in (("rate_per_s", profile.rate_per_s * profile.peak, MOST_PER_S),
                               ("length_s", profile.length_s, LONGEST_S)):
        if not (math.isfinite(value) and 0 < value <= most):
            raise InputError("out_of_range", f"{field} must be above 0 and at most {most:g}"
                             f"{' at its peak' if field == 'rate_per_s' else ''}, got {value:g}",
                             field)
    highest = profile.rate_per_s * profile.peak
    count = int(rng.poisson(highest * profile.length_s))
    moments = np.sort(rng.uniform(0, profile.length_s, count))
    return moments[rng.uniform(0, highest, count) < _rate(profile, moments)]


def _rate(profile: Profile, at_s: np.ndarray) -> np.ndarray:
    """Questions per second at each moment."""
    base, share = profile.rate_per_s, at_s / profile.length_s
    if profile.shape == "ramp":
        return base * (1 + (profile.peak - 1) * share)
    if profile.shape == "spike":
        return np.where((share >= 0.4) & (share < 0.6), base * profile.peak, base)
    return np.full_like(at_s, base)


def summarize_load(profile: str, asked: Sequence[Asked]) -> LoadReport:
    """The report with its grade: A holds with half to spare, B holds, C misses one limit by less
    than twice, F anything else. Limits: mean 1 s, p95 2 s, errors 5 %."""
    answered = np.array([1000 * (each.done_s - each.due_s) for each in asked if not each.error])
    errors = len(asked) - len(answered)
    length_s = max((each.done_s for each in asked), default=0.0)
    error_pct = 100 * errors / len(asked) if asked else 0.0
    if not len(answered):
        why = Reason("nothing_answered", f"None of {len(asked):,} questions was answered.")
        return LoadReport(profile, len(asked), 0, errors, error_pct, None, None, None, None, 0.0,
                          length_s, "F", False, (why,))
    p50, p95, p99 = (float(each) for each in np.quantile(answered, (0.5, 0.95, 0.99)))
    mean = float(answered.mean())
    shares = {"mean": mean / MEAN_MS, "p95": p95 / P95_MS, "errors": error_pct / ERROR_PCT}
    missed = {name: share for name, share in shares.items() if share > 1}
    grade = ("A" if max(shares.values()) <= 0.5 else "B" if not missed else
             "C" if len(missed) == 1 and max(missed.values()) < 2 else "F")
    told = {"mean": f"Mean {mean:,.0f} ms, limit {MEAN_MS:,.0f} ms.",
            "p95": f"p95 {p95:,.0f} ms, limit {P95_MS:,.0f} ms.",
            "errors": f"{error_pct:.1f} % errors, limit {ERROR_PCT:g} %."}
    reasons = tuple(Reason(f"{name}_{'missed' if name in missed else 'kept'}", text)
                    for name, text in told.items())
    return LoadReport(profile, len(asked), len(answered), errors, error_pct, mean, p50, p95, p99,
                      len(answered) / length_s if length_s else 0.0, length_s, grade, not missed,
                      reasons)


@dataclass(frozen=True, slots=True)
class Regression:
    """The change of p95 against a baseline, with its 95 % interval; above 0 is slower."""

    change: float
    low: float
    high: float
    is_slower: bool


def compare_load(before_ms: Sequence[float], after_ms: Sequence[float],
                 rng: np.random.Generator) -> Regression | None:
    """How p95 changed, by the bootstrap; None for fewer than 20 answers on a side."""
    old, new = np.asarray(before_ms, float), np.asarray(after_ms, float)
    if min(len(old), len(new)) < 20:
        return None

    def draw(values: np.ndarray) -> np.ndarray:
        return np.quantile(values[rng.integers(0, len(values), (500, len(values)))], 0.95, axis=1)
    drawn = draw(new) / np.maximum(draw(old), 1e-9) - 1
    low, high = (float(each) for each in np.quantile(drawn, (0.025, 0.975)))
    base = max(float(np.quantile(old, 0.95)), 1e-9)
    return Regression(float(np.quantile(new, 0.95)) / base - 1, low, high, low > 0)
