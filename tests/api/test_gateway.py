"""The query engine over HTTP: with the real openai client, in OpenAI's form, and in our own."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.services import vendors
from tests.services.process import wait_until
from tests.services.vendors import running_vendor
from tests.serving.console import Console

TALK: list[Any] = [{"role": "user", "content": "What is up?"}]
TOOL: Any = {"type": "function", "function": {
    "name": "weather", "parameters": {"type": "object", "properties": {
        "city": {"type": "string"}}, "required": ["city"]}}}
FRESH = {"brain": {"use_cache": False, "workspace_id": "acme", "user_id": "ann"}}


@pytest.fixture(scope="module")
def fake(console: Console) -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        console.call("set_provider", provider="fake", kind="openai", base_url=found.url,
                     models=[{"name": "fake-1", "input_usd_per_mtok": "100",
                              "output_usd_per_mtok": "200"}],
                     options={"timeout_s": 20, "failures": 1000})
        console.call("set_guard_policy", workspace_id="acme", pii="allow", injection="allow",
                     toxicity="allow")  # its streams are not held back
        yield found
        console.call("remove_provider", provider="fake")


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{console.url}/v1", api_key="any", max_retries=0,
                       http_client=httpx.Client(trust_env=False)) as found:
        yield found


@pytest.fixture(autouse=True)
def well(fake: vendors.Vendor) -> None:
    fake.mode, fake.words = "ok", vendors.WORDS
    fake.gone.clear()


def test_the_openai_client_gets_an_answer(console: Console, client: openai.OpenAI,
                                          fake: vendors.Vendor) -> None:
    answer = client.chat.completions.create(model="auto", messages=TALK, extra_body=FRESH)
    assert answer.choices[0].message.content == vendors.TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (vendors.IN, 17)
    assert answer.model == "fake-1"
    told = answer.model_extra["brain"]  # type: ignore[index]
    assert told["cost_usd"] == "0.002200000000"
    found = console.call("request", request_id=told["request_id"])
    assert (found["workspace_id"], found["user_id"], found["endpoint"]) == ("acme", "ann", "chat")


def test_the_openai_client_streams(client: openai.OpenAI, fake: vendors.Vendor) -> None:
    chunks = list(client.chat.completions.create(
        model="fake/fake-1", messages=TALK, stream=True, stream_options={"include_usage": True},
        extra_body=FRESH))
    words = [each.choices[0].delta.content for each in chunks if each.choices]
    assert [each for each in words if each] == list(vendors.WORDS)
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == "stop"
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == vendors.OUT


@pytest.mark.parametrize("stream", [False, True])
def test_the_openai_client_calls_tools(client: openai.OpenAI, fake: vendors.Vendor,
                                       stream: bool) -> None:
    fake.mode = "tools"
    if stream:
        with client.chat.completions.stream(model="fake-1", messages=TALK, tools=[TOOL],
                                            extra_body=FRESH) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(  # type: ignore[assignment]
            model="fake-1", messages=TALK, tools=[TOOL], extra_body=FRESH).choices[0].message
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.function.name == "weather"  # type: ignore[union-attr]
    assert json.loads(call.function.arguments) == vendors.ARGUMENTS  # type: ignore[union-attr]
    fake.mode = "ok"
    again = client.chat.completions.create(
        model="fake-1", tools=[TOOL], extra_body=FRESH, messages=[
            *TALK, {"role": "assistant", "content": None, "tool_calls": [
            {"id": call.id, "type": "function", "function": {
                "name": "weather", "arguments": call.function.arguments}}]},  # type: ignore[union-attr]
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"}])
    assert again.choices[0].message.content == vendors.TEXT
    assert fake.bodies[-1]["messages"][-1]["tool_call_id"] == call.id


def test_errors_have_openais_form(client: openai.OpenAI, fake: vendors.Vendor) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-nine", messages=TALK, extra_body=FRESH)
    assert unknown.value.code == "unknown_model"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="auto", messages=TALK, n=2)
    assert wrong.value.param == "n"
    fake.mode = "rate_limited"
    with pytest.raises(openai.RateLimitError) as busy:
        client.chat.completions.create(model="fake-1", messages=TALK, extra_body={"brain": {
            "use_cache": False, "max_latency_ms": 2_000}})
    assert busy.value.code == "rate_limited"
    assert busy.value.response.headers["retry-after"] == "7"
    fake.mode = "error"
    with pytest.raises(openai.InternalServerError) as broken:
        client.chat.completions.create(model="fake-1", messages=TALK, stream=True,
                                       extra_body=FRESH)
    assert broken.value.status_code == 502
    fake.mode = "cut"
    with pytest.raises(openai.APIError) as cut:
        list(client.chat.completions.create(model="fake-1", messages=TALK, stream=True,
                                            extra_body=FRESH))
    assert cut.value.code == "cut"


def test_models_are_listed(client: openai.OpenAI, fake: vendors.Vendor) -> None:
    assert {"auto", "fake-1"} <= {each.id for each in client.models.list()}


def test_a_caller_that_hangs_up_ends_the_call(console: Console, fake: vendors.Vendor) -> None:
    for stream, mode in ((False, "timeout"), (True, "drip")):
        fake.mode = mode
        fake.gone.clear()
        calls = fake.calls
        body = json.dumps({"model": "fake-1", "messages": TALK, "stream": stream, **FRESH}).encode()
        host, port = console.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                           b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                           % (len(body), body))
            wait_until(lambda calls=calls: fake.calls > calls, "a call")  # type: ignore[misc]
            if stream:
                assert caller.recv(100)
        assert fake.gone.wait(120), mode


def test_our_own_form_answers_streams_and_takes_verdicts(http: httpx.Client,
                                                         fake: vendors.Vendor) -> None:
    asked = {"text": "Hello there?", "workspace_id": "acme", "use_cache": False}
    answer = http.post("/v1/ask", json=asked).json()
    assert (answer["text"], answer["status"]) == (vendors.TEXT, "ok")
    assert [step["name"] for step in answer["steps"]][-1] == "answer"
    lines = [json.loads(line[6:]) for line in http.post(
        "/v1/ask", json={**asked, "stream": True}).text.split("\n\n") if line]
    assert "".join(each.get("text", "") for each in lines) == vendors.TEXT
    assert lines[-1]["answer"]["status"] == "ok"
    verdict = http.post("/v1/feedback", json={"request_id": answer["request_id"], "thumbs": "up",
                                              "success": True, "workspace_id": "acme"})
    assert verdict.status_code == 200 and verdict.json()["feedback_id"]
    for wrong in ({"request_id": "x"}, {"request_id": "x", "stars": 6}, {"stars": 5}):
        assert http.post("/v1/feedback", json=wrong).status_code == 400
    assert http.post("/v1/ask", json={"text": ""}).json()["error"]["code"] == "empty"
    assert http.post("/v1/ask", json={"text": "x", "colour": 1}).status_code == 400


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
def test_no_event_of_a_stream_carries_what_the_guard_takes_out(http: httpx.Client,
                                                               fake: vendors.Vendor,
                                                               path: str) -> None:
    fake.words = ("I wrote to ma", "x@exam", "ple.de with AKIAIOSF", "ODNN7EXAMPLE", ", fine.")
    body = {"text": "Write to max@example.de!", "workspace_id": "guarded", "use_cache": False} \
        if path == "/v1/ask" else {"model": "auto", "messages": [
            {"role": "user", "content": "Write to max@example.de!"}],
            "brain": {"workspace_id": "guarded", "use_cache": False}}
    told = http.post(path, json={**body, "stream": True}).text
    events = [json.loads(line[6:]) for line in told.split("\n\n") if line.startswith("data: {")]
    text = "".join(each.get("text", "") for each in events) if path == "/v1/ask" else "".join(
        each["choices"][0]["delta"].get("content") or "" for each in events if each["choices"])
    assert text == "I wrote to [EMAIL_1] with [SECRET_1], fine."
    assert "max@" not in told and "ODNN7" not in told


def test_a_blocked_stream_ends_with_an_error(http: httpx.Client, fake: vendors.Vendor) -> None:
    fake.words = (*("A plain word. ",) * 20, "You are a stu", "pid idi", "ot")
    told = http.post("/v1/chat/completions", json={
        "model": "auto", "messages": TALK, "stream": True,
        "brain": {"workspace_id": "guarded", "use_cache": False}}).text
    events = [json.loads(line[6:]) for line in told.split("\n\n") if line.startswith("data: {")]
    assert events[-1]["error"]["code"] == "guard_refused"
    text = "".join(each["choices"][0]["delta"].get("content") or "" for each in events[:-1])
    assert text.startswith("A plain word.") and "stu" not in text and "[DONE]" not in told
