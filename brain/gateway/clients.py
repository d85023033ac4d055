"""One client of a provider for each event loop, closed with its loop or when it is let go."""

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable

from brain.sources.providers.interface import Provider


class Clients:
    """Clients that are made when first used. A loop closes its own when it shuts its generators
    down, as `asyncio.run` and servers do at their end."""

    def __init__(self, make: Callable[[], Awaitable[Provider]]) -> None:
        self._make = make
        self._turn = threading.Lock()
        self._kept: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[Provider, AsyncGenerator[None, None]]] = \
            weakref.WeakKeyDictionary()

    async def get(self) -> Provider:
        """The client for this event loop. Raises ProviderFault where none can be made."""
        loop = asyncio.get_running_loop()
        found = self._kept.get(loop)
        if found is not None:
            return found[0]
        made = await self._make()
        keeper = _keep(made)
        await anext(keeper)  # from here on the loop knows of it
        with self._turn:
            kept = self._kept.setdefault(loop, (made, keeper))
        if kept[0] is not made:  # another caller was quicker
            await keeper.aclose()
        return kept[0]

    def close(self) -> None:
        """Close every client in its own loop, soon; a loop that has ended did so itself."""
        with self._turn:
            kept, self._kept = dict(self._kept), weakref.WeakKeyDictionary()
        for loop, (_, keeper) in kept.items():
            closing = keeper.aclose()
            try:
                loop.call_soon_threadsafe(_spawn, loop, closing)
            except RuntimeError:  # the loop is closed, and with it the client
                closing.close()  # type: ignore[attr-defined]


_under_way: set["asyncio.Task[None]"] = set()


def _spawn(loop: asyncio.AbstractEventLoop, work: Awaitable[None]) -> None:
    task = loop.create_task(_awaited(work))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _keep(client: Provider) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.close()
