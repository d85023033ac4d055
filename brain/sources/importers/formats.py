"""The formats that can be imported, and which of them a file is."""

from collections.abc import Mapping
from typing import Any

from brain.decisions.reasons import InputError
from brain.sources.importers import (
    anthropic_usage,
    azure_trace,
    events_lines,
    helicone,
    langfuse,
    litellm,
    openai_usage,
    otlp_genai,
    servegen,
)
from brain.sources.importers.anthropic_usage import ANTHROPIC_USAGE
from brain.sources.importers.azure_trace import AZURE_TRACE
from brain.sources.importers.csv_file import CSV, read_header
from brain.sources.importers.documents import iterate_objects
from brain.sources.importers.events_lines import EVENTS_JSONL
from brain.sources.importers.helicone import HELICONE
from brain.sources.importers.jsonl_file import JSONL
from brain.sources.importers.langfuse import LANGFUSE
from brain.sources.importers.litellm import LITELLM
from brain.sources.importers.openai_usage import OPENAI_USAGE
from brain.sources.importers.opening import Ready
from brain.sources.importers.otlp_genai import OTLP
from brain.sources.importers.parquet_file import PARQUET, column_names, open_file
from brain.sources.importers.plan import ImportPlan, ImportRefused
from brain.sources.importers.reading import Format, Opened, Reading
from brain.sources.importers.servegen import SERVEGEN

FORMATS: tuple[Format, ...] = (AZURE_TRACE, SERVEGEN, CSV, JSONL, PARQUET, EVENTS_JSONL, OTLP,
                               LITELLM, OPENAI_USAGE, ANTHROPIC_USAGE, LANGFUSE, HELICONE)
_VENDORS = ((OTLP, otlp_genai.knows), (LITELLM, litellm.knows),
            (OPENAI_USAGE, openai_usage.knows), (ANTHROPIC_USAGE, anthropic_usage.knows),
            (LANGFUSE, langfuse.knows), (HELICONE, helicone.knows))
_PARQUET_FORMATS = {"servegen", "parquet"}


def detect(ready: Ready, plan: ImportPlan) -> Format:
    """The format of a file by its content; with a column map, the plain form of it.

    Raises ImportRefused where it is none of them.
    """
    return {each.name: each for each in FORMATS}[_name(ready, bool(plan.column_map))]


def open_file_as(reading: Reading) -> tuple[Format, Opened]:
    """The file's format, given or detected, and the file being read."""
    wanted = reading.plan.format
    if not wanted:
        this = detect(reading.ready, reading.plan)
    else:
        this = {each.name: each for each in FORMATS}[wanted]
        if reading.ready.is_parquet != (wanted in _PARQUET_FORMATS):
            there = "Parquet" if reading.ready.is_parquet else "text"
            raise ImportRefused("wrong_format", f"the file is {there}, not {wanted}", "format")
        if reading.ready.is_protobuf and wanted != OTLP.name:
            raise ImportRefused("wrong_format", f"the file is protobuf, not {wanted}", "format")
    return this, this.open(reading)


def _name(ready: Ready, mapped: bool) -> str:
    if ready.is_parquet:
        names, _ = column_names(open_file(ready))
        return "servegen" if servegen.looks_like(names) and not mapped else "parquet"
    if ready.is_protobuf:
        return OTLP.name
    start = ready.head.lstrip()[:1]
    if start in (b"{", b"["):
        return _name_json(ready, start, mapped)
    if b"\x00" in ready.head[:1_000].split(b"\n")[0]:
        raise ImportRefused("unknown_format", "the file is neither text nor Parquet; CSV, JSON "
                            "lines and Parquet can be imported", "format")
    header = read_header(ready.head)
    if mapped:
        return "csv"
    vendor = _name_vendor(dict.fromkeys(header.names, ""))
    return vendor or ("azure-trace" if azure_trace.looks_like(header.names) else "csv")


def _name_json(ready: Ready, start: bytes, mapped: bool) -> str:
    if not mapped:
        if start == b"{" and events_lines.looks_like(ready.head):
            return "events-jsonl"
        if vendor := _name_first(ready):
            return vendor
    if start == b"[":
        raise ImportRefused("json_array", "the file is a JSON array of no known tool; write one "
                            "object per line instead (jq -c '.[]' does it)", "format")
    return "jsonl"


def _name_first(ready: Ready) -> str:
    """The vendor whose record the first object of a JSON file is, '' where it is nobody's."""
    try:
        first = next(iterate_objects(ready), None)
    except ImportRefused:
        return ""
    return "" if first is None or isinstance(first, InputError) else _name_vendor(first)


def _name_vendor(found: Mapping[str, Any]) -> str:
    return next((each.name for each, knows in _VENDORS if knows(found)), "")
