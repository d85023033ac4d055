"""What kind of fault an error of OpenAI's form is: by status, by its code, else by its words."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from brain.decisions.retrying import FaultKind
from brain.sources.providers.interface import ProviderFault
from brain.sources.providers.retry_after import read_retry_after

_BY_STATUS: dict[int, FaultKind] = {401: "auth", 402: "bad_request", 403: "auth",
                                    404: "not_found", 408: "unavailable", 429: "rate_limited"}
_BY_CODE: dict[str, FaultKind] = {
    "context_length_exceeded": "too_long", "string_above_max_length": "too_long",
    "model_not_found": "not_found", "content_filter": "content_filter",
    "content_policy_violation": "content_filter", "invalid_api_key": "auth",
    "rate_limit_exceeded": "rate_limited"}
_BY_WORDS: dict[FaultKind, re.Pattern[str]] = {
    "rate_limited": re.compile("rate.?limit|too many requests|quota exceeded"),
    "auth": re.compile("api.?key|unauthorized|authenticat|permission|access denied|forbidden"),
    "too_long": re.compile("context.*length|length.*context|token limit|maximum.*length"),
    "not_found": re.compile("not.?found|does not exist"),
    "content_filter": re.compile(
        "content.*(filter|policy)|(filter|policy).*content|safety|moderation|blocked")}
"""As any-llm reads them, tried in order."""
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def fault_of_status(status: int, body: bytes, headers: Mapping[str, str], now: dt.datetime
                    ) -> ProviderFault:
    """The fault that an answer with another status than success tells of."""
    code, message = _read(body)
    kind = _BY_STATUS.get(status)
    if kind is None and 400 <= status < 500:
        kind = _judge(code, message) or "bad_request"
    wait_s = read_retry_after(headers.get("retry-after"), now)
    if wait_s is None and (told_ms := read_retry_after(headers.get("retry-after-ms"), now)):
        wait_s = told_ms / 1000
    return ProviderFault(kind or "unavailable", f"status {status}: {message}", wait_s, status)


def fault_in_stream(body: bytes) -> ProviderFault:
    """The fault that a piece of a stream tells of."""
    code, message = _read(body)
    return ProviderFault(_judge(code, message) or "unavailable", f"in the stream: {message}")


def _judge(code: str, message: str) -> FaultKind | None:
    if code in _BY_CODE:
        return _BY_CODE[code]
    words = f"{code} {_ADDRESS.sub('', message)}".lower()
    return next((kind for kind, sign in _BY_WORDS.items() if sign.search(words)), None)


def _read(body: bytes) -> tuple[str, str]:
    """Code and message of an error, which servers wrap differently."""
    try:
        told: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", body[:300].decode(errors="replace")
    inner = told.get("error", told) if isinstance(told, dict) else told
    if not isinstance(inner, dict):
        return "", str(inner)[:300]
    return str(inner.get("code") or inner.get("type") or ""), str(
        inner.get("message") or inner.get("detail") or inner)[:300]
