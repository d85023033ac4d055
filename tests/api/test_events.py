"""POST /v1/events: what is taken, what is refused and why, and that what is taken arrives."""

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from brain.events import KINDS
from tests.serving.console import LINES

KINDLY = {"requests": {}, "page_views": {"page": "/"}, "interactions": {"action": "copy"},
          "exposures": {"experiment_key": "e", "variant": "a", "unit_id": "u"},
          "outcomes": {"metric": "m", "unit_id": "u", "value": 1.5},
          "feedback": {"stars": 5}, "metric_samples": {"metric": "x", "value": 2},
          "request_steps": {"request_id": "r"},
          "deploys": {"component": "api"}}
TOLD = {"accepted", "rejected", "errors"}


def post(http, body, **headers):
    return http.post("/v1/events", content=body, headers=LINES | headers)


def only_error(answer):
    assert answer.status_code == 207, answer.text
    told = answer.json()
    assert set(told) == TOLD
    assert (told["accepted"], told["rejected"]) == (0, 1)
    (error,) = told["errors"]
    assert error["line"] == 1
    assert 0 < len(error["message"]) <= 600
    return error


@pytest.mark.parametrize("source", ["demo", "host", "import:0123"])
def test_the_consoles_own_sources_are_refused(http, source):
    error = only_error(post(http, json.dumps({"source": source})))
    assert (error["code"], error["field"]) == ("reserved_source", "source")


def test_every_kind_in_one_body_arrives(console, http):
    before = {kind: console.count(kind) for kind in KINDS}
    body = "\n".join(json.dumps({"kind": kind} | fields) for kind, fields in KINDLY.items())
    answer = post(http, body)
    assert answer.status_code == 200
    assert answer.json() == {"accepted": len(KINDS), "rejected": 0, "errors": []}
    after = {kind: console.count(kind) for kind in KINDS}
    grown = {kind: after[kind] - before[kind] for kind in KINDS}
    assert grown == dict.fromkeys(KINDS, 1)


@pytest.mark.parametrize("body", [
    gzip.compress(b'{"model":"a"}\n{"model":"b"}'),
    gzip.compress(b'{"model":"a"}\n') + gzip.compress(b'{"model":"b"}\n')],
    ids=["one member", "two members"])
def test_gzip_bodies_are_read_whole(console, http, body):
    before = console.count()
    answer = post(http, body, **{"content-encoding": "gzip"})
    assert answer.json()["accepted"] == 2
    assert console.count() == before + 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\n\n \n"])
def test_line_ends_and_empty_lines(http, ending):
    assert post(http, f'{{"model":"a"}}{ending}{{"model":"b"}}{ending}').json()["accepted"] == 2


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/jsonl",
                                          "application/json; charset=utf-8"])
def test_content_types(http, content_type):
    assert post(http, "{}", **{"content-type": content_type}).status_code == 200


def test_an_empty_body_is_nothing(http):
    for body in ("", "\n\n  \n"):
        assert post(http, body).json() == {"accepted": 0, "rejected": 0, "errors": []}


def test_sound_lines_are_taken_and_the_others_named(console, http):
    before = console.count()
    answer = post(http, '{"model":"a"}\n\nnot json\n{"model":"b"}\n{"input_tokens":-1}\n')
    told = answer.json()
    assert answer.status_code == 207
    assert (told["accepted"], told["rejected"]) == (2, 2)
    assert [(each["line"], each["code"], each["field"]) for each in told["errors"]] == [
        (3, "not_json", ""), (5, "invalid", "input_tokens")]
    assert console.count() == before + 2


LONG = "x" * 10_000_000
LATER = "in ten minutes"  # the same in every process that collects these tests


@pytest.mark.parametrize(("line", "code", "field"), [
    ('{"kind":"nonsense"}', "unknown_kind", "kind"),
    ('{"kind":5}', "invalid", "kind"),
    ('{"nonsense":1}', "invalid", "nonsense"),
    (f'{{"{LONG}":1}}', "invalid", LONG[:200]),
    ('{"kind":"interactions"}', "invalid", "action"),
    ('{"input_tokens":-1}', "invalid", "input_tokens"),
    ('{"input_tokens":1.5}', "invalid", "input_tokens"),
    ('{"input_tokens":"7"}', "invalid", "input_tokens"),
    ('{"input_tokens":1e999}', "invalid", "input_tokens"),
    ('{"input_tokens":99999999999999999999}', "invalid", "input_tokens"),
    ('{"latency_ms":NaN}', "not_json", ""),
    ('{"latency_ms":Infinity}', "not_json", ""),
    ('{"latency_ms":-1}', "invalid", "latency_ms"),
    ('{"kind":"outcomes","metric":"m","unit_id":"u","value":1e999}', "invalid", "value"),
    ('{"output_tokens":3,"reasoning_tokens":4}', "reasoning_exceeds_output", "reasoning_tokens"),
    ('{"kind":"feedback","stars":6}', "invalid", "stars"),
    ('{"model":"a\\u0000b"}', "nul_byte", "model"),
    ('{"model":"a\x00b"}', "not_json", ""),
    ('{"model":"\\ud800"}', "not_json", ""),
    ('{"model":null}', "invalid", "model"),
    (f'{{"model":"{LONG}"}}', "invalid", "model"),
    (f'{{"at_utc":"{LATER}"}}', "in_future", "at_utc"),
    ('{"at_utc":"1999-12-31T23:59:59Z"}', "too_old", "at_utc"),
    ('{"at_utc":"0001-01-01T00:00:00+23:59"}', "too_old", "at_utc"),
    ('{"at_utc":"9999-12-31T23:59:59-23:59"}', "in_future", "at_utc"),
    ('{"at_utc":"2026-01-01T00:00:00"}', "invalid", "at_utc"),
    ('{"at_utc":"yesterday"}', "invalid", "at_utc"),
    ('{"event_id":""}', "invalid", "event_id"),
    ('{"event_id":"' + "i" * 129 + '"}', "invalid", "event_id"),
    ("[" * 100_000, "invalid", ""),
    ('{"model":' * 100_000, "invalid", "model"),
    ('{"kind":"requests","nonsense":' + "[" * 100_000, "not_json", ""),
    ("[]", "invalid", ""), ("1", "invalid", ""), ("null", "invalid", ""),
    ('"kind"', "invalid", ""), ('{"model":"a"', "not_json", ""),
    ('{"model":"a"} {"model":"b"}', "not_json", ""),
    ("\ufeff{}", "not_json", ""),
], ids=lambda value: None if len(str(value)) > 60 or "\x00" in str(value) else str(value))
def test_a_line_that_cannot_be_used_is_named(http, line, code, field):
    later = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    error = only_error(post(http, line.replace(LATER, later).encode()))
    assert (error["code"], error["field"]) == (code, field), error["message"]


def test_bytes_that_are_no_text_are_refused(http):
    assert only_error(post(http, b'{"model":"\xff\xfe"}'))["code"] == "not_json"


@pytest.mark.parametrize("text", ["'; drop table requests; --", "<script>alert(1)</script>",
                                  "=cmd|' /C calc'!A0", "\u202egpt", "名前", "𝒎"])
def test_hostile_text_is_kept_as_it_is(console, http, text):
    event = {"model": text, "workspace_id": "hostile", "query_text": text}
    assert post(http, json.dumps(event)).status_code == 200
    console.call("settle")
    assert console.call("verify") == {"faults": []}


def test_wrong_content_type(http):
    for given in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = http.post("/v1/events", content="{}", headers={"content-type": given})
        assert answer.status_code == 415
        assert answer.json()["error"]["field"] == "content-type"


@pytest.mark.parametrize(("body", "encoding", "status", "code"), [
    (b" " * 12_000_001, "", 413, "too_large"),
    (gzip.compress(bytes(200_000_000), 9), "gzip", 413, "too_large"),
    (b"\n" * 5_001, "", 413, "too_many_lines"),
    (gzip.compress(b"\n" * 5_001), "gzip", 413, "too_many_lines"),
    (b"not gzip", "gzip", 400, "bad_gzip"),
    (b"", "gzip", 400, "bad_gzip"),
    (gzip.compress(b"{}")[:-4], "gzip", 400, "bad_gzip"),
    (gzip.compress(b"{}")[:-4] + b"\x00\x00\x00\x09", "gzip", 400, "bad_gzip"),
    (gzip.compress(b"{}") * 200, "gzip", 400, "bad_gzip"),
    (zlib.compress(b"{}"), "deflate", 400, "bad_encoding"),
    (b"{}", "br", 400, "bad_encoding"),
], ids=["too large", "gzip bomb", "lines", "packed lines", "not gzip", "empty", "cut",
        "wrong length", "many members", "deflate", "br"])
def test_a_body_that_cannot_be_read_changes_nothing(console, http, body, encoding, status, code):
    before = console.count()
    answer = post(http, body, **({"content-encoding": encoding} if encoding else {}))
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert console.count() == before


def test_a_repeated_event_counts_once(console, http):
    before = console.count()
    line = json.dumps({"event_id": "twice-http", "at_utc": "2026-02-03T04:05:06Z"})
    assert post(http, f"{line}\n{line}").json()["accepted"] == 2
    assert post(http, line).json()["accepted"] == 1
    assert console.count() == before + 1


def test_at_most_a_hundred_errors_are_told(http):
    told = post(http, "x\n" * 2_000).json()
    assert told["rejected"] == 2_000
    assert len(told["errors"]) == 100
