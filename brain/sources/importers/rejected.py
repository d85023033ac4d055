"""The file of rejected rows that a user downloads."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from brain.events import Rejection

_NOT_KEPT = "(not kept)"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RejectedFile:
    """A CSV of rows that were not taken, as they came but for query texts; made with the first."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._file: Any = None

    def add(self, rejected: Sequence[Rejection],
            original: Callable[[int], Mapping[str, Any]] | None = None) -> None:
        """Write some rejections; ``original`` gives a line's values by field."""
        if not rejected:
            return
        if self._file is None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            csv.writer(self._file).writerow(["line", "code", "field", "message", "row"])
        writer = csv.writer(self._file)
        for each in rejected:
            row = dict(original(each.line)) if original else {}
            if row.get("query_text"):  # no workspace answers for a row that was not taken
                row["query_text"] = _NOT_KEPT
            writer.writerow([each.line, *map(neutralize, (
                each.code, each.field, each.message,
                json.dumps(row, default=str, ensure_ascii=False) if row else ""))])
        self.rows += len(rejected)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


def neutralize(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    text = text.replace("\x00", "\\0")
    return f"'{text}" if text.startswith(_FORMULA) else text
