"""A real ``brain serve`` for the benchmarks that need one."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import free_port

BRAIN = (sys.executable, "-m", "brain")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """A started server: its address, process, and how long it took to answer."""

    url: str
    pid: int
    start_ms: float


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a program that works on the stores in ``folder``."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BRAIN_")}
    return plain | {"BRAIN_DATA_DIR": str(folder), "BRAIN_DEMO_LIVE": "false",
                    "BRAIN_SERVER_OPEN_BROWSER": "false", **more}


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[Running]:
    """A server over the stores in ``folder``; stopped at the end.

    Raises RuntimeError with what it printed if it does not answer.
    """
    port = free_port()
    log = folder / "serve.log"
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*BRAIN, "serve", "--no-browser"], cwd=ROOT, stdout=output, stderr=output,
            env=environment(folder, BRAIN_SERVER_PORT=str(port), **more))
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(f"{url}/healthz"):
            if process.poll() is not None or time.perf_counter() - started > 60:
                raise RuntimeError(f"brain serve does not answer:\n{log.read_text()[-2000:]}")
            time.sleep(0.01)
        yield Running(url, process.pid, (time.perf_counter() - started) * 1000)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def answers(url: str) -> bool:
    """Whether an address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def read_gauge(url: str, name: str) -> float:
    """The value of a gauge at ``/metrics``; the sum where it has several.

    Raises LookupError if there is no such gauge.
    """
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    found = [float(line.rsplit(" ", 1)[1]) for line in lines
             if line.split("{")[0].split(" ")[0] == name]
    if not found:
        raise LookupError(f"no gauge {name}")
    return sum(found)
