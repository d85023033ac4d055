"""The agent registry: what each agent can do, with which tools and prompt, and at what cost."""

import datetime as dt
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from brain.decisions.reasons import InputError, Reason
from brain.gateway.fresh import Fresh
from brain.gateway.prompts import Prompts
from brain.sources.state import StateStore

SET, REMOVED, UNDONE = "agent set", "agent removed", "agent change undone"
CAPABILITIES = ("tools", "json", "vision", "streaming", "knowledge", "long_context")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TOOL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_TOOLS, _MOST_AGENTS = 128, 10_000
_PRIORITIES = ("balanced", "cost", "latency", "quality")


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function that the model may ask for; ``parameters`` is its JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object"})


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent. Empty ``provider`` and ``model`` leave the choice to the engine; the cost cap is
    per question, None for none."""

    agent_id: str
    name: str = ""
    objective: str = ""
    capabilities: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    prompt: str = ""
    provider: str = ""
    model: str = ""
    priority: str = "balanced"
    cost_cap_usd: Decimal | None = None
    max_output_tokens: int | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class AgentUse:
    """What an agent brings to a question, or why it may not be used."""

    agent: Agent | None
    allowed: bool
    reasons: tuple[Reason, ...] = field(default_factory=tuple)


class Agents:
    """Agents of one platform, each change audited."""

    def __init__(self, state: StateStore, prompts: Prompts, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._prompts, self._clock, self._whoami = state, prompts, clock, whoami
        self._changing = threading.Lock()
        self._known = Fresh(lambda: {each.agent_id: each for each in self.list()}, 1.0)

    def list(self) -> tuple[Agent, ...]:
        """Every agent, by id."""
        return tuple(_decode(row) for row in self._state.rows("agents", order="agent_id"))

    def find(self, agent_id: str) -> Agent | None:
        """The agent of this id, None for one that is not registered."""
        column = self._state.tables["agents"].c.agent_id
        rows = self._state.rows("agents", column == agent_id)
        return _decode(rows[0]) if rows else None

    def use(self, agent_id: str) -> AgentUse:
        """What the agent brings to a question. An id that is not registered is only a name."""
        if not agent_id:
            return AgentUse(None, True, (Reason("no_agent", "The question names no agent."),))
        agent = self._known.get().get(agent_id)
        if agent is None:
            return AgentUse(None, True, (Reason(
                "not_registered", f"{agent_id} is not registered: it is recorded as a name."),))
        if not agent.enabled:
            return AgentUse(agent, False, (Reason(
                "agent_disabled", f"{agent_id} is switched off. Switch it on under Prompts & "
                                  "evaluation, or ask another agent."),))
        return AgentUse(agent, True, (Reason("agent", f"{agent_id} is registered and on."),))

    def ready(self, agent_id: str) -> AgentUse | None:
        """The same without asking the store, None where it would have to be asked."""
        return self.use(agent_id) if not agent_id or self._known.ready() is not None else None

    def put(self, agent: Agent, person: str = "") -> Agent:
        """The agent, new or in the place of the one with its id.

        Raises InputError naming the field that cannot be used.
        """
        self._check(agent)
        with self._changing:
            before = self.find(agent.agent_id)
            if before is None and len(self._state.rows("agents")) >= _MOST_AGENTS:
                raise InputError("too_many", f"there are {_MOST_AGENTS:,} agents", "agent_id")
            self._write(agent.agent_id, before, agent, SET, person)
        return agent

    def remove(self, agent_id: str, person: str = "") -> None:
        """Take an agent away. Raises LookupError for an unknown one."""
        with self._changing:
            before = self.find(agent_id)
            if before is None:
                raise LookupError(f"there is no agent {agent_id!r:.80}")
            self._write(agent_id, before, None, REMOVED, person)

    def undo(self, agent_id: str, person: str = "") -> Agent | None:
        """The agent as before its last change, None if it was not there.

        Undoing twice brings the change back. Raises LookupError where nothing was changed.
        """
        audit = self._state.tables["audit"]
        with self._changing:
            entries = self._state.rows("audit", audit.c.action.in_((SET, REMOVED, UNDONE)),
                                       audit.c.subject == agent_id, order="audit_id")
            if not entries:
                raise LookupError(f"agent {agent_id!r:.80} was never changed")
            told = json.loads(entries[-1]["before_json"])
            after = None if told is None else msgspec.convert(told, Agent, strict=False)
            self._write(agent_id, self.find(agent_id), after, UNDONE, person)
        return after

    def _check(self, agent: Agent) -> None:
        if not _ID.fullmatch(agent.agent_id):
            raise InputError("invalid_id", "an agent id has 1 to 128 letters, digits, dots, "
                                           "colons, dashes or underscores", "agent_id")
        for name, most in (("name", 256), ("objective", 4_000), ("provider", 256),
                           ("model", 256)):
            if len(getattr(agent, name)) > most:
                raise InputError("too_long", f"{name} may have {most:,} characters", name)
        if agent.priority not in _PRIORITIES:
            raise InputError("invalid_value", f"priority is one of {', '.join(_PRIORITIES)}",
                             "priority")
        for each in agent.capabilities:
            if each not in CAPABILITIES:
                raise InputError("unknown_capability", f"{each!r:.40} is none of "
                                 f"{', '.join(CAPABILITIES)}", "capabilities")
        if agent.cost_cap_usd is not None and not (
                agent.cost_cap_usd.is_finite() and 0 < agent.cost_cap_usd <= 1_000_000):
            raise InputError("out_of_range", "a cost cap is above 0 USD", "cost_cap_usd")
        if agent.max_output_tokens is not None and not 0 < agent.max_output_tokens <= 10_000_000:
            raise InputError("out_of_range", "max_output_tokens is above 0", "max_output_tokens")
        _check_tools(agent)
        if agent.prompt:
            try:
                self._prompts.get(agent.prompt)
            except LookupError as error:
                raise InputError("unknown_prompt", str(error.args[0]), "prompt") from error

    def _write(self, agent_id: str, before: Agent | None, after: Agent | None, action: str,
               person: str) -> None:
        now = self._clock()
        self._known.forget()
        if before is not None:
            self._state.delete("agents", agent_id=agent_id)
        if after is not None:
            self._state.insert("agents", {
                "agent_id": agent_id, "body_json": json.dumps(as_body(after)),
                "changed_at_utc": now})
        self._state.audit(now, person or self._whoami(), action, agent_id,
                          None if before is None else as_body(before),
                          None if after is None else as_body(after))
        self._known.forget()


def as_body(agent: Agent) -> dict[str, Any]:
    """An agent as JSON values."""
    body = msgspec.to_builtins(agent)
    return body if isinstance(body, dict) else {}


def read_agent(given: Mapping[str, Any]) -> Agent:
    """The agent that JSON values describe. Raises InputError naming the field."""
    try:
        return msgspec.convert(given, Agent, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise InputError("invalid_value", message[:300], place.strip(".`")[:200]) from error


def _check_tools(agent: Agent) -> None:
    if len(agent.tools) > _MOST_TOOLS:
        raise InputError("too_many", f"an agent may have {_MOST_TOOLS} tools", "tools")
    names = [each.name for each in agent.tools]
    for place, tool in enumerate(agent.tools):
        if not _TOOL.fullmatch(tool.name) or names.count(tool.name) > 1:
            raise InputError("invalid_tool", "a tool's name is its own and has 1 to 64 letters, "
                             "digits, dashes or underscores", f"tools[{place}].name")
        if tool.parameters.get("type", "object") != "object":
            raise InputError("invalid_tool", "a tool's parameters are an object",
                             f"tools[{place}].parameters")
    if agent.tools and "tools" not in agent.capabilities:
        raise InputError("missing_capability", "an agent with tools needs the capability tools",
                         "capabilities")


def _decode(row: Mapping[str, Any]) -> Agent:
    return msgspec.convert(json.loads(row["body_json"]), Agent, strict=False)
