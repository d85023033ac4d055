"""Quotas: how much a workspace, user, key or provider may use in a minute."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from brain.decisions.reasons import InputError, Reason

Scope = Literal["platform", "workspace", "user", "api_key", "provider"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
WINDOW_S = 60
MOST = 10**15


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so much within 60 s; None is no limit.

    An empty name holds for each caller of the scope that has no quota of its own.
    """

    scope: Scope
    name: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    usd_per_minute: Decimal | None = None

    @property
    def label(self) -> str:
        """What it is the quota of, in words."""
        who = self.scope.replace("_", " ")
        return f"quota of {who} {self.name}" if self.name else f"quota of each {who}"


@dataclass(frozen=True, slots=True)
class Used:
    """What was used within the last 60 s; ``frees_in_s`` is when the oldest of it is forgotten."""

    requests: int = 0
    tokens: int = 0
    usd: Decimal = Decimal(0)
    frees_in_s: float = WINDOW_S


@dataclass(frozen=True, slots=True)
class Left:
    """What a quota leaves within the minute, 0 at least; None is no limit."""

    requests: int | None = None
    tokens: int | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class QuotaDecision:
    """Whether a request fits; if not, which quota is used up and when to ask again."""

    allowed: bool
    reasons: tuple[Reason, ...]
    quota: Quota | None = None
    retry_after_s: float | None = None


def check_quota(quota: Quota) -> None:
    """Raise InputError naming the field of a quota that cannot be kept."""
    if quota.scope not in SCOPES:
        raise InputError("unknown_scope", f"scope must be one of {', '.join(SCOPES)}", "scope")
    if len(quota.name) > 256 or (quota.scope == "platform" and quota.name):
        raise InputError("invalid_name", "a name has at most 256 characters, and the platform's "
                                         "quota none", "name")
    for field in ("requests_per_minute", "tokens_per_minute", "usd_per_minute"):
        value = getattr(quota, field)
        if value is not None and not (math.isfinite(value) and 0 <= value <= MOST):
            raise InputError("out_of_range", f"{field} must be between 0 and 10^15", field)


def decide_quota(used: Iterable[tuple[Quota, Used]], tokens: int) -> QuotaDecision:
    """Whether one more request of about ``tokens`` tokens fits in all quotas.

    Requests are counted before; tokens and USD are known only after, so the request that
    reaches those limits still passes, and the next one waits. A request larger than the whole
    limit is refused for good.
    """
    fits = "No quota applies."
    for quota, have in used:
        if (most := quota.requests_per_minute) is not None and have.requests + 1 > most:
            return _refuse(quota, have, f"{have.requests:,} of {most:,} requests")
        if (most := quota.tokens_per_minute) is not None and (have.tokens >= most or tokens > most):
            return _refuse(quota, have, f"{have.tokens:,} of {most:,} tokens", tokens > most)
        if quota.usd_per_minute is not None and have.usd >= quota.usd_per_minute:
            return _refuse(quota, have, f"{have.usd:,.4f} of {quota.usd_per_minute:,.4f} USD")
        fits = "The request fits in all quotas."
    return QuotaDecision(True, (Reason("within_quota", fits),))


def quota_left(quota: Quota, used: Used) -> Left:
    """What is left of a quota after what was used."""
    requests, tokens, usd = (quota.requests_per_minute, quota.tokens_per_minute,
                             quota.usd_per_minute)
    return Left(None if requests is None else max(requests - used.requests, 0),
                None if tokens is None else max(tokens - used.tokens, 0),
                None if usd is None else max(usd - used.usd, Decimal(0)))


def _refuse(quota: Quota, have: Used, what: str, never: bool = False) -> QuotaDecision:
    wait_s = None if never else max(have.frees_in_s, 0.001)
    advice = "the request alone is larger" if wait_s is None else f"ask again in {wait_s:.0f} s"
    return QuotaDecision(False, (Reason(
        "quota_reached", f"The {quota.label} is used up: {what} within 60 s; {advice}."),),
        quota, wait_s)
