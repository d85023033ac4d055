"""Reservations of hard budgets in the state store: SQLite on one machine, or PostgreSQL."""

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from brain.decisions.budget_claims import (
    EXPIRED_KEPT,
    Claim,
    Counted,
    LedgerUnavailable,
    Refused,
    Settled,
    from_nano,
    to_nano,
)
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

_MOST_AT_ONCE = 1_000
_Window = tuple[str, dt.datetime, dt.datetime]


class SqlReservations:
    """Every verb is one transaction: it happens wholly or, if the process dies, not at all."""

    def __init__(self, state: StateStore) -> None:
        self.url, self._state = state.url, state
        self._counters = state.tables["budget_counters"]
        self._held = state.tables["budget_reservations"]
        is_sqlite = state.url.startswith("sqlite")
        self._insert: Any = sqlite.insert if is_sqlite else postgresql.insert
        # SQLite's writers take turns by trying again; threads of one process do better in a queue.
        self._turn = threading.Lock() if is_sqlite else nullcontext()

    def reserve(self, reservation_id: str, owner: str, claims: Sequence[Claim],
                amount_usd: Decimal, now: dt.datetime, expires: dt.datetime) -> Refused | None:
        """None if the amount is held in all the budgets, else the one it does not fit in.

        Dead owners' reservations are expired first where they stand in the way. Raises
        ValueError for an id in use, LedgerUnavailable where the store does not answer.
        """
        refused = self._reserve(reservation_id, owner, claims, amount_usd, expires)
        if refused is not None and self.expire(now):
            refused = self._reserve(reservation_id, owner, claims, amount_usd, expires)
        return refused

    def _reserve(self, reservation_id: str, owner: str, claims: Sequence[Claim],
                 amount_usd: Decimal, expires: dt.datetime) -> Refused | None:
        amount = to_nano(amount_usd)
        ordered = sorted(claims, key=lambda each: (each.budget_id, each.window_start_utc))
        with self._begin() as connection:
            for claim in ordered:  # one order for all, so that no two wait for each other
                window = (claim.budget_id, claim.window_start_utc, claim.window_end_utc)
                spent, reserved = self._lock(connection, window)
                if spent + reserved + amount > to_nano(claim.cap_usd):
                    return Refused(claim.budget_id, Counted(from_nano(spent), from_nano(reserved)))
            for claim in ordered:
                self._add(connection, (claim.budget_id, claim.window_start_utc,
                                       claim.window_end_utc), 0, amount)
            if ordered:
                self._hold(connection, reservation_id, owner, ordered, amount, expires)
        return None

    def settle(self, reservation_id: str, cost_usd: Decimal) -> Settled:
        """How booking the true cost went; what was reserved above it is free again."""
        cost = to_nano(cost_usd)
        with self._begin() as connection:
            rows = self._take(connection, reservation_id)
            for row in rows:
                self._add(connection, _window(row), cost,
                          0 if row["expired"] else -row["amount_nano_usd"])
        if not rows:
            return Settled(False)
        over = max(cost - rows[0]["amount_nano_usd"], 0)
        return Settled(True, any(row["expired"] for row in rows), from_nano(over))

    def release(self, reservation_id: str) -> bool:
        """Whether a reservation was given back without cost."""
        with self._begin() as connection:
            rows = self._take(connection, reservation_id)
            for row in rows:
                if not row["expired"]:
                    self._add(connection, _window(row), 0, -row["amount_nano_usd"])
        return bool(rows)

    def renew(self, owner: str, expires: dt.datetime) -> int:
        """How many budgets' reservations of a living owner now hold until ``expires``."""
        this = self._held
        with self._begin() as connection:
            rows = connection.execute(
                sa.select(this.c.reservation_id, this.c.budget_id)
                .where(this.c.owner == owner, ~this.c.expired)
                .with_for_update(skip_locked=True)).all()  # a locked one is just being settled
            for reservation_id, budget_id in rows:
                connection.execute(
                    sa.update(this).values(**plain_times({"expires_at_utc": expires}))
                    .where(this.c.reservation_id == reservation_id,
                           this.c.budget_id == budget_id))
        return len(rows)

    def expire(self, now: dt.datetime) -> int:
        """How many budgets' reservations of dead owners hold nothing any more."""
        this, gone = self._held, 0
        plain = plain_times({"now": now, "kept": now - EXPIRED_KEPT})
        while True:
            with self._begin() as connection:
                rows = connection.execute(
                    sa.select(this).where(~this.c.expired, this.c.expires_at_utc <= plain["now"])
                    .order_by(this.c.reservation_id).limit(_MOST_AT_ONCE)
                    .with_for_update(skip_locked=True)).mappings().all()
                freed: dict[_Window, int] = defaultdict(int)
                for row in rows:
                    freed[_window(row)] += row["amount_nano_usd"]
                    connection.execute(
                        sa.update(this).values(expired=True)
                        .where(this.c.reservation_id == row["reservation_id"],
                               this.c.budget_id == row["budget_id"]))
                for window in sorted(freed):
                    self._add(connection, window, 0, -freed[window])
                if not rows:
                    self._forget(connection, plain["kept"])
            gone += len(rows)
            if len(rows) < _MOST_AT_ONCE:
                return gone

    def count(self, budget_id: str, window_start: dt.datetime) -> Counted:
        """What one window of a budget has spent and holds."""
        this = self._counters
        start = plain_times({"start": window_start})["start"]
        try:
            rows = self._state.rows("budget_counters", this.c.budget_id == budget_id,
                                    this.c.window_start_utc == start)
        except sa.exc.DBAPIError as error:
            raise LedgerUnavailable("the state store does not answer") from error
        return Counted(from_nano(rows[0]["spent_nano_usd"]),
                       from_nano(rows[0]["reserved_nano_usd"])) if rows else Counted()

    def note_spent(self, claim: Claim, spent_usd: Decimal) -> None:
        """Count at least so much as spent: calls that were paid without being reserved."""
        seen = to_nano(spent_usd)
        window = (claim.budget_id, claim.window_start_utc, claim.window_end_utc)
        with self._begin() as connection:
            spent, _ = self._lock(connection, window)
            self._add(connection, window, max(seen - spent, 0), 0)

    def close(self) -> None:
        """Nothing to give free: the state store closes its own connections."""

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        try:
            with self._turn, self._state.begin() as connection:
                yield connection
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            raise LedgerUnavailable("the state store does not answer") from error

    def _where(self, window: _Window) -> tuple[Any, ...]:
        this = self._counters
        return (this.c.budget_id == window[0],
                this.c.window_start_utc == plain_times({"start": window[1]})["start"])

    def _lock(self, connection: sa.Connection, window: _Window) -> tuple[int, int]:
        """Spent and reserved nano-USD of a window, which nobody else changes until the end."""
        this = self._counters
        chosen = sa.select(this.c.spent_nano_usd, this.c.reserved_nano_usd).where(
            *self._where(window)).with_for_update()
        row = connection.execute(chosen).first()
        if row is None:
            connection.execute(self._insert(this).values(**plain_times({
                "budget_id": window[0], "window_start_utc": window[1], "window_end_utc": window[2],
                "spent_nano_usd": 0, "reserved_nano_usd": 0})).on_conflict_do_nothing())
            row = connection.execute(chosen).one()
        return int(row[0]), int(row[1])

    def _add(self, connection: sa.Connection, window: _Window, spent: int, reserved: int) -> None:
        this = self._counters
        changed = sa.update(this).where(*self._where(window)).values(
            spent_nano_usd=this.c.spent_nano_usd + spent,
            reserved_nano_usd=this.c.reserved_nano_usd + reserved)
        if not connection.execute(changed).rowcount:  # forgotten since: a late settlement
            self._lock(connection, window)
            connection.execute(changed)

    def _hold(self, connection: sa.Connection, reservation_id: str, owner: str,
              claims: Sequence[Claim], amount: int, expires: dt.datetime) -> None:
        try:
            connection.execute(sa.insert(self._held), [plain_times({
                "reservation_id": reservation_id, "budget_id": claim.budget_id,
                "window_start_utc": claim.window_start_utc,
                "window_end_utc": claim.window_end_utc, "owner": owner,
                "amount_nano_usd": amount, "expires_at_utc": expires, "expired": False})
                for claim in claims])
        except sa.exc.IntegrityError as error:
            raise ValueError(f"reservation {reservation_id} exists already") from error

    def _take(self, connection: sa.Connection, reservation_id: str) -> list[Mapping[str, Any]]:
        """The rows of a reservation, which are removed; none for an unknown one."""
        this = self._held
        rows = connection.execute(
            sa.select(this).where(this.c.reservation_id == reservation_id)
            .order_by(this.c.budget_id, this.c.window_start_utc).with_for_update()
        ).mappings().all()
        connection.execute(sa.delete(this).where(this.c.reservation_id == reservation_id))
        return [dict(row) for row in rows]

    def _forget(self, connection: sa.Connection, before: dt.datetime) -> None:
        held, counters = self._held, self._counters
        connection.execute(sa.delete(held).where(held.c.expired, held.c.expires_at_utc < before))
        connection.execute(sa.delete(counters).where(counters.c.window_end_utc < before,
                                                     counters.c.reserved_nano_usd == 0))


def _window(row: Any) -> _Window:
    return row["budget_id"], row["window_start_utc"], row["window_end_utc"]
