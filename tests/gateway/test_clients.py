"""Connections to providers are closed with the engine, with their loop, and by a change."""

import asyncio
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brain.engine import Engine
from brain.gateway.question import Question
from brain.settings import load
from tests.gateway.test_asking import NOW, provide
from tests.services import vendors
from tests.services.process import wait_until
from tests.services.vendors import running_vendor

QUESTION = Question("Hello?", use_cache=False, model="model-one")


@pytest.fixture
def vendor() -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        yield found


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Fails for a socket or transport that only the garbage collector closes."""
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert not [each for each in caught if issubclass(each.category, ResourceWarning)]


def test_the_check_itself_finds_an_open_socket() -> None:
    async def leave_open() -> None:
        await asyncio.open_connection(host, port)
    with running_vendor("openai") as found:
        host, port = found.url.removeprefix("http://").removesuffix("/v1").split(":")
        with pytest.raises(AssertionError), nothing_left_open():
            asyncio.run(leave_open())


def test_nothing_stays_open_behind_an_engine(tmp_path: Path, vendor: vendors.Vendor) -> None:
    with nothing_left_open():
        engine = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path)}), lambda: NOW)
        provide(engine, "one", vendor)
        assert engine.gateway.ask(QUESTION).status == "ok"  # in the engine's own loop
        assert asyncio.run(engine.gateway.answer(QUESTION)).status == "ok"  # in a passing one
        vendor.mode = "cut"
        assert list(engine.gateway.stream(QUESTION))[-1].answer is not None
        engine.close()
        del engine


def test_a_changed_provider_lets_its_old_connections_go(tmp_path: Path,
                                                        vendor: vendors.Vendor) -> None:
    engine = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path)}), lambda: NOW)
    try:
        provide(engine, "one", vendor)
        assert engine.gateway.ask(QUESTION).status == "ok"
        old = engine.gateway.providers.live("one")
        assert old is not None and vendor.connections == 1
        provide(engine, "one", vendor, places=3)
        assert engine.gateway.providers.live("one") is not old
        wait_until(lambda: vendor.connections == 0, "closing the old connections", 30)
        assert engine.gateway.ask(QUESTION).status == "ok"
        engine.gateway.providers.remove("one")
        wait_until(lambda: vendor.connections == 0, "closing the old connections", 30)
    finally:
        engine.close()


def test_a_change_does_not_cut_the_call_under_way(tmp_path: Path,
                                                  vendor: vendors.Vendor) -> None:
    engine = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path)}), lambda: NOW)
    try:
        provide(engine, "one", vendor)
        vendor.wait_s = 1.0

        async def change_meanwhile() -> str:
            asked = asyncio.ensure_future(engine.gateway.answer(QUESTION))
            while not vendor.calls:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(provide, engine, "one", vendor, places=3)
            return (await asked).text
        assert asyncio.run(change_meanwhile()) == vendors.TEXT
        wait_until(lambda: vendor.connections == 0, "closing the old connections", 30)
    finally:
        engine.close()
