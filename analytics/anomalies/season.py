"""What is usual at an hour of the day, or of the week."""

import math
from collections.abc import Mapping
from typing import Any

HOUR_S = 3_600
_SLOWEST = 0.15
_COARSE_S = 1_800


class Season:
    """Mean value by hour of a period of ``hours``; each visit of an hour counts as one.

    Times are local seconds. Values in between hours are interpolated unless the series is
    about as coarse as the hours are.
    """

    __slots__ = ("_count", "_hours", "_mean", "_now", "_sum", "_visits")

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._mean = [0.0] * hours
        self._visits = [0] * hours
        self._now = -1
        self._sum = 0.0
        self._count = 0

    def usual(self, local_s: float, step_s: float, fewest: int = 1) -> float | None:
        """The usual value then; None where the hour had fewer than ``fewest`` visits."""
        hour = local_s / HOUR_S % self._hours
        if step_s >= _COARSE_S:
            here = int(hour)
            return self._mean[here] if self._visits[here] >= fewest else None
        low = math.floor(hour - 0.5)
        part = hour - 0.5 - low
        left, right = low % self._hours, (low + 1) % self._hours
        if self._visits[left] < fewest or self._visits[right] < fewest:
            return None
        return self._mean[left] * (1 - part) + self._mean[right] * part

    def learn(self, local_s: float, value: float) -> None:
        """Count one value in; an hour's mean moves when the hour is over."""
        hour = int(local_s / HOUR_S % self._hours)
        if hour != self._now:
            if self._count:
                share = max(1 / (self._visits[self._now] + 1), _SLOWEST)
                self._mean[self._now] += share * (self._sum / self._count - self._mean[self._now])
                self._visits[self._now] += 1
            self._now, self._sum, self._count = hour, 0.0, 0
        self._sum += value
        self._count += 1

    def shift(self, by: float) -> None:
        """Move every hour, after the series has moved to another level."""
        self._mean = [each + by for each in self._mean]

    def state(self) -> dict[str, Any]:
        """Everything it knows, as JSON can hold it."""
        return {"mean": list(self._mean), "visits": list(self._visits), "now": self._now,
                "sum": self._sum, "count": self._count}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Season":
        """The season that ``state`` came from."""
        season = cls(len(state["mean"]))
        season._mean = [float(each) for each in state["mean"]]
        season._visits = [int(each) for each in state["visits"]]
        season._now, season._count = int(state["now"]), int(state["count"])
        season._sum = float(state["sum"])
        return season
