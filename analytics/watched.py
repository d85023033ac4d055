"""Numbers of watched servers from what they count: ratios, shares and rates between readings."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RECENT = dt.timedelta(minutes=10)
HOUR = dt.timedelta(hours=1)
LEAST_BETWEEN = dt.timedelta(seconds=1)
LEAST_FOR_HOURLY = dt.timedelta(minutes=1)
Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a server had counted at a moment."""

    at_utc: dt.datetime
    values: Mapping[str, Any]

    def number(self, name: str) -> float | None:
        """A value as a number; None where the server did not send one."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) \
            else None


def grown(name: str, now: Counted, before: Counted) -> float | None:
    """How much a counter has grown; None if it is missing or was set back in between."""
    last, first = now.number(name), before.number(name)
    return None if last is None or first is None or last < first else last - first


def rate_per_s(name: str, now: Counted, past: Sequence[Counted]) -> float | None:
    """How fast a counter grew since the reading at least a second before; None without one."""
    before = next((each for each in reversed(past) if now.at_utc - each.at_utc >= LEAST_BETWEEN),
                  None)
    growth = None if before is None else grown(name, now, before)
    if before is None or growth is None:
        return None
    return growth / (now.at_utc - before.at_utc).total_seconds()


def hit_pct(hits: str, misses: str, now: Counted, past: Sequence[Counted]) -> float | None:
    """Hits per 100 look-ups of the last ten minutes; since the server's start where there were
    none or nothing older was read. None without any."""
    for before in (each for each in past if now.at_utc - each.at_utc <= RECENT):
        found, missed = grown(hits, now, before), grown(misses, now, before)
        if found is not None and missed is not None and found + missed > 0:
            return 100.0 * found / (found + missed)
    return share_pct(now.number(hits), now.number(misses))


def share_pct(part: float | None, rest: float | None) -> float | None:
    """A part per 100 of itself and the rest; None where unknown or both are 0."""
    if part is None or rest is None or part + rest <= 0:
        return None
    return 100.0 * part / (part + rest)


def redis_figures(now: Counted, past: Sequence[Counted] = ()) -> Figures:
    """Hit ratio, share of the memory allowed, evictions per second and clients.

    ``cache_memory_pct`` is None where the server has no limit.
    """
    limit, used = now.number("max_memory_bytes"), now.number("used_memory_bytes")
    return {"cache_hit_pct": hit_pct("hits", "misses", now, past),
            "cache_memory_pct": min(100.0, 100.0 * used / limit) if limit and used is not None
            else None,
            "cache_evictions_per_s": rate_per_s("evicted_keys", now, past),
            "cache_clients": now.number("connected_clients")}


def postgres_figures(now: Counted, past: Sequence[Counted] = ()) -> Figures:
    """Connections and their share of those allowed, rates, hit ratios, lag of the slowest replica.

    ``db_slow_queries_per_h`` counts over the readings of the last hour, at least one minute;
    ``replication_lag_ms`` is None where nothing is replicated or the lag cannot be seen.
    """
    states = now.values.get("connections")
    connections = float(sum(row["connections"] for row in states)) if states else None
    most = now.number("max_connections")
    return {"db_connections": connections,
            "db_connections_pct_of_pool": 100.0 * connections / most
            if most and connections is not None else None,
            "db_transactions_per_s": rate_per_s("transactions", now, past),
            "db_queries_per_s": rate_per_s("calls", now, past),
            "db_slow_queries_per_h": _slow_per_h(now, past),
            "db_cache_hit_pct": hit_pct("blocks_hit", "blocks_read", now, past),
            "db_index_hit_pct": hit_pct("index_blocks_hit", "index_blocks_read", now, past),
            "replication_lag_ms": replication_lag_ms(now.values)}


def _slow_per_h(now: Counted, past: Sequence[Counted]) -> float | None:
    for before in (each for each in past if now.at_utc - each.at_utc <= HOUR):
        elapsed = now.at_utc - before.at_utc
        growth = grown("slow_calls", now, before)
        if growth is not None:
            return growth * (HOUR / elapsed) if elapsed >= LEAST_FOR_HOURLY else None
    return None


def replication_lag_ms(values: Mapping[str, Any]) -> float | None:
    """The longest lag of a standby; PostgreSQL tells none for one that has caught up."""
    lags = [0.0 if row["lag_ms"] is None and row["lag_bytes"] == 0 else row["lag_ms"]
            for row in values.get("replicas") or ()]
    if values.get("is_standby"):
        lags.append(values.get("standby_lag_ms"))
    known = [float(lag) for lag in lags if lag is not None]
    return max(known) if known else None


def kubernetes_figures(now: Counted, past: Sequence[Counted] = ()) -> Figures:
    """Pods running, pending and failed, and restarts since the reading before."""
    pods = now.values.get("pods") or {}
    growth = grown("restarts", now, past[-1]) if past else None
    return {**{f"pods_{phase.lower()}": float(pods[phase]) if phase in pods else None
               for phase in ("Running", "Pending", "Failed")}, "pod_restarts": growth}


def counters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers among the values, which is all that later readings need."""
    return {name: value for name, value in values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)}
