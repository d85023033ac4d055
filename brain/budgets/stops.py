"""The kill switch: routes and experiments that a cost spike stopped, and the spike itself."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from analytics.spans import Span
from brain.decisions.budget_caps import Call, CapDecision, Cause, decide_stop
from brain.decisions.budgets import Budget, window_at
from brain.decisions.reasons import InputError, Reason
from brain.sources.state import StateStore

if TYPE_CHECKING:
    import pandas as pd

    from brain.experiments.board import Experiments

STOPPED, RESUMED = "stopped by kill switch", "resumed after kill switch"
SWITCH = "kill switch"
KINDS = ("experiment", "route")
UPPER_LEVEL = 0.995
USUAL = dt.timedelta(days=7)
_HOUR = Budget("hour", Decimal(1), window="hour")


class Stops:
    """What is stopped, kept in the state store. A route is an agent."""

    def __init__(self, state: StateStore, query: Callable[..., "pd.DataFrame"],
                 experiments: "Experiments") -> None:
        self._state, self._query, self._experiments = state, query, experiments

    def all(self) -> list[dict[str, Any]]:
        """What is stopped now, the oldest first: kind, name, at_utc, person, reason."""
        return self._state.rows("budget_stops", order="at_utc")

    def find(self, call: Call) -> CapDecision | None:
        """Why a call may not be made, or None."""
        own = {("route", call.agent_id), *(("experiment", key) for key in call.experiments)}
        for row in self.all():
            if (row["kind"], row["name"]) in own:
                return CapDecision("stopped", (Reason(
                    "stopped", f"The {row['kind']} {row['name']} is stopped since "
                               f"{row['at_utc']:%Y-%m-%d %H:%M} UTC: {row['reason']}"),),
                    http_status=429)
        return None

    def stop(self, kind: str, name: str, reason: str, now: dt.datetime, person: str) -> None:
        """Stop a route or an experiment, which is paused as well where it runs.

        Raises InputError for another kind or no name.
        """
        if kind not in KINDS or not 0 < len(name) <= 256:
            raise InputError("invalid_value", f"kind must be one of {', '.join(KINDS)}, with a "
                                              "name", "kind")
        self._state.delete("budget_stops", kind=kind, name=name)
        self._state.insert("budget_stops", {"kind": kind, "name": name, "at_utc": now,
                                            "person": person, "reason": reason[:1000]})
        self._state.audit(now, person, STOPPED, f"{kind} {name}", None, {"reason": reason})
        if kind == "experiment" and name in self._running():
            self._experiments.pause(name, person, reason)

    def resume(self, kind: str, name: str, now: dt.datetime, person: str) -> bool:
        """Whether it was stopped and goes on. A paused experiment is resumed by its owner."""
        if not self._state.delete("budget_stops", kind=kind, name=name):
            return False
        self._state.audit(now, person, RESUMED, f"{kind} {name}", None, None)
        return True

    def check_spike(self, now: dt.datetime, act: bool) -> tuple[Reason, ...]:
        """What the running hour's spend led to: its cause stopped, named, or why there is none."""
        from analytics.forecasting.answers import CannotForecast
        from analytics.forecasting.one_series import forecast_series
        from brain.budgets.spending import read_history, read_spent

        hour = window_at(_HOUR, now)
        spent = read_spent(self._query, _HOUR, hour, now)
        found = forecast_series(read_history(self._query, _HOUR, hour, now), 1,
                                (0.5, UPPER_LEVEL))
        if isinstance(found, CannotForecast):
            return decide_stop(spent, None, None, ()).reasons
        expected, upper = (Decimal(f"{value:.9f}") for value in (
            float(found.mean[0]), float(found.quantiles[1, 0])))
        causes = self._causes(hour, now) if spent > upper else ()
        decision = decide_stop(spent, expected, upper, causes)
        if act and decision.cause is not None:
            self.stop(decision.cause.kind, decision.cause.name, decision.reasons[0].text, now,
                      SWITCH)
        return decision.reasons

    def _running(self) -> set[str]:
        return {each.key for each in self._experiments.list() if each.state == "running"}

    def _causes(self, hour: Span, now: dt.datetime) -> tuple[Cause, ...]:
        """Routes and running experiments with this hour's spend and their mean hour's."""
        from analytics import spans, usage
        from brain.budgets.spending import NO_FILTERS, read_spent

        past = Span(hour.start - USUAL, hour.start)
        hours = int(past.length_s // usage.HOUR_S)
        sums: list[dict[str, Decimal]] = []
        for span in (Span(hour.start, now), past):
            rows = self._query("usage/series", dimension="agent_id", **usage.series_params(
                {**spans.query_params(span), **NO_FILTERS}, usage.DAY_S))
            sums.append({str(name): sum((Decimal(each) for each in part), Decimal(0))
                         for name, part in rows.groupby("name")["cost_usd"] if name})
        causes = [Cause("route", name, amount, sums[1].get(name, Decimal(0)) / hours)
                  for name, amount in sums[0].items()]
        for each in self._experiments.list():
            if each.state == "running":
                scope = Budget("experiment", Decimal(1), "experiment", each.key, "hour")
                causes.append(Cause(
                    "experiment", each.key,
                    read_spent(self._query, scope, hour, now, each.unit),
                    read_spent(self._query, scope, past, hour.start, each.unit) / hours))
        return tuple(causes)
