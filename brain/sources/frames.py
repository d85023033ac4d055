"""Between Arrow tables of events and the frames and structs on either side of them."""

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pandas as pd
import pyarrow as pa

from brain.events import KINDS, Event, columns

_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(),
          dt.datetime: pa.timestamp("us")}


@cache
def arrow_schema(kind: str) -> pa.Schema:
    """Arrow schema of a kind's event columns; times are UTC without a zone."""
    hints = get_type_hints(KINDS[kind], include_extras=True)
    fields = []
    for name in columns(kind):
        options = [each for each in (get_args(hints[name]) or ()) if each is type(None)]
        fields.append(pa.field(name, _ARROW[_plain(hints[name])], nullable=bool(options)))
    return pa.schema(fields)


def _plain(annotation: Any) -> type:
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return str
    choices = [each for each in get_args(annotation) if each is not type(None)]
    return _plain(choices[0]) if choices else annotation


def to_table(kind: str, events: Sequence[Event]) -> pa.Table:
    """Events of one kind as an Arrow table with ``arrow_schema``."""
    schema = arrow_schema(kind)
    rows = [msgspec.structs.astuple(event) for event in events]
    by_column = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    moments = schema.get_field_index("at_utc")
    arrays = [pa.array([_epoch_us(each) for each in values], pa.int64()).cast(field.type)
              if position == moments else pa.array(values, field.type)
              for position, (values, field) in enumerate(zip(by_column, schema, strict=True))]
    return pa.Table.from_arrays(arrays, schema=schema)


def conform(kind: str, table: pa.Table) -> pa.Table:
    """``table`` with exactly the kind's columns and types; zoned times become UTC.

    Raises ValueError naming the column that is missing or does not fit.
    """
    schema = arrow_schema(kind)
    table = with_later_columns(kind, table)
    if table.schema.equals(schema) and not any(
            column.null_count for column, field in zip(table.columns, schema, strict=True)
            if not field.nullable):
        return table
    arrays = []
    for field in schema:
        if field.name not in table.column_names:
            raise ValueError(f"column {field.name} is missing")
        column = table[field.name]
        if pa.types.is_timestamp(field.type) and pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        try:
            arrays.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"column {field.name}: {error}") from error
        if not field.nullable and column.null_count:
            raise ValueError(f"column {field.name} has empty values")
    return pa.Table.from_arrays(arrays, schema=schema)


def with_later_columns(kind: str, table: pa.Table) -> pa.Table:
    """``table`` with the columns that events of a kind did not have at first, empty."""
    for name in _LATER.get(kind, ()):
        if name not in table.column_names:
            table = table.append_column(arrow_schema(kind).field(name),
                                        pa.repeat(pa.scalar("", pa.string()), table.num_rows))
    return table


def to_bytes(table: pa.Table) -> bytes:
    """An Arrow IPC stream, as the spool keeps it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def from_bytes(payload: bytes) -> pa.Table:
    """The table that ``to_bytes`` wrote."""
    with pa.ipc.open_stream(payload) as reader:
        return reader.read_all()


def with_batch_seq(table: pa.Table, batch_seq: int) -> pa.Table:
    """``table`` with a column that says which batch brought the rows."""
    number = pa.scalar(batch_seq, pa.int64())
    return table.append_column("batch_seq", pa.repeat(number, table.num_rows))


def without_texts(table: pa.Table, allowed: Collection[str] = ()) -> pa.Table:
    """Requests with ``query_text`` only where ``workspace_id`` is one of ``allowed``."""
    place = table.schema.get_field_index("query_text")
    if table["query_text"].null_count == table.num_rows:
        return table
    may_stay = frozenset(allowed)
    # Values made anew: behind the nulls that Arrow puts over an array, its bytes live on.
    texts = [text if workspace_id in may_stay else None for workspace_id, text in zip(
        table["workspace_id"].to_pylist(), table["query_text"].to_pylist(), strict=True)]
    return table.set_column(place, table.schema.field(place), pa.array(texts, pa.string()))


def checksum(event_ids: Sequence[str]) -> int:
    """Sum of the first 60 bits of each id's MD5, as ``hash60`` of the SQL prelude has it."""
    md5, number = hashlib.md5, int.from_bytes
    return sum(number(md5(each.encode(), usedforsecurity=False).digest()[:8], "big") >> 4
               for each in event_ids)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A query's result with aware UTC times and exact Decimal money."""
    frame = table.to_pandas(date_as_object=False)
    for name in frame.columns:
        if name.endswith("_utc") and frame[name].dtype.kind == "M":
            zone = frame[name].dt
            frame[name] = zone.tz_localize("UTC") if zone.tz is None else zone.tz_convert("UTC")
    return frame


def plain_times(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with aware times turned into the stores' zone-less UTC."""
    return {name: value.astimezone(dt.UTC).replace(tzinfo=None)
            if isinstance(value, dt.datetime) and value.tzinfo else value
            for name, value in values.items()}


def _epoch_us(moment: dt.datetime) -> int:
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


_LATER = {"requests": ("price_context",)}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
