"""``brain health``: the health score of given metric values."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from brain.cli.command import Command
from brain.cli.machine import Form, ReasonOut
from brain.decisions.health import HealthScore, summarize_health
from brain.decisions.reasons import InputError
from brain.decisions.targets import DEFAULT_TARGETS, TARGETS, Target, with_overrides


class TargetIn(msgspec.Struct, forbid_unknown_fields=True):
    """A changed row of the table of targets; what is left out keeps its default."""

    metric: str
    target: float | str | None = None
    warning: float | str | None = None
    critical: float | str | None = None


ScoreIn = msgspec.defstruct(
    "ScoreIn",
    [*((each.metric, float | None, None) for each in DEFAULT_TARGETS),
     ("demand_unmet", bool, False),
     ("targets", list[TargetIn], msgspec.field(default_factory=list))],
    forbid_unknown_fields=True, kw_only=True, module=__name__, namespace={
        "__doc__": "Metric values, null or left out where unknown. Throughput counts only "
                   "while ``demand_unmet``."})


class PartOut(msgspec.Struct, frozen=True):
    """One part: its score, its weight after re-weighting, and the points it costs."""

    name: str
    score: float | None
    weight_pct: float
    cost: float
    metrics: tuple[str, ...]
    unknown: tuple[str, ...]


class ScoreOut(msgspec.Struct, frozen=True):
    """The health score, 0 to 100, or null where availability and errors are unknown."""

    score: float | None
    parts: list[PartOut]
    unknown: tuple[str, ...]
    statuses: dict[str, str]
    reasons: list[ReasonOut]


def prepare_score(_: Namespace) -> Callable[[Any], ScoreOut]:
    """The function that scores one record of metric values."""
    metrics = tuple(TARGETS)

    def score(given: Any) -> ScoreOut:
        targets = override_targets(given.targets) if given.targets else TARGETS
        values = {metric: getattr(given, metric) for metric in metrics}
        return _to_output(summarize_health(values, targets, given.demand_unmet))
    return score


def override_targets(rows: list[TargetIn]) -> Mapping[str, Target]:
    """The table of targets with changed rows. Raises InputError naming the row's field."""
    targets: Mapping[str, Target] = TARGETS
    for number, row in enumerate(rows):
        try:
            targets = with_overrides([msgspec.structs.asdict(row)], targets)
        except InputError as error:
            raise InputError(error.code, error.message,
                             f"targets[{number}].{error.field}") from error
    return targets


def _to_output(found: HealthScore) -> ScoreOut:
    return ScoreOut(
        found.score,
        [PartOut(part.name, part.score, part.weight_pct, part.cost, part.metrics, part.unknown)
         for part in found.parts],
        found.unknown, dict(found.statuses),
        [ReasonOut(reason.code, reason.text) for reason in found.reasons])


COMMANDS: tuple[Command, ...] = (
    Command("health", "score", "Score the platform's health from its metric values.",
            form=Form(ScoreIn, ScoreOut, prepare_score)),
)
