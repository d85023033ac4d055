"""One console for the tests of the HTTP API, one more with a key."""

from collections.abc import Iterator

import httpx
import pytest

from tests.serving.console import Console, running_console

VIEWER, OPERATOR = "a-key-to-look-with", "a-key-to-act-with-"


@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console without a key, shared: workspaces keep the tests apart."""
    with running_console(tmp_path_factory.mktemp("console"),
                         BRAIN_INGEST_MAX_BODY_BYTES="12000000",
                         BRAIN_INGEST_MAX_BODY_LINES="5000",
                         BRAIN_HOST_INTERVAL_S="3600") as running:
        yield running


@pytest.fixture(scope="package")
def http(console: Console) -> Iterator[httpx.Client]:
    """A client of ``console`` that sends no key."""
    with console.client() as client:
        yield client


@pytest.fixture(scope="package")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console that asks for the key "sesame" and goes by one more name."""
    with running_console(tmp_path_factory.mktemp("keyed"), BRAIN_SERVER_API_KEY="sesame",
                         BRAIN_ACCESS_KEYS=f"wall:viewer:{VIEWER},ci:operator:{OPERATOR}",
                         BRAIN_SERVER_ALLOWED_HOSTS="console.example") as running:
        yield running


@pytest.fixture(scope="module")
def own_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console that no other module asks, for tests that count everything or look at all."""
    with running_console(tmp_path_factory.mktemp("own"), BRAIN_INGEST_MAX_BODY_BYTES="12000000",
                         BRAIN_INGEST_MAX_BODY_LINES="5000",
                         BRAIN_HOST_INTERVAL_S="3600") as running:
        yield running
