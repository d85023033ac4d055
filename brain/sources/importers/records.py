"""Records of a vendor's export made into judged rows: what all vendors' formats share."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from brain.decisions.reasons import InputError
from brain.events import Rejection
from brain.sources.importers.documents import Found, iterate_objects
from brain.sources.importers.judging import TOKEN_CLASSES, Judge, Judged, rules
from brain.sources.importers.opening import Ready
from brain.sources.importers.plan import ImportRefused
from brain.sources.importers.reading import Format, Opened, Reading

ROWS_AT_ONCE = 50_000
RECORDS_AT_ONCE = 10_000  # each may hold a question of 20,000 characters
MOST_REQUESTS = 10_000_000
_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "bool": pa.bool_(),
    "status": pa.string(), "moment": pa.timestamp("us", tz="UTC")}


@dataclass(frozen=True, slots=True)
class Record:
    """One row of an export by the fields of a request; an absent field is empty.

    A row that sums up several ``requests`` has their total tokens; they are spread evenly from
    at_utc to ``until_utc``.
    """

    fields: Mapping[str, Any]
    requests: int = 1
    until_utc: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Vendor:
    """How to read one vendor's export.

    ``knows`` tells an object of it, ``unwrap`` gives the items in one object, ``read`` the record
    of an item or None for one that is no call of a model. ``read`` raises InputError for an item
    that cannot be used. ``note`` says what was left out and what to know of the rows.
    """

    name: str
    sentence: str
    knows: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Any], Record | None]
    unwrap: Callable[[Mapping[str, Any]], Iterator[Any]] = lambda found: iter((found,))
    left_out: str = "records that are no calls of a model"
    note: str = ""
    binary: Callable[[Ready], Iterator[Any]] | None = None

    def format(self) -> Format:
        """The same as one of the formats that can be imported."""
        return Format(self.name, self.sentence, partial(_open, self))


def _open(vendor: Vendor, reading: Reading) -> Opened:
    plan = reading.plan
    if plan.kind != "requests":
        raise ImportRefused("bad_option", f"{vendor.name} holds requests", "kind")
    if plan.input_includes_cached is not None:
        raise ImportRefused("bad_option", f"how {vendor.name} counts cached tokens is known; the "
                            "option is for files with a column map", "input_includes_cached")
    notes = [vendor.note] if vendor.note else []
    return Opened(_judge(vendor, reading, notes), None, (), notes)


def iterate_items(vendor: Vendor, objects: Iterator[Found]) -> Iterator[Any]:
    """The items in objects of a file, InputError where there is none in one."""
    for found in objects:
        if isinstance(found, InputError):
            yield found
        elif vendor.knows(found):
            yield from vendor.unwrap(found)
        else:
            yield InputError("wrong_record", f"the object is none of {vendor.name}: it has "
                             f"{', '.join(str(key)[:40] for key in list(found)[:6]) or 'no keys'}")


def _judge(vendor: Vendor, reading: Reading, notes: list[str]) -> Iterator[Judged]:
    judge = Judge("requests", reading.reader, reading.latest)
    items = (vendor.binary(reading.ready) if vendor.binary and reading.ready.is_protobuf
             else iterate_items(vendor, iterate_objects(reading.ready)))
    number, left_out, requests = 0, 0, 0
    batch = _Batch()
    for item in items:
        found = read_item(vendor, item, reading.latest)
        if found is None:
            left_out += 1
            continue
        number += 1
        batch.add(number, found)
        requests += found.requests if isinstance(found, Record) else 0
        if batch.size >= RECORDS_AT_ONCE or requests >= ROWS_AT_ONCE:
            yield from batch.judge(judge)
            batch, requests = _Batch(), 0
    yield from batch.judge(judge)
    if left_out:
        notes.append(f"{left_out:,} {vendor.left_out} were left out")


def read_item(vendor: Vendor, item: Any, latest: dt.datetime) -> Record | InputError | None:
    """The record of an item, what is wrong with it, or None where it is no call of a model."""
    if isinstance(item, InputError):
        return item
    try:
        found = vendor.read(item)
    except InputError as error:
        return error
    except RecursionError:
        return InputError("too_deep", "the record is nested too deeply")
    if found is None:
        return None
    return _find_fault(found, latest) or found


def _find_fault(record: Record, latest: dt.datetime) -> InputError | None:
    for name, value in record.fields.items():
        if isinstance(value, str) and not _is_sound(value):
            return InputError("bad_text", f"{name} holds half a character", name)
    if not 1 <= record.requests <= MOST_REQUESTS:
        return InputError("bad_count", f"a row of {record.requests:,} requests; 1 to "
                          f"{MOST_REQUESTS:,} can be read")
    if record.until_utc is not None and record.until_utc > latest:
        return InputError("still_open", f"the period ends at {record.until_utc:%Y-%m-%d %H:%M} "
                          "UTC, which is to come: export it again when it is over", "at_utc")
    return None


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def fit_id(*parts: str) -> str:
    """An event id from a vendor's own ids: the id itself if there is one that fits, else a hash."""
    said = ":".join(parts)
    if len(said) <= 128 and len(parts) == 1:
        return said
    digest = hashlib.md5(said.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return f"imp-{digest[:24]}"


class _Batch:
    """Records that are judged together."""

    def __init__(self) -> None:
        self._records: dict[int, Record] = {}
        self._rejected: list[Rejection] = []

    @property
    def size(self) -> int:
        """How many rows it has, sound or not."""
        return len(self._records) + len(self._rejected)

    def add(self, number: int, found: Record | InputError) -> None:
        """One more record, or what is wrong with it."""
        if isinstance(found, Record):
            self._records[number] = found
        else:
            self._rejected.append(Rejection(number, found.code, found.message, found.field))

    def judge(self, judge: Judge) -> Iterator[Judged]:
        """The verdicts, requests that were summed up spread out again."""
        if not self.size:
            return
        lines = np.array(list(self._records), dtype=np.int64)
        judged = judge.judge(self._table(), lines)
        judged.read += len(self._rejected)
        judged.rejected = sorted([*judged.rejected, *self._rejected], key=lambda row: row.line)
        if all(record.requests == 1 for record in self._records.values()):
            yield judged
            return
        whole = judged.table
        tables = _spread(whole, self._records)
        judged.table = next(tables, whole.slice(0, 0))
        judged.read += judged.table.num_rows - whole.num_rows
        yield judged
        for table in tables:
            yield Judged("requests", table, [], table.num_rows)

    def _table(self) -> pa.Table:
        records = self._records.values()
        named = {name for record in records for name in record.fields}
        arrays = {}
        for name, rule in rules("requests").items():
            if name not in named and name != "at_utc":
                continue
            values = [record.fields.get(name) for record in records]
            if name in TOKEN_CLASSES:  # of the mean request; the rest is dealt out when spread
                values = [(value or 0) // record.requests
                          for value, record in zip(values, records, strict=True)]
            arrays[name] = pa.array(values, _TYPES[rule.sort])
        return pa.table(arrays)


def _spread(table: pa.Table, records: Mapping[int, Record]) -> Iterator[pa.Table]:
    """Every row as often as it has requests, with whole tokens that add up to the row's own."""
    chosen = [records[line] for line in table["line"].to_pylist()]
    counts = np.array([record.requests for record in chosen], dtype=np.int64)
    total = int(counts.sum())
    begins = np.cumsum(counts) - counts
    starts_us = table["at_utc"].cast(pa.int64()).to_numpy()
    widths_us = np.array([_width_us(record) for record in chosen], dtype=np.int64)
    rests = {name: np.array([(record.fields.get(name) or 0) % record.requests
                             for record in chosen], dtype=np.int64)
             for name in TOKEN_CLASSES if name in table.column_names}
    for first in range(0, total, ROWS_AT_ONCE):
        places = np.arange(first, min(first + ROWS_AT_ONCE, total))
        owner = np.searchsorted(begins, places, side="right") - 1
        nth, many = places - begins[owner], counts[owner]
        rows = table.take(pa.array(owner))
        changed = {"at_utc": pa.array(starts_us[owner] + widths_us[owner] // many * nth).cast(
            pa.timestamp("us"))}
        for name, rest in rests.items():
            changed[name] = pc.add(rows[name], pa.array((nth < rest[owner]).astype(np.int64)))
        numbered = pc.binary_join_element_wise(rows["event_id"], pa.array(nth).cast(pa.string()),
                                               "-")
        changed["event_id"] = pc.if_else(pa.array(many > 1), numbered, rows["event_id"])
        for name, values in changed.items():
            rows = rows.set_column(rows.column_names.index(name), name, values)
        yield rows


def _width_us(record: Record) -> int:
    start = record.fields["at_utc"]
    if record.until_utc is None or start is None:
        return 0
    return max(0, (record.until_utc - start) // dt.timedelta(microseconds=1))
