"""Circuit breaker: whether a route may be called, and how it opens and heals."""

from dataclasses import dataclass, replace
from typing import Literal

from brain.decisions.reasons import Reason

Position = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Opens after ``failures`` in a row; probes after ``first_pause_s``, which doubles with every
    failed probe up to ``most_pause_s``; closes after ``probes`` good ones."""

    failures: int = 5
    first_pause_s: float = 1.0
    most_pause_s: float = 60.0
    probes: int = 1


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where a breaker stands. Moments are seconds of any clock that only goes forward."""

    position: Position = "closed"
    failures: int = 0
    pause_s: float = 0.0
    until_s: float = 0.0
    probing: int = 0
    healed: int = 0
    opened: int = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a call may be made, the breaker from now on, and why."""

    allowed: bool
    breaker: Breaker
    reasons: tuple[Reason, ...]
    retry_after_s: float | None = None


def admit(breaker: Breaker, policy: BreakerPolicy, now_s: float) -> Admission:
    """Whether a call may be made now. A call that may is to be followed by a note of its end."""
    if breaker.position == "closed":
        return Admission(True, breaker, (Reason("closed", "The route works."),))
    if breaker.position == "open" and now_s < breaker.until_s:
        left_s = breaker.until_s - now_s
        return Admission(False, breaker, (Reason(
            "breaker_open", f"{breaker.failures} calls in a row failed; the next try is in "
                            f"{left_s:.1f} s."),), left_s)
    if breaker.position == "half_open" and breaker.probing + breaker.healed >= policy.probes:
        return Admission(False, breaker, (Reason(
            "breaker_probing", "A probe is under way; its end decides."),), policy.first_pause_s)
    probing = replace(breaker, position="half_open", probing=breaker.probing + 1)
    return Admission(True, probing, (Reason("probe", "The pause is over: this call is a probe."),))


def note_success(breaker: Breaker, policy: BreakerPolicy) -> Breaker:
    """The breaker after a call that worked."""
    if breaker.position == "half_open":
        healed = breaker.healed + 1
        if healed < policy.probes:
            return replace(breaker, probing=max(breaker.probing - 1, 0), healed=healed)
        return Breaker(opened=breaker.opened)
    if breaker.position == "open":  # a call from before it opened proves nothing
        return breaker
    return breaker if not breaker.failures else replace(breaker, failures=0)


def note_failure(breaker: Breaker, policy: BreakerPolicy, now_s: float,
                 retry_after_s: float | None = None) -> Breaker:
    """The breaker after a call that failed by the route's fault.

    The provider's own ``retry_after_s`` makes a pause longer, within the policy's most.
    """
    failures = breaker.failures + 1
    if breaker.position == "closed" and failures < policy.failures:
        return replace(breaker, failures=failures)
    if breaker.position == "open":
        return replace(breaker, failures=failures)
    pause_s = min(breaker.pause_s * 2 if breaker.pause_s else policy.first_pause_s,
                  policy.most_pause_s)
    wait_s = min(max(pause_s, retry_after_s or 0.0), policy.most_pause_s)
    return Breaker("open", failures, pause_s, now_s + wait_s, opened=breaker.opened + 1)


def note_nothing(breaker: Breaker) -> Breaker:
    """The breaker after a call that ended without telling, as by cancellation."""
    if breaker.position == "half_open":
        return replace(breaker, probing=max(breaker.probing - 1, 0))
    return breaker
