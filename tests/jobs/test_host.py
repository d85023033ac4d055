"""Samples of this machine: real values, and nothing that was not measured."""

import datetime as dt
import socket

import psutil

from brain.jobs.host import Sampler, count_connections

NOW = dt.datetime.fromtimestamp(psutil.boot_time(), dt.UTC) + dt.timedelta(hours=1)
AT_ONCE = {"memory_pct", "disk_pct", "load_1m", "processes", "uptime_s"}
SINCE_BEFORE = {"cpu_pct", "network_in_bytes_per_s", "network_out_bytes_per_s"}


def test_first_reading_leaves_out_what_needs_one_before() -> None:
    sampler = Sampler()
    first = {each.metric: each.value for each in sampler.read(NOW)}
    assert set(first) == AT_ONCE
    second = sampler.read(NOW + dt.timedelta(seconds=10))
    assert {each.metric for each in second} == AT_ONCE | SINCE_BEFORE
    assert all(each.source == "host" and each.value >= 0 for each in second)
    assert all(each.value <= 100 for each in second if each.metric.endswith("_pct"))


def test_a_clock_that_went_back_gives_no_rate() -> None:
    sampler = Sampler()
    sampler.read(NOW)
    again = {each.metric for each in sampler.read(NOW - dt.timedelta(seconds=5))}
    assert again & SINCE_BEFORE <= {"cpu_pct"}


def test_open_connections_to_the_port_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert count_connections(port) == 0
        with socket.create_connection(("127.0.0.1", port)):
            link, _ = listener.accept()
            with link:  # this end and its other one, of which one is to the port
                assert count_connections(port) == 1
                counted = {each.metric: each.value for each in Sampler(port).read(NOW)}
        assert counted["active_connections"] == 1
