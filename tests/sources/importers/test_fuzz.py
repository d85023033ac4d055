"""Whatever a file holds, an import refuses it or says what it did."""

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.engine import Engine
from brain.imports import ImportPlan, ImportRefused, run_import
from brain.settings import load
from tests.sources.importers.conftest import small_engine

_HEADERS = st.sampled_from([
    b"", b"TIMESTAMP,ContextTokens,GeneratedTokens\r\n", b"timestamp,model,input_tokens\n",
    b"event_id,at_utc,model,latency_ms,status,cached\n", b'{"at_utc": ', b"\xff\xfe", b"PAR1",
    b"\x1f\x8b\x08", b'{"created": 1, "usage": {"prompt_tokens": 5}}\n'])
_CELLS = st.one_of(
    st.text(max_size=12), st.integers().map(str), st.floats().map(str),
    st.datetimes().map(str), st.sampled_from(["", "nan", "-1", '"', '""', "\n", "\x00", "1e309"]))
_QUICK = settings(max_examples=80, deadline=None, database=None,
                  suppress_health_check=[HealthCheck.function_scoped_fixture,
                                         HealthCheck.too_slow])


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Engine:
    opened = small_engine(load({}, data_dir=str(tmp_path_factory.mktemp("fuzz"))))
    yield opened
    assert opened.ingestion.verify() == ()
    opened.close()


def attempt(engine: Engine, path: Path, content: bytes, **plan) -> None:
    """Import bytes: an honest report, or ImportRefused and nothing else."""
    path.write_bytes(content)
    before = sum(engine.store.kinds().values())
    try:
        report = run_import(engine, path, ImportPlan(**plan))
    except ImportRefused:
        assert sum(engine.store.kinds().values()) == before
    else:
        assert report.rows_read == (report.rows_kept + report.rows_repeated
                                    + report.rows_rejected)
        assert sum(engine.store.kinds().values()) == before + report.rows_kept


@_QUICK
@given(head=_HEADERS, body=st.binary(max_size=400))
def test_any_bytes(shared, tmp_path, head, body):
    attempt(shared, tmp_path / "f", head + body)


@_QUICK
@given(table=st.lists(st.lists(_CELLS, min_size=3, max_size=6), max_size=8),
       separator=st.sampled_from(",;\t"))
def test_any_cells(shared, tmp_path, table, separator):
    head = separator.join(["timestamp", "model", "input_tokens", "latency_ms"])
    body = "\n".join(separator.join(row) for row in table)
    attempt(shared, tmp_path / "f", f"{head}\n{body}".encode(errors="replace"))


@_QUICK
@given(body=st.lists(st.one_of(
    st.binary(max_size=60), st.sampled_from([
        b'{"at_utc": "2026-01-02T00:00:00Z", "model": "m"}', b'{"at_utc": NaN}', b"{}", b"[]",
        b'{"at_utc": 1e999}', b'{"at_utc": {"a": 1}}', b'{"at_utc": "\\ud800"}',
        b'{"at_utc": "2026-01-02T00:00:00Z", "model": "\\u0000"}', b'{"a":' * 500])), max_size=6),
    as_events=st.booleans())
def test_any_lines(shared, tmp_path, body, as_events):
    text = b'{"at_utc": "2026-01-01T00:00:00Z", "model": "m"}\n' + b"\n".join(body)
    attempt(shared, tmp_path / "f", text, format="events-jsonl" if as_events else "jsonl")


@_QUICK
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans(),
       packed=st.booleans())
def test_damaged_parquet(shared, tmp_path, place, flip, cut, packed):
    sink = io.BytesIO()
    pq.write_table(pa.table({"timestamp": [1767323045, 1767323046], "model": ["a", "b"],
                             "input_tokens": [1, 2], "latency_ms": [0.5, None]}), sink)
    content = bytearray(sink.getvalue())
    where = int(place * len(content))
    if cut:
        del content[where:]
    else:
        content[where] ^= flip
    attempt(shared, tmp_path / "f", gzip.compress(bytes(content)) if packed else bytes(content))


def test_column_name_that_is_no_utf8_is_refused_in_words(shared, tmp_path):
    sink = io.BytesIO()
    pq.write_table(pa.table({"timestamp": [1767323045], "model": ["a"]}), sink, store_schema=False)
    attempt(shared, tmp_path / "f", sink.getvalue().replace(b"model", b"\xe1odel"))
