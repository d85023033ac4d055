"""A program of many writers: ``reserving_process.py URL FOLDER PROCESSES ENDLESS THREADS CALLS``.

The first ENDLESS processes go on until they are killed. Each process writes into FOLDER/<pid>
what it is about to book and what it has booked, in nano-USD, and a line for each refusal.
"""

import datetime as dt
import os
import random
import sys
import threading
from decimal import Decimal
from pathlib import Path

from brain.decisions.budget_claims import Claim
from brain.sources.reservations_redis import RedisReservations
from brain.sources.reservations_sql import SqlReservations
from brain.sources.state import StateStore

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
LEASE = dt.timedelta(minutes=2)
MONTH = Claim("month", dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
              dt.datetime(2026, 4, 1, tzinfo=dt.UTC), Decimal("9.999999999"))
DAY = Claim("day", dt.datetime(2026, 3, 5, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 6, tzinfo=dt.UTC), Decimal(11))
MOST_NANO = 100_000_000  # 0.10 USD a call

Ledger = SqlReservations | RedisReservations


def open_ledger(url: str) -> Ledger:
    if url.startswith("redis"):
        return RedisReservations(url, 30.0)
    return SqlReservations(StateStore(url))


def write(ledger: Ledger, name: str, calls: int, log: int) -> None:
    rng = random.Random(name)
    for number in range(calls):
        most = rng.randint(1, MOST_NANO)
        claims = [MONTH, DAY] if number % 2 else [DAY, MONTH]
        key = f"{name}-{number}"
        if ledger.reserve(key, name, claims, Decimal(most).scaleb(-9), NOW, NOW + LEASE):
            os.write(log, b"refused\n")
            continue
        if rng.random() < 0.1:
            ledger.release(key)
            continue
        cost = rng.randint(most // 2, most)
        os.write(log, f"begin {cost}\n".encode())
        ledger.settle(key, Decimal(cost).scaleb(-9))
        os.write(log, f"end {cost}\n".encode())


def main(url: str, folder: str, processes: str, endless: str, threads: str, calls: str) -> None:
    children = []
    for place in range(int(processes)):
        if child := os.fork():
            children.append(child)
            continue
        most = 10**9 if place < int(endless) else int(calls)
        log = os.open(Path(folder) / str(os.getpid()), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        ledger = open_ledger(url)
        writers = [threading.Thread(target=write,
                                    args=(ledger, f"{os.getpid()}-{each}", most, log))
                   for each in range(int(threads))]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        os._exit(0)
    print(*children, flush=True)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
