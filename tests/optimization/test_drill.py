"""The drill: real questions, a squeezed pool, the change proven, a planted one taken back."""

from pathlib import Path

import pytest

from brain.engine import Engine
from brain.optimization.drill import DrillPlan, run_drill
from brain.optimization.history import to_line
from brain.settings import load


@pytest.mark.slow
def test_the_optimizer_finds_proves_and_takes_back(tmp_path: Path) -> None:
    engine = Engine.open(load({}, data_dir=tmp_path))
    try:
        told: list[str] = []
        done = run_drill(engine, DrillPlan(), told.append)
        helped, planted = to_line(done.helped), to_line(done.planted)
        assert done.slots == (2, 4, 4)
        assert (helped.verdict, helped.goal) == ("improved", "generation_latency_p95_ms")
        assert helped.gain_low is not None and helped.gain_low > 0
        assert planted.rolled_back and planted.verdict in ("worse", "unclear")
        assert engine.optimization.current() is None
        asked = engine.query("optimization/providers", is_demo=0,
                             start=helped.started_at_utc.replace(year=2020),
                             end=helped.started_at_utc.replace(year=2100))
        assert int(asked["requests"].sum()) > 100
    finally:
        engine.close()
