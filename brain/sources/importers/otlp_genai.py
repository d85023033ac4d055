"""OpenTelemetry GenAI spans (OTLP in JSON or protobuf), both generations of attribute names.

``gen_ai.usage.input_tokens`` and the older ``prompt_tokens`` are totals with cached reads and
writes inside. Only spans that call a model count; those of agents, chains and tools sum up what
is inside them and would count it twice.
Source: OpenTelemetry semantic conventions for generative AI, "Inference client spans".
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from brain.decisions.price_contexts import read_context
from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens
from brain.sources.importers import otlp_files
from brain.sources.importers.opening import Ready
from brain.sources.importers.otlp_spans import Span, read_json, read_protobuf
from brain.sources.importers.questions import find_question
from brain.sources.importers.records import Record, Vendor, fit_id
from brain.sources.importers.telling import find_count, read_number, read_text, token_fields

_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_READS = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
          "gen_ai.usage.input_tokens.cached")
_WRITES = ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
           "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
           "gen_ai.usage.input_tokens.cache_write")
_REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
              "gen_ai.usage.output_tokens.reasoning")
_TIERS = ("openai.response.service_tier", "gen_ai.openai.response.service_tier",
          "openai.request.service_tier", "gen_ai.openai.request.service_tier")
"""What was served tells more than what was asked for."""
_CALLS = {"chat", "text_completion", "generate_content", "embeddings", "completion"}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def knows(found: Mapping[str, Any]) -> bool:
    """Whether an object is an element of resourceSpans."""
    return isinstance(found.get("scopeSpans", found.get("instrumentationLibrarySpans")), list)


def read_file(ready: Ready) -> Iterator[Span | InputError]:
    """The spans of a protobuf file."""
    for message in otlp_files.split_messages(ready.path):
        yield from read_protobuf(message)


def read(span: Span) -> Record | None:
    """The call that a span tells of. Raises InputError for one that cannot be used."""
    told = span.attributes
    if not _is_call(told):
        return None
    if not span.trace_id.strip("0") or not span.span_id.strip("0"):
        raise InputError("empty", "a span needs a trace id and a span id", "event_id")
    if span.start_ns <= 0:
        raise InputError("empty", "startTimeUnixNano is empty", "at_utc")
    error = read_text(told, "error.type")
    failed = span.is_error or bool(error)
    first_s = read_number(told, "gen_ai.response.time_to_first_chunk")
    return Record({
        "event_id": fit_id(f"{span.trace_id}-{span.span_id}"),
        "at_utc": _moment(span.start_ns),
        "workspace_id": read_text({**span.resource, **told}, "brain.workspace_id"),
        "user_id": read_text(told, "user.id", "enduser.id", "gen_ai.user.id"),
        "session_id": read_text(told, "gen_ai.conversation.id", "session.id"),
        "agent_id": read_text(told, "gen_ai.agent.name", "gen_ai.agent.id"),
        "provider": read_text(told, "gen_ai.provider.name", "gen_ai.system"),
        "model": read_text(told, "gen_ai.response.model", "gen_ai.request.model"),
        "endpoint": read_text(told, "gen_ai.operation.name", "llm.request.type"),
        "feature": read_text(span.resource, "service.name"),
        "region": read_text({**span.resource, **told}, "cloud.region"),
        "status": "error" if failed else "ok",
        "error_code": (error or "error") if failed else "",
        "latency_ms": (span.end_ns - span.start_ns) / 1e6 if span.end_ns else None,
        "ttft_ms": None if first_s is None else first_s * 1_000,
        "price_context": read_context(read_text(told, *_TIERS)),
        **token_fields(ToldTokens(
            input=_count(told, _INPUT), cache_read=_count(told, _READS),
            cache_write=_count(told, _WRITES), output=_count(told, _OUTPUT),
            reasoning=_count(told, _REASONING)), Convention.INCLUDES_CACHED),
        "query_text": _find_text(span)})


def _is_call(told: Mapping[str, Any]) -> bool:
    operation = read_text(told, "gen_ai.operation.name", "llm.request.type").lower()
    if operation:
        return operation in _CALLS
    return any(told.get(name) is not None for name in (*_INPUT, *_OUTPUT))


def _count(told: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The count under the first name that is there; two that differ contradict each other."""
    found = {name: number for name in names if (number := find_count(told, name)) is not None}
    if len(set(found.values())) > 1:
        raise InputError("contradiction", " and ".join(f"{name} {number}" for name, number
                                                       in found.items()) + " do not agree",
                         next(iter(found)))
    return next(iter(found.values()), 0)


def _moment(nanos: int) -> dt.datetime:
    try:
        return _EPOCH + dt.timedelta(microseconds=nanos // 1_000)
    except OverflowError as error:
        raise InputError("not_a_time", f"startTimeUnixNano {str(nanos)[:40]} is no time",
                         "at_utc") from error


def _find_text(span: Span) -> str | None:
    told = span.attributes
    for name in ("gen_ai.input.messages", "gen_ai.prompt"):
        if told.get(name) and (found := find_question(told[name])):
            return found
    for place in range(63, -1, -1):  # one attribute per message, as the first instrumentations did
        if told.get(f"gen_ai.prompt.{place}.role") == "user":
            return find_question(told.get(f"gen_ai.prompt.{place}.content"))
    for name, inside in reversed(span.events):
        if name == "gen_ai.user.message":
            return find_question(inside.get("content"))
        if name in ("gen_ai.content.prompt", "gen_ai.client.inference.operation.details"):
            return find_question(inside.get("gen_ai.prompt",
                                            inside.get("gen_ai.input.messages")))
    return None


OTLP_VENDOR = Vendor("otlp", "OpenTelemetry GenAI spans (OTLP JSON or protobuf)", knows, read,
                     read_json, left_out="spans that are no calls of a model", binary=read_file)
OTLP = OTLP_VENDOR.format()
