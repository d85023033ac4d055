"""Calling a model: routes in turn, with breaker, places, reservation, retries and a hedge."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from brain.decisions.breaker import Breaker, admit, note_failure, note_nothing, note_success
from brain.decisions.budget_caps import CapDecision
from brain.decisions.reasons import Reason
from brain.decisions.retrying import (
    HTTP_STATUS,
    ROUTE_FAULTS,
    Failed,
    Next,
    RetryPolicy,
    decide_next,
)
from brain.decisions.tokens import TokenClasses
from brain.gateway.holding import Holding
from brain.gateway.providers import LiveProvider
from brain.gateway.question import Question, Source
from brain.gateway.racing import hedge_after_s, race, with_output
from brain.gateway.slots import QueueFull
from brain.gateway.trace import Trace
from brain.sources.providers.interface import (
    Gathered,
    Piece,
    Provider,
    ProviderFault,
    Received,
    Sent,
)

if TYPE_CHECKING:
    from brain.gateway.desk import Gateway
    from brain.gateway.knowledge import Passage

Emit = Callable[[Piece], Awaitable[None]]
_CLOSED = Breaker()
SHARE_OF_TIME = 0.75
"""Of the time left that one route may take where others come after it."""


@dataclass(frozen=True, slots=True)
class Route:
    """A provider's model."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Called:
    """What a route answered. ``usage`` is ``estimated`` where the provider did not tell it.

    ``cut`` says why nobody waited for its end, "" where it came whole.
    """

    route: Route
    received: Received
    usage: TokenClasses
    cost_usd: Decimal | None
    simulated: bool
    reservation_id: str = ""
    ttft_ms: float | None = None
    estimated: bool = False
    cut: str = ""


class CallFailed(Exception):
    """No route answered; ``refused`` says that none was even asked."""

    def __init__(self, code: str, reasons: tuple[Reason, ...], http_status: int,
                 retry_after_s: float | None = None, refused: bool = False) -> None:
        super().__init__(code)
        self.code, self.reasons, self.http_status = code, reasons, http_status
        self.retry_after_s, self.refused = retry_after_s, refused


@dataclass(slots=True)
class Way:
    """One question on its way through the steps.

    A step may put another ``question`` (with texts masked) or ``sent`` in their places.
    ``variants`` are those of the experiments that its user is in. ``budgets`` says that a hard
    budget may apply, ``partial`` is what a call that broke off had delivered to the asker, ``lost``
    are calls that the asker has nothing of but that their provider bills. ``told`` is what has
    gone out to the asker.
    ``safe_text`` is the masked wording, the only one that may be stored, "" before the guard saw
    it; ``originals`` is what was masked and never leaves memory. ``barred`` are models, by provider
    and name, that the workspace's data policy keeps from the question. ``counted_provider`` is one
    that the caller named, whose quota was counted with his own.
    """

    question: Question
    sent: Sent
    trace: Trace
    deadline: float
    emit: Emit | None
    budgets: bool
    delivered: bool = False
    partial: Called | None = None
    lost: list[Called] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    sources: tuple[Source, ...] = ()
    passages: "tuple[Passage, ...]" = ()
    safe_text: str = ""
    originals: Mapping[str, str] = field(default_factory=dict)
    cache_key: str = ""
    variants: dict[str, str] = field(default_factory=dict)
    barred: frozenset[tuple[str, str]] = frozenset()
    counted_provider: str = ""

    @property
    def variant(self) -> str:
        """The variants as the record of the request has them."""
        return ",".join(f"{key}:{each}" for key, each in self.variants.items())[:256]


class Calling:
    """Calls models for one gateway."""

    def __init__(self, gateway: "Gateway", rng: random.Random | None = None,
                 monotonic: Callable[[], float] = time.monotonic,
                 retry: RetryPolicy | None = None) -> None:
        self._gateway, self._monotonic = gateway, monotonic
        self._random = rng or random.Random()  # noqa: S311 - jitter, nothing secret
        self._retry = retry or RetryPolicy()

    async def call(self, way: Way, routes: Sequence[Route]) -> Called:
        """What the first route that works answers. Raises CallFailed."""
        waiting = list(routes)
        last: CallFailed | None = None
        while waiting:
            route = waiting.pop(0)
            try:
                called = await self._race(way, route, waiting)
                way.lost[:] = [with_output(each, called.usage, self._price(each.route))
                               for each in way.lost]
                return called
            except CallFailed as failed:
                last = failed if last is None or failed.code != "breaker_open" else last
                if way.delivered or failed.code in ("bad_request", "too_long", "content_filter"):
                    raise
        raise last or CallFailed("no_route", (Reason(
            "no_route", "No provider that is switched on offers a model for this."),), 503)

    async def _race(self, way: Way, route: Route, waiting: list[Route]) -> Called:
        """What the route answers, or a second one that starts when it takes unusually long."""
        hedge_s = hedge_after_s(self._gateway, way, route, way.deadline - self._monotonic()
                                ) if waiting else None
        if hedge_s is None:
            return await self._take(way, route, waiting)
        return await race(way, route, waiting, lambda each: self._take(way, each, waiting),
                          hedge_s)

    async def _take(self, way: Way, route: Route, waiting: list[Route]) -> Called:
        """What one route answers, tried again where that is safe. Raises CallFailed."""
        live = self._gateway.providers.live(route.provider)
        if live is None:
            raise CallFailed("no_route", (Reason(
                "no_provider", f"The provider {route.provider!r:.80} is not there or switched "
                               "off."),), 503)
        if route.provider != way.counted_provider:
            self._count_quota(way, route)
        attempt = 0
        while True:
            attempt += 1
            started_ms = way.trace.now_ms()
            self._admit(way, live, route, started_ms)
            try:
                holding = await self._hold(way, route, waiting, started_ms)
            except BaseException:
                self._note(live, route.model, note_nothing)
                raise
            found = await self._once(way, live, route, holding, started_ms, attempt, len(waiting))
            if isinstance(found, Called):
                return found
            next_, fault = found
            if next_.action != "again":
                raise CallFailed(
                    fault.kind, (Reason(fault.kind, f"{route.provider}/{route.model}: "
                                                    f"{fault.message}"), *next_.reasons),
                    HTTP_STATUS[fault.kind], fault.retry_after_s)
            await asyncio.sleep(next_.wait_s)

    async def _once(self, way: Way, live: LiveProvider, route: Route, holding: Holding,
                    started_ms: float, attempt: int, routes_left: int
                    ) -> "Called | tuple[Next, ProviderFault]":
        name = f"call {route.provider}"
        sent = replace(way.sent, model=route.model, max_output_tokens=holding.output_tokens,
                       timeout_s=self._timeout_s(way, live, routes_left))
        gathered = _Coming()
        try:
            first_ms = await self._answered(way, live, sent, gathered)
        except ProviderFault as fault:
            if fault.kind in ROUTE_FAULTS:
                wait_s = fault.retry_after_s
                self._note(live, route.model, lambda breaker: note_failure(
                    breaker, live.policy, self._monotonic(), wait_s))
            else:
                self._note(live, route.model, lambda breaker: note_success(breaker, live.policy))
            await self._broken(way, live, route, gathered, holding, fault.kind)
            next_ = decide_next(Failed(
                fault.kind, attempt, way.deadline - self._monotonic(), routes_left,
                fault.retry_after_s, way.delivered), self._retry, self._random.random())
            way.trace.add(name, started_ms, fault.kind, (Reason(fault.kind, fault.message),
                                                        *next_.reasons), {"model": route.model})
            return next_, fault
        except QueueFull as full:
            self._note(live, route.model, note_nothing)
            await self._gateway.holds.drop(holding)
            why = (Reason("provider_busy", f"{route.provider} has no place: {full}."),)
            way.trace.add(name, started_ms, "provider_busy", why, {"model": route.model})
            raise CallFailed("provider_busy", why, 429, full.retry_after_s, refused=True) from full
        except BaseException:
            self._note(live, route.model, note_nothing)
            await self._broken(way, live, route, gathered, holding, "cancelled")
            way.trace.note(name, started_ms, "cancelled", Reason(
                "cancelled", "The answer was no longer wanted."), model=route.model)
            raise
        self._note(live, route.model, lambda breaker: note_success(breaker, live.policy))
        live.note_latency(route.model, way.trace.now_ms() - started_ms)
        called = self._priced(way, live, route, gathered.whole(), holding, first_ms)
        way.trace.note(name, started_ms, "answered", Reason(
            "answered", f"{route.model} of {route.provider} answered at try {attempt}."),
            model=route.model, output_tokens=called.usage.output_tokens,
            **({"simulated": True} if called.simulated else {}))
        return called

    async def _answered(self, way: Way, live: LiveProvider, sent: Sent,
                        gathered: "_Coming") -> float | None:
        """Moment of the first piece, in ms; None where the answer came whole."""
        taken_at = await live.slots.acquire(way.deadline - self._monotonic())
        try:
            client = await live.client()  # the first one imports the library, which takes a while
            gathered.begun = True
            async with asyncio.timeout(sent.timeout_s):
                if way.emit is None:
                    received = await client.complete(sent)
                    gathered.add(Piece(received.text, tuple(
                        (number, *each) for number, each in enumerate(received.tools)),
                        received.finish_reason, received.usage))
                    return None
                return await self._stream(way, client, sent, gathered)
        except TimeoutError as error:
            raise ProviderFault("timeout", f"no answer within {sent.timeout_s:.1f} s") from error
        finally:
            live.release(taken_at)

    async def _stream(self, way: Way, client: Provider, sent: Sent,
                      gathered: "_Coming") -> float | None:
        """Moment of the first piece, in ms. The guard lets out what has come."""
        first_ms: float | None = None
        outlet = self._gateway.steps.outlet(way)
        pieces = client.stream(sent)
        try:
            async for piece in pieces:
                gathered.add(piece)
                if first_ms is None and (piece.text or piece.tools):
                    first_ms = way.trace.now_ms()
                await _deliver(way, replace(piece, text=outlet.feed(piece.text)))
            await _deliver(way, Piece(outlet.end()))
        finally:
            if close := getattr(pieces, "aclose", None):
                await close()
        return first_ms

    def _admit(self, way: Way, live: LiveProvider, route: Route, started_ms: float) -> None:
        with live.lock:
            found = admit(live.breakers.get(route.model) or _CLOSED, live.policy,
                          self._monotonic())
            live.breakers[route.model] = found.breaker
        if not found.allowed:
            way.trace.add(f"breaker {route.provider}", started_ms, "breaker_open", found.reasons,
                          {"model": route.model})
            raise CallFailed("breaker_open", found.reasons, 503, found.retry_after_s)

    async def _hold(self, way: Way, route: Route, waiting: list[Route],
                    started_ms: float) -> Holding:
        holding = await self._gateway.holds.hold(way.question, way.sent, route.provider,
                                                 route.model, way.budgets)
        if isinstance(holding, Holding):
            return holding
        way.trace.add("budget", started_ms, holding.action, holding.reasons,
                      {"model": route.model})
        self._offer_cheaper(way, holding, route, waiting)
        raise CallFailed("budget_reached" if holding.action != "stopped" else "stopped",
                         holding.reasons, holding.http_status or 402, holding.retry_after_s,
                         refused=True)

    def _count_quota(self, way: Way, route: Route) -> None:
        started_ms = way.trace.now_ms()
        decision = self._gateway.quotas.admit_provider(
            route.provider, -(-sum(len(each.content) for each in way.question.talk()) // 4))
        if not decision.allowed:
            way.trace.add(f"quota {route.provider}", started_ms, "refused", decision.reasons,
                          {"model": route.model})
            raise CallFailed("quota_reached", decision.reasons, 429, decision.retry_after_s,
                             refused=True)

    def _offer_cheaper(self, way: Way, cap: CapDecision, route: Route,
                       waiting: list[Route]) -> None:
        if cap.action != "cheaper_model":
            return
        provider, _, name = cap.model.rpartition("/")
        offers = [Route(each.provider, each.name) for each in self._gateway.providers.models()
                  if each.name in (name, cap.model) and provider in ("", each.provider)
                  and each.key not in way.barred]
        waiting[:0] = [each for each in offers if each != route and each not in waiting][:1]

    def _timeout_s(self, way: Way, live: LiveProvider, routes_left: int) -> float:
        left_s = max(way.deadline - self._monotonic(), 0.001)
        return min(live.timeout_s, left_s * SHARE_OF_TIME if routes_left else left_s)

    def _note(self, live: LiveProvider, model: str,
              change: Callable[[Breaker], Breaker]) -> None:
        with live.lock:
            live.breakers[model] = change(live.breakers.get(model) or _CLOSED)

    def _price(self, route: Route) -> Callable[[TokenClasses], Decimal | None]:
        return lambda usage: self._gateway.prices.cost(route.provider, route.model, usage,
                                                       self._gateway.now())

    def _priced(self, way: Way, live: LiveProvider, route: Route, received: Received,
                holding: Holding, first_ms: float | None) -> Called:
        usage = received.usage or _estimate(way.sent, received)
        return Called(route, received, usage, self._price(route)(usage), live.config.simulated,
                      holding.reservation_id, first_ms, received.usage is None)

    async def _broken(self, way: Way, live: LiveProvider, route: Route, gathered: "_Coming",
                      holding: Holding, why: str) -> None:
        """Note what a call that broke off will be billed for, or give back what was held for it.

        Who refuses a call or fails at it bills nothing; who is cut off while answering does.
        """
        called = self._priced(way, live, route, gathered.whole(), holding, None)
        if way.delivered:
            way.partial = replace(called, cut=why)
        elif gathered.texts or (why == "cancelled" and gathered.begun):
            way.lost.append(replace(called, cut=why))
        else:
            await self._gateway.holds.drop(holding)


@dataclass(slots=True)
class _Coming(Gathered):
    """An answer as it comes. ``begun`` says that the call was sent."""

    begun: bool = False


async def _deliver(way: Way, piece: Piece) -> None:
    if way.emit is not None and (piece.text or piece.tools):
        way.delivered = True
        way.told.append(piece.text)
        await way.emit(piece)


def _estimate(sent: Sent, received: Received) -> TokenClasses:
    """A quarter of the characters, which is what is said where the provider tells nothing."""
    prompt = sum(len(str(each.get("content") or "")) for each in sent.messages)
    answer = len(received.text) + sum(len(each[2]) for each in received.tools)
    return TokenClasses(-(-prompt // 4), 0, 0, -(-answer // 4), 0)
