"""Many viewers of one page: queries and processor time of the server in each round of refreshes."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.bench.measuring import Figure, Plan
from tests.bench.server import BRAIN, ROOT, Running, environment, read_gauge, serving

PAGES = {"": "overview", "system-health": "system health"}
VIEWERS = (1, 20)
ROUND_S = 10.0
ROUNDS = 3
MOST_TIMES_THE_QUERIES = 2.0
"""Twenty viewers may cause at most this many times the queries of one, or they do not share."""


@dataclass(slots=True)
class Viewer:
    """A session as a browser holds one: it runs the page, then its fragments again and again."""

    socket: Any
    query: str
    path: str
    script_hash: str = ""
    fragments: set[str] = field(default_factory=set)
    received_bytes: int = 0

    async def open(self) -> None:
        """Run the page once and learn which fragments run by themselves."""
        await self._run()

    async def refresh(self) -> None:
        """Run every fragment that refreshes by itself once more."""
        for fragment in sorted(self.fragments):
            await self._run(fragment)

    async def _run(self, fragment: str = "") -> None:
        asked = BackMsg()
        asked.rerun_script.query_string = self.query
        asked.rerun_script.page_name = self.path
        asked.rerun_script.page_script_hash = self.script_hash
        asked.rerun_script.context_info.timezone = "UTC"
        if fragment:
            asked.rerun_script.fragment_id = fragment
            asked.rerun_script.is_auto_rerun = True
        await self.socket.send(asked.SerializeToString())
        while True:
            packed = await asyncio.wait_for(self.socket.recv(), 60)
            self.received_bytes += len(packed)
            told = ForwardMsg.FromString(packed)
            kind = told.WhichOneof("type")
            if kind == "new_session" and not fragment:
                self.script_hash = told.new_session.page_script_hash
            elif kind == "auto_rerun":
                self.fragments.add(told.auto_rerun.fragment_id)
            elif kind == "script_finished":
                return


@dataclass(frozen=True, slots=True)
class Round:
    """What one round took of the server."""

    cpu_ms: float
    queries: float
    bytes_each: float


def measure(_plan: Plan) -> Iterator[Figure]:
    """Demonstration data, sessions without a browser, which would take the processor away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*BRAIN, "demo", "write"], check=True, cwd=ROOT, env=environment(folder),
                       stdout=subprocess.DEVNULL)
        with serving(folder) as server:
            idle = asyncio.run(_watch(server, "", 0))
            yield Figure("refresh, server without viewers, CPU per 10 s", "demo data", "ms",
                         tuple(each.cpu_ms for each in idle))
            for path, title in PAGES.items():
                rounds = {count: asyncio.run(_watch(server, path, count)) for count in VIEWERS}
                yield from _tell(title, rounds, min(each.queries for each in idle))


def _tell(title: str, rounds: dict[int, list[Round]], idle_queries: float) -> Iterator[Figure]:
    queries = {count: tuple(each.queries - idle_queries for each in taken)
               for count, taken in rounds.items()}
    one = max(queries[1])  # in other rounds he finds his last answers still fresh
    for count, taken in rounds.items():
        size = f"{count} viewer{'s' * (count != 1)}"
        beside = {} if count == 1 else {"peer": "1 viewer", "peer_value": one}
        yield Figure(f"refresh of {title}, queries per round", size, "queries", queries[count],
                     most=None if count == 1 else max(1.0, one * MOST_TIMES_THE_QUERIES), **beside)
        cpu_ms = tuple(each.cpu_ms for each in taken)
        single = sorted(each.cpu_ms for each in rounds[1])[ROUNDS // 2]
        yield Figure(f"refresh of {title}, server CPU per round", size, "ms", cpu_ms,
                     **({} if count == 1 else {"peer": "1 viewer", "peer_value": single}))
    yield Figure(f"refresh of {title}, sent to each viewer", "a round", "kB",
                 tuple(each.bytes_each / 1000 for each in rounds[VIEWERS[-1]]))


async def _watch(server: Running, path: str, count: int) -> list[Round]:
    """ROUNDS rounds of refreshes by ``count`` viewers, spread evenly over each round."""
    process = psutil.Process(server.pid)
    address = f"{server.url.replace('http', 'ws', 1)}/_stcore/stream"
    viewers = []
    for _ in range(count):
        socket = await websockets.connect(address, subprotocols=["streamlit"], max_size=None,
                                          proxy=None)
        viewers.append(Viewer(socket, "", path))
        await viewers[-1].open()
    assert all(each.fragments for each in viewers), f"nothing on /{path} refreshes by itself"
    taken = []
    for _ in range(ROUNDS):
        before = _used(process, server, viewers)
        ends = time.monotonic() + ROUND_S
        await asyncio.gather(*(_later(viewer, number * ROUND_S / count)
                               for number, viewer in enumerate(viewers)))
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
        after = _used(process, server, viewers)
        taken.append(Round((after[0] - before[0]) * 1000, after[1] - before[1],
                           (after[2] - before[2]) / max(count, 1)))
    for viewer in viewers:
        await viewer.socket.close()
    return taken


async def _later(viewer: Viewer, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await viewer.refresh()


def _used(process: psutil.Process, server: Running,
          viewers: list[Viewer]) -> tuple[float, float, int]:
    """Processor seconds, queries and bytes so far."""
    times = process.cpu_times()
    return (times.user + times.system, read_gauge(server.url, "brain_queries_total"),
            sum(each.received_bytes for each in viewers))
