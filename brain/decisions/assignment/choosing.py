"""The variant that a unit gets in an experiment, or why it gets none."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from brain.decisions.assignment.hashing import (
    HASH_VERSIONS,
    as_shares,
    bucket_of,
    choose_range,
    divide_buckets,
    hash_fnv1a,
    in_namespace,
)
from brain.decisions.assignment.targeting import Condition, check_condition, first_unmet
from brain.decisions.reasons import InputError, Reason

State = Literal["draft", "running", "paused", "stopped", "decided"]
STATES: tuple[str, ...] = get_args(State)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Variant:
    """One version that units see; ``weight`` is any positive number."""

    key: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Namespace:
    """Part of a namespace, half-open in [0, 1]: experiments on disjoint parts share no unit."""

    key: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """What assignment needs to know. ``seed`` is the key unless given.

    ``traffic_ratio`` is the share of units that take part; ``forced`` maps units to variants
    and goes before everything but the state; a draft serves forced units only. With ``sticky``
    a unit keeps the variant it had. Raises InputError for what cannot be assigned from.
    """

    key: str
    variants: tuple[Variant, ...]
    state: State = "running"
    seed: str = ""
    hash_version: int = 2
    traffic_ratio: float = 1.0
    namespace: Namespace | None = None
    targeting: tuple[Condition, ...] = ()
    forced: Mapping[str, str] = field(default_factory=dict)
    sticky: bool = False
    start_utc: dt.datetime | None = None
    end_utc: dt.datetime | None = None

    def __post_init__(self) -> None:
        _check(self)


class Assignment(NamedTuple):  # made in a third of the time of a frozen dataclass
    """The variant, None for no assignment; ``bucket`` is the unit's place in [0, 1).

    ``is_counted`` is false for forced units, whose exposures are not part of the analysis.
    """

    variant: str | None
    bucket: float | None
    is_counted: bool
    reasons: tuple[Reason, ...]


def _none(code: str, text: str, bucket: float | None = None) -> Assignment:
    return Assignment(None, bucket, False, (Reason(code, text),))


UNKNOWN_EXPERIMENT = _none("unknown_experiment", "There is no such experiment.")
_NO_UNIT = _none("no_unit", "The unit has no identifier.")
_INACTIVE = {state: _none(f"experiment_{state}", f"The experiment is {text}.") for state, text in (
    ("draft", "a draft"), ("paused", "paused"), ("stopped", "stopped"),
    ("decided", "decided"))}
_EARLY = _none("not_started", "The experiment has not begun.")
_LATE = _none("ended", "The experiment is over.")
_ASSIGNED = (Reason("assigned", "The unit's bucket lies in the variant's range."),)
_STICKY = (Reason("sticky", "The unit keeps the variant it had."),)
_FORCED = (Reason("forced", "The unit is forced into this variant and is not counted."),)


class Assigner:
    """An experiment made ready: ``assign`` takes microseconds."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.keys = tuple(variant.key for variant in experiment.variants)
        self.ranges = divide_buckets(len(self.keys), experiment.traffic_ratio, as_shares(
            [variant.weight for variant in experiment.variants]))
        self._seed = experiment.seed or experiment.key
        self._state = hash_fnv1a(self._seed)
        self._begun = dict(zip(self.keys, self.keys, strict=True))
        self._is_plain = not (experiment.forced or experiment.namespace or experiment.targeting
                              or experiment.sticky or experiment.state != "running"
                              or experiment.start_utc or experiment.end_utc)

    def assign(self, unit: str, attributes: Mapping[str, Any] = _NOTHING,
               at_utc: dt.datetime | None = None, previous: str | None = None) -> Assignment:
        """The unit's variant, or none with the reason.

        ``previous`` is the variant a sticky unit had. Without ``at_utc`` start and end of the
        experiment are not asked.
        """
        if not self._is_plain:
            found = self._decide_before_hash(unit, attributes, at_utc, previous)
            if found is not None:
                return found
        if not unit:
            return _NO_UNIT
        bucket = self._bucket(unit)
        index = choose_range(bucket, self.ranges)
        if index >= 0:
            return Assignment(self.keys[index], bucket, True, _ASSIGNED)
        return _none("not_covered", f"{self.experiment.traffic_ratio:.4g} of the units take "
                                    "part, and this one does not.", bucket)

    def _bucket(self, unit: str) -> float:
        if self.experiment.hash_version == 2:  # the hash of the seed is known already
            return hash_fnv1a(str(hash_fnv1a(unit, self._state))) % 10_000 / 10_000
        return bucket_of(self._seed, unit, self.experiment.hash_version) or 0.0

    def _decide_before_hash(self, unit: str, attributes: Mapping[str, Any],
                            at_utc: dt.datetime | None,
                            previous: str | None) -> Assignment | None:
        experiment = self.experiment
        if experiment.state in ("draft", "running") and unit in experiment.forced:
            return Assignment(experiment.forced[unit], None, False, _FORCED)
        if experiment.state != "running":
            return _INACTIVE[experiment.state]
        if at_utc is not None:
            if experiment.start_utc is not None and at_utc < experiment.start_utc:
                return _EARLY
            if experiment.end_utc is not None and at_utc >= experiment.end_utc:
                return _LATE
        if not unit:
            return _NO_UNIT
        if experiment.sticky and previous in self._begun:
            return Assignment(previous, None, True, _STICKY)
        space = experiment.namespace
        if space and not in_namespace(unit, space.key, space.start, space.end):
            return _none("other_namespace", f"The unit belongs to another part of the namespace "
                                            f"{space.key!r}.")
        unmet = first_unmet(experiment.targeting, attributes)
        if unmet is not None:
            return _none("not_targeted", f"The unit does not meet the condition on "
                                         f"{unmet.attribute!r}.")
        return None


def decide_assignment(experiment: Experiment | None, unit: str,
                      attributes: Mapping[str, Any] = _NOTHING,
                      at_utc: dt.datetime | None = None,
                      previous: str | None = None) -> Assignment:
    """The unit's variant, or none with the reason; None as experiment is an unknown one."""
    if experiment is None:
        return UNKNOWN_EXPERIMENT
    return Assigner(experiment).assign(unit, attributes, at_utc, previous)


def _check(experiment: Experiment) -> None:
    if not experiment.key:
        raise InputError("empty", "an experiment needs a key", "key")
    if not experiment.variants:
        raise InputError("no_variants", "an experiment needs at least one variant", "variants")
    keys = [variant.key for variant in experiment.variants]
    for number, variant in enumerate(experiment.variants):
        if not variant.key:
            raise InputError("empty", "a variant needs a key", f"variants[{number}].key")
        if not (math.isfinite(variant.weight) and 0 < variant.weight <= 1e100):
            raise InputError("out_of_range", f"the weight of {variant.key!r} must be positive",
                             f"variants[{number}].weight")
        if keys.index(variant.key) != number:
            raise InputError("repeated_variant", f"two variants are called {variant.key!r}",
                             f"variants[{number}].key")
    if not 0 <= experiment.traffic_ratio <= 1:
        raise InputError("out_of_range", "traffic_ratio must be between 0 and 1",
                         "traffic_ratio")
    if experiment.hash_version not in HASH_VERSIONS:
        raise InputError("unknown_hash_version", "hash_version must be 1 or 2", "hash_version")
    if experiment.state not in STATES:
        raise InputError("unknown_state", f"there is no state {experiment.state!r}", "state")
    space = experiment.namespace
    if space and not (space.key and 0 <= space.start < space.end <= 1):
        raise InputError("out_of_range", "a namespace needs a key and 0 <= start < end <= 1",
                         "namespace")
    for unit, variant_key in experiment.forced.items():
        if variant_key not in keys:
            raise InputError("unknown_variant", f"unit {unit!r:.80} is forced into "
                             f"{variant_key!r}, which is no variant", "forced")
    for number, condition in enumerate(experiment.targeting):
        check_condition(condition, f"targeting[{number}]")
    if experiment.start_utc and experiment.end_utc and experiment.end_utc <= experiment.start_utc:
        raise InputError("wrong_order", "end_utc must come after start_utc", "end_utc")
