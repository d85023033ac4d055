"""Events in: over HTTP in batches of 1,000, and as Parquet."""

import datetime as dt
import http.client
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import duckdb
import psutil

from brain.engine import Engine
from brain.imports import run_import
from brain.sources.importers.plan import ImportPlan
from tests.bench import data
from tests.bench.measuring import Figure, Plan, forget_peak, peak_bytes, timed_ms
from tests.bench.server import read_gauge, serving

HTTP_EVENTS = 1_000_000
BATCH = 1_000
SENDERS = 4
PARQUET_ROWS = 10_000_000
_AS_LINES = """
select '{"kind":"requests","event_id":"' || event_id || '","at_utc":"'
       || strftime(at_utc, '%Y-%m-%dT%H:%M:%S.%fZ') || '","workspace_id":"' || workspace_id
       || '","user_id":"' || user_id || '","session_id":"' || session_id || '","agent_id":"'
       || agent_id || '","provider":"' || provider || '","model":"' || model || '","region":"'
       || region || '","device":"' || device || '","status":"' || status || '","latency_ms":'
       || round(latency_ms, 1) || ',"input_tokens":' || input_tokens || ',"cache_read_tokens":'
       || cache_read_tokens || ',"output_tokens":' || output_tokens || '}' as line
from fresh
"""


def measure_http(_plan: Plan) -> Iterator[Figure]:
    """A real server: until all is acknowledged, and until all is on the pages."""
    bodies = make_bodies(HTTP_EVENTS)
    with tempfile.TemporaryDirectory(dir=data.ROOT) as name, serving(Path(name)) as server:
        process = psutil.Process(server.pid)
        acknowledged_s = send(server.url, bodies)
        settled_s = acknowledged_s + _wait_settled(server.url, HTTP_EVENTS)
        resident = process.memory_info().rss
    one_by_one, file_append = sqlite_inserts(bodies), synced_appends(bodies)
    size = f"{HTTP_EVENTS:,}"
    yield Figure("HTTP ingest, acknowledged", size, "events/s", (HTTP_EVENTS / acknowledged_s,),
                 "SQLite insert per event", one_by_one, least=50_000.0, peak_bytes=resident)
    yield Figure("HTTP ingest, acknowledged", size, "events/s", (HTTP_EVENTS / acknowledged_s,),
                 "synced file append", file_append, least=50_000.0)
    yield Figure("HTTP ingest, on the pages", size, "events/s", (HTTP_EVENTS / settled_s,),
                 note="until drained and rolled up; acknowledgement is what is asked for")


def make_bodies(count: int) -> list[bytes]:
    """JSON lines of events in batches, happened in the hour before this moment."""
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    fresh = data.requests(count, 0, count, prefix="h", start=start, days=1 / 24)
    with duckdb.connect() as connection:
        connection.register("fresh", fresh)
        lines = connection.execute(_AS_LINES).to_arrow_reader().read_all()["line"].to_pylist()
    return ["\n".join(lines[first:first + BATCH]).encode() for first in range(0, count, BATCH)]


def send(url: str, bodies: Sequence[bytes]) -> float:
    """Seconds until every body is acknowledged, with a few senders at once.

    Raises RuntimeError for any answer but 200.
    """
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for body in bodies:
        waiting.put(body)
    faults: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        try:
            while not faults:
                connection.request("POST", "/v1/events", waiting.get_nowait(),
                                   {"content-type": "application/x-ndjson"})
                answer = connection.getresponse()
                told = answer.read()
                if answer.status != 200:
                    faults.append(f"{answer.status}: {told[:300]!r}")
        except Empty:
            return
        except OSError as error:
            faults.append(str(error))
        finally:
            connection.close()
    senders = [threading.Thread(target=work) for _ in range(SENDERS)]
    started = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if faults:
        raise RuntimeError(f"POST /v1/events: {faults[0]}")
    return time.perf_counter() - started


def sqlite_inserts(bodies: Sequence[bytes], count: int = 3_000) -> float:
    """Events per second when each is a committed insert of its own."""
    lines = [line for body in bodies[:count // BATCH] for line in body.splitlines()]
    with tempfile.TemporaryDirectory(dir=data.ROOT) as name:
        connection = sqlite3.connect(Path(name) / "peer.sqlite", isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("create table events (line text)")

        def work() -> None:
            for line in lines:
                connection.execute("insert into events values (?)", (line,))
        spent_ms = timed_ms(work)
        connection.close()
    return len(lines) / spent_ms * 1000


def synced_appends(bodies: Sequence[bytes]) -> float:
    """Events per second when each batch is appended to a plain file and synced."""
    chosen = bodies[:300]
    with tempfile.NamedTemporaryFile(dir=data.ROOT) as file:
        def work() -> None:
            for body in chosen:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        spent_ms = timed_ms(work)
    return len(chosen) * BATCH / spent_ms * 1000


def measure_parquet(_plan: Plan) -> Iterator[Figure]:
    """Ten million rows of Parquet through the importer, beside DuckDB alone."""
    path = parquet_file(PARQUET_ROWS)
    with tempfile.TemporaryDirectory(dir=data.ROOT) as name:
        engine = data.open_engine(Path(name))
        forget_peak()
        kept_s, shown_s = import_rows(engine, path)
        peak = peak_bytes()
        engine.close()
        bare_ms = timed_ms(lambda: insert_bare(path, Path(name) / "bare.duckdb"))
    size = f"{PARQUET_ROWS:,}"
    yield Figure("Parquet import, kept", size, "rows/s", (PARQUET_ROWS / kept_s,),
                 "bare DuckDB insert", PARQUET_ROWS / bare_ms * 1000, least=1_000_000.0,
                 peak_bytes=peak, note="judged row by row, ids kept distinct, accounted for")
    yield Figure("Parquet import, on the pages", size, "rows/s", (PARQUET_ROWS / shown_s,),
                 note="until the 30 days are rolled up")


def import_rows(engine: Engine, path: Path) -> tuple[float, float]:
    """Seconds until the rows of a file are committed, and until they are rolled up.

    Raises RuntimeError unless every row was kept.
    """
    started = time.perf_counter()
    told: dict[str, float] = {}
    report = run_import(engine, path, ImportPlan(), lambda stage, _done, _total: told.setdefault(
        stage, time.perf_counter() - started))
    if report.rows_kept != PARQUET_ROWS:
        raise RuntimeError(f"{report.rows_kept:,} of {PARQUET_ROWS:,} rows were kept")
    return told["roll up"], time.perf_counter() - started


def insert_bare(path: Path, into: Path) -> None:
    """The same rows into a bare table."""
    with duckdb.connect(str(into)) as connection:
        connection.execute("create table requests as select * from read_parquet($path) limit 0",
                           {"path": str(path)})
        connection.execute("insert into requests select * from read_parquet($path)",
                           {"path": str(path)})
        connection.execute("checkpoint")


def parquet_file(rows: int) -> Path:
    """A Parquet file of requests; written if it is not there."""
    import pyarrow.parquet as pq
    path = data.ROOT / f"requests-{rows}-v{data.VERSION}.parquet"
    if not path.exists():
        data.ROOT.mkdir(parents=True, exist_ok=True)
        print(f"  (writing {rows:,} rows once into {path})", flush=True)
        draft = path.with_suffix(".part")
        writer: pq.ParquetWriter | None = None
        for first in range(0, rows, data.CHUNK_ROWS):
            table = data.requests(rows, first, min(first + data.CHUNK_ROWS, rows), prefix="p")
            writer = writer or pq.ParquetWriter(draft, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()
        draft.replace(path)
    return path


def _wait_settled(url: str, events: int) -> float:
    started = time.perf_counter()
    while (read_gauge(url, "brain_spool_events") or read_gauge(url, "brain_stale_hours")
           or read_gauge(url, "brain_events") < events):
        if time.perf_counter() - started > 300:
            raise RuntimeError("the events do not arrive")
        time.sleep(0.1)
    return time.perf_counter() - started
