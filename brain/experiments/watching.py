"""The console's own hand on running experiments: reads, decides, acts, says why."""

import datetime as dt
import logging
from typing import TYPE_CHECKING

from analytics.experiments.statistics import Adjusted, Mean, Proportion, Statistic
from analytics.experiments.verdict import Guard, guard_of
from analytics.experiments.worth import VariantCost
from brain.decisions.bandits import Arm
from brain.decisions.experiment import Experiment
from brain.decisions.experiment_steps import Seen, Step, decide_step
from brain.decisions.reasons import InputError
from brain.experiments.measuring import Query, Window, read_units
from brain.experiments.records import ExperimentRecords
from brain.experiments.results import Results

if TYPE_CHECKING:
    from brain.experiments.board import Experiments

PERSON = "console"
_log = logging.getLogger("brain.experiments")


def look(given: Experiment, results: Results, records: ExperimentRecords, query: Query,
         now: dt.datetime) -> Step:
    """What to do with an experiment now, from its results."""
    guards: dict[str, dict[str, Guard]] = {}
    for metric in results.metrics:
        if metric.role == "guardrail":
            for each in metric.comparisons:
                guards.setdefault(each.variant, {})[metric.definition.key] = \
                    guard_of(each.verdict)
    history = records.allocations(given.key)
    started = given.started_at_utc or now
    since = history[-1].at_utc if history else started
    earlier = read_units(query, Window(given.key, given.unit, started, since), given.shares)
    treated, before = (sum(n for key, n in each.items() if key != given.control)
                       for each in (results.units, earlier.by_variant))
    return decide_step(given, Seen(
        now, sum(results.units.values()), (now - started).total_seconds() / 86_400, guards,
        results.winner, results.cost_usd, (now - since).total_seconds(),
        max(0, treated - before),
        _arms(results) if given.kind == "bandit" else (),
        history[-1].shares if history else None))


def run_once(verbs: "Experiments") -> int:
    """How many running experiments something was done to; one that fails keeps no other waiting."""
    done = 0
    for given in verbs.list():
        if given.state != "running" or given.is_demo or given.is_imported:
            continue
        try:
            done += act(verbs, given.key, verbs.next_step(given.key))
        except (InputError, LookupError) as fault:  # changed by a person meanwhile
            _log.warning("experiment %s: %s", given.key, fault)
    return done


def act(verbs: "Experiments", key: str, step: Step) -> bool:
    """Whether the step changed anything."""
    why = " ".join(each.text for each in step.reasons)
    if step.action == "go_on":
        return False
    if step.action in ("ramp", "halt") and step.traffic_ratio is not None:
        verbs.ramp(key, step.traffic_ratio, PERSON, why)
    if step.action in ("pause", "halt"):
        verbs.pause(key, PERSON, why)
    elif step.action == "stop":
        verbs.stop(key, PERSON, why)
    elif step.action == "reallocate" and step.shares is not None:
        verbs.reallocate(key, step.shares, step.reasons)
    return True


def _arms(results: Results) -> tuple[Arm, ...]:
    found = []
    for key in results.experiment.shares:
        cost = results.costs.get(key)
        usd = float(cost.usd_per_unit or 0) if isinstance(cost, VariantCost) else 0.0
        n, total, squares = _sums(results.primary.statistics.get(key))
        found.append(Arm(key, n, total, squares, usd))
    return tuple(found)


def _sums(statistic: Statistic | None) -> tuple[float, float, float | None]:
    plain = statistic.post if isinstance(statistic, Adjusted) else statistic
    if isinstance(plain, Proportion):
        return plain.n, plain.sum, None
    if isinstance(plain, Mean):
        return plain.n, plain.sum, plain.sum_squares
    return 0.0, 0.0, None
