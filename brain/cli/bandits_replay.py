"""Form of ``brain bandits replay``: what another policy would have earned on a log."""

import math
from argparse import Namespace as Arguments
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from brain.cli.machine import ReasonOut
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from analytics.experiments.off_policy import Evaluation, Value

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e12)]
Propensity = Annotated[float, msgspec.Meta(gt=0, le=1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Vector = Annotated[list[float], msgspec.Meta(max_length=200)]
Named = Annotated[dict[Name, float], msgspec.Meta(max_length=20)]
LARGEST = 1e15


class LoggedIn(msgspec.Struct, forbid_unknown_fields=True):
    """A logged decision. ``target`` and ``predictions`` (rewards by arm) may change by row.

    A ``reward`` of null never came: the row is left out. ``outcomes`` are further figures of the
    decision, such as ``cost_usd``, each valued like the reward. ``context`` is what the doubly
    robust estimator's reward model may learn from.
    """

    arm: Name
    reward: float | None
    propensity: Propensity
    target: dict[Name, Ratio] | None = None
    predictions: dict[Name, float] | None = None
    context: Vector | None = None
    outcomes: Named | None = None


class ReplayIn(msgspec.Struct, forbid_unknown_fields=True):
    """A log, and the ``target`` policy: its probability of each arm, adding up to 1.

    Weights above ``most_weight`` are cut to it, which biases the estimates towards the log.
    """

    log: list[LoggedIn]
    target: dict[Name, Ratio] | None = None
    most_weight: Positive | None = None


class ValueOut(msgspec.Struct, frozen=True):
    """Mean reward with its 95 % interval; null ends where none would be honest."""

    estimate: float
    standard_error: float
    lower: float | None
    upper: float | None


class OutcomeOut(msgspec.Struct, frozen=True):
    """A further figure's mean under the target by three estimators, beside the logged mean."""

    ips: ValueOut
    snips: ValueOut
    dr: ValueOut
    logged: ValueOut


class ReplayOut(msgspec.Struct, frozen=True):
    """The target's value by three estimators beside that of the logged policy.

    ``effective_n`` is how many of the target's own decisions the log is worth. Where no interval
    can be told, ``unknown`` says why and its ends are null; where nothing can be told, all else
    is null too.
    """

    ips: ValueOut | None
    snips: ValueOut | None
    dr: ValueOut | None
    logged: ValueOut | None
    n: int
    effective_n: float | None
    largest_weight: float | None
    clipped: int | None
    unknown: ReasonOut | None
    reasons: list[ReasonOut]
    outcomes: dict[str, OutcomeOut] = {}


def prepare_replay(_: Arguments) -> Callable[[Any], ReplayOut]:
    """The function that values one policy on one log."""
    import numpy as np

    from analytics.experiments.off_policy import Evaluation, evaluate_policy

    def replay(given: ReplayIn) -> ReplayOut:
        _check(given)
        rows = [number for number, row in enumerate(given.log) if row.reward is not None]
        keys = sorted({row.arm for row in given.log} | set(given.target or ()) | {
            key for row in given.log for key in row.target or ()})
        places = {key: place for place, key in enumerate(keys)}
        target = np.zeros((len(rows), len(keys)))
        for place, number in enumerate(rows):
            for key, share in _target(given, number).items():
                target[place, places[key]] = share
        log = [given.log[number] for number in rows]
        arms = np.array([places[row.arm] for row in log], dtype=np.int64)
        chances = np.array([row.propensity for row in log], dtype=float)
        predicted = _predictions(given, rows, keys)
        contexts = _contexts(given, rows)

        def value(figures: "npt.NDArray[np.float64]", guesses: Any = None) -> Any:
            return evaluate_policy(arms, figures, chances, target, guesses, given.most_weight,
                                   contexts)
        found = value(np.array([row.reward for row in log], dtype=float),
                      None if predicted is None else np.array(predicted).reshape(-1, len(keys)))
        gone = len(given.log) - len(rows)
        missing = [ReasonOut("missing", f"{gone:,} decisions without a reward are left out.")] \
            if gone else []
        if not isinstance(found, Evaluation):
            unknown = ReasonOut(found.code, found.text)
            return ReplayOut(None, None, None, None, len(rows), None, None, None, unknown,
                             [unknown, *missing])
        outcomes = {}
        for name in _outcomes(given, rows):
            other = value(np.array([(row.outcomes or {})[name] for row in log], dtype=float))
            if isinstance(other, Evaluation):
                outcomes[name] = OutcomeOut(*_values(other))
        unseen = [key for key in keys if len(rows) and target[:, places[key]].any()
                  and not (arms == places[key]).any()]
        fault = None if found.fault is None else ReasonOut(found.fault.code, found.fault.text)
        return ReplayOut(*_values(found), found.n, found.effective_n, found.largest_weight,
                         found.clipped, fault, [*_tell(found, unseen, fault), *missing], outcomes)
    return replay


def _tell(found: "Evaluation", unseen: list[str], fault: ReasonOut | None) -> list[ReasonOut]:
    reasons = [ReasonOut("valued", f"The log is worth {found.effective_n:,.0f} of the policy's own "
                                   f"decisions, out of {found.n:,}.")]
    if fault is not None:
        reasons.append(fault)
    if unseen:
        reasons.append(ReasonOut("unseen_arms", "The policy chooses what was never logged ("
                                 + ", ".join(unseen)[:300] + "): only dr guesses at it."))
    if found.clipped:
        reasons.append(ReasonOut("clipped", f"{found.clipped:,} weights were cut."))
    return reasons


def _check(given: ReplayIn) -> None:
    """Raise InputError for a number that cannot be computed with."""
    for number, row in enumerate(given.log):
        named = {"reward": [row.reward or 0.0], "context": row.context or [],
                 "outcomes": list((row.outcomes or {}).values()),
                 "predictions": list((row.predictions or {}).values())}
        for field, values in named.items():
            if not all(math.isfinite(value) and abs(value) <= LARGEST for value in values):
                raise InputError("not_finite", f"{field} must be at most {LARGEST:g} in size",
                                 f"log[{number}].{field}")
    targets = {"target": given.target} | {
        f"log[{number}].target": row.target for number, row in enumerate(given.log) if row.target}
    for place, target in targets.items():
        if target is not None and abs(sum(target.values()) - 1) > 1e-6:
            raise InputError("out_of_range", "a target's probabilities must add up to 1", place)


def _target(given: ReplayIn, number: int) -> dict[str, float]:
    row = given.log[number].target
    chosen = given.target if row is None else row
    if not chosen:
        raise InputError("missing_field", "every row needs a target, or the log one",
                         "target" if row is None else f"log[{number}].target")
    return chosen


def _predictions(given: ReplayIn, rows: list[int], keys: list[str]) -> list[list[float]] | None:
    _alike(given, rows, "predictions")
    if not rows or given.log[rows[0]].predictions is None:
        return None
    for number in rows:
        missing = [key for key in keys if key not in (given.log[number].predictions or {})]
        if missing:
            raise InputError("missing_field", f"there is no prediction for {missing[0]!r:.80}",
                             f"log[{number}].predictions")
    return [[(given.log[number].predictions or {})[key] for key in keys] for number in rows]


def _contexts(given: ReplayIn, rows: list[int]) -> "npt.NDArray[np.float64] | None":
    import numpy as np
    _alike(given, rows, "context")
    if not rows or given.log[rows[0]].context is None:
        return None
    size = len(given.log[rows[0]].context or [])
    for number in rows:
        if len(given.log[number].context or []) != size:
            raise InputError("wrong_size", f"every context must have {size} numbers",
                             f"log[{number}].context")
    return np.array([given.log[number].context for number in rows], dtype=float)


def _outcomes(given: ReplayIn, rows: list[int]) -> list[str]:
    _alike(given, rows, "outcomes")
    names = list(given.log[rows[0]].outcomes or {}) if rows else []
    for number in rows:
        if set(given.log[number].outcomes or {}) != set(names):
            raise InputError("missing_field", "every row needs the same outcomes",
                             f"log[{number}].outcomes")
    return names


def _alike(given: ReplayIn, rows: list[int], name: str) -> None:
    known = [getattr(given.log[number], name) is not None for number in rows]
    if any(known) and not all(known):
        raise InputError("missing_field", f"every row needs {name}, or none",
                         f"log[{rows[known.index(False)]}].{name}")


def _values(found: "Evaluation") -> tuple[ValueOut, ValueOut, ValueOut, ValueOut]:
    def show(value: "Value", told: bool) -> ValueOut:
        return ValueOut(value.estimate, value.standard_error, value.lower if told else None,
                        value.upper if told else None)
    told = found.fault is None
    return show(found.ips, told), show(found.snips, told), show(found.dr, told), \
        show(found.logged, True)
