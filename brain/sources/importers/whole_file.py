"""A Parquet file's plainly sound rows, which go from file to event store without a detour.

One scan by DuckDB says which rows hold exactly what their fields may hold. They are inserted from
the file itself; all others, and all that share an id, are set aside for the judge, who may mend
them or say what is wrong.
"""

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import ColumnExpression, ConstantExpression, Expression, FunctionExpression

from brain.events import EARLIEST
from brain.sources.frames import arrow_schema
from brain.sources.importers.judging import TOKEN_CLASSES, Rule, rules
from brain.sources.importers.mapping import Chosen
from brain.sources.importers.reading import Reading

_MOST_ASIDE_RATIO = 0.2
_ROWS_AT_ONCE = 2_000_000
_POSITION = "file_row_number"
_SQL_TYPES = {pa.string(): "varchar", pa.int64(): "bigint", pa.float64(): "double",
              pa.bool_(): "boolean", pa.timestamp("us"): "timestamp"}


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file whose rows are inserted from where they lie, without those in ``aside``.

    ``spans`` are first and last position (half-open) of what is inserted at once.
    """

    kind: str
    path: Path
    sources: Mapping[str, str]
    aside: pa.Table
    rows: int
    first_at: dt.datetime
    last_at: dt.datetime
    totals: Mapping[str, int]
    spans: tuple[tuple[int, int], ...]

    def events(self, cursor: duckdb.DuckDBPyConnection, fill: Mapping[str, str],
               span: tuple[int, int]) -> duckdb.DuckDBPyRelation:
        """Whole events of a span as columns named as fields; ``fill`` stands for empty texts."""
        position = ColumnExpression(_POSITION)
        rows = _open(cursor, self.path).filter(
            (position >= ConstantExpression(span[0])) & (position < ConstantExpression(span[1])))
        if self.aside.num_rows:
            aside = cursor.from_arrow(self.aside.rename_columns([_POSITION]))
            rows = rows.join(aside, _POSITION, how="anti")
        return rows.select(*(
            _as_event(each, self.sources.get(each.name), fill.get(each.name, ""))
            for each in arrow_schema(self.kind)))


class Lying:
    """Events of a file as the event store takes them; ``note_rows`` hears what comes next."""

    def __init__(self, whole: WholeFile, fill: Mapping[str, str],
                 note_rows: Callable[[int], object]) -> None:
        self.kind, self.rows = whole.kind, whole.rows
        self.first_at, self.last_at = whole.first_at, whole.last_at
        self._whole, self._fill, self._note_rows = whole, fill, note_rows

    def events(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyRelation]:
        """Whole events, some at a time."""
        for span in self._whole.spans:
            self._note_rows(span[1] - span[0])
            yield self._whole.events(cursor, self._fill, span)


def survey(reading: Reading, chosen: Chosen, file: pq.ParquetFile) -> WholeFile | None:
    """The file's plainly sound rows, or None where the judge has to see every row."""
    kind, typed = reading.plan.kind, file.schema_arrow
    if (chosen.includes_cached or chosen.scales or "event_id" not in chosen.sources
            or not all(_fits(rules(kind)[name], typed.field(source).type)
                       for name, source in chosen.sources.items())):
        return None
    path = _beside(reading.ready.path, reading.reader.folder)
    try:
        return _survey(reading, chosen, file, path)
    except duckdb.Error:  # broken, or read by Arrow alone: the judge's way says which
        return None


def rows_aside(reading: Reading, whole: WholeFile, rows_at_once: int) -> Iterator[pa.Table]:
    """Rows for the judge: columns named as fields, and ``file_row_number`` from 0."""
    connection = reading.reader.connection.cursor()  # the judge uses the other meanwhile
    aside = connection.from_arrow(whole.aside.rename_columns([_POSITION]))
    rows = _open(connection, whole.path).join(aside, _POSITION, how="semi").select(
        *(ColumnExpression(source).alias(name) for name, source in whole.sources.items()),
        ColumnExpression(_POSITION)).order(_POSITION)
    for batch in rows.to_arrow_reader(rows_at_once):
        yield pa.Table.from_batches([batch])


def _survey(reading: Reading, chosen: Chosen, file: pq.ParquetFile, path: Path) -> WholeFile | None:
    kind, reader = reading.plan.kind, reading.reader
    known = rules(kind)
    sound = ConstantExpression(True)
    for name, source in chosen.sources.items():
        sound = sound & _is_sound(known[name], ColumnExpression(source), reading.latest)
    if "reasoning_tokens" in chosen.sources:
        output = chosen.sources.get("output_tokens")
        sound = sound & (ColumnExpression(chosen.sources["reasoning_tokens"]) <= (
            ColumnExpression(output) if output else ConstantExpression(0)))
    rows = _open(reader.connection, path)
    rows.select(ColumnExpression(_POSITION).alias("row_position"),
                ColumnExpression(chosen.sources["event_id"]).alias("event_id"),
                _coalesce(sound, False).alias("is_sound")).create_view("surveyed_rows")
    (counted,) = reader.run("count_sound").to_pylist()
    aside = pa.table({"row_position": pa.array([], pa.int64())})
    if counted["rows_sound"] < (1 - _MOST_ASIDE_RATIO) * counted["rows_read"]:
        return None
    if counted["rows_sound"] < counted["rows_read"] or counted["distinct_ids"] < (
            counted["rows_read"]):
        aside = reader.run("rows_aside")
    kept = counted["rows_read"] - aside.num_rows
    if kept < (1 - _MOST_ASIDE_RATIO) * counted["rows_read"] or not kept:
        return None
    whole = WholeFile(kind, path, chosen.sources, aside, kept, EARLIEST, EARLIEST, {},
                      _spans(file))
    events = whole.events(reader.connection, {}, (0, counted["rows_read"]))
    tokens = [name for name in TOKEN_CLASSES if name in chosen.sources]
    moment = ColumnExpression("at_utc")
    summed = events.aggregate([
        FunctionExpression("min", moment), FunctionExpression("max", moment),
        *(FunctionExpression("sum", ColumnExpression(name)) for name in tokens)]).fetchall()[0]
    return WholeFile(kind, path, chosen.sources, aside, kept, summed[0], summed[1],
                     dict(zip(tokens, map(int, summed[2:]), strict=True)), whole.spans)


def _open(connection: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    return connection.from_parquet(str(path), file_row_number=True)


def _beside(path: Path, folder: Path) -> Path:
    """The file under a name in the one folder that the databases may read."""
    target = folder / "given.parquet"
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)
    return target


def _spans(file: pq.ParquetFile) -> tuple[tuple[int, int], ...]:
    spans, first, last = [], 0, 0
    for place in range(file.metadata.num_row_groups):
        last += file.metadata.row_group(place).num_rows
        if last - first >= _ROWS_AT_ONCE:
            spans.append((first, last))
            first = last
    return (*spans, (first, last)) if last > first else tuple(spans)


def _fits(rule: Rule, there: pa.DataType) -> bool:
    """Whether a column has its field's own type, so that nothing has to be read from text."""
    if rule.sort in ("text", "status"):
        return pa.types.is_string(there) or pa.types.is_large_string(there)
    if rule.sort == "whole":
        return pa.types.is_integer(there) and not pa.types.is_uint64(there)
    if rule.sort == "number":
        return there in (pa.float32(), pa.float64())
    if rule.sort == "moment":
        return pa.types.is_timestamp(there) and there.unit == "us" and there.tz in (None, "UTC")
    return pa.types.is_boolean(there)


def _is_sound(rule: Rule, column: Expression, latest: dt.datetime) -> Expression:
    if rule.name == "query_text":  # which the guard has to see
        return _coalesce(column == ConstantExpression(""), True)
    if rule.sort == "text":
        # Bytes, which are at least as many as characters; the judge counts these.
        good = (FunctionExpression("strlen", column) <= ConstantExpression(rule.longest)) & (
            ~FunctionExpression("contains", column,
                                FunctionExpression("chr", ConstantExpression(0))))
        if rule.required or rule.name == "event_id":
            return good & (column != ConstantExpression(""))
        return _coalesce(good, True)
    if rule.sort == "status":
        return column.isin(ConstantExpression("ok"), ConstantExpression("error"))
    if rule.sort == "moment":
        moment = FunctionExpression("epoch_us", column)
        return moment.between(ConstantExpression(_epoch_us(EARLIEST)),
                              ConstantExpression(_epoch_us(latest)))
    if rule.sort == "bool":
        return ConstantExpression(True)
    within = (column >= ConstantExpression(rule.low)) & (column <= ConstantExpression(rule.high))
    if rule.sort == "number":  # bounds alone let NaN through: a file's statistics leave it out
        within = FunctionExpression("isfinite", column) & within
    return _coalesce(within, True) if rule.nullable else within


def _as_event(each: pa.Field, source: str | None, filler: str) -> Expression:
    sql_type = _SQL_TYPES[each.type]
    if source is None:
        value = ConstantExpression(None if each.nullable else _empty(each, filler))
        return value.cast(sql_type).alias(each.name)
    column = ColumnExpression(source)
    if pa.types.is_timestamp(each.type):
        return FunctionExpression("make_timestamp", FunctionExpression(
            "epoch_us", column)).alias(each.name)
    if pa.types.is_string(each.type):
        said = FunctionExpression("nullif", column, ConstantExpression(""))
        return (said if each.nullable else _coalesce(said, filler)).alias(each.name)
    value = column.cast(sql_type)
    return (value if each.nullable else _coalesce(value, _empty(each, ""))).alias(each.name)


def _empty(each: pa.Field, filler: str) -> Any:
    if each.name == "status":
        return "ok"
    return {pa.int64(): 0, pa.bool_(): False, pa.float64(): 0.0}.get(each.type, filler)


def _coalesce(value: Expression, otherwise: Any) -> Expression:
    return duckdb.CoalesceOperator(value, ConstantExpression(otherwise))


def _epoch_us(moment: dt.datetime) -> int:
    return int((moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))


