"""The biggest size of the last weeks, and what a person said to put up with."""

from collections.abc import Mapping
from typing import Any

BLOCKS = 14
ALONE = 10.0
SETTLED_AFTER = 72


class Record:
    """The biggest size within a horizon, kept as the biggest of each fourteenth of it.

    A fourteenth that stands out more than tenfold above all but its neighbours counts as ten
    times the biggest of those, so that one great incident does not hide a second. ``allowed`` is
    never forgotten.

    A new record holds only 72 points after the old one fell, so that what creeps past it, and
    what several traits pass one after the other, still stands out meanwhile.
    """

    __slots__ = ("_blocks", "_points", "_rising", "_until_s", "allowed", "size")

    def __init__(self) -> None:
        self._blocks = [0.0]
        self._until_s = 0.0
        self._rising = 0.0
        self._points = 0
        self.allowed = 0.0
        self.size = 0.0

    def learn(self, at_s: float, size: float, horizon_s: float) -> None:
        """Count one size in. Amortised work of constant size."""
        if at_s >= self._until_s:
            self._turn(at_s, horizon_s)
        if size > self._blocks[-1] and size > self._rising:
            self._rising = size
        if self._rising:
            self._points += 1
            if self._points >= SETTLED_AFTER:
                self._blocks[-1] = max(self._blocks[-1], self._rising)
                self._rising, self._points = 0.0, 0
                self._stand()

    def _turn(self, at_s: float, horizon_s: float) -> None:
        block_s = horizon_s / BLOCKS
        passed = int((at_s - self._until_s) // block_s) + 1 if self._until_s else 1
        self._blocks = (self._blocks + [0.0] * min(passed, BLOCKS))[-BLOCKS:]
        self._until_s = at_s + block_s
        self._stand()

    def _stand(self) -> None:
        first = max(self._blocks)
        place = self._blocks.index(first)
        apart = self._blocks[:max(place - 1, 0)] + self._blocks[place + 2:]
        second = max(apart, default=0.0)
        self.size = max(min(first, ALONE * second) if second > 0 else first, self.allowed)

    def allow(self, size: float) -> None:
        """Sizes up to this one are no record any more."""
        self.allowed = max(self.allowed, size)
        self._stand()

    def state(self) -> dict[str, Any]:
        """Everything it knows, as JSON can hold it."""
        return {"blocks": list(self._blocks), "until_s": self._until_s,
                "rising": self._rising, "points": self._points,
                "allowed": self.allowed, "size": self.size}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Record":
        """The record that ``state`` came from."""
        record = cls()
        record._blocks = [float(each) for each in state["blocks"]]
        record._until_s = float(state["until_s"])
        record._rising, record._points = float(state["rising"]), int(state["points"])
        record.allowed, record.size = float(state["allowed"]), float(state["size"])
        return record
