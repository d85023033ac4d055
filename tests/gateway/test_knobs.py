"""Knobs of the query engine: kept, in force at once, refused where they cannot be used."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from brain.decisions.reasons import InputError
from brain.gateway.knobs import Knobs
from brain.gateway.slots import QueueFull, Slots
from brain.settings import load
from brain.sources.state import StateStore

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)


@pytest.fixture
def state(tmp_path: Path) -> StateStore:
    return StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")


def knobs(state: StateStore) -> Knobs:
    return Knobs(load({}), state, lambda: NOW, lambda: "ops")


def test_delivered_until_turned_then_kept(state: StateStore) -> None:
    first = knobs(state)
    assert first.read() == first.delivered()
    assert first.read().worker_slots == 64
    turned = first.apply(worker_slots=8, cache_ttl_s=30, routing_weights={"openai": 0})
    assert (turned.worker_slots, turned.cache_ttl_s) == (8, 30.0)
    again = knobs(state)  # another start of the program
    assert again.read() == turned
    assert again.delivered().worker_slots == 64


def test_turning_to_what_is_already_writes_nothing(state: StateStore) -> None:
    these = knobs(state)
    these.apply(worker_slots=8)
    entries = len(state.rows("audit"))
    these.apply(worker_slots=8)
    assert len(state.rows("audit")) == entries == 1


def test_followers_hear_of_every_change_once(state: StateStore) -> None:
    heard: list[int] = []
    these = knobs(state)
    these.follow(lambda now: heard.append(now.worker_slots))
    these.apply(worker_slots=3)
    these.apply(worker_slots=3)
    assert heard == [64, 3]
    knobs(state).apply(worker_slots=5)  # another process
    assert these.refresh().worker_slots == 5
    assert heard == [64, 3, 5]


@pytest.mark.parametrize(("name", "value", "code"), [
    ("worker_slots", 0, "out_of_range"), ("worker_slots", 1.5, "invalid_value"),
    ("worker_slots", True, "invalid_value"), ("cache_ttl_s", float("nan"), "out_of_range"),
    ("cache_capacity_bytes", -1, "out_of_range"), ("threads", 1, "unknown_knob"),
    ("routing_weights", {"openai": -1}, "out_of_range"),
    ("routing_weights", {"openai": float("inf")}, "out_of_range"),
    ("routing_weights", {"": 1}, "invalid_value"), ("routing_weights", [1], "invalid_value")])
def test_refuses_what_cannot_be_used(state: StateStore, name: str, value: Any, code: str) -> None:
    these = knobs(state)
    with pytest.raises(InputError) as refused:
        these.apply(**{"worker_slots": 2, name: value})
    assert (refused.value.code, refused.value.field) == (code, name)
    assert these.read().worker_slots == 64


def test_slots_bound_what_runs_at_once_and_what_waits() -> None:
    slots = Slots(2, 3)
    most, running, refused = 0, 0, 0

    async def work() -> None:
        nonlocal most, running, refused
        try:
            taken = await slots.acquire()
        except QueueFull:
            refused += 1
            return
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        slots.release(taken)

    async def all_of_them() -> None:
        await asyncio.gather(*(work() for _ in range(10)))
    asyncio.run(all_of_them())
    assert (most, refused) == (2, 5)  # 2 run, 3 wait, 5 of 10 find no room
    assert slots.state().in_use == slots.state().waiting == 0


def test_more_slots_let_waiting_callers_go_on() -> None:
    slots = Slots(1, 5)

    async def run() -> None:
        await slots.acquire()
        waiting = [asyncio.ensure_future(slots.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        assert slots.state().waiting == 3
        slots.resize(3)
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        assert (slots.state().in_use, slots.state().waiting) == (3, 1)
        waiting[2].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (slots.state().in_use, slots.state().waiting) == (3, 0)
    asyncio.run(run())


def test_who_could_not_be_served_in_time_is_refused_when_asking() -> None:
    now = [0.0]
    slots = Slots(1, 100, lambda: now[0])

    async def run() -> None:
        taken = await slots.acquire()
        now[0] = 10.0
        slots.release(taken)  # a call takes 10 s
        await slots.acquire()
        with pytest.raises(QueueFull) as refused:
            await slots.acquire(time_left_s=5.0)
        assert refused.value.retry_after_s == 10.0
    asyncio.run(run())
    assert slots.state().waiting == 0
