"""What a choice has to keep to just now: quotas, budgets, and where the workspace's data may go."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brain.decisions.budget_claims import Counted, LedgerUnavailable
from brain.decisions.budgets import Budget, project_use, window_at
from brain.decisions.models.constraints import BudgetLeft
from brain.decisions.quotas import Left
from brain.gateway.data_policy import OPEN, DataPolicy
from brain.gateway.question import Question

if TYPE_CHECKING:
    from brain.gateway.desk import Gateway

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Limits:
    """``quotas`` are what is left by "provider/model", ``budgets`` what hard ones leave."""

    policy: DataPolicy = OPEN
    quotas: Mapping[str, Left] = field(default_factory=dict)
    budgets: tuple[BudgetLeft, ...] = ()

    def facts(self) -> dict[str, Any]:
        """What of it is worth writing down beside a choice."""
        found: dict[str, Any] = {}
        if self.policy != OPEN:
            found["data_policy"] = {
                "regions": sorted(self.policy.regions), "no_training": self.policy.no_training,
                "no_training_for_personal_data": self.policy.no_training_for_personal_data}
        if self.quotas:
            found["quotas_left"] = {name: {
                "requests": each.requests, "tokens": each.tokens,
                "usd": None if each.usd is None else str(each.usd)}
                for name, each in self.quotas.items()}
        if self.budgets:
            found["budgets_left"] = [{
                "budget": each.label, "remaining_usd": str(each.remaining_usd),
                "projected_usd": None if each.projected_usd is None
                else f"{each.projected_usd:.6f}"} for each in self.budgets]
        return found


async def read_limits(gateway: "Gateway", question: Question, budgets: bool) -> Limits:
    """The limits of one question; ``budgets`` says that a hard budget may apply to it."""
    left: tuple[BudgetLeft, ...] = ()
    if budgets:
        left = await asyncio.to_thread(_read_budgets, gateway, question)
    return Limits(gateway.data_policies.of(question.workspace_id), _read_quotas(gateway), left)


def _read_quotas(gateway: "Gateway") -> dict[str, Left]:
    found = {}
    for provider in {each.provider for each in gateway.providers.models()} \
            if gateway.quotas.all() else ():
        if (left := gateway.quotas.left("provider", provider)) is not None:
            for each in gateway.providers.models():
                if each.provider == provider:
                    found[f"{provider}/{each.name}"] = left
    return found


def _read_budgets(gateway: "Gateway", question: Question) -> tuple[BudgetLeft, ...]:
    now = gateway.now()
    return tuple(_stand(each, gateway.holds.count(each, window_at(each, now).start), now)
                 for each in gateway.holds.applying(question))


def _stand(budget: Budget, counted: "Counted | LedgerUnavailable", now: dt.datetime) -> BudgetLeft:
    """What a budget leaves. One whose ledger is silent leaves nothing that is known: the step that
    holds the cost refuses then, with the reason."""
    named = {"provider": budget.name if budget.scope == "provider" else "",
             "model": budget.name if budget.scope == "model" else ""}
    label = f"{budget.label} ({budget.budget_id})"
    if isinstance(counted, LedgerUnavailable):
        return BudgetLeft(_NOTHING, None, label, **named)
    left = budget.amount_usd - counted.spent_usd - counted.reserved_usd
    return BudgetLeft(left, project_use(counted.spent_usd, window_at(budget, now), now), label,
                      **named)
