"""One item asked of one candidate, and its answer graded."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from brain.decisions.evaluation import GoldenItem
from brain.decisions.grading import Grade, Judge, grade, judge_question, read_judgement
from brain.decisions.reasons import InputError, Reason
from brain.gateway.prompts import Prompts

Ask = Callable[..., Any]
"""Takes a question's fields, gives the gateway's answer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route (provider and model; empty ones leave the choice to the engine), a prompt's
    version (0 for the one in force), or both."""

    provider: str = ""
    model: str = ""
    prompt: str = ""
    version: int = 0
    agent_id: str = ""

    @property
    def label(self) -> str:
        """The candidate in a few words."""
        route = " / ".join(each for each in (self.provider, self.model) if each)
        prompt = f"{self.prompt} v{self.version}" if self.prompt else ""
        told = ", ".join(each for each in (prompt, route, self.agent_id) if each)
        return told or "the engine's own choice"

    def body(self) -> dict[str, Any]:
        """The candidate as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Graded:
    """An item's answer with its grade."""

    item_id: str
    answer: str
    failed: bool
    grade: Grade
    latency_ms: float | None = None
    cost_usd: Decimal | None = None
    request_id: str = ""


def read_candidate(given: Mapping[str, Any], prompts: Prompts | None = None) -> Candidate:
    """The candidate that JSON values describe; version 0 becomes the one in force.

    Raises InputError naming the field, also for a prompt that is not there.
    """
    for name in given:
        if name not in Candidate.__dataclass_fields__:
            raise InputError("unknown_field", f"a candidate takes no {name!r:.40}", str(name)[:64])
    found = Candidate(**given)
    if not found.prompt or prompts is None:
        return found
    try:
        version = prompts.version(found.prompt, found.version).version
    except LookupError as error:
        raise InputError("unknown_prompt", str(error.args[0]), "prompt") from error
    return Candidate(found.provider, found.model, found.prompt, version, found.agent_id)


class Examiner:
    """Asks items of candidates. ``workspace_id`` is that of the evaluation's own questions."""

    def __init__(self, ask: Ask, prompts: Prompts, workspace_id: str, judge: Candidate) -> None:
        self._ask, self._prompts = ask, prompts
        self._workspace_id, self._judge = workspace_id, judge

    def examine(self, candidate: Candidate, item: GoldenItem) -> Graded:
        """The item's answer and grade; one that comes with its answer is only graded.

        An answer that failed is graded 0, for whoever asked got nothing. Raises nothing.
        """
        if item.answer is not None:
            return Graded(item.item_id, item.answer, False, self.grade(item, item.answer)[0])
        try:
            system, user = self._texts(candidate, item)
        except (InputError, LookupError) as error:
            told = error.message if isinstance(error, InputError) else str(error.args[0])
            return _failure(item, "prompt_unusable", told)
        try:
            answer = self._ask(
                workspace_id=self._workspace_id, system=system, text=user,
                provider=candidate.provider, model=candidate.model, agent_id=candidate.agent_id,
                feature="evaluation", use_cache=False)
        except Exception as error:  # one item that fails must not end the run
            return _failure(item, "ask_failed", f"{type(error).__name__}: {error}"[:300])
        if answer.status != "ok":
            told = answer.error or "; ".join(each.text for each in answer.reasons)
            return _failure(item, answer.status, told[:300], answer.latency_ms, answer.cost_usd,
                            answer.request_id)
        found, judging_usd = self.grade(item, answer.text, user)
        cost = None if answer.cost_usd is None else answer.cost_usd
        return Graded(item.item_id, answer.text, False, _with_judging(found, judging_usd),
                      answer.latency_ms, cost, answer.request_id)

    def grade(self, item: GoldenItem, answer: str, question: str = ""
              ) -> tuple[Grade, Decimal | None]:
        """The grade of an answer, and what judging it cost (None where no model judged)."""
        if not isinstance(item.grader, Judge):
            return grade(item.grader, answer), None
        told = judge_question(item.grader, question or item.question, answer)
        try:
            judged = self._ask(
                workspace_id=self._workspace_id, system="", text=told,
                provider=self._judge.provider, model=self._judge.model,
                agent_id=self._judge.agent_id, feature="evaluation-judge", use_cache=False)
        except Exception as error:  # a judge that fails leaves the item without a grade
            return Grade(None, (Reason("judge_failed",
                                       f"{type(error).__name__}: {error}"[:300]),)), None
        if judged.status != "ok":
            return Grade(None, (Reason("judge_failed", judged.error or judged.status),)), \
                judged.cost_usd
        return read_judgement(judged.text), judged.cost_usd

    def _texts(self, candidate: Candidate, item: GoldenItem) -> tuple[str, str]:
        if not candidate.prompt:
            return "", item.question
        schema = self._prompts.version(candidate.prompt, candidate.version).schema
        takes = schema.get("properties", {})
        question = {"question": item.question} if "question" in takes and item.question else {}
        rendered = self._prompts.render(candidate.prompt, {**question, **item.inputs},
                                        candidate.version)
        return rendered.system, rendered.user or item.question


def _failure(item: GoldenItem, code: str, told: str, latency_ms: float | None = None,
             cost_usd: Decimal | None = None, request_id: str = "") -> Graded:
    return Graded(item.item_id, "", True, Grade(0.0, (Reason(code, told),)), latency_ms, cost_usd,
                  request_id)


def _with_judging(found: Grade, judging_usd: Decimal | None) -> Grade:
    if judging_usd is None:
        return found
    return Grade(found.score, (*found.reasons, Reason(
        "judging_cost", f"Judging it cost {judging_usd:f} USD, which is not the answer's cost.")))
