"""Every provider by its true wire format: answers, streams, tools, and each way to fail."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from brain.sources.providers.interface import Gathered, ProviderFault, Received, Sent
from brain.sources.providers.vendors import open_vendor
from tests.services import vendors
from tests.services.vendors import running_vendor

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
KINDS = ("openai", "anthropic", "google", "bedrock")
TOOL = {"type": "function", "function": {
    "name": "weather", "description": "The weather.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


@pytest.fixture(scope="module", params=KINDS)
def fake(request: pytest.FixtureRequest) -> Iterator[vendors.Vendor]:
    with running_vendor(request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFAKE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def sent(timeout_s: float = 20.0, **more: Any) -> Sent:
    model = "anthropic.claude-fake" if more.pop("bedrock", False) else "fake"
    return Sent(model, ({"role": "system", "content": "Be brief."},
                        {"role": "user", "content": "Hello?"}), timeout_s, **more)


def ask(fake: vendors.Vendor, mode: str, *, stream: bool, timeout_s: float = 20.0,
        **more: Any) -> Received:
    """What the client makes of the fake in a mode; bounded as the gateway bounds it."""
    fake.mode = mode

    async def run() -> Received:
        key = "" if fake.kind == "bedrock" else "key"
        client = open_vendor(fake.kind, fake.url, key, {}, lambda: NOW)
        try:
            async with asyncio.timeout(timeout_s):
                if not stream:
                    return await client.complete(sent(timeout_s, **more))
                gathered = Gathered()
                async for piece in client.stream(sent(timeout_s, **more)):
                    gathered.add(piece)
                return gathered.whole()
        except TimeoutError as error:
            raise ProviderFault("timeout", "bounded") from error
        finally:
            await client.close()
    return asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
def test_text_and_tokens_come_through(fake: vendors.Vendor, stream: bool) -> None:
    found = ask(fake, "ok", stream=stream)
    assert found.text == vendors.TEXT
    assert found.finish_reason == "stop"
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == (vendors.IN, vendors.OUT)


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_offered_and_called(fake: vendors.Vendor, stream: bool) -> None:
    found = ask(fake, "tools", stream=stream, tools=(TOOL,))
    ((_, name, arguments),) = found.tools
    assert name == "weather"
    assert arguments.replace(" ", "") == '{"city":"Bonn"}'
    assert found.finish_reason == "tool_calls"
    assert "weather" in str(fake.bodies[-1])


@pytest.mark.parametrize(("mode", "kinds"), [
    ("rate_limited", {"rate_limited"}), ("error", {"unavailable"}),
    ("garbage", {"bad_answer", "unavailable", "cut"}),
    ("cut", {"cut", "unavailable", "bad_answer"})])
@pytest.mark.parametrize("stream", [False, True])
def test_failures_are_told_by_kind(fake: vendors.Vendor, mode: str, kinds: set[str],
                                   stream: bool) -> None:
    calls = fake.calls
    with pytest.raises(ProviderFault) as failed:
        ask(fake, mode, stream=stream)
    assert failed.value.kind in kinds, failed.value.message
    assert fake.calls == calls + 1, "the library must not retry by itself"
    if mode == "rate_limited":
        assert failed.value.retry_after_s == 7.0


def test_a_moment_to_come_again_is_honoured_as_well(fake: vendors.Vendor) -> None:
    fake.retry_after = "Thu, 26 Nov 2026 12:00:42 GMT"
    try:
        with pytest.raises(ProviderFault) as failed:
            ask(fake, "rate_limited", stream=False)
    finally:
        fake.retry_after = "7"
    assert (failed.value.kind, failed.value.retry_after_s) == ("rate_limited", 42.0)


@pytest.mark.parametrize("mode", ["timeout", "drip"])
def test_time_is_bounded_and_the_provider_is_let_go(fake: vendors.Vendor, mode: str) -> None:
    fake.gone.clear()
    with pytest.raises(ProviderFault) as failed:
        ask(fake, mode, stream=False, timeout_s=1.0)
    assert failed.value.kind in ("timeout", "unavailable")
    if fake.kind != "bedrock":  # its thread lets go at its own time-out
        assert fake.gone.wait(120)
