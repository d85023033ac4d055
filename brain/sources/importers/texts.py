"""Text read as numbers, times and JSON, whole columns at a time, in a private DuckDB."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from brain.sources import queries


class TextReader:
    """A DuckDB of one import's own, in memory; it reads and spills in ``folder`` alone."""

    def __init__(self, folder: Path, memory_bytes: int = 1_000_000_000) -> None:
        self.folder = folder
        self.connection = self._connection = duckdb.connect(":memory:", config={
            "memory_limit": f"{memory_bytes}B", "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": "true"})
        for statement in queries.statements("imports/prepare", "duckdb"):
            self._connection.execute(statement)
        self.run("allow_folder", folder=str(folder))
        self.run("close_files")

    def run(self, name: str, incoming: pa.Table | None = None,
            names: dict[str, str] | None = None, **params: Any) -> pa.Table:
        """Rows of ``sql/imports/<name>.sql`` over ``incoming``, in the order of its rows."""
        query = queries.load_query(f"imports/{name}")
        query.check(params)
        text = query.named(**(names or {}))
        if incoming is not None:
            self._connection.register("incoming", incoming)
        try:
            done = self._connection.execute(text, params).to_arrow_reader()
            rows: pa.Table = done.read_all()  # type: ignore[union-attr]
            return rows
        finally:
            if incoming is not None:
                self._connection.unregister("incoming")

    def register(self, name: str, table: pa.Table) -> None:
        """Let queries read ``table`` under a name."""
        self._connection.register(name, table)

    def numbers(self, column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (NaN where there is none) and faults: '', empty, not_a_number, not_finite."""
        found = self.run("read_numbers", pa.table({"value": as_text(column)}))
        numbers = found["number"].cast(pa.float64()).to_numpy()
        return numbers, _strings(found["fault"])

    def moments(self, column: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Microseconds since 1970 UTC and the unit each was written in, '' where it is no time."""
        found = self.run("read_moments", pa.table({"value": as_text(column)}))
        return _single(found["at_us"]).cast(pa.int64()), _strings(found["unit"])

    def objects(self, lines: pa.Array, paths: list[str]) -> tuple[np.ndarray, list[pa.Array]]:
        """Whether each line is a JSON object, and the text found at each path."""
        found = self.run("read_json", pa.table({"line_text": lines}), paths=paths)
        is_object = pc.fill_null(found["is_object"], False).to_numpy()
        texts = _single(found["found"])
        flat = [pc.list_element(pc.if_else(pa.array(is_object), texts, pa.scalar(
            [None] * len(paths), pa.list_(pa.string()))), place) for place in range(len(paths))]
        return is_object, flat

    def close(self) -> None:
        """Give memory and spill files free."""
        self._connection.close()


def as_text(column: pa.Array) -> pa.Array:
    """A column as text; a float's text is its shortest exact form."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_dictionary(column.type):
        return as_text(column.dictionary_decode())
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    return column.cast(pa.string())


def _single(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def _strings(column: pa.ChunkedArray) -> np.ndarray:
    codes = _single(column).dictionary_encode()  # few distinct values
    known = np.array(codes.dictionary.to_pylist() or [""], dtype=object)
    return known[codes.indices.to_numpy(zero_copy_only=False)]
