"""The two programs that the kill test kills: the owner of the event store, and a sender."""

import datetime as dt
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow as pa

from brain.events import Event, Request
from brain.ingestion import Ingestion
from brain.settings import load
from brain.sources import frames
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.spool import Spool

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
PER_BATCH = 7


def event(name: str, number: int) -> Event:
    """The one event of that number; every seventh comes two hours late."""
    late = dt.timedelta(hours=2) if number % 7 == 0 else dt.timedelta()
    at_utc = START + number * dt.timedelta(seconds=9) - late
    return Request(event_id=f"{name}-{number}", at_utc=at_utc, workspace_id=f"w{number % 3}",
                   user_id=f"u{number % 50}", provider="openai", model="gpt-4o",
                   latency_ms=float(number % 900), input_tokens=number % 100)


def batches(name: str, acknowledged: Path) -> Iterator[tuple[int, pa.Table]]:
    """Number and table of every batch from the first on that ``acknowledged`` does not hold.

    A sender that was killed after its batch was safe and before it noted that sends it again.
    """
    done = acknowledged.read_text().split() if acknowledged.exists() else []
    number = int(done[-1]) + 1 if done else 0
    while True:
        first = number * PER_BATCH
        yield number, frames.to_table("requests", [event(name, first + each)
                                                   for each in range(PER_BATCH)])
        number += 1


def note(acknowledged: Path, number: int) -> None:
    """Write down that a batch was acknowledged, in one write."""
    log = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, f"{number}\n".encode())
    os.close(log)


def send(folder: Path, name: str, told: Connection) -> None:
    """Send batches to the spool until killed; tell each acknowledged one.

    What it tells is long, so that a full pipe keeps it at most some 100 batches ahead.
    """
    spool, acknowledged = Spool(folder / "spool.sqlite"), folder / f"{name}.log"
    for number, table in batches(name, acknowledged):
        spool.append([("requests", table)])
        note(acknowledged, number)
        told.send(str(number).ljust(600))


def own(folder: Path, told: Connection) -> None:
    """Open the stores, then move, import, roll up and checkpoint until killed; tell each step."""
    spool, store = Spool(folder / "spool.sqlite"), DuckEventStore(folder / "events.duckdb")
    ingestion = Ingestion(load({}), store, spool)
    told.send(ingestion.verify())
    acknowledged = folder / "direct.log"
    for number, table in batches("direct", acknowledged):
        ingestion.drain()
        told.send("drained")
        ingestion.append_now({"requests": table})
        note(acknowledged, number)
        told.send("imported")
        if number % 3 == 0:
            ingestion.roll_up()
            told.send("rolled up")
        if number % 2 == 0:
            ingestion.checkpoint()
            told.send("checkpointed")
