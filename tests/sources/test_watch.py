"""What the watch says of sources that are there, silent, or not configured."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.watched import redis_figures
from brain import settings
from brain.engine import Engine
from brain.events import MetricSample
from brain.sources.reading import SourceReading
from brain.watch import History, SourceStatus, cache_hit_pct
from brain.watch.keeper import HistoryKeeper, Keeper
from brain.watch.telling import tell_kubernetes, tell_postgres
from tests.services.garbage import answering

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def opened(tmp_path: Path):
    engines: list[Engine] = []

    def begin(**overrides: object) -> Engine:
        engines.append(Engine.open(settings.load({}, data_dir=tmp_path / "data", **overrides),
                                   clock=lambda: NOW))
        return engines[-1]

    yield begin
    for engine in engines:
        engine.close()


def by_name(engine: Engine) -> dict[str, SourceStatus]:
    return {each.name.split(" (")[0]: each for each in engine.sources()}


def test_unconfigured_is_unknown_and_says_how(opened: Callable[..., Engine]) -> None:
    found = by_name(opened())
    for name in ("Prometheus", "Redis"):
        assert (found[name].status, found[name].is_configured) == ("unknown", False)
        assert f"BRAIN_{name.upper()}_URL" in found[name].text
    assert found["This machine"].status == "unknown"
    assert found["Event store"].text.startswith("0 events")


def test_unreachable_is_critical_with_its_reason(opened: Callable[..., Engine]) -> None:
    found = by_name(opened(redis_url="redis://127.0.0.1:1/0", redis_timeout_s=0.5))["Redis"]
    assert (found.status, found.value_at_utc) == ("critical", None)
    assert found.text == "Redis at 127.0.0.1:1 cannot be reached."


def test_redis_that_stops_answering_keeps_its_last_values(opened: Callable[..., Engine],
                                                          redis_server) -> None:
    engine = opened(redis_url=redis_server.url, redis_timeout_s=0.5)
    assert by_name(engine)["Redis"].status == "ok"
    redis_server.freeze()
    try:
        silent = by_name(engine)["Redis"]
    finally:
        redis_server.thaw()
    assert silent.status == "critical"
    assert silent.value_at_utc == NOW
    assert "did not answer within 0.5 s. Last: Version" in silent.text


def test_machine_whose_samples_stopped_is_unknown(opened: Callable[..., Engine],
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    engine = opened()
    for seconds, expected in ((600, "unknown"), (5, "ok")):
        engine.record("metric_samples", [MetricSample(
            at_utc=NOW - dt.timedelta(seconds=seconds), metric="cpu_pct", instance="here",
            value=12.0, source="host")])
        engine.settle()
        assert by_name(engine)["This machine"].status == expected
    assert by_name(engine)["This machine"].text == "CPU 12 %"


@pytest.mark.parametrize(("values", "expected"), [
    ({"hits": 3, "misses": 1}, 75.0), ({"hits": 0, "misses": 0}, None), ({}, None)])
def test_hit_ratio(values: dict[str, int], expected: float | None) -> None:
    assert cache_hit_pct(values) == expected


def test_a_hung_server_delays_nobody_and_is_asked_once_for_all(
        opened: Callable[..., Engine]) -> None:
    with answering(b"", hang=True) as port:
        engine = opened(redis_url=f"redis://127.0.0.1:{port}/0", redis_timeout_s=3)
        began = time.monotonic()
        with ThreadPoolExecutor(8) as readers:
            seen = list(readers.map(lambda _: engine.sources(0.1), range(8)))
        assert time.monotonic() - began < 2  # eight who waited in turn would take 24 s
        for statuses in seen:
            redis = next(each for each in statuses if each.name == "Redis")
            assert (redis.status, redis.text) == (
                "unknown", "It is being asked for the first time.")
        silent = by_name(engine)["Redis"]  # this one waits for the answer
        assert (silent.status, "within 3 s" in silent.text) == ("critical", True)


def test_readers_share_a_reading_until_it_is_old() -> None:
    asked: list[int] = []
    at_s = [0.0]

    def read() -> SourceReading:
        asked.append(1)
        return SourceReading("ok", {"n": len(asked)}, read_at_utc=NOW, checked_at_utc=NOW)

    with ThreadPoolExecutor(1) as pool:
        keeper = Keeper(read, pool, monotonic=lambda: at_s[0])
        assert keeper.age_s() == float("inf")
        keeper.begin().result(5)
        at_s[0] = 7.0
        assert keeper.age_s() == 7.0
        assert keeper.last.values == {"n": 1}


def test_figures_between_readings_and_last_values_of_a_silent_source() -> None:
    given = [SourceReading("ok", {"evicted_keys": count}, read_at_utc=NOW + dt.timedelta(
        seconds=10 * n)) for n, count in enumerate((100, 150))]
    given.append(SourceReading("down", reason="gone"))
    with ThreadPoolExecutor(1) as pool:
        keeper = Keeper(lambda: given.pop(0), pool, redis_figures)
        assert keeper.begin().result(5).values["cache_evictions_per_s"] is None
        assert keeper.begin().result(5).values["cache_evictions_per_s"] == 5.0  # 50 in 10 s
        silent = keeper.begin().result(5)
    assert (silent.status, silent.reason) == ("down", "gone")
    assert silent.values["cache_evictions_per_s"] == 5.0
    assert silent.read_at_utc == NOW + dt.timedelta(seconds=10)


def test_history_shows_the_last_answer_while_a_new_one_is_awaited() -> None:
    gate = threading.Event()
    first = SourceReading("ok", {"x": (1,)}, read_at_utc=NOW)
    histories = HistoryKeeper()
    try:
        assert histories.read("k", "span 1", lambda: first, 5).values == {"x": (1,)}

        def slow() -> SourceReading:
            gate.wait(10)
            return SourceReading("down", reason="gone")

        held = histories.read("k", "span 2", slow, 0.01)
        assert (held.values, held.is_pending) == ({"x": (1,)}, True)
        assert histories.read("other", "span 2", lambda: first, 0.01) == History({}, "", True)
        gate.set()
        silent = histories.read("k", "span 2", slow, 5)
        assert (silent.values, silent.reason) == ({"x": (1,)}, "gone")
    finally:
        gate.set()
        histories.close()


def test_samples_are_kept_of_what_answers(opened: Callable[..., Engine], redis_server) -> None:
    engine = opened(redis_url=redis_server.url, kubernetes_url="http://127.0.0.1:1")
    kept = engine.collect_sources()
    engine.settle()
    instance = by_name(engine)["Redis"].instance
    rows = engine.query("health/machine_summary", start=NOW - dt.timedelta(hours=1),
                        end=NOW + dt.timedelta(hours=1), instance=instance, is_demo=0)
    assert kept == len(rows) >= 1
    assert dict(zip(rows["metric"], rows["last_value"], strict=True))["cache_clients"] >= 1
    assert engine.is_untouched()  # they are no data of the reader's


def test_questions_that_cannot_be_understood_are_refused_at_the_start(
        opened: Callable[..., Engine]) -> None:
    with pytest.raises(settings.SettingsError, match="BRAIN_PROMETHEUS_QUERIES"):
        opened(prometheus_queries='{"no_such_figure": "up"}')


@given(st.dictionaries(st.sampled_from(["pods", "deployments", "version", "db_connections",
                                        "max_connections", "used_memory_bytes", "targets"]),
                       st.just(None) | st.just({}) | st.just(()) | st.just(0)))
def test_every_sentence_is_told_of_whatever_is_known(values: dict[str, object]) -> None:
    for tell in (tell_kubernetes, tell_postgres):
        known = {name: value for name, value in values.items() if value is not None}
        fitting = {name: value for name, value in known.items() if isinstance(
            value, dict if name == "pods" else tuple if name == "deployments" else int)}
        assert tell(fitting).endswith(".")
