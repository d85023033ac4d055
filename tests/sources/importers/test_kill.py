"""A program killed in the middle of an import leaves all of the file or none of it."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brain.imports import ImportPlan, recover_imports, run_import
from brain.settings import load
from tests.sources.importers.conftest import small_engine

ROOT = Path(__file__).resolve().parents[3]
ROWS = 600_000


@pytest.fixture(scope="module")
def big_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.parquet"
    first = int(dt.datetime(2026, 1, 2, tzinfo=dt.UTC).timestamp()) * 1_000
    pq.write_table(pa.table({
        "timestamp": pa.array(range(first, first + ROWS)), "input_tokens": [7] * ROWS}), path)
    return path


def run_and_kill(data_dir: Path, path: Path, steps: int) -> list[str]:
    """Start an import and kill it (SIGKILL) at the given step; the steps it said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.sources.importers.killed_import", str(data_dir), str(path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = []
    try:
        for _ in range(steps):
            said.append(child.stdout.readline().strip())
            if said[-1].startswith("done") or not said[-1]:
                break
            if len(said) < steps:
                child.stdin.write("\n")
                child.stdin.flush()
    finally:
        child.kill()
        child.communicate()
    return said


@pytest.mark.slow
def test_killed_imports_leave_none_or_all(tmp_path, big_file):
    data_dir, stages, outcomes = tmp_path / "data", set(), set()
    for steps in range(1, 30):
        said = run_and_kill(data_dir, big_file, steps)
        stages.add(said[-1].split()[0])
        engine = small_engine(load({}, data_dir=str(data_dir)))
        try:
            recover_imports(engine)
            there = engine.store.kinds()["requests"]
            assert there in (0, ROWS), said
            assert engine.ingestion.verify() == ()
            states = [row["status"] for row in engine.state.rows("imports",
                                                                 order="started_at_utc")]
            assert "running" not in states
            assert not [each for each in (data_dir / "imports").iterdir() if each.is_dir()]
            outcomes.add(states[-1] if states else "none")
            if there:
                break
        finally:
            engine.close()
    assert stages >= {"read", "keep", "roll"}
    assert outcomes >= {"interrupted", "done"}
    engine = small_engine(load({}, data_dir=str(data_dir)))
    try:
        again = run_import(engine, big_file, ImportPlan(model="m"))
        assert (again.rows_kept, again.rows_repeated) == (0, ROWS)
        assert engine.store.kinds()["requests"] == ROWS
    finally:
        engine.close()
