"""Real providers through any-llm, which carries the wire formats and is imported here alone."""

import asyncio
import contextlib
import datetime as dt
import json
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from any_llm import AnyLLM, exceptions

from brain.decisions.reasons import InputError
from brain.decisions.retrying import FaultKind
from brain.decisions.tokens import Convention, TokenClasses, ToldTokens, split_tokens
from brain.sources.providers.interface import Piece, ProviderFault, Received, Sent
from brain.sources.providers.retry_after import read_retry_after
from brain.sources.providers.threads import from_thread, in_thread

LIBRARY_NAMES = {"openai": "openai", "anthropic": "anthropic", "google": "gemini",
                 "bedrock": "bedrock"}
_DEFAULT_OUTPUT = 4_096  # Anthropic takes no call without a limit
logging.getLogger("any_llm").setLevel(logging.ERROR)


def open_vendor(kind: str, base_url: str, key: str, options: Mapping[str, Any],
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
            return self._received(found)

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
                    piece = self._piece(chunk)
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
        given: dict[str, Any] = {"model": sent.model, "messages": list(sent.messages),
                                 **sent.options}
        if self._kind == "bedrock":  # one client for each time-out: few of them
            given["timeout"] = float(2 ** max(0, math.ceil(math.log2(max(sent.timeout_s, 1)))))
        else:
            given["timeout"] = max(sent.timeout_s, 0.05)
        if stream:
            given["stream"] = True
            if self._kind == "openai":
                given["stream_options"] = {"include_usage": True}
        if sent.max_output_tokens is not None or self._kind == "anthropic":
            given["max_tokens"] = sent.max_output_tokens or _DEFAULT_OUTPUT
        if sent.temperature is not None:
            given["temperature"] = sent.temperature
        if sent.tools:
            given["tools"] = [dict(each) for each in sent.tools]
            if sent.tool_choice is not None:
                given["tool_choice"] = sent.tool_choice
        if sent.json:
            given["response_format"] = {"type": "json_object"} if sent.json is True else {
                "type": "json_schema", "json_schema": {"name": "answer", "schema": sent.json}}
        if sent.stop:
            given["stop"] = list(sent.stop)
        return given

    def _received(self, found: Any) -> Received:
        choices = getattr(found, "choices", None)
        if not choices or getattr(choices[0], "message", None) is None:
            raise ProviderFault("bad_answer", "the answer has no message")
        message = choices[0].message
        tools = tuple((str(each.id or ""), str(each.function.name or ""),
                       str(each.function.arguments or "")) for each in message.tool_calls or ())
        if not isinstance(message.content, str | None):
            raise ProviderFault("bad_answer", "the answer's content is no text")
        return Received(message.content or "", tools, str(choices[0].finish_reason or "stop"),
                        _usage(found.usage))

    def _piece(self, chunk: Any) -> Piece:
        usage = _usage(getattr(chunk, "usage", None))
        choices = getattr(chunk, "choices", None) or ()
        if not choices:
            return Piece(usage=usage)
        delta = choices[0].delta
        tools = tuple(
            (int(each.index or 0), str(each.id or ""),
             str((each.function and each.function.name) or ""),
             str((each.function and each.function.arguments) or ""))
            for each in (delta.tool_calls or ()) if each) if delta else ()
        return Piece((delta.content or "") if delta else "", tools,
                     str(choices[0].finish_reason or ""), usage)


def _usage(told: Any) -> TokenClasses | None:
    """Disjoint classes from OpenAI's form, whose prompt tokens include the cached ones."""
    if told is None:
        return None
    prompt = getattr(told, "prompt_tokens_details", None)
    output = getattr(told, "completion_tokens_details", None)
    read = getattr(prompt, "cached_tokens", None) or 0
    written = getattr(prompt, "cache_write_tokens", None) or getattr(
        prompt, "cache_creation_tokens", None) or 0
    try:
        return split_tokens(ToldTokens(
            input=told.prompt_tokens or 0, cache_read=read, cache_write=written,
            output=told.completion_tokens or 0,
            reasoning=getattr(output, "reasoning_tokens", None) or 0), Convention.INCLUDES_CACHED)
    except (InputError, TypeError) as error:
        raise ProviderFault("bad_answer", f"the token counts make no sense: {error}") from error


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
