"""``brain experiments``: assignment, analysis and planning of experiments."""

import datetime as dt
from argparse import Namespace as Arguments
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from brain.cli import experiment_board
from brain.cli.command import Command
from brain.cli.experiment_analysis import AnalyzeIn, AnalyzeOut, prepare_analysis
from brain.cli.experiment_planning import PlanIn, PlanOut, prepare_plan
from brain.cli.machine import Form, ReasonOut
from brain.decisions.assignment.choosing import (
    UNKNOWN_EXPERIMENT,
    Assigner,
    Experiment,
    Namespace,
    Variant,
)
from brain.decisions.assignment.targeting import Condition
from brain.decisions.reasons import InputError

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)] | float
"""ISO 8601 with a zone, or seconds since 1970 UTC."""
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class AssignedVariantIn(msgspec.Struct, forbid_unknown_fields=True):
    """A variant and its weight, any positive number."""

    key: str
    weight: float = 1.0


class NamespaceIn(msgspec.Struct, forbid_unknown_fields=True):
    """The experiment's part of a namespace."""

    key: str
    start: Share
    end: Share


class ConditionIn(msgspec.Struct, forbid_unknown_fields=True):
    """What an attribute of the unit must be."""

    attribute: str
    operator: Literal["is", "is_not", "in", "not_in", "at_least", "at_most", "above", "below",
                      "starts_with", "contains", "exists", "missing"] = "is"
    value: Any = None


class ExperimentIn(msgspec.Struct, forbid_unknown_fields=True):
    """The experiment as far as assignment needs it."""

    key: str
    variants: list[AssignedVariantIn]
    state: Literal["draft", "running", "paused", "stopped", "decided"] = "running"
    seed: str = ""
    hash_version: Literal[1, 2] = 2
    traffic_ratio: Share = 1.0
    namespace: NamespaceIn | None = None
    targeting: list[ConditionIn] = []
    forced: dict[str, str] = {}
    sticky: bool = False
    start_utc: Moment | None = None
    end_utc: Moment | None = None


class AssignIn(msgspec.Struct, forbid_unknown_fields=True):
    """A unit and an experiment, null where it is unknown.

    Without ``at_utc`` start and end of the experiment are not asked.
    """

    unit: str
    experiment: ExperimentIn | None
    attributes: dict[str, Any] = {}
    at_utc: Moment | None = None
    previous_variant: str | None = None


class AssignOut(msgspec.Struct, frozen=True):
    """The variant, null for no assignment, and the unit's place in [0, 1)."""

    experiment: str | None
    unit: str
    variant: str | None
    bucket: float | None
    counted: bool
    reasons: list[ReasonOut]


def prepare_assign(_: Arguments) -> Callable[[Any], AssignOut]:
    """The function that assigns one unit; an experiment is made ready once while it repeats."""
    last: list[Any] = [None, None]

    def assign(given: AssignIn) -> AssignOut:
        at_utc = _read_moment(given.at_utc, "at_utc")
        found = UNKNOWN_EXPERIMENT
        if given.experiment is not None:
            if last[0] != given.experiment:
                last[:] = [given.experiment, Assigner(_read_experiment(given.experiment))]
            found = last[1].assign(given.unit, given.attributes, at_utc, given.previous_variant)
        key = None if given.experiment is None else given.experiment.key
        return AssignOut(key, given.unit, found.variant, found.bucket, found.is_counted,
                         [ReasonOut(each.code, each.text) for each in found.reasons])
    return assign


def _read_experiment(given: ExperimentIn) -> Experiment:
    space = given.namespace
    try:
        return Experiment(
            given.key, tuple(Variant(each.key, each.weight) for each in given.variants),
            given.state, given.seed, given.hash_version, given.traffic_ratio,
            None if space is None else Namespace(space.key, space.start, space.end),
            tuple(Condition(each.attribute, each.operator, each.value)
                  for each in given.targeting),
            given.forced, given.sticky, _read_moment(given.start_utc, "start_utc"),
            _read_moment(given.end_utc, "end_utc"))
    except InputError as error:
        raise InputError(error.code, error.message, f"experiment.{error.field}") from error


def _read_moment(given: dt.datetime | float | None, field: str) -> dt.datetime | None:
    if given is None or isinstance(given, dt.datetime):
        return given
    try:
        return dt.datetime.fromtimestamp(given, dt.UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise InputError("out_of_range", f"{field} is no moment: {given}", field) from error


COMMANDS: tuple[Command, ...] = (
    Command("experiments", "assign", "Assign a unit to a variant, or say why not.",
            form=Form(AssignIn, AssignOut, prepare_assign)),
    Command("experiments", "analyze", "Read a metric's effect from sums per variant.",
            form=Form(AnalyzeIn, AnalyzeOut, prepare_analysis)),
    Command("experiments", "power", "Plan units, days and the smallest effect to be seen.",
            form=Form(PlanIn, PlanOut, prepare_plan)),
    *experiment_board.COMMANDS,
)
