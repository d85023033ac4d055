"""The pools beside pods: database connections and instances, cache shards, functions, quotas."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from brain.decisions.reasons import InputError, Reason


@dataclass(frozen=True, slots=True)
class PoolDecision:
    """The size to have, why, and the alarms that go with it."""

    size: int
    reasons: tuple[Reason, ...]
    alarms: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabasePolicy:
    """When a database is scaled out: the last values that are still well."""

    pool_ratio: float = 0.6
    max_cpu_pct: float = 60
    max_connections_pct: float = 70
    min_memory_free_pct: float = 20
    max_lag_s: float = 2
    max_instances: int = 5


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """When a cache gets a shard: above these for so long."""

    max_memory_pct: float = 75
    memory_minutes: int = 10
    max_cpu_pct: float = 60
    cpu_minutes: int = 5
    max_shards: int = 20


@dataclass(frozen=True, slots=True)
class FunctionPolicy:
    """Bounds of provisioned concurrency, by environment, and the utilization to keep (0..1)."""

    least: int
    most: int
    min_utilization_ratio: float = 0.7
    max_utilization_ratio: float = 0.8
    reserved: int = 60


FUNCTION_POLICIES = {"production": FunctionPolicy(10, 50), "staging": FunctionPolicy(2, 5),
                     "development": FunctionPolicy(0, 2)}
QUOTA_ALARM_RATIO = 0.8


@dataclass(frozen=True, slots=True)
class CacheMinute:
    """One minute of a cache."""

    memory_pct: float
    cpu_pct: float
    evictions: int
    connections: int


def size_connection_pool(max_connections: int, instances: int,
                         policy: DatabasePolicy | None = None) -> PoolDecision:
    """Connections per instance: a part of what the database allows, shared by all instances.

    Raises InputError for less than one connection or instance.
    """
    if max_connections < 1 or instances < 1:
        raise InputError("out_of_range", "connections and instances are at least 1",
                         "max_connections" if max_connections < 1 else "instances")
    ratio = (policy or DatabasePolicy()).pool_ratio
    size = max(1, math.floor(max_connections * ratio / instances))
    alarms = () if size * instances <= max_connections else (Reason(
        "TooManyInstances", f"{instances} instances cannot share {max_connections} "
        "connections."),)
    return PoolDecision(size, (Reason(
        "PoolSize", f"{ratio:g} x {max_connections} / {instances} = {size} connections each."),),
        alarms)


def decide_database_instances(instances: int, cpu_pct: float | None,
                              connections_pct: float | None, memory_free_pct: float | None,
                              lag_s: float | None,
                              policy: DatabasePolicy | None = None) -> PoolDecision:
    """One more instance if any figure is past its level; a figure that is None is unknown.

    Raises InputError for less than one instance.
    """
    policy = policy or DatabasePolicy()
    if instances < 1:
        raise InputError("out_of_range", "there is at least one instance", "instances")
    past = [Reason(code, text) for code, text, value, passed in (
        ("CpuHigh", f"CPU {cpu_pct} % is above {policy.max_cpu_pct:g} %", cpu_pct,
         lambda: (cpu_pct or 0) > policy.max_cpu_pct),
        ("ConnectionsHigh", f"connections {connections_pct} % are above "
         f"{policy.max_connections_pct:g} %", connections_pct,
         lambda: (connections_pct or 0) > policy.max_connections_pct),
        ("MemoryLow", f"free memory {memory_free_pct} % is below "
         f"{policy.min_memory_free_pct:g} %", memory_free_pct,
         lambda: (memory_free_pct or 0) < policy.min_memory_free_pct),
        ("LagHigh", f"replication lag {lag_s} s is above {policy.max_lag_s:g} s", lag_s,
         lambda: (lag_s or 0) > policy.max_lag_s)) if value is not None and passed()]
    return _one_more(instances, policy.max_instances, past, "Every known figure is well.")


def decide_cache_shards(shards: int, minutes: Sequence[CacheMinute],
                        policy: CachePolicy | None = None) -> PoolDecision:
    """One more shard after a time of full memory or busy CPU, or if growth evicts keys.

    ``minutes`` are whole minutes, the oldest first; fewer than asked for decide nothing.
    Raises InputError for less than one shard.
    """
    policy = policy or CachePolicy()
    if shards < 1:
        raise InputError("out_of_range", "there is at least one shard", "shards")
    past = []
    memory, cpu = minutes[-policy.memory_minutes:], minutes[-policy.cpu_minutes:]
    if len(memory) == policy.memory_minutes and all(
            each.memory_pct > policy.max_memory_pct for each in memory):
        past.append(Reason("MemoryHigh", f"memory was above {policy.max_memory_pct:g} % for "
                           f"{policy.memory_minutes} min"))
    if len(cpu) == policy.cpu_minutes and all(
            each.cpu_pct > policy.max_cpu_pct for each in cpu):
        past.append(Reason("CpuHigh", f"CPU was above {policy.max_cpu_pct:g} % for "
                           f"{policy.cpu_minutes} min"))
    if len(minutes) > 1 and sum(each.evictions for each in minutes) > 0 and (
            minutes[-1].connections > minutes[0].connections):
        past.append(Reason("EvictionsRising", "keys are evicted while connections rise"))
    return _one_more(shards, policy.max_shards, past, "No level was passed for long enough.")


def _one_more(size: int, most: int, past: Sequence[Reason], well: str) -> PoolDecision:
    if not past:
        return PoolDecision(size, (Reason("Hold", well),))
    if size >= most:
        return PoolDecision(size, (Reason("AtMaximum", f"{most} is the most that is allowed."),),
                            tuple(past))
    return PoolDecision(size + 1, tuple(past))


def decide_provisioned_concurrency(provisioned: int, busy: float, throttles_5_min: int,
                                   policy: FunctionPolicy) -> PoolDecision:
    """Provisioned instances that bring utilization back between its two levels.

    ``busy`` is how many are at work on average. Raises InputError for figures below 0.
    """
    if provisioned < 0 or busy < 0 or throttles_5_min < 0 or not math.isfinite(busy):
        raise InputError("negative", "the figures of a function are 0 or more", "provisioned")
    alarms = () if not throttles_5_min else (Reason(
        "Throttled", f"{throttles_5_min} calls were throttled in 5 min; {policy.reserved} are "
        "reserved."),)
    middle = (policy.min_utilization_ratio + policy.max_utilization_ratio) / 2
    used = busy / provisioned if provisioned else (math.inf if busy else 0.0)
    size, why = provisioned, f"utilization {used:.2f} is where it should be"
    if not policy.min_utilization_ratio <= used <= policy.max_utilization_ratio:
        size, why = math.ceil(busy / middle), f"{busy:g} busy / {middle:g}"
    bounded = max(policy.least, min(policy.most, size))
    reasons = [Reason("Hold" if bounded == provisioned else "Utilization", why)]
    if bounded != size:
        reasons.append(Reason("Bounded", f"{policy.least} to {policy.most} are allowed."))
    return PoolDecision(bounded, tuple(reasons), alarms)


def check_quota(used: int, asked: int, limit: int, name: str) -> PoolDecision:
    """How many of ``asked`` the quota still allows, with an alarm from 80 % on.

    Raises InputError for figures below 0.
    """
    if min(used, asked, limit) < 0:
        raise InputError("negative", "the figures of a quota are 0 or more", name)
    granted = max(0, min(asked, limit - used))
    after = used + granted
    alarms = () if limit and after < limit * QUOTA_ALARM_RATIO else (Reason(
        "QuotaNearlyUsed", f"{name}: {after} of {limit} would be used."),)
    code = "WithinQuota" if granted == asked else "QuotaExceeded"
    return PoolDecision(granted, (Reason(code, f"{name}: {granted} of {asked} asked for fit into "
                                         f"{limit}, of which {used} are used."),), alarms)
