"""What a container should request, exactly as the vertical pod autoscaler recommends it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from brain.decisions.reasons import InputError, Reason
from brain.decisions.scaling.amounts import (
    humanize_bytes,
    round_up,
    scale_amount,
    to_amount,
    to_millicores,
)
from brain.decisions.scaling.manifests import HpaPolicy
from brain.decisions.scaling.quantities import MAX_INT64, to_milli
from brain.decisions.scaling.usage import DAY_S, Usage

RESOURCES = ("cpu", "memory")
Amounts = Mapping[str, int]
"""Milli-units by resource: millicores, and thousandths of bytes."""

UPDATE_MODES = ("Off", "Initial", "Recreate", "InPlaceOrRecreate", "Auto")
HOURS_PER_MONTH = Decimal(730)
GIB = 2**30


@dataclass(frozen=True, slots=True)
class EstimateSettings:
    """Percentiles (0..1), margin and least amounts of the recommender, as it is delivered."""

    target_cpu_percentile: float = 0.9
    lower_cpu_percentile: float = 0.5
    upper_cpu_percentile: float = 0.95
    target_memory_percentile: float = 0.9
    lower_memory_percentile: float = 0.5
    upper_memory_percentile: float = 0.95
    margin_ratio: float = 0.15
    confidence_interval_s: float = DAY_S
    pod_min_cpu_millicores: float = 25
    pod_min_memory_mib: float = 250
    round_cpu_millicores: int = 1
    round_memory_bytes: int = 1
    humanize_memory: bool = False


DEFAULT_ESTIMATE = EstimateSettings()


@dataclass(frozen=True, slots=True)
class ContainerPolicy:
    """Bounds of a container in milli-units; a bound of 0 is none."""

    min_allowed: Amounts | None = None
    max_allowed: Amounts | None = None
    controlled: tuple[str, ...] = RESOURCES
    mode: Literal["Auto", "Off"] = "Auto"


FREE = ContainerPolicy()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Milli-units to request; ``uncapped`` is the target without the policy's bounds."""

    container: str
    target: Amounts
    lower: Amounts
    upper: Amounts
    uncapped: Amounts


@dataclass(frozen=True, slots=True)
class CostEffect:
    """What requests cost now and as recommended, for all replicas."""

    before_usd_per_h: Decimal
    after_usd_per_h: Decimal

    @property
    def saving_usd_per_month(self) -> Decimal:
        """What is saved in 730 hours; below 0 if more is to be requested."""
        return (self.before_usd_per_h - self.after_usd_per_h) * HOURS_PER_MONTH


def recommend_resources(usages: Mapping[str, Usage],
                        policies: Mapping[str, ContainerPolicy] | None = None,
                        settings: EstimateSettings = DEFAULT_ESTIMATE,
                        global_max: Amounts | None = None, integer_cpu: Iterable[str] = (),
                        containers_per_pod: int | None = None) -> tuple[Recommendation, ...]:
    """What each container should request, in the order of their names.

    ``policies`` by container name, or by ``*``. ``integer_cpu`` names containers that want whole
    cores. Raises InputError for less than one container per pod.
    Source: kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/logic.
    """
    per_pod = len(usages) if containers_per_pod is None else containers_per_pod
    if usages and per_pod < 1:
        raise InputError("out_of_range", "a pod has at least one container", "containers_per_pod")
    whole = frozenset(integer_cpu)
    found = []
    for name in sorted(usages):
        policy = policy_of(name, policies)
        if policy.mode == "Off":
            continue
        raw = estimate_container(usages[name], per_pod, settings, policy.controlled)
        listed = [_as_list(each, settings) for each in raw]
        capped = apply_policy(Recommendation(name, listed[0], listed[1], listed[2], listed[0]),
                              policy, global_max)
        found.append(with_whole_cores(capped) if name in whole else capped)
    return tuple(found)


def estimate_container(usage: Usage, containers_per_pod: int, settings: EstimateSettings,
                       controlled: Iterable[str] = RESOURCES
                       ) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Target, lower and upper bound in millicores and bytes, before rounding and bounds."""
    share = 1.0 / containers_per_pod
    least = {"cpu": scale_amount(to_millicores(settings.pod_min_cpu_millicores * 0.001), share),
             "memory": scale_amount(to_amount(settings.pod_min_memory_mib * 1024 * 1024), share)}
    confidence = usage.confidence(settings.confidence_interval_s)
    bounds = (((settings.target_cpu_percentile, settings.target_memory_percentile), 0.0, 0.0),
              ((settings.lower_cpu_percentile, settings.lower_memory_percentile), 0.001, -2.0),
              ((settings.upper_cpu_percentile, settings.upper_memory_percentile), 1.0, 1.0))
    wanted = [each for each in RESOURCES if each in set(controlled)]
    target, lower, upper = (
        {resource: max(least[resource], widen(
            with_margin(read_percentile(usage, resource, shares[resource == "memory"]),
                        settings.margin_ratio), confidence, multiplier, exponent))
         for resource in wanted}
        for shares, multiplier, exponent in bounds)
    return target, lower, upper


def read_percentile(usage: Usage, resource: str, share: float) -> int:
    """Millicores or bytes at the percentile (0..1) of the usage."""
    if resource == "cpu":
        return to_millicores(usage.cpu.percentile(share))
    return to_amount(usage.memory.percentile(share))


def with_margin(amount: int, margin_ratio: float) -> int:
    """The amount and its margin."""
    return amount + scale_amount(amount, margin_ratio)


def widen(amount: int, confidence: float, multiplier: float, exponent: float) -> int:
    """The amount times (1 + multiplier / confidence) ^ exponent; an exponent of 0 leaves it."""
    if exponent == 0:
        return amount
    base = 1.0 + (multiplier / confidence if confidence > 0 else math.inf)
    try:
        factor = math.pow(base, exponent)
    except OverflowError:
        factor = math.inf
    return scale_amount(amount, factor)


def _as_list(amounts: Mapping[str, int], settings: EstimateSettings) -> dict[str, int]:
    return list_resources(amounts, settings.round_cpu_millicores, settings.round_memory_bytes,
                          settings.humanize_memory)


def list_resources(amounts: Mapping[str, int], round_cpu_millicores: int = 1,
                   round_memory_bytes: int = 1, humanize: bool = False) -> dict[str, int]:
    """Millicores and bytes as milli-units, rounded up to the scales; a scale below 1 is none."""
    listed = {}
    for resource, scale in (("cpu", round_cpu_millicores), ("memory", round_memory_bytes)):
        if resource in amounts:
            amount = amounts[resource]
            if scale > 1 and amount:
                amount = round_up(amount, scale)
            if resource == "cpu":
                listed[resource] = amount
            else:
                listed[resource] = (to_milli(humanize_bytes(amount)) if humanize and amount
                                    else amount * 1000)
    return listed


def policy_of(container: str, policies: Mapping[str, ContainerPolicy] | None) -> ContainerPolicy:
    """The container's policy, else that of ``*``, else one without bounds."""
    policies = policies or {}
    return policies.get(container) or policies.get("*") or FREE


def apply_policy(given: Recommendation, policy: ContainerPolicy,
                 global_max: Amounts | None = None) -> Recommendation:
    """The recommendation within the policy's bounds; the uncapped target stays."""
    most = dict(policy.max_allowed or {})
    for resource, amount in (global_max or {}).items():
        most.setdefault(resource, amount)
    least = policy.min_allowed or {}

    def cap(amounts: Amounts) -> dict[str, int]:
        capped = {}
        for resource, amount in amounts.items():
            if least.get(resource):
                amount = max(amount, least[resource])
            if most.get(resource):
                amount = min(amount, most[resource])
            capped[resource] = amount
        return capped
    return Recommendation(given.container, cap(given.target), cap(given.lower), cap(given.upper),
                          given.uncapped)


def with_whole_cores(given: Recommendation) -> Recommendation:
    """The recommendation with CPU rounded up to whole cores."""
    def up(amounts: Amounts) -> dict[str, int]:
        return {resource: -(-amount // 1000) * 1000 if resource == "cpu" else amount
                for resource, amount in amounts.items()}
    return Recommendation(given.container, up(given.target), up(given.lower), up(given.upper),
                          up(given.uncapped))


def scale_limit(limit: int | None, request: int | None, recommended: int | None,
                default_limit: int | None = None) -> tuple[int | None, str]:
    """The limit in the old proportion to the new request, and why it is none or capped.

    All in one unit: millicores, or bytes. A limit is at most the largest int64.
    """
    limit = default_limit if not limit and default_limit is not None else limit
    if not limit:
        return None, "limit NOT set since originalLimit is nil or 0"
    if not recommended:
        return None, "limit NOT set since recommendedRequest is nil or 0"
    if not request or request == limit:
        return recommended, ""
    scaled = limit * recommended // request
    if scaled > MAX_INT64:
        return MAX_INT64, "failed to keep limit to request ratio; capping limit to int64"
    return scaled, ""


def estimate_cost(before: Amounts, after: Amounts, replicas: int, usd_per_core_h: Decimal,
                  usd_per_gib_h: Decimal) -> CostEffect:
    """What the requests of all replicas cost before and after, by the hour."""
    def cost(amounts: Amounts) -> Decimal:
        return replicas * (Decimal(amounts.get("cpu", 0)) / 1000 * usd_per_core_h
                           + Decimal(amounts.get("memory", 0)) / 1000 / GIB * usd_per_gib_h)
    return CostEffect(cost(before), cost(after))


def find_conflicts(hpa: HpaPolicy | None, controlled: Iterable[str],
                   mode: str) -> tuple[Reason, ...]:
    """Why a VPA in this mode must not run beside this HPA, and what is old about its mode."""
    reasons = []
    if mode == "Auto":
        reasons.append(Reason("DeprecatedMode", "updateMode Auto is deprecated; Recreate or "
                              "InPlaceOrRecreate says what is meant."))
    shared = sorted({metric.name for metric in (hpa.metrics if hpa else ())
                     if metric.type in ("Resource", "ContainerResource")} & set(controlled))
    if shared and mode != "Off":
        reasons.append(Reason("HpaConflict", f"The HPA scales on {' and '.join(shared)}, which "
                              "the VPA changes too: each change of requests moves the HPA's "
                              "utilization. Use mode Off, leave out these resources, or scale "
                              "the HPA on another metric."))
    return tuple(reasons)


def count_evictable(replicas: int, healthy: int, min_available: int, min_replicas: int = 2) -> int:
    """Pods that may be evicted now, so that ``min_available`` stay and half of all run on.

    0 for workloads below ``min_replicas``, which the updater leaves alone.
    """
    if replicas < min_replicas:
        return 0
    tolerated = max(1, replicas // 2) - (replicas - healthy)
    return max(0, min(healthy - min_available, tolerated))
