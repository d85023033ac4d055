"""Whole runs on a real engine: found, applied, measured, kept or taken back, recorded."""

import datetime as dt
from typing import Any

import pytest

from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.optimization.actuators import KnobActuator
from brain.optimization.desk import Planned
from brain.optimization.history import to_line
from brain.optimization.records import Run
from tests.optimization.conftest import NOW, SECOND, Clock, write_traffic


def squeeze(engine: Engine, clock: Clock) -> Run:
    """A run that doubles the slots of a pool that is full."""
    write_traffic(engine, NOW - 300 * SECOND, 300, latency_ms=4000)
    run = engine.optimization.run(person="ada")
    assert isinstance(run, Run), run.plan.reasons
    return run


def finish(engine: Engine, clock: Clock, run: Run, latency_ms: float, **more: Any) -> Run:
    """The run when its windows have passed under the given traffic."""
    write_traffic(engine, clock.now, 660, latency_ms=latency_ms, seed=2, **more)
    for _ in range(80):
        clock.pass_s(10)
        engine.optimization.tick()
        run = engine.optimization.book.find(run.run_id)
        if run.is_over:
            break
    return run


def slots(engine: Engine) -> int:
    return engine.gateway.knobs.read().worker_slots


def test_a_full_pool_is_found_doubled_and_proven(engine: Engine, clock: Clock) -> None:
    before = slots(engine)
    run = squeeze(engine, clock)
    assert (run.strategy, run.step) == ("emergency_scale_up", "stabilizing")
    assert slots(engine) == engine.gateway.slots.state().limit == 2 * before
    run = finish(engine, clock, run, 2000, pool_pct=50, queue=0)
    line = to_line(run)
    assert (line.verdict, line.rolled_back, line.goal) == (
        "improved", False, "generation_latency_p95_ms")
    assert line.measured_gain == pytest.approx(0.5, abs=0.05)
    assert line.gain_low is not None and line.gain_high is not None
    assert line.gain_low < 0.5 < line.gain_high and line.expected_gain == pytest.approx(0.8)
    assert [row["step"] for row in engine.optimization.book.steps(run.run_id)] == [
        "planned", "checkpointed", "applying", "stabilizing", "measuring", "judged", "learning",
        "finished"]
    record = next(each for each in engine.optimization.records()
                  if each.strategy == run.strategy)
    assert (record.runs, record.successes) == (1, 1)
    assert record.gain == pytest.approx(0.8 + (line.measured_gain - 0.8) / 4)
    marks = engine.annotations(NOW - dt.timedelta(hours=1), clock.now)
    assert [row["text"] for row in marks if row["kind"] == "optimization"] == [
        f"Emergency scale-up: replicas {before} → {2 * before} (improved)"]
    actions = [row["action"] for row in engine.state.rows("audit", order="audit_id")]
    assert actions == ["optimization begun", "gateway knobs changed", "optimization finished"]


def test_what_makes_it_worse_is_taken_back(engine: Engine, clock: Clock) -> None:
    before = slots(engine)
    run = finish(engine, clock, squeeze(engine, clock), 6000)
    assert (run.verdict, run.rolled_back) == ("worse", True)
    assert slots(engine) == before
    held = engine.optimization.plan()
    emergency = next(each for each in held.plan.candidates if each.strategy.priority == 1)
    assert (emergency.state, emergency.reasons[-1].code) == ("withheld", "cool_down")
    assert engine.optimization.why_not_back(run) == "this run was rolled back already"


def test_a_past_run_goes_back_while_its_checkpoint_holds(engine: Engine, clock: Clock) -> None:
    before = slots(engine)
    run = finish(engine, clock, squeeze(engine, clock), 2000)
    back = engine.optimization.roll_back(run.run_id, "ada")
    assert (back.is_over, back.rolled_back, slots(engine)) == (True, True, before)
    with pytest.raises(InputError, match="rolled back already"):
        engine.optimization.roll_back(run.run_id)
    clock.pass_s(8000)
    other = finish(engine, clock, _again(engine, clock), 2000)
    engine.gateway.knobs.apply("bob", worker_slots=5)
    with pytest.raises(InputError, match="changed since"):
        engine.optimization.roll_back(other.run_id)


def _again(engine: Engine, clock: Clock) -> Run:
    write_traffic(engine, clock.now - 300 * SECOND, 300, latency_ms=4000, seed=3)
    run = engine.optimization.run()
    assert isinstance(run, Run)
    return run


def test_a_person_stops_it_and_one_run_is_enough(engine: Engine, clock: Clock) -> None:
    before = slots(engine)
    run = squeeze(engine, clock)
    with pytest.raises(InputError, match="only one"):
        engine.optimization.run()
    stopped = engine.optimization.stop("ada")
    assert (stopped.run_id, stopped.step, stopped.rolled_back) == (run.run_id, "finished", True)
    assert slots(engine) == before
    with pytest.raises(LookupError):
        engine.optimization.stop()


def test_what_others_changed_meanwhile_is_left_alone(engine: Engine, clock: Clock) -> None:
    run = squeeze(engine, clock)
    engine.gateway.knobs.apply("bob", worker_slots=3)
    engine.optimization.stop("ada")
    assert slots(engine) == 3
    assert engine.optimization.book.find(run.run_id).body["foreign"] == ["replicas"]
    assert "changed by others" in engine.optimization.alerts()[0]
    assert [row["action"] for row in engine.state.rows("audit")].count("optimization alert") == 1


def test_a_rollback_that_fails_calls_a_person(engine: Engine, clock: Clock,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    from brain.optimization.actuators import ActuatorError
    squeeze(engine, clock)

    def broken(*_: Any) -> None:
        raise ActuatorError("broken", "the lever is stuck")
    monkeypatch.setattr(KnobActuator, "apply", broken)
    run = engine.optimization.stop("ada")
    assert (run.step, run.body["attempts"]) == ("rolling_back", 1)
    for _ in range(4):
        clock.pass_s(3)
        engine.optimization.tick()
    run = engine.optimization.book.find(run.run_id)
    assert (run.is_over, run.rolled_back, run.body["rollback_failed"]) == (True, False, True)
    alerts = [row for row in engine.state.rows("audit") if row["action"] == "optimization alert"]
    assert len(alerts) == 1 and "the lever is stuck" in alerts[0]["after_json"]
    assert "could not be rolled back in 3 attempts" in engine.optimization.alerts()[0]


def test_automatic_looks_follow_their_interval(engine: Engine, clock: Clock) -> None:
    engine.optimization.configure({"automatic": True, "interval_min": 5})
    engine.optimization.tick()
    clock.pass_s(299)
    engine.optimization.tick()
    assert engine.optimization.last_look is None
    engine.optimization.configure({"interval_min": 2})  # the timer begins anew
    engine.optimization.tick()
    clock.pass_s(119)
    engine.optimization.tick()
    assert engine.optimization.last_look is None
    write_traffic(engine, clock.now - 300 * SECOND, 301, latency_ms=4000)
    clock.pass_s(1)
    run = engine.optimization.tick()
    assert run is not None and run.cause == "schedule"


def test_nothing_to_do_is_a_plan_with_reasons(engine: Engine, clock: Clock) -> None:
    found = engine.optimization.run()
    assert isinstance(found, Planned)
    assert found.plan.reasons[0].code == "not_enough_data"
    write_traffic(engine, NOW - 300 * SECOND, 300, latency_ms=900, pool_pct=40, queue=0,
                  cpu_pct=50)
    found = engine.optimization.run()
    assert isinstance(found, Planned) and found.plan.reasons[0].code == "nothing_to_do"
    assert engine.optimization.runs() == []


def test_recommending_changes_nothing(engine: Engine, clock: Clock) -> None:
    engine.optimization.configure({"actuator": "recommend"})
    before = engine.gateway.knobs.read()
    run = squeeze(engine, clock)
    assert (run.verdict, run.is_over) == ("recommended", True)
    assert engine.gateway.knobs.read() == before
    assert to_line(run).actions == f"replicas {before.worker_slots} → {2 * before.worker_slots}"


def test_configuration_is_changed_refused_and_undone(engine: Engine) -> None:
    verbs = engine.optimization
    verbs.configure({"window_s": 60}, "ada")
    with pytest.raises(InputError, match="interval_min must be from 1 to 1440"):
        verbs.configure({"window_s": 10, "interval_min": 0})
    assert verbs.configuration().window_s == 60
    assert verbs.undo_configuration().window_s == 300
    assert verbs.undo_configuration().window_s == 60
