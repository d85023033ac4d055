"""The query engine's own time: in process, and over HTTP beside LiteLLM's proxy on one mock."""

import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from brain import settings
from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.gateway.providers import ProviderConfig
from brain.gateway.question import Answer, Question
from tests.bench import data
from tests.bench.measuring import Figure, Plan, quantile
from tests.bench.server import ROOT, answers, environment, serving
from tests.services.process import free_port

ASKS, CALLERS, HTTP_CALLERS = 400, 64, 16
HTTP_ASKS, HTTP_FIRST, HTTP_ROUNDS = 640, 64, 3
P95_MOST_MS = 3.0
LITELLM = "litellm[proxy]==1.80.5"
PROVIDER_MS = {1: 0, CALLERS: 300}
"""The declared latency of the provider by callers: callers of a provider that takes no time would
only queue for the processor."""
MOCK_MODEL = "mock-1"
_numbers = itertools.count(1)


def measure(_plan: Plan) -> Iterator[Figure]:
    """Overhead of an ask in process with 1 and 64 callers, without the provider's time."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(settings.load({}, data_dir=folder))
        try:
            for callers in (1, CALLERS):
                engine.gateway.set_provider(ProviderConfig(
                    "simulated", "simulated", models=(Model("quick", "simulated"),),
                    options={"places": CALLERS, "profile": {
                        "latency_ms": PROVIDER_MS[callers], "tokens": 8}}), "bench")
                own = asyncio.run(_ask_many(engine, callers))
                yield Figure("ask, without the provider's time", f"{callers} callers", "ms", own,
                             most=P95_MOST_MS, note=f"median must be <= 1 ms; "
                             f"{ASKS} questions, no cache")
        finally:
            engine.close()


async def _ask_many(engine: Engine, callers: int) -> tuple[float, ...]:
    """Milliseconds of each ask outside its calls, after as many that do not count."""
    async def ask(number: int) -> float:
        started = time.perf_counter()
        answer = await engine.gateway.answer(Question(
            text=f"What is an error budget, number {number}?", user_id=f"u{number % 50}",
            use_cache=False, use_knowledge=False))
        whole_ms = (time.perf_counter() - started) * 1000
        if answer.status != "ok":
            raise RuntimeError(f"the bench's own question failed: {answer.error}")
        return whole_ms - _called_ms(answer)
    limit = asyncio.Semaphore(callers)

    async def one(number: int) -> float:
        async with limit:
            return await ask(number)
    await asyncio.gather(*(one(number) for number in range(callers * 2)))
    return tuple(await asyncio.gather(*(one(number) for number in range(ASKS))))


def _called_ms(answer: Answer) -> float:
    return sum(step.took_ms for step in answer.steps if step.name.startswith("call "))


def measure_http(_plan: Plan) -> Iterator[Figure]:
    """Chat completions of 16 callers through us and through LiteLLM's proxy, one mock behind."""
    with _mock() as upstream, tempfile.TemporaryDirectory() as folder, \
            serving(Path(folder)) as server, _litellm(upstream) as proxy:
        owner = json.loads((Path(folder) / "owner.json").read_text())
        httpx.post(f"{server.url}/v1/engine/set_provider", timeout=30, trust_env=False, json={
            "provider": "mock", "kind": "openai", "base_url": f"{upstream}/v1",
            "models": [{"name": MOCK_MODEL}]},
            headers={"Authorization": f"Bearer {owner['token']}"}).raise_for_status()
        rounds = [(_round(f"{server.url}/v1", upstream), _round(proxy, upstream))
                  for _ in range(HTTP_ROUNDS)]
        bare = asyncio.run(_chat(f"{upstream}/v1", MOCK_MODEL))
    ours = tuple(each for mine, _ in rounds for each in mine[0])
    theirs = tuple(each for _, peer in rounds for each in peer[0])
    p95, their_p95 = quantile(ours, 0.95), quantile(theirs, 0.95)
    rate, their_rate = (statistics.median(each[side][1] for each in rounds) for side in (0, 1))
    yield Figure("chat completion over HTTP", f"{HTTP_CALLERS} callers", "ms", ours,
                 peer="LiteLLM proxy", peer_value=quantile(theirs, 0.5),
                 failed=p95 * 3 > their_p95,
                 note=f"p95 {p95:.1f} ms, LiteLLM's {their_p95:.1f} (must be at most a third); "
                      f"the bare mock's {quantile(bare[0], 0.95):.1f}")
    yield Figure("chat completions over HTTP", f"{HTTP_CALLERS} callers", "1/s", (rate,),
                 peer="LiteLLM proxy", peer_value=their_rate, failed=rate < 3 * their_rate,
                 note=f"medians of {HTTP_ROUNDS} rounds in turn; must be three times LiteLLM's; "
                      f"the bare mock: {bare[1]:,.0f}")


def _round(base_url: str, upstream: str) -> tuple[tuple[float, ...], float]:
    """One round of a gateway. Raises RuntimeError unless every completion came from the mock."""
    before = httpx.get(f"{upstream}/calls", trust_env=False).json()
    found = asyncio.run(_chat(base_url, MOCK_MODEL))
    made = httpx.get(f"{upstream}/calls", trust_env=False).json() - before
    if made < HTTP_FIRST + HTTP_ASKS:
        raise RuntimeError(f"{HTTP_FIRST + HTTP_ASKS} completions made {made} calls of the mock")
    return found


async def _chat(base_url: str, model: str) -> tuple[tuple[float, ...], float]:
    """Milliseconds of each completion, and completions per second."""
    took: list[float] = []
    # aiohttp takes a fifth of the processor time of httpx, which both gateways would wait for
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer any"},
                                     timeout=aiohttp.ClientTimeout(60)) as client:
        async def ask(count: int, kept: list[float]) -> None:
            for number in range(count):
                # no question twice: an answer from our cache would not be one from the provider
                talk = [{"role": "user", "content": f"What is error budget {next(_numbers)}?"}]
                started = time.perf_counter()
                async with client.post(f"{base_url}/chat/completions", json={
                        "model": model, "messages": talk, "user": f"u{number}"}) as answer:
                    answer.raise_for_status()
                    await answer.read()
                kept.append((time.perf_counter() - started) * 1000)
        await asyncio.gather(*(ask(HTTP_FIRST // HTTP_CALLERS, [])
                               for _ in range(HTTP_CALLERS)))
        began = time.perf_counter()
        await asyncio.gather(*(ask(HTTP_ASKS // HTTP_CALLERS, took) for _ in range(HTTP_CALLERS)))
        whole_s = time.perf_counter() - began
    return tuple(took), len(took) / whole_s


@contextmanager
def _mock() -> Iterator[str]:
    """A server in a process of its own that answers every completion at once."""
    with _running([sys.executable, "-m", "uvicorn", "tests.bench.openai_mock:app",
                   "--log-level", "error"], "/healthz", dict(os.environ)) as url:
        yield url


@contextmanager
def _litellm(upstream: str) -> Iterator[str]:
    """LiteLLM's proxy in an environment of its own below BENCH_DIR, made once."""
    home = data.ROOT / "litellm"
    program = home / "bin" / "litellm"
    if not program.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(home / "bin" / "python"),
                        LITELLM], check=True)
    config = home / "proxy.json"
    config.write_text(json.dumps({"model_list": [{"model_name": MOCK_MODEL, "litellm_params": {
        "model": f"openai/{MOCK_MODEL}", "api_base": f"{upstream}/v1", "api_key": "any"}}]}))
    plain: dict[str, Any] = environment(home, LITELLM_LOCAL_MODEL_COST_MAP="True",
                                        LITELLM_TELEMETRY="False", NO_PROXY="127.0.0.1")
    with _running([str(program), "--config", str(config)], "/health/liveliness", plain) as url:
        yield url


@contextmanager
def _running(command: list[str], ready: str, environment: dict[str, str]) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 180
        while not answers(f"{url}{ready}"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} does not answer at {ready}")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
