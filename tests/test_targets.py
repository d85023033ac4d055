"""The table of targets in the state store: changed, recorded, taken back."""

import datetime as dt

import pytest

from brain.decisions.reasons import InputError
from brain.decisions.targets import TARGETS
from brain.engine import Engine
from brain.settings import load
from brain.sources.state import StateStore
from brain.targets import TargetTable

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def engine(tmp_path):
    opened = Engine.open(load({}, data_dir=tmp_path), clock=lambda: NOW)
    yield opened
    opened.close()


def levels(engine, metric="cpu_pct"):
    target = engine.targets()[metric]
    return target.target, target.warning, target.critical


def test_delivered_levels_hold_until_changed(engine):
    assert engine.targets() == TARGETS
    assert not any(row.is_changed or row.changed_by for row in engine.target_table.rows())
    assert engine.target_table.history() == []


def test_a_change_holds_and_names_its_author(engine):
    row = engine.set_target("cpu_pct", {"warning": 60}, "ada")
    assert levels(engine) == (70, 60, 85)
    assert (row.changed_by, row.changed_at_utc, row.is_changed) == ("ada", NOW, True)
    engine.set_target("cpu_pct", {"critical": "80"}, "bob")  # the warning stays
    assert levels(engine) == (70, 60, 80)
    newest, oldest = engine.target_table.history("cpu_pct")
    assert (newest.person, newest.before["warning"], newest.after["critical"]) == (
        "bob", "60", "80")
    assert (oldest.person, oldest.before) == ("ada", None)
    assert engine.target_table.history("disk_pct") == []


def test_another_process_sees_it_at_its_next_reading(engine):
    state = StateStore(f"sqlite:///{engine.settings.data_dir / 'state.sqlite'}")
    other = TargetTable(state)
    engine.set_target("error_pct", {"critical": 4})
    assert other.in_force()["error_pct"].critical == 4
    other.set("error_pct", {"critical": 3}, NOW, "other")
    assert engine.targets()["error_pct"].critical == 3
    state.close()


def test_a_level_can_be_removed_and_a_range_changed(engine):
    engine.set_target("disk_pct", {"warning": "none"})
    assert levels(engine, "disk_pct") == (75, None, 95)
    engine.set_target("pods_running", {"target": "2-5"})
    pods = engine.targets()["pods_running"]
    assert (pods.low, pods.high) == (2, 5)


@pytest.mark.parametrize(("metric", "change", "field"), [
    ("nope", {"target": 1}, "metric"), ("cpu_pct", {}, "target"),
    ("cpu_pct", {"warning": None}, "target"), ("cpu_pct", {"warning": 86}, "warning"),
    ("cpu_pct", {"target": "much"}, "target"), ("cpu_pct", {"target": float("nan")}, "target"),
    ("cpu_pct", {"critical": 101}, "critical"), ("cpu_pct", {"target": "none"}, "target"),
    ("cpu_pct", {"warning": "0" * 33}, "warning"), ("pods_running", {"warning": 5}, "warning"),
    ("pods_running", {"target": "5-2"}, "target")])
def test_what_cannot_hold_is_refused_and_changes_nothing(engine, metric, change, field):
    with pytest.raises(InputError) as error:
        engine.set_target(metric, change)
    assert error.value.field == field
    assert engine.targets() == TARGETS
    assert engine.target_table.history() == []


def test_reset_and_undo_and_undo_again(engine):
    engine.set_target("cpu_pct", {"warning": 60})
    engine.set_target("cpu_pct", {"warning": 50})
    engine.undo_target()
    assert levels(engine) == (70, 60, 85)
    engine.undo_target("cpu_pct")
    assert levels(engine) == (70, 50, 85)
    engine.reset_target("cpu_pct")
    assert engine.targets() == TARGETS
    engine.undo_target("cpu_pct")
    assert levels(engine) == (70, 50, 85)
    assert [each.action for each in engine.target_table.history()] == [
        "target change undone", "target reset", "target change undone", "target change undone",
        "target changed", "target changed"]


def test_undo_of_a_first_change_is_the_delivered_table(engine):
    engine.set_target("cpu_pct", {"warning": 60})
    engine.undo_target("cpu_pct")
    assert engine.targets() == TARGETS


def test_resetting_what_was_never_changed_writes_nothing(engine):
    engine.reset_target("cpu_pct")
    assert engine.target_table.history() == []
    with pytest.raises(LookupError):
        engine.undo_target()
    with pytest.raises(LookupError):
        engine.undo_target("cpu_pct")


def test_a_stored_change_that_cannot_hold_leaves_the_others(engine):
    engine.set_target("disk_pct", {"warning": 80})
    engine.state.insert("targets", {"metric": "gone_pct", "target": "1", "warning": None,
                                    "critical": None, "changed_at_utc": NOW})
    engine.state.insert("targets", {"metric": "cpu_pct", "target": None, "warning": "99",
                                    "critical": None, "changed_at_utc": NOW})
    assert levels(engine, "disk_pct") == (75, 80, 95)
    assert levels(engine) == (70, 70, 85)
    rows = {row.target.metric: row for row in engine.target_table.rows()}
    assert "must be on the good side" in rows["cpu_pct"].fault
