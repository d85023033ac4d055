"""A report as people read it: one document, as text for a terminal and as a page of HTML."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from brain.decisions.check import UPTIME, CheckLine, LatencyRow
from brain.reports.reading import CheckReport, LatencyReport

WORDS = {"ok": "well", "warning": "WARNING", "critical": "CRITICAL", "unknown": "unknown"}
CHARSET = "; charset=utf-8"
SIGNS = {"ok": "✓", "warning": "▲", "critical": "✖", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a title; ``verdicts`` has one for each row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report: title, span in words, verdict, sentences and tables."""

    title: str
    about: str
    verdict: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def describe_check(report: CheckReport) -> Document:
    """The daily check as a document."""
    lines = report.check.lines
    return Document("Daily check", _about(report), report.check.verdict,
                    tuple(reason.text for reason in report.check.reasons),
                    (Table("Checklist", ("Verdict", "What", "Value", "Target", "Note"),
                           tuple((_verdict(line.verdict), f"{line.group}: {line.label}",
                                  _value(line), line.target, line.note) for line in lines),
                           tuple(line.verdict for line in lines)),))


def describe_latency(report: LatencyReport) -> Document:
    """The latency report as a document."""
    limit = f"{report.warning_ms:,.0f} ms"
    told = (f"p95 passes {limit}: {', '.join(report.slow)}.",) if report.slow else (
        f"No endpoint or agent has a p95 above {limit}.",)
    if report.total.requests == 0:
        told = ("No requests in this range, so nothing can be said.",)
    total = report.total
    verdict = "warning" if report.slow else "ok" if total.timed_requests else "unknown"
    return Document("Latency report", _about(report), verdict, (
        *told, "Times are from request to complete answer, within 1 %."), (
        _latency_table("All requests", "All", (total,)),
        _latency_table("By endpoint", "Endpoint", report.endpoints),
        _latency_table("By agent", "Agent", report.agents)))


def read_back(kind: str, answer: Any) -> tuple[CheckReport | LatencyReport, Document]:
    """A report and its document from the JSON values that the verb ``report`` answers."""
    import msgspec
    if kind == "check":
        check = msgspec.convert(answer, CheckReport)
        return check, describe_check(check)
    latency = msgspec.convert(answer, LatencyReport)
    return latency, describe_latency(latency)


def to_text(document: Document) -> str:
    """The document for a terminal."""
    parts = [f"{document.title}: {WORDS[document.verdict]}", document.about, "",
             *document.sentences]
    for table in document.tables:
        parts += ["", table.title, *_align((table.heads, *table.rows))]
    return "\n".join("".join(letter if letter.isprintable() else " " for letter in line)
                     for line in parts) + "\n"


def to_html(document: Document) -> str:
    """The document as one page that needs nothing else, for screen (light and dark) and paper."""
    return str(_template().render(document=document, words=WORDS, signs=SIGNS))


@cache
def _template() -> Any:
    import jinja2
    text = Path(__file__).with_name("page.html.j2").read_text()
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True).from_string(text)


def _about(report: CheckReport | LatencyReport) -> str:
    start, end, at = (_moment(each, report.zone) for each in (
        report.start_utc, report.end_utc, report.at_utc))
    return f"{start} to {end} {report.zone}, made {at}"


def _moment(at: dt.datetime, zone: str) -> str:
    return f"{at.astimezone(zoneinfo.ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def _latency_table(title: str, head: str, rows: Sequence[LatencyRow]) -> Table:
    return Table(title, ("Verdict", head, "Requests", "Errors", "p50", "p95", "p99", "Note"),
                 tuple((_verdict(row.verdict),
                        "all" if head == "All" else row.name or "(none named)",
                        f"{row.requests:,}", f"{row.errors:,}", _ms(row.p50_ms), _ms(row.p95_ms),
                        _ms(row.p99_ms), row.note) for row in rows),
                 tuple(row.verdict for row in rows))


def _verdict(verdict: str) -> str:
    return f"{SIGNS[verdict]} {WORDS[verdict]}"


def _value(line: CheckLine) -> str:
    if line.value is None:
        return "unknown"
    if line.metric == UPTIME:
        minutes = int(line.value // 60)
        return f"{minutes // 1_440} d {minutes % 1_440 // 60} h {minutes % 60} m"
    if line.unit == "ms":
        return _ms(line.value)
    return f"{line.value:,.4g} {line.unit}" if line.value < 1_000 else \
        f"{line.value:,.0f} {line.unit}"


def _ms(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.1f} ms" if value < 10 else f"{value:,.0f} ms"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]
