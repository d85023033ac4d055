"""Reserve, settle, release, expire: one contract on SQLite, PostgreSQL and Redis."""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from brain.decisions.budget_claims import EXPIRED_KEPT, Claim, Counted, LedgerUnavailable, Settled
from brain.sources.reservations_redis import RedisReservations
from brain.sources.reservations_sql import SqlReservations
from brain.sources.state import StateStore
from tests.budgets.reserving_process import DAY, LEASE, MONTH, NOW, Ledger
from tests.services.postgres import PostgresServer
from tests.services.process import free_port, wait_until
from tests.services.redis import running_redis

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS, CALLS = 8, 8, 8
KILLED = 3
LATER = NOW + LEASE


@pytest.fixture(scope="module")
def postgres_store(postgres_server: PostgresServer) -> Iterator[StateStore]:
    """A state store on PostgreSQL, for all tests of this file."""
    with postgres_server.database() as address:
        opened = StateStore(address)
        yield opened
        opened.close()


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger of each sort."""
    if request.param == "redis":
        address = str(request.getfixturevalue("redis_server").url)
        with redis.Redis.from_url(address) as link:
            link.flushdb()
        remote = RedisReservations(address, 30.0)
        yield remote
        remote.close()
    elif request.param == "postgres":
        state = request.getfixturevalue("postgres_store")
        state.delete("budget_counters")
        state.delete("budget_reservations")
        yield SqlReservations(state)
    else:
        state = StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")
        yield SqlReservations(state)
        state.close()


def reserve(ledger: Ledger, key: str, amount: str, *claims: Claim, now: dt.datetime = NOW,
            owner: str = "me") -> Any:
    return ledger.reserve(key, owner, claims or (MONTH,), Decimal(amount), now, now + LEASE)


def counted(ledger: Ledger, claim: Claim = MONTH) -> tuple[Decimal, Decimal]:
    found = ledger.count(claim.budget_id, claim.window_start_utc)
    return found.spent_usd, found.reserved_usd


def test_holds_then_books_the_true_cost(ledger: Ledger) -> None:
    assert counted(ledger) == (0, 0)
    assert reserve(ledger, "a", "4") is None
    assert counted(ledger) == (0, 4)
    assert ledger.settle("a", Decimal("1.123456789")) == Settled(True)
    assert counted(ledger) == (Decimal("1.123456789"), 0)


def test_fits_to_the_last_nano(ledger: Ledger) -> None:
    assert reserve(ledger, "a", "9.999999998") is None
    refused = reserve(ledger, "b", "0.000000002")
    assert refused.budget_id == "month"
    assert refused.counted == Counted(Decimal(0), Decimal("9.999999998"))
    assert reserve(ledger, "c", "0.000000001") is None
    assert reserve(ledger, "d", "0.0000000001") is not None  # rounded up, never down


def test_amounts_beyond_what_floating_point_holds(ledger: Ledger) -> None:
    vast = Claim("vast", MONTH.window_start_utc, MONTH.window_end_utc, Decimal(10) ** 9)
    assert reserve(ledger, "a", "999999999.999999998", vast) is None
    assert reserve(ledger, "b", "0.000000003", vast) is not None
    assert reserve(ledger, "c", "0.000000002", vast) is None
    ledger.settle("a", Decimal("999999999.999999997"))
    assert counted(ledger, vast) == (Decimal("999999999.999999997"), Decimal("0.000000002"))


def test_all_budgets_or_none(ledger: Ledger) -> None:
    small = Claim("small", MONTH.window_start_utc, MONTH.window_end_utc, Decimal(1))
    assert reserve(ledger, "a", "2", MONTH, small).budget_id == "small"
    assert counted(ledger) == (0, 0)
    assert reserve(ledger, "a", "0.5", MONTH, DAY, small) is None
    assert [counted(ledger, each)[1] for each in (MONTH, DAY, small)] == [Decimal("0.5")] * 3


def test_released_costs_nothing(ledger: Ledger) -> None:
    reserve(ledger, "a", "4", MONTH, DAY)
    assert ledger.release("a") is True
    assert ledger.release("a") is False
    assert counted(ledger) == counted(ledger, DAY) == (0, 0)


def test_settles_once(ledger: Ledger) -> None:
    reserve(ledger, "a", "4")
    ledger.settle("a", Decimal(3))
    assert ledger.settle("a", Decimal(3)) == Settled(False)
    assert ledger.settle("never", Decimal(3)) == Settled(False)
    assert counted(ledger) == (3, 0)


def test_an_id_holds_once(ledger: Ledger) -> None:
    reserve(ledger, "a", "4")
    with pytest.raises(ValueError, match="exists already"):
        reserve(ledger, "a", "4")
    assert counted(ledger) == (0, 4)


def test_a_cost_above_what_was_held_is_told_and_booked(ledger: Ledger) -> None:
    reserve(ledger, "a", "2")
    assert ledger.settle("a", Decimal("2.5")) == Settled(True, over_usd=Decimal("0.5"))
    assert counted(ledger) == (Decimal("2.5"), 0)


def test_a_dead_owner_holds_nothing_after_its_lease(ledger: Ledger) -> None:
    reserve(ledger, "a", "4", MONTH, DAY)
    assert ledger.expire(LATER - dt.timedelta(milliseconds=1)) == 0
    assert ledger.expire(LATER) == 2
    assert ledger.expire(LATER) == 0
    assert counted(ledger) == (0, 0)


def test_a_living_owner_keeps_what_it_holds(ledger: Ledger) -> None:
    reserve(ledger, "a", "4", owner="alive")
    reserve(ledger, "b", "3", owner="dead")
    assert ledger.renew("alive", LATER + LEASE) == 1
    assert ledger.renew("nobody", LATER + LEASE) == 0
    assert ledger.expire(LATER) == 1
    assert counted(ledger) == (0, 4)


def test_what_stands_in_the_way_is_expired_first(ledger: Ledger) -> None:
    reserve(ledger, "a", "9")
    assert reserve(ledger, "b", "9", now=LATER - dt.timedelta(seconds=1)) is not None
    assert reserve(ledger, "c", "9", now=LATER) is None
    assert counted(ledger) == (0, 9)


def test_one_who_comes_late_is_booked_and_told(ledger: Ledger) -> None:
    reserve(ledger, "a", "4")
    ledger.expire(LATER)
    assert ledger.settle("a", Decimal(3)) == Settled(True, was_late=True)
    assert counted(ledger) == (3, 0)
    reserve(ledger, "b", "4")
    ledger.expire(LATER)
    assert ledger.release("b") is True
    assert counted(ledger) == (3, 0)


def test_past_windows_and_reservations_are_forgotten(ledger: Ledger) -> None:
    reserve(ledger, "a", "4")
    reserve(ledger, "b", "4")
    ledger.settle("b", Decimal(2))
    ledger.expire(LATER)
    ledger.expire(MONTH.window_end_utc + EXPIRED_KEPT - dt.timedelta(seconds=1))
    assert counted(ledger) == (2, 0)
    ledger.expire(MONTH.window_end_utc + EXPIRED_KEPT + dt.timedelta(seconds=1))
    assert counted(ledger) == (0, 0)
    assert ledger.settle("a", Decimal(1)) == Settled(False)


def test_spend_that_was_never_reserved_counts(ledger: Ledger) -> None:
    ledger.note_spent(MONTH, Decimal(6))
    ledger.note_spent(MONTH, Decimal(5))  # less is no news
    assert counted(ledger) == (6, 0)
    assert reserve(ledger, "a", "4") is not None
    assert reserve(ledger, "b", "3.999999999") is None


def test_windows_are_apart(ledger: Ledger) -> None:
    after = Claim("month", MONTH.window_end_utc, dt.datetime(2026, 5, 1, tzinfo=dt.UTC),
                  MONTH.cap_usd)
    reserve(ledger, "a", "9")
    assert reserve(ledger, "b", "9", after) is None
    ledger.settle("a", Decimal(8))  # goes to the window in which it was reserved
    assert (counted(ledger), counted(ledger, after)) == ((8, 0), (0, 9))


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1e10"])
def test_refuses_amounts_that_are_none(ledger: Ledger, amount: str) -> None:
    with pytest.raises(ValueError, match="cannot be reserved"):
        reserve(ledger, "a", amount)
    assert counted(ledger) == (0, 0)


def test_64_writers_some_killed_never_pass_the_cap(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.budgets.reserving_process", ledger.url, str(folder),
         str(PROCESSES), str(KILLED), str(THREADS), str(CALLS)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    with program.stdout as told:
        workers = [int(each) for each in told.readline().split()]
    victims = workers[:KILLED]
    seen: list[bool] = []

    def watch() -> bool:
        for claim in (MONTH, DAY):
            seen.append(sum(counted(ledger, claim)) <= claim.cap_usd)
        for victim in list(victims):  # in the middle of its work, each a little later
            if len(read(folder, victim).splitlines()) > 8 * (KILLED - len(victims) + 1):
                os.kill(victim, signal.SIGKILL)
                victims.remove(victim)
        return program.poll() is not None
    wait_until(watch, "64 writers came to an end", 60)
    assert program.returncode == 0
    assert victims == []  # each was killed
    assert all(seen)
    logs = [read(folder, worker) for worker in workers]
    booked = sum_up(logs, "end")
    begun = sum_up(logs, "begin")
    assert sum(log.count("refused") for log in logs) > 0
    ledger.expire(NOW + LEASE)
    for claim in (MONTH, DAY):
        spent, reserved = counted(ledger, claim)
        assert reserved == 0  # nothing leaked, whoever died when
        assert booked <= spent <= begun
        assert spent <= claim.cap_usd
    assert counted(ledger) == counted(ledger, DAY)  # both or neither, at every kill
    assert counted(ledger)[0] > MONTH.cap_usd * Decimal("0.8")  # the cap was really at stake


def read(folder: Path, worker: int) -> str:
    path = folder / str(worker)
    return path.read_text() if path.exists() else ""


def sum_up(logs: list[str], word: str) -> Decimal:
    return Decimal(sum(int(line.split()[1]) for log in logs for line in log.splitlines()
                       if line.startswith(word))).scaleb(-9)


def test_a_silent_ledger_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        RedisReservations(f"redis://127.0.0.1:{free_port()}/0", 0.2).count("month", NOW)
    with running_redis(tmp_path) as server:
        silent = RedisReservations(server.url, 0.2)
        assert silent.expire(NOW) == 0
        server.freeze()
        with pytest.raises(LedgerUnavailable):
            reserve(silent, "a", "1")
        server.thaw()
        silent.close()


def test_a_state_store_that_is_gone_is_told(tmp_path: Path) -> None:
    state = StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")
    with state.begin() as connection:
        connection.exec_driver_sql("drop table budget_counters")
    with pytest.raises(LedgerUnavailable):
        reserve(SqlReservations(state), "a", "1")
    state.close()
