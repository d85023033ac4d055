"""What can happen: the kinds of event, their fields, and what each field may hold."""

import datetime as dt
import math
import uuid
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=20_000)]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e9)]
Moment = Annotated[dt.datetime, Meta(tz=True)]
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class Event(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every event carries. ``event_id`` makes a repeat harmless."""

    event_id: Annotated[str, Meta(min_length=1, max_length=128)] = msgspec.field(
        default_factory=lambda: str(uuid.uuid4()))
    at_utc: Moment = msgspec.field(default_factory=lambda: dt.datetime.now(dt.UTC))
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    session_id: Name = ""
    source: Name = ""


class Request(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="requests"):
    """One call of a model. Token classes are disjoint; reasoning is a part of output.

    ``price_context`` are words that decide the price beside the tokens: batch, flex, priority, a
    region; see `brain.decisions.price_contexts`.
    """

    agent_id: Name = ""
    provider: Name = ""
    model: Name = ""
    endpoint: Name = ""
    feature: Name = ""
    api_key_id: Name = ""
    region: Name = ""
    device: Name = ""
    variant: Name = ""
    status: Literal["ok", "error"] = "ok"
    error_code: Name = ""
    latency_ms: Milliseconds | None = None
    ttft_ms: Milliseconds | None = None
    input_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    output_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    cached: bool = False
    query_topic: Name = ""
    query_hash: Name = ""
    query_text: Text | None = None
    price_context: Annotated[str, Meta(max_length=64)] = ""


class PageView(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="page_views"):
    """A page seen by a user of the platform."""

    page: Name = ""
    referrer: Name = ""
    region: Name = ""
    device: Name = ""
    duration_ms: Milliseconds | None = None


class Interaction(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="interactions"):
    """A click, a copy, a share: anything a user does besides asking."""

    action: Name
    target: Name = ""
    region: Name = ""
    device: Name = ""


class Exposure(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="exposures"):
    """A unit met a variant of an experiment."""

    experiment_key: Name
    variant: Name
    unit_id: Name


class Outcome(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="outcomes"):
    """A metric's value for a unit."""

    metric: Name
    unit_id: Name
    value: float


class Feedback(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="feedback"):
    """A user's verdict on an answer, 1 to 5 stars; thumbs count as 5 and 1."""

    request_id: Name = ""
    agent_id: Name = ""
    stars: Annotated[int, Meta(ge=1, le=5)]
    comment: Text = ""


class MetricSample(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="metric_samples"):
    """One measured value of a machine or service."""

    metric: Name
    instance: Name = ""
    value: float


class Deploy(Event, kw_only=True, forbid_unknown_fields=True,
              tag_field="kind", tag="deploys"):
    """A new version went live."""

    component: Name
    version: Name = ""
    note: Text = ""


class RequestSteps(Event, kw_only=True, forbid_unknown_fields=True,
                   tag_field="kind", tag="request_steps"):
    """How one request of the query engine went: its route, and each step with its reasons.

    ``steps`` is JSON: a list of name, started_ms, took_ms, decision, reasons and facts. It
    holds no text of the question or the answer.
    """

    request_id: Name
    agent_id: Name = ""
    provider: Name = ""
    model: Name = ""
    status: Literal["ok", "error", "refused"] = "ok"
    error_code: Name = ""
    cache_tier: Name = ""
    variant: Name = ""
    simulated: bool = False
    attempts: Annotated[int, Meta(ge=0, le=10_000)] = 0
    latency_ms: Milliseconds | None = None
    steps: Text = "[]"


KINDS: dict[str, type[Event]] = {
    "requests": Request, "page_views": PageView, "interactions": Interaction,
    "exposures": Exposure, "outcomes": Outcome, "feedback": Feedback,
    "metric_samples": MetricSample, "deploys": Deploy, "request_steps": RequestSteps}
"""Event kinds by the name of their table and of their ``kind`` field on the wire."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one input row was not taken: ``line`` counts from 1."""

    line: int
    code: str
    message: str
    field: str = ""


def columns(kind: str) -> tuple[str, ...]:
    """Field names of a kind, in table order."""
    return KINDS[kind].__struct_fields__


def find_fault(event: Event, latest: dt.datetime) -> tuple[str, str, str] | None:
    """Code, message and field of what a type cannot say, or None if the event is sound."""
    if event.at_utc > latest:
        return ("in_future", f"at_utc {event.at_utc.isoformat()} is ahead of this clock", "at_utc")
    if event.at_utc < EARLIEST:
        return ("too_old", f"at_utc {event.at_utc.isoformat()} is before 2000-01-01", "at_utc")
    if isinstance(event, (Outcome, MetricSample)) and not math.isfinite(event.value):
        return ("not_finite", "value must be a finite number", "value")
    if isinstance(event, Request) and event.reasoning_tokens > event.output_tokens:
        return ("reasoning_exceeds_output",
                f"reasoning_tokens {event.reasoning_tokens} is more than output_tokens "
                f"{event.output_tokens}, of which it is a part", "reasoning_tokens")
    return None
