"""A question as its agent, prompt and user want it put: the last thing before it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brain.decisions.reasons import InputError, Reason

if TYPE_CHECKING:
    from brain.gateway.agents import Agent, Agents
    from brain.gateway.personalization import Personalization
    from brain.gateway.prompts import Chosen, Prompts


@dataclass(frozen=True, slots=True)
class Prepared:
    """The question to answer, or, not ``allowed``, why it is refused.

    ``prompt`` names prompt and version ("greeting v3"); ``experiment_key`` and ``variant`` are
    empty where no experiment chose the version.
    """

    question: Any
    allowed: bool
    reasons: tuple[Reason, ...]
    prompt: str = ""
    experiment_key: str = ""
    variant: str = ""
    unit_id: str = ""


def prepare(question: Any, agents: "Agents", prompts: "Prompts",
            personalization: "Personalization") -> Prepared:
    """The question with what its agent brings (model, tools, cost cap, prompt) and what its user
    prefers; what the caller said already holds.

    A question that brings its own system message keeps it: no prompt is put over it.
    """
    use = agents.use(question.agent_id)
    if not use.allowed:
        return Prepared(question, False, use.reasons)
    reasons, made, prompt = list(use.reasons), question, None
    if use.agent is not None:
        made = _with_agent(made, use.agent)
        if use.agent.prompt and not _has_system(made):
            try:
                prompt = prompts.choose(use.agent.prompt, units_of(question))
                made = _with_prompt(made, prompts, prompt)
            except (InputError, LookupError) as error:
                told = error.message if isinstance(error, InputError) else str(error.args[0])
                return Prepared(question, False, (Reason(
                    "prompt_unusable", f"The prompt of {question.agent_id} cannot be used: "
                                       f"{told}."),))
            reasons += prompt.reasons
    if question.user_id and not made.json:
        preference = personalization.preference(question.workspace_id, question.user_id)
        if preference.instruction:
            made = _with_system(made, preference.instruction)
            reasons += preference.reasons
    if prompt is None:
        return Prepared(made, True, tuple(reasons))
    return Prepared(made, True, tuple(reasons), f"{prompt.version.name} v{prompt.version.version}",
                    prompt.experiment_key, prompt.variant,
                    units_of(question).get(prompt.unit, "") if prompt.variant else "")


def units_of(question: Any) -> Mapping[str, str]:
    """Who asks, by the unit of an experiment."""
    return {"user": question.user_id, "session": question.session_id,
            "workspace": question.workspace_id}


def _with_agent(question: Any, agent: "Agent") -> Any:
    caps = [each for each in (question.max_cost_usd, agent.cost_cap_usd) if each is not None]
    changes: dict[str, Any] = {"max_cost_usd": min((Decimal(each) for each in caps), default=None)}
    if not question.model and not question.provider:
        changes |= {"model": agent.model, "provider": agent.provider}
    if question.priority == "balanced":
        changes["priority"] = agent.priority
    if question.max_output_tokens is None:
        changes["max_output_tokens"] = agent.max_output_tokens
    if not question.tools:
        changes["tools"] = tuple({"type": "function", "function": {
            "name": each.name, "description": each.description,
            "parameters": each.parameters}} for each in agent.tools)
    if "knowledge" not in agent.capabilities and agent.capabilities:
        changes["use_knowledge"] = False
    return replace(question, **changes)


def _with_prompt(question: Any, prompts: "Prompts", chosen: "Chosen") -> Any:
    version = chosen.version
    rendered = prompts.render(version.name, {"question": question.last_text()}, version.version)
    if rendered.user:
        talk = list(question.talk())
        last = max((place for place, each in enumerate(talk) if each.role == "user"), default=None)
        if last is not None:
            talk[last] = replace(talk[last], content=rendered.user)
            question = replace(question, text="", messages=tuple(talk))
    return _with_system(question, rendered.system) if rendered.system else question


def _with_system(question: Any, text: str) -> Any:
    """The question with a text in its system message, behind what stands there."""
    from brain.gateway.question import Message
    talk = question.talk()
    if talk and talk[0].role in ("system", "developer"):
        talk = (replace(talk[0], content=f"{talk[0].content}\n\n{text}"), *talk[1:])
    else:
        talk = (Message("system", text), *talk)
    return replace(question, text="", messages=talk)


def _has_system(question: Any) -> bool:
    return any(each.role in ("system", "developer") for each in question.messages)
