"""Blocking clients beside an event loop: each call in a thread that nothing has to wait for."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

Value = TypeVar("Value")
_AHEAD = 64


async def in_thread(work: Callable[[], Value]) -> Value:
    """What ``work`` returns. Cancelled, its thread is left to end by itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Value] = loop.create_future()

    def run() -> None:
        try:
            value = work()
        except BaseException as error:
            _tell(loop, _fail, done, error)
        else:
            _tell(loop, _give, done, value)
    threading.Thread(target=run, name="provider call", daemon=True).start()
    return await done


async def from_thread(begin: Callable[[], Iterator[Value]]) -> AsyncIterator[Value]:
    """What a blocking iterator gives. Closed, its thread lets it go at its next piece."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    room, closed = threading.Semaphore(_AHEAD), threading.Event()

    def run() -> None:
        try:
            for piece in begin():
                room.acquire()
                if closed.is_set():
                    return
                _tell(loop, pieces.put_nowait, ("piece", piece))
            _tell(loop, pieces.put_nowait, ("end", None))
        except BaseException as error:
            _tell(loop, pieces.put_nowait, ("fault", error))
    threading.Thread(target=run, name="provider stream", daemon=True).start()
    try:
        while True:
            kind, value = await pieces.get()
            if kind == "fault":
                raise value
            if kind == "end":
                return
            room.release()
            yield value
    finally:
        closed.set()
        room.release()


def _tell(loop: asyncio.AbstractEventLoop, work: Callable[..., Any], *given: Any) -> None:
    try:
        loop.call_soon_threadsafe(work, *given)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _give(done: "asyncio.Future[Any]", value: Any) -> None:
    if not done.done():
        done.set_result(value)


def _fail(done: "asyncio.Future[Any]", error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
