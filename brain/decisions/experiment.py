"""What an experiment is: its definition, whether it can be used, and how its state may change."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from analytics.experiments.analysis import Method, Role
from analytics.experiments.verdict import Better
from brain.decisions.assignment import choosing
from brain.decisions.assignment.choosing import Namespace, State
from brain.decisions.assignment.ramp import RampPolicy
from brain.decisions.assignment.targeting import Condition
from brain.decisions.bandits import BanditPolicy
from brain.decisions.reasons import InputError

Kind = Literal["ab", "bandit", "canary"]
Unit = Literal["user", "session", "workspace"]
MetricKind = Literal["proportion", "mean", "ratio", "quantile", "count", "revenue", "llm_cost"]
Action = Literal["start", "pause", "resume", "ramp", "stop", "decide"]

BUILT_IN: dict[str, str] = {
    "requests": "Requests of a unit since its exposure.",
    "errors": "Failed requests of a unit.",
    "llm_cost_usd": "What a unit's requests cost, by the price book, in USD.",
    "latency_ms": "Latency of a unit's requests, in ms.",
    "stars": "Stars that a unit's users gave, 1 to 5.",
}
"""Metrics that need no outcomes: the platform's own events have them."""
ACTIONS: dict[Action, tuple[tuple[State, ...], State | None]] = {
    "start": (("draft",), "running"), "pause": (("running",), "paused"),
    "resume": (("paused",), "running"), "ramp": (("running", "paused"), None),
    "stop": (("running", "paused"), "stopped"),
    "decide": (("running", "paused", "stopped"), "decided")}
"""From which states each action leads to which; None keeps the state."""
PAST: dict[Action, str] = {"start": "started", "pause": "paused", "resume": "resumed",
                           "ramp": "ramped", "stop": "stopped", "decide": "decided"}
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_LONGEST = {"name": 256, "hypothesis": 4_000, "owner": 128}
_MOST_VARIANTS, _MOST_METRICS = 50, 50


@dataclass(frozen=True, slots=True)
class Variant:
    """One version that units see. ``weight`` is any positive number, shown as percent."""

    key: str
    name: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric: ``key`` names outcomes, or one of `BUILT_IN`.

    ``proportion``: units with a value above 0. ``count``, ``revenue``, ``llm_cost``: the sum of a
    unit's values, 0 without any. ``mean``: a unit's mean value; units without one are left out.
    ``ratio``: sum of ``key`` over sum of ``denominator``. ``quantile``: of all values, at
    ``quantile``. ``smallest_effect`` is relative (0.05 is 5 %), 0 for none. ``cap`` is the most
    that one unit counts.
    """

    key: str
    kind: MetricKind = "mean"
    better: Better = "higher"
    smallest_effect: float = 0.0
    name: str = ""
    denominator: str = ""
    quantile: float = 0.95
    cap: float | None = None


@dataclass(frozen=True, slots=True)
class StopRules:
    """When an experiment ends by itself. Harm pauses it, the others stop it; None for never."""

    on_harm: bool = True
    on_winner: bool = False
    at_units: int | None = None
    after_days: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment from hypothesis to decision. The first variant is the control.

    ``traffic_ratio`` is the share of units that take part; ``planned_units`` the units of
    control and one treatment that the plan asks for, which tunes the sequential reading;
    ``usd_per_value`` what one unit of the primary metric is worth. ``source`` "import:…" has
    cumulative statistics in the place of events. Times are aware UTC.
    """

    key: str
    name: str
    variants: tuple[Variant, ...]
    primary: MetricDefinition
    hypothesis: str = ""
    owner: str = ""
    kind: Kind = "ab"
    unit: Unit = "user"
    traffic_ratio: float = 1.0
    targeting: tuple[Condition, ...] = ()
    namespace: Namespace | None = None
    start_utc: dt.datetime | None = None
    end_utc: dt.datetime | None = None
    secondary: tuple[MetricDefinition, ...] = ()
    guardrails: tuple[MetricDefinition, ...] = ()
    stop_rules: StopRules = StopRules()
    cost_cap_usd: Decimal | None = None
    usd_per_value: float | None = None
    planned_units: int = 10_000
    method: Method = "sequential"
    alpha: float = 0.05
    seed: str = ""
    sticky: bool = False
    forced: Mapping[str, str] = field(default_factory=dict)
    ramp: RampPolicy = field(default_factory=RampPolicy)
    bandit: BanditPolicy = field(default_factory=BanditPolicy)
    state: State = "draft"
    created_at_utc: dt.datetime | None = None
    started_at_utc: dt.datetime | None = None
    paused_at_utc: dt.datetime | None = None
    stopped_at_utc: dt.datetime | None = None
    decided_at_utc: dt.datetime | None = None
    decided_variant: str = ""
    decision_reason: str = ""
    is_demo: bool = False
    source: str = ""

    @property
    def control(self) -> str:
        """Key of the variant that the others are held against."""
        return self.variants[0].key

    @property
    def metrics(self) -> tuple[tuple[Role, MetricDefinition], ...]:
        """Every metric with its role, the primary one first."""
        return (("primary", self.primary), *(("secondary", each) for each in self.secondary),
                *(("guardrail", each) for each in self.guardrails))

    @property
    def shares(self) -> dict[str, float]:
        """Planned share of each variant among the units that take part (0..1)."""
        total = sum(each.weight for each in self.variants)
        return {each.key: each.weight / total for each in self.variants}

    @property
    def is_imported(self) -> bool:
        """Whether its statistics were brought from elsewhere."""
        return self.source.startswith("import:")


KEPT = ("state", "created_at_utc", "started_at_utc", "paused_at_utc", "stopped_at_utc",
        "decided_at_utc", "decided_variant", "decision_reason", "is_demo", "source")
"""Fields of an experiment that its life writes, never its author."""
DEFINED: tuple[str, ...] = tuple(each.name for each in fields(Experiment) if each.name not in KEPT)
"""Fields that a definition may have."""
Definition: TypeAlias = Mapping[str, Any] | Experiment
"""What `read_definition` takes: JSON-able values by field, or an experiment."""


def read_definition(given: Definition) -> Experiment:
    """The draft that a definition describes, checked.

    Raises InputError naming the field for an unknown one and for anything that cannot be used.
    """
    values = {name: getattr(given, name) for name in DEFINED} if isinstance(given, Experiment) \
        else dict(given)
    if unknown := sorted(set(values) - set(DEFINED)):
        raise InputError("unknown_field", f"an experiment has no field {unknown[0]!r:.60}",
                         unknown[0])
    plain = msgspec.to_builtins(values, builtin_types=(dt.datetime, Decimal))
    try:
        read = msgspec.convert(plain, Experiment)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from error
        told, _, place = str(error).partition(" - at `$.")
        missing = re.search(r"missing required field `(\w+)`", told)
        raise InputError("missing_field" if missing else "invalid", told[:300],
                         missing[1] if missing else place.removesuffix("`")) from error
    return check_experiment(read)


def check_experiment(given: Experiment) -> Experiment:
    """The experiment, if it can be assigned and read. Raises InputError naming the field."""
    if not _KEY.fullmatch(given.key):
        raise InputError("invalid_key", "a key has up to 128 letters, digits and . _ : - and "
                                        "begins with a letter or digit", "key")
    if not given.name.strip():
        raise InputError("empty", "an experiment needs a name", "name")
    for name, most in _LONGEST.items():
        if len(getattr(given, name)) > most:
            raise InputError("too_long", f"{name} may have {most:,} characters", name)
    for name in ("start_utc", "end_utc"):
        moment = getattr(given, name)
        if moment is not None and moment.tzinfo is None:
            raise InputError("no_zone", f"{name} needs a zone, such as Z", name)
    for_assignment(given)  # variants, shares, namespace, targeting, forced units, span
    if len(given.variants) < 2:
        raise InputError("too_few_variants", "an experiment compares at least two variants",
                         "variants")
    if len(given.variants) > _MOST_VARIANTS:
        raise InputError("too_many", f"an experiment has at most {_MOST_VARIANTS} variants",
                         "variants")
    for number, variant in enumerate(given.variants):
        if len(variant.key) > 128 or len(variant.name) > 256:
            raise InputError("too_long", "a variant's key may have 128 characters, its name 256",
                             f"variants[{number}]")
    _check_metrics(given)
    if not 0 < given.alpha < 1:
        raise InputError("out_of_range", "alpha must be between 0 and 1", "alpha")
    if not 2 <= given.planned_units <= 10**12:
        raise InputError("out_of_range", "planned_units must be 2 or more", "planned_units")
    if given.method == "group_sequential":
        raise InputError("not_offered", "group sequential looks are planned by the command "
                         "`brain experiments analyze`; choose another method", "method")
    if given.cost_cap_usd is not None and not (given.cost_cap_usd.is_finite()
                                               and given.cost_cap_usd > 0):
        raise InputError("out_of_range", "cost_cap_usd must be above 0", "cost_cap_usd")
    if given.usd_per_value is not None and not math.isfinite(given.usd_per_value):
        raise InputError("not_finite", "usd_per_value must be finite", "usd_per_value")
    rules = given.stop_rules
    if rules.at_units is not None and rules.at_units < 2:
        raise InputError("out_of_range", "at_units must be 2 or more", "stop_rules.at_units")
    if rules.after_days is not None and not 0 < rules.after_days < 36_525:
        raise InputError("out_of_range", "after_days must be above 0", "stop_rules.after_days")
    if given.kind == "bandit":
        if not 0 <= given.bandit.floor_ratio <= 1 / len(given.variants):
            raise InputError("out_of_range", "floor_ratio must be between 0 and 1 over the number "
                                             "of variants", "bandit.floor_ratio")
        if given.primary.kind in ("ratio", "quantile"):
            raise InputError("no_reward", "a bandit's reward is a number per unit: no ratio, no "
                                          "quantile", "primary.kind")
    return given


def for_assignment(given: Experiment, shares: Mapping[str, float] | None = None
                   ) -> choosing.Experiment:
    """What assignment needs of it. ``shares`` (a bandit's) take the place of the weights.

    Variants of share 0 are left out; a bandit's units keep the variant they had.
    Raises InputError as `brain.decisions.assignment.choosing.Experiment` does.
    """
    if shares is None:
        variants = tuple(choosing.Variant(each.key, each.weight) for each in given.variants)
        forced = dict(given.forced)
    else:
        variants = tuple(choosing.Variant(each.key, shares[each.key]) for each in given.variants
                         if shares.get(each.key, 0) > 0)
        served = {each.key for each in variants}
        forced = {unit: key for unit, key in given.forced.items() if key in served}
    return choosing.Experiment(
        given.key, variants, given.state, given.seed, 2, given.traffic_ratio, given.namespace,
        given.targeting, forced, given.sticky or given.kind == "bandit", given.start_utc,
        given.end_utc)


def next_state(given: Experiment, action: Action) -> State:
    """The state after an action. Raises InputError where the present one does not allow it."""
    allowed, leads_to = ACTIONS[action]
    if given.state not in allowed:
        raise InputError("wrong_state", f"{given.key} is {given.state}: only "
                         f"{' or '.join(allowed)} can be {PAST[action]}", "state")
    return leads_to or given.state


def shares_traffic(one: Experiment, other: Experiment) -> bool:
    """Whether a unit can take part in both: same sort of unit, no disjoint parts of a namespace."""
    if one.key == other.key or one.unit != other.unit:
        return False
    first, second = one.namespace, other.namespace
    if first and second and first.key == second.key:
        return first.start < second.end and second.start < first.end
    return True


def _check_metrics(given: Experiment) -> None:
    places = [("primary", given.primary),
              *((f"secondary[{n}]", each) for n, each in enumerate(given.secondary)),
              *((f"guardrails[{n}]", each) for n, each in enumerate(given.guardrails))]
    if len(places) > _MOST_METRICS:
        raise InputError("too_many", f"an experiment has at most {_MOST_METRICS} metrics",
                         "secondary")
    seen: set[str] = set()
    for place, metric in places:
        if not metric.key.strip() or len(metric.key) > 256:
            raise InputError("empty", "a metric needs a key of at most 256 characters",
                             f"{place}.key")
        if metric.key in seen:
            raise InputError("repeated_metric", f"two metrics are called {metric.key!r:.80}",
                             f"{place}.key")
        seen.add(metric.key)
        if metric.kind == "ratio" and not metric.denominator:
            raise InputError("missing_field", "a ratio needs a denominator",
                             f"{place}.denominator")
        if not 0 < metric.quantile < 1:
            raise InputError("out_of_range", "quantile must be between 0 and 1",
                             f"{place}.quantile")
        if not (math.isfinite(metric.smallest_effect) and metric.smallest_effect >= 0):
            raise InputError("out_of_range", "smallest_effect must be 0 or more",
                             f"{place}.smallest_effect")
        if metric.cap is not None and not math.isfinite(metric.cap):
            raise InputError("not_finite", "cap must be finite", f"{place}.cap")


UNITS: tuple[str, ...] = get_args(Unit)
KINDS: tuple[str, ...] = get_args(Kind)
METRIC_KINDS: tuple[str, ...] = get_args(MetricKind)
