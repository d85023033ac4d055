"""The spool: what it acknowledged is there, in order, under numbers that are used once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from brain.events import Deploy, Event
from brain.sources import frames
from brain.sources.spool import Spool, SpoolTooNew
from tests import sample

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("spool_process.py")


def deploys(*ids: str) -> list[Event]:
    return [Deploy(event_id=each, at_utc=sample.START, component="gateway") for each in ids]


def batch(*ids: str) -> tuple[str, object]:
    return ("deploys", frames.to_table("deploys", deploys(*ids)))


def ids_in(spool: Spool) -> list[str]:
    return [each for found in spool.read(0, 1_000_000)
            for each in found.table()["event_id"].to_pylist()]


def test_gives_back_what_it_took_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    tables = sample.tables()
    numbers = spool.append(list(tables.items()))
    found = spool.read(0, 100)
    assert [each.batch_seq for each in found] == numbers == sorted(set(numbers))
    for each in found:
        assert each.table().drop_columns("batch_seq") == tables[each.kind]
        assert each.rows == tables[each.kind].num_rows
        assert each.checksum == frames.checksum(tables[each.kind]["event_id"].to_pylist())
    assert spool.waiting(numbers[0]) == (len(tables) - 1,
                                         sum(each.rows for each in found[1:]))
    assert [each.batch_seq for each in spool.read(numbers[2], 2)] == numbers[3:5]
    spool.close()


def test_threads_share_the_way_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")

    def write(thread: int) -> list[int]:
        return [number for each in range(20)
                for number in spool.append([batch(f"{thread}-{each}")])]

    with ThreadPoolExecutor(16) as threads:
        numbers = [number for found in threads.map(write, range(16)) for number in found]
    assert len(set(numbers)) == 16 * 20
    assert sorted(ids_in(spool)) == sorted(f"{t}-{n}" for t in range(16) for n in range(20))
    spool.close()


def test_processes_share_the_way_in(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"  # not there yet: all four may create it
    writers = [subprocess.Popen([sys.executable, str(WRITER), str(path), str(each), "25"],
                                cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, text=True,
                                stdout=subprocess.PIPE) for each in range(4)]
    printed = [writer.communicate(timeout=240)[0] for writer in writers]
    numbers = [int(each) for text in printed for each in text.split()]
    assert [writer.returncode for writer in writers] == [0] * 4
    assert len(set(numbers)) == len(numbers) == 100
    spool = Spool(path)
    assert sorted(ids_in(spool)) == sorted(f"{w}-{n}" for w in range(4) for n in range(25))
    spool.close()


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    first = spool.append([batch("a"), batch("b")])
    reserved = spool.reserve("deploys")
    spool.forget(reserved, {"deploys": (2, 2, 7)})
    assert spool.read(0, 10) == []
    spool.close()
    again = Spool(tmp_path / "spool.sqlite")
    assert again.append([batch("c")])[0] > reserved > max(first)
    assert again.anchors() == {"deploys": (reserved, 2, 2, 7)}
    again.close()


def test_a_reserved_number_brings_no_batch(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.reserve("deploys")
    assert spool.read(0, 10) == [] and spool.waiting(0) == (0, 0)
    spool.close()


@pytest.mark.parametrize("waiting", [0, 3])
def test_a_new_spool_goes_on_after_the_store(tmp_path: Path, waiting: int) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    for each in range(waiting):
        spool.append([batch(str(each))])
    spool.continue_after(40)
    assert [each.batch_seq for each in spool.read(40, 10)] == [41, 42, 43][:waiting]
    assert ids_in(spool) == [str(each) for each in range(waiting)]
    spool.forget(100, {})
    assert spool.append([batch("next")]) == [41 + waiting]
    spool.continue_after(41 + waiting)  # nothing to do: the numbers are above already
    assert ids_in(spool) == ["next"]
    spool.close()


def test_an_append_that_fails_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.append([batch("before")])
    with pytest.raises(Exception, match="NOT NULL"):
        spool.append([batch("first"), (None, batch("second")[1])])  # type: ignore[list-item]
    assert ids_in(spool) == ["before"]
    spool.append([batch("after")])
    assert ids_in(spool) == ["before", "after"]
    spool.close()


def test_refuses_a_newer_schema(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool._run("migrate/write_version", version=999)
    spool.close()
    with pytest.raises(SpoolTooNew, match=r"999.*install the newer program"):
        Spool(tmp_path / "spool.sqlite")
