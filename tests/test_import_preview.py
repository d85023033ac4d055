"""A look into a file says what an import would read, and keeps nothing."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brain import settings
from brain.engine import Engine
from brain.import_preview import HEAD_BYTES, preview_import
from brain.imports import ImportPlan
from tests.sources.importers.golden_files import FOLDER

LINES = b'{"created": 1772600000, "usage": {"prompt_tokens": 12, "completion_tokens": 3}}\n' * 40


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(settings.load({}, data_dir=tmp_path / "data"),
                         clock=lambda: dt.datetime(2026, 3, 5, tzinfo=dt.UTC))
    yield opened
    opened.close()


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


def test_json_lines_show_paths_and_first_rows(engine: Engine, tmp_path: Path) -> None:
    found = preview_import(engine, written(tmp_path, LINES), ImportPlan())
    assert found.format == "jsonl" and found.refused is None
    assert set(found.columns) >= {"created", "usage.prompt_tokens"}
    assert found.sources is not None and found.sources["input_tokens"] == "usage.prompt_tokens"
    assert found.rows is not None and len(found.rows) == 20
    assert list(found.rows["input_tokens"].unique()) == [12]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_big_file_is_looked_at_up_to_a_whole_line(pack: object, engine: Engine,
                                                  tmp_path: Path) -> None:
    lines = LINES * (HEAD_BYTES // len(LINES) + 2)
    found = preview_import(engine, written(tmp_path, pack(lines)), ImportPlan())  # type: ignore[operator]
    assert found.refused is None and not found.rejected


def test_parquet_and_plan(engine: Engine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"when": [dt.datetime(2026, 3, 1)], "ins": [7]}), tmp_path / "file")
    found = preview_import(engine, tmp_path / "file", ImportPlan())
    assert found.columns == ("when", "ins") and found.refused is not None
    plan = ImportPlan(column_map={"at_utc": "when", "input_tokens": "ins"})
    mapped = preview_import(engine, tmp_path / "file", plan)
    assert mapped.refused is None and mapped.rows is not None
    assert list(mapped.rows["input_tokens"]) == [7]


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b broken", b"PAR1 broken", b"PK\x03\x04", b"[]",
                                     b"\xff\xfea", b"a,b\n1,2\n", b"\x00\x01", b"{}\n"])
def test_what_cannot_be_read_is_refused_in_words(content: bytes, engine: Engine,
                                                 tmp_path: Path) -> None:
    found = preview_import(engine, written(tmp_path, content), ImportPlan())
    assert found.refused is not None or found.rejected
    assert not list((engine.settings.data_dir / "imports").iterdir())


def test_rows_that_would_be_rejected_are_told(engine: Engine, tmp_path: Path) -> None:
    content = b"at_utc,input_tokens\n2026-03-01T00:00:00Z,5\n2026-03-01T00:00:00Z,-5\n"
    found = preview_import(engine, written(tmp_path, content), ImportPlan())
    assert [row.line for row in found.rejected] == [3]
    assert found.rows is not None and len(found.rows) == 1


@pytest.mark.parametrize(("name", "format_name"), [
    ("litellm.json", "litellm"), ("litellm.csv", "litellm"), ("openai_usage.json", "openai-usage"),
    ("anthropic_usage.json", "anthropic-usage"), ("anthropic_usage.csv", "anthropic-usage"),
    ("langfuse.json", "langfuse"), ("helicone.jsonl", "helicone"), ("otlp_genai.json", "otlp")])
def test_exports_of_other_tools_show_their_first_rows(engine: Engine, name: str,
                                                        format_name: str) -> None:
    preview = preview_import(engine, FOLDER / name, ImportPlan())
    assert (preview.format, preview.refused) == (format_name, None)
    assert preview.rows is not None and len(preview.rows)
    assert bool(preview.columns) == name.endswith(".csv")


def test_array_longer_than_what_is_looked_at_is_not_cut_in_a_record(engine: Engine,
                                                                   tmp_path: Path) -> None:
    one = json.loads((FOLDER / "litellm.json").read_text())[0]
    path = tmp_path / "many.json"
    path.write_text(json.dumps([{**one, "request_id": f"r{n}"} for n in range(2_000)], indent=1))
    assert path.stat().st_size > 1_000_000
    preview = preview_import(engine, path, ImportPlan())
    assert (preview.format, preview.refused) == ("litellm", None)
