"""Verbs of the query engine: ask, feedback, quotas, knobs; JSON in, JSON out."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from brain.api.gateway_forms import Asked, Verdict, tell_answer, to_question
from brain.decisions.quotas import Quota, Scope
from brain.decisions.reasons import InputError
from brain.engine import Engine

Name = Annotated[str, Meta(max_length=256)]


class Quoted(msgspec.Struct, forbid_unknown_fields=True):
    """At most so much within 60 s; an empty name holds for each of the scope, null is no limit."""

    scope: Scope
    name: Name = ""
    requests_per_minute: Annotated[int, Meta(ge=0)] | None = None
    tokens_per_minute: Annotated[int, Meta(ge=0)] | None = None
    usd_per_minute: Decimal | None = None


class QuotaName(msgspec.Struct, forbid_unknown_fields=True):
    """Whose quota."""

    scope: Scope
    name: Name = ""


class RequestId(msgspec.Struct, forbid_unknown_fields=True):
    """The request's id."""

    request_id: Name


class Turned(msgspec.Struct, forbid_unknown_fields=True):
    """Knobs to turn; what is left out stays. Without any, they are only told."""

    worker_slots: int | None = None
    cache_capacity_bytes: int | None = None
    cache_ttl_s: float | None = None
    routing_weights: dict[str, float] | None = None


def ask(engine: Engine, given: Asked) -> Any:
    """The answer with its steps."""
    return tell_answer(engine.gateway.ask(to_question(given, "")))


def feedback(engine: Engine, given: Verdict) -> Any:
    """The id of the verdict."""
    stars = given.stars if given.stars is not None else {"up": 5, "down": 1}.get(given.thumbs or "")
    if stars is None:
        raise InputError("missing", "give stars (1 to 5) or thumbs (up or down)", "stars")
    return {"feedback_id": engine.gateway.feedback(
        given.request_id, stars, given.comment, workspace_id=given.workspace_id,
        user_id=given.user_id, agent_id=given.agent_id, success=given.success)}


def request(engine: Engine, given: RequestId) -> Any:
    """One recorded request with its steps. Raises LookupError for an unknown one."""
    engine.gateway.recorder.flush()
    engine.drain()
    found = engine.gateway.request(given.request_id)
    if found is None:
        raise LookupError(f"there is no request {given.request_id!r:.80}")
    return {name: None if value != value else value for name, value in found.items()}


def quotas(engine: Engine, _: Any) -> Any:
    """Every quota."""
    return [asdict(each) for each in engine.gateway.quotas.all()]


def set_quota(engine: Engine, given: Quoted) -> Any:
    """The quota as stored."""
    return asdict(engine.gateway.quotas.put(Quota(
        given.scope, given.name, given.requests_per_minute, given.tokens_per_minute,
        given.usd_per_minute)))


def remove_quota(engine: Engine, given: QuotaName) -> Any:
    """Whether there was one."""
    return {"removed": engine.gateway.quotas.remove(given.scope, given.name)}


def knobs(engine: Engine, given: Turned) -> Any:
    """The knobs as they hold now."""
    changes = {name: value for name, value in msgspec.structs.asdict(given).items()
               if value is not None}
    desk = engine.gateway.knobs
    return asdict(desk.apply(**changes) if changes else desk.read())
