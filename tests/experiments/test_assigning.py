"""Assignment and exposure: the same for ever, recorded once, no variant that does not exist."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from brain.decisions.assignment.choosing import Experiment, Variant, decide_assignment
from brain.decisions.reasons import InputError, Reason
from tests.experiments.conftest import DAY, HOUR, definition


@pytest.fixture
def verbs(engine):
    engine.experiments.create(definition())
    engine.experiments.start("checkout")
    return engine.experiments


def exposures(engine):
    engine.drain()
    return engine.status().events["exposures"]


def test_the_variant_is_that_of_the_published_hash(verbs):
    plain = Experiment("checkout", (Variant("a", 0.5), Variant("b", 0.5)))
    for number in range(200):
        unit = f"u{number}"
        assert verbs.assign("checkout", unit).variant == decide_assignment(plain, unit).variant


def test_no_assignment_says_why(engine, verbs):
    engine.experiments.create(definition(key="draft"))
    assert verbs.assign("gone", "u1").reasons[0].code == "unknown_experiment"
    assert verbs.assign("draft", "u1").reasons[0].code == "experiment_draft"
    assert verbs.assign("checkout", "").reasons[0].code == "no_unit"
    verbs.pause("checkout")
    found = verbs.assign("checkout", "u1")
    assert (found.variant, found.reasons[0].code) == (None, "experiment_paused")


def test_a_ramp_moves_nobody_to_another_variant(verbs):
    before = {f"u{n}": verbs.assign("checkout", f"u{n}").variant for n in range(300)}
    verbs.ramp("checkout", 0.3)
    after = {unit: verbs.assign("checkout", unit).variant for unit in before}
    kept = [unit for unit in after if after[unit] is not None]
    assert 50 < len(kept) < 130  # 30 % of 300 is 90, six standard errors of 7.9 either way
    assert all(after[unit] == before[unit] for unit in kept)


def test_an_exposure_is_recorded_once_per_unit(engine, verbs, clock):
    assert verbs.expose("checkout", "u1", "a", workspace_id="shop")
    clock.pass_by(3 * DAY)  # beyond the day within which repeats of an event are known
    assert not verbs.expose("checkout", "u1", "a")
    assert not verbs.expose("checkout", "u1", "b")
    assert verbs.expose("checkout", "u2", "b")
    assert exposures(engine) == 2


def test_many_at_once_record_one(engine, verbs):
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: verbs.expose("checkout", "u1", "a"), range(16)))
    assert sum(told) == 1
    assert exposures(engine) == 1


def test_a_failed_recording_is_tried_again(engine, verbs, monkeypatch):
    def fail(*_):
        raise OSError("disk full")
    with monkeypatch.context() as patch:
        patch.setattr(verbs._assigning, "_record", fail)
        with pytest.raises(OSError, match="disk full"):
            verbs.expose("checkout", "u1", "a")
    assert verbs.expose("checkout", "u1", "a")
    assert exposures(engine) == 1


@pytest.mark.parametrize(("unit", "variant", "code"), [
    ("u1", "z", "unknown_variant"), ("", "a", "no_unit"), ("u" * 257, "a", "no_unit")])
def test_what_cannot_be_an_exposure_is_refused(engine, verbs, unit, variant, code):
    with pytest.raises(InputError) as fault:
        verbs.expose("checkout", unit, variant)
    assert fault.value.code == code
    with pytest.raises(LookupError):
        verbs.expose("gone", "u1", "a")
    assert exposures(engine) == 0


def test_a_stopped_experiment_takes_no_exposures(engine, verbs):
    verbs.stop("checkout")
    with pytest.raises(InputError) as fault:
        verbs.expose("checkout", "u1", "a")
    assert fault.value.code == "wrong_state"


def test_forced_units_see_the_variant_and_do_not_count(engine):
    verbs = engine.experiments
    verbs.create(definition(forced={"tester": "b"}))
    assert verbs.assign("checkout", "tester").variant == "b"
    verbs.start("checkout")
    assert not verbs.assign("checkout", "tester").is_counted
    assert not verbs.expose("checkout", "tester", "b")
    assert exposures(engine) == 0


def test_sticky_units_keep_what_they_had(engine):
    verbs = engine.experiments
    verbs.create(definition(sticky=True))
    verbs.start("checkout")
    units = [f"u{n}" for n in range(40)]
    before = {unit: verbs.assign("checkout", unit).variant for unit in units}
    verbs.ramp("checkout", 0.0)
    assert {unit: verbs.assign("checkout", unit).variant for unit in units} == before
    assert verbs.assign("checkout", "new").variant is None


def test_a_bandit_keeps_units_and_leaves_a_harmed_arm(engine, clock):
    verbs = engine.experiments
    verbs.create(definition(kind="bandit"))
    verbs.start("checkout")
    units = [f"u{n}" for n in range(60)]
    before = {unit: verbs.assign("checkout", unit).variant for unit in units}
    verbs.reallocate("checkout", {"a": 0.9, "b": 0.1}, (Reason("test", "b earns less."),))
    assert {unit: verbs.assign("checkout", unit).variant for unit in units} == before
    fresh = [verbs.assign("checkout", f"n{n}").variant for n in range(400)]
    assert 320 < fresh.count("a") < 400  # 90 % of 400 is 360, standard error 6
    clock.pass_by(HOUR)
    verbs.reallocate("checkout", {"a": 1.0, "b": 0.0}, (Reason("test", "b does harm."),))
    assert {verbs.assign("checkout", unit).variant for unit in units} == {"a"}
    kept = engine.state.rows("experiment_units")
    assert {row["share"] for row in kept} == {0.5, 0.9, 0.1, 1.0}


def test_another_process_change_is_seen_within_a_second(engine, verbs, clock):
    assert verbs.assign("checkout", "u1").variant is not None
    stored = engine.state.rows("experiments")[0]["definition_json"]
    engine.state.update("experiments", "experiment_key", "checkout", state="paused",
                        definition_json=stored.replace('"state":"running"', '"state":"paused"'))
    clock.pass_by(HOUR / 3600)
    assert verbs.assign("checkout", "u1").variant is None
