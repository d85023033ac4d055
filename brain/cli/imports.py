"""``brain import``: files of events into the stores."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show, show_error

if TYPE_CHECKING:
    from brain.imports import ImportPlan, ImportReport
    from brain.running import Owner

_FORMATS = ("azure-trace", "servegen", "csv", "jsonl", "parquet", "events-jsonl", "otlp", "litellm",
            "openai-usage", "anthropic-usage", "langfuse", "helicone")
_KINDS = ("requests", "page_views", "interactions", "exposures", "outcomes", "feedback",
          "metric_samples", "deploys", "request_steps")
_BLOCK_BYTES = 1_000_000
Progress = Callable[[str, int, int | None], object]


def import_file(arguments: Namespace) -> int:
    """Import a file; 1 if rows were rejected, 2 if the file or an option cannot be used."""
    from brain.imports import ImportRefused
    try:
        report = _import(Path(arguments.FILE), _read_plan(arguments), _Meter(sys.stderr))
    except ImportRefused as refused:
        show_error(refused.code, refused.message, refused.field, arguments.json)
        return 2
    if arguments.json:
        from brain.imports import report_to_json
        show(report_to_json(report), True)
    else:
        print("\n".join(_describe(report)))
    if report.status == "refused":
        return 2
    return 1 if report.rows_rejected else 0


def list_imports(arguments: Namespace) -> int:
    """Print past imports, oldest first."""
    from brain.cli.owner import call
    rows = call("imports")
    if not arguments.json:
        rows = [{name: row[name] for name in (
            "import_id", "started_at_utc", "file_name", "format", "status", "rows_read",
            "rows_kept", "rows_repeated", "rows_rejected")} for row in rows]
    show(rows, arguments.json)
    return 0


def undo_import(arguments: Namespace) -> int:
    """Remove what an import brought."""
    from brain.cli.owner import call
    done = call("undo_import", import_id=arguments.IMPORT_ID)
    show(done if arguments.json else f"{done['events']:,} events removed", arguments.json)
    return 0


def _read_plan(arguments: Namespace) -> "ImportPlan":
    from brain.imports import plan_from_query
    given = {name: getattr(arguments, name) for name in (
        "format", "kind", "workspace", "model", "provider", "start", "seed", "scale",
        "input_tokens", "output_tokens")}
    given["map"] = ",".join(arguments.map or ())
    if arguments.input_includes_cached or arguments.input_excludes_cached:
        given["input_includes_cached"] = str(bool(arguments.input_includes_cached)).lower()
    given["strict"] = "true" if arguments.strict else ""
    given["file_name"] = Path(arguments.FILE).name[:512]
    return plan_from_query({name: value for name, value in given.items() if value})


def _import(path: Path, plan: "ImportPlan", meter: "_Meter") -> "ImportReport":
    from brain import running
    from brain.cli.owner import open_engine
    from brain.imports import run_import
    from brain.settings import SettingsError, load
    try:
        settings = load()
    except SettingsError as error:
        raise CommandError(str(error), "unusable_setting") from error
    try:
        if owner := running.find_owner(settings):
            return _upload(owner, path, plan, meter)
        try:
            return run_import(open_engine(settings), path, plan, meter)
        finally:
            running.close()
    finally:
        meter.close()


def _upload(owner: "Owner", path: Path, plan: "ImportPlan", progress: Progress) -> "ImportReport":
    import httpx

    from brain.imports import ImportRefused, plan_to_query
    if not path.is_file():
        raise ImportRefused("no_file", f"there is no file {str(path)[:300]!r}", "file")
    headers = {"Authorization": f"Bearer {owner.token}",
               "Content-Type": "application/octet-stream"}
    try:
        with httpx.Client(trust_env=False, timeout=httpx.Timeout(None, connect=5)) as client, \
                client.stream("POST", f"{owner.url}/v1/imports", params=plan_to_query(plan),
                              headers=headers, content=_read_blocks(path)) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _refusal(answer)
            return _follow(answer.iter_lines(), progress)
    except httpx.HTTPError as error:
        raise CommandError(f"the console at {owner.url} does not answer: {error}",
                           "no_answer") from error


def _follow(lines: Iterator[str], progress: Progress) -> "ImportReport":
    import json

    from brain.imports import ImportRefused, report_from_json
    for line in lines:
        told = json.loads(line)
        if "report" in told:
            return report_from_json(told["report"])
        if fault := told.get("error"):
            raise ImportRefused(fault["code"], fault["message"], fault["field"])
        progress(told["stage"], told["rows_done"], told["rows_total"])
    raise CommandError("the console stopped before the import was through; nothing is half "
                       "imported, try again", "no_answer")


def _refusal(answer: Any) -> Exception:
    from brain.imports import ImportRefused
    try:
        fault = answer.json()["error"]
        return ImportRefused(fault["code"], fault["message"], fault.get("field", ""))
    except (ValueError, KeyError, TypeError):
        return CommandError(f"the console answered {answer.status_code}", "bad_answer")


def _read_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _describe(report: "ImportReport") -> list[str]:
    lines = [report.summary()]
    if report.first_at_utc and report.last_at_utc:
        lines.append(f"from {report.first_at_utc:%Y-%m-%d %H:%M:%S} to "
                     f"{report.last_at_utc:%Y-%m-%d %H:%M:%S} UTC")
    if report.totals:
        lines.append(", ".join(f"{tokens:,} {name.replace('_', ' ')}"
                               for name, tokens in report.totals.items()))
    lines += [f"line {each.line:,}: {each.message}" for each in report.rejected[:5]]
    if report.rejected_path:
        lines.append(f"all rejected rows: {report.rejected_path}")
    if report.ignored_columns:
        lines.append(f"ignored columns: {', '.join(report.ignored_columns[:20])}")
    lines += report.notes
    lines.append(f"import {report.import_id} ({report.format}), {report.seconds:,.1f} s")
    return lines


class _Meter:
    """Shows progress on one line of a terminal; says nothing to a file."""

    def __init__(self, out: Any) -> None:
        self._out, self._shown = (out if out.isatty() else None), False

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Show a stage and how far it is."""
        if self._out is not None:
            share = f" of {total:,}" if total else ""
            self._out.write(f"\r\x1b[K{stage}: {done:,}{share} rows")
            self._out.flush()
            self._shown = True

    def close(self) -> None:
        """Clear the line."""
        if self._shown and self._out is not None:
            self._out.write("\r\x1b[K")
            self._out.flush()


COMMANDS: tuple[Command, ...] = (
    Command("import", "", "Import a file of events: CSV, JSON lines, Parquet, known traces.", (
        Option("FILE", "The file, plain or .gz.", required=True),
        Option("--format", "What the file is; found out by its content where not given.",
               choices=_FORMATS),
        Option("--kind", "Kind of event of a CSV, JSON lines or Parquet file. Requests where not "
               "given.", choices=_KINDS),
        Option("--workspace", "Workspace of rows that name none.", metavar="ID"),
        Option("--model", "Model of rows that name none.", metavar="NAME"),
        Option("--provider", "Provider of rows that name none.", metavar="NAME"),
        Option("--map", "Which column is which field, such as input_tokens=prompt_tokens or "
               "latency_ms=seconds*1000; pairs by commas, or several times.", many=True,
               metavar="FIELD=COLUMN"),
        Option("--input-includes-cached", "The file's input tokens are totals with the cached "
               "tokens inside.", flag=True),
        Option("--input-excludes-cached", "The file's input tokens are without the cached ones.",
               flag=True),
        Option("--strict", "Import nothing if any row is rejected.", flag=True),
        Option("--start", "ServeGen: the moment of second 0, ISO 8601 with zone.", metavar="TIME"),
        Option("--seed", "ServeGen: seed of the arrivals.", metavar="N"),
        Option("--scale", "ServeGen: share of each client's rate, above 0 to 1; the largest power "
               "of ten that keeps to ten million requests where not given.", metavar="X"),
        Option("--input-tokens", "ServeGen: input tokens of each request.", metavar="N"),
        Option("--output-tokens", "ServeGen: output tokens of each request.", metavar="N"),
    ), run=import_file),
    Command("import", "list", "List past imports.", run=list_imports),
    Command("import", "undo", "Remove the events that an import brought.", (
        Option("IMPORT_ID", "The import's id.", required=True),), run=undo_import),
)
