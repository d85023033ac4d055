"""Reads sources in the background, so that no reader waits for a server that hangs."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from analytics.watched import Counted, Figures, counters
from brain.sources.reading import SourceReading

READINGS_KEPT = 400
RANGES_KEPT = 32
Monotonic = Callable[[], float]
_UNASKED = SourceReading("unknown", reason="It is being asked for the first time.")


class Keeper:
    """One source: begins at most one reading at a time, and keeps the last values.

    ``derive`` adds figures to the values from this reading and those before it.
    """

    def __init__(self, read: Callable[[], SourceReading], pool: ThreadPoolExecutor,
                 derive: Callable[[Counted, "deque[Counted]"], Figures] | None = None,
                 monotonic: Monotonic = time.monotonic) -> None:
        self._read, self._pool, self._derive, self._monotonic = read, pool, derive, monotonic
        self._lock = threading.Lock()
        self._under_way: Future[SourceReading] | None = None
        self._read_at_s: float | None = None
        self._past: deque[Counted] = deque(maxlen=READINGS_KEPT)
        self.last = _UNASKED

    def begin(self) -> "Future[SourceReading]":
        """The reading under way, begun now if there is none."""
        with self._lock:
            if self._under_way is None or self._under_way.done():
                self._under_way = self._pool.submit(self._run)
            return self._under_way

    def age_s(self) -> float:
        """Seconds since the last reading ended, however it ended."""
        at = self._read_at_s
        return float("inf") if at is None else self._monotonic() - at

    def _run(self) -> SourceReading:
        reading = self._read()
        if reading.status == "ok" and reading.read_at_utc and self._derive:
            now = Counted(reading.read_at_utc, reading.values)
            figures = self._derive(now, self._past)
            self._past.append(Counted(now.at_utc, counters(reading.values)))
            reading = replace(reading, values={**reading.values, **figures})
        self.last = reading.or_last(self.last if self.last.values else None)
        self._read_at_s = self._monotonic()
        return self.last


@dataclass(frozen=True, slots=True)
class History:
    """Series over time by figure; ``reason`` says why they are old or missing."""

    values: Mapping[str, Any]
    reason: str
    is_pending: bool


class HistoryKeeper:
    """Answers over time, shared by everyone who looks at the same length and step."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._lock = threading.Lock()
        self._held: OrderedDict[Any, tuple[Any, Future[SourceReading]]] = OrderedDict()
        self._last: OrderedDict[Any, SourceReading] = OrderedDict()

    def read(self, key: Any, span: Any, ask: Callable[[], SourceReading],
             patience_s: float) -> History:
        """What ``ask`` says of ``span``, waited for so long; else the last answer for ``key``."""
        with self._lock:
            held = self._held.get(key)
            if held is None or (held[0] != span and held[1].done()):
                held = (span, self._pool.submit(ask))
                _keep(self._held, key, held)
        try:
            reading = held[1].result(timeout=patience_s)
        except TimeoutError:
            old = self._last.get(key)
            return History(old.values if old else {}, old.reason if old else "", True)
        with self._lock:
            if reading.status == "ok":
                _keep(self._last, key, reading)
            shown = reading.or_last(self._last.get(key))
        return History(shown.values, reading.reason, held[0] != span)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _keep(held: "OrderedDict[Any, Any]", key: Any, value: Any) -> None:
    held[key] = value
    held.move_to_end(key)
    while len(held) > RANGES_KEPT:
        held.popitem(last=False)
