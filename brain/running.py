"""The one engine of this process, and the file by which other processes find its server."""

import fcntl
import json
import os
import secrets
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from brain.engine import Engine
from brain.settings import Settings, load

_lock = threading.Lock()
_open: list[Engine] = []
_announced: list[IO[bytes]] = []


@dataclass(frozen=True, slots=True)
class Owner:
    """Where the process that owns the stores listens, and the token it takes from this user."""

    url: str
    token: str
    pid: int


def engine(settings: Settings | None = None) -> Engine:
    """The engine of this process, opened at the first call."""
    with _lock:
        if not _open:
            _open.append(Engine.open(settings or load()))
        return _open[0]


def close() -> None:
    """Close the engine of this process if there is one."""
    with _lock:
        while _open:
            _open.pop().close()


def reach(settings: Settings) -> str:
    """Address under which this machine reaches the server."""
    every = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only
    host = every.get(settings.server.host, settings.server.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def announce(settings: Settings, url: str) -> Owner:
    """The owner that other processes of this user find from now on.

    A lock that the system takes back when the process ends, however it ends, says it lives.
    """
    owner = Owner(url, secrets.token_urlsafe(32), os.getpid())
    path = _address(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_suffix(".lock").open("ab")
    fcntl.flock(lock, fcntl.LOCK_EX)
    _announced.append(lock)
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(owner), file)
    draft.replace(path)
    return owner


def withdraw(settings: Settings) -> None:
    """Take the announcement back."""
    _address(settings).unlink(missing_ok=True)
    while _announced:
        _announced.pop().close()


def find_owner(settings: Settings) -> Owner | None:
    """The announced owner if its process lives, else None."""
    path = _address(settings)
    try:
        owner = Owner(**json.loads(path.read_text()))
        with path.with_suffix(".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return owner
    except (OSError, ValueError, TypeError):
        return None
    return None


def _address(settings: Settings) -> Path:
    return settings.data_dir / "owner.json"
