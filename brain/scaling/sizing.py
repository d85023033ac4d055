"""What a pod should request, from the machines' own CPU and memory samples, and what it saves."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from brain.decisions.scaling.rightsizing import (
    HOURS_PER_MONTH,
    ContainerPolicy,
    recommend_resources,
)
from brain.decisions.scaling.usage import ContainerWindow, Usage
from brain.scaling.plans import ScalingPlan
from brain.scaling.present import MIB

MIN_ALLOWED = {"cpu": 250, "memory": 256 * MIB * 1000}
MAX_ALLOWED = {"cpu": 2_000, "memory": 4 * 1024 * MIB * 1000}
"""Milli-units, as the delivered VerticalPodAutoscaler has them."""
CPU_COST_SHARE = Decimal("0.5")
"""Part of a pod's price that its CPU is; the rest is memory."""
FEWEST_SAMPLES = 12


@dataclass(frozen=True, slots=True)
class Sizing:
    """What each of the pods on one machine or of one name requests, and should.

    ``cpu_milli`` and ``memory_mib`` are the recommended target, between ``lower`` and ``upper``.
    """

    instance: str
    samples: int
    cpu_now_milli: int
    memory_now_mib: int
    cpu_milli: int
    memory_mib: int
    cpu_range_milli: tuple[int, int]
    memory_range_mib: tuple[int, int]
    saving_usd_per_month: Decimal


def size_pods(plan: ScalingPlan, samples: pd.DataFrame, instance: str) -> Sizing | None:
    """The sizing by samples of ``at_utc``, ``cpu_pct``, ``memory_pct`` (of what a pod requests).

    None for fewer than twelve samples.
    """
    known = samples.dropna(subset=["cpu_pct", "memory_pct"])
    if len(known) < FEWEST_SAMPLES:
        return None
    usage = Usage()
    window = ContainerWindow(usage)
    for at_utc, cpu_pct, memory_pct in zip(
            known["at_utc"], known["cpu_pct"], known["memory_pct"], strict=True):
        at_s = at_utc.timestamp()
        window.add_cpu(round(cpu_pct / 100 * plan.cpu_milli), at_s)
        window.add_memory(round(memory_pct / 100 * plan.memory_mib * MIB), at_s)
    found = recommend_resources({"app": usage}, {"*": ContainerPolicy(
        MIN_ALLOWED, MAX_ALLOWED)})[0]
    cpu, memory = found.target["cpu"], _mib(found.target["memory"])
    return Sizing(
        instance, len(known), plan.cpu_milli, plan.memory_mib, cpu, memory,
        (found.lower["cpu"], found.upper["cpu"]),
        (_mib(found.lower["memory"]), _mib(found.upper["memory"])),
        _saving(plan, cpu, memory))


def _mib(milli: int) -> int:
    return -(-milli // (MIB * 1000))


def _saving(plan: ScalingPlan, cpu_milli: int, memory_mib: int) -> Decimal:
    """USD per month and pod at today's price of what is requested, halves for CPU and memory."""
    wanted = (CPU_COST_SHARE * Decimal(cpu_milli) / plan.cpu_milli
              + (1 - CPU_COST_SHARE) * Decimal(memory_mib) / plan.memory_mib)
    return plan.pod_h_usd * (1 - wanted) * HOURS_PER_MONTH


def conflicts(plan: ScalingPlan) -> Sequence[str]:
    """Resources that the policy's autoscaler scales on, so that a VPA may only recommend them."""
    return tuple(metric.name for metric in plan.policy.metrics
                 if metric.type in ("Resource", "ContainerResource"))
