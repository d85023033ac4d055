"""Driving load, open loop: each question is asked when it is due, whatever the others do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from brain.decisions.load_tests import Asked
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from brain.engine import Engine

MOST_UNDER_WAY = 1_000
LOOPBACK = ("127.0.0.1", "::1", "localhost")
QUESTIONS = ("How do I reset my password?", "What does the contract say about returns?",
             "Summarize the report of last week.", "Why was my invoice higher this month?",
             "Which regions are covered?", "Explain the outage of Tuesday in two sentences.")
Ask = Callable[[str], Awaitable[str]]
"""Asks one question; answers the error's code, "" for none."""


async def drive(due_s: Sequence[float], ask: Ask) -> list[Asked]:
    """What became of every question. One that finds a thousand under way is not asked and counts
    as an error, for a real user would not have waited either."""
    loop = asyncio.get_running_loop()
    start, under_way = loop.time(), 0
    found: list[Asked] = []

    async def one(number: int, due: float) -> None:
        nonlocal under_way
        under_way += 1
        try:
            error = await ask(f"{QUESTIONS[number % len(QUESTIONS)]} ({number})")
        finally:
            under_way -= 1
        found.append(Asked(due, loop.time() - start, error))
    tasks = []
    for number, due in enumerate(due_s):
        if (wait_s := start + due - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        if under_way >= MOST_UNDER_WAY:
            found.append(Asked(due, loop.time() - start, "too_many_under_way"))
            continue
        tasks.append(asyncio.create_task(one(number, float(due))))
    await asyncio.gather(*tasks)
    return sorted(found, key=lambda each: each.due_s)


def drive_engine(engine: "Engine", due_s: Sequence[float], *, workspace_id: str = "load",
                 model: str = "", timeout_s: float = 30.0) -> list[Asked]:
    """What became of questions put to the engine in this process, without its cache."""
    from brain.gateway.question import Question

    async def ask(text: str) -> str:
        answer = await engine.gateway.answer(Question(
            text=text, workspace_id=workspace_id, model=model, use_cache=False,
            use_knowledge=False, max_latency_ms=timeout_s * 1000))
        return "" if answer.status == "ok" else answer.error or answer.status
    return asyncio.run(drive(due_s, ask))


def drive_address(url: str, due_s: Sequence[float], *, model: str = "", key: str = "",
                  timeout_s: float = 30.0) -> list[Asked]:
    """What became of questions put to an OpenAI-compatible address."""
    import httpx

    async def work() -> list[Asked]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=MOST_UNDER_WAY, max_keepalive_connections=200)
        async with httpx.AsyncClient(timeout=timeout_s, headers=headers, limits=limits,
                                     trust_env=False) as client:
            async def ask(text: str) -> str:
                try:
                    answer = await client.post(f"{url.rstrip('/')}/v1/chat/completions", json={
                        "model": model or "auto",
                        "messages": [{"role": "user", "content": text}]})
                except httpx.TimeoutException:
                    return "timeout"
                except httpx.HTTPError as error:
                    return type(error).__name__
                return "" if answer.status_code == 200 else f"http_{answer.status_code}"
            return await drive(due_s, ask)
    return asyncio.run(work())


def check_address(url: str, allowed: Sequence[str]) -> None:
    """Raise InputError for an address that is not this machine's and was not allowed by name."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise InputError("not_an_address", f"{url[:200]!r} is no http address", "url")
    if host not in LOOPBACK and host not in allowed:
        raise InputError("not_allowed", f"load goes to this machine only; to put it on {host}, "
                                        f"name it: --allow {host}", "url")


