"""A budget's status and settings as JSON-able values and as words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from brain.decisions.budgets import Budget, BudgetStatus

VERDICTS: dict[str, str] = {
    "on_track": "on track", "at_risk": "at risk", "over": "projected to exceed",
    "spent": "spent", "unknown": "unknown"}
_AMOUNTS = ("spent_usd", "reserved_usd", "remaining_usd", "run_rate_usd", "projected_usd",
            "lower_usd", "upper_usd")


def describe_status(status: BudgetStatus) -> dict[str, Any]:
    """The budget and how it stands: amounts as exact decimal text, null where unknown."""
    budget = status.budget
    return {
        "budget_id": budget.budget_id, "scope": budget.scope, "name": budget.name,
        "window": budget.window, "time_zone": budget.time_zone, "reset_day": budget.reset_day,
        "hard": budget.hard, "at_cap": budget.at_cap, "fallback_model": budget.fallback_model,
        "throttle_s": budget.throttle_s, "alert_pcts": list(budget.alert_pcts),
        "amount_usd": f"{budget.amount_usd:f}", "at_utc": status.at_utc.isoformat(),
        "window_start_utc": status.window.start.isoformat(),
        "window_end_utc": status.window.end.isoformat(),
        **{name: _text(getattr(status, name)) for name in _AMOUNTS},
        "used_pct": status.used_pct, "elapsed_pct": status.elapsed_pct,
        "on_track": status.is_on_track, "verdict": status.verdict,
        **{name: None if getattr(status, name) is None else getattr(status, name).isoformat()
           for name in ("runs_out_utc", "runs_out_earliest_utc", "runs_out_latest_utc")},
        "reasons": [{"code": each.code, "text": each.text} for each in status.reasons]}


def describe_cap(budget: Budget) -> str:
    """What happens at the cap, in words."""
    if not budget.hard:
        return "alert only"
    return {"block": "block", "cheaper_model": f"fall back to {budget.fallback_model}",
            "throttle": f"throttle, {budget.throttle_s} s"}[budget.at_cap]


def describe_change(fields: Mapping[str, Any] | None) -> str:
    """A stored budget of the audit record, in words."""
    if fields is None:
        return "none"
    who = "the platform" if fields["scope"] == "platform" else \
        f"{fields['scope'].replace('_', ' ')} {fields['name']}"
    kind = f"hard, {fields['at_cap'].replace('_', ' ')}" if fields["hard"] else "soft"
    return (f"{Decimal(fields['amount_usd']):,f} USD a {fields['window_kind']} for {who}, {kind}, "
            f"{fields['time_zone']}, reset day {fields['reset_day']}")


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
