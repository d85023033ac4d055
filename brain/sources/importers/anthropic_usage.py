"""Anthropic's usage export: the messages usage report, or the Console's CSV of tokens.

Uncached input, cache reads and cache writes (of 5 minutes and of 1 hour) stand side by side.
Nothing tells how many requests a row sums up. So that prices which depend on the size of a prompt
hold, it is cut into rows of a size that its context window allows, never more of them than needed.
Source: Anthropic API documentation, "Usage and Cost API".
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from brain.decisions.price_contexts import read_context
from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens
from brain.sources.importers.records import Record, Vendor, fit_id
from brain.sources.importers.telling import (
    list_objects,
    need_moment,
    read_count,
    read_moment,
    read_object,
    read_text,
    token_fields,
)

SMALL_WINDOW_TOKENS = 200_000
LARGE_WINDOW_TOKENS = 1_000_000
_WHO = ("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo",
        "account_id", "service_account_id", "speed")
_CSV = {"usage_date_utc": "starting_at", "model_version": "model", "api_key": "api_key_id",
        "workspace": "workspace_id", "usage_type": "service_tier",
        "usage_input_tokens_no_cache": "uncached_input_tokens",
        "usage_input_tokens_cache_read": "cache_read_input_tokens",
        "usage_output_tokens": "output_tokens"}


def knows(found: Mapping[str, Any]) -> bool:
    """Whether an object is a bucket of the usage or cost report, or a row of the CSV."""
    return ({"starting_at", "ending_at", "results"} <= set(found)
            or {"usage_date_utc", "model_version", "usage_output_tokens"} <= set(found))


def unwrap(found: Mapping[str, Any]) -> Iterator[Any]:
    """The results of a bucket, each with the bucket's times; a CSV row under the API's names."""
    if "usage_date_utc" in found:
        yield {**{_CSV.get(name, name): value for name, value in found.items()},
               "cache_creation": {
                   "ephemeral_5m_input_tokens": found.get("usage_input_tokens_cache_write_5m"),
                   "ephemeral_1h_input_tokens": found.get("usage_input_tokens_cache_write_1h")}}
        return
    for result in list_objects(found, "results"):
        yield {**result, "starting_at": found["starting_at"], "ending_at": found["ending_at"]}


def read(result: Mapping[str, Any]) -> Record:
    """The use that one result tells of. Raises InputError for one that cannot be used."""
    if "amount" in result:
        raise InputError("cost_only", "a line of the cost report has no tokens; amounts follow "
                         "from the usage report and the price book")
    if "uncached_input_tokens" not in result:
        raise InputError("no_tokens", "the result has no uncached_input_tokens")
    start = need_moment(result, "starting_at")
    end = read_moment(result, "ending_at") or start + dt.timedelta(days=1)  # the CSV has days
    writes = read_object(result, "cache_creation")
    tokens = token_fields(ToldTokens(
        input=read_count(result, "uncached_input_tokens"),
        cache_read=read_count(result, "cache_read_input_tokens"),
        cache_write=read_count(writes, "ephemeral_5m_input_tokens")
        + read_count(writes, "ephemeral_1h_input_tokens"),
        output=read_count(result, "output_tokens")), Convention.EXCLUDES_CACHED)
    if not any(tokens.values()):
        raise InputError("no_tokens", "the result has no tokens")
    batch = "batch" in read_text(result, "service_tier")
    window = LARGE_WINDOW_TOKENS if _is_large(result) else SMALL_WINDOW_TOKENS
    prompt = tokens["input_tokens"] + tokens["cache_read_tokens"] + tokens["cache_write_tokens"]
    return Record({
        "event_id": fit_id("anthropic", start.isoformat(), end.isoformat(),
                           *(str(result.get(name) or "") for name in _WHO)),
        "at_utc": start, "workspace_id": read_text(result, "workspace_id"),
        "provider": "anthropic", "model": read_text(result, "model"),
        "endpoint": "messages batch" if batch else "messages",
        "region": read_text(result, "inference_geo"),
        "api_key_id": read_text(result, "api_key_id"),
        "price_context": read_context(read_text(result, "service_tier"),
                                      read_text(result, "inference_geo"),
                                      read_text(result, "speed")), **tokens},
        max(1, -(-prompt // window)), end)


def _is_large(result: Mapping[str, Any]) -> bool:
    told = read_text(result, "context_window").lower()
    return told.startswith(("200k-", "> 200k", ">200k"))


ANTHROPIC_USAGE = Vendor(
    "anthropic-usage", "Anthropic usage report", knows, read, unwrap,
    note="the report has tokens, not requests: its rows stand for many requests each, and request "
    "counts mean nothing; cache writes of 5 minutes and 1 hour are one class").format()
