"""The registries of prompts and agents: versions, gates, experiments, agents, the way back."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brain.decisions.evaluation import Gate
from brain.decisions.reasons import InputError
from brain.gateway.agents import Agent, Tool
from brain.gateway.prompts import Prompts
from brain.gateway.question import Message, Question
from tests.gateway.studios import open_studio


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with open_studio(tmp_path) as opened:
        yield opened


@pytest.fixture
def prompts(engine: Any) -> Prompts:
    """The registry with two versions of "support", the first in force."""
    engine.studio.prompts.add("support", "You help {{customer}}.", note="first", schema={
        "properties": {"customer": {"type": "string", "default": "people"},
                       "question": {"type": "string"}}})
    engine.studio.prompts.add("support", "Help {{customer}} kindly.", schema={
        "properties": {"customer": {"type": "string", "default": "people"},
                       "question": {"type": "string"}}})
    return engine.studio.prompts


def test_versions_are_added_and_the_first_is_in_force(prompts: Prompts) -> None:
    assert [each.version for each in prompts.versions("support")] == [2, 1]
    assert prompts.get("support").active_version == 1
    again = prompts.add("support", "Help {{customer}} kindly.",
                        schema=prompts.version("support", 2).schema)
    assert again.version == 2  # nothing differs: no version is added


def test_a_version_is_rendered_with_its_inputs(prompts: Prompts) -> None:
    found = prompts.render("support", {"customer": "{{question}}", "question": "Why?"}, 2)
    assert (found.system, found.user) == ("Help {{question}} kindly.", "Why?")
    assert prompts.render("support", {"question": "Why?"}).system == "You help people."
    with pytest.raises(InputError, match=r"inputs\.customer must be string"):
        prompts.render("support", {"customer": 3, "question": ""})


@pytest.mark.parametrize(("fields", "field"), [
    ({"name": "a b", "system": "x"}, "name"), ({"name": "a", "system": "", "user": ""}, "system"),
    ({"name": "a", "system": "{{who}}"}, "system"), ({"name": "a", "system": "{{"}, "system"),
    ({"name": "a", "system": "x", "schema": {"type": "array"}}, "schema")])
def test_a_faulty_version_is_refused_and_nothing_stored(
        fields: dict[str, Any], field: str, engine: Any) -> None:
    with pytest.raises(InputError) as refused:
        engine.studio.prompts.add(**fields)
    assert refused.value.field == field
    assert engine.studio.prompts.list() == ()


def test_the_difference_between_versions(prompts: Prompts) -> None:
    told = prompts.diff("support", 1, 2).splitlines()
    assert "-You help {{customer}}." in told and "+Help {{customer}} kindly." in told
    assert prompts.diff("support", 1, 1) == ""


def test_activation_rollback_and_undo_are_audited(prompts: Prompts) -> None:
    with pytest.raises(LookupError):
        prompts.rollback("support")
    assert prompts.activate("support", 2, "ann", "kinder").active_version == 2
    assert prompts.rollback("support", "bob").active_version == 1
    assert prompts.undo("support", "cat").active_version == 2
    assert prompts.undo("support").active_version == 1  # undoing twice brings the change back
    people = [(each.person, each.action) for each in prompts.history("support")]
    assert people[1:4] == [("cat", "prompt change undone"), ("bob", "prompt rolled back"),
                           ("ann", "prompt activated")]
    with pytest.raises(LookupError):
        prompts.activate("support", 9)


def test_an_experiment_names_versions_by_its_variants(engine: Any, prompts: Prompts) -> None:
    engine.experiments.create({
        "key": "kinder", "name": "Kinder", "primary": {"key": "stars", "kind": "mean"},
        "variants": [{"key": "v1", "weight": 50}, {"key": "v2", "weight": 50}]})
    prompts.configure("support", experiment_key="kinder")
    assert prompts.choose("support", {"user": "ann"}).version.version == 1  # a draft assigns none
    engine.experiments.start("kinder")
    found = {f"u{n}": prompts.choose("support", {"user": f"u{n}"}) for n in range(200)}
    numbers = [each.version.version for each in found.values()]
    assert 70 <= numbers.count(2) <= 130  # half of 200, give or take 4 standard errors
    assert all(each.variant == f"v{each.version.version}" for each in found.values())
    assert prompts.choose("support", {}).reasons[-1].code == "no_unit"
    engine.experiments.create({
        "key": "odd", "name": "Odd", "primary": {"key": "stars", "kind": "mean"},
        "variants": [{"key": "v1"}, {"key": "v7"}]})
    with pytest.raises(InputError, match="v7"):
        prompts.configure("support", experiment_key="odd")


def test_a_gate_that_nothing_was_shown_for_stays_closed(prompts: Prompts, engine: Any) -> None:
    engine.studio.evaluation.sets.add("basics", [{"input": "2 + 2?", "expected": 4}])
    prompts.configure("support", gate=Gate("basics", most_usd_per_item=Decimal("0.01")))
    with pytest.raises(InputError, match="was not evaluated") as refused:
        prompts.activate("support", 2)
    assert refused.value.code == "gate_closed"
    assert prompts.get("support").active_version == 1
    assert prompts.get("support").gate == Gate("basics", most_usd_per_item=Decimal("0.01"))
    prompts.configure("support", gate=None)
    assert prompts.activate("support", 2).active_version == 2


AGENT = Agent("helper", "Helper", "Answers customers.", ("tools", "json"),
              (Tool("find_order"),), "support", model="small", cost_cap_usd=Decimal("0.05"))


def test_agents_are_kept_changed_and_brought_back(engine: Any, prompts: Prompts) -> None:
    agents = engine.studio.agents
    agents.put(AGENT)
    assert agents.list() == (AGENT,)
    agents.put(replace_agent(AGENT, enabled=False))
    assert agents.use("helper").allowed is False
    assert agents.undo("helper") == AGENT
    agents.remove("helper")
    assert agents.find("helper") is None
    assert agents.undo("helper") == AGENT
    assert agents.use("nobody").reasons[0].code == "not_registered"


def replace_agent(agent: Agent, **changes: Any) -> Agent:
    import msgspec
    return msgspec.structs.replace(agent, **changes)


@pytest.mark.parametrize(("changes", "field"), [
    ({"agent_id": ""}, "agent_id"), ({"prompt": "none"}, "prompt"),
    ({"capabilities": ("fly",)}, "capabilities"), ({"capabilities": ()}, "capabilities"),
    ({"cost_cap_usd": Decimal(0)}, "cost_cap_usd"), ({"priority": "best"}, "priority"),
    ({"tools": (Tool("a"), Tool("a"))}, "tools[0].name"),
    ({"tools": (Tool("a", parameters={"type": "string"}),)}, "tools[0].parameters")])
def test_a_faulty_agent_is_refused_by_field(engine: Any, prompts: Prompts,
                                            changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        engine.studio.agents.put(replace_agent(AGENT, **changes))
    assert refused.value.field == field


def test_a_question_is_prepared_by_agent_prompt_and_preference(engine: Any,
                                                               prompts: Prompts) -> None:
    engine.studio.agents.put(AGENT)
    engine.studio.personalization.set("acme", "ann", verbosity="concise")
    asked = Question("Where is it?", workspace_id="acme", user_id="ann", agent_id="helper",
                     max_cost_usd=Decimal("0.2"))
    found = engine.studio.prepare(asked)
    assert found.allowed and found.prompt == "support v1"
    system, user = found.question.talk()
    assert system.content.startswith("You help people.\n\nAnswer briefly")
    assert user == Message("user", "Where is it?")
    assert (found.question.model, found.question.max_cost_usd) == ("small", Decimal("0.05"))
    assert found.question.tools[0]["function"]["name"] == "find_order"
    own = replace(asked, messages=(Message("system", "Mine."),), user_id="")
    assert engine.studio.prepare(own).question.talk()[0].content == "Mine."


def test_a_disabled_agent_and_an_unusable_prompt_refuse(engine: Any, prompts: Prompts) -> None:
    engine.studio.agents.put(replace_agent(AGENT, enabled=False))
    refused = engine.studio.prepare(Question("Hi", agent_id="helper"))
    assert (refused.allowed, refused.reasons[-1].code) == (False, "agent_disabled")
    prompts.add("strict", "{{city}}", schema={"required": ["city"], "properties": {
        "city": {"type": "string"}, "question": {}}})
    engine.studio.agents.put(replace_agent(AGENT, prompt="strict"))
    refused = engine.studio.prepare(Question("Hi", agent_id="helper"))
    assert "inputs needs 'city'" in refused.reasons[-1].text
