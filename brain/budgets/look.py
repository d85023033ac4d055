"""Every budget with how it stands, whatever of it cannot be told."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brain.decisions.budget_claims import LedgerUnavailable
from brain.decisions.budgets import Budget, BudgetStatus

if TYPE_CHECKING:
    from brain.budgets.desk import Budgets

TOLD_FOR = dt.timedelta(days=31)


@dataclass(frozen=True, slots=True)
class BudgetLook:
    """A budget; ``status`` is None where ``fault`` says why it is unknown.

    ``told`` are the crossings of which was alerted in the last 31 days.
    """

    budget: Budget
    status: BudgetStatus | None
    told: tuple[str, ...]
    fault: str = ""

    @property
    def verdict(self) -> str:
        """That of the status, unknown without one."""
        return "unknown" if self.status is None else self.status.verdict


def look_at_all(budgets: "Budgets", now: dt.datetime) -> tuple[BudgetLook, ...]:
    """Every budget, those that want attention first."""
    told: dict[str, list[str]] = {}
    for alert in budgets.alerts(now - TOLD_FOR, now + dt.timedelta(seconds=1)):
        crossing = alert["crossing"]
        told.setdefault(alert["budget_id"], []).append(
            "projected" if crossing == "projected" else f"{crossing} %")
    looks = [_look(budgets, each, tuple(told.get(each.budget_id, ())))
             for each in budgets.list()]
    order = ("spent", "over", "at_risk", "on_track", "unknown")
    return tuple(sorted(looks, key=lambda each: (
        order.index(each.verdict), -(each.status.used_pct if each.status else 0.0))))


def _look(budgets: "Budgets", budget: Budget, told: tuple[str, ...]) -> BudgetLook:
    try:
        return BudgetLook(budget, budgets.status(budget), told)
    except LedgerUnavailable as error:
        return BudgetLook(budget, None, told, f"What is reserved is unknown: {error}")
