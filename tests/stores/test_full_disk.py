"""A full disk: an append fails aloud, leaves nothing half, and works again when there is room."""

import subprocess
import sys
from pathlib import Path

from brain.sources.spool import Spool

ROOT = Path(__file__).resolve().parents[2]


def test_a_full_disk_is_an_error_and_nothing_more(tmp_path: Path) -> None:
    program = Path(__file__).with_name("full_disk_process.py")
    done = subprocess.run([sys.executable, str(program), str(tmp_path)], cwd=ROOT, text=True,
                          env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120,
                          check=True)
    told = dict(line.split() for line in done.stdout.splitlines())
    assert len(told) == 60
    accepted = [number for number, what in told.items() if what == "accepted"]
    refused = [number for number, what in told.items() if what == "OperationalError"]
    assert len(accepted) + len(refused) == 60 and len(refused) >= 10
    assert told["4"] == "accepted" and told["49"] == "OperationalError"
    assert accepted[-10:] == [str(number) for number in range(50, 60)]
    spool = Spool(tmp_path / "spool.sqlite")
    there = [each.table()["event_id"].to_pylist() for each in spool.read(0, 1_000)]
    assert there == [[f"{number}-{part}"] for number in accepted for part in "ab"]
    spool.close()
