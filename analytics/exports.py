"""Tables as files that spreadsheets open without running anything."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutralize(cell: Any) -> Any:
    """The cell; a text that a spreadsheet would run as a formula gets a leading apostrophe.

    Numbers stay numbers. Source: OWASP, "CSV Injection".
    """
    if isinstance(cell, str) and cell.startswith(_STARTS):
        return f"'{cell}"
    return cell


def to_csv(frame: pd.DataFrame, labels: Sequence[str] = ()) -> bytes:
    """The frame as UTF-8 CSV with one header row, times in ISO 8601, money exact.

    ``labels`` are the column titles, the frame's names where empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutralize(str(each)) for each in labels or frame.columns])
    for row in frame.itertuples(index=False, name=None):
        writer.writerow([_plain(cell) for cell in row])
    return out.getvalue().encode()


def _plain(cell: Any) -> Any:
    if isinstance(cell, Decimal):
        text = f"{cell:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return ""
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat()
    return neutralize(cell)
