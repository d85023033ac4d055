"""SIGKILL at any moment loses nothing that was acknowledged and doubles nothing."""

import multiprocessing
import random
import sys
import types
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from brain.ingestion import Ingestion
from brain.settings import load
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.spool import Spool
from tests.soak import rounds
from tests.stores import owner_process
from tests.stores.owner_process import PER_BATCH

LIMIT_S = 240.0


class Victim:
    """A program in a process of its own that tells its steps until it is killed."""

    def __init__(self, context: Any, program: Any, *arguments: Any) -> None:
        self._told, theirs = context.Pipe(duplex=False)
        self._told: Connection
        self._process: BaseProcess = context.Process(target=program, args=(*arguments, theirs))
        self._process.start()
        theirs.close()

    def hear(self, steps: int) -> list[Any]:
        """The next ``steps`` things it tells."""
        heard = []
        for _ in range(steps):
            assert self._told.poll(LIMIT_S), "it tells nothing any more"
            heard.append(self._told.recv())
        return heard

    def kill(self) -> list[Any]:
        """End it by SIGKILL; what it had told and nobody had heard."""
        self._process.kill()
        self._process.join(LIMIT_S)
        heard = []
        try:
            while self._told.poll(0):
                heard.append(self._told.recv())
        except EOFError:
            pass
        self._told.close()
        return heard


@pytest.mark.slow
@pytest.mark.soak
def test_kills_lose_and_double_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Page tests leave app.py behind as __main__, which new processes would run first.
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    rng = random.Random(20260301)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.stores.owner_process"])
    sender = Victim(context, owner_process.send, tmp_path, "sent")
    found: list[Any] = []
    for round_number in range(rounds(100)):
        owner = Victim(context, owner_process.own, tmp_path)
        heard = owner.hear(rng.choice((0, 0, 1, 2, 3, 5, 8)))
        sender.hear(rng.choice((0, 1, 5, 20)))
        if round_number % 4 == 3:
            sender.kill()
            heard += owner.hear(rng.choice((0, 1)))
        heard += owner.kill()
        found += [each for each in heard if isinstance(each, tuple) and each]
        if round_number % 4 == 3:
            sender = Victim(context, owner_process.send, tmp_path, "sent")
    sender.kill()
    assert found == [], "an owner found something missing when it started"

    spool, store = Spool(tmp_path / "spool.sqlite"), DuckEventStore(tmp_path / "events.duckdb")
    ingestion = Ingestion(load({}), store, spool)
    ingestion.drain()
    ingestion.roll_up()
    assert ingestion.verify() == ()
    with store.transaction() as cursor:
        ids = [row[0] for row in cursor.execute("select event_id from requests").fetchall()]
        rolled_up = cursor.execute("select sum(requests) from usage_day").fetchall()[0][0]
    assert len(ids) == len(set(ids)) == rolled_up
    for name in ("sent", "direct"):
        acknowledged = [int(each) for each in (tmp_path / f"{name}.log").read_text().split()]
        assert acknowledged == list(range(len(acknowledged))) and acknowledged
        there = {int(each.rpartition("-")[2]) for each in ids if each.startswith(f"{name}-")}
        # Nothing missing, and at most the one batch more that was under way at the last kill.
        assert there >= set(range(len(acknowledged) * PER_BATCH))
        assert len(there) in {len(acknowledged) * PER_BATCH, (len(acknowledged) + 1) * PER_BATCH}
    store.close()
    spool.close()
