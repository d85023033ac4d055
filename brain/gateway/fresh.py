"""Values read from a store, kept for a moment, so that an answer does not wait for them."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Fresh(Generic[Value]):
    """A value that is read again when it is older than ``ttl_s``.

    Who finds it old reads it; others take the old one meanwhile. Where reading fails, the old
    one stays for as long again. ``forget`` makes the next reader wait for a new one.
    """

    def __init__(self, read: Callable[[], Value], ttl_s: float,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read, self._ttl_s, self._monotonic = read, ttl_s, monotonic
        self._reading = threading.Lock()
        self._kept: tuple[Value, float] | None = None

    def get(self) -> Value:
        """The value. Raises what reading raised only where there is no older one."""
        kept = self._kept
        if kept is not None and self._monotonic() - kept[1] < self._ttl_s:
            return kept[0]
        if not self._reading.acquire(blocking=kept is None):
            return kept[0]  # type: ignore[index]
        try:
            kept = self._kept
            if kept is not None and self._monotonic() - kept[1] < self._ttl_s:
                return kept[0]
            try:
                value = self._read()
            except Exception:
                if kept is None:
                    raise
                value = kept[0]
            self._kept = (value, self._monotonic())
            return value
        finally:
            self._reading.release()

    def ready(self) -> Value | None:
        """The value if it is there and fresh, None where `get` would read."""
        kept = self._kept
        return kept[0] if kept is not None and self._monotonic() - kept[1] < self._ttl_s else None

    def forget(self) -> None:
        """Read it anew when it is next asked for."""
        self._kept = None
