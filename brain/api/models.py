"""Learned routers and traffic allocation as verbs: JSON in, JSON-able values out."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.decisions.allocation import AllocationPolicy, Shares, check_allocation
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.models.router_store import RouterVersion

Person = Annotated[str, Meta(max_length=128)]
Key = Annotated[str, Meta(min_length=1, max_length=64)]
Route = Annotated[str, Meta(min_length=3, max_length=512)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(ge=0, le=1e12)]


class NoArguments(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class TrainRouter(msgspec.Struct, forbid_unknown_fields=True):
    """Train a router from judged prompts. Nothing is kept unless ``write``, which ``activate``
    implies; then only a version that passes its gate is, and ``activate`` puts it in force."""

    write: bool = False
    activate: bool = False
    person: Person = ""


class TrainedRouter(msgspec.Struct, frozen=True):
    """``trained`` False: too few scores, ``reasons`` say how many. ``gate`` has the squared errors
    on held-out prompts; ``version`` is null where nothing was kept."""

    trained: bool
    passed: bool
    reasons: list[dict[str, str]]
    models: list[str] = []
    trained_on: int = 0
    scores: dict[str, int] = {}
    gate: dict[str, Any] | None = None
    version: dict[str, Any] | None = None


class ActivateRouter(msgspec.Struct, forbid_unknown_fields=True):
    """Which version is put in force; 0 leaves choices to declared and measured figures."""

    version: Annotated[int, Meta(ge=0, le=2**31)]
    person: Person = ""


class RollBackRouter(msgspec.Struct, forbid_unknown_fields=True):
    """Put the version before the last change in force again."""

    person: Person = ""


class OneAllocation(msgspec.Struct, forbid_unknown_fields=True):
    """Which allocation."""

    policy_id: Key
    person: Person = ""


class SetAllocation(msgspec.Struct, forbid_unknown_fields=True):
    """An allocation and what of it changes; null leaves a part as it is, or as delivered.

    Routes are provider/model, none for all that break no constraint. ``context`` chooses by the
    request's features too. ``dry_run`` tells what would happen and stores nothing.
    """

    policy_id: Key
    workspace_id: Annotated[str, Meta(max_length=128)] | None = None
    task_class: Annotated[str, Meta(max_length=64)] | None = None
    mode: Literal["off", "dry_run", "on"] | None = None
    routes: Annotated[list[Route], Meta(max_length=50)] | None = None
    rule: Literal["thompson", "ucb1", "kl_ucb", "ucb", "epsilon_greedy", "uniform"] | None = None
    context: bool | None = None
    floor_ratio: Ratio | None = None
    epsilon: Ratio | None = None
    half_life_h: Positive | None = None
    window_days: Positive | None = None
    wait_h: Positive | None = None
    reward_per_usd: Positive | None = None
    reward_per_s: Positive | None = None
    max_error_ratio: Ratio | None = None
    min_quality: Ratio | None = None
    dry_run: bool = False
    person: Person = ""


class StopRoute(msgspec.Struct, forbid_unknown_fields=True):
    """A route that an allocation chooses no more, and why."""

    policy_id: Key
    route: Route
    reason: Annotated[str, Meta(max_length=1_000)] = ""
    person: Person = ""


class ResumeRoute(msgspec.Struct, forbid_unknown_fields=True):
    """A stopped route that may be chosen again."""

    policy_id: Key
    route: Route
    person: Person = ""


def train_router(engine: Engine, wanted: TrainRouter) -> Any:
    """What training did and what the gate says."""
    from brain.models.gate import NotEnoughScores
    found = engine.models.train(wanted.person, write=wanted.write or wanted.activate,
                                activate=wanted.activate)
    if isinstance(found, NotEnoughScores):
        return msgspec.to_builtins(TrainedRouter(
            False, False, [{"code": found.code, "text": found.text}]))
    gate = asdict(found.gate)
    return msgspec.to_builtins(TrainedRouter(
        True, found.gate.passed, list(gate.pop("reasons")), list(found.models), found.trained_on,
        dict(found.sources), gate, None if found.version is None else _version(found.version)))


def list_routers(engine: Engine, _: NoArguments) -> Any:
    """Every version, newest first."""
    return [_version(each) for each in engine.models.routers.versions()]


def activate_router(engine: Engine, wanted: ActivateRouter) -> Any:
    """Which version is in force, 0 for none."""
    engine.models.activate(wanted.version, wanted.person)
    return {"active": wanted.version}


def roll_back_router(engine: Engine, wanted: RollBackRouter) -> Any:
    """Which version is in force again, 0 for none."""
    return {"active": engine.models.roll_back(wanted.person)}


def _version(row: RouterVersion) -> dict[str, Any]:
    return {**asdict(row), "created_at_utc": row.created_at_utc.isoformat()}


def list_allocations(engine: Engine, _: NoArguments) -> Any:
    """Every allocation with the shares in force and its stopped routes."""
    return [_allocation(engine, each) for each in engine.allocation.list()]


def show_allocation(engine: Engine, wanted: OneAllocation) -> Any:
    """One allocation, and what each route did in its window."""
    policy = engine.allocation.get(wanted.policy_id)
    return _allocation(engine, policy) | {
        "routes_seen": [asdict(each) for each in engine.allocation.seen(policy)],
        "next": _shares(engine.allocation.preview(policy))}


def set_allocation(engine: Engine, wanted: SetAllocation) -> Any:
    """The allocation as stored, or as it would be, and the shares that come next."""
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items()
             if value is not None and name not in ("policy_id", "dry_run", "person")}
    if "routes" in given:
        given["routes"] = tuple(given["routes"])
    try:
        before = engine.allocation.get(wanted.policy_id)
    except LookupError:
        before = AllocationPolicy(wanted.policy_id)
    policy = replace(before, **given)
    check_allocation(policy)
    if not wanted.dry_run:
        engine.allocation.put(policy, wanted.person)
    return {"applied": not wanted.dry_run, "policy": asdict(policy),
            "next": _shares(engine.allocation.preview(policy))}


def undo_allocation(engine: Engine, wanted: OneAllocation) -> Any:
    """The allocation as before its last change, null if it was not there."""
    found = engine.allocation.undo(wanted.policy_id, wanted.person)
    return {"policy": None if found is None else asdict(found)}


def remove_allocation(engine: Engine, wanted: OneAllocation) -> Any:
    """Which allocation was taken away."""
    engine.allocation.remove(wanted.policy_id, wanted.person)
    return {"removed": wanted.policy_id}


def stop_route(engine: Engine, wanted: StopRoute) -> Any:
    """The stopped routes of the allocation."""
    engine.allocation.stop(wanted.policy_id, wanted.route, wanted.reason or "Stopped by hand.",
                           wanted.person)
    return {"stopped": _stops(engine, wanted.policy_id)}


def resume_route(engine: Engine, wanted: ResumeRoute) -> Any:
    """Whether the route was stopped, and those that still are."""
    done = engine.allocation.resume(wanted.policy_id, wanted.route, wanted.person)
    if not done:
        raise InputError("not_stopped", f"{wanted.route} is not stopped", "route")
    return {"resumed": done, "stopped": _stops(engine, wanted.policy_id)}


def _allocation(engine: Engine, policy: AllocationPolicy) -> dict[str, Any]:
    latest = engine.allocation.latest(policy.policy_id)
    return {"policy": asdict(policy), "stopped": _stops(engine, policy.policy_id),
            "shares": {} if latest is None else dict(latest.shares),
            "decided_at_utc": None if latest is None else latest.at_utc.isoformat(),
            "reasons": [] if latest is None else [asdict(each) for each in latest.reasons]}


def _shares(found: Shares) -> dict[str, Any]:
    return {"shares": dict(found.shares), "stops": {
        route: asdict(reason) for route, reason in found.stopped.items()},
        "reasons": [asdict(each) for each in found.reasons]}


def _stops(engine: Engine, policy_id: str) -> list[Mapping[str, Any]]:
    return [{**each, "at_utc": each["at_utc"].isoformat()}
            for each in engine.allocation.stops(policy_id)]


TABLE: dict[str, tuple[type[msgspec.Struct], Any]] = {
    "train_router": (TrainRouter, train_router), "router_versions": (NoArguments, list_routers),
    "activate_router": (ActivateRouter, activate_router),
    "roll_back_router": (RollBackRouter, roll_back_router),
    "allocations": (NoArguments, list_allocations),
    "allocation": (OneAllocation, show_allocation),
    "set_allocation": (SetAllocation, set_allocation),
    "undo_allocation": (OneAllocation, undo_allocation),
    "remove_allocation": (OneAllocation, remove_allocation),
    "stop_route": (StopRoute, stop_route), "resume_route": (ResumeRoute, resume_route)}
"""Verbs by name: what each takes, and what does it."""
