"""What is asked and what comes back: question, steps with their reasons, answer, pieces of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from brain.decisions.reasons import InputError, Reason
from brain.decisions.tokens import TokenClasses

Priority = Literal["balanced", "cost", "latency", "quality"]
Status = Literal["ok", "error", "refused"]
ROLES = ("system", "developer", "user", "assistant", "tool")
PRIORITIES: tuple[Priority, ...] = ("balanced", "cost", "latency", "quality")
OPTIONS = ("top_p", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort",
           "parallel_tool_calls")
NO_TOKENS = TokenClasses(0, 0, 0, 0, 0)
MOST_MESSAGES, MOST_CHARACTERS, MOST_TOOLS = 2_000, 4_000_000, 512
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called; ``arguments`` is JSON text as the model wrote it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a talk. ``parts`` holds what is no text, in OpenAI's content-part form."""

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    parts: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question with all that decides how it is answered.

    ``text`` is short for one user message; ``messages`` is the whole talk. An empty ``model``
    and ``provider`` leave the choice to the engine. ``tools`` are OpenAI's function tools, and
    ``json`` asks for a JSON object or, as a mapping, for that JSON Schema. ``options`` are
    further ones of OpenAI's (`OPTIONS`). ``experiments`` are keys of experiments that the asking
    user takes part in.
    """

    text: str = ""
    messages: tuple[Message, ...] = ()
    workspace_id: str = "default"
    user_id: str = ""
    agent_id: str = ""
    session_id: str = ""
    api_key_id: str = ""
    model: str = ""
    provider: str = ""
    priority: Priority = "balanced"
    max_cost_usd: Decimal | None = None
    max_latency_ms: float | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    json: bool | Mapping[str, Any] = False
    stop: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    feature: str = ""
    region: str = ""
    experiments: tuple[str, ...] = ()
    use_cache: bool = True
    use_knowledge: bool = True
    source: str = "ask"

    def talk(self) -> tuple[Message, ...]:
        """The messages, ``text`` as the last one where it is given."""
        return (*self.messages, Message("user", self.text)) if self.text else self.messages

    def last_text(self) -> str:
        """What the user asked last, "" if nothing."""
        return next((each.content for each in reversed(self.talk()) if each.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a request: when it began and how long it took, what it decided and why."""

    name: str
    started_ms: float
    took_ms: float
    decision: str
    reasons: tuple[Reason, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of a document that an answer rests on."""

    document_id: str
    name: str
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. ``error`` is a code, and ``reasons`` say the rest in words.

    ``cost_usd`` is None where no price is known. ``cache_tier`` is "" for an answer that was
    made for this question. ``simulated`` marks what no real model said. ``http_status`` is
    what a refusal or error is over HTTP, ``retry_after_s`` when asking again may help.
    """

    request_id: str
    text: str
    status: Status = "ok"
    error: str = ""
    provider: str = ""
    model: str = ""
    sources: tuple[Source, ...] = ()
    usage: TokenClasses = NO_TOKENS
    cost_usd: Decimal | None = None
    latency_ms: float = 0.0
    ttft_ms: float | None = None
    cache_tier: str = ""
    steps: tuple[Step, ...] = ()
    reasons: tuple[Reason, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    simulated: bool = False
    variant: str = ""
    http_status: int = 200
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer under way; the last one carries the whole ``answer``.

    A tool call comes in parts: ``tool_numbers`` say which call each of ``tool_calls`` continues.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_numbers: tuple[int, ...] = ()
    answer: Answer | None = None


class Refusal(Exception):
    """A question that is not answered: a code, the reasons, and what that is over HTTP."""

    def __init__(self, code: str, reasons: tuple[Reason, ...], http_status: int,
                 retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code, self.reasons = code, reasons
        self.http_status, self.retry_after_s = http_status, retry_after_s


def check_question(question: Question) -> None:
    """Raise InputError naming the field of a question that cannot be used."""
    talk = question.talk()
    if not talk:
        raise InputError("empty", "a question needs text or messages", "messages")
    if len(talk) > MOST_MESSAGES:
        raise InputError("too_many", f"at most {MOST_MESSAGES:,} messages", "messages")
    if sum(len(each.content) for each in talk) > MOST_CHARACTERS:
        raise InputError("too_large", f"at most {MOST_CHARACTERS:,} characters", "messages")
    for each in talk:
        if each.role not in ROLES:
            raise InputError("unknown_role", f"role must be one of {', '.join(ROLES)}", "messages")
    if len(question.tools) > MOST_TOOLS:
        raise InputError("too_many", f"at most {MOST_TOOLS} tools", "tools")
    if question.priority not in PRIORITIES:
        raise InputError("unknown_priority", f"priority must be one of {', '.join(PRIORITIES)}",
                         "priority")
    if not 0 < len(question.workspace_id) <= 128:
        raise InputError("invalid_workspace", "a workspace id has 1 to 128 characters",
                         "workspace_id")
    for name in ("user_id", "agent_id", "session_id", "api_key_id", "model", "provider",
                 "feature", "region"):
        if len(getattr(question, name)) > _LONGEST_NAME:
            raise InputError("too_long", f"{name} has at most {_LONGEST_NAME} characters", name)
    if unknown := set(question.options) - set(OPTIONS):
        raise InputError("unknown_option", f"there is no option {min(unknown)!r:.80}", "options")
    _check_numbers(question)


def _check_numbers(question: Question) -> None:
    highest = {"max_cost_usd": 1e6, "max_latency_ms": 3.6e6, "max_output_tokens": 1e7}
    for name, most in highest.items():
        value = getattr(question, name)
        if value is not None and not 0 < value <= most:
            raise InputError("out_of_range", f"{name} must be above 0 and at most {most:,.0f}",
                             name)
    if question.temperature is not None and not 0 <= question.temperature <= 2:
        raise InputError("out_of_range", "temperature must be between 0 and 2", "temperature")
