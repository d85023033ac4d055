"""Anthropic, Google and Bedrock through any-llm, which carries their wire formats; imported here
alone."""

import asyncio
import contextlib
import datetime as dt
import json
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from any_llm import AnyLLM, exceptions

from brain.decisions.retrying import FaultKind
from brain.sources.providers.interface import Piece, ProviderFault, Received, Sent
from brain.sources.providers.openai_form import read_piece, read_whole, tell_call
from brain.sources.providers.retry_after import read_retry_after
from brain.sources.providers.threads import from_thread, in_thread

LIBRARY_NAMES = {"anthropic": "anthropic", "google": "gemini", "bedrock": "bedrock"}
_DEFAULT_OUTPUT = 4_096  # Anthropic takes no call without a limit
logging.getLogger("any_llm").setLevel(logging.ERROR)


def open_library(kind: str, base_url: str, key: str, options: Mapping[str, Any],
                 clock: Callable[[], dt.datetime]) -> "Vendor":
    """A client of a provider; ``clock`` is what dates in its answers are held against.

    Raises ProviderFault with kind "auth" where the library cannot make one with these values.
    """
    given = dict(options)
    if kind == "bedrock":  # its session looks the keys up as every AWS program does
        from botocore.config import Config
        given = {"region_name": "us-east-1", **options, "config": Config(
            retries={"total_max_attempts": 1}, max_pool_connections=64)}
    else:
        given["max_retries"] = 0
    try:
        client = AnyLLM.create(LIBRARY_NAMES[kind], api_key=key or (
            None if kind == "bedrock" else "none"), api_base=base_url or None,
            unified_exceptions=True, **given)
    except Exception as error:  # whatever the library or the vendor's own code objects to
        raise ProviderFault("auth", f"no client could be made: {type(error).__name__}") from error
    return Vendor(kind, client, clock)


class Vendor:
    """One provider by its own wire format; raises ProviderFault alone."""

    def __init__(self, kind: str, client: AnyLLM, clock: Callable[[], dt.datetime]) -> None:
        self._kind, self._client, self._clock = kind, client, clock

    async def complete(self, sent: Sent) -> Received:
        """The whole answer."""
        with _told_as_fault(self._clock):
            if self._kind == "bedrock":
                arguments = self._arguments(sent, stream=False)
                found: Any = await in_thread(lambda: self._client.completion(**arguments))
            else:
                found = await self._client.acompletion(**self._arguments(sent, stream=False))
            return read_whole(found)

    async def stream(self, sent: Sent) -> AsyncIterator[Piece]:
        """The answer in pieces."""
        arguments = self._arguments(sent, stream=True)
        with _told_as_fault(self._clock):
            if self._kind == "bedrock":
                pieces: AsyncIterator[Any] = from_thread(
                    lambda: self._client.completion(**arguments))  # type: ignore[arg-type,return-value]
            else:
                pieces = await self._client.acompletion(**arguments)
            ended = False
            try:
                async for chunk in pieces:
                    piece = read_piece(chunk)
                    ended = ended or bool(piece.finish_reason)
                    yield piece
            finally:
                if close := getattr(pieces, "aclose", None) or getattr(pieces, "close", None):
                    await close()
            if not ended:
                raise ProviderFault("cut", "the stream ended before the answer did")

    async def close(self) -> None:
        """Give connections free."""
        inner = getattr(self._client, "client", None)
        further = getattr(self._client, "_timeout_clients", {})  # Bedrock's, one for each time-out
        for each in (getattr(inner, "aio", None), inner, *further.values()):  # Google's has two
            close = getattr(each, "aclose", None) or getattr(each, "close", None)
            if close is not None:
                with contextlib.suppress(Exception):
                    done = close()
                    if asyncio.iscoroutine(done):
                        await done

    def _arguments(self, sent: Sent, *, stream: bool) -> dict[str, Any]:
        given = tell_call(sent, stream=stream)
        if self._kind == "bedrock":  # one client for each time-out: few of them
            given["timeout"] = float(2 ** max(0, math.ceil(math.log2(max(sent.timeout_s, 1)))))
        else:
            given["timeout"] = max(sent.timeout_s, 0.05)
        if sent.max_output_tokens is not None or self._kind == "anthropic":
            given["max_tokens"] = sent.max_output_tokens or _DEFAULT_OUTPUT
        return given


_KINDS: tuple[tuple[type[Exception], FaultKind], ...] = (
    (exceptions.RateLimitError, "rate_limited"), (exceptions.AuthenticationError, "auth"),
    (exceptions.ContextLengthExceededError, "too_long"),
    (exceptions.ContentFilterError, "content_filter"),
    (exceptions.ModelNotFoundError, "not_found"),
    (exceptions.InvalidRequestError, "bad_request"))


@contextlib.contextmanager
def _told_as_fault(clock: Callable[[], dt.datetime]) -> Iterator[None]:
    try:
        yield
    except (ProviderFault, asyncio.CancelledError, GeneratorExit):
        raise
    except TimeoutError:
        raise
    except Exception as error:
        raise _to_fault(error, clock()) from error


def _to_fault(error: Exception, now: dt.datetime) -> ProviderFault:
    status = getattr(error, "status_code", None)
    first = getattr(error, "original_exception", None) or error
    name = type(first).__name__
    words = f"{type(error).__name__} ({name}): {str(error)[:300]}"
    wait_s = read_retry_after(_header(first, "retry-after") or getattr(
        error, "retry_after", None), now)
    for kind, fault in _KINDS:
        if isinstance(error, kind):
            return ProviderFault(fault, words, wait_s, status)
    code = str(getattr(error, "code", "") or "")
    if "Throttl" in name or "Throttl" in code or status == 429:
        return ProviderFault("rate_limited", words, wait_s, status)
    if "Timeout" in name or isinstance(first, TimeoutError):
        return ProviderFault("timeout", words, None, status)
    if isinstance(first, json.JSONDecodeError | UnicodeDecodeError | AttributeError | KeyError
                  | TypeError | ValueError) or "Validation" in name or "Decod" in name:
        return ProviderFault("bad_answer", words, None, status)
    if status in (401, 403):
        return ProviderFault("auth", words, None, status)
    if status is not None and 400 <= status < 500 and status != 408:
        return ProviderFault("bad_request", words, None, status)
    names = " ".join(_chain(first))
    if any(sign in names for sign in ("RemoteProtocol", "Incomplete", "EventStream", "ReadError",
                                      "ResponseStreaming", "ProtocolError")):
        return ProviderFault("cut", words, None, status)
    return ProviderFault("unavailable", words, wait_s, status)


def _chain(error: BaseException | None) -> Iterator[str]:
    """Names of an error and of what caused it."""
    for _ in range(5):
        if error is None:
            return
        yield type(error).__name__
        error = error.__cause__ or error.__context__


def _header(error: Any, name: str) -> str | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None and isinstance(getattr(error, "response", None), dict):
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders")
    try:
        return headers.get(name) if headers is not None else None
    except AttributeError:
        return None
