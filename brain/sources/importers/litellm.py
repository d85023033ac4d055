"""LiteLLM spend logs: rows of its table LiteLLM_SpendLogs, as JSON or CSV.

``prompt_tokens`` are a total with cached reads and writes inside, whatever the provider; the
cached ones stand in ``metadata.additional_usage_values`` or ``metadata.usage_object``.
Source: LiteLLM documentation, "Spend Tracking" and "Spend logs"; its table's schema.
"""

from collections.abc import Mapping
from typing import Any

from brain.decisions.price_contexts import read_context
from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens
from brain.sources.importers.questions import find_question
from brain.sources.importers.records import Record, Vendor, fit_id
from brain.sources.importers.telling import (
    need_moment,
    read_count,
    read_moment,
    read_object,
    read_text,
    span_ms,
    token_fields,
)

_SECRET = "sk-"  # noqa: S105 - how a key in the clear begins; none is kept


def knows(found: Mapping[str, Any]) -> bool:
    """Whether an object is a row of a spend log."""
    return {"request_id", "call_type", "spend", "startTime"} <= set(found)


def read(row: Mapping[str, Any]) -> Record:
    """One request. Raises InputError for a row that cannot be used."""
    metadata = read_object(row, "metadata")
    request_id = read_text(row, "request_id")
    if not request_id:
        raise InputError("empty", "request_id is empty", "event_id")
    start, end = need_moment(row, "startTime"), read_moment(row, "endTime")
    first = read_moment(row, "completionStartTime")
    key = read_text(metadata, "user_api_key_alias") or read_text(row, "api_key")
    failed = "fail" in read_text(row, "status") or "fail" in read_text(metadata, "status")
    error = read_object(metadata, "error_information")
    return Record({
        "event_id": fit_id(request_id), "at_utc": start,
        "workspace_id": read_text(row, "team_id"),
        "user_id": read_text(row, "end_user", "user"),
        "session_id": read_text(row, "session_id"),
        "provider": read_text(row, "custom_llm_provider"),
        "model": read_text(row, "model", "model_group"),
        "endpoint": read_text(row, "call_type"),
        "api_key_id": "" if key.startswith(_SECRET) else key,
        "status": "error" if failed else "ok",
        "error_code": read_text(error, "error_class", "error_code") if failed else "",
        "latency_ms": span_ms(start, end),
        # Where nothing was streamed, LiteLLM notes the end as the first token's time.
        "ttft_ms": span_ms(start, first) if first is not None and first != end else None,
        **_read_tokens(row, metadata),
        "price_context": read_context(
            "batch" if "batch" in read_text(row, "call_type") else "",
            read_text(read_object(metadata, "usage_object"), "service_tier")
            or read_text(read_object(row, "response"), "service_tier")
            or read_text(metadata, "service_tier")),
        "cached": read_text(row, "cache_hit").lower() == "true",
        "query_text": find_question(row.get("messages")
                                    or read_object(row, "proxy_server_request"))})


def _read_tokens(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, int]:
    more = read_object(metadata, "additional_usage_values")
    usage = more if any(value is not None for value in more.values()) else read_object(
        metadata, "usage_object")
    prompt = read_object(usage, "prompt_tokens_details")
    completion = read_object(usage, "completion_tokens_details")
    return token_fields(ToldTokens(
        input=read_count(row, "prompt_tokens"),
        cache_read=read_count(usage, "cache_read_input_tokens")
        or read_count(prompt, "cached_tokens"),
        cache_write=read_count(usage, "cache_creation_input_tokens")
        or read_count(prompt, "cache_creation_tokens"),
        output=read_count(row, "completion_tokens"),
        reasoning=read_count(completion, "reasoning_tokens")), Convention.INCLUDES_CACHED)


LITELLM = Vendor("litellm", "LiteLLM spend logs", knows, read).format()
