"""The verbs of evaluation: keep golden sets, run them, compare, gate a change."""

import datetime as dt
import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from analytics.evaluation import Pairing, compare_scores
from brain.decisions.evaluation import (
    Gate,
    GateDecision,
    GoldenItem,
    ItemResult,
    Summary,
    decide_gate,
    summarize_results,
)
from brain.decisions.grading import Judge
from brain.decisions.reasons import InputError, Reason
from brain.evaluation.asking import Ask, Candidate, Examiner, Graded, read_candidate
from brain.evaluation.golden import GoldenSets
from brain.gateway.prompts import Prompts, decode_gate, encode_gate
from brain.sources.state import StateStore

STARTED, ENDED = "evaluation started", "evaluation ended"
SIDES = ("candidate", "baseline")
_log = logging.getLogger("brain.evaluation")


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation as stored. ``done`` of ``total`` answers are graded."""

    run_id: str
    golden_set: str
    set_version: int
    candidate: Candidate
    baseline: Candidate | None
    gate: Gate | None
    state: str
    note: str
    person: str
    started_at_utc: dt.datetime
    ended_at_utc: dt.datetime | None
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has shown so far."""

    run: Run
    candidate: Summary
    baseline: Summary | None
    pairing: Pairing | None
    gate: GateDecision | None
    grades: Mapping[str, "tuple[dict[str, Any], ...]"] = field(default_factory=dict)


class Evaluation:
    """Evaluations of one platform. ``ask`` is the gateway's."""

    def __init__(self, state: StateStore, ask: Ask, prompts: Callable[[], Prompts],
                 parallel: int, workspace_id: str, judge: Candidate,
                 clock: Callable[[], dt.datetime], whoami: Callable[[], str]) -> None:
        self._state, self._ask, self._prompts = state, ask, prompts
        self._parallel, self._workspace_id, self._judge = parallel, workspace_id, judge
        self._clock, self._whoami = clock, whoami
        self._owner = uuid.uuid4().hex
        self._running: dict[str, threading.Event] = {}
        self._threads: dict[str, threading.Thread] = {}
        self.sets = GoldenSets(state, clock, whoami)

    # running

    def start(self, golden_set: str, candidate: Candidate, baseline: Candidate | None = None,
              *, gate: Gate | None = None, set_version: int = 0,
              most_usd: Decimal = Decimal(5), note: str = "", person: str = "") -> Run:
        """The run, which goes on in the background; see `run_now`."""
        run_id = self._begin(golden_set, candidate, baseline, gate, set_version, most_usd, note,
                             person)
        thread = threading.Thread(target=self._work, args=(run_id,), name=f"evaluate-{run_id[:8]}",
                                  daemon=True)
        self._threads[run_id] = thread
        thread.start()
        return self.run(run_id)

    def run_now(self, golden_set: str, candidate: Candidate, baseline: Candidate | None = None,
                *, gate: Gate | None = None, set_version: int = 0,
                most_usd: Decimal = Decimal(5), note: str = "", person: str = "") -> Report:
        """What the candidate (and the baseline) did on every item of the set.

        Stops, keeping what is graded, when its answers have cost ``most_usd``. Raises LookupError
        for an unknown set, InputError for a prompt that is not there.
        """
        run_id = self._begin(golden_set, candidate, baseline, gate, set_version, most_usd, note,
                             person)
        self._work(run_id)
        return self.report(run_id)

    def resume(self, run_id: str) -> Run:
        """The run that a stop had cut off, going on with what is not graded yet."""
        if run_id in self._running or self.run(run_id).state not in (
                "interrupted", "cancelled", "stopped"):
            raise InputError("wrong_state", "only a run that was cut off can go on", "run_id")
        self._state.update("evaluation_runs", "run_id", run_id, state="running",
                           owner=self._owner, ended_at_utc=None)
        thread = threading.Thread(target=self._work, args=(run_id,), daemon=True)
        self._threads[run_id] = thread
        self._running[run_id] = threading.Event()
        thread.start()
        return self.run(run_id)

    def cancel(self, run_id: str) -> bool:
        """Whether a run of this process was told to end; answers under way are still graded."""
        found = self._running.get(run_id)
        if found is not None:
            found.set()
        return found is not None

    def wait(self, run_id: str, timeout_s: float | None = None) -> Run:
        """The run, once it has ended or the time is up."""
        if thread := self._threads.get(run_id):
            thread.join(timeout_s)
        return self.run(run_id)

    def close(self) -> None:
        """End every run of this process; they can be resumed."""
        for event in list(self._running.values()):
            event.set()
        for thread in list(self._threads.values()):
            thread.join(10)

    # reading

    def runs(self, most: int = 100) -> tuple[Run, ...]:
        """The latest runs, newest first."""
        rows = self._state.rows("evaluation_runs", order="started_at_utc")[::-1][:most]
        return tuple(self._decode(row) for row in rows)

    def run(self, run_id: str) -> Run:
        """One run. Raises LookupError for an unknown one."""
        column = self._state.tables["evaluation_runs"].c.run_id
        rows = self._state.rows("evaluation_runs", column == run_id)
        if not rows:
            raise LookupError(f"there is no evaluation {run_id!r:.80}")
        return self._decode(rows[0])

    def report(self, run_id: str) -> Report:
        """What a run has shown so far; a gate is decided only by a run that is done."""
        run = self.run(run_id)
        grades = self._grades(run_id)
        results = {side: [_result(row) for row in grades[side]] for side in SIDES}
        candidate = summarize_results(results["candidate"])
        baseline, pairing = None, None
        if run.baseline is not None:
            baseline = summarize_results(results["baseline"])
            pairing = _pair(results["candidate"], results["baseline"], run)
        decided = None
        if run.gate is not None:
            decided = decide_gate(run.gate, candidate, pairing) if run.state == "done" else \
                GateDecision("cannot_tell", (Reason("not_done", f"The run is {run.state}."),))
        return Report(run, candidate, baseline, pairing, decided,
                      {side: tuple(grades[side]) for side in SIDES})

    def check_gate(self, prompt: str, version: int, in_force: int, gate: Gate) -> GateDecision:
        """Whether a prompt's version may take the place of another, by the newest run that is
        done of the gate's set as it is now, with this version against that one."""
        try:
            newest = self.sets.get(gate.golden_set).version
        except LookupError as error:
            return GateDecision("cannot_tell", (Reason("no_set", str(error.args[0])),))
        for run in self.runs(1_000):
            sides = (run.candidate, run.baseline)
            if run.state == "done" and (run.golden_set, run.set_version) == (
                    gate.golden_set, newest) and sides == (
                    self._gated(prompt, version, gate), self._gated(prompt, in_force, gate)):
                report = self.report(run.run_id)
                return decide_gate(gate, report.candidate, report.pairing)
        return GateDecision("cannot_tell", (Reason(
            "not_evaluated", f"Version {version} was not evaluated against version {in_force} on "
                             f"{gate.golden_set} as it is now (version {newest})."),))

    def start_gate(self, prompt: str, version: int, person: str = "") -> Run:
        """The run that a prompt's gate asks for, in the background.

        Raises LookupError for an unknown prompt or set, InputError where there is no gate.
        """
        given = self._prompts().get(prompt)
        if given.gate is None:
            raise InputError("no_gate", f"{prompt} has no gate", "prompt")
        return self.start(
            given.gate.golden_set, self._gated(prompt, version, given.gate),
            self._gated(prompt, given.active_version, given.gate), gate=given.gate,
            note=f"gate of {prompt}", person=person)

    def examiner(self) -> Examiner:
        """Asks and grades single items."""
        return Examiner(self._ask, self._prompts(), self._workspace_id, self._judge)

    def _gated(self, prompt: str, version: int, gate: Gate) -> Candidate:
        return Candidate(gate.provider, gate.model, prompt, version)

    def _begin(self, golden_set: str, candidate: Candidate, baseline: Candidate | None,
               gate: Gate | None, set_version: int, most_usd: Decimal, note: str,
               person: str) -> str:
        found = self.sets.get(golden_set, set_version)
        prompts = self._prompts()
        candidate = read_candidate(candidate.body(), prompts)
        baseline = None if baseline is None else read_candidate(baseline.body(), prompts)
        if not (most_usd.is_finite() and most_usd > 0):
            raise InputError("out_of_range", "most_usd is above 0", "most_usd")
        run_id, who = uuid.uuid4().hex, (person or self._whoami())[:128]
        self._running[run_id] = threading.Event()
        self._state.insert("evaluation_runs", {
            "run_id": run_id, "set_name": golden_set, "set_version": found.version,
            "candidate_json": json.dumps(candidate.body()),
            "baseline_json": json.dumps(None if baseline is None else baseline.body()),
            "gate_json": encode_gate(gate), "most_usd": f"{most_usd:f}", "state": "running",
            "owner": self._owner, "note": note[:1_000], "person": who,
            "started_at_utc": self._clock(), "ended_at_utc": None})
        self._state.audit(self._clock(), who, STARTED, run_id, None, {
            "golden_set": golden_set, "candidate": candidate.label,
            "baseline": baseline.label if baseline else ""})
        return run_id

    def _work(self, run_id: str) -> None:
        """Grade what is not graded yet; the run's state says how it ended."""
        run, state = self.run(run_id), "failed"
        try:
            state = self._grade_all(run, self._running[run_id])
        except Exception:
            _log.exception("evaluation %s failed", run_id)
        finally:
            self._running.pop(run_id, None)
            self._threads.pop(run_id, None)
            self._state.update("evaluation_runs", "run_id", run_id, state=state,
                               ended_at_utc=self._clock())
            self._state.audit(self._clock(), run.person, ENDED, run_id, None, {"state": state})

    def _grade_all(self, run: Run, cancel: threading.Event) -> str:
        column = self._state.tables["evaluation_runs"].c.run_id
        most_usd = Decimal(self._state.rows("evaluation_runs",
                                            column == run.run_id)[0]["most_usd"])
        rows = [row for side in self._grades(run.run_id).values() for row in side]
        there = {(row["side"], row["item_number"]) for row in rows}
        spent = [sum((Decimal(row["cost_usd"]) for row in rows if row["cost_usd"]), Decimal(0))]
        examiner, lock = self.examiner(), threading.Lock()

        def work(side: str, candidate: Candidate, number: int, item: GoldenItem) -> None:
            with lock:
                if cancel.is_set() or spent[0] >= most_usd:
                    return
            graded = examiner.examine(candidate, item)
            self._keep(run.run_id, side, number, graded, candidate)
            with lock:
                spent[0] += graded.cost_usd or Decimal(0)

        tasks = [(side, candidate, number, item)
                 for number, item in enumerate(
                     self.sets.items(run.golden_set, run.set_version), start=1)
                 for side, candidate in (("candidate", run.candidate), ("baseline", run.baseline))
                 if candidate is not None and (side, number) not in there]
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="evaluate") as pool:
            for done in [pool.submit(work, *task) for task in tasks]:
                done.result()
        if self.run(run.run_id).done >= run.total:
            return "done"
        return "cancelled" if cancel.is_set() else "stopped"

    def _keep(self, run_id: str, side: str, number: int, graded: Graded,
              candidate: Candidate) -> None:
        reasons = list(graded.grade.reasons)
        if candidate.model and candidate.model == self._judge.model and any(
                each.code == "judged" for each in reasons):
            reasons.append(Reason("own_judge", f"{candidate.model} judged its own answer, which "
                                               "models favour."))
        self._state.insert("evaluation_grades", {
            "run_id": run_id, "side": side, "item_number": number, "item_id": graded.item_id,
            "request_id": graded.request_id, "answer": graded.answer[:100_000],
            "failed": graded.failed, "score": graded.grade.score,
            "latency_ms": graded.latency_ms,
            "cost_usd": None if graded.cost_usd is None else f"{graded.cost_usd:f}",
            "reasons_json": json.dumps([[each.code, each.text[:500]] for each in reasons])})

    def _grades(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        column = self._state.tables["evaluation_grades"].c.run_id
        found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for row in self._state.rows("evaluation_grades", column == run_id, order="item_number"):
            found[row["side"]].append(row)
        return found

    def _decode(self, row: Mapping[str, Any]) -> Run:
        column = self._state.tables["evaluation_grades"].c.run_id
        done = len(self._state.rows("evaluation_grades", column == row["run_id"]))
        baseline = json.loads(row["baseline_json"])
        try:
            items = self.sets.get(row["set_name"], int(row["set_version"])).items
        except LookupError:  # the set was taken away since
            items = done // (1 if baseline is None else 2)
        state = row["state"]
        if state == "running" and row["owner"] != self._owner:
            state = "interrupted"
        return Run(row["run_id"], row["set_name"], int(row["set_version"]),
                   Candidate(**json.loads(row["candidate_json"])),
                   None if baseline is None else Candidate(**baseline),
                   decode_gate(row["gate_json"]), state, row["note"], row["person"],
                   row["started_at_utc"], row["ended_at_utc"], done,
                   items * (1 if baseline is None else 2))


def uses_judge(items: tuple[GoldenItem, ...]) -> bool:
    """Whether a model judges any item."""
    return any(isinstance(each.grader, Judge) for each in items)


def _result(row: Mapping[str, Any]) -> ItemResult:
    return ItemResult(row["item_id"], row["score"], row["latency_ms"],
                      None if row["cost_usd"] is None else Decimal(row["cost_usd"]),
                      bool(row["failed"]))


def _pair(candidate: list[ItemResult], baseline: list[ItemResult], run: Run) -> Pairing:
    others = {each.item_id: each.score for each in baseline}
    both = [(each.score, others[each.item_id]) for each in candidate if each.item_id in others]
    rng = np.random.default_rng(int(run.run_id[:15], 16))  # the same run gives the same interval
    margin = run.gate.margin if run.gate else 0.05
    return compare_scores([one for one, _ in both], [other for _, other in both], rng, margin)
