"""An embedding server on loopback that speaks OpenAI's wire format, well or badly.

Source: OpenAI API reference, "Create embeddings". Meaning is a table of words: texts about the same
thing get near vectors, whatever their words.
"""

import base64
import json
import math
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODES = ("ok", "unauthorized", "unknown_model", "rate_limited", "error", "slow", "drip", "garbage",
         "cut", "too_few", "mixed", "nan", "not_base64", "no_numbers", "empty", "wrong_numbers",
         "elsewhere", "huge")
MEANINGS = (
    ("holiday", "holidays", "vacation", "leave", "urlaub", "ferien"),
    ("canteen", "lunch", "eat", "meal", "kantine", "essen"),
    ("remote", "tunnel", "vpn", "network"),
    ("salary", "pay", "wage", "gehalt"),
    ("car", "cars", "vehicle", "parking", "auto"),
)
DIMENSIONS = 256


class EmbeddingServer:
    """A running fake: ``mode``, ``dimensions`` and the others may be changed at any time.

    ``floats``: it answers with lists of numbers; ``strict``: it refuses the option encoding_format;
    ``most_characters``: it refuses longer texts.
    """

    def __init__(self, url: str) -> None:
        self.url, self.mode = url, "ok"
        self.key = ""
        self.floats = self.strict = False
        self.most_characters = 1_000_000
        self.dimensions = DIMENSIONS
        self.retry_after = "7"
        self.bodies: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    @property
    def texts(self) -> list[str]:
        """Every text that was sent here."""
        with self.lock:
            return [text for body in self.bodies for text in body["input"]]


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """The vector of a text: its meanings, and a little of its words."""
    found = [0.0] * dimensions
    for word in "".join(each if each.isalnum() else " " for each in text.lower()).split():
        for place, words in enumerate(MEANINGS):
            if word in words:
                found[place] += 4.0
        found[len(MEANINGS) + zlib.crc32(word.encode()) % (dimensions - len(MEANINGS))] += 0.3
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_: EmbeddingServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer as the mode says."""
        fake = self.server_
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        with fake.lock:
            fake.bodies.append(body)
        try:
            self._answer(fake, body)
        except (BrokenPipeError, ConnectionError):
            self.close_connection = True

    def _answer(self, fake: EmbeddingServer, body: dict[str, Any]) -> None:
        mode = fake.mode
        refusals = {"unauthorized": 401, "unknown_model": 404, "rate_limited": 429, "error": 500}
        if fake.key and self.headers.get("authorization") != f"Bearer {fake.key}":
            self._refuse(401, "Incorrect API key provided")
        elif not self.path.endswith("/v1/embeddings"):
            self._refuse(404, "404 page not found")
        elif mode in refusals:
            self._refuse(refusals[mode], f"it is {mode}: {body['input'][0][:40]}")
        elif mode == "elsewhere":
            self._send(307, b"", location=f"{fake.url}/other")
        elif fake.strict and "encoding_format" in body:
            self._refuse(400, "Unrecognized request argument supplied: encoding_format")
        elif max(map(len, body["input"])) > fake.most_characters:
            self._refuse(400, "This model's maximum context length is exceeded")
        elif mode == "slow":
            fake.stopping.wait(60)
            self.close_connection = True
        elif mode == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not fake.stopping.wait(0.02):
                self.wfile.write(b"x")
            self.close_connection = True
        elif mode == "garbage":
            self._send(200, b"\x00<html>no JSON at all</html>")
        else:
            told = json.dumps(self._found(fake, body)).encode()
            if mode == "cut":
                self._head(200, len(told))
                self.wfile.write(told[:len(told) // 2])
                self.close_connection = True
            else:
                self._send(200, told)

    def _found(self, fake: EmbeddingServer, body: dict[str, Any]) -> dict[str, Any]:
        mode, rows = fake.mode, [embed(each, fake.dimensions) for each in body["input"]]
        if mode == "too_few":
            rows.pop()
        if mode == "mixed":
            rows[-1] = [*rows[-1], 1.0]
        if mode == "nan":
            rows[-1][0] = math.nan
        if mode == "huge":
            rows = [[each * 1e300 for each in row] for row in rows]
        if mode == "empty":
            rows = [[] for _ in rows]
        wide = body.get("encoding_format") == "base64" and not fake.floats and mode != "huge"
        embeddings: list[Any] = [base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()
                                 if wide else row for row in rows]
        if mode == "not_base64":
            embeddings = ["§§§" for _ in rows]
        if mode == "no_numbers":
            embeddings = [["a", "b"] for _ in rows]
        data = [{"object": "embedding", "index": place + (mode == "wrong_numbers"),
                 "embedding": each} for place, each in enumerate(embeddings)]
        tokens = sum(len(each) // 4 for each in body["input"])
        return {"object": "list", "data": data[::-1], "model": body["model"],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}

    def _refuse(self, status: int, words: str) -> None:
        self._send(status, json.dumps({"error": {
            "message": words, "type": "invalid_request_error", "param": None,
            "code": None}}).encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, len(body), **headers)
        self.wfile.write(body)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        if status == 429:
            self.send_header("retry-after", self.server_.retry_after)
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """Callers that go away are expected here."""


@contextmanager
def running_embeddings() -> Iterator[EmbeddingServer]:
    """A fake embedding server on a free port; its ``url`` ends with /v1."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    fake = EmbeddingServer(f"http://127.0.0.1:{server.server_address[1]}/v1")
    handler.server_ = fake  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
