"""Answers given again: in this process, and in Redis where there is one. One computation each."""

import datetime as dt
import hashlib
import hmac
import json
import random
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from brain.gateway.local_cache import MOST_VISITS, LocalCache
from brain.settings import Settings

if TYPE_CHECKING:
    from brain.sources.cache_redis import SharedCache

JITTER_RATIO = 0.1
REFRESH_RATIO = 0.8
NEGATIVE_TTL_S = 30.0
_LOOK_S = 1.0
_POLL_S = 0.02
_MOST_WISHES = 5_000
_REFRESH_VISITS = 2


@dataclass(frozen=True, slots=True)
class Computed:
    """A value and where it is from: "l1", "l2", or "" where it was made for this call.

    None as the value is a kept "there is none". ``shared`` says that another caller made it.
    """

    value: bytes | None
    tier: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache holds and what happened since the start. ``redis`` is "off", "up" or
    "down"."""

    entries: int
    used_bytes: int
    capacity_bytes: int
    ttl_s: float
    l1_hits: int
    l2_hits: int
    misses: int
    joined: int
    refreshed: int
    evicted: int
    expired: int
    invalidated: int
    too_large: int
    redis: str

    @property
    def hit_ratio(self) -> float | None:
        """Hits of both levels among all that was asked; None before anything was."""
        asked = self.l1_hits + self.l2_hits + self.misses
        return (self.l1_hits + self.l2_hits) / asked if asked else None


class _Flight:
    __slots__ = ("done", "fault", "value")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: bytes | None = None
        self.fault: BaseException | None = None


class AnswerCache:
    """Keys come from `answer_key`, so that no workspace can ask for another's.

    ``clock`` gives seconds that only grow. ``background`` runs an early refresh.
    """

    def __init__(self, clock: Callable[[], float], capacity_bytes: int, ttl_s: float, *,
                 shared: "SharedCache | None" = None, shared_ttl_s: float = 3_600.0,
                 rng: Callable[[], float] = random.random,
                 today: Callable[[], str] = lambda: dt.datetime.now(dt.UTC).date().isoformat(),
                 background: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._clock, self._rng, self._shared, self._today = clock, rng, shared, today
        self._shared_ttl_s = shared_ttl_s
        self._local = LocalCache(clock, capacity_bytes, ttl_s)
        self._entries = self._local.entries
        self._background = background or _run_aside
        self._flights: dict[str, _Flight] = {}
        self._turn = threading.Lock()
        self._l1_hits = self._l2_hits = self._misses = 0
        self._counts, self._wishes = Counter[str](), Counter[str]()
        self._mark, self._looked_at = "", float("-inf")

    # values

    def find(self, key: str) -> bytes | None:
        """The value, from this process or Redis; None where neither has one."""
        if self._shared is None:  # the shortest way, for it is gone most often
            entry = self._entries.get(key)
            if entry is not None and self._clock() < entry.until:
                if entry.visits < MOST_VISITS:
                    entry.visits += 1
                self._l1_hits += 1
                return entry.value
            self._local.find(key)  # takes an ended one out
            self._misses += 1
            return None
        found = self.look(key)
        return None if found is None else found.value

    def look(self, key: str) -> Computed | None:
        """The value and its level; None where no level has it. A kept "none" has value None."""
        entry = self._local.find(key)
        shared = self._shared
        if shared is not None:
            if self._clock() - self._looked_at >= _LOOK_S:
                self._follow(shared)
                entry = self._local.find(key)
            if entry is None and (found := shared.find(key)) is not None:
                value, _, left_s, tags = found
                self._l2_hits += 1
                self._wish(key)
                self._local.keep(key, value, tags, life_s=min(left_s, self._local.ttl_s)
                                 if left_s else None, share=1.0)
                return Computed(value, "l2")
        if entry is None:
            self._misses += 1
            return None
        self._l1_hits += 1
        if shared is not None:
            self._wish(key)
        return Computed(entry.value, "l1")

    def keep(self, key: str, value: bytes | None, tags: Iterable[str] = (), *,
             life_s: float | None = None) -> bool:
        """Whether the value is kept; one larger than a tenth of the cache is not.

        None as the value keeps "there is none", for a short while.
        """
        named = tuple(tags)
        if value is None and life_s is None:
            life_s = NEGATIVE_TTL_S
        fits = self._local.keep(key, value, named, life_s=life_s,
                                share=1 - JITTER_RATIO * self._rng())
        if self._shared is not None and self._local.capacity_bytes:
            fits = self._shared.keep(key, value, life_s or self._shared_ttl_s, named) or fits
        return fits

    def compute(self, key: str, make: Callable[[], bytes | None], tags: Iterable[str] = (), *,
                life_s: float | None = None, patience_s: float = 60.0) -> Computed:
        """The value, made once however many ask for it at the same time, in all processes.

        A value near its end is given while one caller's refresh goes on aside. What ``make``
        raises, all waiting callers get. Raises TimeoutError if another's computation takes
        longer than ``patience_s``.
        """
        named = tuple(tags)
        found = self.look(key)
        if found is not None:
            self._refresh_early(key, make, named, life_s)
            return found
        with self._turn:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
            else:
                self._counts["joined"] += 1
        if not leads:
            if not flight.done.wait(patience_s):
                raise TimeoutError("another caller's computation of this value takes too long")
            if flight.fault is not None:
                raise flight.fault
            return Computed(flight.value, "", True)
        try:
            done = self._make(key, make, named, life_s, patience_s)
            flight.value = done.value
            return done
        except BaseException as fault:
            flight.fault = fault
            raise
        finally:
            with self._turn:
                self._flights.pop(key, None)
            flight.done.set()

    @property
    def is_shared(self) -> bool:
        """Whether other processes share it."""
        return self._shared is not None

    def begin(self, key: str, life_s: float) -> str | None:
        """A token if this process is to make the value, "" if another one does, None if nobody
        can tell."""
        return None if self._shared is None else self._shared.lock(key, life_s)

    def is_begun(self, key: str) -> bool:
        """Whether a process makes the value."""
        return self._shared is not None and self._shared.is_locked(key)

    def renew(self, key: str, token: str, life_s: float) -> None:
        """The value is still being made."""
        if self._shared is not None:
            self._shared.renew(key, token, life_s)

    def let_go(self, key: str, token: str) -> None:
        """The value is made, or will not be."""
        if self._shared is not None:
            self._shared.let_go(key, token)

    def take(self, key: str) -> bytes | None:
        """The value that another process has made, kept here as well."""
        found = self._shared.find(key) if self._shared is not None else None
        if found is None:
            return None
        self._l2_hits += 1
        self._local.keep(key, found[0], found[3], life_s=min(found[2] or 1.0, self._local.ttl_s))
        return found[0]

    def delete(self, key: str) -> bool:
        """Whether a key was there, here or in Redis."""
        here = self._local.delete(key)
        return (self._shared is not None and self._shared.delete(key)) or here

    def invalidate(self, tags: Iterable[str]) -> int:
        """How many values with any of the tags went, here or in Redis, whichever had more. Other
        processes drop theirs within a second."""
        named = tuple(tags)
        here = self._local.invalidate(named)
        return max(here, self._shared.invalidate(named) if self._shared is not None else 0)

    def clear(self) -> None:
        """Empty this process's level."""
        self._local.clear()

    def warm(self, day: str = "", limit: int = 1_000) -> int:
        """How many of a day's most wanted values were taken from Redis into this process."""
        if self._shared is None:
            return 0
        keys = self._shared.wanted(day or self._today(), limit)
        taken = 0
        for key in reversed(keys):  # the most wanted last, for the first come goes first
            found = self._shared.find(key)
            if found is not None and found[0] is not None:
                taken += self._local.keep(key, found[0], found[3],
                                          life_s=min(found[2], self._local.ttl_s))
        return taken

    # knobs

    def resize(self, capacity_bytes: int) -> None:
        """Hold at most so many bytes from now on."""
        self._local.resize(capacity_bytes)

    def set_ttl(self, ttl_s: float) -> None:
        """Let values live so long from now on, kept ones too."""
        self._local.set_ttl(ttl_s)

    def stats(self) -> CacheStats:
        """What it holds and what happened."""
        local, shared = self._local, self._shared
        return CacheStats(
            len(local), local.used_bytes, local.capacity_bytes, local.ttl_s, self._l1_hits,
            self._l2_hits, self._misses, self._counts["joined"],
            self._counts["refreshed"], local.counts.evicted, local.counts.expired,
            local.counts.invalidated, local.counts.too_large,
            "off" if shared is None else "up" if shared.is_up else "down")

    def close(self) -> None:
        """Close Redis' connections."""
        if self._shared is not None:
            self._shared.close()

    def _make(self, key: str, make: Callable[[], bytes | None], tags: tuple[str, ...],
              life_s: float | None, patience_s: float) -> Computed:
        """The value by this process, unless another one makes it in time."""
        shared = self._shared
        token = shared.lock(key, patience_s) if shared is not None else None
        if shared is not None and token == "":
            waiting, until = threading.Event(), self._clock() + patience_s
            while self._clock() < until:
                if (found := shared.find(key)) is not None:
                    self._local.keep(key, found[0], found[3], life_s=min(found[2] or 1.0,
                                                                         self._local.ttl_s))
                    return Computed(found[0], "l2", True)
                if not shared.is_locked(key):
                    break
                waiting.wait(_POLL_S)
            token = shared.lock(key, patience_s)
        try:
            value = make()
            self.keep(key, value, tags, life_s=life_s)
            return Computed(value)
        finally:
            if shared is not None and token:
                shared.let_go(key, token)

    def _refresh_early(self, key: str, make: Callable[[], bytes | None], tags: tuple[str, ...],
                       life_s: float | None) -> None:
        entry = self._local.find(key)
        if entry is None or entry.refreshing or entry.visits <= _REFRESH_VISITS \
                or self._local.age_ratio(entry) < REFRESH_RATIO:
            return
        with self._turn:
            if entry.refreshing:
                return
            entry.refreshing = True

        def refresh() -> None:
            try:
                self.keep(key, make(), tags, life_s=life_s)
                self._counts["refreshed"] += 1
            except Exception:  # the old value holds to its end; then the fault is the caller's
                self._counts["failed"] += 1
        self._background(refresh)

    def _wish(self, key: str) -> None:
        if len(self._wishes) < _MOST_WISHES or key in self._wishes:
            self._wishes[key] += 1

    def _follow(self, shared: "SharedCache") -> None:
        """Drop what other processes invalidated, once a second; tell what was asked for."""
        with self._turn:
            if self._clock() - self._looked_at < _LOOK_S:
                return
            self._looked_at = self._clock()
            wishes, self._wishes = self._wishes, Counter()
        if not shared.is_up:
            return
        found = shared.changes(self._mark)
        if found is None:
            self._mark = ""
            if shared.is_up:  # too much was missed to follow it step by step
                self._local.clear()
            return
        self._mark, changes = found
        self._local.invalidate([name for kind, name in changes if kind == "tag"])
        for kind, name in changes:
            if kind == "key":
                self._local.delete(name)
        shared.wish(wishes, self._today())


def open_cache(settings: Settings, clock: Callable[[], float] = time.monotonic) -> AnswerCache:
    """The cache that the settings describe."""
    shared = None
    if settings.cache.redis_url:
        from brain.sources.cache_redis import SharedCache
        shared = SharedCache(settings.cache.redis_url, settings.cache.redis_timeout_s, clock,
                             time.time)
    return AnswerCache(clock, settings.gateway.cache_capacity_bytes, settings.gateway.cache_ttl_s,
                       shared=shared, shared_ttl_s=settings.cache.shared_ttl_s)


def answer_key(secret: bytes, workspace_id: str, prompt: object, policy: object,
               knowledge_version: int) -> str:
    """64 hex digits that only the same workspace, prompt, model policy and knowledge give.

    ``prompt`` and ``policy`` are JSON-able: messages with all that changes the answer, and what
    chooses the model. HMAC-SHA-256 over JSON, in which no part can pass for another.
    """
    told = json.dumps(["answer", 1, workspace_id, _plain(prompt), _plain(policy),
                       knowledge_version], ensure_ascii=False, sort_keys=True, default=str)
    keyed = _keyed(secret).copy()
    keyed.update(told.encode("utf-8", "surrogatepass"))
    return keyed.hexdigest()


@cache
def _keyed(secret: bytes) -> hmac.HMAC:
    """Ready to be copied: preparing a key takes longer than all the rest."""
    return hmac.new(secret, digestmod=hashlib.sha256)


def _plain(part: object) -> object:
    """The same text in one form: composed, line ends of one kind, no blanks at the edges."""
    if isinstance(part, str):
        return unicodedata.normalize("NFC", part).replace("\r\n", "\n").strip()
    if isinstance(part, dict):
        return {str(name): _plain(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(each) for each in part]
    return part


def _run_aside(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="brain-cache-refresh", daemon=True).start()
