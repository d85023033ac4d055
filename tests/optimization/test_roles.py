"""Every trigger and change of the optimizer asks for a role, whichever way it came."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brain import acting
from brain.decisions.reasons import InputError
from brain.decisions.roles import ROLES, Actor
from brain.engine import Engine
from brain.optimization.records import Run
from brain.settings import SettingsError, load
from tests.optimization.conftest import NOW, SECOND, Clock, write_traffic


@pytest.fixture(autouse=True)
def nobody_afterwards() -> Iterator[None]:
    yield
    acting.act_as(None)


def allowed(engine: Engine, verb: str) -> list[str]:
    """Roles that get past the check; what the verb then says does not matter."""
    verbs = {"run": engine.optimization.run, "stop": engine.optimization.stop,
             "roll_back": lambda: engine.optimization.roll_back("nothing"),
             "configure": lambda: engine.optimization.configure({"queue_low": 6}),
             "undo": engine.optimization.undo_configuration}
    found = []
    for role in ROLES:
        acting.act_as(Actor("ada", role))
        try:
            verbs[verb]()
        except InputError as error:
            if error.code == "forbidden":
                continue
        except LookupError:
            pass
        found.append(role)
    return found


@pytest.mark.parametrize(("verb", "roles"), [
    ("run", ["operator", "admin"]), ("stop", ["operator", "admin"]),
    ("roll_back", ["operator", "admin"]), ("configure", ["admin"]), ("undo", ["admin"])])
def test_each_verb_has_its_role(engine: Engine, verb: str, roles: list[str]) -> None:
    assert allowed(engine, verb) == roles
    refused = [row for row in engine.state.rows("audit") if row["action"] == acting.REFUSED]
    assert len(refused) == len(ROLES) - len(roles)
    assert refused[0]["person"] == "ada" and refused[0]["subject"].startswith("optimization.")


def test_looking_takes_no_role_and_the_schedule_needs_none(tmp_path: Path, clock: Clock) -> None:
    engine = Engine.open(load({}, data_dir=tmp_path, access_local_role="viewer"), clock=clock)
    try:
        assert engine.optimization.plan().plan.reasons
        with pytest.raises(InputError, match="takes the role admin"):
            engine.optimization.configure({"automatic": True})
        acting.act_as(Actor("root", "admin"))
        engine.optimization.configure({"automatic": True, "interval_min": 1})
        acting.act_as(None)
        engine.optimization.tick()
        clock.pass_s(60)
        write_traffic(engine, NOW - 240 * SECOND, 300, latency_ms=4000)
        run = engine.optimization.tick()
        assert isinstance(run, Run) and (run.person, run.cause) == ("schedule", "schedule")
    finally:
        engine.close()


def test_settings_that_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none of viewer, analyst"):
        load({}, access_local_role="root")
    with pytest.raises(SettingsError, match="BRAIN_ACCESS_KEYS"):
        Engine.open(load({}, data_dir=tmp_path, access_keys="ci:root:0123456789abcdef"))
