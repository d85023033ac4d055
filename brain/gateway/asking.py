"""The steps of one question, from its context to its record."""

import asyncio
import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from brain.decisions.reasons import Reason
from brain.decisions.tokens import TokenClasses
from brain.gateway.calling import Called, CallFailed, Calling, Emit, Route, Way
from brain.gateway.choosing import choose_routes
from brain.gateway.limits import read_limits
from brain.gateway.question import Answer, Question, Refusal, ToolCall, check_question
from brain.gateway.sending import to_sent
from brain.gateway.slots import QueueFull
from brain.gateway.trace import Trace
from brain.sources.providers.interface import Piece

if TYPE_CHECKING:
    from brain.gateway.desk import Gateway

LEAST_TIME_S = 0.001


class Asking:
    """Answers questions for one gateway."""

    def __init__(self, gateway: "Gateway", monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gateway, self._monotonic = gateway, monotonic
        self.calling = Calling(gateway, monotonic=monotonic)

    async def ask(self, question: Question, emit: Emit | None = None,
                  endpoint: str = "ask") -> Answer:
        """The answer, which is recorded. Raises InputError for a question that cannot be used."""
        check_question(question)
        trace = Trace()
        request_id = uuid.uuid4().hex
        now = self._gateway.now()
        way = Way(question, to_sent(question, ()), trace, self._deadline(question), emit,
                  budgets=False)
        called: Called | None = None
        try:
            called, answer = await self._steps(way, request_id)
        except (Refusal, CallFailed, QueueFull) as failed:
            called = _what_broke_off(way)
            answer = self._failed(way, failed, request_id)
        except asyncio.CancelledError:
            called = _what_broke_off(way)
            answer = self._failed(way, Refusal("cancelled", (Reason(
                "cancelled", "The asker went away before the answer was whole."),), 499),
                request_id)
            self._record(way, answer, called, now, endpoint)
            raise
        except Exception as error:
            answer = self._failed(way, Refusal("failed", (Reason(
                "failed", f"This went wrong here: {type(error).__name__}."),), 500), request_id)
            self._record(way, answer, called, now, endpoint)
            raise
        return self._record(way, answer, called, now, endpoint)

    async def _steps(self, way: Way, request_id: str) -> tuple[Called | None, Answer]:
        self._context(way)
        if (ready := await self._gateway.steps.before(way, request_id)) is not None:
            return None, ready
        limits = await read_limits(self._gateway, way.question, way.budgets)
        routes, why = choose_routes(self._gateway, way, limits)
        if not routes:
            extract = await self._gateway.steps.after(
                way, await self._gateway.steps.extract(way, request_id))
            if way.emit is not None and extract.status == "ok":
                await way.emit(Piece(extract.text))
            return None, extract
        called = await self._call(way, routes)
        return called, await self._gateway.steps.after(
            way, self._answer(way, called, request_id, why))

    def _context(self, way: Way) -> None:
        started_ms = way.trace.now_ms()
        gateway, question = self._gateway, way.question
        if gateway.recorder.is_behind():
            raise Refusal("recording_behind", (Reason(
                "recording_behind", "So many records wait to be written down that no question is "
                                    f"taken: {gateway.recorder.error or 'ask again soon'}."),),
                503, 5.0)
        tokens = -(-sum(len(each.content) for each in question.talk()) // 4)
        decision = gateway.quotas.admit(gateway.callers(question), tokens)
        way.counted_provider = question.provider
        way.variants = gateway.assign(question)
        way.budgets = gateway.holds.needed(question)
        way.trace.add("context", started_ms, "admitted" if decision.allowed else "refused", (
            *decision.reasons, *((Reason("hard_budget", "A hard budget applies: the highest cost "
                                         "of each call is held first."),) if way.budgets else ())),
            {"variants": way.variants} if way.variants else {})
        if not decision.allowed:
            raise Refusal("quota_reached", decision.reasons, 429, decision.retry_after_s)

    async def _call(self, way: Way, routes: Sequence[Route]) -> Called:
        started_ms = way.trace.now_ms()
        try:
            taken_at = await self._gateway.slots.acquire(
                max(way.deadline - self._monotonic(), LEAST_TIME_S))
        except QueueFull as full:
            way.trace.note("queue", started_ms, "refused", Reason("busy", f"{full}."))
            raise
        if way.trace.now_ms() - started_ms > 1:
            way.trace.note("queue", started_ms, "waited", Reason(
                "queued", "Every worker slot was taken."))
        try:
            return await self.calling.call(way, routes)
        finally:
            self._gateway.slots.release(taken_at)

    def _answer(self, way: Way, called: Called, request_id: str,
                why: tuple[Reason, ...]) -> Answer:
        received = called.received
        reasons = (*why, *((Reason("simulated", "A simulated provider answered; no model was "
                                   "asked."),) if called.simulated else ()),
                   *((Reason("usage_estimated", "The provider told no token counts: they are a "
                             "quarter of the characters."),) if called.estimated else ()),
                   *_told_of_lost(way))
        return Answer(
            request_id, received.text, provider=called.route.provider, model=called.route.model,
            sources=way.sources, usage=called.usage, cost_usd=called.cost_usd,
            ttft_ms=called.ttft_ms, reasons=reasons,
            tool_calls=tuple(ToolCall(*each) for each in received.tools),
            finish_reason=received.finish_reason or "stop", simulated=called.simulated,
            variant=way.variant)

    def _failed(self, way: Way, failed: "Refusal | CallFailed | QueueFull",
                request_id: str) -> Answer:
        if isinstance(failed, QueueFull):
            failed = Refusal("busy", (Reason("busy", f"{failed}."),), 429, failed.retry_after_s)
        refused = isinstance(failed, Refusal) and failed.code not in ("cancelled", "failed")
        refused = refused or (isinstance(failed, CallFailed) and failed.refused)
        partial = way.partial
        answer = Answer(
            request_id, "".join(way.told),
            status="refused" if refused else "error", error=failed.code, reasons=failed.reasons,
            finish_reason="error", http_status=failed.http_status,
            retry_after_s=failed.retry_after_s, variant=way.variant)
        if partial is None:
            return replace(answer, provider=way.question.provider, model=way.question.model,
                           cost_usd=Decimal(0))
        return replace(answer, provider=partial.route.provider, model=partial.route.model,
                       usage=partial.usage, cost_usd=partial.cost_usd,
                       simulated=partial.simulated)

    def _record(self, way: Way, answer: Answer, called: Called | None, now: dt.datetime,
                endpoint: str) -> Answer:
        """The answer with its steps and times, once it is on file."""
        self._gateway.steps.finish(way)
        took_ms = way.trace.now_ms()
        way.trace.note("answer", took_ms, answer.status, *answer.reasons, **(
            {"cost_usd": str(answer.cost_usd)} if answer.cost_usd is not None else {}))
        whole = replace(answer, latency_ms=took_ms, steps=tuple(way.trace.steps))
        self._count(way.question, answer.provider, whole.usage, whole.cost_usd)
        for number, lost in enumerate(way.lost, 1):
            self._count(way.question, lost.route.provider, lost.usage, lost.cost_usd)
            self._gateway.recorder.note_lost(way.question, request_id=answer.request_id,
                                             number=number, lost=lost, at_utc=now,
                                             endpoint=endpoint)
        self._gateway.recorder.note(way.question, whole, now, endpoint,
                                    called.reservation_id if called else "", way.safe_text)
        return whole

    def _count(self, question: Question, provider: str, usage: TokenClasses,
               cost_usd: Decimal | None) -> None:
        self._gateway.quotas.count({**self._gateway.callers(question), "provider": provider},
                                   usage.input_tokens + usage.output_tokens,
                                   cost_usd or Decimal(0))

    def _deadline(self, question: Question) -> float:
        most_s = self._gateway.timeout_s
        if question.max_latency_ms is not None:
            most_s = min(most_s, question.max_latency_ms / 1000)
        return self._monotonic() + most_s


def _what_broke_off(way: Way) -> Called | None:
    """The call that the request's own record is of: what was being read, or the last that broke."""
    if way.partial is None and way.lost:
        way.partial = way.lost.pop()
    return way.partial


def _told_of_lost(way: Way) -> tuple[Reason, ...]:
    """What calls beside the one that answered are taken to cost."""
    if not way.lost:
        return ()
    costs = [each.cost_usd for each in way.lost]
    cost = "an unknown price" if None in costs else \
        f"{sum(filter(None, costs), Decimal(0)):.6f} USD"
    return (Reason("other_calls", f"{len(way.lost)} more of the calls made for this broke off or "
                   f"came too late; they count with {cost}, estimated where no tokens were told."),)
