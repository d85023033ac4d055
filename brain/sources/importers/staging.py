"""Sound rows of a file kept aside, with ids, until the whole file has been judged."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from brain.events import columns
from brain.sources.frames import arrow_schema
from brain.sources.importers.judging import TOKEN_CLASSES
from brain.sources.importers.texts import TextReader

_OWN = ("line", "made_id")
ROWS_AT_ONCE = 500_000


@dataclass(slots=True)
class Part:
    """The rows of one kind that are kept aside, and what they come to."""

    path: Path
    rows: int = 0
    first_at: dt.datetime | None = None
    last_at: dt.datetime | None = None
    totals: dict[str, int] = field(default_factory=dict)
    writer: Any = None


class Stage:
    """Keeps judged rows in files of ``folder``, one per kind.

    A row without an id gets one that follows from ``salt`` and what the row says; the second and
    later of identical rows get a number behind it. Of rows that share an id of the file's own,
    the first stands and the others are repeats.
    """

    def __init__(self, folder: Path, reader: TextReader, salt: str) -> None:
        self._folder, self._reader, self._salt = folder, reader, salt
        self.parts: dict[str, Part] = {}
        self._reader.run("create_seen")

    def add(self, kind: str, table: pa.Table) -> None:
        """Keep sound rows, columns named as fields."""
        if not table.num_rows:
            return
        table = self._with_ids(kind, table)
        self._reader.run("note_seen", table.select(["event_id"]))
        part = self.parts.setdefault(kind, Part(self._folder / f"{kind}.arrow"))
        if part.writer is None:
            part.writer = pa.ipc.new_file(part.path, table.schema)
        part.writer.write_table(table)
        part.rows += table.num_rows
        span = pc.min_max(table["at_utc"]).as_py()
        part.first_at = min(filter(None, (part.first_at, span["min"])))
        part.last_at = max(filter(None, (part.last_at, span["max"])))
        for name in TOKEN_CLASSES:
            if name in table.column_names:
                part.totals[name] = part.totals.get(name, 0) + (pc.sum(table[name]).as_py() or 0)

    def close(self) -> None:
        """Finish the files and find out which ids stand in them more than once."""
        for part in self.parts.values():
            part.writer.close()
        self._repeated = self._reader.run("repeated_ids")
        self._reader.register("repeated", self._repeated)

    def tables(self, kind: str, fill: Mapping[str, str]) -> Iterator[pa.Table]:
        """Whole event tables with distinct ids; ``fill`` stands where the file has no text."""
        seen: dict[str, int] = {}
        with pa.memory_map(str(self.parts[kind].path)) as source, pa.ipc.open_file(source) as file:
            constants: dict[str, pa.Array] = {}
            batches: list[pa.RecordBatch] = []
            for number in range(file.num_record_batches):
                batches.append(file.get_batch(number))
                rows = sum(batch.num_rows for batch in batches)
                if rows < ROWS_AT_ONCE and number + 1 < file.num_record_batches:
                    continue
                table = pa.Table.from_batches(batches)
                batches = []
                if self._repeated.num_rows:
                    table = self._make_distinct(table, seen)
                yield _complete(kind, table, fill, constants)

    def _with_ids(self, kind: str, table: pa.Table) -> pa.Table:
        if "made_id" in table.column_names:
            return table.drop_columns(["line"])
        # An id must not let anyone try out what a question's text, which may go, has been.
        said = {name: _as_said(table[name]) for name in columns(kind)
                if name in table.column_names and name not in ("event_id", "query_text", *_OWN)}
        given = table["event_id"] if "event_id" in table.column_names else None
        table = table.drop_columns([name for name in ("line", "event_id")
                                    if name in table.column_names])
        missing = None if given is None else pc.equal(given, "")
        if given is not None and not pc.any(missing).as_py():
            ids, made = given, pa.repeat(False, table.num_rows)
        else:
            ids = self._reader.run("make_ids", pa.table(said), {"columns": ", ".join(said)},
                                   salt=self._salt + kind)["event_id"]
            made = pa.repeat(True, table.num_rows)
            if given is not None:
                ids, made = pc.if_else(missing, ids, given), missing
        return table.append_column("event_id", ids).append_column("made_id", made)

    def _make_distinct(self, table: pa.Table, seen: dict[str, int]) -> pa.Table:
        places = self._reader.run("repeated_rows", pa.table({
            "event_id": table["event_id"],
            "row_position": pa.array(range(table.num_rows), pa.int64())}))["row_position"]
        if not len(places):
            return table
        made = table["made_id"].take(places).to_pylist()
        ids = table["event_id"].to_pylist()
        drop = []
        for place, is_made in zip(places.to_pylist(), made, strict=True):
            before = seen.get(ids[place], 0)
            seen[ids[place]] = before + 1
            if before and is_made:
                ids[place] = f"{ids[place]}-{before}"
            elif before:
                drop.append(place)
        table = table.set_column(table.column_names.index("event_id"), "event_id",
                                 pa.array(ids, pa.string()))
        if drop:
            keep = pc.invert(pc.is_in(pa.array(range(table.num_rows)), pa.array(drop)))
            table = table.filter(keep)
        return table


def _as_said(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type) or column.null_count:  # one text for one number
        return pc.fill_null(column.cast(pa.string()), "")
    return column


def _complete(kind: str, table: pa.Table, fill: Mapping[str, str],
              constants: dict[str, pa.Array]) -> pa.Table:
    arrays = []
    for each in arrow_schema(kind):
        there = table[each.name] if each.name in table.column_names else None
        filler = fill.get(each.name, "") if pa.types.is_string(each.type) else ""
        if there is None:
            if len(constants.get(each.name, ())) < table.num_rows:
                constants[each.name] = _constant(each, filler, table.num_rows)
            arrays.append(constants[each.name].slice(0, table.num_rows))
        elif filler and not each.nullable:
            arrays.append(pc.if_else(pc.equal(there, ""), filler, there))
        else:
            arrays.append(there)
    return pa.Table.from_arrays(arrays, schema=arrow_schema(kind))


def _constant(each: pa.Field, filler: str, rows: int) -> pa.Array:
    if each.nullable:
        return pa.nulls(rows, each.type)
    if each.name == "status":
        filler = "ok"
    zero = {pa.int64(): 0, pa.bool_(): False, pa.float64(): 0.0}.get(each.type, filler)
    return pa.repeat(pa.scalar(zero, each.type), rows)
