"""What a watched server said, or why nothing could be read: never an exception."""

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

Status = Literal["ok", "down", "unknown"]
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One look at a server.

    ``ok``: values are what it said. ``down``: it does not answer. ``unknown``: none is configured,
    or its answer makes no sense. ``read_at_utc`` is when ``values`` were true (None: never),
    ``checked_at_utc`` when it was last asked.
    """

    status: Status
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    read_at_utc: dt.datetime | None = None
    checked_at_utc: dt.datetime | None = None

    def or_last(self, last: "SourceReading | None") -> "SourceReading":
        """This reading, with the last known values and their age where it has none itself."""
        if self.values or last is None:
            return self
        return replace(self, values=last.values, read_at_utc=last.read_at_utc)


class AnswerError(Exception):
    """The server answered, but not with anything that can be used."""


def now_utc() -> dt.datetime:
    """This moment in UTC."""
    return dt.datetime.now(dt.UTC)


def place_of(url: str) -> str:
    """Host and port of an address, without user, password or path, for texts people read."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.hostname or parts.path or 'nowhere'}{port}"


class BoundedCall:
    """Runs one call at a time in a thread of its own and waits a bounded time for it.

    Socket time-outs bound each wait but not their sum: a server that sends one byte a second
    would hold a page for ever. A call that is given up keeps its thread until its socket is
    closed by ``cancel``; while it lasts, no second one is begun.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Any], cancel: Callable[[], None]) -> Any:
        """What ``work`` returns; raises what it raises, or TimeoutError after the time given."""
        outcome: dict[str, Any] = {}

        def body() -> None:
            try:
                outcome["value"] = work()
            except Exception as error:  # handed to the caller below
                outcome["error"] = error

        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise TimeoutError("the previous question is still unanswered")
            thread = self._thread = threading.Thread(target=body, daemon=True, name="bounded-call")
            thread.start()
        thread.join(self._timeout_s)
        if thread.is_alive():
            cancel()
            raise TimeoutError(f"no full answer within {self._timeout_s:g} s")
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]
