"""The next value of a series: by what came just before, by the hour, or by the hour of the week."""

from collections.abc import Mapping
from typing import Any

from analytics.anomalies.season import Season

_FOLLOW = 0.3
_JUDGED = 200
_BETTER = 0.97
_ERROR_MEMORY = 1_000
_SCALE_MEMORY = 500
_CLIP = 10.0


class Forecast:
    """Three ways to foresee the next value; the one with the smallest mean error is used.

    A season counts as helpful, and is used, once it has been right more closely than the plain
    running mean by 3 % over 200 points.
    """

    __slots__ = ("_beside", "_counts", "_day", "_errors", "_follow", "_guesses", "_scale",
                 "_used", "_week", "usual_today")

    def __init__(self) -> None:
        self._day = Season(24)
        self._week = Season(168)
        self._follow = 0.0
        self._beside = [0.0, 0.0]
        self._errors = [0.0, 0.0, 0.0]
        self._counts = [0, 0, 0]
        self._scale = 0.0
        self._guesses: list[float | None] = [0.0, None, None]
        self._used = 0
        self.usual_today: float | None = None

    def begin(self, value: float) -> None:
        """Take the first value."""
        self._follow = value
        self._scale = abs(value) * 0.01 + 1e-9

    def predict(self, local_s: float, step_s: float) -> float:
        """The value expected at that local time."""
        day = self._day.usual(local_s, step_s)
        week = self._week.usual(local_s, step_s)
        self.usual_today = day
        self._guesses = [self._follow, None if day is None else day + self._beside[0],
                         None if week is None else week + self._beside[1]]
        best = 0
        for way in (1, 2):
            if (self._counts[way] > _JUDGED and self._guesses[way] is not None
                    and self._errors[way] < _BETTER * self._errors[best]):
                best = way
        self._used = best
        guess = self._guesses[best]
        return self._follow if guess is None else guess

    @property
    def usual_error(self) -> float:
        """Mean distance of the values from what this way of foreseeing expected."""
        return self._errors[self._used]

    def habit(self, local_s: float, step_s: float) -> tuple[float, bool] | None:
        """The usual value for that hour, and whether of that weekday; None unless a season helps.

        An hour has to have been seen twice.
        """
        if self._used == 0:
            return None
        week = self._week.usual(local_s, step_s, 2)
        if week is not None:
            return week, True
        day = self._day.usual(local_s, step_s, 2)
        return None if day is None else (day, False)

    def learn(self, local_s: float, value: float, expected: float, points: int) -> None:
        """Judge the guesses by the value, then count it in."""
        limit = _CLIP * max(self._scale, 1e-12)
        for way, guess in enumerate(self._guesses):
            if guess is not None:
                self._counts[way] += 1
                error = min(abs(value - guess), limit)
                self._errors[way] += max(1 / self._counts[way], 1 / _ERROR_MEMORY) * (
                    error - self._errors[way])
        error = abs(value - expected)
        if points > 20:
            error = min(error, limit)
        self._scale += max(1 / points, 1 / _SCALE_MEMORY) * (error - self._scale)
        self._follow += _FOLLOW * (value - self._follow)
        for place, guess in enumerate(self._guesses[1:]):
            if guess is not None:
                self._beside[place] += _FOLLOW * (value - guess)
        self._day.learn(local_s, value)
        self._week.learn(local_s, value)

    def shift(self, by: float) -> None:
        """Move the seasons, after the series has moved to another level."""
        self._day.shift(by)
        self._week.shift(by)
        self._beside = [each - by for each in self._beside]

    def state(self) -> dict[str, Any]:
        """Everything it knows, as JSON can hold it."""
        return {"day": self._day.state(), "week": self._week.state(), "follow": self._follow,
                "beside": list(self._beside), "errors": list(self._errors),
                "counts": list(self._counts), "scale": self._scale}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Forecast":
        """The forecast that ``state`` came from."""
        forecast = cls()
        forecast._day, forecast._week = Season.restore(state["day"]), Season.restore(state["week"])
        forecast._follow, forecast._scale = float(state["follow"]), float(state["scale"])
        forecast._beside = [float(each) for each in state["beside"]]
        forecast._errors = [float(each) for each in state["errors"]]
        forecast._counts = [int(each) for each in state["counts"]]
        return forecast
