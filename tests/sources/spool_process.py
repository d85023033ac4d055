"""A program that writes to the spool: ``spool_process.py PATH NAME BATCHES`` prints its numbers."""

import datetime as dt
import sys
from pathlib import Path

from brain.events import Deploy
from brain.sources import frames
from brain.sources.spool import Spool

AT_UTC = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def main(path: str, name: str, batches: str) -> None:
    spool = Spool(Path(path))
    for number in range(int(batches)):
        event = Deploy(event_id=f"{name}-{number}", at_utc=AT_UTC, component="gateway")
        print(*spool.append([("deploys", frames.to_table("deploys", [event]))]), flush=True)
    spool.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
