"""OpenAI's chat completions over HTTP, for OpenAI itself and all who speak its form.

Without the vendor's own library: it takes ten times the processor time for a call whose form the
engine has already (docs/decisions/providers.md).
Source: OpenAI, API reference, "Chat"; WHATWG HTML, "Server-sent events".
"""

import asyncio
import contextlib
import datetime as dt
import os
import ssl
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import certifi
import msgspec
from yarl import URL

from brain.sources.providers.completion_faults import fault_in_stream, fault_of_status
from brain.sources.providers.interface import Piece, ProviderFault, Received, Sent
from brain.sources.providers.openai_form import read_piece, read_whole, tell_call

OPENAI = "https://api.openai.com/v1"
_MOST_FAULT_BYTES = 100_000
_KEPT_OPEN_S = 5.0  # servers close idle connections from then on
_OF_ENVIRONMENT = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function = msgspec.field(default_factory=_Function)
    id: str | None = None
    index: int | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Completion).decode
_encode = msgspec.json.Encoder().encode


def open_completions(base_url: str, key: str, clock: Callable[[], dt.datetime]
                     ) -> "ChatCompletions":
    """A client of the address, of OpenAI's without one.

    Raises ProviderFault with kind "auth" for an address or key that cannot be used.
    """
    base = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
    try:
        url = URL(base.rstrip("/") + "/chat/completions")
    except ValueError as error:
        raise ProviderFault("auth", "no client could be made: the address is none") from error
    headers = {name: value for name, variable in _OF_ENVIRONMENT.items()
               if (value := os.environ.get(variable))}
    if url.user is None:  # otherwise the address carries the key
        headers["Authorization"] = f"Bearer {key or 'none'}"
    if not all(each.isprintable() for each in headers.values()):
        raise ProviderFault("auth", "no client could be made: the key has a character that no "
                                    "header can carry")
    return ChatCompletions(url, headers, _proxy(url), clock)


class ChatCompletions:
    """One provider by OpenAI's form; raises ProviderFault alone."""

    def __init__(self, url: URL, headers: dict[str, str], proxy: str | None,
                 clock: Callable[[], dt.datetime]) -> None:
        self._url, self._clock, self._proxy = url, clock, proxy
        self._headers = {"Content-Type": "application/json", "User-Agent": "brain-console",
                         **headers}
        self._session: aiohttp.ClientSession | None = None

    async def complete(self, sent: Sent) -> Received:
        """The whole answer."""
        with _told_as_fault():
            async with await self._asked(sent, stream=False) as answer:
                body = await answer.read()
            return read_whole(_decode(body))

    async def stream(self, sent: Sent) -> AsyncIterator[Piece]:
        """The answer in pieces."""
        ended = False
        with _told_as_fault():
            async with await self._asked(sent, stream=True) as answer:
                async for told in _events(answer.content):
                    if told == b"[DONE]":
                        break
                    chunk = _decode(told)
                    if chunk.error:
                        raise fault_in_stream(told)
                    piece = read_piece(chunk)
                    ended = ended or bool(piece.finish_reason)
                    yield piece
            if not ended:
                raise ProviderFault("cut", "the stream ended before the answer did")

    async def close(self) -> None:
        """Give connections free."""
        if self._session is not None:
            await self._session.close()

    async def _asked(self, sent: Sent, *, stream: bool) -> aiohttp.ClientResponse:
        """The response once its head is there; left before its end, it lets the connection go."""
        if self._session is None:  # made here, for it belongs to the event loop that calls
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=_KEPT_OPEN_S, ssl=trusted_certificates()),
                headers=self._headers, cookie_jar=aiohttp.DummyCookieJar(), proxy=self._proxy)
        answer = await self._session.post(
            self._url, data=_body(sent, stream=stream),
            timeout=aiohttp.ClientTimeout(max(sent.timeout_s, 0.05)))
        if answer.status < 300:
            return answer
        async with answer:
            raise fault_of_status(answer.status, await _beginning(answer.content),
                                  answer.headers, self._clock())


def trusted_certificates() -> ssl.SSLContext:
    """Trusts what this machine trusts, and Mozilla's list: a bare Debian comes without any."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _body(sent: Sent, *, stream: bool) -> bytes:
    given = tell_call(sent, stream=stream)
    if stream:
        given["stream_options"] = {"include_usage": True}
    if sent.max_output_tokens is not None:
        given["max_completion_tokens"] = sent.max_output_tokens
    try:
        return _encode(given)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProviderFault("bad_request", f"the question cannot be sent: {error}") from error


async def _beginning(parts: aiohttp.StreamReader) -> bytes:
    """As much of a body as came, of a large one its beginning."""
    told = b""
    with contextlib.suppress(aiohttp.ClientError):
        async for part in parts.iter_any():
            told += part
            if len(told) >= _MOST_FAULT_BYTES:
                break
    return told


async def _events(parts: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event; what else an event has is left out."""
    rest, data, ended = b"", [], False
    while not ended:
        part = await parts.readany()
        ended = not part
        *lines, rest = (rest + (part or b"\n\n")).split(b"\n")  # some end without the empty line
        for line in lines:
            line = line.rstrip(b"\r")
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []


def _proxy(url: URL) -> str | None:
    """The proxy that the environment names for an address, as curl and Python's own client do."""
    found = urllib.request.getproxies()
    chosen = found.get(url.scheme) or found.get("all")
    if chosen is None or urllib.request.proxy_bypass(url.host or ""):
        return None
    return chosen if "://" in chosen else f"http://{chosen}"


@contextlib.contextmanager
def _told_as_fault() -> Iterator[None]:
    try:
        yield
    except (ProviderFault, asyncio.CancelledError, GeneratorExit):
        raise
    except TimeoutError as error:
        raise ProviderFault("timeout", "no answer in time") from error
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise ProviderFault("unavailable", _words(error)) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise ProviderFault("cut", _words(error)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderFault("bad_answer", _words(error)) from error
    except Exception as error:
        raise ProviderFault("unavailable", _words(error)) from error


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"
