"""The journal and the recorder: a killed process loses no record and charges nothing twice."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brain.decisions.budgets import window_at
from brain.engine import Engine
from brain.settings import load
from brain.sources.journal import Journal
from tests.soak import rounds

_HOUR = dt.timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[2]
ASKER = """
import sys, time
from decimal import Decimal
from brain.decisions.budgets import Budget
from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.gateway.providers import ProviderConfig
from brain.gateway.question import Question
from brain.settings import load
engine = Engine.open(load({"BRAIN_DATA_DIR": sys.argv[1]}))
engine.gateway.set_provider(ProviderConfig("sim", "simulated", models=(Model(
    "m", input_usd_per_mtok=Decimal(100), output_usd_per_mtok=Decimal(100)),),
    options={"profile": {"latency_ms": 0, "tokens": 10}}))
engine.budgets.put(Budget("all", Decimal(100), "workspace", "default", hard=True))
number = 0
while True:
    answer = engine.gateway.ask(Question(f"Question {number}?", use_cache=False))
    print(answer.request_id, answer.cost_usd, flush=True)
    number += 1
"""


def test_lines_stay_until_they_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(3):
        journal.write(b"%d" % number)
    taken: list[bytes] = []

    def full(_: object) -> None:
        raise OSError("the disk is full")
    for _ in range(2):
        try:
            journal.settle(full)
        except OSError:
            continue
    assert journal.waiting() == 3
    journal.close()
    again = Journal(tmp_path)  # another start finds what was left
    again.write(b"3")
    assert again.settle(taken.extend) == 4
    assert taken == [b"0", b"1", b"2", b"3"]
    assert list(tmp_path.iterdir()) == []
    assert again.settle(taken.extend) == 0


def test_half_a_line_is_none(tmp_path: Path) -> None:
    (tmp_path / "000000000001.jsonl").write_bytes(b"whole\nhal")
    taken: list[bytes] = []
    Journal(tmp_path).settle(taken.extend)
    assert taken == [b"whole"]


@pytest.mark.slow
@pytest.mark.soak
def test_a_killed_process_loses_no_answered_request(tmp_path: Path) -> None:
    told: dict[str, str] = {}
    for _ in range(rounds(2)):
        asker = subprocess.Popen([sys.executable, "-c", ASKER, str(tmp_path)], cwd=ROOT,
                                 stdout=subprocess.PIPE, text=True, env={
                                     **os.environ, "BRAIN_DEMO_LIVE": "false"})
        assert asker.stdout is not None
        lines = []
        for line in asker.stdout:
            lines.append(line)
            if len(lines) == 150:
                break
        asker.send_signal(signal.SIGKILL)
        lines += asker.stdout.readlines()
        asker.wait(120)
        told |= dict(line.split() for line in lines if line.endswith("\n") and " " in line)
    engine = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path)}))
    try:
        engine.gateway.recorder.flush()
        engine.settle()
        assert engine.faults == ()
        rows = engine.query("requests/search", start=engine.clock() - _HOUR,
                            end=engine.clock() + _HOUR, limit=100_000, text="", least_ms=0.0,
                            workspaces=[], users=[], providers=[], models=[], agents=[],
                            statuses=[])
        assert rows["event_id"].is_unique
        costs = dict(zip(rows["event_id"], rows["cost_usd"], strict=True))
        assert set(told) <= set(costs)
        budget = engine.budgets.book.get("all")
        counted = engine.budgets.ledger.count("all", window_at(budget, engine.clock()).start)
        assert counted.spent_usd == sum(costs.values())
    finally:
        engine.close()
