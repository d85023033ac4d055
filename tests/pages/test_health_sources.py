"""System health over real servers that stop, hold still and come back while the page is open."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from streamlit.testing.v1 import AppTest

from brain import running, settings
from brain.engine import Engine
from pages.ui import data
from tests.pages.conftest import OpenPage
from tests.services.garbage import answering
from tests.services.instrumented import running_app
from tests.services.kubernetes import TOKEN, deployment, pod, running_api_server
from tests.services.postgres import running_postgres
from tests.services.process import free_port, wait_until
from tests.services.prometheus import running_prometheus
from tests.services.redis import running_redis

PAGE = "operations/health.py"
START = dt.datetime.now(dt.UTC).replace(microsecond=0)  # what Prometheus scrapes is of now
pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.prometheus]


class Watching:
    """An engine whose clock moves when it is told to, and the page over it."""

    def __init__(self, engine: Engine, moment: list[dt.datetime]) -> None:
        self.engine, self._moment = engine, moment

    def read_all(self, later_s: float = 10) -> None:
        """What the job does, so many seconds later; then no page shows what it had read before."""
        self._moment[0] += dt.timedelta(seconds=later_s)
        self.engine.collect_sources()
        self.engine.settle()
        data.forget_answers()


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Opens the engine over the servers that are given by their settings."""
    opened: list[Engine] = []
    moment = [START]

    def begin(**chosen: str) -> Watching:
        values = {f"BRAIN_{name.upper()}": value for name, value in chosen.items()}
        engine = Engine.open(settings.load({"BRAIN_DATA_DIR": str(tmp_path / "data"), **values}),
                             clock=lambda: moment[0])
        opened.append(engine)
        monkeypatch.setattr(running, "engine", lambda _settings=None: engine)
        data.forget_answers()
        return Watching(engine, moment)

    yield begin
    data.forget_answers()
    for engine in opened:
        engine.close()


def table(app: AppTest, *columns: str) -> Any:
    """The first table with these columns, by the first of them."""
    return next(each.value for each in app.dataframe
                if set(columns) <= set(each.value.columns)).set_index(columns[0])


def said(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.caption, app.warning, app.info, app.markdown)
                     for each in kind)


def number(app: AppTest, label: str) -> str:
    return next(each.value for each in app.metric if each.label == label)


@pytest.mark.slow
def test_servers_hold_still_stop_and_come_back_while_the_page_is_open(
        watch: Any, open_page: OpenPage, tmp_path: Path) -> None:
    with ExitStack() as servers:
        app_seen = servers.enter_context(running_app())
        folders = [tmp_path / name for name in ("redis", "prometheus")]
        for folder in folders:
            folder.mkdir()
        cache = servers.enter_context(running_redis(folders[0], "--maxmemory", "50mb"))
        database = servers.enter_context(running_postgres())
        prometheus = servers.enter_context(running_prometheus(
            folders[1], [app_seen.target], every="250ms"))
        api = servers.enter_context(running_api_server())
        api.items["pods"] = [pod(f"web-{n}", "Running") for n in range(4)] + [pod("p", "Pending")]
        api.items["deployments"] = [deployment("web", 4, 3)]
        app_seen.connections.set(17)
        client = redis.Redis.from_url(cache.url)
        client.set("here", "1")
        for key in ("here", "here", "here", "gone"):
            client.get(key)
        client.close()
        watching = watch(redis_url=cache.url, redis_timeout_s="2", postgres_url=database.url,
                         postgres_timeout_s="2", prometheus_url=prometheus.url,
                         prometheus_timeout_s="2", kubernetes_url=api.url,
                         kubernetes_token=TOKEN, kubernetes_timeout_s="2")

        def are_well(later_s: float = 1) -> bool:
            watching.read_all(later_s)
            found = [each for each in watching.engine.sources(0.0) if each.is_configured
                     and not each.name.startswith("This machine")]
            connections = next(each.values.get("active_connections") for each in found
                               if each.name == "Prometheus")
            return bool(connections) and all(each.status == "ok" for each in found)

        wait_until(lambda: are_well(0), "the first scrape")
        app = open_page(PAGE, range="1h")
        assert not app.exception
        assert number(app, "Active connections") == "17"
        assert number(app, "Cache hit ratio") == "75.0 %"  # 3 of 4 look-ups
        assert table(app, "measure", "value").loc["Connections by state", "value"].endswith(
            "of 100")
        assert "**4** running · **1** pending · **0** failed" in said(app)
        assert "Running: as wanted (3 to 10)." in said(app)
        assert table(app, "name", "wanted").loc["web", "ready"] == 3

        for server in (cache, database, prometheus):
            server.freeze()
        api.held.clear()
        watching.read_all(45)
        app.run()
        told = said(app)
        assert not app.exception and not app.error
        for name in ("Redis", "PostgreSQL", "Prometheus", "Kubernetes"):
            row = table(app, "source", "status").loc[name]
            assert (row["status"], row["age"]) == ("Critical", "45 s ago"), name
            assert "did not answer within 2 s" in row["text"]
        assert table(app, "source", "status").loc["Event store", "status"] == "Well"
        assert told.count("Last value 45 s ago.") >= 3  # pods, database, cache
        assert "**4** running" in told
        assert number(app, "Active connections") == "17"
        assert "Unknown, too old" in set(table(app, "measure", "status")["status"])
        assert number(app, "Cache hit ratio") == "75.0 %"

        api.held.set()
        for server in (cache, database, prometheus):
            server.thaw()
        api.items["pods"].append(pod("web-4", "Running"))

        wait_until(are_well, "all are read again", 20)
        app.run()
        assert "**5** running" in said(app)
        assert set(table(app, "source", "status").loc[
            ["Redis", "PostgreSQL", "Prometheus", "Kubernetes"], "status"]) == {"Well"}
        assert "Last value" not in said(app)

        for stopped in (cache, database, prometheus):
            stopped.stop()
        watching.read_all()
        app.run()
        assert not app.exception and not app.error
        for name in ("Redis", "PostgreSQL", "Prometheus"):
            assert "cannot be reached" in table(app, "source", "status").loc[name, "text"]
        assert table(app, "source", "status").loc["Kubernetes", "status"] == "Well"
        for stopped in (cache, database, prometheus):
            stopped.start()
        wait_until(are_well, "all are read again", 20)
        app.run()
        assert "Last value" not in said(app)


def test_servers_that_talk_nonsense_are_unknown_and_harm_no_other_part(
        watch: Any, open_page: OpenPage) -> None:
    with answering(b"\x00\xffnonsense\r\n\r\n" * 9) as port:
        place = f"127.0.0.1:{port}"
        watching = watch(redis_url=f"redis://{place}/0", prometheus_url=f"http://{place}",
                         postgres_url=f"postgresql://u:secretword@{place}/x",
                         kubernetes_url=f"http://{place}")
        watching.read_all()
        app = open_page(PAGE, range="1h")
    assert not app.exception and not app.error
    rows = table(app, "source", "status")
    for name in ("Redis", "PostgreSQL", "Prometheus", "Kubernetes"):
        assert rows.loc[name, "status"] in {"Unknown", "Critical"}
        assert place in rows.loc[name, "text"]
    assert "secretword" not in said(app) + rows.to_csv()
    assert number(app, "Active connections") == "unknown"
    assert rows.loc["Event store", "status"] == "Well"


def test_requests_of_prometheus_are_shown_where_the_store_has_none(
        watch: Any, open_page: OpenPage, tmp_path: Path) -> None:
    with running_app() as counted, running_prometheus(
            tmp_path, [counted.target], every="250ms") as server:
        counted.requests.labels("200")
        counted.durations.labels("/ask")
        counted.queries.observe(0.0)
        counted.cpu.labels("brain-ai", "web-1", "app").set(0)
        counted.memory.labels("brain-ai", "web-1", "app").set(3e8)
        watching = watch(prometheus_url=server.url, prometheus_window="10s")

        def rate() -> float:
            watching.read_all(0)
            status = next(each for each in watching.engine.sources(0.0)
                          if each.name == "Prometheus")
            samples = status.values.get("request_rate_per_s", ())
            return samples[0].value or 0.0 if samples else -1.0

        wait_until(lambda: rate() == 0.0, "it is scraped twice")
        counted.requests.labels("200").inc(40)
        for _ in range(40):
            counted.durations.labels("/ask").observe(0.15)
            counted.queries.observe(3.0)
        wait_until(lambda: rate() > 0, "the requests are scraped")
        app = open_page(PAGE, range="10m")
        assert app.selectbox(key="requests_from").value == "Prometheus"
        assert number(app, "Request rate") not in {"unknown", "0.00 per s"}
        assert number(app, "Error rate") == "0.0 %"
        # all in (0.1, 0.2]: p95 = 0.1 + 0.1 * 0.95
        assert number(app, "Latency p95") == "195 ms"
        assert table(app, "endpoint", "p95_ms").loc["/ask", "mean_ms"] == pytest.approx(150)
        # all in (2, 4]: p99 = 2 + 2 * 0.99
        assert "Query duration p99: **3,980 ms**, slow" in said(app)
        assert table(app, "pod", "memory_bytes").loc["web-1", "memory_bytes"] == 3e8
        assert number(app, "Availability") == "unknown"  # no requests in the event store
        app.selectbox(key="requests_from").select("Event store").run()
        assert number(app, "Error rate") == "unknown"


def test_a_server_that_nobody_can_reach_says_so_from_the_first_page_on(
        watch: Any, open_page: OpenPage) -> None:
    watch(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    app = open_page(PAGE)
    assert "cannot be reached" in said(app)
