"""A program whose disk is full for a while: prints what happened to each batch it sent.

``full_disk_process.py FOLDER``: the room for files is a limit of this process, so that no
mount and no root is needed.
"""

import resource
import sys
from pathlib import Path

import pyarrow as pa

from brain.events import Deploy
from brain.sources import frames
from brain.sources.spool import Spool
from tests.stores.owner_process import START

ROOM_BYTES = 400_000


def batch(name: str) -> pa.Table:
    """One event of 20 kB, so that room runs out soon."""
    return frames.to_table("deploys", [Deploy(event_id=name, at_utc=START, component="gateway",
                                              note="x" * 20_000)])


def main(folder: str) -> None:
    spool = Spool(Path(folder) / "spool.sqlite")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number in range(60):
        if number == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, most))
        if number == 50:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        try:
            # Two batches in one call: both or none.
            spool.append([("deploys", batch(f"{number}-a")), ("deploys", batch(f"{number}-b"))])
            print(number, "accepted", flush=True)
        except Exception as error:  # the test looks at what it was
            print(number, type(error).__name__, flush=True)
    spool.close()


if __name__ == "__main__":
    main(sys.argv[1])
