"""The cache that processes share: values in Redis with an end, locks, invalidations, wishes.

A Redis that does not answer costs one time-out; then it is skipped for a while that doubles up to
MOST_PAUSE_S, and joins again by itself. Nothing here raises for it.
"""

import json
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import redis

T = TypeVar("T")

SCHEMA = 1
PREFIX = f"brain:cache:{SCHEMA}:"
FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 30.0
MOST_VALUE_BYTES = 32_000_000
_COMPRESS_FROM_BYTES = 1_024
_PLAIN, _PACKED, _NOTHING = b"\x00", b"\x01", b"\x02"
_LOG_LENGTH = 10_000
_TAG_LIFE_S = 7 * 86_400
_MOST_WISHES = 10_000

# KEYS: lock; ARGV: token. Only the holder lets go.
_LET_GO = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: lock; ARGV: token, milliseconds. Only the holder keeps it longer.
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""


class SharedCache:
    """One Redis as a cache level. ``clock`` gives seconds that only grow, ``now_s`` the time."""

    def __init__(self, url: str, timeout_s: float, clock: Callable[[], float],
                 now_s: Callable[[], float]) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._clock, self._now_s = clock, now_s
        self._redis: Any = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0), client_name="brain-cache")
        self._let_go = self._redis.register_script(_LET_GO)
        self._renew = self._redis.register_script(_RENEW)
        self._silent_until, self._pause_s = 0.0, 0.0
        self._turn = threading.Lock()
        self.faults = 0

    @property
    def is_up(self) -> bool:
        """Whether it is asked at present."""
        return self._clock() >= self._silent_until

    def find(self, key: str) -> tuple[bytes | None, float, float, tuple[str, ...]] | None:
        """Value (None for "there is none"), seconds since it was made, seconds left, tags."""
        def ask() -> Any:
            with self._redis.pipeline(transaction=False) as pipe:
                return pipe.get(f"{PREFIX}v:{key}").pttl(f"{PREFIX}v:{key}").execute()
        found = self._try(ask)
        if not found or found[0] is None:
            return None
        unpacked = _unpack(found[0])
        if unpacked is None:
            return None
        value, born_s, tags = unpacked
        return value, max(0.0, self._now_s() - born_s), max(0.0, found[1] / 1_000), tags

    def keep(self, key: str, value: bytes | None, life_s: float, tags: Iterable[str] = ()) -> bool:
        """Whether the value is kept for ``life_s`` seconds."""
        named = tuple(tags)
        packed = _pack(value, self._now_s(), named)
        if len(packed) > MOST_VALUE_BYTES:
            return False

        def put() -> bool:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(f"{PREFIX}v:{key}", packed, px=max(1, int(life_s * 1_000)))
                for tag in named:
                    pipe.sadd(f"{PREFIX}t:{tag}", key)
                    pipe.expire(f"{PREFIX}t:{tag}", _TAG_LIFE_S)
                pipe.execute()
            return True
        return self._try(put) or False

    def delete(self, key: str) -> bool:
        """Whether the key was there; other processes are told."""
        def drop() -> bool:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.delete(f"{PREFIX}v:{key}")
                self._log(pipe, {"key": key})
                return bool(pipe.execute()[0])
        return self._try(drop) or False

    def invalidate(self, tags: Iterable[str]) -> int:
        """How many keys with any of the tags went; other processes are told."""
        named = sorted(set(tags))

        def drop() -> int:
            members = self._redis.sunion([f"{PREFIX}t:{tag}" for tag in named]) if named else set()
            keys = [f"{PREFIX}v:{each.decode()}" for each in members]
            with self._redis.pipeline(transaction=False) as pipe:
                for at in range(0, len(keys), 1_000):
                    pipe.delete(*keys[at:at + 1_000])
                for tag in named:
                    pipe.delete(f"{PREFIX}t:{tag}")
                    self._log(pipe, {"tag": tag})
                done = pipe.execute()
            return sum(int(each) for each in done[:-(-len(keys) // 1_000)])
        return self._try(drop) or 0

    def changes(self, since: str) -> tuple[str, list[tuple[str, str]]] | None:
        """The newest mark and what was invalidated since one: ("tag" or "key", name).

        An empty ``since`` gives the mark alone. None where Redis does not answer or the log has
        been cut since: then all must be taken as changed.
        """
        def read() -> tuple[str, list[tuple[str, str]]] | None:
            log = f"{PREFIX}log"
            if not since:
                last = self._redis.xrevrange(log, count=1)
                return (last[0][0].decode() if last else "0-0"), []
            entries = self._redis.xrange(log, min=since, count=_LOG_LENGTH + 1)
            known = entries[:1] and entries[0][0].decode() == since
            if not known and (since != "0-0" or len(entries) > _LOG_LENGTH):
                return None
            fresh = entries[1:] if known else entries
            mark = fresh[-1][0].decode() if fresh else since
            return mark, [(name.decode(), value.decode()) for _, told in fresh
                          for name, value in told.items()]
        return self._try(read)

    def lock(self, key: str, life_s: float) -> str | None:
        """A token if this process may compute the value, "" if another does, None if Redis is
        silent."""
        token = uuid.uuid4().hex
        done = self._try(lambda: (self._redis.set(f"{PREFIX}l:{key}", token, nx=True,
                                                  px=int(life_s * 1_000)),))
        return None if done is None else token if done[0] else ""

    def renew(self, key: str, token: str, life_s: float) -> None:
        """Hold a lock of ours for ``life_s`` from now."""
        self._try(lambda: self._renew(keys=[f"{PREFIX}l:{key}"], args=[token, int(life_s * 1_000)]))

    def let_go(self, key: str, token: str) -> None:
        """Give a lock back, if it is still ours."""
        self._try(lambda: self._let_go(keys=[f"{PREFIX}l:{key}"], args=[token]))

    def is_locked(self, key: str) -> bool:
        """Whether another process computes the value."""
        return bool(self._try(lambda: self._redis.exists(f"{PREFIX}l:{key}")))

    def wish(self, counts: Mapping[str, int], day: str) -> None:
        """Count how often keys were asked for on a day."""
        def count() -> bool:
            name = f"{PREFIX}w:{day}"
            with self._redis.pipeline(transaction=False) as pipe:
                for key, times in counts.items():
                    pipe.zincrby(name, times, key)
                pipe.zremrangebyrank(name, 0, -_MOST_WISHES - 1)
                pipe.expire(name, 2 * 86_400)
                pipe.execute()
            return True
        if counts:
            self._try(count)

    def wanted(self, day: str, limit: int) -> list[str]:
        """Keys asked for most on a day, most first."""
        found = self._try(lambda: self._redis.zrevrange(f"{PREFIX}w:{day}", 0, limit - 1))
        return [each.decode() for each in found or ()]

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _log(self, pipe: Any, told: dict[str, str]) -> None:
        pipe.xadd(f"{PREFIX}log", told, maxlen=_LOG_LENGTH, approximate=False)

    def _try(self, ask: Callable[[], T]) -> T | None:
        if not self.is_up:
            return None
        try:
            done = ask()
        except (redis.RedisError, OSError, ValueError, TypeError, LookupError, AttributeError):
            with self._turn:
                self.faults += 1
                self._pause_s = min(MOST_PAUSE_S, max(FIRST_PAUSE_S, self._pause_s * 2))
                self._silent_until = self._clock() + self._pause_s
            return None
        self._pause_s = 0.0
        return done


def _pack(value: bytes | None, born_s: float, tags: tuple[str, ...]) -> bytes:
    """Kind, head length, head (birth and tags as JSON), value; large values are compressed."""
    head = json.dumps([born_s, *tags]).encode()
    kind, body = (_NOTHING, b"") if value is None else (_PLAIN, value)
    if len(body) >= _COMPRESS_FROM_BYTES:
        small = zlib.compress(body, 1)
        if len(small) < len(body):
            kind, body = _PACKED, small
    return kind + len(head).to_bytes(4, "big") + head + body


def _unpack(packed: bytes) -> tuple[bytes | None, float, tuple[str, ...]] | None:
    """Value, birth and tags; None for what is none of ours."""
    try:
        size = int.from_bytes(packed[1:5], "big")
        born_s, *tags = json.loads(packed[5:5 + size])
        body = packed[5 + size:]
        if packed[:1] == _NOTHING:
            return None, float(born_s), tuple(map(str, tags))
        if packed[:1] == _PACKED:
            opener = zlib.decompressobj()
            body = opener.decompress(body, MOST_VALUE_BYTES)
            if not opener.eof:
                return None
        elif packed[:1] != _PLAIN:
            return None
        return body, float(born_s), tuple(map(str, tags))
    except (ValueError, TypeError, zlib.error):
        return None
