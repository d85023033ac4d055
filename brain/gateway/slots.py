"""A real limit on calls at once, with a bounded queue: who finds it full is refused at once."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


class QueueFull(RuntimeError):
    """No room, or none in time; ``retry_after_s`` is when there may be some."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class SlotState:
    """Slots in use and callers waiting, of the most there may be of each."""

    limit: int
    queue: int
    in_use: int
    waiting: int


_Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Slots:
    """Slots for coroutines of any event loop and any thread, given in the order of asking.

    How long a slot is usually held is learned, so that a caller whose time would run out in the
    queue is refused when it asks and not when its time is over.
    """

    def __init__(self, limit: int, queue: int,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._queue, self._monotonic = limit, queue, monotonic
        self._lock = threading.Lock()
        self._in_use = 0
        self._waiting: deque[_Waiter] = deque()
        self._held_s = 0.0

    def state(self) -> SlotState:
        """How full it is."""
        with self._lock:
            return SlotState(self._limit, self._queue, self._in_use, len(self._waiting))

    def resize(self, limit: int, queue: int | None = None) -> None:
        """Another limit from now on; calls under way are not cut, waiting ones may go on."""
        with self._lock:
            self._limit = limit
            self._queue = self._queue if queue is None else queue
            while self._waiting and self._in_use < self._limit:
                self._in_use += 1
                self._hand_over()

    async def acquire(self, time_left_s: float | None = None) -> float:
        """When the slot was taken, to be given to `release`.

        Raises QueueFull where the queue is full or the usual wait is longer than the time left.
        """
        with self._lock:
            if self._in_use < self._limit:
                self._in_use += 1
                return self._monotonic()
            wait_s = (len(self._waiting) + 1) * self._held_s / self._limit
            if len(self._waiting) >= self._queue:
                raise QueueFull(f"{self._in_use} calls are under way and {len(self._waiting)} "
                                "wait, which is all there is room for", max(wait_s, 0.1))
            if time_left_s is not None and wait_s > time_left_s:
                raise QueueFull(f"{len(self._waiting)} callers wait, about {wait_s:.2f} s, and "
                                f"{max(time_left_s, 0):.2f} s are left", wait_s)
            loop = asyncio.get_running_loop()
            waiter = (loop, loop.create_future())
            self._waiting.append(waiter)
        try:
            await (waiter[1] if time_left_s is None
                   else asyncio.wait_for(asyncio.shield(waiter[1]), max(time_left_s, 0)))
        except BaseException as error:
            self._give_up(waiter)
            if isinstance(error, TimeoutError):
                raise QueueFull(f"no slot came free within {time_left_s:.2f} s",
                                max(self._held_s, 0.1)) from error
            raise
        return self._monotonic()

    def release(self, taken_at: float) -> None:
        """Give a slot back."""
        with self._lock:
            held_s = max(self._monotonic() - taken_at, 0.0)
            self._held_s += 0.1 * (held_s - self._held_s) if self._held_s else held_s
            self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting and self._in_use <= self._limit:
            self._hand_over()
        else:
            self._in_use -= 1

    def _hand_over(self) -> None:
        loop, future = self._waiting.popleft()
        try:
            loop.call_soon_threadsafe(_wake, future)
        except RuntimeError:  # its loop is closed: nobody is there to take it
            self._pass_on()

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            try:
                self._waiting.remove(waiter)
            except ValueError:  # the slot was on its way: it goes to the next
                self._pass_on()
        waiter[1].cancel()


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
