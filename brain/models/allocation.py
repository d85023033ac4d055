"""The verbs of traffic allocation: set, look, choose a route, move shares, stop, value."""

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from analytics.win_rates import WinRate, rate_wins
from brain.decisions.allocation import (
    AllocationPolicy,
    RouteChoice,
    RouteSeen,
    Shares,
    choose_route,
    decide_shares,
)
from brain.decisions.allocation_context import Experience, decide_context_shares, read_context
from brain.decisions.models.features import Features
from brain.decisions.reasons import Reason
from brain.models.allocation_book import AllocationBook, ShareVersion
from brain.models.allocation_log import (
    PolicyValue,
    Query,
    read_choices,
    summarize_contexts,
    summarize_routes,
    value_shares,
)
from brain.sources.state import StateStore

if TYPE_CHECKING:
    import pandas as pd

    from brain.gateway.calling import Route

Named = TypeVar("Named", bound="Route")
CONSOLE = "console"
CONTEXTS_AFTER = dt.timedelta(minutes=10)
"""How often what was learned by context is renewed where no share of the whole moves."""
READ_AGAIN = dt.timedelta(seconds=1)
"""How long a change by another process may stay unseen."""


@dataclass(frozen=True, slots=True)
class Allocated:
    """What a policy says of one request. ``facts`` belong into the request's record.

    ``followed`` is False in a dry run: the route is what would have been chosen.
    """

    policy_id: str
    choice: RouteChoice
    followed: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A policy that is on, its shares and its stopped routes."""

    policy: AllocationPolicy
    shares: Mapping[str, float]
    version: int
    stopped: frozenset[str]
    experiences: tuple[Experience, ...] = ()
    by_context: dict[tuple[float, ...], Mapping[str, float]] = field(default_factory=dict)

    def shares_for(self, context: tuple[float, ...]) -> Mapping[str, float]:
        """Shares for requests of a context, worked out once."""
        if not context or not self.experiences:
            return self.shares
        found = self.by_context.get(context)
        if found is None:
            left = [each for each in self.experiences if each.route not in self.stopped]
            found = self.by_context[context] = decide_context_shares(left, self.policy, context)
        return found


class Allocation:
    """Traffic allocation of one platform. ``draw`` gives numbers evenly from [0, 1)."""

    def __init__(self, state: StateStore, query: Query, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str], draw: Callable[[], float] = random.random) -> None:
        self.book = AllocationBook(state)
        self._query, self._clock, self._whoami, self._draw = query, clock, whoami, draw
        self._ready: dict[tuple[str, str], _Ready] = {}
        self._read_at: dt.datetime | None = None

    # policies

    def list(self) -> tuple[AllocationPolicy, ...]:
        """Every policy, by id."""
        return self.book.all()

    def get(self, policy_id: str) -> AllocationPolicy:
        """The policy of this id. Raises LookupError for an unknown one."""
        return self.book.get(policy_id)

    def put(self, policy: AllocationPolicy, person: str = "") -> AllocationPolicy:
        """The policy as stored. Raises InputError naming the field that cannot be used."""
        stored = self.book.put(policy, self._clock(), person or self._whoami())
        self._read_at = None
        return stored

    def remove(self, policy_id: str, person: str = "") -> None:
        """Take a policy away. Raises LookupError for an unknown one."""
        self.book.remove(policy_id, self._clock(), person or self._whoami())
        self._read_at = None

    def undo(self, policy_id: str, person: str = "") -> AllocationPolicy | None:
        """The policy as before its last change; see `AllocationBook.undo`."""
        found = self.book.undo(policy_id, self._clock(), person or self._whoami())
        self._read_at = None
        return found

    # kill switch

    def stops(self, policy_id: str = "") -> "tuple[dict[str, Any], ...]":
        """Stopped routes, of one policy or of all."""
        return tuple(each for each in self.book.stops() if policy_id in ("", each["policy_id"]))

    def stop(self, policy_id: str, route: str, reason: str, person: str = "") -> None:
        """Let a policy choose a route no more, from the next second on in every process.

        Raises LookupError for an unknown policy, InputError for a name that is no route.
        """
        self.book.get(policy_id)
        self.book.stop(policy_id, route, reason, self._clock(), person or self._whoami())
        self._read_at = None

    def resume(self, policy_id: str, route: str, person: str = "") -> bool:
        """Whether a stopped route may be chosen again; its past is not held against it."""
        done = self.book.resume(policy_id, route, self._clock(), person or self._whoami())
        self._read_at = None
        return done

    # requests

    def choose(self, possible: Sequence[str], workspace_id: str, task_class: str,
               features: Features | None = None) -> Allocated | None:
        """The route for a request among those that break no constraint, best first.

        None where no policy divides this traffic, or all of its routes are stopped or not
        possible; then the order of the rules stands. The policy nearest to the request counts:
        of its workspace and task class, else of its workspace, else of its task class.
        """
        now = self._clock()
        if self._read_at is None or not dt.timedelta(0) <= now - self._read_at < READ_AGAIN:
            self._ready, self._read_at = self._read(), now
        for key in ((workspace_id, task_class), (workspace_id, ""), ("", task_class), ("", "")):
            if (ready := self._ready.get(key)) is not None:
                break
        else:
            return None
        own = ready.policy.routes
        left = [route for route in possible if not own or route in own]
        context = read_context(features) if ready.policy.context and features else ()
        choice = choose_route(left, ready.shares_for(context), ready.stopped,
                              ready.policy.floor_ratio, self._draw())
        if choice is None:
            return None
        followed = ready.policy.mode == "on"
        logged: dict[str, Any] = {
            "policy": ready.policy.policy_id, "version": ready.version, "route": choice.route,
            "propensity": choice.propensity, "shares": dict(choice.shares)}
        if context:
            logged["context"] = list(context)
        if not followed:  # the log says what really happens: the first of the rules' order
            logged |= {"route": possible[0], "propensity": 1.0, "would_choose": choice.route,
                       "shares": {route: float(route == possible[0]) for route in possible}}
        return Allocated(ready.policy.policy_id, choice, followed, {"allocation": logged})

    def order(self, routes: "tuple[Named, ...]", workspace_id: str, task_class: str,
              features: Features | None = None
              ) -> "tuple[tuple[Named, ...], tuple[Reason, ...], Mapping[str, Any]]":
        """Routes in the order to try, reasons, and facts for the record.

        Where an allocation is on, the one it chose comes first and stopped ones are left out,
        unless none is left.
        """
        named = {f"{each.provider}/{each.model}": each for each in routes}
        found = self.choose(list(named), workspace_id, task_class, features)
        if found is None:
            return routes, (), {}
        if not found.followed:
            return routes, explain(found), found.facts
        stopped = self.stopped_routes(workspace_id, task_class)
        first = found.choice.route
        others = [each for name, each in named.items() if name != first and name not in stopped]
        return (named[first], *others), explain(found), found.facts

    def stopped_routes(self, workspace_id: str, task_class: str) -> frozenset[str]:
        """Routes that no request of this sort may take now, as of the last `choose`."""
        for key in ((workspace_id, task_class), (workspace_id, ""), ("", task_class), ("", "")):
            if (ready := self._ready.get(key)) is not None:
                return ready.stopped if ready.policy.mode == "on" else frozenset()
        return frozenset()

    # learning

    def seen(self, policy: AllocationPolicy) -> tuple[RouteSeen, ...]:
        """What each route has been worth in the policy's window."""
        return self._look(policy)[0]

    def _look(self, policy: AllocationPolicy
              ) -> tuple[tuple[RouteSeen, ...], tuple[Experience, ...]]:
        """What routes did, as a whole and, where the policy goes by it, by context."""
        now = self._clock()
        choices = read_choices(self._query, policy.policy_id,
                               now - dt.timedelta(days=policy.window_days), now)
        seen = summarize_routes(choices, policy, now, self.book.resumes(policy.policy_id))
        return seen, summarize_contexts(choices, policy, now, seen) if policy.context else ()

    def preview(self, policy: AllocationPolicy) -> Shares:
        """The shares that a policy would give now, nothing being changed: a dry run."""
        latest = self.book.latest(policy.policy_id)
        return decide_shares(self.seen(policy), policy, latest.shares if latest else {},
                             [each["route"] for each in self.stops(policy.policy_id)])

    def update(self, person: str = CONSOLE) -> int:
        """How many policies' shares moved, or routes were stopped."""
        moved = 0
        for policy in self.book.all():
            if policy.mode == "off":
                continue
            seen, experiences = self._look(policy)
            latest = self.book.latest(policy.policy_id)
            stopped = [each["route"] for each in self.stops(policy.policy_id)]
            decided = decide_shares(seen, policy, latest.shares if latest else {}, stopped)
            learned = any(each.n for each in seen) and experiences and (
                latest is None or self._clock() - latest.at_utc >= CONTEXTS_AFTER)
            if not seen or not (decided.moved or learned):
                continue
            now = self._clock()
            if policy.mode == "on":
                for route, reason in decided.stopped.items():
                    self.book.stop(policy.policy_id, route, reason.text, now, person)
            version = self.book.note_shares(policy.policy_id, policy.mode, decided.shares, seen,
                                            decided.reasons, now, person)
            if experiences:
                self.book.note_contexts(policy.policy_id, version, experiences)
            moved += 1
        if moved:
            self._read_at = None
        return moved

    # looking back

    def latest(self, policy_id: str) -> ShareVersion | None:
        """The shares in force, None before the first update."""
        return self.book.latest(policy_id)

    def history(self, policy_id: str, start: dt.datetime, end: dt.datetime
                ) -> tuple[ShareVersion, ...]:
        """Shares over time; see `AllocationBook.history`."""
        return self.book.history(policy_id, start, end)

    def choices(self, policy_id: str, start: dt.datetime, end: dt.datetime) -> "pd.DataFrame":
        """The choices of a span with what became of each; see `read_choices`."""
        return read_choices(self._query, policy_id, start, end)

    def value(self, policy_id: str, target: Mapping[str, float], start: dt.datetime,
              end: dt.datetime) -> PolicyValue:
        """What other shares would have scored, cost and taken on the choices of a span."""
        return value_shares(read_choices(self._query, policy_id, start, end), target)

    def win_rates(self, policy_id: str, start: dt.datetime, end: dt.datetime
                  ) -> "dict[tuple[str, str], WinRate]":
        """How often one route did better than another on the same question, by pair."""
        choices = read_choices(self._query, policy_id, start, end)
        return rate_wins(choices.dropna(subset=["quality"]))

    def _read(self) -> dict[tuple[str, str], _Ready]:
        stops: dict[str, set[str]] = {}
        for each in self.book.stops():
            stops.setdefault(each["policy_id"], set()).add(each["route"])
        found = {}
        for policy in self.book.all():
            if policy.mode == "off":
                continue
            latest = self.book.latest(policy.policy_id)
            # A stopped route's share of 0 must not keep it from a fresh start once it is resumed.
            shares = {route: share for route, share in latest.shares.items() if share > 0} \
                if latest else {}
            found[policy.workspace_id, policy.task_class] = _Ready(
                policy, shares, latest.version if latest else 0,
                frozenset(stops.get(policy.policy_id, ())),
                self.book.contexts(policy.policy_id) if policy.context else ())
        return found


def explain(allocated: Allocated) -> tuple[Reason, ...]:
    """The reasons of a choice, for the request's record."""
    if allocated.followed:
        return allocated.choice.reasons
    return (Reason("allocation_dry_run", f"A dry run of {allocated.policy_id} would have chosen "
                                         f"{allocated.choice.route}."),)
