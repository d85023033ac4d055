"""Asks an OpenAI-compatible endpoint for vectors of texts, within bounded time and size."""

import asyncio
import base64
import binascii
import concurrent.futures
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from brain.sources.providers.retry_after import read_retry_after
from brain.sources.reading import Clock, now_utc, place_of

Vectors = NDArray[np.float32]
FaultKind = Literal["unreachable", "timeout", "auth", "not_found", "rate_limited", "refused",
                    "unavailable", "bad_answer"]
MOST_DIMENSIONS = 16_384
ANSWER_LIMIT_BYTES = 128_000_000
SHORTER = (1_000, 400)
"""Characters that texts are cut to in turn where the endpoint refuses longer ones."""
_CONNECTIONS = 32
_LONGEST_S = 600.0
_CLOSING_S = 0.2


class EmbeddingFault(Exception):
    """The endpoint gave no vectors; the message says what was wrong, where, and what to do.

    It never has words of the endpoint's: those may repeat the texts.
    """

    def __init__(self, kind: FaultKind, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.retry_after_s = kind, message, retry_after_s


class EmbeddingEndpoint:
    """One endpoint and model; safe to share between threads.

    ``place`` is host and port, for texts that people read. Source: OpenAI API reference,
    "Create embeddings".
    """

    def __init__(self, base_url: str, model: str, key: str = "", clock: Clock = now_utc) -> None:
        self.model, self.place = model, place_of(base_url)
        self._url = base_url.rstrip("/") + "/embeddings"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._clock = clock
        self._form = "base64"
        self._turn = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None

    def embed(self, texts: Sequence[str], timeout_s: float) -> Vectors:
        """A unit vector for each text, in order; zero where the endpoint gave zero.

        ``timeout_s`` bounds the whole of it. Raises EmbeddingFault.
        """
        if not texts:
            return np.zeros((0, 0), np.float32)
        work = self._within(list(texts), timeout_s)
        try:
            return asyncio.run_coroutine_threadsafe(work, self._running()).result(
                timeout_s + _CLOSING_S + 5)
        except (concurrent.futures.CancelledError, TimeoutError, RuntimeError) as error:
            work.close()  # the loop had been stopped before it took this
            raise EmbeddingFault("unavailable", "this program is about to end") from error

    def close(self) -> None:
        """Break off what is under way."""
        with self._turn:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    async def _within(self, texts: list[str], timeout_s: float) -> Vectors:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._shortening(texts)
        except TimeoutError as error:
            raise EmbeddingFault("timeout", f"{self.place} gave no vectors within "
                                            f"{timeout_s:.3g} s; see how busy it is") from error

    async def _shortening(self, texts: list[str]) -> Vectors:
        """The vectors, of the texts' beginnings where the endpoint takes no longer ones."""
        for most in SHORTER:
            try:
                return await self._ask(texts)
            except EmbeddingFault as fault:
                if fault.kind != "refused" or max(map(len, texts)) <= most:
                    raise
            texts = [each[:most] for each in texts]
        return await self._ask(texts)

    async def _ask(self, texts: list[str]) -> Vectors:
        status, headers, body = await self._post(texts)
        if status in (400, 422) and self._form == "base64" and b"encoding_format" in body:
            self._form = ""  # it knows no such option: numbers are what it gives
            status, headers, body = await self._post(texts)
        if status != 200:
            raise self._refusal(status, headers.get("retry-after"))
        return self._read(body, len(texts))

    async def _post(self, texts: list[str]) -> tuple[int, Any, bytes]:
        import httpx
        asked: dict[str, Any] = {"model": self.model, "input": texts}
        if self._form:
            asked["encoding_format"] = self._form
        try:
            async with self._client.stream("POST", self._url, json=asked,
                                           headers=self._headers) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_LIMIT_BYTES:
                        raise EmbeddingFault("bad_answer", f"{self.place} gave an answer of more "
                                             f"than {ANSWER_LIMIT_BYTES:,} bytes")
                return answer.status_code, answer.headers, bytes(body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise EmbeddingFault("unreachable", f"{self.place} cannot be reached; see whether the "
                                 "server runs and BRAIN_EMBEDDINGS_BASE_URL is right") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise EmbeddingFault("unavailable", f"{self.place} broke off its answer or does not "
                                                f"speak HTTP ({type(error).__name__})") from error

    def _refusal(self, status: int, retry_after: str | None) -> EmbeddingFault:
        where = f"{self.place} answered HTTP {status}"
        if status in (401, 403):
            return EmbeddingFault("auth", f"{where}: it does not take the key; see "
                                          "BRAIN_EMBEDDINGS_KEY")
        if status == 404:
            return EmbeddingFault("not_found", f"{where}: it has no model {self.model!r:.80} or no "
                                  "/embeddings; see BRAIN_EMBEDDINGS_MODEL and _BASE_URL")
        if status == 429:
            wait_s = read_retry_after(retry_after, self._clock())
            return EmbeddingFault("rate_limited", f"{where}: too many calls; they are tried again "
                                                  "by themselves", wait_s)
        if status in (400, 413, 422):
            return EmbeddingFault("refused", f"{where}: it does not take these texts for the model "
                                             f"{self.model!r:.80}; see its log")
        if 300 <= status < 400:
            return EmbeddingFault("not_found", f"{where}: it points elsewhere, and texts are sent "
                                               "to BRAIN_EMBEDDINGS_BASE_URL only; correct it")
        return EmbeddingFault("unavailable", f"{where}; see its log")

    def _read(self, body: bytes, count: int) -> Vectors:
        """The vectors out of an answer, in the order of the texts."""
        def bad(what: str) -> EmbeddingFault:
            return EmbeddingFault("bad_answer", f"{self.place} gave {what}; see whether "
                                                f"{self.model!r:.80} is a model for embeddings")
        try:
            data = json.loads(body)["data"]
            rows = [(each.get("index", place), each["embedding"])
                    for place, each in enumerate(data)]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise bad("an answer that is not a list of embeddings in JSON") from error
        if len(rows) != count:
            raise bad(f"{len(rows)} vectors for {count} texts")
        try:
            if sorted(place for place, _ in rows) != list(range(count)):
                raise bad("vectors whose numbers do not fit the texts")
            found = [_to_numbers(each) for _, each in sorted(rows, key=lambda row: row[0])]
        except (ValueError, TypeError, OverflowError, binascii.Error) as error:
            raise bad("a vector that is neither numbers nor base64 of them") from error
        sizes = {each.shape for each in found}
        if len(sizes) > 1:
            raise bad("vectors of different lengths")
        if not 0 < found[0].size <= MOST_DIMENSIONS:
            raise bad(f"vectors of {found[0].size} numbers")
        vectors = np.stack(found)
        if not np.isfinite(vectors).all():
            raise bad("a vector with a number that is none (NaN or infinite)")
        return to_unit(vectors)

    def _running(self) -> asyncio.AbstractEventLoop:
        """The event loop of this endpoint, in a thread of its own."""
        with self._turn:
            if self._loop is None:
                import httpx
                self._client = httpx.AsyncClient(
                    timeout=_LONGEST_S, follow_redirects=False,
                    limits=httpx.Limits(max_connections=_CONNECTIONS))
                loop = self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(loop, self._client.aclose), daemon=True,
                                 name="brain-embeddings").start()
            return self._loop


def to_unit(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Rows of length 1; a row of zeros stays."""
    wide = np.asarray(vectors, np.float64)
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0)
    wide = wide / np.where(largest > 0, largest, 1)
    sizes = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(sizes > 0, sizes, 1), np.float32)


def _to_numbers(embedding: Any) -> NDArray[np.floating[Any]]:
    """One vector, from base64 of little-endian float32 or from a list of numbers."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    if not isinstance(embedding, list) or not all(
            isinstance(each, int | float) and not isinstance(each, bool) for each in embedding):
        raise TypeError("not a list of numbers")
    return np.array(embedding, np.float64)


def _serve(loop: asyncio.AbstractEventLoop, close: Callable[[], Any]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)
        for each in left:
            each.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(asyncio.wait([loop.create_task(close())],
                                             timeout=_CLOSING_S))
        loop.close()
