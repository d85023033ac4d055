"""Langfuse exports: observations as JSON or CSV, or traces with their observations.

Only those of type GENERATION and EMBEDDING call a model; the others sum up what is inside them.
In ``usageDetails`` each token stands under one key: input and output leave out what other keys
count. Some senders break that, which the record's own total shows.
Source: Langfuse documentation, "Token & Cost Tracking" and "Public API, observations".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from brain.decisions.price_contexts import read_context
from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens
from brain.sources.importers.questions import find_question
from brain.sources.importers.records import Record, Vendor, fit_id
from brain.sources.importers.telling import (
    find_count,
    list_objects,
    need_moment,
    read_count,
    read_moment,
    read_object,
    read_text,
    span_ms,
    token_fields,
)

_CALLS = {"GENERATION", "EMBEDDING"}
_READS = ("cache_read_input_tokens", "input_cached_tokens", "input_cache_read", "cached_tokens",
          "cache_read")
_WRITES = ("cache_creation_input_tokens", "cache_write_input_tokens", "input_cache_creation",
           "cache_creation")
_REASONING = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "reasoning")
_INPUT = ("input", "prompt_tokens", "promptTokens", "input_tokens")
_OUTPUT = ("output", "completion_tokens", "completionTokens", "output_tokens")
_TOTAL = ("total", "total_tokens", "totalTokens")

_FLAT = {"promptTokens": "input", "completionTokens": "output", "totalTokens": "total",
         "inputUsage": "input", "outputUsage": "output", "totalUsage": "total"}


def knows(found: Mapping[str, Any]) -> bool:
    """Whether an object is an observation, or a trace with observations."""
    if isinstance(found.get("observations"), list) and "timestamp" in found:
        return True
    names = set(found)
    return ({"id", "type"} <= names and bool({"traceId", "trace_id"} & names)
            and bool({"startTime", "start_time"} & names))


def unwrap(found: Mapping[str, Any]) -> Iterator[Any]:
    """The observations, each with what its trace says of user and session."""
    if not isinstance(found.get("observations"), list):
        yield found
        return
    told = {name: found[name] for name in ("userId", "sessionId", "projectId") if found.get(name)}
    for each in list_objects(found, "observations"):
        yield {**told, **each}


def read(seen: Mapping[str, Any]) -> Record | None:
    """One call of a model. Raises InputError for one that cannot be used."""
    if read_text(seen, "type").upper() not in _CALLS:
        return None
    observation_id = read_text(seen, "id")
    if not observation_id:
        raise InputError("empty", "id is empty", "event_id")
    start = need_moment(seen, "startTime", "start_time")
    end = read_moment(seen, "endTime", "end_time")
    first = read_moment(seen, "completionStartTime", "completion_start_time")
    failed = read_text(seen, "level").upper() == "ERROR"
    return Record({
        "event_id": fit_id(observation_id), "at_utc": start,
        "workspace_id": read_text(seen, "projectId", "project_id"),
        "user_id": read_text(seen, "userId", "user_id"),
        "session_id": read_text(seen, "sessionId", "session_id"),
        "model": read_text(seen, "model", "providedModelName", "provided_model_name"),
        "endpoint": read_text(seen, "type").lower(), "feature": read_text(seen, "name")[:256],
        "status": "error" if failed else "ok",
        "latency_ms": span_ms(start, end), "ttft_ms": span_ms(start, first),
        "price_context": read_context(read_text(
            read_object(seen, "modelParameters") or read_object(seen, "model_parameters"),
            "service_tier")),
        **_read_tokens(seen), "query_text": find_question(seen.get("input"))})


def _read_tokens(seen: Mapping[str, Any]) -> dict[str, int]:
    usage = (read_object(seen, "usageDetails") or read_object(seen, "usage_details")
             or read_object(seen, "usage")
             or {name: seen[flat] for flat, name in _FLAT.items() if flat in seen})
    if read_text(usage, "unit").upper() not in ("", "TOKENS"):
        raise InputError("not_tokens", f"usage is counted in {read_text(usage, 'unit')[:40]}, not "
                         "in tokens", "input_tokens")
    writes = sum(read_count(usage, name) for name in usage
                 if name.startswith("input_cache_creation_"))  # one key for each lifetime
    known = {*_READS, *_WRITES, *_REASONING, *_INPUT, *_OUTPUT, *_TOTAL}
    # Audio, images and the like: keys of their own, beside the plain input or output.
    others = {name for name in usage if name not in known
              and not name.startswith("input_cache_creation_")}
    reasoning = read_count(usage, *_REASONING)
    return token_fields(ToldTokens(
        input=read_count(usage, *_INPUT) + _sum(usage, others, "input_"),
        cache_read=read_count(usage, *_READS),
        cache_write=read_count(usage, *_WRITES) or writes,
        output=read_count(usage, *_OUTPUT) + _sum(usage, others, "output_"),
        reasoning=reasoning, total=find_count(usage, *_TOTAL),
        reasoning_beside_output=True), Convention.TOLD_BY_TOTAL)


def _sum(usage: Mapping[str, Any], names: set[str], start: str) -> int:
    return sum(read_count(usage, name) for name in names if name.startswith(start))


LANGFUSE = Vendor("langfuse", "Langfuse observations", knows, read, unwrap,
                  left_out="observations that are no calls of a model").format()
