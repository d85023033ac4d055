"""Histograms whose old samples fade, as the vertical pod autoscaler keeps usage.

Source: kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/util.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from brain.decisions.reasons import InputError
from brain.decisions.scaling.replicas import ZERO_TIME_S

LARGEST_CHECKPOINT_WEIGHT = 10_000
LARGEST_EXPONENT = 100
"""A sample this many half-lives after the reference moves the reference."""


class Buckets(Protocol):
    """Where buckets start; ``epsilon`` is the least weight of one that counts as filled."""

    @property
    def epsilon(self) -> float:
        """The least weight."""

    @property
    def count(self) -> int:
        """How many buckets."""

    def find(self, value: float) -> int:
        """The bucket of a value."""

    def start(self, bucket: int) -> float:
        """The least value of a bucket."""


@dataclass(frozen=True, slots=True)
class LinearBuckets:
    """Buckets of one size up to ``highest``."""

    highest: float
    size: float
    epsilon: float

    @property
    def count(self) -> int:
        """How many buckets."""
        return math.ceil(self.highest / self.size) + 1

    def find(self, value: float) -> int:
        """The bucket of a value; values outside go to the first or the last one."""
        return max(0, min(self.count - 1, int(value / self.size)))

    def start(self, bucket: int) -> float:
        """The least value of a bucket."""
        return bucket * self.size


@dataclass(frozen=True, slots=True)
class ExponentialBuckets:
    """Buckets that grow by ``ratio``, the first of size ``first``, up to ``highest``."""

    highest: float
    first: float
    ratio: float
    epsilon: float

    @property
    def count(self) -> int:
        """How many buckets."""
        return math.ceil(self._log(self.highest * (self.ratio - 1) / self.first + 1)) + 1

    def find(self, value: float) -> int:
        """The bucket of a value; values outside go to the first or the last one."""
        if value < self.first:
            return 0
        return min(self.count - 1, int(self._log(value * (self.ratio - 1) / self.first + 1)))

    def start(self, bucket: int) -> float:
        """The least value of a bucket."""
        if bucket == 0:
            return 0.0
        return self.first * (self.ratio ** bucket - 1) / (self.ratio - 1)

    def _log(self, value: float) -> float:
        return math.log(value) / math.log(self.ratio)


@dataclass(frozen=True, slots=True)
class HistogramCheckpoint:
    """A histogram to keep: whole weights up to 10,000 by bucket, the total, the reference."""

    total_weight: float
    bucket_weights: Mapping[int, int]
    reference_s: float = ZERO_TIME_S


@dataclass(slots=True)
class Histogram:
    """Weights by bucket; with a half-life newer samples weigh more."""

    buckets: Buckets
    half_life_s: float | None = None
    reference_s: float = ZERO_TIME_S
    total_weight: float = 0.0
    weights: list[float] = field(default_factory=list)
    lowest: int = 0
    highest: int = 0

    def __post_init__(self) -> None:
        if not self.weights:
            self.weights = [0.0] * self.buckets.count
            self.lowest = len(self.weights) - 1

    @property
    def empty(self) -> bool:
        """Whether no bucket is filled."""
        return self.weights[self.lowest] < self.buckets.epsilon

    def add(self, value: float, weight: float, at_s: float) -> None:
        """Add a sample."""
        weight *= self._decay(at_s)
        bucket = self.buckets.find(value)
        self.weights[bucket] += weight
        self.total_weight += weight
        if self.weights[bucket] >= self.buckets.epsilon:
            self.lowest = min(self.lowest, bucket)
            self.highest = max(self.highest, bucket)

    def subtract(self, value: float, weight: float, at_s: float) -> None:
        """Take a sample away again; what would be left of a bucket below epsilon goes too."""
        weight *= self._decay(at_s)
        bucket = self.buckets.find(value)
        if weight > self.weights[bucket] - self.buckets.epsilon:
            weight = self.weights[bucket]
        self.total_weight -= weight
        self.weights[bucket] -= weight
        self._narrow()

    def percentile(self, share: float) -> float:
        """The end of the bucket that reaches the share (0..1) of the weight; 0 if empty."""
        if self.empty:
            return 0.0
        threshold = share * self.total_weight
        reached, bucket = 0.0, self.lowest
        while bucket < self.highest:
            reached += self.weights[bucket]
            if reached >= threshold:
                break
            bucket += 1
        last = len(self.weights) - 1
        return self.buckets.start(bucket + 1 if bucket < last else bucket)

    def merge(self, other: "Histogram") -> None:
        """Add another histogram; raises ValueError if its buckets or half-life are others."""
        if self.buckets != other.buckets or self.half_life_s != other.half_life_s:
            raise ValueError("only histograms of one sort can be merged")
        if self.reference_s < other.reference_s:
            self._move(other.reference_s)
        factor = 1.0
        if other.reference_s < self.reference_s:
            factor = _power(other._exponent_to(self.reference_s))
        for bucket in range(other.lowest, other.highest + 1):
            self.weights[bucket] += other.weights[bucket] * factor
        self.total_weight += other.total_weight * factor
        self.lowest = min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)
        self._narrow()

    def save(self) -> HistogramCheckpoint:
        """The histogram in whole weights; buckets far below the largest are dropped."""
        largest = max(self.weights[self.lowest:self.highest + 1], default=0.0)
        kept = {}
        if largest > 0:
            ratio = LARGEST_CHECKPOINT_WEIGHT / largest
            for bucket in range(self.lowest, self.highest + 1):
                weight = math.floor(self.weights[bucket] * ratio + 0.5)
                if weight > 0:
                    kept[bucket] = weight
        return HistogramCheckpoint(self.total_weight, kept, self.reference_s)

    def load(self, checkpoint: HistogramCheckpoint) -> None:
        """Add what a checkpoint holds; raises InputError for one that cannot be used."""
        if checkpoint.total_weight < 0:
            raise InputError("negative", "the total weight of a checkpoint is not negative",
                             "total_weight")
        for bucket in checkpoint.bucket_weights:
            if not 0 <= bucket < len(self.weights):
                raise InputError("out_of_range", f"there is no bucket {bucket}; a histogram has "
                                 f"0 to {len(self.weights) - 1}", "bucket_weights")
        if self.half_life_s is not None:
            self.reference_s = checkpoint.reference_s
        total = sum(checkpoint.bucket_weights.values())
        if total == 0:
            return
        ratio = checkpoint.total_weight / total
        for bucket, weight in checkpoint.bucket_weights.items():
            self.lowest = min(self.lowest, bucket)
            self.highest = max(self.highest, bucket)
            self.weights[bucket] += weight * ratio
        self.total_weight += checkpoint.total_weight
        self._narrow()

    def _decay(self, at_s: float) -> float:
        if self.half_life_s is None:
            return 1.0
        if at_s > self.reference_s + self.half_life_s * LARGEST_EXPONENT:
            self._move(at_s)
        return _power((at_s - self.reference_s) / self.half_life_s)

    def _move(self, to_s: float) -> None:
        """Move the reference to a whole number of half-lives since the year 1."""
        if self.half_life_s is None:
            return
        since = math.floor((to_s - ZERO_TIME_S) / self.half_life_s + 0.5)
        moved_s = ZERO_TIME_S + since * self.half_life_s
        factor = _power(self._exponent_to(moved_s))
        self.weights = [weight * factor for weight in self.weights]
        self.total_weight *= factor
        self.reference_s = moved_s
        self._narrow()

    def _exponent_to(self, to_s: float) -> float:
        if self.half_life_s is None:
            return 0.0
        return math.floor((self.reference_s - to_s) / self.half_life_s + 0.5)

    def _narrow(self) -> None:
        epsilon, last = self.buckets.epsilon, len(self.weights) - 1
        while self.weights[self.lowest] < epsilon and self.lowest < last:
            self.lowest += 1
        while self.weights[self.highest] < epsilon and self.highest > 0:
            self.highest -= 1


def _power(exponent: float) -> float:
    return math.ldexp(1.0, int(exponent)) if exponent < -1000 else 2.0 ** min(exponent, 1000.0)
