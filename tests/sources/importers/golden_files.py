"""The golden files, and what a test asks of every one of them."""

from pathlib import Path

from brain.imports import undo_import
from tests.sources.importers.conftest import rows

FOLDER = Path(__file__).parent / "golden"
CLASSES = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
           "reasoning_tokens")


def classes(row: dict) -> tuple[int, ...]:
    """Uncached input, cache reads, cache writes, output, reasoning."""
    return tuple(row[name] for name in CLASSES)


def check_file(bring, engine, name: str, format_name: str, counts: tuple[int, int, int],
               totals: tuple[int, ...]) -> object:
    """Found by content, counted to the token, changes nothing again, is gone when undone."""
    content = (FOLDER / name).read_bytes()
    report = bring(content, name)
    assert report.format == format_name
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == counts
    assert tuple(report.totals[each] for each in CLASSES) == totals
    there = rows(engine)
    assert tuple(sum(row[each] for row in there) for each in CLASSES) == totals
    again = bring(content, f"again-{name}")
    assert (again.rows_kept, again.rows_repeated) == (0, counts[1])
    assert engine.store.kinds()["requests"] == counts[1]
    assert undo_import(engine, report.import_id) == counts[1]
    assert engine.store.kinds()["requests"] == 0
    return bring(content, name)
