"""A second route, asked as well when the first takes unusually long; the quicker one wins."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from brain.decisions.reasons import Reason
from brain.decisions.tokens import TokenClasses

if TYPE_CHECKING:
    from brain.gateway.calling import Called, Route, Way
    from brain.gateway.desk import Gateway

Take = Callable[["Route"], Awaitable["Called"]]


def hedge_after_s(gateway: "Gateway", way: "Way", route: "Route", left_s: float) -> float | None:
    """When to ask a second route, None for not at all: only where time matters and is there."""
    if way.emit is not None or way.sent.tools or not (
            way.question.max_latency_ms or way.question.priority == "latency"):
        return None
    live = gateway.providers.live(route.provider)
    p95_ms = live.p95_ms(route.model) if live else None
    if p95_ms is None or p95_ms * 2 > left_s * 1000:
        return None
    return p95_ms / 1000


async def race(way: "Way", route: "Route", waiting: "list[Route]", take: Take,
               hedge_s: float) -> "Called":
    """What the first route answers, or a second one that is asked after ``hedge_s``.

    The loser is cancelled, and what it will cost goes to ``way.lost``. Raises what the last one
    to fail raised where none answers.
    """
    running = {asyncio.ensure_future(take(route))}
    try:
        done, _ = await asyncio.wait(running, timeout=hedge_s)
        if not done and waiting:
            other = waiting.pop(0)
            way.trace.note("hedge", way.trace.now_ms(), "a second route is asked too", Reason(
                "hedged", f"{route.model} takes longer than 95 of 100 calls did "
                          f"({hedge_s * 1000:,.0f} ms); {other.model} is asked as well."))
            running.add(asyncio.ensure_future(take(other)))
        failed: BaseException | None = None
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            answered = [each.result() for each in done if each.exception() is None]
            if answered:
                way.lost += answered[1:]
                return answered[0]
            failed = next(iter(done)).exception()
        raise failed or RuntimeError("nothing ran")
    finally:
        for each in running:
            each.cancel()
        if running:
            ended = await asyncio.gather(*running, return_exceptions=True)
            way.lost += [each for each in ended if not isinstance(each, BaseException)]


def with_output(lost: "Called", winner: TokenClasses, price: Callable[[TokenClasses], object]
                ) -> "Called":
    """A cut call of which nobody tells the tokens, taken to have made as many as the winner."""
    if not lost.estimated or lost.usage.output_tokens:
        return lost
    usage = replace(lost.usage, output_tokens=winner.output_tokens)
    return replace(lost, usage=usage, cost_usd=price(usage))  # type: ignore[arg-type]
