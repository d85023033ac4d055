"""What a file would bring in: format, columns and first rows, without importing anything."""

import datetime as dt
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brain.imports import EngineLike
from brain.sources.frames import to_frame
from brain.sources.importers.csv_file import read_header
from brain.sources.importers.documents import has_object_lines
from brain.sources.importers.formats import FORMATS, detect
from brain.sources.importers.jsonl_file import find_paths
from brain.sources.importers.judging import rules
from brain.sources.importers.mapping import choose_columns
from brain.sources.importers.opening import Ready, make_ready
from brain.sources.importers.parquet_file import column_names, open_file
from brain.sources.importers.plan import (
    ImportPlan,
    ImportRefused,
    RejectedRow,
    check_plan,
    to_row,
)
from brain.sources.importers.reading import Reading
from brain.sources.importers.texts import TextReader

HEAD_BYTES = 1_000_000
SHOWN_ROWS = 20
FORMAT_SENTENCES: Mapping[str, str] = {each.name: each.sentence for each in FORMATS}
_MAPPED = {"csv", "jsonl", "parquet"}
_FIXED_JSON = {"events-jsonl", "otlp"}


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file as it would be read.

    ``columns`` are the file's, ``fields`` those of the event, ``sources`` which column each
    field would be taken from. ``refused`` says why nothing can be read, ``rows`` is empty then.
    """

    format: str = ""
    columns: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    sources: Mapping[str, str] | None = None
    ignored: tuple[str, ...] = ()
    rows: pd.DataFrame | None = None
    rejected: tuple[RejectedRow, ...] = ()
    notes: tuple[str, ...] = ()
    refused: ImportRefused | None = None


def preview_import(engine: EngineLike, path: Path, plan: ImportPlan) -> Preview:
    """The beginning of a file, read by the plan; of text only the first megabyte is looked at."""
    home = engine.settings.data_dir / "imports"
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="preview-", dir=home))
    reader = TextReader(folder)
    try:
        check_plan(plan)
        ready = make_ready(_head(path, folder), folder, engine.settings.ingest.max_file_bytes)
        tolerance = dt.timedelta(seconds=engine.settings.ingest.future_tolerance_s)
        return _look(Reading(ready, plan, reader, engine.clock() + tolerance))
    except ImportRefused as refused:
        return Preview(refused=refused)
    finally:
        reader.close()
        shutil.rmtree(folder, ignore_errors=True)


def _look(reading: Reading) -> Preview:
    plan, ready = reading.plan, reading.ready
    name = plan.format or detect(ready, plan).name
    columns = _columns(ready, name)
    fields = tuple(rules(plan.kind)) if name in _MAPPED else ()
    sources: Mapping[str, str] | None = None
    try:
        if name in _MAPPED:
            sources = choose_columns(plan.kind, columns, plan.column_map,
                                     plan.input_includes_cached).sources
        opened = next(each for each in FORMATS if each.name == name).open(reading)
        judged = next(opened.judged, None)
    except ImportRefused as refused:
        return Preview(name, columns, fields, sources, refused=refused)
    if judged is None:
        return Preview(name, columns, fields, sources, notes=tuple(opened.notes),
                       refused=ImportRefused("empty_file", "the file has no rows", "file"))
    table = judged.table.slice(0, SHOWN_ROWS)
    return Preview(name, columns, fields, sources, opened.ignored,
                   to_frame(table.drop_columns(["line"])),
                   tuple(to_row(each) for each in judged.rejected[:SHOWN_ROWS]),
                   tuple(opened.notes))


def _columns(ready: Ready, name: str) -> tuple[str, ...]:
    if ready.is_parquet:
        return tuple(column_names(open_file(ready))[0])
    if name == "jsonl":
        return tuple(find_paths(ready.head))
    if name in {"csv", "azure-trace"} or (name not in _FIXED_JSON and _is_table(ready)):
        return read_header(ready.head).names
    return ()


def _is_document(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"{", b"[") and not has_object_lines(head)


def _is_table(ready: Ready) -> bool:
    return not ready.is_protobuf and ready.head.lstrip()[:1] not in (b"{", b"[")


def _head(path: Path, folder: Path) -> Path:
    """A file with the whole lines of the first megabyte; the file itself if it is short."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        packed = start.startswith(b"\x1f\x8b")
        if start == b"PAR1" or start[:2] in {b"\xff\xfe", b"\xfe\xff"} or (
                path.stat().st_size <= HEAD_BYTES and not packed):
            return path
        with (gzip.open(path) if packed else path.open("rb")) as file:
            head = file.read(HEAD_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return path  # making it ready says what is wrong
    if len(head) <= HEAD_BYTES:
        whole = head
    elif head.startswith((b"PAR1", b"\x00", b"\x0a")) or _is_document(head):
        return path  # which has no end that could be cut off
    else:
        whole = head[:head.rfind(b"\n") + 1] or head
    target = folder / "head"
    target.write_bytes(whole)
    return target
