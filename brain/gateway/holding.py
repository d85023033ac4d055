"""Holding the highest cost of a call in the budgets before it is made."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brain.decisions.budget_caps import Call, CapDecision, applies_to
from brain.decisions.budget_claims import Counted, LedgerUnavailable
from brain.decisions.budgets import Budget
from brain.gateway.fresh import Fresh
from brain.gateway.question import Question
from brain.sources.providers.interface import Sent

if TYPE_CHECKING:
    from brain.engine import Engine
    from brain.gateway.pricing import Prices

DEFAULT_OUTPUT_TOKENS = 4_096
"""Asked for at most where a hard budget applies and nobody names a limit."""
_PER_MESSAGE, _PER_TOOL = 16, 64


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held for a call, and how many output tokens it may have because of that."""

    reservation_id: str = ""
    output_tokens: int | None = None


class Holds:
    """Reserves and gives back; what a call really cost is settled with its record."""

    def __init__(self, engine: "Engine", prices: "Prices") -> None:
        self._engine, self._prices = engine, prices
        self._known: Fresh[tuple[tuple[Budget, ...], frozenset[tuple[str, str]]]] = Fresh(
            self._read, 1.0)

    def forget(self) -> None:
        """Read budgets and stops anew when they are next asked for."""
        self._known.forget()

    def needed(self, question: Question) -> bool:
        """Whether a hard budget or a stop may apply to the question, as of a second ago."""
        budgets, stops = self._known.get()
        if stops and stops & {("route", question.agent_id),
                              *(("experiment", key) for key in question.experiments)}:
            return True
        return any(_may_apply(each, question) for each in budgets)

    def applying(self, question: Question) -> tuple[Budget, ...]:
        """Hard budgets that some call for the question counts in, as of a second ago."""
        return tuple(each for each in self._known.get()[0] if _may_apply(each, question))

    def count(self, budget: Budget, start: dt.datetime) -> "Counted | LedgerUnavailable":
        """What a window of a budget has spent and holds, or that the ledger is silent."""
        try:
            return self._engine.budgets.ledger.count(budget.budget_id, start)
        except LedgerUnavailable as silent:
            return silent

    async def hold(self, question: Question, sent: Sent, provider: str, model: str,
                   needed: bool) -> Holding | CapDecision:
        """The holding, or why the call may not be made."""
        if not needed:
            return Holding("", sent.max_output_tokens)
        output = sent.max_output_tokens or self._most_output(provider, model)
        now = self._engine.clock()
        highest = self._prices.highest(provider, model, most_prompt_tokens(sent), output, now)
        call = Call(question.workspace_id, provider, model, question.agent_id, question.user_id,
                    question.api_key_id, question.region, question.experiments)
        found = await asyncio.to_thread(self._engine.budgets.reserve, call, highest)
        if found.decision.action != "allow":
            return found.decision
        return Holding(found.reservation_id, output)

    async def drop(self, holding: Holding) -> None:
        """Give back what was held for a call that cost nothing."""
        if holding.reservation_id:
            await asyncio.to_thread(self._engine.budgets.release, holding.reservation_id)

    def _most_output(self, provider: str, model: str) -> int:
        live = self._engine.gateway.providers.live(provider)
        offers = live.config.models if live else ()
        told = next((each.max_output_tokens for each in offers if each.name == model), None)
        return min(told or DEFAULT_OUTPUT_TOKENS, DEFAULT_OUTPUT_TOKENS)

    def _read(self) -> tuple[tuple[Budget, ...], frozenset[tuple[str, str]]]:
        hard = tuple(each for each in self._engine.budgets.book.all() if each.hard)
        return hard, frozenset((row["kind"], row["name"])
                               for row in self._engine.budgets.stops.all())


def most_prompt_tokens(sent: Sent) -> int:
    """More tokens than any tokenizer makes of the prompt: its bytes, and room for the frame."""
    return (sum(_bytes(each) + _PER_MESSAGE for each in sent.messages)
            + sum(_bytes(each) + _PER_TOOL for each in sent.tools) + _bytes(sent.json))


def _bytes(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_bytes(key) + _bytes(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return sum(_bytes(each) for each in value)
    return len(str(value).encode("utf-8", "replace"))


def _may_apply(budget: Budget, question: Question) -> bool:
    if budget.scope in ("provider", "model"):
        return True
    return applies_to(budget, Call(
        question.workspace_id, "", "", question.agent_id, question.user_id, question.api_key_id,
        question.region, question.experiments))
