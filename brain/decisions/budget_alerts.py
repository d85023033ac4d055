"""What to tell of a budget: each crossing once, until its window resets or it is raised."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from brain.decisions.budgets import BudgetStatus
from brain.decisions.reasons import Reason

PROJECTED = "projected"
SEVERITIES = ((100, "critical"), (90, "high"), (80, "warning"), (0, "info"))
"""From which percent on an alert is how severe."""


@dataclass(frozen=True, slots=True)
class AlertMemory:
    """Which crossings were told in the window that began then, of that amount."""

    window_start_utc: dt.datetime
    amount_usd: Decimal
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """One crossing: ``crossing`` is a percent such as "80", or "projected" (to exceed)."""

    budget_id: str
    crossing: str
    severity: str
    at_utc: dt.datetime
    window_start_utc: dt.datetime
    reason: Reason


def decide_alerts(status: BudgetStatus,
                  memory: AlertMemory | None) -> tuple[tuple[BudgetAlert, ...], AlertMemory]:
    """The crossings nobody was told of yet, lowest first, and what to remember.

    A new window forgets all. A raised amount forgets what is no longer crossed. Spend that
    falls, as by a new price, forgets nothing, so that no crossing is told twice.
    """
    crossed = _crossed(status)
    told: tuple[str, ...] = ()
    if memory is not None and memory.window_start_utc == status.window.start:
        raised = status.budget.amount_usd > memory.amount_usd
        told = tuple(each for each in memory.told if not raised or each in crossed)
    new = [each for each in crossed if each not in told]
    return (tuple(_alert(status, each) for each in new),
            AlertMemory(status.window.start, status.budget.amount_usd, (*told, *new)))


def _crossed(status: BudgetStatus) -> list[str]:
    used = 100 * status.spent_usd
    found = [str(each) for each in status.budget.alert_pcts
             if used >= each * status.budget.amount_usd]
    return [*found, PROJECTED] if status.verdict == "over" else found


def _alert(status: BudgetStatus, crossing: str) -> BudgetAlert:
    budget = status.budget
    if crossing == PROJECTED:
        severity = "warning"
        text = (f"The {budget.label} is projected to exceed {budget.amount_usd:,.2f} USD: "
                f"{status.projected_usd:,.2f} USD are expected at its end.")
    else:
        severity = next(name for least, name in SEVERITIES if int(crossing) >= least)
        text = (f"The {budget.label} has passed {crossing} %: {status.spent_usd:,.2f} of "
                f"{budget.amount_usd:,.2f} USD are spent.")
    code = "projected_to_exceed" if crossing == PROJECTED else f"passed_{crossing}_pct"
    return BudgetAlert(budget.budget_id, crossing, severity, status.at_utc, status.window.start,
                       Reason(code, text))
