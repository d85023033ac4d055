"""Hits of eviction policies on a trace of keys, each entry counting one."""

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

Key = int
_SKETCH_ROWS = 4
_SKETCH_PER_ENTRY = 8
_MOST_COUNT = 15
_WINDOW_RATIO, _PROTECTED_RATIO = 0.01, 0.8
_SMALL_RATIO = 0.1
_MOST_VISITS = 3


def count_lru(trace: Sequence[Key], size: int) -> int:
    """Hits where the entry not asked for longest goes."""
    held: OrderedDict[Key, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in held:
            hits += 1
            held.move_to_end(key)
            continue
        if len(held) >= size:
            held.popitem(last=False)
        held[key] = None
    return hits


def count_lfu(trace: Sequence[Key], size: int) -> int:
    """Hits where the entry asked for least since it came goes, the oldest of equals first."""
    counts: dict[Key, int] = {}
    by_count: dict[int, OrderedDict[Key, None]] = {}
    hits, least = 0, 1
    for key in trace:
        if (count := counts.get(key)) is not None:
            hits += 1
            del by_count[count][key]
            if not by_count[count]:
                del by_count[count]
                least += count == least
            counts[key] = count + 1
            by_count.setdefault(count + 1, OrderedDict())[key] = None
            continue
        if len(counts) >= size:
            gone, _ = by_count[least].popitem(last=False)
            del counts[gone]
            if not by_count[least]:
                del by_count[least]
        counts[key], least = 1, 1
        by_count.setdefault(1, OrderedDict())[key] = None
    return hits


def count_s3_fifo(trace: Sequence[Key], size: int) -> int:
    """Hits of S3-FIFO. Source: Yang et al., "FIFO queues are all you need for cache eviction"."""
    small_size = max(1, int(size * _SMALL_RATIO))
    visits: dict[Key, int] = {}
    small: deque[Key] = deque()
    main: deque[Key] = deque()
    ghosts: OrderedDict[Key, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in visits:
            hits += 1
            visits[key] = min(visits[key] + 1, _MOST_VISITS)
            continue
        while len(visits) >= size:
            if small and (len(small) >= small_size or not main):
                oldest = small.popleft()
                if visits[oldest] > 1 and size > 1:
                    visits[oldest] = 0
                    main.append(oldest)
                    continue
                ghosts[oldest] = None
                if len(ghosts) > size:
                    ghosts.popitem(last=False)
                del visits[oldest]
            else:
                oldest = main.popleft()
                if visits[oldest]:
                    visits[oldest] -= 1
                    main.append(oldest)
                else:
                    del visits[oldest]
        if key in ghosts:
            del ghosts[key]
            main.append(key)
        else:
            small.append(key)
        visits[key] = 0
    return hits


class _Sketch:
    """How often keys were asked for, roughly; all halved from time to time (TinyLFU)."""

    def __init__(self, size: int) -> None:
        self._width = max(64, size * _SKETCH_PER_ENTRY)
        self._rows = [bytearray(self._width) for _ in range(_SKETCH_ROWS)]
        self._asked, self._period = 0, 10 * max(size, 16)

    def note(self, key: Key) -> None:
        for place, row in enumerate(self._rows):
            at = (key * (0x9E3779B1 + 2 * place) >> place) % self._width
            if row[at] < _MOST_COUNT:
                row[at] += 1
        self._asked += 1
        if self._asked >= self._period:
            self._asked //= 2
            halves = bytes(each >> 1 for each in range(256))
            self._rows = [row.translate(halves) for row in self._rows]

    def tell(self, key: Key) -> int:
        return min(row[(key * (0x9E3779B1 + 2 * place) >> place) % self._width]
                   for place, row in enumerate(self._rows))


def count_w_tiny_lfu(trace: Sequence[Key], size: int) -> int:
    """Hits of W-TinyLFU: a window of 1 %, then segmented LRU behind an admission by frequency.

    Source: Einziger, Friedman and Manes, "TinyLFU" (2017).
    """
    window_size = max(1, int(size * _WINDOW_RATIO))
    main_size = max(size - window_size, 0)
    protected_size = int(main_size * _PROTECTED_RATIO)
    window, probation, protected = OrderedDict[Key, None](), OrderedDict[Key, None](), \
        OrderedDict[Key, None]()
    sketch, hits = _Sketch(size), 0
    for key in trace:
        sketch.note(key)
        if key in window:
            hits += 1
            window.move_to_end(key)
        elif key in protected:
            hits += 1
            protected.move_to_end(key)
        elif key in probation:
            hits += 1
            del probation[key]
            protected[key] = None
            if len(protected) > protected_size:
                probation[protected.popitem(last=False)[0]] = None
        else:
            window[key] = None
            if len(window) > window_size:
                candidate = window.popitem(last=False)[0]
                if len(probation) + len(protected) < main_size:
                    probation[candidate] = None
                elif probation:
                    victim = next(iter(probation))
                    if sketch.tell(candidate) > sketch.tell(victim):
                        del probation[victim]
                        probation[candidate] = None
    return hits


def count_optimum(trace: Sequence[Key], size: int) -> int:
    """Hits where the entry asked for last in the future goes: no policy can have more.

    Source: Belady, "A study of replacement algorithms" (1966).
    """
    never = len(trace)
    following = [never] * len(trace)
    last: dict[Key, int] = {}
    for place in range(len(trace) - 1, -1, -1):
        following[place] = last.get(trace[place], never)
        last[trace[place]] = place
    held: dict[Key, int] = {}
    latest: list[tuple[int, Key]] = []
    hits = 0
    for place, key in enumerate(trace):
        if key in held:
            hits += 1
        elif len(held) >= size:
            while True:
                when, gone = heapq.heappop(latest)
                if held.get(gone) == -when:
                    del held[gone]
                    break
        held[key] = following[place]
        heapq.heappush(latest, (-following[place], key))
    return hits


POLICIES: tuple[tuple[str, Callable[[Sequence[Key], int], int]], ...] = (
    ("lru", count_lru), ("lfu", count_lfu), ("s3_fifo", count_s3_fifo),
    ("w_tiny_lfu", count_w_tiny_lfu), ("optimum", count_optimum))
"""Policies by name; "optimum" knows the future and bounds the others."""
