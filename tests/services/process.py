"""Starts, freezes, thaws and stops one real server program on loopback."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0


def find_program(name: str, package: str) -> str:
    """Path of a program; skips the test, naming its Debian package, where there is none."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])
    found = shutil.which(name, path=search)
    if found is None:
        pytest.skip(f"{name} is not installed: sudo apt-get install {package}")
    return found


def free_port() -> int:
    """A TCP port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], what: str, limit_s: float = START_LIMIT_S) -> None:
    """Return as soon as ``ready`` says so; raises TimeoutError naming ``what`` after the limit."""
    give_up_at = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what} within {limit_s:g} s")
        time.sleep(0.02)


def signal_tree(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and all it started."""
    parent = psutil.Process(pid)
    for process in [parent, *parent.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker may end by itself
            process.send_signal(number)


class Server:
    """A server program in a folder of its own; what it prints goes to ``log`` there."""

    name = "server"
    environment: dict[str, str] | None = None
    account: str | None = None
    stop_signal = signal.SIGTERM

    def __init__(self, command: Sequence[str], folder: Path, port: int,
                 ready: Callable[[], bool]) -> None:
        self.port = port
        self.folder = folder
        self.log = folder / "log"
        self._command = list(command)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running program."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return once it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self.folder, stdout=log,
                                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                             env=self.environment, user=self.account)
        try:
            wait_until(self._answers, f"{self._command[0]} answers")
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self._command[0]} ended:\n{self.log.read_text()[-2000:]}")
        return self._ready()

    def stop(self) -> None:
        """End it cleanly, by force after ten seconds; a second stop does nothing."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.thaw()
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_LIMIT_S)
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_LIMIT_S)

    def restart(self) -> None:
        """Stop it and start it again on the same port and folder."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing."""
        signal_tree(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        signal_tree(self.pid, signal.SIGCONT)
