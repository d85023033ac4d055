"""JSON lines of our own wire form: what ``POST /v1/events`` takes, any kinds in one file."""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from brain.events import KINDS, Event, Rejection, Request
from brain.sources import frames, wire
from brain.sources.importers.jsonl_file import iterate_lines, sample_objects
from brain.sources.importers.judging import Judged
from brain.sources.importers.plan import ImportRefused
from brain.sources.importers.reading import Format, Opened, Reading


class _Given(msgspec.Struct):
    event_id: Any = None
    at_utc: Any = None


_GIVEN = msgspec.json.Decoder(_Given)


def looks_like(head: bytes) -> bool:
    """Whether the first object of a file is an event of ours."""
    first = next(sample_objects(head), {})
    kind = first.get("kind", "requests")
    if not isinstance(kind, str) or kind not in KINDS or "at_utc" not in first:
        return False
    return set(first) <= {*KINDS[kind].__struct_fields__, "kind"}


def open_events(reading: Reading) -> Opened:
    """A file of events."""
    if reading.plan.kind != "requests":
        raise ImportRefused("bad_option", "events-jsonl says the kind of each line itself", "kind")
    return Opened(_judge(reading), reading.ready.lines)


def _judge(reading: Reading) -> Iterator[Judged]:
    for numbers, lines in iterate_lines(reading.ready):
        by_kind: dict[str, tuple[list[Event], list[int], list[bool]]] = {}
        rejected = []
        for number, line in zip(numbers.tolist(), lines, strict=True):
            found = wire.read_line(number, line, reading.latest)
            if isinstance(found, Rejection):
                rejected.append(found)
                continue
            kind, event = found
            given = _GIVEN.decode(line)
            if given.at_utc is None:
                rejected.append(Rejection(number, "missing", "at_utc is missing", "at_utc"))
                continue
            if given.event_id is None:
                event.event_id = _make_id(line, event)
            events, places, made = by_kind.setdefault(kind, ([], [], []))
            events.append(event)
            places.append(number)
            made.append(given.event_id is None)
        for kind, (events, places, made) in by_kind.items():
            table = frames.to_table(kind, events).drop_columns(["source"])
            table = table.append_column("line", pa.array(places, pa.int64()))
            table = table.append_column("made_id", pa.array(made, pa.bool_()))
            yield Judged(kind, table, [], len(events))
        if rejected:
            yield Judged("requests", pa.table({"line": pa.array([], pa.int64())}), rejected,
                         len(rejected))


def _make_id(line: bytes, event: Event) -> str:
    """An id that follows from what the line says, but for a text that may not be kept."""
    if isinstance(event, Request) and event.query_text is not None:
        line = msgspec.json.encode(msgspec.structs.replace(event, event_id="", query_text=None))
    said = hashlib.md5(b" ".join(line.split()), usedforsecurity=False)
    return f"imp-{said.hexdigest()[:24]}"


EVENTS_JSONL = Format("events-jsonl", "JSON lines as POST /v1/events takes them", open_events)
