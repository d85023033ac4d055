"""An import from file to event store: judged whole, then kept in one transaction or not at all."""

import datetime as dt
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from brain.ingestion import Guard
from brain.settings import Settings
from brain.sources.duckdb_store import Appended, DuckEventStore, Span
from brain.sources.importers.formats import open_file_as
from brain.sources.importers.opening import make_ready
from brain.sources.importers.plan import (
    ImportPlan,
    ImportRefused,
    ImportReport,
    RejectedRow,
    check_plan,
    parse_map,
    plan_from_query,
    plan_to_query,
    report_from_json,
    report_to_json,
    to_row,
)
from brain.sources.importers.reading import Format, Opened, Reading
from brain.sources.importers.rejected import RejectedFile
from brain.sources.importers.staging import Part, Stage
from brain.sources.importers.texts import TextReader
from brain.sources.importers.whole_file import Lying, WholeFile
from brain.sources.spool import Spool
from brain.sources.state import StateStore

__all__ = ["ImportPlan", "ImportRefused", "ImportReport", "RejectedRow", "find_rejected",
           "parse_map", "plan_from_query", "plan_to_query", "recover_imports",
           "report_from_json", "report_to_json", "run_import", "undo_import"]

Progress = Callable[[str, int, int | None], object]
_SHOWN = 20
_USE = ["provider", "model", "price_context"]
_OPTIONS_LENGTH = 20_000


class WayIn(Protocol):
    """What remembers provider and model names, and knows which texts may be kept."""

    guard: Guard

    def note_seen(self, rows: Any) -> None:
        """Remember rows of provider, model and price context."""


class EngineLike(Protocol):
    """What an import needs of the engine."""

    settings: Settings
    store: DuckEventStore
    spool: Spool
    state: StateStore
    clock: Callable[[], dt.datetime]

    @property
    def ingestion(self) -> WayIn:
        """The engine's way in."""

    def roll_up(self) -> int:
        """Bring the rollups up to date."""

    def audit(self, action: str, subject: str, before: Any, after: Any, person: str = "") -> None:
        """Write an entry into the record."""


@dataclass(slots=True)
class _Work:
    engine: EngineLike
    plan: ImportPlan
    report: ImportReport
    folder: Path
    progress: Progress
    latest: dt.datetime


def run_import(engine: EngineLike, path: Path, plan: ImportPlan,
               progress: Progress = lambda *_: None) -> ImportReport:
    """What importing the file did; progress is told the stage, rows done and rows in all or None.

    Stages are 'read', 'keep' and 'roll up'. Raises ImportRefused, having changed nothing, for a
    file or plan that cannot be used.
    """
    check_plan(plan)
    began, now = time.monotonic(), engine.clock()
    import_id = uuid.uuid4().hex[:16]
    folder = _home(engine.settings) / import_id
    folder.mkdir(parents=True)
    name = Path(plan.file_name or path.name).name[:512]
    report = ImportReport(import_id=import_id, format=plan.format, file_name=name)
    tolerance = dt.timedelta(seconds=engine.settings.ingest.future_tolerance_s)
    work = _Work(engine, plan, report, folder, progress, now + tolerance)
    reader = TextReader(folder)
    try:
        progress("read", 0, None)
        _judge_and_keep(work, reader, path, now)
        if report.rows_kept:
            progress("roll up", 0, None)
            engine.roll_up()
        report.seconds = round(time.monotonic() - began, 3)
        if report.status == "done":
            engine.audit("import", import_id, None, {"file": name, "rows": report.rows_kept})
        return report
    finally:
        reader.close()
        shutil.rmtree(folder, ignore_errors=True)


def undo_import(engine: EngineLike, import_id: str) -> int:
    """How many events of an import were removed. Raises LookupError for an unknown import."""
    found = engine.state.rows("imports", engine.state.tables["imports"].c.import_id == import_id)
    if not found:
        raise LookupError(f"there is no import {import_id[:64]!r}")
    removed = engine.store.delete_source(f"import:{import_id}")
    engine.roll_up()
    engine.state.update("imports", "import_id", import_id, status="undone",
                        message=f"undone: {removed:,} events removed",
                        finished_at_utc=engine.clock())
    engine.audit("import undone", import_id, {"file": found[0]["file_name"]},
                 {"removed": removed})
    return removed


def recover_imports(engine: EngineLike) -> int:
    """How many imports that a stop of the program cut off were settled; call this at start.

    One whose rows had been kept becomes 'done', any other 'interrupted'.
    """
    home, table = _home(engine.settings), engine.state.tables["imports"]
    cut_off = engine.state.rows("imports", table.c.status == "running")
    for row in cut_off:
        kept = _count_kept(engine, row["import_id"])
        changes = {"status": "done", "rows_kept": kept,
                   "message": "kept; the program was stopped before it could say so"} if kept \
            else {"status": "interrupted",
                  "message": "the program was stopped: nothing was kept, import the file again"}
        engine.state.update("imports", "import_id", row["import_id"],
                            finished_at_utc=engine.clock(), **changes)
    for left in home.iterdir() if home.is_dir() else ():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
    return len(cut_off)


def find_rejected(engine: EngineLike, import_id: str) -> Path | None:
    """The file of an import's rejected rows, or None where it has none."""
    table = engine.state.tables["imports"]
    if not engine.state.rows("imports", table.c.import_id == import_id):
        return None
    path = _rejected_path(engine.settings, import_id)
    return path if path.is_file() else None


def _judge_and_keep(work: _Work, reader: TextReader, path: Path, now: dt.datetime) -> None:
    report, state = work.report, work.engine.state
    ready = make_ready(path, work.folder, work.engine.settings.ingest.max_file_bytes)
    report.file_sha256, report.notes = ready.sha256, list(ready.notes)
    this, opened = open_file_as(Reading(ready, work.plan, reader, work.latest))
    report.format, report.ignored_columns = this.name, list(opened.ignored)
    _note_earlier(state, report)
    state.insert("imports", {
        "import_id": report.import_id, "file_name": report.file_name,
        "file_sha256": ready.sha256, "format": this.name,
        "options_json": msgspec.json.encode(work.plan).decode()[:_OPTIONS_LENGTH],
        "status": "running", "started_at_utc": now})
    try:
        _judge_rows(work, reader, this, opened)
        _finish(work, report.status)
    except BaseException as error:
        report.status = "failed" if isinstance(error, Exception) else "interrupted"
        kept = _count_kept(work.engine, report.import_id)
        _finish(work, "done" if kept else report.status,
                str(error) if kept else f"nothing was kept: {error}")
        raise


def _judge_rows(work: _Work, reader: TextReader, this: Format, opened: Opened) -> None:
    report, plan = work.report, work.plan
    workspace = plan.workspace or opened.default_workspace
    stage = Stage(work.folder, reader, f"{this.name}|{workspace}|")
    path = _rejected_path(work.engine.settings, report.import_id)
    rejected = RejectedFile(path)
    report.rows_read = opened.whole.rows if opened.whole else 0
    try:
        for judged in opened.judged:
            report.rows_read += judged.read
            rejected.add(judged.rejected, judged.raw)
            report.rejected += [to_row(each) for each in judged.rejected
                                [:_SHOWN - len(report.rejected)]]
            stage.add(judged.kind, _protect(work, judged.kind, judged.table, workspace))
            work.progress("read", report.rows_read, opened.rows_total)
    except BaseException:
        rejected.close()
        path.unlink(missing_ok=True)
        raise
    rejected.close()
    stage.close()
    report.notes += opened.notes
    report.rows_rejected = rejected.rows
    report.rejected_path = str(path) if rejected.rows else ""
    if report.rows_read == 0:
        raise ImportRefused("empty_file", "the file has a header but no rows", "file")
    _sum_up(report, [*stage.parts.items(),
                     *([(opened.whole.kind, opened.whole)] if opened.whole else [])])
    if plan.strict and report.rows_rejected:
        report.status = "refused"
        report.notes.append("nothing was imported: a strict import takes no file with rejected "
                            "rows")
    elif stage.parts or opened.whole:
        done = _keep(work, stage, workspace, opened.whole)
        sound = sum(report.kinds.values())
        report.rows_kept, report.rows_repeated = done.kept, sound - done.kept


def _protect(work: _Work, kind: str, table: pa.Table, workspace: str) -> pa.Table:
    """Judged rows as they may be kept aside on disk; the guard asks for these columns."""
    if kind != "requests" or "query_text" not in table.column_names:
        return table
    for name in ("workspace_id", "query_hash", "query_topic"):
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat("", table.num_rows))
    place = table.column_names.index("workspace_id")
    named = pc.if_else(pc.equal(table["workspace_id"], ""), workspace, table["workspace_id"])
    table = table.set_column(place, "workspace_id", named)
    return work.engine.ingestion.guard.protect(kind, table)


def _sum_up(report: ImportReport, parts: Sequence[tuple[str, Part | WholeFile]]) -> None:
    for kind, part in parts:
        report.kinds[kind] = report.kinds.get(kind, 0) + part.rows
        for name, tokens in part.totals.items():
            report.totals[name] = report.totals.get(name, 0) + tokens
    if parts:
        report.first_at_utc, report.last_at_utc = (
            choose(at.replace(tzinfo=dt.UTC) for _, part in parts if (at := getattr(part, name)))
            for choose, name in ((min, "first_at"), (max, "last_at")))


def _keep(work: _Work, stage: Stage, workspace: str, whole: WholeFile | None) -> Appended:
    engine, report = work.engine, work.report
    fill = {"workspace_id": workspace, "model": work.plan.model, "provider": work.plan.provider}
    source = pa.scalar(f"import:{report.import_id}")
    sound, done = sum(report.kinds.values()), 0
    workspaces: set[str] = set()
    uses: set[tuple[str, str, str]] = set()

    def tables(kind: str) -> Iterator[pa.Table]:
        nonlocal done
        for table in stage.tables(kind, fill):
            place = table.column_names.index("source")
            table = table.set_column(place, table.schema.field("source"),
                                     pa.repeat(source, table.num_rows))
            table = engine.ingestion.guard.withhold(kind, table)
            workspaces.update(table["workspace_id"].unique().to_pylist())
            if kind == "requests":
                uses.update(tuple(row.values()) for row
                            in table.group_by(_USE).aggregate([]).select(_USE).to_pylist())
            work.progress("keep", done, sound)
            done += table.num_rows
            yield table

    def parts() -> Iterator[tuple[str, Span, Iterator[pa.Table]]]:
        for kind, part in stage.parts.items():
            if part.first_at is not None and part.last_at is not None:
                yield kind, (part.first_at, part.last_at), tables(kind)

    def note_rows(rows: int) -> None:
        nonlocal done
        work.progress("keep", done, sound)
        done += rows
    lying = None if whole is None else Lying(whole, {**fill, "source": source.as_py()}, note_rows)
    appended = engine.store.append_distinct(parts(), engine.spool.reserve, lying)
    if lying is not None:
        seen = {"source": source.as_py(), "start": lying.first_at, "end": lying.last_at}
        workspaces.update(engine.store.find_workspaces(lying.kind, **seen))
        if lying.kind == "requests":
            uses.update(tuple(row.values()) for row
                        in engine.store.read("ingest/source_uses", seen).to_pylist())
    engine.ingestion.note_seen([dict(zip(_USE, use, strict=True)) for use in uses])
    _add_workspaces(engine, workspaces)
    return appended


def _add_workspaces(engine: EngineLike, wanted: set[str]) -> None:
    table, now = engine.state.tables["workspaces"], engine.clock().replace(tzinfo=None)
    with engine.state.begin() as connection:
        there = set(connection.execute(sa.select(table.c.workspace_id)).scalars())
        fresh = [{"workspace_id": each, "name": each, "created_at_utc": now}
                 for each in sorted(wanted - there)]
        if fresh:
            connection.execute(sa.insert(table), fresh)


def _note_earlier(state: StateStore, report: ImportReport) -> None:
    table = state.tables["imports"]
    for row in state.rows("imports", table.c.file_sha256 == report.file_sha256,
                          table.c.status == "done", order="started_at_utc")[-1:]:
        report.notes.append(
            f"the same file was imported on {row['started_at_utc']:%Y-%m-%d %H:%M} UTC (import "
            f"{row['import_id']}); rows that are there stay as they are: undo that import first "
            "to read the file in another way")


def _finish(work: _Work, status: str, message: str = "") -> None:
    report = work.report
    work.engine.state.update(
        "imports", "import_id", report.import_id, status=status, message=message[:4000],
        rows_read=report.rows_read, rows_kept=report.rows_kept,
        rows_repeated=report.rows_repeated, rows_rejected=report.rows_rejected,
        first_at_utc=report.first_at_utc, last_at_utc=report.last_at_utc,
        finished_at_utc=work.engine.clock())


def _count_kept(engine: EngineLike, import_id: str) -> int:
    return engine.store.count_source(f"import:{import_id}")


def _home(settings: Settings) -> Path:
    return settings.data_dir / "imports"


def _rejected_path(settings: Settings, import_id: str) -> Path:
    return _home(settings) / f"rejected-{import_id}.csv"
