"""The life of an experiment: draft, running, paused, stopped, decided; every change on record."""

import datetime as dt
import json

import pytest

from brain import settings
from brain.decisions.reasons import InputError
from brain.engine import Engine
from tests.experiments.conftest import DAY, NOW, definition


def test_a_draft_is_kept_as_defined(engine):
    made = engine.experiments.create(definition(cost_cap_usd="12.50", owner="Ada"), "ada")
    assert engine.experiments.get("checkout") == made
    assert engine.experiments.list() == (made,)
    assert (made.state, made.created_at_utc, str(made.cost_cap_usd)) == ("draft", NOW, "12.50")
    assert made.shares == {"a": 0.5, "b": 0.5}


def test_it_survives_a_restart(tmp_path, clock):
    folder = settings.load({}, data_dir=str(tmp_path))
    first = Engine.open(folder, clock=clock)
    made = first.experiments.create(definition(start_utc=NOW.isoformat()), "ada")
    first.close()
    again = Engine.open(folder, clock=clock)
    assert again.experiments.get("checkout") == made
    again.close()


def test_a_taken_key_and_an_unknown_one(engine):
    engine.experiments.create(definition())
    with pytest.raises(InputError) as fault:
        engine.experiments.create(definition())
    assert (fault.value.code, fault.value.field) == ("key_taken", "key")
    with pytest.raises(LookupError, match="no experiment 'gone'"):
        engine.experiments.get("gone")
    with pytest.raises(LookupError):
        engine.experiments.start("gone")


def test_states_follow_each_other_and_are_stamped(engine, clock):
    verbs = engine.experiments
    verbs.create(definition())
    assert verbs.start("checkout", "ada", "planned").started_at_utc == NOW
    clock.pass_by(DAY)
    assert verbs.pause("checkout", "ada", "holiday").paused_at_utc == NOW + DAY
    assert verbs.resume("checkout").state == "running"
    assert verbs.stop("checkout").stopped_at_utc == NOW + DAY
    done = verbs.decide("checkout", "b", "ada", "more people pay")
    assert (done.state, done.decided_variant, done.decision_reason) == (
        "decided", "b", "more people pay")


@pytest.mark.parametrize(("before", "action"), [
    ((), "pause"), ((), "resume"), ((), "stop"), (("start",), "start"), (("start",), "resume"),
    (("start", "stop"), "pause"), (("start", "stop"), "start"), (("start", "pause"), "start")])
def test_a_wrong_state_is_refused_and_changes_nothing(engine, before, action):
    engine.experiments.create(definition())
    for each in before:
        getattr(engine.experiments, each)("checkout")
    stood = engine.experiments.get("checkout")
    with pytest.raises(InputError) as fault:
        getattr(engine.experiments, action)("checkout")
    assert fault.value.code == "wrong_state"
    assert engine.experiments.get("checkout") == stood


def test_a_decision_needs_a_known_variant_and_a_reason(engine):
    engine.experiments.create(definition())
    engine.experiments.start("checkout")
    for variant, reason, code in (("z", "because", "unknown_variant"), ("b", " ", "empty")):
        with pytest.raises(InputError) as fault:
            engine.experiments.decide("checkout", variant, "ada", reason)
        assert fault.value.code == code
    assert engine.experiments.get("checkout").state == "running"


def test_only_a_draft_is_changed_or_removed(engine):
    verbs = engine.experiments
    verbs.create(definition())
    changed = verbs.change("checkout", definition(name="Other", alpha=0.1))
    assert (changed.name, changed.alpha, changed.created_at_utc) == ("Other", 0.1, NOW)
    with pytest.raises(InputError, match="keeps its key"):
        verbs.change("checkout", definition(key="other"))
    verbs.start("checkout")
    for act in (lambda: verbs.change("checkout", definition()), lambda: verbs.remove("checkout")):
        with pytest.raises(InputError) as fault:
            act()
        assert fault.value.code == "wrong_state"
    verbs.create(definition(key="second"))
    verbs.remove("second")
    assert [each.key for each in verbs.list()] == ["checkout"]


def test_every_change_is_audited_with_person_and_reason(engine):
    verbs = engine.experiments
    verbs.create(definition(), "ada")
    verbs.start("checkout", "ben", "planned")
    verbs.ramp("checkout", 0.2, "cy", "careful")
    seen = [(each.action, each.person, each.reason) for each in verbs.history("checkout")]
    assert seen == [("ramped", "cy", "careful"), ("started", "ben", "planned"),
                    ("created", "ada", "")]
    last = verbs.history("checkout")[0]
    assert (last.before["traffic_ratio"], last.after["traffic_ratio"]) == (1.0, 0.2)
    rows = engine.state.rows("audit", order="audit_id")
    assert [json.loads(row["after_json"])["experiment"]["state"] for row in rows] == [
        "draft", "running", "running"]


def test_the_last_change_is_undone_and_brought_back(engine):
    verbs = engine.experiments
    verbs.create(definition())
    verbs.start("checkout")
    verbs.ramp("checkout", 0.2)
    assert verbs.undo_last("checkout", "ada").traffic_ratio == 1.0
    assert verbs.undo_last("checkout", "ada").traffic_ratio == 0.2
    assert [row.traffic_ratio for row in verbs.allocations("checkout")] == [1.0, 0.2, 1.0, 0.2]


def test_a_start_is_undone_only_before_anybody_saw_it(engine):
    verbs = engine.experiments
    verbs.create(definition())
    with pytest.raises(InputError) as fault:
        verbs.undo_last("checkout")
    assert fault.value.code == "nothing_to_undo"
    verbs.start("checkout")
    assert verbs.undo_last("checkout").state == "draft"
    verbs.start("checkout")
    verbs.expose("checkout", "u1", "a")
    engine.drain()
    with pytest.raises(InputError) as fault:
        verbs.undo_last("checkout")
    assert fault.value.code == "exposed_already"


def test_a_change_over_a_faster_one_is_refused(engine):
    verbs = engine.experiments
    verbs.create(definition())

    def change(given):
        engine.state.update("experiments", "experiment_key", "checkout", revision=7)
        return given
    with pytest.raises(InputError) as fault:
        verbs.records.replace("checkout", change, "changed", "ada")
    assert fault.value.code == "changed_meanwhile"
    assert [each.action for each in verbs.history("checkout")] == ["created"]


def test_overlaps_name_who_shares_units(engine):
    verbs = engine.experiments
    space = {"key": "page", "start": 0.0, "end": 0.5}
    verbs.create(definition(namespace=space))
    verbs.create(definition(key="same-part", namespace={**space, "start": 0.4}))
    verbs.create(definition(key="other-part", namespace={**space, "start": 0.5, "end": 1.0}))
    verbs.create(definition(key="free"))
    verbs.create(definition(key="by-session", unit="session"))
    found = {each.experiment.key: each.reason for each in verbs.overlaps("checkout")}
    assert set(found) == {"same-part", "free"}
    assert "namespace overlap" in found["same-part"]


def test_samples_come_as_drafts_once(engine):
    added = engine.experiments.load_samples("ada")
    assert [(each.key, each.state, each.start_utc) for each in added] == [
        ("search-ui-v2", "draft", dt.datetime(2025, 11, 1, tzinfo=dt.UTC)),
        ("response-format", "draft", dt.datetime(2025, 11, 1, tzinfo=dt.UTC))]
    assert [each.weight for each in added[1].variants] == [33, 33, 34]
    assert engine.experiments.load_samples() == ()


def test_a_canary_starts_with_the_first_step_of_its_ramp(engine):
    engine.experiments.create(definition(kind="canary", ramp={"steps_pct": [2, 50]}))
    assert engine.experiments.start("checkout").traffic_ratio == 0.02
