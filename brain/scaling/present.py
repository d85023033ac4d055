"""What a policy asks for now, from the platform's own load: metric by metric, bound by bound."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from brain.decisions.reasons import InputError, Reason
from brain.decisions.scaling.behavior import Memory, Recommendation, ScaleEvent
from brain.decisions.scaling.caps import CappedDecision, CostCap, decide_within_cap
from brain.decisions.scaling.decide import ScalingDecision, decide_replicas
from brain.decisions.scaling.manifests import HpaPolicy, Metric
from brain.decisions.scaling.proposals import Observation, Workload
from brain.decisions.scaling.replicas import Container, Pod, Sample
from brain.decisions.scaling.schedules import Bounds, ScheduledBound, apply_bounds, decide_bounds
from brain.scaling.plans import ScalingPlan

RATES = ("queries_per_second", "requests_per_second", "http_requests_per_second")
"""Metrics of type Pods that are the platform's request rate per pod."""
LATENCIES = ("query_latency_p95_seconds",)
"""Metrics of type Pods that are the platform's p95."""
MIB = 2**20
CONTAINER = "app"


@dataclass(frozen=True, slots=True)
class Load:
    """Requests per second over the last ``window_s``, and their p95 where any has a latency."""

    rps: float
    p95_ms: float | None = None
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Present:
    """A policy at one moment.

    ``replicas`` is the count before, ``wanted`` what the policy alone decides, ``decided`` what is
    left within schedule and cap. ``cluster_replicas`` is None without a cluster. ``unread`` are
    metrics of the policy that nothing here measures.
    """

    plan: ScalingPlan
    at_utc: dt.datetime
    load: Load
    replicas: int
    cluster_replicas: int | None
    decision: ScalingDecision
    bounds: Bounds
    cap: CappedDecision | None
    decided: int
    unread: tuple[Metric, ...]
    reasons: tuple[Reason, ...]

    @property
    def wanted(self) -> int:
        """Replicas that the policy alone decides."""
        return self.decision.replicas

    @property
    def rps_per_pod(self) -> float | None:
        """Requests per second of each pod; None without pods."""
        return self.load.rps / self.replicas if self.replicas else None


def split_metrics(policy: HpaPolicy) -> tuple[HpaPolicy | None, tuple[Metric, ...]]:
    """The policy with the metrics that the platform's own traffic tells, and the others.

    None where it tells none of them.
    """
    known = tuple(each for each in policy.metrics if _is_known(each))
    others = tuple(each for each in policy.metrics if not _is_known(each))
    return (replace(policy, metrics=known) if known else None), others


def for_replay(policy: HpaPolicy) -> tuple[HpaPolicy | None, tuple[Metric, ...]]:
    """The policy with the metrics that a replay knows, and the others, which it leaves out."""
    known = tuple(each for each in policy.metrics if _is_cpu(each) or _is_rate(each))
    others = tuple(each for each in policy.metrics if each not in known)
    return (replace(policy, metrics=known) if known else None), others


def decide_now(plan: ScalingPlan, replicas: int, load: Load, memory: Memory, now: dt.datetime,
               schedules: Sequence[ScheduledBound] = (), cap_usd: Decimal | None = None,
               cluster_replicas: int | None = None) -> Present:
    """What the policy would do now with ``replicas`` running, schedule and cap included.

    CPU utilization is modelled: the part of what all pods can serve that is asked for, at most
    100 %. Raises InputError where nothing here measures any metric of the policy.
    """
    policy, unread = split_metrics(plan.policy)
    if policy is None:
        raise InputError("nothing_measured", "nothing here measures any metric of this policy",
                         "metrics")
    now_s = now.timestamp()
    workload = Workload(replicas, status_replicas=replicas, pods=_pods(plan, replicas))
    decision = decide_replicas(policy, workload, [
        _observe(each, plan, replicas, load, now_s) for each in policy.metrics], memory, now_s)
    needed = decision.metric_replicas or 0
    bounds = decide_bounds(schedules, plan.workload, now)
    bounded, reasons = apply_bounds(decision.replicas, needed, bounds)
    cap = None
    decided = bounded
    if cap_usd is not None:
        cap = decide_within_cap(bounded, needed, _cap(plan, cap_usd, now, replicas))
        decided, reasons = cap.replicas, (*reasons, *cap.reasons)
    return Present(plan, now, load, replicas, cluster_replicas, decision, bounds, cap, decided,
                   unread, (*decision.reasons, *reasons))


def _is_cpu(metric: Metric) -> bool:
    return metric.type == "Resource" and metric.name == "cpu" and bool(metric.utilization_pct)


def _is_rate(metric: Metric) -> bool:
    return metric.type == "Pods" and metric.name in RATES and bool(metric.average_milli)


def _is_known(metric: Metric) -> bool:
    return _is_cpu(metric) or _is_rate(metric) or (
        metric.type == "Pods" and metric.name in LATENCIES)


def _pods(plan: ScalingPlan, replicas: int) -> tuple[Pod, ...]:
    requests = {"cpu": plan.cpu_milli, "memory": plan.memory_mib * MIB * 1000}
    return tuple(Pod(f"pod-{number}", containers=(Container(CONTAINER, requests),))
                 for number in range(replicas))


def _observe(metric: Metric, plan: ScalingPlan, replicas: int, load: Load,
             now_s: float) -> Observation:
    """The metric with the load spread evenly over all pods."""
    if metric.name in LATENCIES:
        if load.p95_ms is None:
            return Observation(error="no request had a latency")
        milli = round(load.p95_ms)
    elif not replicas:
        return Observation()
    elif metric.name in RATES:
        milli = round(load.rps / replicas * 1_000)
    else:
        milli = round(plan.cpu_milli * min(1.0, load.rps / (plan.pod_rps * replicas)))
    return Observation({f"pod-{number}": Sample(milli, now_s, load.window_s)
                        for number in range(replicas)})


def _cap(plan: ScalingPlan, cap_usd: Decimal, now: dt.datetime, replicas: int) -> CostCap:
    """The month's cap; what is spent is reckoned as today's count since the month began."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + dt.timedelta(days=32)).replace(day=1)
    hour = dt.timedelta(hours=1)
    gone_h, left_h = Decimal(str((now - start) / hour)), Decimal(str((end - now) / hour))
    return CostCap(plan.environment, cap_usd, (plan.pod_h_usd * replicas * gone_h).quantize(
        Decimal("0.0001")), left_h.quantize(Decimal("0.01")), plan.pod_h_usd)


def start_count(plan: ScalingPlan, load: Load) -> int:
    """Replicas to start from where nobody knows the count: what the load needs, in bounds."""
    policy = plan.policy
    needed = math.ceil(load.rps / plan.pod_rps)
    return max(1, policy.min_replicas, min(policy.max_replicas, needed))


def memory_to_json(memory: Memory) -> dict[str, Any]:
    """The memory as JSON can hold it."""
    return {"seen": None if memory.recommendations is None else [
                list(each) for each in memory.recommendations],
            "up": [list(each) for each in memory.scale_up_events],
            "down": [list(each) for each in memory.scale_down_events]}


def memory_from_json(given: Mapping[str, Any]) -> Memory:
    """The memory as it was."""
    seen = given.get("seen")
    return Memory(None if seen is None else tuple(Recommendation(*each) for each in seen),
                  tuple(ScaleEvent(*each) for each in given.get("up", ())),
                  tuple(ScaleEvent(*each) for each in given.get("down", ())))
