"""What happens at a budget's cap, and when spend has to be stopped at its cause."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from brain.decisions.budget_claims import Counted
from brain.decisions.budgets import Budget
from brain.decisions.reasons import Reason

PAYMENT_REQUIRED, TOO_MANY_REQUESTS = 402, 429
LEAST_SPIKE_USD = Decimal(1)
LEAST_SHARE = Decimal("0.5")
"""Of what is spent too much, before one cause is held to be the one."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a call of a model belongs to, before it is made; an empty name belongs to nothing."""

    workspace_id: str = "default"
    provider: str = ""
    model: str = ""
    agent_id: str = ""
    user_id: str = ""
    api_key_id: str = ""
    region: str = ""
    experiments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CapDecision:
    """Whether a call may go on: ``action`` is allow, cheaper_model, throttle, block or stopped.

    ``http_status`` is what a caller over HTTP gets, None where the call goes on. ``model`` is
    the cheaper one to reserve for in its place. ``retry_after_s`` is when to ask again, None
    where waiting does not help.
    """

    action: str
    reasons: tuple[Reason, ...]
    budget_id: str = ""
    http_status: int | None = None
    model: str = ""
    retry_after_s: int | None = None


def applies_to(budget: Budget, call: Call) -> bool:
    """Whether a call counts in a budget. Infrastructure is not paid by the call."""
    own = {"workspace": call.workspace_id, "provider": call.provider, "model": call.model,
           "agent": call.agent_id, "user": call.user_id, "api_key": call.api_key_id,
           "region": call.region}
    if budget.scope == "experiment":
        return budget.name in call.experiments
    return budget.scope == "platform" or own.get(budget.scope) == budget.name


def decide_at_cap(budget: Budget, counted: Counted, needed_usd: Decimal, call: Call,
                  now: dt.datetime, resets: dt.datetime) -> CapDecision:
    """What becomes of a call whose highest cost does not fit in a hard budget.

    A cheaper model is only offered to a call that does not use it already. A throttled call
    comes again after the budget's pause where open calls hold the room, else at the reset.
    """
    reset_s = max(1, math.ceil((resets - now).total_seconds()))
    fits_later = counted.spent_usd + needed_usd <= budget.amount_usd
    held = f" and {counted.reserved_usd:,.4f} held for calls under way" \
        if counted.reserved_usd else ""
    why = Reason("budget_reached", (
        f"The {budget.label} ({budget.budget_id}) has no room for {needed_usd:,.4f} USD: "
        f"{counted.spent_usd:,.4f} of {budget.amount_usd:,.2f} USD are spent{held}. It resets at "
        f"{resets:%Y-%m-%d %H:%M} UTC."))
    if budget.at_cap == "cheaper_model" and call.model != budget.fallback_model:
        return CapDecision("cheaper_model", (why, Reason(
            "cheaper_model", f"{budget.fallback_model} may answer in place of {call.model or '?'}, "
                             "if its highest cost fits.")),
            budget.budget_id, model=budget.fallback_model)
    if budget.at_cap == "throttle":
        wait_s = min(budget.throttle_s, reset_s) if fits_later else reset_s
        return CapDecision("throttle", (why, Reason("throttled", f"Try again in {wait_s} s.")),
                           budget.budget_id, TOO_MANY_REQUESTS, retry_after_s=wait_s)
    return CapDecision("block", (why, Reason("blocked", "The call was not made.")),
                       budget.budget_id, PAYMENT_REQUIRED, retry_after_s=reset_s)


# kill switch


@dataclass(frozen=True, slots=True)
class Cause:
    """An experiment or route (an agent), what it spent in the time looked at, and what is usual."""

    kind: str
    name: str
    spent_usd: Decimal
    usual_usd: Decimal

    @property
    def excess_usd(self) -> Decimal:
        """What it spent above the usual, 0 at least."""
        return max(self.spent_usd - self.usual_usd, Decimal(0))


@dataclass(frozen=True, slots=True)
class StopDecision:
    """The cause to stop, or None for going on; always with reasons."""

    cause: Cause | None
    reasons: tuple[Reason, ...]


def decide_stop(spent_usd: Decimal, expected_usd: Decimal | None, upper_usd: Decimal | None,
                causes: Sequence[Cause]) -> StopDecision:
    """Which experiment or route to stop as the cause of a cost spike, if any.

    A spike is spend above the forecast's upper bound, and by a dollar at least. The cause is
    the one that spent most above its usual, if that is half of the excess; of equal ones an
    experiment, whose stop harms less.
    """
    if expected_usd is None or upper_usd is None:
        return StopDecision(None, (Reason("no_forecast", "Without a forecast of the spend "
                                          "nothing is known to be too much."),))
    spent = f"{spent_usd:,.2f} USD were spent, {expected_usd:,.2f} (at most {upper_usd:,.2f}) " \
            "were expected"
    if spent_usd <= upper_usd:
        return StopDecision(None, (Reason("within_bounds", f"{spent}."),))
    excess = spent_usd - expected_usd
    if spent_usd - upper_usd < LEAST_SPIKE_USD:
        return StopDecision(None, (Reason("too_small", f"{spent}: too little to stop for."),))
    ranked = sorted(causes, key=lambda each: (-each.excess_usd, each.kind != "experiment",
                                              each.name))
    if not ranked or ranked[0].excess_usd < LEAST_SHARE * excess:
        return StopDecision(None, (Reason("no_single_cause", f"{spent}, and no experiment or "
                                          "route alone makes half of the excess."),))
    cause = ranked[0]
    return StopDecision(cause, (Reason("cost_spike", (
        f"{spent}; {cause.kind} {cause.name} spent {cause.spent_usd:,.2f} USD, usual are "
        f"{cause.usual_usd:,.2f}.")),))
