"""A real ``brain serve`` on loopback, with a data folder of its own."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.services.process import free_port
from tests.services.prometheus import HttpServer, answers

ROOT = Path(__file__).resolve().parents[2]
LINES = {"content-type": "application/x-ndjson"}


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Variables of a program whose stores are in ``folder``; nothing of this shell's console."""
    own = {key: value for key, value in os.environ.items()
           if not key.startswith(("BRAIN_", "STREAMLIT_", "DISPLAY", "WAYLAND_"))}
    return own | {"BRAIN_DATA_DIR": str(folder), "BRAIN_DEMO_LIVE": "false"} | settings


def brain(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What ``brain <words>`` did on the stores in ``folder``."""
    return subprocess.run([sys.executable, "-m", "brain", *words], cwd=ROOT, timeout=240,
                          capture_output=True, text=True, check=False,
                          env=environment(folder, **settings))


class Console(HttpServer):
    """A running console; its stores are in ``data``, what it prints in ``log``."""

    def __init__(self, folder: Path, *words: str, port: int = 0, **settings: str) -> None:
        self.data = folder / "data"
        wanted = port or free_port()
        super().__init__([sys.executable, "-m", "brain", "serve", "--no-browser", *words],
                         ROOT, wanted, lambda: answers(f"{self.url}/healthz"))
        self.log = folder / "log"
        self.folder = ROOT
        self.environment = environment(self.data, BRAIN_SERVER_PORT=str(wanted), **settings)

    @property
    def owner(self) -> dict[str, Any]:
        """What other processes of this user are told."""
        return dict(json.loads((self.data / "owner.json").read_text()))

    @property
    def printed(self) -> str:
        """Everything printed so far."""
        return self.log.read_text()

    def client(self, key: str = "") -> httpx.Client:
        """An HTTP client of this console."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=120,
                            verify=False)  # no TLS here, and loading its roots takes time

    def send(self, *events: dict[str, Any]) -> httpx.Response:
        """The answer to events."""
        with self.client() as http:
            return http.post("/v1/events", headers=LINES,
                             content="\n".join(json.dumps(event) for event in events))

    def call(self, verb: str, **arguments: Any) -> Any:
        """What a verb of the engine answers."""
        with self.client(self.owner["token"]) as http:
            answer = http.post(f"/v1/engine/{verb}", json=arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def count(self, kind: str = "requests") -> int:
        """Events of a kind in the event store once everything accepted is there."""
        self.call("settle")
        return int(self.call("status")["events"][kind])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, limit_s: float = 15) -> int:
        """The exit status, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(limit_s)


@dataclass(frozen=True, slots=True)
class Done:
    """Exit status of a command, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


@contextmanager
def running_console(folder: Path, *words: str, **settings: Any) -> Iterator[Console]:
    """A console that answers."""
    console = Console(folder, *words, **settings)
    console.start()
    try:
        yield console
    finally:
        console.stop()


def change_state(folder: Path, statement: str, file: str = "state.sqlite") -> None:
    """Write into a SQLite file of a console that does not run."""
    with sqlite3.connect(folder / file) as state:
        state.execute(statement)
    state.close()
