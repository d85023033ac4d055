"""``brain evaluate``: grade answers, ask for them, compare two candidates, run golden sets."""

from argparse import Namespace
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from brain.cli.command import Command, CommandError, Option
from brain.cli.machine import Form, ReasonOut
from brain.cli.output import show
from brain.decisions.reasons import InputError

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class ItemIn(msgspec.Struct, forbid_unknown_fields=True):
    """An item of a golden set. Its ``answer`` is graded as it is; without one the engine is asked.

    ``grader`` is exact, numeric, rubric or judge, or an object with that ``kind``; without one a
    number as ``expected`` makes it numeric, a text or a list of texts exact.
    """

    input: str
    id: str | int | None = None
    inputs: dict[str, Any] = {}
    expected: Any = None
    grader: Any = None
    tags: list[str] = []
    answer: str | None = None
    latency_ms: Milliseconds | None = None
    cost_usd: Decimal | None = None


class GradeOut(msgspec.Struct, frozen=True):
    """The grade: ``score`` from 0 to 1 and whether it passed; null where it cannot be told."""

    id: str
    score: float | None
    passed: bool | None
    answer: str
    failed: bool
    latency_ms: float | None
    cost_usd: Decimal | None
    request_id: str
    reasons: list[ReasonOut]


class SummaryOut(msgspec.Struct, frozen=True):
    """All items together; ``cost_usd`` is null where an answer has no price."""

    items: int
    graded: int
    failed: int
    passed: int
    mean_score: float | None
    p95_latency_ms: float | None
    cost_usd: Decimal | None
    usd_per_item: Decimal | None


class SummaryLine(msgspec.Struct, frozen=True):
    """The last line with --summary."""

    summary: SummaryOut


class ResultIn(msgspec.Struct, forbid_unknown_fields=True):
    """What one candidate did on one item."""

    score: Ratio | None
    id: str = ""
    latency_ms: Milliseconds | None = None
    cost_usd: Decimal | None = None
    failed: bool = False


class GateIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a change must show: the pairing, and objectives that are held."""

    require: Literal["better", "not_worse"] = "not_worse"
    margin: Ratio = 0.05
    least_mean_score: Ratio = 0.0
    most_p95_latency_ms: Milliseconds | None = None
    most_usd_per_item: Decimal | None = None


class CompareIn(msgspec.Struct, forbid_unknown_fields=True):
    """Results of a candidate and a baseline on the same items, in the same order."""

    candidate: Annotated[list[ResultIn], msgspec.Meta(min_length=1, max_length=100_000)]
    baseline: Annotated[list[ResultIn], msgspec.Meta(max_length=100_000)] = []
    gate: GateIn = msgspec.field(default_factory=GateIn)
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


class WinRateOut(msgspec.Struct, frozen=True):
    """Wins among decided items with Wilson's 95 % interval, and the sign test's p."""

    ratio: float
    lower_ratio: float
    upper_ratio: float
    wins: int
    losses: int
    p: float


class DifferenceOut(msgspec.Struct, frozen=True):
    """Mean score minus the baseline's, with a paired bootstrap 95 % interval."""

    mean: float
    lower: float
    upper: float


class CompareOut(msgspec.Struct, frozen=True):
    """The verdict on the pair and the gate's; ``unknown`` says why there is no win rate."""

    verdict: Literal["better", "worse", "not_worse", "cannot_tell"] | None
    gate: Literal["pass", "fail", "cannot_tell"]
    n: int
    ties: int
    win_rate: WinRateOut | None
    difference: DifferenceOut | None
    unknown: ReasonOut | None
    candidate: SummaryOut
    baseline: SummaryOut | None
    reasons: list[ReasonOut]


class Grading:
    """Grades lines, one after another, and remembers what their summary needs."""

    def __init__(self, arguments: Namespace) -> None:
        self._summary = bool(getattr(arguments, "summary", False))
        self._ask = _asker(arguments)
        self._results: list[Any] = []

    def __call__(self, given: ItemIn) -> GradeOut:
        """The grade of one item. Raises InputError for one that cannot be used."""
        from brain.decisions.evaluation import ItemResult, read_item
        body = {name: value for name, value in msgspec.structs.asdict(given).items()
                if name not in ("latency_ms", "cost_usd") and value is not None
                and not (name == "inputs" and not value)}
        item = read_item(body, len(self._results) + 1)
        graded = self._grade(item, body) | {"id": item.item_id}
        if graded["latency_ms"] is None:
            graded["latency_ms"] = given.latency_ms
        if graded["cost_usd"] is None:
            graded["cost_usd"] = given.cost_usd
        self._results.append(ItemResult(item.item_id, graded["score"], graded["latency_ms"],
                                        graded["cost_usd"], graded["failed"]))
        return msgspec.convert(graded, GradeOut)

    def close(self) -> SummaryLine | None:
        """The last line, where one is wanted."""
        from brain.decisions.evaluation import summarize_results
        if not self._summary:
            return None
        return SummaryLine(_summary(summarize_results(self._results)))

    def _grade(self, item: Any, body: dict[str, Any]) -> dict[str, Any]:
        from brain.decisions.grading import Judge, grade
        if item.answer is None or isinstance(item.grader, Judge):
            return self._ask(body)
        found = grade(item.grader, item.answer)
        return {"score": found.score, "passed": found.passed, "answer": item.answer,
                "failed": False, "latency_ms": None, "cost_usd": None, "request_id": "",
                "reasons": [{"code": each.code, "text": each.text} for each in found.reasons]}


def _asker(arguments: Namespace) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Asks items of the chosen route or prompt, through the server that owns the stores."""
    from brain.cli.owner import call
    candidate = {name: getattr(arguments, name, 0 if name == "version" else "")
                 for name in ("provider", "model", "prompt", "version", "agent_id")}

    def ask(body: dict[str, Any]) -> dict[str, Any]:
        try:
            found = call("examine", candidate=candidate, item=body)
        except CommandError as error:
            raise InputError(error.code, error.message, error.field) from error
        cost = found["cost_usd"]
        return {**found, "cost_usd": None if cost is None else Decimal(cost)}
    return ask


def prepare_compare(_: Namespace) -> Callable[[CompareIn], CompareOut]:
    """The function that compares two candidates."""
    import numpy as np

    from analytics.evaluation import CannotTell, compare_scores
    from brain.decisions.evaluation import Gate, ItemResult, decide_gate, summarize_results

    def results(given: list[ResultIn]) -> list[ItemResult]:
        return [ItemResult(each.id or str(place), each.score, each.latency_ms, each.cost_usd,
                           each.failed) for place, each in enumerate(given)]

    def compare(given: CompareIn) -> CompareOut:
        if given.baseline and [each.id for each in given.baseline] != [
                each.id for each in given.candidate]:
            raise InputError("different_items", "both need the same items in the same order",
                             "baseline")
        candidate = summarize_results(results(given.candidate))
        baseline = summarize_results(results(given.baseline)) if given.baseline else None
        pairing = compare_scores(
            [each.score for each in given.candidate], [each.score for each in given.baseline],
            np.random.default_rng(given.seed), given.gate.margin) if given.baseline else None
        gate = decide_gate(Gate("", **msgspec.structs.asdict(given.gate)), candidate, pairing)
        reasons = [ReasonOut(each.code, each.text) for each in gate.reasons]
        if pairing is None:
            return CompareOut(None, gate.verdict, 0, 0, None, None, None, _summary(candidate),
                              None, reasons)
        rate, difference = pairing.win_rate, pairing.difference
        unknown = ReasonOut(rate.code, rate.text) if isinstance(rate, CannotTell) else None
        return CompareOut(
            pairing.verdict, gate.verdict, pairing.n, pairing.ties,
            None if isinstance(rate, CannotTell) else msgspec.convert(
                rate, WinRateOut, from_attributes=True),
            None if isinstance(difference, CannotTell) else msgspec.convert(
                difference, DifferenceOut, from_attributes=True),
            unknown, _summary(candidate), None if baseline is None else _summary(baseline),
            reasons)
    return compare


def _summary(found: Any) -> SummaryOut:
    return msgspec.convert(found, SummaryOut, from_attributes=True)


def list_sets(arguments: Namespace) -> None:
    """Print the golden sets."""
    _show("golden_sets", arguments)


def add_set(arguments: Namespace) -> None:
    """Keep a file as the newest version of a golden set."""
    text = Path(arguments.file).read_text(encoding="utf-8")
    _show("add_golden_set", arguments, name=arguments.name, lines=text, note=arguments.note)


def run_set(arguments: Namespace) -> None:
    """Run a golden set against a candidate, and a baseline where one is named."""
    side = {name: getattr(arguments, name) for name in ("provider", "model", "prompt", "version",
                                                        "agent_id")}
    other = {name: getattr(arguments, f"baseline_{name}") for name in ("provider", "model",
                                                                       "prompt", "version")}
    _show("evaluate", arguments, golden_set=arguments.name, candidate=side,
          baseline=other if any(other.values()) else None, most_usd=str(arguments.most_usd))


def list_runs(arguments: Namespace) -> None:
    """Print the latest runs."""
    _show("evaluations", arguments)


def show_run(arguments: Namespace) -> None:
    """Print what a run has shown."""
    _show("evaluation", arguments, run_id=arguments.run_id)


def _show(verb: str, arguments: Namespace, **given: Any) -> None:
    from brain.cli.owner import call
    found = call(verb, **given)
    if not arguments.json and isinstance(found, dict):
        found = {name: value for name, value in found.items()
                 if name not in ("grades",) and not isinstance(value, list | dict)} | {
            f"{name} {key}": value for name, inner in found.items()
            if isinstance(inner, dict) and name != "grades" for key, value in inner.items()}
    show(found, arguments.json)


_ROUTE = (
    Option("--provider", "Provider to ask; empty leaves the choice to the engine.", default=""),
    Option("--model", "Model to ask; empty leaves the choice to the engine.", default=""),
    Option("--prompt", "Prompt that puts the question.", default=""),
    Option("--version", "Version of the prompt; 0 is the one in force.", int, 0),
    Option("--agent-id", "Agent to ask.", default=""))
_BASELINE = (
    Option("--baseline-provider", "Provider of the baseline.", default=""),
    Option("--baseline-model", "Model of the baseline.", default=""),
    Option("--baseline-prompt", "Prompt of the baseline.", default=""),
    Option("--baseline-version", "Version of that prompt.", int, 0))
_NAME = Option("name", "Name of the golden set.", required=True)
COMMANDS: tuple[Command, ...] = (
    Command("evaluate", "", "Answer and grade the items of a golden set, one a line.", (
        *_ROUTE, Option("--summary", "End with one line that sums up.", flag=True)),
        form=Form(ItemIn, GradeOut, Grading, closing=SummaryLine)),
    Command("evaluate", "compare", "Compare graded results: win rate with interval, and a gate.",
            form=Form(CompareIn, CompareOut, prepare_compare)),
    Command("evaluate", "sets", "List the golden sets.", run=list_sets),
    Command("evaluate", "add", "Keep a file of items, one a line, as a golden set's new version.", (
        _NAME, Option("file", "JSON lines.", required=True, metavar="FILE"),
        Option("--note", "What changed.", default="")), run=add_set),
    Command("evaluate", "run", "Run a golden set against a route or a prompt's version.", (
        _NAME, *_ROUTE, *_BASELINE,
        Option("--most-usd", "Stop when the answers have cost this.", Decimal, Decimal(5),
               metavar="USD")), run=run_set),
    Command("evaluate", "runs", "List the latest runs.", run=list_runs),
    Command("evaluate", "report", "Show what a run has shown.", (
        Option("run_id", "The run, as `brain evaluate runs` names it.", required=True),),
        run=show_run),
)
