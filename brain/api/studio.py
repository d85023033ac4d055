"""Prompts, agents, plans and evaluations as verbs: JSON in, JSON-able values out."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.decisions.evaluation import Gate, read_item
from brain.engine import Engine
from brain.evaluation.asking import Candidate, read_candidate
from brain.evaluation.golden import read_lines
from brain.gateway.agents import as_body, read_agent
from brain.gateway.conductor import read_plan

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Short = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=100_000)]
Person = Annotated[str, Meta(max_length=128)]
Note = Annotated[str, Meta(max_length=1_000)]
Number = Annotated[int, Meta(ge=0, le=1_000_000)]


class NoArguments(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class PromptVersions(msgspec.Struct, forbid_unknown_fields=True):
    """Whose versions are listed."""

    name: Name


class AddPrompt(msgspec.Struct, forbid_unknown_fields=True):
    """The texts of a version, and the JSON Schema of its inputs."""

    name: Name
    system: Text = ""
    user: Text = "{{question}}"
    schema: dict[str, Any] | None = None
    note: Note = ""
    meaning: Note = ""
    person: Person = ""


class DiffPrompt(msgspec.Struct, forbid_unknown_fields=True):
    """Which versions are compared."""

    name: Name
    one: Number
    other: Number


class ActOnPrompt(msgspec.Struct, forbid_unknown_fields=True):
    """What to do; ``version`` is for an activation."""

    name: Name
    action: Literal["activate", "rollback", "undo"]
    version: Number = 0
    reason: Note = ""
    person: Person = ""


class GateBody(msgspec.Struct, forbid_unknown_fields=True):
    """A gate; see `brain.decisions.evaluation.Gate`."""

    golden_set: Name
    require: Literal["better", "not_worse"] = "not_worse"
    margin: Annotated[float, Meta(ge=0, le=1)] = 0.05
    least_mean_score: Annotated[float, Meta(ge=0, le=1)] = 0.0
    most_p95_latency_ms: Annotated[float, Meta(gt=0)] | None = None
    most_usd_per_item: Decimal | None = None
    provider: Short = ""
    model: Short = ""


class ConfigurePrompt(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt's gate (null for none) and experiment ("" for none)."""

    name: Name
    gate: GateBody | None = None
    experiment_key: Annotated[str, Meta(max_length=128)] = ""
    person: Person = ""


class PutAgent(msgspec.Struct, forbid_unknown_fields=True):
    """The agent's fields."""

    agent: dict[str, Any]
    person: Person = ""


class RemoveAgent(msgspec.Struct, forbid_unknown_fields=True):
    """Which agent goes."""

    agent_id: Annotated[str, Meta(max_length=128)]
    person: Person = ""


class RunPlan(msgspec.Struct, forbid_unknown_fields=True):
    """A plan, its inputs, and who asks."""

    plan: dict[str, Any]
    inputs: dict[str, Any] = {}
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Short = ""


class AddGoldenSet(msgspec.Struct, forbid_unknown_fields=True):
    """Items as JSON lines."""

    name: Name
    lines: Annotated[str, Meta(max_length=50_000_000)]
    note: Note = ""
    person: Person = ""


class CandidateBody(msgspec.Struct, forbid_unknown_fields=True):
    """A route, a prompt's version, or both."""

    provider: Short = ""
    model: Short = ""
    prompt: Annotated[str, Meta(max_length=64)] = ""
    version: Number = 0
    agent_id: Short = ""


class Evaluate(msgspec.Struct, forbid_unknown_fields=True):
    """A golden set, what runs on it, and how much its answers may cost."""

    golden_set: Name
    candidate: CandidateBody
    baseline: CandidateBody | None = None
    most_usd: Decimal = Decimal(5)
    note: Note = ""
    person: Person = ""


class ShowRun(msgspec.Struct, forbid_unknown_fields=True):
    """Which run."""

    run_id: Annotated[str, Meta(max_length=64)]


class Examine(msgspec.Struct, forbid_unknown_fields=True):
    """One item, and who answers it."""

    candidate: CandidateBody
    item: dict[str, Any]


def list_prompts(engine: Engine, _: NoArguments) -> Any:
    """Every prompt with its version in force, experiment and gate."""
    return [asdict(each) for each in engine.studio.prompts.list()]


def list_versions(engine: Engine, given: PromptVersions) -> Any:
    """A prompt's versions, newest first."""
    return [asdict(each) for each in engine.studio.prompts.versions(given.name)]


def add_prompt(engine: Engine, given: AddPrompt) -> Any:
    """The version as added."""
    return asdict(engine.studio.prompts.add(
        given.name, given.system, given.user, given.schema, note=given.note,
        meaning=given.meaning, person=given.person))


def diff_prompt(engine: Engine, given: DiffPrompt) -> Any:
    """What differs between two versions."""
    return {"diff": engine.studio.prompts.diff(given.name, given.one, given.other)}


def act_on_prompt(engine: Engine, given: ActOnPrompt) -> Any:
    """The prompt after it."""
    prompts = engine.studio.prompts
    if given.action == "activate":
        return asdict(prompts.activate(given.name, given.version, given.person, given.reason))
    if given.action == "rollback":
        return asdict(prompts.rollback(given.name, given.person, given.reason))
    return asdict(prompts.undo(given.name, given.person))


def configure_prompt(engine: Engine, given: ConfigurePrompt) -> Any:
    """The prompt with its gate and experiment."""
    gate = None if given.gate is None else Gate(**msgspec.structs.asdict(given.gate))
    return asdict(engine.studio.prompts.configure(
        given.name, gate=gate, experiment_key=given.experiment_key, person=given.person))


def list_agents(engine: Engine, _: NoArguments) -> Any:
    """Every agent."""
    return [as_body(each) for each in engine.studio.agents.list()]


def put_agent(engine: Engine, given: PutAgent) -> Any:
    """The agent as kept."""
    return as_body(engine.studio.agents.put(read_agent(given.agent), given.person))


def remove_agent(engine: Engine, given: RemoveAgent) -> Any:
    """The id of the agent that is gone."""
    engine.studio.agents.remove(given.agent_id, given.person)
    return {"agent_id": given.agent_id}


def run_plan(engine: Engine, given: RunPlan) -> Any:
    """What became of each step."""
    return asdict(engine.studio.conductor.run(
        read_plan(given.plan), workspace_id=given.workspace_id, user_id=given.user_id,
        inputs=given.inputs))


def list_sets(engine: Engine, _: NoArguments) -> Any:
    """The newest version of every golden set."""
    return [asdict(each) for each in engine.studio.evaluation.sets.list()]


def add_set(engine: Engine, given: AddGoldenSet) -> Any:
    """The set's version as added."""
    return asdict(engine.studio.evaluation.sets.add(given.name, read_lines(given.lines),
                                                    given.note, given.person))


def evaluate(engine: Engine, given: Evaluate) -> Any:
    """What a run of the set has shown, when it has ended."""
    baseline = None if given.baseline is None else _candidate(given.baseline)
    return _report(engine.studio.evaluation.run_now(
        given.golden_set, _candidate(given.candidate), baseline, most_usd=given.most_usd,
        note=given.note, person=given.person))


def list_runs(engine: Engine, _: NoArguments) -> Any:
    """The latest runs, newest first."""
    return [{"run_id": each.run_id, "golden_set": each.golden_set,
             "version": each.set_version, "candidate": each.candidate.label,
             "baseline": each.baseline.label if each.baseline else "", "state": each.state,
             "done": each.done, "total": each.total, "started_at_utc": each.started_at_utc}
            for each in engine.studio.evaluation.runs()]


def show_run(engine: Engine, given: ShowRun) -> Any:
    """What a run has shown so far."""
    return _report(engine.studio.evaluation.report(given.run_id))


def examine(engine: Engine, given: Examine) -> Any:
    """The grade of one item."""
    candidate = read_candidate(msgspec.structs.asdict(given.candidate), engine.studio.prompts)
    found = engine.studio.evaluation.examiner().examine(candidate, read_item(given.item, 1))
    return {"score": found.grade.score, "passed": found.grade.passed, "answer": found.answer,
            "failed": found.failed, "latency_ms": found.latency_ms, "cost_usd": found.cost_usd,
            "request_id": found.request_id,
            "reasons": [asdict(each) for each in found.grade.reasons]}


def _candidate(given: CandidateBody) -> Candidate:
    return Candidate(**msgspec.structs.asdict(given))


def _report(found: Any) -> Any:
    body = asdict(found)
    for side in body["grades"].values():
        for row in side:
            row["reasons"] = [dict(zip(("code", "text"), each, strict=True))
                              for each in msgspec.json.decode(row.pop("reasons_json"))]
    return body


TABLE: dict[str, tuple[type[msgspec.Struct], Any]] = {
    "prompts": (NoArguments, list_prompts), "prompt_versions": (PromptVersions, list_versions),
    "add_prompt": (AddPrompt, add_prompt), "diff_prompt": (DiffPrompt, diff_prompt),
    "act_on_prompt": (ActOnPrompt, act_on_prompt),
    "configure_prompt": (ConfigurePrompt, configure_prompt),
    "agents": (NoArguments, list_agents), "put_agent": (PutAgent, put_agent),
    "remove_agent": (RemoveAgent, remove_agent), "run_plan": (RunPlan, run_plan),
    "golden_sets": (NoArguments, list_sets), "add_golden_set": (AddGoldenSet, add_set),
    "evaluate": (Evaluate, evaluate), "evaluations": (NoArguments, list_runs),
    "evaluation": (ShowRun, show_run), "examine": (Examine, examine)}
"""Each verb with what it takes and what does it."""
