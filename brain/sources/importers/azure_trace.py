"""The Azure LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens.

Source: Azure Public Dataset, "Azure LLM Inference Traces". ContextTokens are all input tokens;
nothing says how many were read from a cache, so all count as uncached. Times are UTC with
100 ns; what is finer than a microsecond is cut.
"""

from brain.sources.importers.csv_file import read_blocks, read_header
from brain.sources.importers.mapping import Chosen
from brain.sources.importers.plan import ImportRefused
from brain.sources.importers.reading import Format, Opened, Reading, judge_blocks

COLUMNS = {"at_utc": "TIMESTAMP", "input_tokens": "ContextTokens",
           "output_tokens": "GeneratedTokens"}


def looks_like(names: tuple[str, ...]) -> bool:
    """Whether a CSV header is meant to be that of an Azure trace."""
    return bool({"ContextTokens", "GeneratedTokens"} & set(names))


def open_trace(reading: Reading) -> Opened:
    """An Azure trace."""
    header = read_header(reading.ready.head)
    if header.names != tuple(COLUMNS.values()) or header.separator != ",":
        raise ImportRefused(
            "wrong_header", f"an Azure trace begins with the line {','.join(COLUMNS.values())}, "
            f"this file with {header.separator.join(header.names)[:200]!r}", "header")
    if reading.plan.kind != "requests":
        raise ImportRefused("bad_option", "an Azure trace holds requests", "kind")
    opened = judge_blocks(
        reading, Chosen(COLUMNS, {}, (), False), read_blocks(reading.ready, header, Chosen(
            COLUMNS, {}, (), False)), max(0, reading.ready.lines - header.lines),
        required=("input_tokens", "output_tokens"))
    if not reading.plan.model:
        opened.notes.append("the trace names no model: without the model option its requests "
                            "have no price")
    return opened


AZURE_TRACE = Format("azure-trace", "Azure LLM inference trace", open_trace)
