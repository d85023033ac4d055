"""What a failed call of a provider leads to: the same again, another route, or the end."""

from dataclasses import dataclass
from typing import Literal

from brain.decisions.reasons import Reason

FaultKind = Literal["rate_limited", "timeout", "unavailable", "bad_answer", "cut", "auth",
                    "bad_request", "too_long", "not_found", "content_filter"]
TRANSIENT: frozenset[FaultKind] = frozenset(
    {"rate_limited", "timeout", "unavailable", "bad_answer", "cut"})
ROUTE_FAULTS: frozenset[FaultKind] = TRANSIENT | {"auth", "not_found"}
"""Faults of a route, which another route need not have; they count in its breaker."""
HTTP_STATUS: dict[FaultKind, int] = {
    "rate_limited": 429, "timeout": 504, "unavailable": 502, "bad_answer": 502, "cut": 502,
    "auth": 502, "bad_request": 400, "too_long": 400, "not_found": 404, "content_filter": 400}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most ``attempts`` calls of one route; waits grow from ``first_wait_s`` by doubling."""

    attempts: int = 2
    first_wait_s: float = 0.2
    most_wait_s: float = 5.0
    least_time_s: float = 0.05


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that failed. ``delivered`` says that the asker has seen a part of the answer."""

    kind: FaultKind
    attempt: int
    time_left_s: float
    routes_left: int
    retry_after_s: float | None = None
    delivered: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What to do: ``again`` after ``wait_s``, ``other_route``, or ``give_up``."""

    action: Literal["again", "other_route", "give_up"]
    wait_s: float
    reasons: tuple[Reason, ...]


def decide_next(failed: Failed, policy: RetryPolicy, jitter: float) -> Next:
    """What follows a failed call; ``jitter`` is a random number in [0, 1).

    wait = jitter · min(most, first · 2^(attempt − 1)), or the provider's own retry-after.
    Another route is taken where there is one and the fault is the route's; the same one again
    only where nothing else is left or waiting is short. What the asker has begun to read is
    never begun anew. Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full).
    """
    if failed.delivered:
        return _give_up("delivered", "A part of the answer was delivered already, so it cannot be "
                                     "asked for again.")
    if failed.kind not in ROUTE_FAULTS:
        return _give_up("callers_fault", f"The provider refused the question ({failed.kind}); "
                                         "asking again would not help.")
    if failed.time_left_s < policy.least_time_s:
        return _give_up("no_time", "No time is left for another try.")
    if failed.routes_left:
        return Next("other_route", 0.0, (Reason(
            "fallback", f"The call failed ({failed.kind}); the next route is tried."),))
    if failed.kind not in TRANSIENT:
        return _give_up("no_route", f"The call failed ({failed.kind}), and no other route is left.")
    if failed.attempt >= policy.attempts:
        return _give_up("attempts", f"{failed.attempt} of {policy.attempts} tries failed "
                                    f"({failed.kind}).")
    ceiling = min(policy.most_wait_s, policy.first_wait_s * 2 ** (failed.attempt - 1))
    wait_s = failed.retry_after_s if failed.retry_after_s is not None else jitter * ceiling
    if wait_s + policy.least_time_s > failed.time_left_s:
        return _give_up("no_time", f"The next try would be in {wait_s:.1f} s, and "
                                   f"{failed.time_left_s:.1f} s are left.")
    return Next("again", wait_s, (Reason(
        "retry", f"The call failed ({failed.kind}); it is tried again in {wait_s:.2f} s."),))


def _give_up(code: str, text: str) -> Next:
    return Next("give_up", 0.0, (Reason(code, text),))
