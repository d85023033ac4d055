"""Reports in the data folder: written whole, listed, and only so many kept."""

import datetime as dt
import os
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from brain.engine import Engine
from brain.reports.document import (
    Document,
    describe_check,
    describe_latency,
    read_back,
    to_html,
    to_text,
)
from brain.reports.reading import (
    CheckReport,
    LatencyReport,
    read_check,
    read_latency,
    report_zone,
)

KINDS: dict[str, str] = {"check": "Daily check", "latency": "Latency report"}
FORMS: dict[str, str] = {"html": "text/html", "txt": "text/plain", "json": "application/json"}
_NAME = re.compile(r"(check|latency)_(\d{8}T\d{6})Z_(ok|warning|critical|unknown)\.(html|txt|json)")


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report in the folder; ``files`` has its path by form."""

    kind: str
    at_utc: dt.datetime
    verdict: str
    files: dict[str, Path]


def read_report(engine: Engine, kind: str, range_text: str = "24h") -> tuple[Any, Document]:
    """A report's data and its document. Raises InputError as its reader does."""
    if kind == "check":
        check = read_check(engine, range_text)
        return check, describe_check(check)
    latency = read_latency(engine, range_text)
    return latency, describe_latency(latency)


def render(form: str, found: Any, document: Document) -> bytes:
    """A report as html, txt or json."""
    forms: dict[str, Callable[[], bytes]] = {
        "html": lambda: to_html(document).encode(), "txt": lambda: to_text(document).encode(),
        "json": lambda: bytes(msgspec.json.format(msgspec.json.encode(found))) + b"\n"}
    return forms[form]()


def write_report(engine: Engine, kind: str) -> KeptReport:
    """The report of the last 24 hours, now in the folder; the oldest above the limit are gone."""
    found, document = read_report(engine, kind)
    folder = _folder(engine)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{kind}_{found.at_utc:%Y%m%dT%H%M%S}Z_{document.verdict}"
    for form in FORMS:
        draft = folder / f".{stem}.{form}"
        draft.write_bytes(render(form, found, document))
        os.replace(draft, folder / f"{stem}.{form}")
    kept = [each for each in list_reports(engine) if each.kind == kind]
    for old in kept[engine.settings.reports.keep:]:
        for path in old.files.values():
            path.unlink(missing_ok=True)
    return kept[0]


def list_reports(engine: Engine) -> list[KeptReport]:
    """Reports in the folder, newest first."""
    found: dict[tuple[str, str, str], dict[str, Path]] = {}
    for path in _folder(engine).glob("*"):
        if told := _NAME.fullmatch(path.name):
            found.setdefault((told[2], told[1], told[3]), {})[told[4]] = path
    return [KeptReport(kind, dt.datetime.strptime(at, "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC),
                       verdict, files)
            for (at, kind, verdict), files in sorted(found.items(), reverse=True)]


def read_kept(report: KeptReport) -> tuple[CheckReport | LatencyReport, Document]:
    """A kept report: its data, and how people read it."""
    return read_back(report.kind, msgspec.json.decode(report.files["json"].read_bytes()))


def write_due(engine: Engine) -> int:
    """How many daily reports were due and have been written.

    One is due once the time of day in the settings has passed, unless one of its kind was made
    since; a server that was not running then writes it when it starts.
    """
    reports = engine.settings.reports
    if not reports.daily:
        return 0
    here = engine.clock().astimezone(zoneinfo.ZoneInfo(report_zone(engine)))
    due = here.replace(hour=reports.daily_hour, minute=reports.daily_minute, second=0,
                       microsecond=0)
    if here < due:
        return 0
    last = {each.kind: each.at_utc for each in reversed(list_reports(engine))}
    wanted = [kind for kind in KINDS if kind not in last or last[kind] < due]
    for kind in wanted:
        write_report(engine, kind)
    return len(wanted)


def _folder(engine: Engine) -> Path:
    return engine.settings.data_dir / "reports"
