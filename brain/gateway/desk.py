"""The verbs of the query engine: ask, stream, give feedback, look a request up, turn knobs."""

import asyncio
import concurrent.futures
import datetime as dt
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from brain.decisions.models.catalogue import Priced
from brain.decisions.quotas import Scope
from brain.decisions.reasons import InputError
from brain.events import Feedback, Outcome
from brain.gateway.asking import Asking
from brain.gateway.choosing import read_catalogue
from brain.gateway.data_policy import DataPolicies
from brain.gateway.fresh import Fresh
from brain.gateway.holding import Holds
from brain.gateway.knobs import Knobs, KnobState
from brain.gateway.pricing import Prices
from brain.gateway.providers import ProviderConfig, Providers
from brain.gateway.question import Answer, Delta, Question, ToolCall
from brain.gateway.quotas import Quotas
from brain.gateway.recording import Recorder
from brain.gateway.slots import Slots
from brain.gateway.steps import Steps
from brain.kept import whoami
from brain.sources.providers.interface import Piece

if TYPE_CHECKING:
    from brain.engine import Engine

_AHEAD = 256  # pieces that a provider may be ahead of the reader


class Gateway:
    """The query engine of one platform."""

    def __init__(self, engine: "Engine", monotonic: Callable[[], float] = time.monotonic) -> None:
        settings = engine.settings.gateway
        self._engine, self.monotonic = engine, monotonic
        self.timeout_s = settings.timeout_s
        self.knobs = Knobs(engine.settings, engine.state, engine.clock, whoami)
        self.slots = Slots(settings.worker_slots, settings.queue, monotonic)
        self.knobs.follow(lambda knobs: self.slots.resize(knobs.worker_slots))
        self.models = engine.models
        self.providers = Providers(engine.state, engine.clock, whoami)
        self.quotas = Quotas(engine.state, engine.clock, whoami, monotonic)
        self.prices, self.allocation = Prices(engine), engine.allocation
        self.holds = Holds(engine, self.prices)
        self.data_policies = DataPolicies(engine.state, engine.clock, whoami)
        self.recorder = Recorder(engine)
        self.steps = Steps(engine)
        self.cache, self.knowledge = self.steps.cache, engine.knowledge
        self.knobs.follow(self._follow)
        self._asking = Asking(self, monotonic)
        self._catalogue: Fresh[tuple[Priced, ...]] = Fresh(lambda: read_catalogue(self), 5.0)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    # questions

    def ask(self, question: Question, endpoint: str = "ask") -> Answer:
        """The answer to a question, recorded: refusals and errors are answers too.

        Raises InputError for a question that cannot be used.
        """
        return self._run(self.answer(question, endpoint)).result()

    async def answer(self, question: Question, endpoint: str = "ask") -> Answer:
        """The same in an event loop; cancelling it ends the call at the provider."""
        return await self._asking.ask(question, None, endpoint)

    def stream(self, question: Question) -> Iterator[Delta]:
        """The answer in pieces, the whole one with the last; closing it ends the call."""
        pieces = self.answer_stream(question)
        try:
            while True:
                try:
                    yield self._run(pieces.__anext__()).result()
                except StopAsyncIteration:
                    return
        finally:
            self._run(pieces.aclose()).result()

    async def answer_stream(self, question: Question, endpoint: str = "ask"
                            ) -> AsyncGenerator[Delta, None]:
        """The same in an event loop."""
        waiting: asyncio.Queue[Piece | None] = asyncio.Queue(_AHEAD)
        task = asyncio.ensure_future(self._asking.ask(question, waiting.put, endpoint))
        task.add_done_callback(lambda _: _end(waiting))
        told = False
        try:
            while True:
                if task.done() and waiting.empty():
                    break
                piece = await waiting.get()
                if piece is None:
                    continue
                told = told or bool(piece.text)
                yield Delta(piece.text, tuple(
                    ToolCall(call_id, name, arguments) for _, call_id, name, arguments
                    in piece.tools), tuple(index for index, *_ in piece.tools))
            answer = task.result()
            yield Delta("" if told else answer.text, answer=answer)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def feedback(self, request_id: str, stars: int, comment: str = "", *,
                 workspace_id: str = "default", user_id: str = "", agent_id: str = "",
                 success: bool | None = None) -> str:
        """The id of a verdict on an answer, 1 to 5 stars, which is safe when this returns.

        ``success`` says whether the task was solved: an outcome "task_success" of the user.
        Raises InputError for stars outside 1 to 5 or no request.
        """
        if isinstance(stars, bool) or not isinstance(stars, int) or not 1 <= stars <= 5:
            raise InputError("out_of_range", "stars must be 1 to 5", "stars")
        if not 0 < len(request_id) <= 256:
            raise InputError("empty", "request_id names the answered request", "request_id")
        now = self._engine.clock()
        verdict = Feedback(at_utc=now, workspace_id=workspace_id, user_id=user_id,
                           request_id=request_id, agent_id=agent_id, stars=stars,
                           comment=comment[:20_000], source="ask")
        self._engine.record("feedback", [verdict])
        self.recorder.later(lambda: self._engine.studio.learn(
            request_id, workspace_id, user_id, stars, comment))
        if success is not None:
            self._engine.record("outcomes", [Outcome(
                event_id=f"{verdict.event_id}:success", at_utc=now, workspace_id=workspace_id,
                user_id=user_id, metric="task_success", unit_id=user_id or request_id,
                value=float(success), source="ask")])
        return verdict.event_id

    def request(self, request_id: str, workspaces: tuple[str, ...] = ()) -> dict[str, Any] | None:
        """One request with its ``steps`` read, None if it is not (or not yet) in the store."""
        rows = self._engine.query("requests/one", request_id=request_id,
                                  workspaces=list(workspaces))
        if rows.empty:
            return None
        found = {str(name): value for name, value in rows.iloc[0].items()}
        return {**found, "steps": msgspec.json.decode(found["steps"])}

    # what the steps need

    def now(self) -> dt.datetime:
        """The engine's present moment."""
        return self._engine.clock()

    def catalogue(self) -> tuple[Priced, ...]:
        """Every model on offer with its prices, as of a moment ago."""
        return self._catalogue.get()

    def callers(self, question: Question) -> dict[Scope, str]:
        """Who the question counts for in quotas."""
        return {"workspace": question.workspace_id, "user": question.user_id,
                "api_key": question.api_key_id, "provider": question.provider}

    def assign(self, question: Question) -> dict[str, str]:
        """The variant of each experiment that the question names and its user is in.

        Whoever is assigned is also noted as exposed, beside the answer.
        """
        found: dict[str, str] = {}
        unit = question.user_id or question.session_id
        for key in question.experiments[:20] if unit else ():
            assigned = self._engine.experiments.assign(key, unit, {
                "workspace_id": question.workspace_id, "agent_id": question.agent_id})
            if assigned.variant is not None:
                found[key] = assigned.variant
                if assigned.is_counted:
                    self._expose_later(question, key, unit, assigned.variant)
        return found

    # providers

    def set_provider(self, config: ProviderConfig, person: str = "") -> ProviderConfig:
        """The provider as stored, in force at once; see `Providers.put`.

        Prices that its models declare and the price book lacks go into the book.
        """
        kept = self.providers.put(config, person)
        for model in kept.models:
            if model.input_usd_per_mtok is None or self.prices.ranges(kept.provider, model.name):
                continue
            from brain.decisions.prices import Price
            self._engine.add_price(Price(
                0, kept.provider, model.name, "list",
                "simulated" if kept.simulated else "declared with the provider",
                input_usd_per_mtok=model.input_usd_per_mtok,
                output_usd_per_mtok=model.output_usd_per_mtok or Decimal(0),
                request_usd=model.request_usd), person)
        self.forget()
        return kept

    def forget(self) -> None:
        """Read configuration, budgets and prices anew when they are next asked for."""
        self.providers.forget()
        self.holds.forget()
        self.prices.forget()
        self._catalogue.forget()

    def close(self) -> None:
        """End the loop and write down what waits."""
        self.providers.close()
        with self._starting:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop = None
        self.recorder.close()
        self.cache.close()

    def _follow(self, knobs: KnobState) -> None:
        self.cache.resize(knobs.cache_capacity_bytes)
        self.cache.set_ttl(knobs.cache_ttl_s)

    def _expose_later(self, question: Question, key: str, unit: str, variant: str) -> None:
        self.recorder.later(lambda: self._engine.experiments.expose(
            key, unit, variant, workspace_id=question.workspace_id, user_id=question.user_id,
            session_id=question.session_id, source="ask"))

    def _run(self, work: Any) -> "concurrent.futures.Future[Any]":
        """Run ``work`` in this gateway's own event loop, for callers without one."""
        if self._loop is None:
            with self._starting:
                if self._loop is None:
                    loop = asyncio.new_event_loop()
                    self._thread = threading.Thread(target=_serve, args=(loop,), daemon=True,
                                                    name="gateway")
                    self._thread.start()
                    self._loop = loop
        return asyncio.run_coroutine_threadsafe(_awaited(work), self._loop)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)
        for each in left:
            each.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _end(waiting: "asyncio.Queue[Piece | None]") -> None:
    if not waiting.full():  # a full queue wakes its reader anyway
        waiting.put_nowait(None)
