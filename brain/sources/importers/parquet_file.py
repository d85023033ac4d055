"""Parquet with a column map; columns of the right type go through without a detour by text."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from brain.sources.importers.mapping import Chosen, choose_columns
from brain.sources.importers.opening import Ready
from brain.sources.importers.plan import ImportRefused
from brain.sources.importers.reading import (
    ROWS_AT_ONCE,
    Block,
    Format,
    Opened,
    Reading,
    first_line,
    judge_blocks,
)
from brain.sources.importers.whole_file import WholeFile, rows_aside, survey

_MOST_ROWS = 2_000_000_000
_BROKEN = (pa.ArrowException, OSError, ValueError, KeyError, MemoryError)


def open_file(ready: Ready) -> pq.ParquetFile:
    """The file's reader. Raises ImportRefused for a broken file or one that unpacks to far more."""
    try:
        file = pq.ParquetFile(ready.path)
        packed = ready.path.stat().st_size
        plain = sum(file.metadata.row_group(place).total_byte_size
                    for place in range(file.metadata.num_row_groups))
    except _BROKEN as error:
        raise ImportRefused("broken_parquet", f"the file is no sound Parquet: {first_line(error)}",
                            "file") from error
    if file.metadata.num_rows > _MOST_ROWS or file.metadata.num_rows > 10_000 * packed:
        raise ImportRefused("too_large", f"the file says it holds {file.metadata.num_rows:,} rows "
                            f"in {packed:,} bytes", "file")
    if plain > 1_000 * packed and plain > 1_000_000_000:
        raise ImportRefused("too_large", f"the file says it unpacks to {plain:,} bytes", "file")
    return file


def column_names(file: pq.ParquetFile) -> tuple[list[str], list[str]]:
    """Names of the columns that can be read, and of those that hold lists or structs."""
    try:
        columns = [(each.name, pa.types.is_nested(each.type)) for each in file.schema_arrow]
    except _BROKEN as error:  # a name that is no UTF-8 shows only when it is asked for
        raise ImportRefused("broken_parquet", f"the schema cannot be read: {first_line(error)}",
                            "file") from error
    return ([name for name, is_nested in columns if not is_nested],
            [name for name, is_nested in columns if is_nested])


def open_parquet(reading: Reading) -> Opened:
    """A Parquet file with a column map."""
    file = open_file(reading.ready)
    names, nested = column_names(file)
    if not file.metadata.num_rows:
        raise ImportRefused("empty_file", "the file has no rows", "file")
    plan = reading.plan
    chosen = choose_columns(plan.kind, names, plan.column_map, plan.input_includes_cached)
    whole = survey(reading, chosen, file)
    blocks = _blocks(file, chosen) if whole is None else _blocks_aside(reading, whole)
    opened = judge_blocks(reading, chosen, blocks, file.metadata.num_rows)
    opened.whole = whole
    opened.ignored = (*opened.ignored, *nested)
    return opened


def _blocks_aside(reading: Reading, whole: WholeFile) -> Iterator[Block]:
    for table in rows_aside(reading, whole, ROWS_AT_ONCE):
        lines = table["file_row_number"].to_numpy() + 1
        yield Block(table.drop_columns(["file_row_number"]), lines)


def _blocks(file: pq.ParquetFile, chosen: Chosen) -> Iterator[Block]:
    columns = list(chosen.sources.values())
    row = 1
    try:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns):
            table = pa.table({name: batch.column(column)
                              for name, column in chosen.sources.items()})
            yield Block(table, np.arange(row, row + batch.num_rows))
            row += batch.num_rows
    except ImportRefused:
        raise
    except _BROKEN as error:
        raise ImportRefused("broken_parquet", f"row {row:,} and those after it cannot be read: "
                            f"{first_line(error)}", "file") from error


PARQUET = Format("parquet", "Parquet with a column map", open_parquet)
