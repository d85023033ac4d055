"""Golden sets and the gate that a change passes by its evaluation, or does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from analytics.evaluation import Pairing, quantile
from brain.decisions.grading import Grader, read_grader
from brain.decisions.reasons import InputError, Reason

MOST_ITEMS = 10_000
LONGEST_INPUT = 100_000
UNGRADED_RATIO = 0.05
"""More items without a grade than this take the verdict away."""
_FIELDS = ("id", "input", "inputs", "expected", "grader", "tags", "answer")


@dataclass(frozen=True, slots=True)
class GoldenItem:
    """One item: the question, or the inputs of a prompt, and how its answer is graded."""

    item_id: str
    question: str
    inputs: Mapping[str, Any]
    grader: Grader
    tags: tuple[str, ...] = ()
    answer: str | None = None
    """An answer that was made elsewhere, to be graded as it is."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What one candidate did on one item; ``score`` is None where it has no grade."""

    item_id: str
    score: float | None
    latency_ms: float | None = None
    cost_usd: Decimal | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """One candidate over a golden set. ``cost_usd`` is None where an answer has no price."""

    items: int
    graded: int
    failed: int
    passed: int
    mean_score: float | None
    p95_latency_ms: float | None
    cost_usd: Decimal | None
    usd_per_item: Decimal | None


@dataclass(frozen=True, slots=True)
class Gate:
    """What a change must show on a golden set before it goes live."""

    golden_set: str
    require: Literal["better", "not_worse"] = "not_worse"
    margin: float = 0.05
    least_mean_score: float = 0.0
    most_p95_latency_ms: float | None = None
    most_usd_per_item: Decimal | None = None
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether a change may go live; "cannot_tell" does not let it pass either."""

    verdict: Literal["pass", "fail", "cannot_tell"]
    reasons: tuple[Reason, ...] = field(default_factory=tuple)


def read_item(given: Any, number: int) -> GoldenItem:
    """The item of line ``number`` (from 1). Raises InputError naming the field."""
    if not isinstance(given, Mapping):
        raise InputError("invalid_item", "an item is a JSON object", "")
    for name in given:
        if name not in _FIELDS:
            raise InputError("unknown_field", f"an item takes {', '.join(_FIELDS)}, not "
                                              f"{name!r:.40}", str(name)[:64])
    question, inputs = given.get("input", ""), given.get("inputs", {})
    if not isinstance(question, str) or len(question) > LONGEST_INPUT:
        raise InputError("invalid_value", f"input is a text of at most {LONGEST_INPUT:,} "
                                          "characters", "input")
    if not isinstance(inputs, Mapping):
        raise InputError("invalid_value", "inputs is an object of the prompt's variables", "inputs")
    answer = given.get("answer")
    if answer is not None and not isinstance(answer, str):
        raise InputError("invalid_value", "answer is a text", "answer")
    if not question.strip() and not inputs and answer is None:
        raise InputError("missing_field", "an item needs input, inputs or answer", "input")
    item_id = given.get("id", f"{number}")
    if not isinstance(item_id, str | int) or not 0 < len(str(item_id)) <= 128:
        raise InputError("invalid_value", "id has 1 to 128 characters", "id")
    tags = given.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise InputError("invalid_value", "tags is a list of texts", "tags")
    return GoldenItem(str(item_id), question, dict(inputs),
                      read_grader(given.get("grader"), given.get("expected")),
                      tuple(each[:64] for each in tags[:20]), answer)


def read_golden_set(lines: Sequence[Any]) -> tuple[GoldenItem, ...]:
    """The items of a set. Raises InputError naming line and field of the first fault."""
    if not 0 < len(lines) <= MOST_ITEMS:
        raise InputError("invalid_set", f"a golden set has 1 to {MOST_ITEMS:,} items", "items")
    items, seen = [], set()
    for number, each in enumerate(lines, start=1):
        try:
            item = read_item(each, number)
        except InputError as error:
            raise InputError(error.code, f"line {number}: {error.message}",
                             f"items[{number - 1}].{error.field}".rstrip(".")) from error
        if item.item_id in seen:
            raise InputError("double_id", f"line {number}: the id {item.item_id!r:.60} was used "
                                          "before", f"items[{number - 1}].id")
        seen.add(item.item_id)
        items.append(item)
    return tuple(items)


def summarize_results(results: Sequence[ItemResult]) -> Summary:
    """One candidate's results; an answer that failed is graded 0, not left out."""
    scores = [each.score for each in results if each.score is not None]
    latencies = [each.latency_ms for each in results if each.latency_ms is not None]
    costs = [each.cost_usd for each in results if not each.failed]
    total = sum((each for each in costs if each is not None), Decimal(0))
    priced = bool(results) and all(each is not None for each in costs)
    return Summary(
        len(results), len(scores), sum(each.failed for each in results),
        sum(each >= 0.5 for each in scores),
        sum(scores) / len(scores) if scores else None, quantile(latencies, 0.95),
        total if priced else None, total / len(results) if priced else None)


def decide_gate(gate: Gate, candidate: Summary, pairing: Pairing | None) -> GateDecision:
    """Whether the candidate may go live; without a ``pairing`` there is nothing it replaces.

    Objectives first: one that is broken fails the gate, whatever the win rate.
    """
    if candidate.items == 0:
        return GateDecision("cannot_tell", (Reason("no_items", "Nothing was evaluated."),))
    ungraded = candidate.items - candidate.graded
    if ungraded / candidate.items > UNGRADED_RATIO:
        return GateDecision("cannot_tell", (Reason(
            "ungraded", f"{ungraded} of {candidate.items} items have no grade."),))
    broken, held, unknown = _judge_objectives(gate, candidate)
    if broken:
        return GateDecision("fail", (*broken, *held))
    if unknown:
        return GateDecision("cannot_tell", (*unknown, *held))
    if pairing is None:
        return GateDecision("pass", (Reason("first", "Nothing is replaced, so there is nothing to "
                                                     "win against."), *held))
    told = Reason(f"pairing_{pairing.verdict}", pairing.text)
    if pairing.verdict == "worse":
        return GateDecision("fail", (told, *held))
    if pairing.verdict == "better" or (
            pairing.verdict == "not_worse" and gate.require == "not_worse"):
        return GateDecision("pass", (told, *held))
    if pairing.verdict == "not_worse":
        return GateDecision("fail", (told, Reason("not_better", "The gate asks for better."),
                                     *held))
    return GateDecision("cannot_tell", (told, *held))


def _judge_objectives(gate: Gate, candidate: Summary
                      ) -> tuple[list[Reason], list[Reason], list[Reason]]:
    """Reasons for broken, held and unknown objectives."""
    broken: list[Reason] = []
    held: list[Reason] = []
    unknown: list[Reason] = []
    checks: tuple[tuple[str, str, Any, Any, bool], ...] = (
        ("mean_score", "mean score", candidate.mean_score, gate.least_mean_score or None, True),
        ("latency", "p95 latency in ms", candidate.p95_latency_ms, gate.most_p95_latency_ms, False),
        ("cost", "USD per item", candidate.usd_per_item, gate.most_usd_per_item, False))
    for code, name, value, bound, is_least in checks:
        if bound is None:
            continue
        if value is None:
            unknown.append(Reason(f"{code}_unknown", f"The {name} is not known."))
            continue
        holds = value >= bound if is_least else value <= bound
        told = f"{name} {value:.4g}, {'at least' if is_least else 'at most'} {bound:.4g} is asked."
        (held if holds else broken).append(
            Reason(f"{code}_{'held' if holds else 'broken'}", told[:1].upper() + told[1:]))
    return broken, held, unknown
