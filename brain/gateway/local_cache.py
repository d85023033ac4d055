"""The cache of this process: bounded in bytes, S3-FIFO, every value with an end.

A new value waits in a small queue; one that was asked for again by the time it leaves goes to the
main queue, any other is dropped and remembered as a ghost. A ghost that comes back enters the main
queue at once. Source: Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ENTRY_BYTES = 400
"""What an entry takes besides key and value, about."""
LARGEST_RATIO = 0.1
_SMALL_RATIO = 0.1
MOST_VISITS = 3


class Entry:
    """A kept value; ``share`` of the cache's time to live is its own."""

    __slots__ = ("born", "key", "life_s", "refreshing", "share", "size", "small", "tags", "until",
                 "value", "visits")

    def __init__(self, key: str, value: bytes | None, size: int, born: float,
                 share: float, life_s: float | None, tags: tuple[str, ...],
                 until: float) -> None:
        self.key, self.value, self.size = key, value, size
        self.born, self.share, self.life_s, self.tags = born, share, life_s, tags
        self.visits, self.small, self.refreshing, self.until = 0, True, False, until


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    evicted: int = 0
    expired: int = 0
    too_large: int = 0
    invalidated: int = 0


class LocalCache:
    """Safe to share between threads. A hit takes no lock."""

    def __init__(self, clock: Callable[[], float], capacity_bytes: int, ttl_s: float) -> None:
        self._clock, self.capacity_bytes, self.ttl_s = clock, capacity_bytes, ttl_s
        self.entries: dict[str, Entry] = {}
        self._small: deque[Entry] = deque()
        self._main: deque[Entry] = deque()
        self._ghosts: OrderedDict[str, None] = OrderedDict()
        self._tags: dict[str, set[str]] = {}
        self._small_bytes = self.used_bytes = 0
        self._turn = threading.Lock()
        self.counts = Counts()

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, key: str) -> Entry | None:
        """The entry, if its time has not come."""
        entry = self.entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.until:
            with self._turn:
                if self.entries.get(key) is entry:
                    self._remove(entry)
                    self.counts.expired += 1
            return None
        if entry.visits < MOST_VISITS:
            entry.visits += 1
        return entry

    def age_ratio(self, entry: Entry) -> float:
        """How much of its life an entry has behind it, 1 at its end."""
        return (self._clock() - entry.born) / max(entry.until - entry.born, 1e-9)

    def keep(self, key: str, value: bytes | None, tags: Iterable[str] = (), *, share: float = 1.0,
             life_s: float | None = None, born: float | None = None) -> bool:
        """Whether the value fitted. One larger than a tenth of the cache is refused."""
        size = ENTRY_BYTES + len(key) + (0 if value is None else len(value))
        if size > self.capacity_bytes * LARGEST_RATIO:
            self.counts.too_large += 1
            self.delete(key)
            return False
        born = self._clock() if born is None else born
        entry = Entry(key, value, size, born, share, life_s, tuple(tags),
                      born + (life_s or self.ttl_s) * share)
        with self._turn:
            known = self.entries.get(key)
            if known is not None:
                entry.visits = known.visits
                self._remove(known)
            entry.small = known is None and key not in self._ghosts
            self._ghosts.pop(key, None)
            self.entries[key] = entry
            (self._small if entry.small else self._main).append(entry)
            self.used_bytes += size
            self._small_bytes += size if entry.small else 0
            for tag in entry.tags:
                self._tags.setdefault(tag, set()).add(key)
            if self.used_bytes > self.capacity_bytes:
                self._evict()
            elif len(self._small) + len(self._main) > 2 * len(self.entries) + 1_000:
                self._compact()
        return True

    def delete(self, key: str) -> bool:
        """Whether the key was there."""
        with self._turn:
            entry = self.entries.get(key)
            if entry is not None:
                self._remove(entry)
        return entry is not None

    def invalidate(self, tags: Iterable[str]) -> int:
        """How many entries with any of the tags went."""
        with self._turn:
            keys = {key for tag in tags for key in self._tags.get(tag, ())}
            for key in keys:
                self._remove(self.entries[key])
            self.counts.invalidated += len(keys)
        return len(keys)

    def resize(self, capacity_bytes: int) -> None:
        """Hold at most so much from now on; what is too much goes at once."""
        with self._turn:
            self.capacity_bytes = capacity_bytes
            self._evict()

    def set_ttl(self, ttl_s: float) -> None:
        """Let values live so long, kept ones too, unless they came with a life of their own."""
        with self._turn:
            self.ttl_s = ttl_s
            for entry in self.entries.values():
                if entry.life_s is None:
                    entry.until = entry.born + ttl_s * entry.share

    def clear(self) -> None:
        """Empty the cache."""
        with self._turn:
            for queue in (self._small, self._main):
                queue.clear()
            for held in (self.entries, self._ghosts, self._tags):
                held.clear()
            self._small_bytes = self.used_bytes = 0

    def _evict(self) -> None:
        small_bytes = self.capacity_bytes * _SMALL_RATIO
        while self.used_bytes > self.capacity_bytes:
            if self._small and (self._small_bytes > small_bytes or not self._main):
                entry = self._small.popleft()
                if self.entries.get(entry.key) is not entry:
                    continue
                if entry.visits > 1:
                    entry.visits, entry.small = 0, False
                    self._small_bytes -= entry.size
                    self._main.append(entry)
                    continue
                self._ghosts[entry.key] = None
                if len(self._ghosts) > len(self.entries):
                    self._ghosts.popitem(last=False)
            elif self._main:
                entry = self._main.popleft()
                if self.entries.get(entry.key) is not entry:
                    continue
                if entry.visits:
                    entry.visits -= 1
                    self._main.append(entry)
                    continue
            else:
                return
            self._remove(entry)
            self.counts.evicted += 1

    def _remove(self, entry: Entry) -> None:
        """Forget an entry; its place in a queue is skipped when its turn comes."""
        del self.entries[entry.key]
        self.used_bytes -= entry.size
        if entry.small:
            self._small_bytes -= entry.size
        for tag in entry.tags:
            keys = self._tags.get(tag)
            if keys is not None:
                keys.discard(entry.key)
                if not keys:
                    del self._tags[tag]

    def _compact(self) -> None:
        for queue in (self._small, self._main):
            alive = [each for each in queue if self.entries.get(each.key) is each]
            queue.clear()
            queue.extend(alive)
