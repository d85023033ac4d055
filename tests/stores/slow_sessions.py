"""Sessions, time on page and cohorts in plain slow Python: what the SQL has to agree with."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from brain.events import Event, Interaction, PageView, Request

GAP = dt.timedelta(minutes=30)
Unit = tuple[str, str, str]


@dataclass
class Session:
    """One session; ``events`` in order of time."""

    unit: Unit
    events: list[Event] = field(default_factory=list)

    @property
    def start(self) -> dt.datetime:
        return self.events[0].at_utc

    @property
    def last(self) -> dt.datetime:
        return self.events[-1].at_utc

    @property
    def views(self) -> list[PageView]:
        """Page views, those of one moment by name of their page."""
        return sorted((each for each in self.events if isinstance(each, PageView)),
                      key=lambda view: (view.at_utc, view.page, view.region, view.device))

    @property
    def end(self) -> dt.datetime:
        if not self.views:
            return self.last
        newest = [view for view in self.views if view.at_utc == self.views[-1].at_utc]
        return max(self.last, *(view.at_utc + dt.timedelta(milliseconds=view.duration_ms or 0)
                                for view in newest))

    @property
    def is_bounce(self) -> bool:
        return len(self.events) == len(self.views) == 1

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(each, kind) for each in self.events)

    def first(self, name: str) -> str:
        """The first value that is not empty; of one moment the smallest."""
        found = [(each.at_utc, getattr(each, name, "")) for each in self.events]
        return min([pair for pair in found if pair[1]], default=(None, ""))[1]

    def last_page(self) -> str:
        found = [(view.at_utc, view.page) for view in self.views if view.page]
        return max(found, default=(None, ""))[1]


def unit_of(event: Event) -> Unit | None:
    """The user, else the session; None for an event with neither."""
    if event.user_id:
        return event.workspace_id, "user", event.user_id
    return (event.workspace_id, "session", event.session_id) if event.session_id else None


def split(events: Iterable[Event]) -> list[Session]:
    """All sessions: of each unit, events with gaps of at most 30 minutes."""
    by_unit: dict[Unit, list[Event]] = defaultdict(list)
    for event in events:
        unit = unit_of(event)
        if unit and isinstance(event, Request | PageView | Interaction):
            by_unit[unit].append(event)
    found: list[Session] = []
    for unit, own in by_unit.items():
        own.sort(key=lambda event: event.at_utc)
        for position, event in enumerate(own):
            if not position or event.at_utc - own[position - 1].at_utc > GAP:
                found.append(Session(unit))
            found[-1].events.append(event)
    return found


def add_up(sessions: Iterable[Session]) -> dict[str, Any]:
    """What ``sessions/totals`` says about these."""
    every = list(sessions)
    engaged = [each for each in every if not each.is_bounce]
    return {"sessions": len(every), "bounces": len(every) - len(engaged),
            "duration_s_sum": sum((each.end - each.start).total_seconds() for each in every),
            "engaged_sessions": len(engaged),
            "engaged_duration_s_sum": sum((each.end - each.start).total_seconds()
                                          for each in engaged),
            "page_views": sum(len(each.views) for each in every)}


def page_times(events: Iterable[Event], start: dt.datetime,
               end: dt.datetime) -> dict[str, dict[str, Any]]:
    """What ``traffic/page_times`` says about a span, by page."""
    events = list(events)
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {
        "views": 0, "viewers": set(), "timed_views": 0, "time_s_sum": 0.0, "entries": 0,
        "exits": 0, "bounces": 0})
    for view in events:
        if isinstance(view, PageView) and start <= view.at_utc < end:
            found[view.page]["views"] += 1
            if view.user_id:
                found[view.page]["viewers"].add(view.user_id)
    for session in split(events):
        views = session.views
        for view, following in pairwise(views):
            if start <= view.at_utc < end:
                found[view.page]["timed_views"] += 1
                found[view.page]["time_s_sum"] += (following.at_utc - view.at_utc).total_seconds()
        if views and start <= session.start < end:
            found[session.first("page")]["entries"] += 1
            found[session.first("page")]["bounces"] += session.is_bounce
            found[session.last_page()]["exits"] += 1
    return {page: {**row, "viewers": len(row["viewers"])} for page, row in found.items()}


def first_events(events: Iterable[Event], workspaces: list[str]) -> dict[str, dt.datetime]:
    """The first event of every user in the workspaces (none given: in all)."""
    found: dict[str, dt.datetime] = {}
    for event in events:
        if event.user_id and isinstance(event, Request | PageView | Interaction) \
                and (not workspaces or event.workspace_id in workspaces):
            found[event.user_id] = min(event.at_utc, found.get(event.user_id, event.at_utc))
    return found


def week_of(moment: dt.datetime) -> dt.datetime:
    """Midnight of the Monday before."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - dt.timedelta(days=day.weekday())
