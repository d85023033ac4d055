"""Redis' figures, and an answer with a reason when it is stopped, frozen or talking nonsense."""

import datetime as dt
from pathlib import Path

import pytest
import redis

from brain.sources.reading import AnswerError
from brain.sources.redis import COUNTS, RedisSource, parse_info
from tests.services.garbage import answering
from tests.services.process import free_port
from tests.services.redis import RedisServer, running_redis

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def source(url: str, timeout_s: float = 5.0) -> RedisSource:
    return RedisSource(url, timeout_s, clock=lambda: NOW)


def test_reads_what_the_server_counts(redis_server: RedisServer) -> None:
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    client.config_resetstat()
    client.set("here", "1")
    for key in ("here", "here", "here", "gone"):  # three hits and one miss
        client.get(key)
    reading = source(redis_server.url).read()
    assert (reading.status, reading.reason) == ("ok", "")
    assert (reading.values["hits"], reading.values["misses"]) == (3, 1)
    assert set(reading.values) == {*COUNTS, "version", "last_save_status"}
    assert reading.values["used_memory_bytes"] > 100_000
    assert reading.values["connected_clients"] >= 1
    assert reading.values["version"].count(".") == 2
    assert reading.read_at_utc == reading.checked_at_utc == NOW
    client.close()


def test_a_frozen_server_is_down_within_the_time_and_back_after_it(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        watched = source(server.url, 0.5)
        assert watched.read().status == "ok"
        server.freeze()
        reading = watched.read()
        assert reading.status == "down"
        assert reading.reason == (f"Redis at 127.0.0.1:{server.port} did not answer "
                                  "within 0.5 s.")
        assert (reading.values, reading.read_at_utc, reading.checked_at_utc) == ({}, None, NOW)
        server.thaw()
        assert source(server.url).read().status == "ok"


def test_a_stopped_server_is_down_and_back_after_its_start(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        watched = source(server.url)
        assert watched.read().status == "ok"
        server.stop()
        reading = watched.read()
        assert reading.status == "down"
        assert "cannot be reached" in reading.reason
        server.start()
        assert watched.read().status == "ok"


def test_a_refused_password_is_said_without_the_password(tmp_path: Path) -> None:
    with running_redis(tmp_path, "--requirepass", "rightword") as server:
        address = f"127.0.0.1:{server.port}"
        assert source(f"redis://:rightword@{address}/0").read().status == "ok"
        refused = source(f"redis://:wrongword@{address}/0").read()
        assert (refused.status, refused.reason) == (
            "down", f"Redis at {address} refused the user or password.")


@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff" * 50 + b"\r\n", b"$-5\r\n", b"+OK\r\n" * 9,
    b"$5\r\nhello\r\n" * 9, b"*1000000\r\n", b"%2\r\n+a\r\n", b"-ERR no\r\n" * 9, b":7\r\n" * 9,
    b"$99999999999\r\n", b"$abc\r\n", b"", b"\r\n" * 100,
])
def test_nonsense_is_never_an_exception_nor_ok(reply: bytes) -> None:
    with answering(reply) as port:
        reading = source(f"redis://127.0.0.1:{port}/0", 2.0).read()
    assert reading.status in ("down", "unknown")
    assert f"127.0.0.1:{port}" in reading.reason
    assert reading.values == {}


def test_a_dripping_server_cannot_hold_the_caller() -> None:
    # Each wait ends in 0.1 s, inside the socket's time-out of 0.5 s: only the total is bounded.
    with answering(b"x", again_each_s=0.1) as port:
        reading = source(f"redis://127.0.0.1:{port}/0", 0.5).read()
    assert (reading.status, reading.values) == ("down", {})


def test_a_silent_server_is_down() -> None:
    with answering(b"", hang=True) as port:
        assert source(f"redis://127.0.0.1:{port}/0", 0.3).read().status == "down"


def test_nobody_listening_is_down() -> None:
    assert source(f"redis://127.0.0.1:{free_port()}/0").read().status == "down"


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1", "redis://host:port",
                                 "redis://127.0.0.1:99999999/0", "redis://[::1"])
def test_an_address_that_is_none_is_unknown_with_a_reason(url: str) -> None:
    reading = source(url).read()
    assert reading.status == "unknown"
    assert reading.reason


@pytest.mark.parametrize("info", [
    None, [], {}, {"redis_version": "7", "used_memory": "much"},
    {"redis_version": "7", "used_memory": float("nan")},
    {"redis_version": "7", "used_memory": -1}, {"redis_version": "7", "used_memory": True},
])
def test_figures_that_are_none_are_refused(info: object) -> None:
    with pytest.raises(AnswerError):
        parse_info(info)


def test_a_field_the_server_does_not_send_is_left_out() -> None:
    assert parse_info({"redis_version": "7.0.15"}) == {"version": "7.0.15"}
