"""A cost cap per window: a bound that nothing passes, and what it costs to keep it."""

from dataclasses import dataclass
from decimal import Decimal

from brain.decisions.reasons import InputError, Reason


@dataclass(frozen=True, slots=True)
class CostCap:
    """At most ``cap_usd`` in a window, of which ``spent_usd`` is gone and ``left_h`` remains."""

    environment: str
    cap_usd: Decimal
    spent_usd: Decimal
    left_h: Decimal
    replica_h_usd: Decimal


@dataclass(frozen=True, slots=True)
class CappedDecision:
    """Replicas within the cap; ``alert`` where the load needs more; what lifting it would cost."""

    replicas: int
    allowed: int
    alert: bool
    lift_usd: Decimal
    reasons: tuple[Reason, ...]


def decide_within_cap(wanted: int, needed: int, cap: CostCap) -> CappedDecision:
    """``wanted`` replicas, or as many as the rest of the cap pays for until the window ends.

    ``needed`` is what the load asks for. Raises InputError for amounts below 0.
    """
    for field in ("cap_usd", "spent_usd", "left_h", "replica_h_usd"):
        amount = getattr(cap, field)
        if not amount.is_finite() or amount < 0:
            raise InputError("negative", f"{field} must be 0 or more", field)
    if wanted < 0 or needed < 0:
        raise InputError("negative", "replicas must be 0 or more", "replicas")
    rest_usd = max(Decimal(0), cap.cap_usd - cap.spent_usd)
    replica_usd = cap.replica_h_usd * cap.left_h
    allowed = wanted if replica_usd == 0 else min(wanted, int(rest_usd // replica_usd))
    lift_usd = max(Decimal(0), replica_usd * max(wanted, needed) - rest_usd)
    if allowed == wanted and needed <= allowed:
        return CappedDecision(wanted, allowed, False, Decimal(0), (Reason(
            "WithinCap", f"{wanted} replicas stay within {cap.cap_usd} USD in "
            f"{cap.environment}."),))
    alert = needed > allowed
    reasons = [Reason("CostCap", f"{cap.environment}: {rest_usd:.2f} USD of {cap.cap_usd} USD are "
                      f"left for {cap.left_h} h, which pays for {allowed} of {wanted} replicas.")]
    if alert:
        reasons.append(Reason("CapCostsObjective", f"The load needs {needed} replicas: the cap "
                              f"costs objective minutes. Lifting it would cost {lift_usd:.2f} USD "
                              "until the window ends."))
    return CappedDecision(allowed, allowed, alert, lift_usd, tuple(reasons))
