"""A container's usage over time: CPU samples, memory peaks by interval, out-of-memory kills.

Source: kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/model.
"""

from dataclasses import dataclass, field
from typing import Protocol

from brain.decisions.scaling.amounts import scale_amount, to_amount
from brain.decisions.scaling.histograms import ExponentialBuckets, Histogram

DAY_S = 86_400.0
SAMPLE_WEIGHT = 0.1
"""Weight of a CPU sample."""
CPU_BUCKETS = ExponentialBuckets(1000.0, 0.01, 1.05, 0.001 * SAMPLE_WEIGHT)
MEMORY_BUCKETS = ExponentialBuckets(1e12, 1e7, 1.05, 0.001 * SAMPLE_WEIGHT)


@dataclass(frozen=True, slots=True)
class UsageSettings:
    """How usage is gathered; delivered as the recommender delivers it."""

    memory_interval_s: float = DAY_S
    intervals: int = 8
    cpu_half_life_s: float = DAY_S
    memory_half_life_s: float = DAY_S
    oom_bump_up_ratio: float = 1.2
    oom_min_bump_up_bytes: float = 100 * 1024 * 1024


DEFAULT_USAGE = UsageSettings()


class Aggregate(Protocol):
    """What takes the samples of a container."""

    def add_cpu(self, millicores: int, at_s: float) -> None:
        """Take a CPU sample."""

    def add_memory(self, peak_bytes: int, at_s: float) -> None:
        """Take the peak of an interval that ends at ``at_s``."""

    def subtract_memory(self, peak_bytes: int, at_s: float) -> None:
        """Take a peak back."""


@dataclass(slots=True)
class Usage:
    """Usage of all containers of one name: two fading histograms and the length of history."""

    cpu: Histogram = field(default_factory=lambda: Histogram(CPU_BUCKETS, DAY_S))
    memory: Histogram = field(default_factory=lambda: Histogram(MEMORY_BUCKETS, DAY_S))
    first_s: float | None = None
    last_s: float | None = None
    samples: int = 0

    def add_cpu(self, millicores: int, at_s: float) -> None:
        """Take a CPU sample; the history's length and count are those of CPU samples."""
        self.cpu.add(millicores / 1000.0, SAMPLE_WEIGHT, at_s)
        self.first_s = at_s if self.first_s is None else min(self.first_s, at_s)
        self.last_s = at_s if self.last_s is None else max(self.last_s, at_s)
        self.samples += 1

    def add_memory(self, peak_bytes: int, at_s: float) -> None:
        """Take the memory peak of an interval."""
        self.memory.add(float(peak_bytes), 1.0, at_s)

    def subtract_memory(self, peak_bytes: int, at_s: float) -> None:
        """Take a memory peak back."""
        self.memory.subtract(float(peak_bytes), 1.0, at_s)

    def merge(self, other: "Usage") -> None:
        """Add the usage of another container of the same name."""
        self.cpu.merge(other.cpu)
        self.memory.merge(other.memory)
        known = [each for each in (self.first_s, other.first_s) if each is not None]
        self.first_s = min(known, default=None)
        self.last_s = max((each for each in (self.last_s, other.last_s) if each is not None),
                          default=None)
        self.samples += other.samples

    def confidence(self, interval_s: float = DAY_S) -> float:
        """Length of the history in intervals, or of its samples at one a minute if shorter."""
        if self.first_s is None or self.last_s is None:
            return 0.0
        return min((self.last_s - self.first_s) / interval_s, self.samples / (interval_s / 60))

    def expired(self, now_s: float, settings: UsageSettings = DEFAULT_USAGE) -> bool:
        """Whether the last sample is older than all intervals together."""
        return (self.last_s is not None
                and now_s - self.last_s >= settings.memory_interval_s * settings.intervals)


@dataclass(slots=True)
class ContainerWindow:
    """One running container: passes CPU samples on, and of memory one peak per interval."""

    aggregate: Aggregate
    settings: UsageSettings = DEFAULT_USAGE
    largest_bytes: int = 0
    last_cpu_s: float | None = None
    last_memory_s: float | None = None
    window_end_s: float | None = None
    memory_peak: int = 0
    oom_peak: int = 0

    def add_cpu(self, millicores: int, at_s: float) -> bool:
        """Whether the sample was taken: not if negative or not newer than the last one."""
        if millicores < 0 or (self.last_cpu_s is not None and at_s <= self.last_cpu_s):
            return False
        self.aggregate.add_cpu(millicores, at_s)
        self.last_cpu_s = at_s
        return True

    def add_memory(self, used_bytes: int, at_s: float, *, oom: bool = False) -> bool:
        """Whether the sample was taken: not if negative or older than the last one."""
        if used_bytes < 0 or (not oom and self.last_memory_s is not None
                              and at_s < self.last_memory_s):
            return False
        self.last_memory_s = at_s
        end_s = at_s if self.window_end_s is None else self.window_end_s
        is_peak = False
        if at_s < end_s:
            before = max(self.memory_peak, self.oom_peak)
            if before and used_bytes > before:
                self.aggregate.subtract_memory(before, end_s)
                is_peak = True
        else:
            interval_s = self.settings.memory_interval_s
            end_s += (at_s - end_s) // interval_s * interval_s + interval_s
            self.memory_peak = self.oom_peak = 0
            is_peak = True
        self.window_end_s = end_s
        if is_peak:
            self.aggregate.add_memory(used_bytes, end_s)
            if oom:
                self.oom_peak = used_bytes
            else:
                self.memory_peak = used_bytes
        return True

    def add_oom(self, requested_bytes: int, at_s: float) -> bool:
        """Whether the kill was taken, as a sample above what was used; not if it is too old."""
        if (self.window_end_s is not None
                and at_s < self.window_end_s - self.settings.memory_interval_s):
            return False
        used = self._cap(max(requested_bytes, self.memory_peak))
        needed = max(used + to_amount(self.settings.oom_min_bump_up_bytes),
                     scale_amount(used, self.settings.oom_bump_up_ratio))
        return self.add_memory(self._cap(needed), at_s, oom=True)

    def _cap(self, amount: int) -> int:
        return min(amount, self.largest_bytes) if self.largest_bytes > 0 else amount
