"""Helicone exports: requests as its API and its export tool write them, JSON or CSV.

Prompt tokens, cache reads and cache writes stand side by side, as its own totals add them up.
Source: Helicone documentation, "Query requests" and "Export".
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
    read_number,
    read_object,
    read_text,
    token_fields,
)

_NOT_CACHED = ("", "00000000-0000-0000-0000-000000000000")


def knows(found: Mapping[str, Any]) -> bool:
    """Whether an object is a request of Helicone's."""
    return {"request_id", "request_created_at"} <= set(found)


def read(row: Mapping[str, Any]) -> Record:
    """One request. Raises InputError for one that cannot be used."""
    request_id = read_text(row, "request_id")
    if not request_id:
        raise InputError("empty", "request_id is empty", "event_id")
    properties = read_object(row, "request_properties") or read_object(row, "properties")
    status = read_count(row, "response_status")
    failed = status < 0 or status >= 400  # -3 to -1: cancelled or timed out at the proxy
    return Record({
        "event_id": fit_id(request_id), "at_utc": need_moment(row, "request_created_at"),
        "user_id": read_text(row, "request_user_id", "user_id"),
        "session_id": read_text(properties, "Helicone-Session-Id"),
        "provider": read_text(row, "provider").lower(),
        "model": read_text(row, "response_model", "model_override", "request_model", "model"),
        "endpoint": read_text(row, "request_path")[:256],
        "feature": read_text(properties, "Helicone-Session-Name", "feature")[:256],
        "region": read_text(row, "country_code"),
        "status": "error" if failed else "ok",
        "error_code": str(status) if failed else "",
        "latency_ms": read_number(row, "delay_ms"),
        "ttft_ms": read_number(row, "time_to_first_token"),
        "price_context": read_context(
            read_text(read_object(row, "response_body"), "service_tier")
            or read_text(read_object(row, "request_body"), "service_tier")),
        **token_fields(ToldTokens(
            input=read_count(row, "prompt_tokens") + read_count(row, "prompt_audio_tokens"),
            cache_read=read_count(row, "prompt_cache_read_tokens"),
            cache_write=read_count(row, "prompt_cache_write_tokens"),
            output=read_count(row, "completion_tokens")
            + read_count(row, "completion_audio_tokens"),
            reasoning=read_count(row, "reasoning_tokens")), Convention.EXCLUDES_CACHED),
        "cached": read_text(row, "cache_reference_id") not in _NOT_CACHED,
        "query_text": find_question(row.get("request_body"))})


HELICONE = Vendor("helicone", "Helicone requests", knows, read).format()
