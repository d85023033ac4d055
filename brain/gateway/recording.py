"""What became of a request: on file before its answer is given, in the spool soon after."""

import datetime as dt
import logging
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from brain.decisions.query_text import find_topic
from brain.decisions.reasons import Reason
from brain.events import Event, Request, RequestSteps
from brain.gateway.fresh import Fresh
from brain.gateway.question import Answer, Question, Step
from brain.sources import frames
from brain.sources.journal import Journal

if TYPE_CHECKING:
    from brain.engine import Engine
    from brain.gateway.calling import Called

MOST_WAITING = 100_000
"""Records that may wait for the spool before questions are refused."""
_PAUSE_S, _MOST_PAUSE_S = 0.02, 5.0
_LONGEST_STEPS = 20_000
_log = logging.getLogger("brain.gateway")


class Record(msgspec.Struct):
    """One finished request as the journal has it. ``cost_usd`` is exact decimal text."""

    request: Request
    steps: RequestSteps
    reservation_id: str = ""
    cost_usd: str = "0"


class Recorder:
    """Writes every request to a journal at once, and by a thread into spool and ledger.

    A record is taken again after a kill, and changes nothing then: its events carry their ids,
    and a settled reservation settles once.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._journal = Journal(engine.settings.data_dir / "gateway")
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Record).decode
        self._allowed = Fresh(engine.privacy.allowed, 1.0)
        self._later: list[Callable[[], object]] = []
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.error = ""

    def is_behind(self) -> bool:
        """Whether so much waits that no more questions should be taken."""
        return self._journal.waiting() >= MOST_WAITING

    def note(self, question: Question, answer: Answer, at_utc: dt.datetime, endpoint: str,
             reservation_id: str, safe_text: str) -> None:
        """Keep what became of a question; when this returns, killing the process loses nothing.

        ``safe_text`` is the wording that may be stored where the workspace allows it.
        """
        self._write(question, answer, at_utc, endpoint, reservation_id, safe_text,
                    answer.latency_ms)

    def _write(self, question: Question, answer: Answer, at_utc: dt.datetime, endpoint: str,
               reservation_id: str, safe_text: str, latency_ms: float | None) -> None:
        text = safe_text[:20_000]
        privacy = self._engine.privacy
        simulated = answer.simulated
        status = "ok" if answer.status == "ok" else "error"
        record = Record(Request(
            event_id=answer.request_id, at_utc=at_utc, workspace_id=question.workspace_id,
            user_id=question.user_id, session_id=question.session_id, source=question.source,
            agent_id=question.agent_id, provider=answer.provider, model=answer.model,
            endpoint=endpoint, feature=question.feature, api_key_id=question.api_key_id,
            region=question.region, variant=answer.variant, status=status,  # type: ignore[arg-type]
            error_code=answer.error, latency_ms=latency_ms, ttft_ms=answer.ttft_ms,
            input_tokens=answer.usage.input_tokens,
            cache_read_tokens=answer.usage.cache_read_tokens,
            cache_write_tokens=answer.usage.cache_write_tokens,
            output_tokens=answer.usage.output_tokens,
            reasoning_tokens=answer.usage.reasoning_tokens, cached=bool(answer.cache_tier),
            query_hash=privacy.hash_text(question.workspace_id, text) if text else "",
            query_topic=find_topic(text) if text else "",
            query_text=text if text and question.workspace_id in self._allowed.get() else None),
            RequestSteps(
                event_id=f"{answer.request_id}:steps", at_utc=at_utc,
                workspace_id=question.workspace_id, user_id=question.user_id,
                session_id=question.session_id, source=question.source,
                request_id=answer.request_id, agent_id=question.agent_id,
                provider=answer.provider, model=answer.model, status=answer.status,
                error_code=answer.error, cache_tier=answer.cache_tier, variant=answer.variant,
                simulated=simulated, latency_ms=answer.latency_ms,
                attempts=sum(1 for each in answer.steps if each.name.startswith("call")),
                steps=self._steps(answer)),
            reservation_id, str(answer.cost_usd or Decimal(0)))
        self._journal.write(self._encode(record))
        self._begin()
        self._wake.set()

    def note_lost(self, question: Question, *, request_id: str, number: int, lost: "Called",
                  at_utc: dt.datetime, endpoint: str) -> None:
        """Keep a call that the asker has nothing of, and that its provider bills all the same.

        It is a request of its own, of the same asker, named after the one it was made for.
        """
        code = "came_too_late" if not lost.cut else f"lost_{lost.cut}"
        why = (Reason("usage_estimated", "The provider told no token counts: they are a quarter of "
                      "the prompt's characters and what had come, or what the other call made."),
               ) if lost.estimated else (Reason("usage_told", "The provider told its tokens."),)
        text = "The answer of another call was taken." if lost.cut in ("", "cancelled") else \
            f"The call broke off ({lost.cut}) before the asker had anything of it."
        self._write(question, Answer(
            f"{request_id}:{number}", "", error=code,
            status="ok" if lost.cut in ("", "cancelled") else "error", provider=lost.route.provider,
            model=lost.route.model, usage=lost.usage, cost_usd=lost.cost_usd,
            simulated=lost.simulated, steps=(Step(
                "answer", 0.0, 0.0, code, (Reason(code, text), *why),
                {"request_id": request_id, "cost_usd": str(lost.cost_usd)}),)),
            at_utc, endpoint, lost.reservation_id, "", latency_ms=None)

    def later(self, work: Callable[[], object]) -> None:
        """Do ``work`` beside the answers; what fails there is logged."""
        self._later.append(work)
        self._begin()
        self._wake.set()

    def flush(self) -> int:
        """How many records are in the spool and the ledger now that waited.

        Raises what the spool or the ledger raised; then they wait on.
        """
        taken, self._later = self._later, []
        for work in taken:
            try:
                work()
            except Exception:  # what is done beside the answers may not stop their record
                _log.exception("work beside the answers failed")
        return self._journal.settle(self._keep)

    def close(self) -> None:
        """Write down what waits, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self.flush()
        except Exception:  # it stays in the journal, for the next start
            _log.exception("records of requests stay in the journal")
        self._journal.close()

    def _keep(self, lines: Sequence[bytes]) -> None:
        records = [self._decode(line) for line in lines]
        requests: list[Event] = [each.request for each in records]
        steps: list[Event] = [each.steps for each in records]
        self._engine.ingestion.accept({"requests": frames.to_table("requests", requests),
                                       "request_steps": frames.to_table("request_steps", steps)})
        for each in records:
            if each.reservation_id:
                self._engine.budgets.settle(each.reservation_id, Decimal(each.cost_usd))

    def _steps(self, answer: Answer) -> str:
        told = [{"name": each.name, "started_ms": round(each.started_ms, 3),
                 "took_ms": round(each.took_ms, 3), "decision": each.decision,
                 "reasons": [(reason.code, reason.text) for reason in each.reasons],
                 "facts": each.facts} for each in answer.steps]
        packed = self._encode(told)
        while len(packed) > _LONGEST_STEPS and len(told) > 1:
            told.pop(-2)  # the last one says how it ended
            packed = self._encode(told)
        return packed.decode() if len(packed) <= _LONGEST_STEPS else "[]"

    def _begin(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None and not self._stop.is_set():
                    self._thread = threading.Thread(target=self._run, name="gateway records",
                                                    daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        pause_s = _PAUSE_S
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stop.wait(pause_s):  # so that many records share one commit
                return
            try:
                self.flush()
                self.error, pause_s = "", _PAUSE_S
            except Exception as failure:  # a full disk must not end it
                _log.exception("records of requests wait")
                self.error = f"{type(failure).__name__}: {failure}"
                pause_s = min(pause_s * 2, _MOST_PAUSE_S)
                self._wake.set()
