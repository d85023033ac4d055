"""``brain prompts`` and ``brain plans``: render, keep and switch prompts; check and run plans."""

import json
from argparse import Namespace
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from brain.cli.command import Command, CommandError, Option
from brain.cli.machine import Form, ReasonOut
from brain.cli.output import show


class RenderIn(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt's texts, the JSON Schema of its inputs, and inputs."""

    system: str
    user: str = ""
    schema: dict[str, Any] = {}
    inputs: dict[str, Any] = {}


class RenderOut(msgspec.Struct, frozen=True):
    """The texts with the inputs in place."""

    system: str
    user: str
    reasons: list[ReasonOut]


class StepIn(msgspec.Struct, forbid_unknown_fields=True):
    """A step; what it needs must be done before it starts."""

    key: str
    kind: Literal["ask", "retrieve", "tool"] = "ask"
    given: dict[str, Any] = {}
    needs: list[str] = []
    retries: Annotated[int, msgspec.Meta(ge=0)] = 0
    time_s: float | None = None
    optional: bool = False


class LimitsIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a run may take at most."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    parallel: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 8
    time_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 120.0
    cost_usd: Decimal = Decimal(1)
    retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 3


class PlanIn(msgspec.Struct, forbid_unknown_fields=True):
    """A plan of steps, and its limits."""

    steps: list[StepIn]
    name: str = ""
    limits: LimitsIn = msgspec.field(default_factory=LimitsIn)


class PlanOut(msgspec.Struct, frozen=True):
    """The waves in which the steps run."""

    waves: list[list[str]]
    reasons: list[ReasonOut]


def prepare_render(_: Namespace) -> Callable[[RenderIn], RenderOut]:
    """The function that renders one prompt."""
    from brain.decisions.prompts.inputs import check_schema, fit_inputs
    from brain.decisions.prompts.templates import read_template, render_template

    def render(given: RenderIn) -> RenderOut:
        check_schema(given.schema)
        inputs = fit_inputs(given.schema, given.inputs)
        texts = [render_template(read_template(text, name), inputs, name)
                 for name, text in (("system", given.system), ("user", given.user))]
        used = ", ".join(sorted(inputs)) or "none"
        return RenderOut(texts[0], texts[1], [ReasonOut("rendered", f"Inputs: {used}.")])
    return render


def prepare_check(_: Namespace) -> Callable[[PlanIn], PlanOut]:
    """The function that orders one plan."""
    from brain.decisions.conductor import Plan, PlanLimits, PlanStep, order_plan

    def check(given: PlanIn) -> PlanOut:
        steps = tuple(PlanStep(each.key, each.kind, each.given, tuple(each.needs), each.retries,
                               each.time_s, each.optional) for each in given.steps)
        order = order_plan(Plan(given.name, steps),
                           PlanLimits(**msgspec.structs.asdict(given.limits)))
        return PlanOut([list(wave) for wave in order.waves],
                       [ReasonOut(each.code, each.text) for each in order.reasons])
    return check


def list_prompts(arguments: Namespace) -> None:
    """Print every prompt."""
    _show("prompts", arguments)


def show_prompt(arguments: Namespace) -> None:
    """Print a prompt's versions."""
    _show("prompt_versions", arguments, name=arguments.name)


def add_version(arguments: Namespace) -> None:
    """Add a version from a file with system, user and schema."""
    body = _read_object(arguments.file)
    _show("add_prompt", arguments, name=arguments.name, note=arguments.note, **body)


def diff_versions(arguments: Namespace) -> None:
    """Print what differs between two versions."""
    from brain.cli.owner import call
    found = call("diff_prompt", name=arguments.name, one=arguments.one, other=arguments.other)
    show(found if arguments.json else found["diff"] or "Nothing differs.", arguments.json)


def activate(arguments: Namespace) -> None:
    """Put a version in force."""
    _show("act_on_prompt", arguments, name=arguments.name, action="activate",
          version=arguments.number, reason=arguments.reason)


def roll_back(arguments: Namespace) -> None:
    """Put the version in force that was before."""
    _show("act_on_prompt", arguments, name=arguments.name, action="rollback",
          reason=arguments.reason)


def undo(arguments: Namespace) -> None:
    """Undo the last change of a prompt."""
    _show("act_on_prompt", arguments, name=arguments.name, action="undo")


def list_agents(arguments: Namespace) -> None:
    """Print every agent."""
    _show("agents", arguments)


def put_agent(arguments: Namespace) -> None:
    """Keep the agent of a file."""
    _show("put_agent", arguments, agent=_read_object(arguments.file))


def remove_agent(arguments: Namespace) -> None:
    """Take an agent away."""
    _show("remove_agent", arguments, agent_id=arguments.agent_id)


def run_plan(arguments: Namespace) -> None:
    """Run the plan of a file."""
    _show("run_plan", arguments, plan=_read_object(arguments.file),
          workspace_id=arguments.workspace)


def _read_object(path: str) -> dict[str, Any]:
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{path} is no JSON: {error}", "invalid_json") from error
    if not isinstance(body, dict):
        raise CommandError(f"{path} is no JSON object", "invalid_json")
    return body


def _show(verb: str, arguments: Namespace, **given: Any) -> None:
    from brain.cli.owner import call
    found = call(verb, **given)
    if not arguments.json:
        rows = found if isinstance(found, list) else [found]
        rows = [{name: value for name, value in row.items()
                 if not isinstance(value, dict | list)} for row in rows]
        found = rows if isinstance(found, list) else rows[0]
    show(found, arguments.json)


_NAME = Option("name", "Name of the prompt.", required=True)
_REASON = Option("--reason", "Why; it is kept with the change.", default="")
COMMANDS: tuple[Command, ...] = (
    Command("prompts", "render", "Put inputs into a prompt's texts.",
            form=Form(RenderIn, RenderOut, prepare_render)),
    Command("prompts", "list", "List the prompts.", run=list_prompts),
    Command("prompts", "show", "List a prompt's versions, newest first.", (_NAME,),
            run=show_prompt),
    Command("prompts", "add", "Add a version; the first of a prompt is in force at once.", (
        _NAME, Option("file", "JSON object with system, user and schema.", required=True,
                      metavar="FILE"),
        Option("--note", "What changed.", default="")), run=add_version),
    Command("prompts", "diff", "Show what differs between two versions.", (
        _NAME, Option("one", "A version.", int, required=True),
        Option("other", "Another version.", int, required=True)), run=diff_versions),
    Command("prompts", "activate", "Put a version in force, if the prompt's gate lets it pass.", (
        _NAME, Option("number", "The version.", int, required=True), _REASON), run=activate),
    Command("prompts", "rollback", "Put the version in force that was before.", (_NAME, _REASON),
            run=roll_back),
    Command("prompts", "undo", "Undo the last change of a prompt; again, and it is back.",
            (_NAME,), run=undo),
    Command("agents", "list", "List the agents.", run=list_agents),
    Command("agents", "put", "Keep an agent, new or in the place of the one with its id.", (
        Option("file", "JSON object with agent_id and what the agent has.", required=True,
               metavar="FILE"),), run=put_agent),
    Command("agents", "remove", "Take an agent away.", (
        Option("agent_id", "The agent.", required=True),), run=remove_agent),
    Command("plans", "check", "Order a plan's steps, or say why it cannot run.",
            form=Form(PlanIn, PlanOut, prepare_check)),
    Command("plans", "run", "Run a plan and show what became of its steps.", (
        Option("file", "JSON object with name and steps.", required=True, metavar="FILE"),
        Option("--workspace", "Workspace that asks.", default="default")), run=run_plan),
)
