"""Quotas in force: kept in the state store, counted in memory over the last minute."""

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from brain.decisions.quotas import (
    WINDOW_S,
    Left,
    Quota,
    QuotaDecision,
    Scope,
    Used,
    check_quota,
    decide_quota,
    quota_left,
)
from brain.decisions.reasons import Reason
from brain.gateway.fresh import Fresh
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

SET, REMOVED = "quota set", "quota removed"
_MOST_CALLERS = 100_000
_FREE = QuotaDecision(True, (Reason("no_quota", "No quota applies."),))


class _Meter:
    """What one caller used, by second, over the last minute; a second goes when its last does."""

    __slots__ = ("cells", "requests", "tokens", "usd")

    def __init__(self) -> None:
        self.cells: deque[list[Any]] = deque()
        self.requests, self.tokens, self.usd = 0, 0, Decimal(0)

    def add(self, now_s: float, requests: int, tokens: int, usd: Decimal) -> None:
        second = int(now_s)
        if not self.cells or self.cells[-1][0] != second:
            self.cells.append([second, 0, 0, Decimal(0), now_s])
        cell = self.cells[-1]
        cell[1] += requests
        cell[2] += tokens
        cell[3] += usd
        cell[4] = now_s
        self.requests += requests
        self.tokens += tokens
        self.usd += usd

    def used(self, now_s: float) -> Used:
        while self.cells and self.cells[0][4] <= now_s - WINDOW_S:
            _, requests, tokens, usd, _ = self.cells.popleft()
            self.requests -= requests
            self.tokens -= tokens
            self.usd -= usd
        frees = self.cells[0][4] + WINDOW_S - now_s if self.cells else 0.0
        return Used(self.requests, self.tokens, self.usd, frees)


class Quotas:
    """Sets quotas, lets requests in by them, and counts what they used."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str],
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._meters: dict[tuple[str, str], _Meter] = {}
        self._quotas = Fresh(self._read, 1.0)

    def all(self) -> tuple[Quota, ...]:
        """Every quota, by scope and name."""
        return tuple(self._quotas.get().values())

    def put(self, quota: Quota, person: str = "") -> Quota:
        """The quota as stored. Raises InputError naming the field that cannot be used."""
        check_quota(quota)
        before = self._read().get((quota.scope, quota.name))
        table = self._state.tables["gateway_quotas"]
        with self._state.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.scope == quota.scope,
                                                      table.c.name == quota.name))
            connection.execute(sa.insert(table), [plain_times({
                **asdict(quota), "changed_at_utc": self._clock(), "usd_per_minute":
                None if quota.usd_per_minute is None else format(quota.usd_per_minute, "f")})])
        self._state.audit(self._clock(), person or self._whoami(), SET, quota.label,
                          before and asdict(before), asdict(quota))
        self._quotas.forget()
        return quota

    def remove(self, scope: Scope, name: str = "", person: str = "") -> bool:
        """Whether there was such a quota, which is gone now."""
        gone = self._state.delete("gateway_quotas", scope=scope, name=name) > 0
        if gone:
            self._state.audit(self._clock(), person or self._whoami(), REMOVED, f"{scope} {name}",
                              None, None)
        self._quotas.forget()
        return gone

    def admit(self, callers: dict[Scope, str], tokens: int) -> QuotaDecision:
        """Whether one more request of about ``tokens`` fits; then it is counted at once."""
        return self._admit([("platform", ""), *((scope, name) for scope, name in callers.items()
                                                if name)], tokens)

    def admit_provider(self, provider: str, tokens: int) -> QuotaDecision:
        """The same for a provider that the engine chose; its callers were counted before."""
        return self._admit([("provider", provider)], tokens)

    def left(self, scope: Scope, name: str) -> Left | None:
        """What a caller's quota leaves within the minute, None without a quota."""
        quotas = self._quotas.get()
        quota = quotas.get((scope, name)) or quotas.get((scope, ""))
        return None if quota is None else quota_left(quota, self.used(scope, name))

    def _admit(self, keys: list[tuple[str, str]], tokens: int) -> QuotaDecision:
        quotas = self._quotas.get()
        if not quotas:
            return _FREE
        now_s = self._monotonic()
        with self._lock:
            applying = [(quota, self._meter(*key)) for key in keys
                        if (quota := quotas.get(key) or quotas.get((key[0], "")))]
            decision = decide_quota(((quota, meter.used(now_s)) for quota, meter in applying),
                                    tokens)
            if decision.allowed:
                for _, meter in applying:
                    meter.add(now_s, 1, 0, Decimal(0))
        return decision if applying else _FREE

    def count(self, callers: dict[Scope, str], tokens: int, usd: Decimal) -> None:
        """Note what a request used that was let in."""
        quotas = self._quotas.get()
        if not quotas:
            return
        now_s = self._monotonic()
        with self._lock:
            for scope, name in (("platform", ""), *callers.items()):
                if (scope, name) in quotas or (scope, "") in quotas:
                    self._meter(scope, name).add(now_s, 0, tokens, usd)

    def used(self, scope: Scope, name: str = "") -> Used:
        """What a caller used within the last minute, as far as a quota counts it."""
        with self._lock:
            found = self._meters.get((scope, name))
            return found.used(self._monotonic()) if found else Used(frees_in_s=0.0)

    def _meter(self, scope: str, name: str) -> _Meter:
        found = self._meters.get((scope, name))
        if found is None:
            if len(self._meters) >= _MOST_CALLERS:  # unknown names must not fill the memory
                self._meters.pop(next(iter(self._meters)))
            found = self._meters[scope, name] = _Meter()
        return found

    def _read(self) -> dict[tuple[str, str], Quota]:
        return {(row["scope"], row["name"]): Quota(
            row["scope"], row["name"], row["requests_per_minute"], row["tokens_per_minute"],
            None if row["usd_per_minute"] is None else Decimal(row["usd_per_minute"]))
            for row in self._state.rows("gateway_quotas", order="name")}
