"""One computation of an answer however many ask for it at once, in this process and in others."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from brain.gateway.answer_cache import AnswerCache

_POLL_S = 0.02
LOCK_S = 3.0
"""How long others wait for a process that was killed. One that lives renews its claim."""


@dataclass(slots=True)
class _Flight:
    landed: "asyncio.Future[bytes | None]"
    token: str = ""
    renewing: "asyncio.Task[None] | None" = None


class Flights:
    """Who is on the way with which answer. Redis, where the cache has one, tells other processes;
    without it, or while it is silent, each process makes its own."""

    def __init__(self, cache: AnswerCache,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._cache, self._monotonic = cache, monotonic
        self._flights: dict[tuple[int, str], _Flight] = {}

    async def join(self, key: str, left_s: float) -> bytes | None:
        """What another asker of the same gets who is on the way already.

        None if nobody is, or not in time: then the caller is the one to make it, and to `land`.
        """
        flight = self._flights.get(_here(key))
        if flight is None:
            flight = self._flights[_here(key)] = _Flight(
                asyncio.get_running_loop().create_future())
            return await self._join_others(key, flight, left_s) if self._cache.is_shared else None
        try:
            return await asyncio.wait_for(asyncio.shield(flight.landed), max(left_s, 0.001))
        except TimeoutError:
            return None

    def land(self, key: str, value: bytes | None) -> None:
        """Give those who wait the value, or None to make them look for themselves."""
        flight = self._flights.pop(_here(key), None)
        if flight is None:
            return
        if not flight.landed.done():
            flight.landed.set_result(value)
        if flight.renewing is not None:
            flight.renewing.cancel()
        if flight.token:
            asyncio.get_running_loop().run_in_executor(None, self._cache.let_go, key, flight.token)

    async def _join_others(self, key: str, flight: _Flight, left_s: float) -> bytes | None:
        until = self._monotonic() + left_s
        try:
            while (left_s := until - self._monotonic()) > 0:
                token = await asyncio.to_thread(self._cache.begin, key, LOCK_S)
                if token is None:  # Redis is silent
                    return None
                if token:
                    flight.token = token
                    flight.renewing = asyncio.ensure_future(self._renew(key, token))
                    # It may have been made between the look and the lock.
                    return await self._found(key)
                while self._monotonic() < until:
                    if (value := await self._found(key)) is not None:
                        return value
                    if not await asyncio.to_thread(self._cache.is_begun, key):
                        break
                    await asyncio.sleep(_POLL_S)
        except BaseException:
            self.land(key, None)
            raise
        return None

    async def _renew(self, key: str, token: str) -> None:
        while True:
            await asyncio.sleep(LOCK_S / 3)
            await asyncio.to_thread(self._cache.renew, key, token, LOCK_S)

    async def _found(self, key: str) -> bytes | None:
        """The value if it is there, which then lands for the askers of this process too."""
        found = await asyncio.to_thread(self._cache.take, key)
        if found is not None:
            self.land(key, found)
        return found


def _here(key: str) -> tuple[int, str]:
    return id(asyncio.get_running_loop()), key
