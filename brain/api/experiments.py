"""Experiments as verbs: JSON in, JSON-able values out."""

import base64
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.decisions.experiment import Experiment
from brain.engine import Engine

Key = Annotated[str, Meta(max_length=128)]
Person = Annotated[str, Meta(max_length=128)]
Reason = Annotated[str, Meta(max_length=4_000)]


class ListExperiments(msgspec.Struct, forbid_unknown_fields=True):
    """Only experiments in this state; empty for all."""

    state: Literal["", "draft", "running", "paused", "stopped", "decided"] = ""


class ShowExperiment(msgspec.Struct, forbid_unknown_fields=True):
    """Which experiment; ``metric`` leads in the place of the primary one. Also as a file."""

    key: Key
    metric: Annotated[str, Meta(max_length=256)] | None = None
    form: Literal["json", "html", "csv", "pdf"] = "json"


class CreateExperiment(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of the definition; ``change`` writes an existing draft anew."""

    definition: dict[str, Any]
    change: bool = False
    person: Person = ""


class ActOnExperiment(msgspec.Struct, forbid_unknown_fields=True):
    """What to do, by whom and why. A ramp takes ``traffic_ratio``, a decision ``variant``."""

    key: Key
    action: Literal["start", "pause", "resume", "ramp", "stop", "decide", "undo", "remove"]
    person: Person = ""
    reason: Reason = ""
    traffic_ratio: Annotated[float, Meta(ge=0, le=1)] = 1.0
    variant: Key = ""


class LoadSamples(msgspec.Struct, forbid_unknown_fields=True):
    """Who loads the sample experiments."""

    person: Person = ""


class ImportExperiments(msgspec.Struct, forbid_unknown_fields=True):
    """A file on this machine with cumulative statistics, Parquet or CSV."""

    path: Annotated[str, Meta(min_length=1, max_length=4_096)]
    person: Person = ""


class ExperimentHistory(msgspec.Struct, forbid_unknown_fields=True):
    """Whose changes."""

    key: Key


def list_experiments(engine: Engine, wanted: ListExperiments) -> Any:
    """Experiments by key with what assignment and people need to know."""
    return [describe(each) for each in engine.experiments.list()
            if wanted.state in ("", each.state)]


def show_experiment(engine: Engine, wanted: ShowExperiment) -> Any:
    """An experiment's results; a file's text under ``text``, a PDF's base64 under ``content``."""
    from brain.experiments import export
    results = engine.experiments.results(wanted.key, wanted.metric)
    if wanted.form == "json":
        return export.to_values(results)
    if wanted.form == "pdf":
        from brain.experiments.statement import to_results_pdf
        return {"content": base64.b64encode(to_results_pdf(results)).decode()}
    return {"text": export.to_html(results) if wanted.form == "html"
            else export.to_results_csv(results).decode()}


def create_experiment(engine: Engine, given: CreateExperiment) -> Any:
    """The draft."""
    if given.change:
        key = str(given.definition.get("key", ""))
        return _values(engine.experiments.change(key, given.definition, given.person))
    return _values(engine.experiments.create(given.definition, given.person))


def act_on_experiment(engine: Engine, given: ActOnExperiment) -> Any:
    """The experiment after the action."""
    verbs, who = engine.experiments, {"person": given.person, "reason": given.reason}
    if given.action == "ramp":
        return _values(verbs.ramp(given.key, given.traffic_ratio, **who))
    if given.action == "decide":
        return _values(verbs.decide(given.key, given.variant, **who))
    if given.action == "undo":
        return _values(verbs.undo_last(given.key, given.person))
    if given.action == "remove":
        verbs.remove(given.key, given.person)
        return {"key": given.key, "removed": True}
    return _values({"start": verbs.start, "pause": verbs.pause, "resume": verbs.resume,
                    "stop": verbs.stop}[given.action](given.key, **who))


def load_samples(engine: Engine, given: LoadSamples) -> Any:
    """The drafts that were added."""
    return [describe(each) for each in engine.experiments.load_samples(given.person)]


def import_experiments(engine: Engine, given: ImportExperiments) -> Any:
    """What was imported, and what peeking and the sequential reading call in all of it."""
    report = engine.experiments.import_series(Path(given.path), given.person)
    return {**msgspec.to_builtins(report), "calls": msgspec.to_builtins(
        engine.experiments.peeking())}


def list_history(engine: Engine, wanted: ExperimentHistory) -> Any:
    """Changes of an experiment, newest first."""
    return [msgspec.to_builtins(each) for each in engine.experiments.history(wanted.key)]


def describe(given: Experiment) -> dict[str, Any]:
    """An experiment in a list."""
    return {"key": given.key, "name": given.name, "state": given.state, "kind": given.kind,
            "unit": given.unit, "variants": [each.key for each in given.variants],
            "traffic_ratio": given.traffic_ratio, "primary": given.primary.key,
            "decided_variant": given.decided_variant, "source": given.source}


def _values(given: Experiment) -> Any:
    return msgspec.to_builtins(given)
