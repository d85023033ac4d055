"""A provider that is none: declared latency, price, quality and failures, for drills and demos."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from brain.decisions.retrying import FaultKind
from brain.decisions.tokens import TokenClasses
from brain.sources.providers.interface import Gathered, Piece, ProviderFault, Received, Sent

FAULTS: tuple[FaultKind, ...] = ("rate_limited", "timeout", "unavailable", "bad_answer", "cut")


@dataclass(frozen=True, slots=True)
class Profile:
    """How the simulated provider behaves. ``failures`` are shares of calls (0..1) by fault."""

    latency_ms: float = 300.0
    spread: float = 0.2
    tokens: int = 40
    failures: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1


class SimulatedProvider:
    """Answers by its profile; the same seed and calls give the same answers."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._random = random.Random(profile.seed)  # noqa: S311 - a drill, nothing secret

    async def complete(self, sent: Sent) -> Received:
        """The whole answer."""
        gathered = Gathered()
        async for piece in self.stream(sent):
            gathered.add(piece)
        return gathered.whole()

    async def stream(self, sent: Sent) -> AsyncIterator[Piece]:
        """The answer, word by word over the declared latency."""
        latency_s = self._latency_s()
        fault = self._fault()
        prompt = "".join(str(each.get("content") or "") for each in sent.messages)
        if fault == "timeout":
            await asyncio.sleep(sent.timeout_s)
            raise ProviderFault("timeout", "the simulated provider does not answer")
        if fault and fault != "cut":
            await self._wait(latency_s)
            raise ProviderFault(fault, f"the simulated provider fails: {fault}",
                                1.0 if fault == "rate_limited" else None)
        usage_in = max(1, -(-len(prompt) // 4))
        if sent.tools and not any(each.get("role") == "tool" for each in sent.messages):
            await self._wait(latency_s)
            tool = sent.tools[0].get("function", {})
            yield Piece(tools=((0, "call_simulated", str(tool.get("name", "")),
                                json.dumps(_arguments(tool.get("parameters", {})))),),
                        finish_reason="tool_calls", usage=TokenClasses(usage_in, 0, 0, 8, 0))
            return
        words = self._words(prompt, sent)
        for number, word in enumerate(words):
            await self._wait(latency_s / len(words))
            if fault == "cut" and number >= len(words) // 2:
                raise ProviderFault("cut", "the simulated provider breaks off")
            yield Piece(text=word)
        limit = sent.max_output_tokens
        yield Piece(finish_reason="length" if limit and len(words) >= limit else "stop",
                    usage=TokenClasses(usage_in, 0, 0, len(words), 0))

    async def close(self) -> None:
        """Nothing is open."""

    def _words(self, prompt: str, sent: Sent) -> list[str]:
        most = min(self._profile.tokens, sent.max_output_tokens or self._profile.tokens)
        if sent.json:
            return ['{"simulated": true}']
        mark = hashlib.sha256(prompt.encode()).hexdigest()[:8]
        told = [f"Simulated answer {mark}", " of", f" {sent.model}:"]
        told += [" word"] * max(most - len(told), 0)
        return told[:max(most, 1)]

    def _latency_s(self) -> float:
        spread = self._random.uniform(-self._profile.spread, self._profile.spread)
        return max(self._profile.latency_ms * (1 + spread), 0.0) / 1000

    def _fault(self) -> FaultKind | None:
        drawn = self._random.random()
        for fault in FAULTS:
            drawn -= self._profile.failures.get(fault, 0.0)
            if drawn < 0:
                return fault
        return None

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)


def _arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object that fits a simple JSON Schema, so that a tool can be called in a drill."""
    plain = {"string": "simulated", "integer": 1, "number": 1.0, "boolean": True, "array": [],
             "object": {}}
    wanted = schema.get("required") or schema.get("properties", {})
    return {name: plain.get(schema.get("properties", {}).get(name, {}).get("type", "string"))
            for name in wanted}
