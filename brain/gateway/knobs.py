"""The knobs of the query engine: validated, kept in the state store, in force at once."""

import datetime as dt
import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from brain.decisions.reasons import InputError
from brain.settings import Settings
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

CHANGED = "gateway knobs changed"
BOUNDS: Mapping[str, tuple[float, float]] = {
    "worker_slots": (1, 10_000), "cache_capacity_bytes": (0, 2**40), "cache_ttl_s": (0.1, 604_800)}
MOST_WEIGHT, MOST_WEIGHTS = 1_000.0, 200


@dataclass(frozen=True, slots=True)
class KnobState:
    """What holds now. ``routing_weights`` are by "provider" or "provider/model": 1 is neutral,
    0 takes the route out, 2 makes it twice as likely to be preferred."""

    worker_slots: int
    cache_capacity_bytes: int
    cache_ttl_s: float
    routing_weights: Mapping[str, float] = field(default_factory=dict)


class Knobs:
    """Reads and turns the knobs. Who has to follow a change registers with `follow`."""

    def __init__(self, settings: Settings, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami
        self._delivered = KnobState(
            settings.gateway.worker_slots, settings.gateway.cache_capacity_bytes,
            settings.gateway.cache_ttl_s)
        self._turning = threading.Lock()
        self._followers: list[Callable[[KnobState], None]] = []
        self._now = self._read()

    def read(self) -> KnobState:
        """What holds now."""
        return self._now

    def delivered(self) -> KnobState:
        """What the settings say, as it was before anybody turned a knob."""
        return self._delivered

    def refresh(self) -> KnobState:
        """What holds now, with changes by other processes, which are in force from here on."""
        with self._turning:
            return self._put_in_force(self._read())

    def follow(self, apply: Callable[[KnobState], None]) -> None:
        """Call ``apply`` with the state now and after every change."""
        self._followers.append(apply)
        apply(self._now)

    def apply(self, person: str = "", **changes: Any) -> KnobState:
        """The state after ``changes``, kept and in force; what it is already changes nothing.

        Raises InputError naming the knob that does not exist or the value it cannot have.
        """
        checked = {name: check_knob(name, value) for name, value in changes.items()}
        with self._turning:
            before = self._read()
            after = replace(before, **checked)
            if after != before:
                now, who = self._clock(), person or self._whoami()
                self._write({name: value for name, value in checked.items()
                             if value != getattr(before, name)}, now, who)
                self._state.audit(now, who, CHANGED, "gateway", asdict(before), asdict(after))
            return self._put_in_force(after)

    def _put_in_force(self, after: KnobState) -> KnobState:
        changed, self._now = after != self._now, after
        if changed:
            for follower in self._followers:
                follower(after)
        return after

    def _read(self) -> KnobState:
        kept = {row["name"]: json.loads(row["value_json"])
                for row in self._state.rows("gateway_knobs")}
        return replace(self._delivered, **{name: value for name, value in kept.items()
                                           if name in KnobState.__dataclass_fields__})

    def _write(self, changes: Mapping[str, Any], now: dt.datetime, person: str) -> None:
        table = self._state.tables["gateway_knobs"]
        with self._state.begin() as connection:
            for name, value in changes.items():
                connection.execute(sa.delete(table).where(table.c.name == name))
                connection.execute(sa.insert(table), [plain_times({
                    "name": name, "value_json": json.dumps(value), "changed_at_utc": now,
                    "person": person})])


def check_knob(name: str, value: Any) -> Any:
    """The value as the knob keeps it. Raises InputError naming the knob."""
    if name == "routing_weights":
        return _check_weights(value)
    if name not in BOUNDS:
        raise InputError("unknown_knob", f"there is no knob {name!r:.80}; there are "
                         f"{', '.join((*BOUNDS, 'routing_weights'))}", name)
    low, high = BOUNDS[name]
    whole = name != "cache_ttl_s"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise InputError("invalid_value", f"{name} must be a {'whole ' if whole else ''}number",
                         name)
    if not low <= value <= high:  # NaN is not inside either
        raise InputError("out_of_range", f"{name} must be between {low:g} and {high:g}", name)
    return value if whole else float(value)


def _check_weights(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping) or len(value) > MOST_WEIGHTS:
        raise InputError("invalid_value", f"routing_weights maps at most {MOST_WEIGHTS} routes to "
                                          "their weights", "routing_weights")
    for route, weight in value.items():
        if not isinstance(route, str) or not 0 < len(route) <= 400:
            raise InputError("invalid_value", "a route is 'provider' or 'provider/model'",
                             "routing_weights")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) \
                or not math.isfinite(weight) or not 0 <= weight <= MOST_WEIGHT:
            raise InputError("out_of_range", f"the weight of {route!r:.80} must be between 0 and "
                                             f"{MOST_WEIGHT:g}", "routing_weights")
    return {str(route): float(weight) for route, weight in sorted(value.items())}
