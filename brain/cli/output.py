"""How a command shows its answer: JSON for machines, an aligned table for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def show(answer: Any, as_json: bool) -> None:
    """Print an answer; rows are a list of mappings with the same keys.

    As JSON, money and times become text (Decimal digits, ISO 8601).
    """
    if as_json:
        print(json.dumps(answer, default=str, ensure_ascii=False, allow_nan=False))
    elif isinstance(answer, Mapping):
        _print_table([{"": key, " ": value} for key, value in answer.items()], heads=False)
    elif isinstance(answer, Sequence) and not isinstance(answer, str):
        _print_table(answer, heads=True)
    else:
        print(answer)


def show_error(code: str, message: str, field: str, as_json: bool) -> None:
    """Print why a command failed: on standard error, or as one JSON object on output."""
    if as_json:
        print(json.dumps({"error": {"code": code, "message": message, "field": field}}))
    else:
        print(f"brain: {message}", file=sys.stderr)


def _print_table(rows: Sequence[Mapping[str, Any]], heads: bool) -> None:
    if not rows:
        print("Nothing to show.")
        return
    lines = [[_plain(value) for value in row.values()] for row in rows]
    if heads:
        lines.insert(0, [str(key) for key in rows[0]])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
              .rstrip())


def _plain(value: Any) -> str:
    text = "" if value is None else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)
