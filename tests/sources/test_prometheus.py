"""Prometheus' answers, and one with a reason when it is stopped, frozen or talking nonsense."""

import datetime as dt
import json
from pathlib import Path

import pytest

from brain.sources.prometheus import PrometheusSource, Sample, parse_result
from brain.sources.reading import AnswerError
from tests.services.garbage import answering
from tests.services.process import free_port, wait_until
from tests.services.prometheus import HttpServer, running_prometheus

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
UP = {"up": "up"}


def source(url: str, timeout_s: float = 5.0) -> PrometheusSource:
    return PrometheusSource(url, timeout_s, clock=lambda: NOW)


def test_scraped_targets_are_told_apart_from_missing_series(
        tmp_path: Path, node_exporter: HttpServer) -> None:
    target = f"127.0.0.1:{node_exporter.port}"
    with running_prometheus(tmp_path, [target]) as server:
        watched = source(server.url)
        ask = {"up": f'up{{instance="{target}"}}',
               "memory": "node_memory_MemAvailable_bytes", "missing": "no_such_series"}
        wait_until(lambda: bool(watched.read(ask).values.get("memory")), "the first scrape")
        reading = watched.read(ask)
    assert (reading.status, reading.reason) == ("ok", "")
    assert reading.values["missing"] == ()
    (up,) = reading.values["up"]
    assert up.value == 1.0
    assert up.labels["instance"] == target
    assert up.at_utc.tzinfo is dt.UTC
    assert reading.values["memory"][0].value > 0
    assert reading.read_at_utc == reading.checked_at_utc == NOW


def test_arithmetic_comes_back_and_nan_is_no_value(prometheus_server: HttpServer) -> None:
    reading = source(prometheus_server.url).read(
        {"product": "6 * 7", "vector": "vector(3)", "nothing": "vector(0) / vector(0)",
         "infinite": "vector(1) / vector(0)"})
    assert {name: [sample.value for sample in samples]
            for name, samples in reading.values.items()} == {
        "product": [42.0], "vector": [3.0], "nothing": [None], "infinite": [None]}


def test_one_wrong_question_leaves_the_others_answered(prometheus_server: HttpServer) -> None:
    reading = source(prometheus_server.url).read({"right": "vector(1)", "wrong": "sum by ("})
    assert reading.status == "ok"
    assert set(reading.values) == {"right"}
    assert reading.reason.startswith("wrong: invalid parameter")


def test_only_wrong_questions_are_unknown(prometheus_server: HttpServer) -> None:
    reading = source(prometheus_server.url).read({"wrong": "sum by ("})
    assert (reading.status, reading.values) == ("unknown", {})
    assert "wrong: " in reading.reason


def test_a_frozen_or_stopped_server_is_down_and_comes_back(tmp_path: Path) -> None:
    with running_prometheus(tmp_path) as server:
        assert source(server.url).read({"one": "vector(1)"}).status == "ok"
        server.freeze()
        frozen = source(server.url, 0.5).read(UP)
        assert (frozen.status, frozen.values) == ("down", {})
        assert frozen.reason == (f"Prometheus at 127.0.0.1:{server.port} did not answer "
                                 "within 0.5 s.")
        server.thaw()
        assert source(server.url).read({"one": "vector(1)"}).status == "ok"
        server.stop()
        stopped = source(server.url).read(UP)
        assert (stopped.status, stopped.reason) == (
            "down", f"Prometheus at 127.0.0.1:{server.port} cannot be reached.")
        server.start()
        assert source(server.url).read({"one": "vector(1)"}).status == "ok"


def body(text: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


def result(value: object) -> bytes:
    return body(json.dumps({"status": "success", "data": {"result": value}}).encode())


@pytest.mark.parametrize("reply", [
    b"", b"nonsense\r\n\r\n", b"\x00\xff" * 100, b"HTTP/1.1 200 OK\r\n\r\nnot json",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off", body(b"{}"), body(b"[1]"),
    body(b'{"data": 1}'), body(b"\xff\xfe"), body(b"[" * 100_000), body(b"busy", "503 Busy"),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ftp://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"b" * 99_999,
    result({"a": 1}), result([1]), result([{"metric": 1, "value": [1, "1"]}]),
    result([{"metric": {}, "value": [1]}]), result([{"metric": {}, "value": ["NaN", "1"]}]),
    result([{"metric": {}, "value": [1e300, "1"]}]), result([{"metric": {}, "value": [1, "x"]}]),
])
def test_nonsense_is_never_an_exception_nor_ok(reply: bytes) -> None:
    with answering(reply) as port:
        reading = source(f"http://127.0.0.1:{port}", 2.0).read(UP)
    assert reading.status in ("down", "unknown")
    assert f"127.0.0.1:{port}" in reading.reason
    assert reading.values == {}


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"])
def test_a_dripping_server_cannot_hold_the_caller(head: bytes) -> None:
    with answering(head + b"x", again_each_s=0.1) as port:
        reading = source(f"http://127.0.0.1:{port}", 0.5).read(UP)
    assert (reading.status, reading.values) == ("down", {})


def test_an_endless_answer_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"
    with answering(head + b"x" * 17_000_000) as port:
        reading = source(f"http://127.0.0.1:{port}", 20).read(UP)
    assert reading.status == "unknown"


@pytest.mark.parametrize("url", ["", "nonsense", "redis://127.0.0.1", "http://[::1",
                                 "http://127.0.0.1:99999999", "http://"])
def test_an_address_that_is_none_is_unknown_with_a_reason(url: str) -> None:
    reading = source(url).read(UP)
    assert reading.status == "unknown"
    assert reading.reason


def test_a_secret_in_the_address_is_not_repeated() -> None:
    reading = source(f"http://me:secretword@127.0.0.1:{free_port()}").read(UP)
    assert reading.status == "down"
    assert "secretword" not in reading.reason


def test_a_scalar_has_no_labels() -> None:
    at = dt.datetime(2023, 11, 16, 18, 15, tzinfo=dt.UTC)  # 1,700,158,500 s after 1970
    assert parse_result([1_700_158_500, "42"]) == (Sample({}, 42.0, at),)


@pytest.mark.parametrize("wrong", [None, {}, "text", [[1, "x"]]])
def test_results_that_are_none_are_refused(wrong: object) -> None:
    with pytest.raises((AnswerError, TypeError, LookupError)):
        parse_result(wrong)
