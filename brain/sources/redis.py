"""Reads how a Redis server is doing, within a bounded time."""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import redis

from brain.sources.reading import (
    AnswerError,
    BoundedCall,
    Clock,
    SourceReading,
    now_utc,
    place_of,
)

# Our name and unit: the field of Redis' INFO. Source: Redis documentation, "INFO".
COUNTS = {
    "uptime_s": "uptime_in_seconds",
    "connected_clients": "connected_clients",
    "used_memory_bytes": "used_memory",
    "max_memory_bytes": "maxmemory",  # 0: no limit set
    "hits": "keyspace_hits",
    "misses": "keyspace_misses",
    "evicted_keys": "evicted_keys",
    "expired_keys": "expired_keys",
    "ops_per_s": "instantaneous_ops_per_sec",
    "last_save_epoch_s": "rdb_last_save_time",
}
TEXTS = {"version": "redis_version", "last_save_status": "rdb_last_bgsave_status"}


class RedisSource:
    """One Redis server, read only; safe to share between threads."""

    def __init__(self, url: str, timeout_s: float, clock: Clock = now_utc) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._clock = clock
        self._call = BoundedCall(timeout_s)

    def read(self) -> SourceReading:
        """Version, memory, clients and hit counts since the server's start; never raises.

        Values: the names of COUNTS (int, units in the name; a field the server does not send is
        left out) and of TEXTS (str).
        """
        checked_at = self._clock()
        if not self._url:
            return SourceReading("unknown", reason="No Redis is configured (BRAIN_REDIS_URL).",
                                 checked_at_utc=checked_at)
        place = f"Redis at {place_of(self._url)}"
        try:
            client = self._connect()
        except (ValueError, TypeError, redis.RedisError):
            return SourceReading("unknown", reason=f"{place}: the address is not a Redis URL such "
                                 "as redis://127.0.0.1:6379/0.", checked_at_utc=checked_at)
        try:
            values = self._call.run(lambda: parse_info(client.info()), cancel=client.close)
        except (TimeoutError, redis.TimeoutError):
            return SourceReading("down", reason=f"{place} did not answer within "
                                 f"{self._timeout_s:g} s.", checked_at_utc=checked_at)
        except redis.AuthenticationError:
            return SourceReading("down", reason=f"{place} refused the user or password.",
                                 checked_at_utc=checked_at)
        except (redis.InvalidResponse, redis.ResponseError, AnswerError, ValueError, TypeError,
                LookupError, AttributeError, RecursionError):
            return SourceReading("unknown", reason=f"{place} gave an answer that is not Redis' "
                                 "INFO.", checked_at_utc=checked_at)
        except (redis.ConnectionError, OSError):
            return SourceReading("down", reason=f"{place} cannot be reached.",
                                 checked_at_utc=checked_at)
        except redis.RedisError as error:
            return SourceReading("unknown", reason=f"{place}: {type(error).__name__}.",
                                 checked_at_utc=checked_at)
        finally:
            with suppress(redis.RedisError, OSError):
                client.close()
        return SourceReading("ok", values, read_at_utc=checked_at, checked_at_utc=checked_at)

    def _connect(self) -> "redis.Redis":
        """A client of one connection that neither retries nor waits longer than allowed."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis.from_url(
            self._url, socket_timeout=self._timeout_s, socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0), single_connection_client=False, max_connections=1,
            encoding_errors="replace", client_name="brain-console")


def parse_info(info: object) -> Mapping[str, Any]:
    """The fields we show out of Redis' INFO; raises AnswerError if it is something else."""
    if not isinstance(info, dict) or "redis_version" not in info:
        raise AnswerError("not an INFO answer")
    values: dict[str, Any] = {name: str(info[theirs])[:64]
                              for name, theirs in TEXTS.items() if theirs in info}
    for name, theirs in COUNTS.items():
        if theirs not in info:
            continue
        number = info[theirs]
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise AnswerError(f"{theirs} is not a number")
        if not math.isfinite(number) or number < 0:
            raise AnswerError(f"{theirs} is not a count")
        values[name] = int(number)
    return values
