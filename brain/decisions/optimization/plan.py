"""What would be done now, why, what it should bring, and how it would be taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from brain.decisions.optimization.actions import Action, Platform, build, invert
from brain.decisions.optimization.bounds import find_bound, fit_cost
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.effects import Expected, expect
from brain.decisions.optimization.learning import PastRun, Record, rank_of, summarize_record
from brain.decisions.optimization.metrics import (
    Metric,
    PerformanceScore,
    Seen,
    check_seen,
    latency_of,
    score_performance,
)
from brain.decisions.optimization.strategies import BY_KEY, Strategy
from brain.decisions.optimization.triggers import Trigger, demand_is_unmet, find_triggers
from brain.decisions.reasons import InputError, Reason
from brain.decisions.targets import TARGETS, Target

UNKNOWN = Platform()


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a plan follows from. ``rejected`` of ``requests`` were turned away for want of
    capacity. ``running`` is whether a run is under way; ``only`` names the
    one strategy that a person chose, whose conditions then need not hold."""

    seen: Seen
    platform: Platform = UNKNOWN
    rejected: int | None = None
    history: Sequence[PastRun] = ()
    running: bool = False
    only: str = ""
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A strategy in this plan.

    ``state`` is chosen, waiting (another one comes first), withheld (a bound forbids it), holding,
    quiet or unknown.
    """

    strategy: Strategy
    state: str
    metric: str
    held_s: float
    record: Record
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done: ``strategy`` is None for nothing, and the reasons say why.

    ``rollback`` takes ``actions`` back, in reverse order. ``goal`` is the metric by which it will
    be judged, ``situation`` what triggered.
    """

    strategy: Strategy | None
    actions: tuple[Action, ...]
    rollback: tuple[Action, ...]
    expected: Expected | None
    goal: str
    situation: str
    candidates: tuple[Candidate, ...]
    score: PerformanceScore
    demand_unmet: bool
    reasons: tuple[Reason, ...]

    @property
    def triggered(self) -> tuple[Candidate, ...]:
        """Strategies whose conditions hold, also those that are held back."""
        return tuple(each for each in self.candidates
                     if each.state in ("chosen", "waiting", "withheld"))


def decide_plan(given: Situation, rules: Configuration | None = None,
                targets: Mapping[str, Target] = TARGETS) -> Plan:
    """The plan for a situation: at most one strategy, so that its effect can be told.

    The first in rank that a bound does not forbid is chosen. Raises InputError naming the metric
    for a value that cannot be, or ``only`` for an unknown strategy.
    """
    rules = rules or Configuration()
    known = check_seen(given.seen)
    values = {name: metric.value for name, metric in known.items() if metric.value is not None}
    platform = given.platform
    if platform.replicas is None and "replicas" in values:
        platform = replace(platform, replicas=round(values["replicas"]))
    unmet, demand = demand_is_unmet(known, given.rejected)
    score = score_performance(values, targets, unmet)
    triggers = find_triggers(known, unmet, rules)
    if given.only:
        triggers = _insist(triggers, given.only)
    judged = []
    for trigger in triggers:
        record = summarize_record(trigger.strategy, given.history, trigger.metric)
        judged.append((trigger, record))
    judged.sort(key=lambda pair: -rank_of(pair[0].strategy, pair[1]))
    chosen: tuple[Trigger, Record, tuple[Action, ...]] | None = None
    candidates = []
    for trigger, record in judged:
        state, reasons = trigger.state, trigger.reasons
        if state == "triggered":
            bound = find_bound(trigger.strategy, given.history, given.running, values, unmet,
                               rules, targets)
            actions, left_out = ((), ()) if bound else _build(trigger.strategy, platform, values,
                                                              rules, _busiest(known))
            if bound:
                state, reasons = "withheld", (*reasons, bound)
            elif not actions:
                state, reasons = "withheld", (*reasons, *left_out)
            elif chosen is None:
                state, reasons = "chosen", (*reasons, *left_out)
                chosen = trigger, record, actions
            else:
                state = "waiting"
                reasons = (*reasons, Reason("one_at_a_time", "Another strategy comes first; one "
                                                             "at a time, so that its effect can "
                                                             "be told."))
        candidates.append(Candidate(trigger.strategy, state, trigger.metric, trigger.held_s,
                                    record, reasons))
    if chosen is None:
        return Plan(None, (), (), None, "", "", tuple(candidates), score, unmet,
                    (*_why_nothing(candidates), *demand))
    trigger, record, actions = chosen
    strategy = trigger.strategy
    goal = trigger.metric if strategy.goal == "trigger" else strategy.goal
    if goal == "pool_pct":  # slots are only the means; what people feel is the response time
        goal = latency_of(values) or goal
    share = (min(1.0, given.rejected / given.requests)
             if given.rejected and given.requests else 0.0)
    latency, errors, cost = expect(actions, known, platform, rules, share)
    reasons = next(each.reasons for each in candidates if each.state == "chosen")
    return Plan(strategy, actions, invert(actions),
                Expected(goal, record.gain, record.low, record.high, latency, errors, cost),
                goal or "score", trigger.metric, tuple(candidates), score, unmet,
                (Reason("chosen", f"{strategy.title}: "
                        + ", ".join(each.kind for each in actions) + "."), *reasons,
                 _tell_record(record), *demand))


def _insist(triggers: tuple[Trigger, ...], only: str) -> tuple[Trigger, ...]:
    if only not in BY_KEY:
        raise InputError("unknown_strategy", f"there is no strategy {only!r:.80}; there are "
                                             f"{', '.join(BY_KEY)}", "only")
    found = next((each for each in triggers if each.strategy.key == only), None)
    insisted = Reason("chosen_by_hand", "A person chose this strategy.")
    strategy = BY_KEY[only]
    if found is None or not found.metric:
        metric = strategy.conditions[0].metric
        return (Trigger(strategy, "triggered", metric, 0.0, (insisted,)),)
    return (replace(found, state="triggered", reasons=(insisted, *found.reasons)),)


def _build(strategy: Strategy, platform: Platform, values: Mapping[str, float],
           rules: Configuration, busiest_pct: float | None) -> tuple[
               tuple[Action, ...], tuple[Reason, ...]]:
    """The actions that are possible within the cap, and why others are not."""
    actions, left_out = [], []
    for step in strategy.steps:
        made = build(step, platform, rules, busiest_pct)
        if isinstance(made, Action):
            fitting, why = fit_cost(made, values, platform, rules)
            left_out += [why] if why else []
            actions += [fitting] if fitting else []
        else:
            left_out.append(made)
    return tuple(actions), tuple(left_out)


def _busiest(known: Mapping[str, Metric]) -> float | None:
    """The highest use of capacity of the last hour, as far as it is known."""
    return max((value for name in ("cpu_pct", "pool_pct") if name in known
                for value in (known[name].value, known[name].peak) if value is not None),
               default=None)


def _why_nothing(candidates: Sequence[Candidate]) -> tuple[Reason, ...]:
    withheld = [each for each in candidates if each.state == "withheld"]
    holding = [each for each in candidates if each.state == "holding"]
    unknown = [each for each in candidates if each.state == "unknown"]
    if withheld:
        return (Reason("withheld", "Nothing to do: what triggers is held back."),
                *(reason for each in withheld for reason in each.reasons))
    if holding:
        return (Reason("holding", "Nothing to do yet: conditions have not held long enough."),
                *(reason for each in holding for reason in each.reasons))
    if len(unknown) == len(candidates):
        return (Reason("not_enough_data", "Nothing to do: no metric is known well enough."),)
    told = [Reason("nothing_to_do", "Nothing to do: no strategy's conditions hold.")]
    if unknown:
        told.append(Reason("partly_unknown", "Cannot be told for: " + ", ".join(
            each.strategy.title.lower() for each in unknown) + "."))
    return tuple(told)


def _tell_record(record: Record) -> Reason:
    if not record.runs:
        return Reason("prior", f"No record of its own yet: {record.gain:.0%} is what it was "
                               "delivered with.")
    return Reason("record", f"{record.successes} of {record.runs} measured runs improved things; "
                            f"{record.gain:.0%} is expected.")
