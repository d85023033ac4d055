"""Files that spreadsheets open without running anything."""

import csv
import io
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import exports


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_would_run_gets_an_apostrophe(start: str) -> None:
    assert exports.neutralize(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("cell", ["plain", "", "a=b", -1, -1.5, Decimal("-2"), None])
def test_everything_else_stays(cell: object) -> None:
    assert exports.neutralize(cell) is cell


def test_values_are_exact() -> None:
    frame = pd.DataFrame({
        "name": ["=1+1", 'a "b", c'], "cost_usd": [Decimal("17.313932500000"), Decimal("-2")],
        "at_utc": pd.to_datetime(["2026-03-01T10:00Z", None]), "share": [0.5, None]})
    assert exports.to_csv(frame, ("Name", "Cost (USD)", "Time", "@Share")).decode() == (
        "Name,Cost (USD),Time,'@Share\r\n"
        "'=1+1,17.3139325,2026-03-01T10:00:00+00:00,0.5\r\n"
        '"a ""b"", c",-2,,\r\n')


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
                min_size=1, max_size=5))
def test_no_cell_starts_a_formula(cells: list[str]) -> None:
    body = exports.to_csv(pd.DataFrame({"cell": cells})).decode()
    rows = list(csv.reader(io.StringIO(body, newline="")))
    assert len(rows) >= 1
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
