"""Real servers for the tests that ask for them, started once and only when asked for."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.browser import running_chromium
from tests.services.postgres import PostgresServer, running_postgres
from tests.services.prometheus import (
    HttpServer,
    running_alertmanager,
    running_node_exporter,
    running_prometheus,
)
from tests.services.redis import RedisServer, running_redis

MARKED_BY_FIXTURE = {
    "postgres": ("postgres_server", "postgres_url", "postgres", "postgres_dsn"),
    "redis": ("redis_server",),
    "prometheus": ("prometheus_server", "alertmanager", "node_exporter"),
    "browser": ("chromium",),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make test` run the tests of the browser by themselves, when nothing else takes time."""
    parser.addoption("--browser", choices=("with", "without", "only"), default="with",
                     help="the browser's tests: with the others, left out, or alone")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name what is long or no text by its place: processes that run side by side must agree on
    every name, and a compressed file, for one, holds the time at which it was made."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 80) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test by the servers it asks for; slow files come first, the browser's last.

    Started last, a slow file would leave the other processes without work. Playwright keeps an
    event loop running in the main thread for as long as a browser is open, so that no test could
    run another one there.
    """
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        for marker, fixtures in MARKED_BY_FIXTURE.items():
            if asked.intersection(fixtures):
                item.add_marker(marker)
    in_browser = [item for item in items if item.get_closest_marker("browser")]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    others = sorted((item for item in items if not item.get_closest_marker("browser")),
                    key=lambda item: item.path not in slow)
    wanted = config.getoption("--browser")
    left_out = {"with": [], "without": in_browser, "only": others}[wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = {"with": others + in_browser, "without": others, "only": in_browser}[wanted]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """PostgreSQL 18, shared: a test that stops or freezes it starts or thaws it again."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Address of a new empty PostgreSQL database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Redis, shared; empty it where it matters."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def node_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """Figures of this machine in Prometheus' format."""
    with running_node_exporter(tmp_path_factory.mktemp("node_exporter")) as server:
        yield server


@pytest.fixture(scope="session")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """Prometheus that scrapes itself every second, shared."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """Alertmanager without receivers, shared."""
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser; open a context of your own in it."""
    with running_chromium() as browser:
        yield browser
