"""The verbs of budgets: set, look, reserve before a call, settle after it, check, stop."""

import datetime as dt
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from analytics.spans import Span
from brain.budgets import alerting
from brain.budgets.book import BudgetBook
from brain.budgets.stops import Stops
from brain.decisions.budget_alerts import BudgetAlert
from brain.decisions.budget_caps import Call, CapDecision, applies_to, decide_at_cap
from brain.decisions.budget_claims import Claim, Counted, LedgerUnavailable, Settled
from brain.decisions.budgets import Budget, BudgetStatus, judge_budget, window_at
from brain.decisions.reasons import Reason
from brain.experiments.board import Experiments
from brain.settings import Settings
from brain.sources.reservations_sql import SqlReservations
from brain.sources.state import StateStore

if TYPE_CHECKING:
    from analytics.forecasting.blocks import Change
    from brain.price_book import PriceBook
    from brain.sources.reservations_redis import RedisReservations

_ALLOWED = CapDecision("allow", (Reason("fits", "The call fits in every hard budget."),))
_FREE = CapDecision("allow", (Reason("no_hard_budget", "No hard budget applies to the call."),))


@dataclass(frozen=True, slots=True)
class Reservation:
    """The decision about a call; ``reservation_id`` is to be settled or released, "" if none."""

    decision: CapDecision
    reservation_id: str = ""


class Budgets:
    """Budgets of one platform. ``query`` reads the event store."""

    def __init__(self, settings: Settings, state: StateStore, query: Callable[..., Any],
                 experiments: Experiments, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str], prices: "PriceBook | None" = None) -> None:
        self._state, self._query, self._clock, self._whoami = state, query, clock, whoami
        self._prices = prices
        self._settings, self._experiments = settings.budgets, experiments
        self.book = BudgetBook(state, Decimal(str(settings.budgets.workspace_usd)))
        self.stops = Stops(state, query, experiments)
        self.ledger = _open_ledger(settings, state)
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"

    # budgets

    def list(self) -> tuple[Budget, ...]:
        """Stored budgets, then the default ones of workspaces that were seen."""
        choices = self._query("overview/choices", limit=500)
        return self.book.all(choices.loc[choices["dimension"] == "workspace", "choice"])

    def put(self, budget: Budget, person: str = "") -> Budget:
        """The budget as stored. Raises InputError naming the field that cannot be used."""
        return self.book.put(budget, self._clock(), person or self._whoami())

    def remove(self, budget_id: str, person: str = "") -> None:
        """Take a budget away. Raises LookupError for an unknown one."""
        self.book.remove(budget_id, self._clock(), person or self._whoami())

    def undo(self, budget_id: str, person: str = "") -> Budget | None:
        """The budget as before its last change, None if it was not there; see `BudgetBook.undo`."""
        return self.book.undo(budget_id, self._clock(), person or self._whoami())

    # status

    def status(self, budget: Budget) -> BudgetStatus:
        """How a budget stands now. Raises LedgerUnavailable where reservations are unknown."""
        from analytics.spend_forecast import forecast_spend
        from brain.budgets.spending import read_history, read_spent

        now = self._clock()
        window = window_at(budget, now)
        unit = self._unit(budget)
        counted = self.ledger.count(budget.budget_id, window.start) if budget.hard else Counted()
        # Settled calls are in the ledger first, calls of other programs only in the events.
        spent = max(read_spent(self._query, budget, window, now, unit), counted.spent_usd)
        forecast = forecast_spend(read_history(self._query, budget, window, now, unit), window,
                                  now, spent, budget_usd=budget.amount_usd,
                                  changes=self._steps(budget, window, now))
        return judge_budget(budget, now, spent, counted.reserved_usd, forecast)

    def spent(self, budget: Budget, window: Span, until: dt.datetime) -> Decimal:
        """What a window of a budget, past ones included, has spent until then.

        Raises LedgerUnavailable where settled calls of a hard budget are unknown.
        """
        from brain.budgets.spending import read_spent
        counted = self.ledger.count(budget.budget_id, window.start) if budget.hard else Counted()
        return max(read_spent(self._query, budget, window, until, self._unit(budget)),
                   counted.spent_usd)

    def statuses(self) -> tuple[BudgetStatus, ...]:
        """How every budget stands now."""
        return tuple(self.status(each) for each in self.list())

    def check(self) -> tuple[BudgetAlert, ...]:
        """Alerts that nobody was told of yet, now written down; hard budgets learn of all spend.

        Any number of processes may check: each crossing is told by one of them. Raises
        LedgerUnavailable, all others being told, where a hard budget cannot be looked at.
        """
        found: tuple[BudgetAlert, ...] = ()
        silent: LedgerUnavailable | None = None
        for budget in self.list():
            try:
                status = self.status(budget)
                if budget.hard:
                    self.ledger.note_spent(self._claim(budget, status.at_utc), status.spent_usd)
            except LedgerUnavailable as error:
                silent = error
                continue
            found += alerting.tell(self._state, status)
        if silent is not None:
            raise silent
        return found

    def alerts(self, start: dt.datetime, end: dt.datetime) -> "tuple[dict[str, Any], ...]":
        """Alerts told in [start, end), oldest first."""
        return alerting.read(self._state, start, end)

    # calls

    def reserve(self, call: Call, highest_usd: Decimal | None) -> Reservation:
        """Whether the call may go on, its highest cost being held in all hard budgets or none.

        None as the highest cost is one that no price tells: no hard budget lets it pass. Raises
        ValueError for an amount that is none.
        """
        now = self._clock()
        if stopped := self.stops.find(call):
            return Reservation(stopped)
        budgets = {each.budget_id: each for each in self.book.all()
                   if each.hard and applies_to(each, call)}
        if not budgets:
            return Reservation(_FREE)
        if highest_usd is None:
            return Reservation(CapDecision("block", (Reason(
                "unpriced", "The call has no price, so no hard budget can hold its cost."),),
                next(iter(budgets)), 402))
        claims = [self._claim(each, now) for each in budgets.values()]
        number = uuid.uuid4().hex
        try:
            refused = self.ledger.reserve(number, self._owner, claims, highest_usd, now,
                                          now + self._lease)
        except LedgerUnavailable as error:
            return Reservation(CapDecision("block", (Reason(
                "ledger_unavailable", f"Whether the call fits is unknown: {error}."),),
                next(iter(budgets)), 503))
        if refused is None:
            return Reservation(_ALLOWED, number)
        budget = budgets[refused.budget_id]
        return Reservation(decide_at_cap(budget, refused.counted, highest_usd, call, now,
                                         window_at(budget, now).end))

    def settle(self, reservation_id: str, cost_usd: Decimal) -> Settled:
        """How booking the true cost went; the rest of what was held is free again.

        Raises LedgerUnavailable where that is unknown: settling again books nothing twice.
        """
        return self.ledger.settle(reservation_id, cost_usd)

    def release(self, reservation_id: str) -> bool:
        """Whether a call that was never made gave its reservation back."""
        return self.ledger.release(reservation_id)

    def keep_alive(self) -> int:
        """How many reservations of this process hold on; those of dead ones are expired."""
        now = self._clock()
        kept = self.ledger.renew(self._owner, now + self._lease)
        self.ledger.expire(now)
        return kept

    # kill switch

    def check_spike(self) -> tuple[Reason, ...]:
        """What the running hour's spend led to: its cause stopped (named only, unless the kill
        switch is on), or why there is none."""
        return self.stops.check_spike(self._clock(), self._settings.kill_switch)

    def stop(self, kind: str, name: str, reason: str, person: str = "") -> None:
        """Stop an experiment or a route (an agent) by hand; see `Stops.stop`."""
        self.stops.stop(kind, name, reason, self._clock(), person or self._whoami())

    def resume(self, kind: str, name: str, person: str = "") -> bool:
        """Whether a stopped experiment or route goes on again."""
        return self.stops.resume(kind, name, self._clock(), person or self._whoami())

    def close(self) -> None:
        """Close the ledger's connections."""
        self.ledger.close()

    @property
    def _lease(self) -> dt.timedelta:
        return dt.timedelta(seconds=self._settings.lease_s)

    def _claim(self, budget: Budget, now: dt.datetime) -> Claim:
        window = window_at(budget, now)
        return Claim(budget.budget_id, window.start, window.end, budget.amount_usd)

    def _steps(self, budget: Budget, window: Span, now: dt.datetime) -> "tuple[Change, ...]":
        """Changes of prices that the forecast knows of."""
        if self._prices is None:
            return ()
        from brain.budgets.steps import read_steps
        return read_steps(self._query, self._prices.begun, self._prices.resolve, budget, window,
                          now)

    def _unit(self, budget: Budget) -> str:
        if budget.scope != "experiment":
            return "user"
        found = self._experiments.records.find(budget.name)
        return "user" if found is None else found.unit


def _open_ledger(settings: Settings, state: StateStore) -> "SqlReservations | RedisReservations":
    if not settings.budgets.redis_url:
        return SqlReservations(state)
    from brain.sources.reservations_redis import RedisReservations
    return RedisReservations(settings.budgets.redis_url, settings.redis.timeout_s)
