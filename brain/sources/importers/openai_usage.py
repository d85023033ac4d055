"""OpenAI's usage export: pages, buckets or results of the organization's usage API.

``input_tokens`` is a total with cached reads and writes inside. A result sums up all requests of
a bucket; they are spread over it, each with the mean of the tokens, so that prices which depend
on the size of a prompt see that of a request.
Source: OpenAI API reference, "Usage".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from brain.decisions.price_contexts import read_context
from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens
from brain.sources.importers.records import Record, Vendor, fit_id
from brain.sources.importers.telling import (
    find_count,
    list_objects,
    need_moment,
    read_count,
    read_text,
    token_fields,
)

_WHO = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source")
_KINDS = "organization.usage."


def knows(found: Mapping[str, Any]) -> bool:
    """Whether an object is a bucket of the usage or of the costs."""
    return {"start_time", "end_time", "results"} <= set(found)


def unwrap(bucket: Mapping[str, Any]) -> Iterator[Any]:
    """The results of a bucket, each with the bucket's times."""
    for result in list_objects(bucket, "results"):
        yield {**result, "start_time": bucket["start_time"], "end_time": bucket["end_time"]}


def read(result: Mapping[str, Any]) -> Record:
    """The requests of one result. Raises InputError for one that cannot be used."""
    kind = read_text(result, "object").removeprefix(_KINDS).removesuffix(".result")
    if "amount" in result:
        raise InputError("cost_only", "a line of the costs has no tokens; amounts follow from "
                         "the usage export and the price book")
    if "input_tokens" not in result:
        raise InputError("no_tokens", f"{kind[:40] or 'the result'} is not counted in tokens")
    start, end = need_moment(result, "start_time"), need_moment(result, "end_time")
    requests = read_count(result, "num_model_requests")
    if requests < 1:
        raise InputError("bad_count", "num_model_requests must be 1 or more", "")
    batch = result.get("batch") is True
    return Record({
        "event_id": fit_id("openai", kind, start.isoformat(), end.isoformat(),
                           *(str(result.get(name)) for name in _WHO)),
        "at_utc": start, "workspace_id": read_text(result, "project_id"),
        "user_id": read_text(result, "user_id"), "provider": "openai",
        "model": read_text(result, "model"),
        "endpoint": f"{kind} batch" if batch else kind,
        "api_key_id": read_text(result, "api_key_id"),
        "price_context": read_context("batch" if batch else "",
                                      read_text(result, "service_tier")),
        **token_fields(ToldTokens(
            input=read_count(result, "input_tokens"),
            cache_read=read_count(result, "input_cached_tokens"),
            cache_write=read_count(result, "input_cache_write_tokens"),
            output=read_count(result, "output_tokens"),
            uncached_input=find_count(result, "input_uncached_tokens")),
            Convention.INCLUDES_CACHED)}, requests, end)


OPENAI_USAGE = Vendor(
    "openai-usage", "OpenAI usage export", knows, read, unwrap,
    note="requests are spread evenly over their bucket, each with the mean of its tokens").format()
