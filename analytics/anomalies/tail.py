"""How rare a size is in its own series: a fading histogram and a tail drawn through it."""

import math
from collections.abc import Mapping
from typing import Any

_PER_OCTAVE = 6
_BINS = 120
_MIDDLE = 60
_FEWEST = 30
_EVERY = 25
_COMMON, _SCARCE = 0.1, 0.01
_NATS_COMMON, _NATS_SCARCE = -math.log(_COMMON), -math.log(_SCARCE)
_SHAPE_STEP = math.log(_NATS_SCARCE / _NATS_COMMON)
_HEAVIEST, _LIGHTEST = 0.35, 2.0
_FARTHEST = 20.0
_PER_NAT = 1 / math.log(10)


class Tail:
    """The distribution of a size of 0 or more, in bins of a sixth of a doubling.

    Beyond the sizes seen, P(size >= x) = exp(-(x / scale) ** shape), the Weibull tail through
    the sizes that 10 % and 1 % of the past exceeded. The past fades over ``memory`` points.
    """

    __slots__ = ("_bins", "_growth", "_scale", "_seen", "_shape", "_total", "_weight")

    def __init__(self, memory: int) -> None:
        self._bins = [0.0] * _BINS
        self._total = 0.0
        self._weight = 1.0
        self._growth = 1 / (1 - 1 / memory)
        self._seen = 0
        self._scale = 0.0
        self._shape = 1.0

    def rarity(self, size: float) -> float:
        """-log10 of the share of the past that was at least that big; 0 while unknown."""
        if self._scale <= 0.0 or size <= 0.0:
            return 0.0
        power = self._shape * math.log(size / self._scale)
        return _PER_NAT * math.exp(power if power < _FARTHEST else _FARTHEST)

    def size_at(self, rarity: float) -> float | None:
        """The size of that rarity, the other way round; None while unknown."""
        if self._scale <= 0.0:
            return None
        return float(self._scale * (rarity / _PER_NAT) ** (1 / self._shape))

    def learn(self, size: float) -> None:
        """Count one size in. Work of constant size; every 25th also draws the tail anew."""
        place = int(_PER_OCTAVE * math.log2(size) + _MIDDLE) if size > 1e-9 else 0
        self._bins[0 if place < 0 else min(place, _BINS - 1)] += self._weight
        self._total += self._weight
        self._weight *= self._growth
        self._seen += 1
        if self._seen >= _FEWEST and self._seen % _EVERY == _FEWEST % _EVERY:
            self._draw()

    def _draw(self) -> None:
        wanted = _SCARCE
        scarce = common = 0.0
        above = 0.0
        for place in range(_BINS - 1, -1, -1):
            before, above = above, above + self._bins[place]
            while above >= wanted * self._total and wanted:
                inside = (wanted * self._total - before) / self._bins[place]
                octave = (place + 1 - inside - _MIDDLE) / _PER_OCTAVE
                if wanted == _SCARCE:
                    scarce, wanted = octave, _COMMON
                else:
                    common, wanted = octave, 0.0
            if not wanted:
                break
        apart = max(scarce - common, 0.05) * math.log(2)
        self._shape = min(max(_SHAPE_STEP / apart, _HEAVIEST), _LIGHTEST)
        self._scale = float(2.0 ** scarce / _NATS_SCARCE ** (1 / self._shape))
        if self._weight > 1e100:
            self._bins = [each / self._weight for each in self._bins]
            self._total /= self._weight
            self._weight = 1.0

    def state(self) -> dict[str, Any]:
        """Everything it knows, as JSON can hold it."""
        return {"bins": {str(place): count for place, count in enumerate(self._bins) if count},
                "total": self._total, "weight": self._weight, "growth": self._growth,
                "seen": self._seen, "scale": self._scale, "shape": self._shape}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Tail":
        """The tail that ``state`` came from."""
        tail = cls(2)
        for place, count in state["bins"].items():
            tail._bins[int(place)] = float(count)
        tail._total, tail._weight = float(state["total"]), float(state["weight"])
        tail._growth, tail._seen = float(state["growth"]), int(state["seen"])
        tail._scale, tail._shape = float(state["scale"]), float(state["shape"])
        return tail
