"""OpenAI's form without the vendor's library: faults by kind, events however they are cut."""

import asyncio
import datetime as dt
import json
import sys
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web

from brain.sources.providers.completion_faults import fault_in_stream, fault_of_status
from brain.sources.providers.completions import open_completions, trusted_certificates
from brain.sources.providers.interface import Gathered, ProviderFault, Sent
from tests.services.process import free_port
from tests.services.vendors import running_vendor

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
SENT = Sent("fake", ({"role": "user", "content": "Hello?"},), 20.0)


def error(message: str, code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "code": code, "type": "x"}}).encode()


@pytest.mark.parametrize(("status", "body", "kind"), [
    (401, error("Incorrect API key provided"), "auth"), (403, error("no"), "auth"),
    (402, error("You have no credit left"), "bad_request"),
    (404, error("The model `x` does not exist"), "not_found"),
    (408, error("Request timeout"), "unavailable"), (429, error("slow down"), "rate_limited"),
    (400, error("too many", "context_length_exceeded"), "too_long"),
    (400, error("This model's maximum context length is 8192 tokens"), "too_long"),
    (400, error("flagged", "content_policy_violation"), "content_filter"),
    (400, error("Rejected by our content policy"), "content_filter"),
    (400, error("See https://host/model-not-found"), "bad_request"),
    (400, b'{"detail": "Model not found"}', "not_found"),
    (422, b'{"detail": [{"loc": ["body"], "msg": "field required"}]}', "bad_request"),
    (413, b"<html>too large</html>", "bad_request"), (400, b"\xff", "bad_request"),
    (302, b"", "unavailable"), (500, error("content policy service is down"), "unavailable"),
    (503, b"[]", "unavailable")])
def test_an_error_is_told_by_status_then_code_then_words(status, body, kind):
    fault = fault_of_status(status, body, {}, NOW)
    assert (fault.kind, fault.status) == (kind, status)


@pytest.mark.parametrize(("headers", "wait_s"), [
    ({}, None), ({"retry-after": "7"}, 7.0), ({"retry-after-ms": "1500"}, 1.5),
    ({"retry-after": "Thu, 26 Nov 2026 12:00:42 GMT", "retry-after-ms": "1"}, 42.0)])
def test_when_to_come_again_is_told(headers, wait_s):
    assert fault_of_status(429, b"", headers, NOW).retry_after_s == wait_s


def test_an_error_in_a_stream_is_told():
    assert fault_in_stream(error("Rate limit reached")).kind == "rate_limited"
    assert fault_in_stream(b'{"error": "overloaded"}').kind == "unavailable"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_stream_is_the_same_however_it_is_cut(step, line_end):
    lines = [b": a comment", b"", b"event: message", data(content="Grüße, "), b"",
             data(content="Welt").replace(b"data: ", b"data:"), b"",
             b"data: {", b'data: "choices": [{"delta": {}, "finish_reason": "length"}]}', b"",
             b'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, '
             b'"prompt_tokens_details": {"cached_tokens": 4}}}', b"", b"data: [DONE]", b"", b""]
    body = line_end.join(lines)
    found = streamed([body[at:at + step] for at in range(0, len(body), step)])
    assert (found.text, found.finish_reason) == ("Grüße, Welt", "length")
    assert (found.usage.input_tokens, found.usage.cache_read_tokens,
            found.usage.output_tokens) == (5, 4, 2)


def test_a_stream_that_ends_without_an_empty_line_is_whole():
    end = b'data: {"choices": [{"delta": {"content": "!"}, "finish_reason": "stop"}]}'
    assert streamed([data(content="Hi") + b"\n\n", end]).text == "Hi!"


@pytest.mark.parametrize(("body", "kind"), [
    (b'data: {"error": {"message": "overloaded"}}\n\n', "unavailable"),
    (b"data: {no JSON}\n\n", "bad_answer"), (b"", "cut"),
    (b'data: {"choices": [{"delta": {"content": 7}}]}\n\n', "bad_answer")])
def test_a_stream_that_goes_wrong_is_a_fault(body, kind):
    with pytest.raises(ProviderFault) as failed:
        streamed([body])
    assert failed.value.kind == kind


def test_a_reader_who_leaves_ends_the_call():
    async def run(vendor: Any) -> None:
        client = open_completions(vendor.url, "key", lambda: NOW)
        try:
            async with aclosing(client.stream(SENT)) as pieces:
                async for _ in pieces:
                    break
            assert await asyncio.to_thread(vendor.gone.wait, 60)
        finally:
            await client.close()
    with running_vendor("openai") as vendor:
        vendor.mode = "drip"
        asyncio.run(run(vendor))


def test_calls_one_after_the_other_share_a_connection():
    async def run(vendor: Any) -> None:
        client = open_completions(vendor.url, "key", lambda: NOW)
        for _ in range(3):
            await client.complete(SENT)
            assert vendor.connections == 1
        await client.close()
    with running_vendor("openai") as vendor:
        asyncio.run(run(vendor))


def test_nobody_at_the_address_is_unavailable():
    async def run() -> None:
        client = open_completions(f"http://127.0.0.1:{free_port()}/v1", "key", lambda: NOW)
        try:
            await client.complete(SENT)
        finally:
            await client.close()
    with pytest.raises(ProviderFault) as failed:
        asyncio.run(run())
    assert failed.value.kind == "unavailable"


@pytest.mark.parametrize(("url", "key"), [("http://[", "key"), ("http://host/v1", "a\nb")])
def test_what_no_client_can_be_made_of_is_told(url, key):
    with pytest.raises(ProviderFault) as failed:
        open_completions(url, key, lambda: NOW)
    assert failed.value.kind == "auth"
    assert key not in failed.value.message


def test_the_vendors_library_is_not_loaded_for_it():
    import subprocess
    told = subprocess.run(
        [sys.executable, "-c", "import sys, datetime\n"
         "from brain.sources.providers.vendors import open_vendor\n"
         "open_vendor('openai', 'http://127.0.0.1:1/v1', 'key', {}, datetime.datetime.now)\n"
         "print(sorted({'any_llm', 'openai', 'pydantic'} & set(sys.modules)))"],
        capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def data(**delta: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode()


def streamed(parts: list[bytes]) -> Any:
    """What the client makes of a stream in these parts."""
    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    async def run() -> Any:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        client = open_completions(f"http://127.0.0.1:{port}/v1", "key", lambda: NOW)
        gathered = Gathered()
        try:
            async for piece in client.stream(SENT):
                gathered.add(piece)
        finally:
            await client.close()
            await runner.cleanup()
        return gathered.whole()
    return asyncio.run(run())


def test_a_machine_without_certificates_of_its_own_still_knows_whom_it_asks(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    assert trusted_certificates().cert_store_stats()["x509_ca"] > 50
