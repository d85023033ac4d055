"""``brain ask`` and ``brain quotas``: the query engine from a shell."""

from argparse import Namespace
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.cli.command import Command, CommandError, Option
from brain.cli.machine import Form, ReasonOut
from brain.cli.owner import call

Name = Annotated[str, Meta(max_length=256)]


class AskIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A question. An empty ``model`` leaves the choice to the engine."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000_000)]
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    agent_id: Name = ""
    session_id: Name = ""
    model: Name = ""
    provider: Name = ""
    priority: Literal["balanced", "cost", "latency", "quality"] = "balanced"
    max_cost_usd: Annotated[float, Meta(gt=0)] | None = None
    max_latency_ms: Annotated[float, Meta(gt=0)] | None = None
    max_output_tokens: Annotated[int, Meta(gt=0)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    json: bool = False
    feature: Name = ""
    experiments: list[Name] = []
    use_cache: bool = True
    use_knowledge: bool = True


class SourceOut(msgspec.Struct, frozen=True):
    """A passage of a document that the answer rests on."""

    document_id: str
    name: str
    text: str
    score: float


class StepOut(msgspec.Struct, frozen=True):
    """One step of the request: when it began, how long it took, what it decided and why."""

    name: str
    started_ms: float
    took_ms: float
    decision: str
    reasons: list[ReasonOut]
    facts: dict[str, Any]


class AskOut(msgspec.Struct, frozen=True):
    """The answer, a refusal or an error, with its route, cost and steps."""

    request_id: str
    text: str
    status: Literal["ok", "error", "refused"]
    error: str
    provider: str
    model: str
    simulated: bool
    cost_usd: str | None
    latency_ms: float
    cache_tier: str
    usage: dict[str, int]
    sources: list[SourceOut]
    steps: list[StepOut]
    reasons: list[ReasonOut]


def _asker(_: Namespace) -> Callable[[AskIn], AskOut]:
    from brain.decisions.reasons import InputError

    def ask(given: AskIn) -> AskOut:
        try:
            return msgspec.convert(call("ask", **msgspec.to_builtins(given)), AskOut)
        except CommandError as error:
            raise InputError(error.code, error.message, error.field) from error
    return ask


def list_quotas(arguments: Namespace) -> None:
    """Print every quota."""
    from brain.cli.output import show
    show(call("quotas"), arguments.json)


def set_quota(arguments: Namespace) -> None:
    """Store a quota and print it."""
    from brain.cli.output import show
    show(call("set_quota", scope=arguments.scope, name=arguments.name,
              requests_per_minute=arguments.requests, tokens_per_minute=arguments.tokens,
              usd_per_minute=arguments.usd), arguments.json)


_SCOPE = Option("scope", "What it is for.", required=True,
                choices=("platform", "workspace", "user", "api_key", "provider"))
COMMANDS = (
    Command("ask", "", "Answer questions: JSON lines in, one answer with its steps for each.",
            form=Form(AskIn, AskOut, _asker)),
    Command("quotas", "list", "List the quotas of workspaces, users, keys and providers.",
            run=list_quotas),
    Command("quotas", "set", "Set what a caller may use within 60 s; what is left out is no "
            "limit.", (
                _SCOPE, Option("--name", "Whose; empty for each of that kind.", default=""),
                Option("--requests", "Most requests.", int),
                Option("--tokens", "Most tokens.", int), Option("--usd", "Most USD.")),
            run=set_quota),
)
