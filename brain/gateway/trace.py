"""The steps of one request as they happen, each with its time, decision and reasons."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from brain.decisions.reasons import Reason
from brain.gateway.question import Step


class Trace:
    """Clocks the steps of one request; milliseconds count from its beginning."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        self.steps: list[Step] = []

    def now_ms(self) -> float:
        """How long the request has been under way."""
        return (self._clock() - self._began) * 1000

    def note(self, name: str, started_ms: float, decision: str, *reasons: Reason,
             **facts: Any) -> None:
        """A step that began at ``started_ms`` and is over now."""
        self.steps.append(Step(name, started_ms, self.now_ms() - started_ms, decision, reasons,
                               facts))

    def add(self, name: str, started_ms: float, decision: str, reasons: tuple[Reason, ...],
            facts: Mapping[str, Any] | None = None) -> None:
        """The same, with reasons and facts as they were given by a decision."""
        self.steps.append(Step(name, started_ms, self.now_ms() - started_ms, decision, reasons,
                               facts or {}))
