"""JSON lines: one object per line, fields by key or by dotted path."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from brain.events import Rejection
from brain.sources.importers.mapping import Chosen, choose_columns
from brain.sources.importers.opening import BLOCK_BYTES, Ready
from brain.sources.importers.plan import ImportRefused
from brain.sources.importers.reading import Block, Format, Opened, Reading, judge_blocks
from brain.sources.importers.texts import TextReader

_SAMPLE_LINES = 2_000
_DEPTH = 4
_BOM = b"\xef\xbb\xbf"


def iterate_lines(ready: Ready) -> Iterator[tuple[np.ndarray, list[bytes]]]:
    """Line numbers and lines that are not blank, some megabytes at a time.

    Raises ImportRefused for a line longer than a block.
    """
    number, rest = 1, b""
    with ready.path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            if number == 1 and not rest:
                block = block.removeprefix(_BOM)
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > BLOCK_BYTES:
                raise ImportRefused("line_too_long", f"line {number + len(lines):,} is longer than "
                                    f"{BLOCK_BYTES:,} bytes", "file")
            if lines:
                yield _pick(number, lines)
            number += len(lines)
    if rest.strip():
        yield _pick(number, [rest])


def _pick(number: int, lines: list[bytes]) -> tuple[np.ndarray, list[bytes]]:
    full = [place for place, line in enumerate(lines) if line.strip()]
    return np.array(full, dtype=np.int64) + number, [lines[place] for place in full]


def sample_objects(head: bytes) -> Iterator[dict[str, Any]]:
    """The objects among the first lines."""
    for line in head.split(b"\n")[:_SAMPLE_LINES]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def find_paths(head: bytes) -> dict[str, str]:
    """Dotted names of the values in the first objects, each with its JSON path."""
    found: dict[str, str] = {}
    for value in sample_objects(head):
        _collect(value, "", "$", found, _DEPTH)
    return found


def _collect(value: Mapping[str, Any], name: str, path: str, found: dict[str, str],
             depth: int) -> None:
    for key, inner in value.items():
        if not key or any(letter in '"\\' or not letter.isprintable() for letter in key):
            continue
        full, at = (f"{name}.{key}" if name else key), f'{path}."{key}"'
        if isinstance(inner, dict) and depth > 1:
            _collect(inner, full, at, found, depth - 1)
        elif not isinstance(inner, list):
            found.setdefault(full, at)


def open_jsonl(reading: Reading) -> Opened:
    """A file of JSON lines with a column map."""
    paths = find_paths(reading.ready.head)
    if not paths:
        raise ImportRefused("not_json_lines", "the first lines hold no JSON object; each line "
                            'should be one, such as {"at_utc": "2026-01-31T12:00:00Z"}', "file")
    plan = reading.plan
    chosen = choose_columns(plan.kind, list(paths), plan.column_map, plan.input_includes_cached)
    return judge_blocks(reading, chosen, _blocks(reading.ready, reading.reader, chosen, paths),
                        reading.ready.lines)


def _blocks(ready: Ready, reader: TextReader, chosen: Chosen,
            paths: Mapping[str, str]) -> Iterator[Block]:
    wanted = [paths[column] for column in chosen.sources.values()]
    for numbers, lines in iterate_lines(ready):
        if not lines:
            continue
        texts = pa.array(lines, pa.string())
        is_object, columns = reader.objects(texts, wanted)
        table = pa.table(dict(zip(chosen.sources, columns, strict=True)))
        rejected = tuple(
            Rejection(int(numbers[place]), "not_json",
                      f"not a JSON object: {lines[place][:80].decode(errors='replace')!r}")
            for place in np.flatnonzero(~is_object).tolist())
        if rejected:
            table, numbers = table.filter(pa.array(is_object)), numbers[is_object]
        yield Block(table, numbers, rejected)


JSONL = Format("jsonl", "JSON lines with a column map", open_jsonl)
