"""The history of a plan, day by day, and its live continuation."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from brain import events
from brain.demo import world
from brain.demo.annotations import list_annotations
from brain.demo.calls import build_feedback, build_requests, draw_calls
from brain.demo.effects import describe, effects_of
from brain.demo.plan import DemoPlan, to_us
from brain.demo.platform import build_deploys, build_samples
from brain.demo.sessions import draw_sessions
from brain.demo.tables import cut
from brain.demo.trials import build_exposures, first_sights
from brain.demo.visits import build_interactions, build_page_views, draw_steps
from brain.demo.world import Ints

Tables = dict[str, pa.Table]
KINDS = tuple(kind for kind in events.KINDS if kind != "request_steps")
"""Kinds of event that the demonstration makes: the steps of its requests were never taken."""


class DemoStream:
    """Any window of a plan's events, the same rows with the same ids whenever asked.

    A day's sessions, and all that follows from them, come from numbers seeded by the plan's
    seed and the day alone. Kept in memory: two days of rows, and the users who have met an
    experiment. Reading forward is cheap; going back counts those users again.
    """

    def __init__(self, plan: DemoPlan) -> None:
        self.plan = plan
        self._days: dict[int, Tables] = {}
        self._forget()

    def _forget(self) -> None:
        self._counted_to = to_day(min(e.at_us for e in effects_of(self.plan).experiments))
        self._seen: list[Ints] = [np.zeros(0, dtype=np.int64)
                                  for _ in effects_of(self.plan).experiments]

    def window(self, start: dt.datetime, end: dt.datetime) -> Tables:
        """Rows of every kind with ``at_utc`` in [start, end), by time; aware moments."""
        start_us, end_us = to_us(start), to_us(end)
        found: dict[str, list[pa.Table]] = {kind: [] for kind in KINDS}
        if start_us < end_us:
            for day in range(to_day(start_us) - 1, to_day(end_us - 1) + 1):
                for kind, table in self._day(day).items():
                    found[kind].append(cut(table, start_us, end_us))
        else:
            for kind, table in self._day(to_day(start_us)).items():
                found[kind].append(table.slice(0, 0))
        return {kind: pa.concat_tables(parts).sort_by("at_utc") for kind, parts in found.items()}

    def _day(self, day: int) -> Tables:
        """Rows of all sessions that begin on ``day``, even if they end on the next."""
        if day not in self._days:
            self._days[day] = self._build_day(day)
            while len(self._days) > 2:
                del self._days[min(self._days, key=lambda kept: (kept == day, kept))]
        return self._days[day]

    def _build_day(self, day: int) -> Tables:
        sessions = draw_sessions(self.plan, day)
        steps = draw_steps(self.plan, sessions)
        calls = draw_calls(self.plan, steps)
        exposures, outcomes = build_exposures(self.plan, sessions, self._meet(day))
        return {"requests": build_requests(self.plan, calls),
                "page_views": build_page_views(self.plan, steps),
                "interactions": build_interactions(self.plan, steps),
                "exposures": exposures, "outcomes": outcomes,
                "feedback": build_feedback(self.plan, calls),
                "metric_samples": build_samples(self.plan, day),
                "deploys": build_deploys(self.plan, day)}

    def _meet(self, day: int) -> tuple[Ints, ...]:
        """Sessions of the day in which a user first meets each experiment."""
        if day < self._counted_to:
            self._forget()
        first: list[Ints] = [np.zeros(0, dtype=np.int64) for _ in self._seen]
        for passed in range(min(self._counted_to, day), day + 1):
            sessions = draw_sessions(self.plan, passed)
            for place, experiment in enumerate(effects_of(self.plan).experiments):
                first[place], self._seen[place] = first_sights(
                    experiment, sessions, self._seen[place])
            self._counted_to = max(self._counted_to, passed + 1)
        return tuple(first)


@dataclass(frozen=True, slots=True)
class DemoHistory:
    """A plan's past, generated as it is read."""

    CHUNK_DAYS: ClassVar[int] = 5
    plan: DemoPlan

    @property
    def effects(self) -> dict[str, Any]:
        """JSON-able record of the plan and all true effects."""
        return describe(self.plan)

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """Rows for the state table ``annotations``."""
        return list_annotations(self.plan, self.first_at_utc, self.plan.end_utc)

    @property
    def workspaces(self) -> list[dict[str, Any]]:
        """Rows for the state table ``workspaces``: id, name, plan, is_demo, keeps_query_text."""
        return [{"workspace_id": w.workspace_id, "name": w.name, "plan": w.plan, "is_demo": True,
                 "keeps_query_text": w.keeps_text} for w in world.WORKSPACES]

    @property
    def first_at_utc(self) -> dt.datetime:
        """First moment of the history."""
        return self.plan.end_utc - dt.timedelta(days=self.plan.days)

    def chunks(self) -> Iterator[Tables]:
        """Rows of every kind, CHUNK_DAYS at a time, in time order; memory holds one chunk."""
        stream = DemoStream(self.plan)
        start = self.first_at_utc
        while start < self.plan.end_utc:
            end = min(start + dt.timedelta(days=self.CHUNK_DAYS), self.plan.end_utc)
            yield stream.window(start, end)
            start = end

    def tables(self) -> Tables:
        """All rows of every kind at once."""
        parts = list(self.chunks())
        return {kind: pa.concat_tables([part[kind] for part in parts]) for kind in KINDS}


def to_day(at_us: int) -> int:
    """Days since 1970."""
    return at_us // world.DAY_US


def generate(seed: int, days: int, events: int, end: dt.datetime) -> DemoHistory:
    """About ``events`` events in the ``days`` days before ``end``, marked source 'demo'.

    Raises ValueError for a naive ``end``, under 7 days or under 1,000 events.
    """
    return DemoHistory(DemoPlan(seed, days, events, end))


def continue_from(plan: DemoPlan, start: dt.datetime, end: dt.datetime) -> Tables:
    """The plan's rows in [start, end), mostly after its history; keep a DemoStream to repeat."""
    return DemoStream(plan).window(start, end)
