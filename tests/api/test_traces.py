"""POST /v1/traces: OTLP in both forms, what is counted, what is told back."""

import gzip
import json

import pytest

from brain.sources.importers.otlp_spans import message_class
from tests.sources.importers.golden_files import FOLDER
from tests.sources.importers.test_otlp_genai import GOLDEN, encode

PLAIN = (FOLDER / "otlp_genai.json").read_bytes()
JSON, PROTOBUF = {"content-type": "application/json"}, {"content-type": "application/x-protobuf"}


def sent_as(trace: str) -> dict:
    """The golden traces under trace ids of their own, so that no test repeats another."""
    text = json.dumps(GOLDEN)
    for old in ("5b8efff798038103d269b633813fc60c", "0af7651916cd43dd8448eb211c80319c"):
        text = text.replace(old, trace + old[2:])
    return json.loads(text)


@pytest.mark.parametrize("packed", [False, True])
def test_json_arrives_and_the_rejected_span_is_told(console, http, packed):
    before = console.count()
    body = json.dumps(sent_as("b1" if packed else "a1")).encode()
    headers = {**JSON, "content-encoding": "gzip"} if packed else JSON
    answer = http.post("/v1/traces", content=gzip.compress(body) if packed else body,
                       headers=headers)
    assert answer.status_code == 200
    told = answer.json()["partialSuccess"]
    assert told["rejectedSpans"] == "1"  # 101 cached of 100
    assert "101 cached tokens" in told["errorMessage"]
    assert console.count() - before == 3  # of 6 spans two are no calls, one is rejected


def test_protobuf_arrives_once(console, http):
    before = console.count()
    for _ in range(2):
        answer = http.post("/v1/traces", content=encode(sent_as("c1")), headers=PROTOBUF)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-protobuf"
        told = message_class("ExportTraceServiceResponse").FromString(answer.content)
        assert told.partial_success.rejected_spans == 1
    assert console.count() - before == 3


def test_spans_without_calls_are_taken_in_silence(http):
    answer = http.post("/v1/traces", content=b'{"resourceSpans": []}', headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert http.post("/v1/traces", content=b"", headers=PROTOBUF).content == b""


@pytest.mark.parametrize(("body", "headers", "status", "code"), [
    (b"{", JSON, 400, "not_json"), (b"[]", JSON, 400, "not_otlp"),
    (b'{"resourceSpans": [1]}', JSON, 400, "not_otlp"),
    (b"\xff\xff\xff", PROTOBUF, 400, "not_otlp"),
    (PLAIN, {"content-type": "text/plain"}, 415, "wrong_type"),
    (PLAIN, {**JSON, "content-encoding": "br"}, 400, "bad_encoding")])
def test_bodies_that_cannot_be_used(http, body, headers, status, code):
    answer = http.post("/v1/traces", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_key_is_asked_for(keyed):
    with keyed.client() as client:
        assert client.post("/v1/traces", content=PLAIN, headers=JSON).status_code == 401
