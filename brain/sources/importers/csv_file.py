"""CSV: any separator of , ; tab |, quotes, a header, one record per line or more."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from brain.events import Rejection
from brain.sources.importers.mapping import Chosen, choose_columns
from brain.sources.importers.opening import BLOCK_BYTES, Ready
from brain.sources.importers.plan import ImportRefused
from brain.sources.importers.reading import Block, Format, Opened, Reading, first_line, judge_blocks

_SEPARATORS = ",;\t|"
_MOST_COLUMNS = 2_000


@dataclass(frozen=True, slots=True)
class Header:
    """The names in a file's first record, what parts them, and how many lines they take."""

    names: tuple[str, ...]
    separator: str
    lines: int


def read_header(head: bytes) -> Header:
    """The header of a CSV file. Raises ImportRefused for one that cannot be read."""
    text = head.decode("utf-8", errors="ignore")
    first = text.splitlines()[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        records = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        names = tuple(name.strip() for name in next(records))
    except (csv.Error, StopIteration) as error:
        raise ImportRefused("wrong_header", f"the first line is no CSV header: {error}",
                            "header") from error
    if not any(names) or len(names) > _MOST_COLUMNS:
        raise ImportRefused("wrong_header", f"the first line names {len(names):,} columns; a "
                            f"header of 1 to {_MOST_COLUMNS:,} names is needed", "header")
    return Header(names, separator, records.line_num)


def open_csv(reading: Reading) -> Opened:
    """A CSV file with a column map."""
    header = read_header(reading.ready.head)
    plan = reading.plan
    chosen = choose_columns(plan.kind, header.names, plan.column_map, plan.input_includes_cached)
    doubled = {name for name in header.names if header.names.count(name) > 1}
    if wrong := doubled & set(chosen.sources.values()):
        raise ImportRefused("wrong_header", f"column {min(wrong)!r} is there twice", "header")
    return judge_blocks(reading, chosen, read_blocks(reading.ready, header, chosen),
                        max(0, reading.ready.lines - header.lines))


def read_blocks(ready: Ready, header: Header, chosen: Chosen) -> Iterator[Block]:
    """The records as text, in blocks; broken ones are rejected with their line."""
    broken: dict[int, arrow_csv.InvalidRow] = {}

    def skip(row: arrow_csv.InvalidRow) -> str:
        broken[row.number] = row
        return "skip"
    names = [f"c{place}" for place in range(len(header.names))]
    try:
        stream = arrow_csv.open_csv(
            ready.path,
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES,
                                               skip_rows=header.lines, column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.separator, newlines_in_values=True, ignore_empty_lines=False,
                invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False))
        yield from _number(stream, header, chosen, broken)
    except pa.ArrowException as error:
        if "no more data" in str(error).lower() or "empty csv" in str(error).lower():
            return
        raise ImportRefused("broken_csv", "the file is no sound CSV (a quote may not be closed): "
                            f"{first_line(error)}", "file") from error


def _number(stream: arrow_csv.CSVStreamingReader, header: Header, chosen: Chosen,
            broken: dict[int, arrow_csv.InvalidRow]) -> Iterator[Block]:
    last = header.lines
    for batch in stream:
        lines = np.arange(last + 1, last + 1 + batch.num_rows + len(broken))
        lines = lines[~np.isin(lines, np.array(sorted(broken), dtype=np.int64))][:batch.num_rows]
        last = int(lines[-1]) if len(lines) else last
        yield _block(batch, lines, header, chosen,
                     [broken.pop(number) for number in sorted(broken) if number <= last])
    if broken:
        rest = [broken[number] for number in sorted(broken)]
        nothing = pa.table({name: pa.array([], pa.string()) for name in chosen.sources})
        yield Block(nothing, np.array([], dtype=np.int64),
                    tuple(_reject(row, header) for row in rest if row.text.strip()))


def _block(batch: pa.RecordBatch, lines: np.ndarray, header: Header, chosen: Chosen,
           broken: list[arrow_csv.InvalidRow]) -> Block:
    arrays = {name: batch.column(header.names.index(column))
              for name, column in chosen.sources.items()}
    blank = pc.equal(next(iter(arrays.values())), "")
    if pc.any(blank).as_py():
        for column in batch.columns:
            blank = pc.and_(blank, pc.equal(column, ""))
    table = pa.table(arrays)
    if pc.any(blank).as_py():
        keep = pc.invert(blank)
        table, lines = table.filter(keep), lines[keep.to_numpy(zero_copy_only=False)]
    return Block(table, lines, tuple(_reject(row, header) for row in broken
                                     if row.text.strip()))


def _reject(row: arrow_csv.InvalidRow, header: Header) -> Rejection:
    shown = row.text[:80]
    return Rejection(row.number, "wrong_columns", f"{row.actual_columns} values where the header "
                     f"names {len(header.names)}: {shown!r}")


CSV = Format("csv", "CSV with a header and a column map", open_csv)
