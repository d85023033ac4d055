"""Guard policies: kept by workspace, audited, in force in every process."""

import datetime as dt

import pytest

from brain.decisions.guard.judging import GuardPolicy
from brain.decisions.reasons import InputError
from brain.gateway.guard import CHANGED, Guard
from brain.sources.state import StateStore
from tests.services.process import wait_until

NOW = dt.datetime(2026, 11, 26, 5, tzinfo=dt.UTC)


@pytest.fixture
def state(tmp_path):
    store = StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield store
    store.close()


def test_a_policy_holds_for_its_workspace_only_and_is_audited(state):
    guard = Guard(state, lambda: NOW, lambda: "tester")
    assert guard.policy("acme") == GuardPolicy()
    row = guard.set_policy("acme", "eva", pii="refuse", kinds=["email", "card"])
    assert (row.policy, row.person) == (GuardPolicy("refuse", kinds=("email", "card")), "eva")
    assert guard.judge_prompt("acme", "max@example.de").action == "refuse"
    assert guard.judge_prompt("other", "max@example.de").action == "mask"
    assert guard.judge_prompt("acme", "10.1.2.3").text == "10.1.2.3"
    guard.set_policy("acme", pii="mask", kinds=GuardPolicy().kinds)
    assert guard.policies() == ()
    audit = state.rows("audit", order="audit_id")
    assert [(each["action"], each["subject"], each["person"]) for each in audit] == [
        (CHANGED, "acme", "eva"), (CHANGED, "acme", "tester")]


def test_a_change_by_another_process_comes_into_force(state):
    ours, theirs = (Guard(state, lambda: NOW, lambda: "tester") for _ in range(2))
    assert ours.policy("acme").pii == "mask"
    theirs.set_policy("acme", pii="allow")
    wait_until(lambda: ours.policy("acme").pii == "allow", "the other's policy in force")


@pytest.mark.parametrize(("workspace", "changes", "field"), [
    ("acme", {"pii": "x"}, "pii"), ("acme", {"kinds": ["x"]}, "kinds"), ("", {}, "workspace_id"),
    ("acme", {"colour": 1}, "colour")])
def test_refuses_a_policy_that_cannot_be(state, workspace, changes, field):
    guard = Guard(state, lambda: NOW, lambda: "tester")
    with pytest.raises(InputError) as refused:
        guard.set_policy(workspace, **changes)
    assert refused.value.field == field and guard.policies() == ()
