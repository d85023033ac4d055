"""Model providers on loopback that speak the true wire formats, well or badly.

Forms: OpenAI "Chat Completions", Anthropic "Messages", Google "generateContent" and Amazon Bedrock
"Converse" with its binary event stream, as their API references have them.
"""

import binascii
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODES = ("ok", "tools", "rate_limited", "error", "timeout", "cut", "garbage", "drip")
WORDS = ("Hello", " from", " the", " fake", ".")
TEXT = "".join(WORDS)
ARGUMENTS = {"city": "Bonn"}
IN, OUT = 12, 5


class Vendor:
    """A running fake: ``mode`` may be changed at any time."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind, self.url, self.mode = kind, url, "ok"
        self.wait_s = 0.0
        self.words: tuple[str, ...] = WORDS
        """What an OpenAI-compatible fake streams, word by word."""
        self.retry_after = "7"
        self.bodies: list[dict[str, Any]] = []
        self.connections = 0
        """How many are open now."""
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.gone = threading.Event()
        """Set once a caller closed its connection while it was being served."""

    @property
    def calls(self) -> int:
        """How many calls came in."""
        return len(self.bodies)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    vendor: Vendor

    def handle(self) -> None:
        """Serve a connection until it is closed."""
        with self.vendor.lock:
            self.vendor.connections += 1
        try:
            super().handle()
        finally:
            with self.vendor.lock:
                self.vendor.connections -= 1

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer a call as the mode says."""
        vendor = self.vendor
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        with vendor.lock:
            vendor.bodies.append(body)
        mode = vendor.mode
        stream = bool(body.get("stream")) or "stream" in self.path.lower()
        try:
            if vendor.wait_s:
                vendor.stopping.wait(vendor.wait_s)
            if mode == "timeout":
                self._hang()
            elif mode in ("rate_limited", "error"):
                status = 429 if mode == "rate_limited" else 500
                self._send(status, json.dumps(_error(vendor.kind, status)).encode(),
                           "application/json")
            elif mode == "garbage":
                self._send(200, b"\x00<html>no JSON at all</html>", "application/json")
            elif stream:
                self._stream(mode)
            elif mode == "cut":
                whole = json.dumps(_whole(vendor.kind, tools=False)).encode()
                self._head(200, "application/json", len(whole))
                self.wfile.write(whole[:len(whole) // 2])
                self.close_connection = True
            elif mode == "drip":
                self._head(200, "application/json", 100_000)
                while not vendor.stopping.wait(0.05):
                    self.wfile.write(b" ")
                    self.wfile.flush()
            else:
                self._send(200, json.dumps(_whole(vendor.kind, tools=mode == "tools")).encode(),
                           "application/json")
        except (BrokenPipeError, ConnectionError):
            vendor.gone.set()
            self.close_connection = True

    def _hang(self) -> None:
        self.connection.settimeout(0.05)
        while not self.vendor.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    raise ConnectionResetError
            except TimeoutError:
                continue
        self.close_connection = True

    def _stream(self, mode: str) -> None:
        kind = self.vendor.kind
        pieces = list(_pieces(kind, tools=mode == "tools", words=self.vendor.words))
        self.send_response(200)
        self.send_header("content-type", "application/vnd.amazon.eventstream" if kind == "bedrock"
                         else "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(pieces):
            if mode == "cut" and number >= len(pieces) // 2:
                self.close_connection = True
                return
            self._chunk(piece)
            if mode == "drip" and number >= 2:
                while not self.vendor.stopping.wait(0.05):
                    self._chunk(pieces[2])
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.flush()

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self._head(status, kind, len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        if status == 429:
            self.send_header("retry-after", self.vendor.retry_after)
            self.send_header("x-amzn-errortype", "ThrottlingException")
        elif status == 500:
            self.send_header("x-amzn-errortype", "InternalServerException")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """Callers that go away are expected here."""


@contextmanager
def running_vendor(kind: str) -> Iterator[Vendor]:
    """A fake of "openai", "anthropic", "google" or "bedrock"."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    vendor = Vendor(kind, base + ("/v1" if kind == "openai" else ""))
    handler.vendor = vendor  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        vendor.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _error(kind: str, status: int) -> dict[str, Any]:
    words = "slow down" if status == 429 else "it broke"
    return {
        "openai": {"error": {"message": words, "type": "requests", "param": None, "code": None}},
        "anthropic": {"type": "error", "error": {
            "type": "rate_limit_error" if status == 429 else "api_error", "message": words}},
        "google": {"error": {"code": status, "message": words, "status":
                             "RESOURCE_EXHAUSTED" if status == 429 else "INTERNAL"}},
        "bedrock": {"message": words}}[kind]


def _whole(kind: str, *, tools: bool) -> dict[str, Any]:
    if kind == "openai":
        message: dict[str, Any] = {"role": "assistant", "content": None if tools else TEXT}
        if tools:
            message["tool_calls"] = [{"id": "call_1", "type": "function", "function": {
                "name": "weather", "arguments": json.dumps(ARGUMENTS)}}]
        return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fake",
                "choices": [{"index": 0, "message": message, "logprobs": None,
                             "finish_reason": "tool_calls" if tools else "stop"}],
                "usage": {"prompt_tokens": IN, "completion_tokens": OUT, "total_tokens": IN + OUT}}
    if kind == "anthropic":
        content = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": ARGUMENTS} \
            if tools else {"type": "text", "text": TEXT}
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "fake",
                "content": [content], "stop_reason": "tool_use" if tools else "end_turn",
                "stop_sequence": None, "usage": {"input_tokens": IN, "output_tokens": OUT}}
    if kind == "google":
        part = {"functionCall": {"name": "weather", "args": ARGUMENTS}} if tools else {"text": TEXT}
        return _google([part], "STOP")
    content = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": ARGUMENTS}} \
        if tools else {"text": TEXT}
    return {"output": {"message": {"role": "assistant", "content": [content]}},
            "stopReason": "tool_use" if tools else "end_turn", "metrics": {"latencyMs": 1},
            "usage": {"inputTokens": IN, "outputTokens": OUT, "totalTokens": IN + OUT}}


def _google(parts: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": "fake", "usageMetadata": {
        "promptTokenCount": IN, "candidatesTokenCount": OUT, "totalTokenCount": IN + OUT}}


def _pieces(kind: str, *, tools: bool, words: tuple[str, ...]) -> Iterator[bytes]:
    if kind == "openai":
        return _openai_pieces(tools, words)
    return {"anthropic": _anthropic_pieces, "google": _google_pieces,
            "bedrock": _bedrock_pieces}[kind](tools)


def _sse(told: Any, event: str = "") -> bytes:
    return (f"event: {event}\n" if event else "").encode() + b"data: " + json.dumps(
        told).encode() + b"\n\n"


def _openai_pieces(tools: bool, words: tuple[str, ...]) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        return _sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                     "model": "fake", "choices": [{"index": 0, "delta": delta,
                                                   "finish_reason": reason}]})
    yield chunk({"role": "assistant", "content": ""})
    if tools:
        yield chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                                     "function": {"name": "weather", "arguments": ""}}]})
        for part in ('{"city"', ': "Bonn"}'):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
    else:
        for word in words:
            yield chunk({"content": word})
    yield chunk({}, "tool_calls" if tools else "stop")
    yield _sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                "model": "fake", "choices": [], "usage": {
                    "prompt_tokens": IN, "completion_tokens": OUT, "total_tokens": IN + OUT}})
    yield b"data: [DONE]\n\n"


def _anthropic_pieces(tools: bool) -> Iterator[bytes]:
    message = {**_whole("anthropic", tools=tools), "content": [], "stop_reason": None,
               "usage": {"input_tokens": IN, "output_tokens": 1}}
    yield _sse({"type": "message_start", "message": message}, "message_start")
    block = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}} if tools \
        else {"type": "text", "text": ""}
    yield _sse({"type": "content_block_start", "index": 0, "content_block": block},
               "content_block_start")
    for word in ('{"city"', ': "Bonn"}') if tools else WORDS:
        delta = {"type": "input_json_delta", "partial_json": word} if tools \
            else {"type": "text_delta", "text": word}
        yield _sse({"type": "content_block_delta", "index": 0, "delta": delta},
                   "content_block_delta")
    yield _sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
    yield _sse({"type": "message_delta", "delta": {
        "stop_reason": "tool_use" if tools else "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": OUT}}, "message_delta")
    yield _sse({"type": "message_stop"}, "message_stop")


def _google_pieces(tools: bool) -> Iterator[bytes]:
    if tools:
        yield _sse(_google([{"functionCall": {"name": "weather", "args": ARGUMENTS}}], "STOP"))
        return
    for number, word in enumerate(WORDS):
        yield _sse(_google([{"text": word}], "STOP" if number == len(WORDS) - 1 else None))


def _bedrock_pieces(tools: bool) -> Iterator[bytes]:
    yield _frame("messageStart", {"role": "assistant"})
    if tools:
        yield _frame("contentBlockStart", {"contentBlockIndex": 0, "start": {
            "toolUse": {"toolUseId": "t1", "name": "weather"}}})
    for word in ('{"city"', ': "Bonn"}') if tools else WORDS:
        delta = {"toolUse": {"input": word}} if tools else {"text": word}
        yield _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    yield _frame("contentBlockStop", {"contentBlockIndex": 0})
    yield _frame("messageStop", {"stopReason": "tool_use" if tools else "end_turn"})
    yield _frame("metadata", {"usage": {"inputTokens": IN, "outputTokens": OUT,
                                        "totalTokens": IN + OUT}, "metrics": {"latencyMs": 1}})


def _frame(event: str, told: dict[str, Any]) -> bytes:
    """One message of the AWS event stream: lengths, checksum, headers, payload, checksum."""
    headers = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value))
        + value.encode() for name, value in ((":event-type", event), (":message-type", "event"),
                                             (":content-type", "application/json")))
    payload = json.dumps(told).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    start = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return start + struct.pack(">I", binascii.crc32(start))
