"""Files that are broken, packed, in other encodings, or no files at all."""

import gzip
import os
import zipfile
import zlib

import pytest

from brain.imports import ImportPlan, ImportRefused, run_import
from brain.settings import load
from tests.sources.importers.conftest import rows, small_engine

GOOD = "timestamp,model,input_tokens\n2026-01-02,größe,5\n2026-01-03,m,6\n"


@pytest.mark.parametrize("content", [
    GOOD.encode(), b"\xef\xbb\xbf" + GOOD.encode(), b"\xff\xfe" + GOOD.encode("utf-16-le"),
    b"\xfe\xff" + GOOD.encode("utf-16-be"), gzip.compress(GOOD.encode()),
    gzip.compress(GOOD[:30].encode()) + gzip.compress(GOOD[30:].encode()),
    GOOD.replace("\n", "\r\n").encode(), GOOD.replace(",", "\t").encode(),
    GOOD.replace(",", ";").encode(), GOOD.rstrip().encode(), (GOOD + "\n\n,,\n").encode(),
    GOOD.replace("größe", '"größe"').encode()])
def test_every_usual_form_reads_the_same(bring, engine, content):
    report = bring(content)
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (2, 2, 0)
    assert [(row["model"], row["input_tokens"]) for row in rows(engine)] == [("größe", 5),
                                                                            ("m", 6)]


def test_quoted_values_may_hold_line_ends(bring, engine):
    engine.keep_query_text("default", True)
    report = bring('timestamp,model,query_text\n2026-01-02,m,"a\nb, ""c"""\n2026-01-03,m\n')
    assert rows(engine)[0]["query_text"] == 'a\nb, "c"'
    assert (report.rejected[0].line, report.rejected[0].code) == (3, "wrong_columns")


@pytest.mark.parametrize(("content", "code"), [
    (b"", "empty_file"), (b" \n\n", "empty_file"), (b"timestamp,model\n", "empty_file"),
    (GOOD.encode("latin-1"), "wrong_encoding"), (b"\xff\xfea", "wrong_encoding"),
    (gzip.compress(GOOD.encode())[:-9], "bad_gzip"), (b"\x1f\x8bnonsense", "bad_gzip"),
    (gzip.compress(b""), "empty_file"), (b"PK\x03\x04....", "is_zip"),
    (b"PAR1nonsensePAR1", "broken_parquet"), (b"PAR1", "broken_parquet"),
    (b"\x00\x01\x02\x03", "unknown_format"), (b'[{"a": 1}]', "json_array"),
    (b"{not json}\n", "not_json_lines"), (b"a,b,c\n1,2,3\n", "wrong_header"),
    (b"2026-01-02,m,5\n2026-01-03,m,6\n", "wrong_header"), (b"timestamp\n2026-01-02\n",
                                                            "wrong_header"),
    (b"timestamp,model,model\n2026-01-02,a,b\n", "wrong_header"),
    (b'timestamp,model\n2026-01-02,"' + b"x" * 17_000_000, "broken_csv")])
def test_unusable_file_is_refused_and_changes_nothing(bring, engine, content, code):
    with pytest.raises(ImportRefused) as refused:
        bring(content, "file")
    assert refused.value.code == code
    assert not any(engine.store.kinds().values())
    folder = engine.settings.data_dir / "imports"
    assert list(folder.iterdir()) == []


def test_places_that_are_no_files_are_refused(engine, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, code in ((tmp_path, "is_folder"), (tmp_path / "none", "no_file"),
                       (tmp_path / "pipe", "no_file"), (tmp_path / ("x" * 300), "no_file"),
                       (tmp_path / "a\x00b", "no_file")):
        with pytest.raises(ImportRefused) as refused:
            run_import(engine, path, ImportPlan())
        assert refused.value.code == code


def test_bombs_are_stopped_at_the_limit(tmp_path):
    settings = load({}, data_dir=str(tmp_path / "data"), ingest_max_file_bytes=100_000)
    engine = small_engine(settings)
    try:
        bomb, large = tmp_path / "bomb.gz", tmp_path / "large.csv"
        bomb.write_bytes(gzip.compress(b"0" * 50_000_000))
        large.write_bytes(b"0" * 100_001)
        for path in (bomb, large):
            with pytest.raises(ImportRefused) as refused:
                run_import(engine, path, ImportPlan())
            assert refused.value.code == "too_large"
        assert list((tmp_path / "data" / "imports").iterdir()) == []
    finally:
        engine.close()


def test_archives_are_not_opened(bring, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../escape.csv", GOOD)
    with pytest.raises(ImportRefused) as refused:
        bring((tmp_path / "a.zip").read_bytes(), "b.csv")
    assert refused.value.code == "is_zip"


def test_file_name_is_only_a_name(bring, engine):
    report = bring(GOOD, file_name="../../etc/passwd")
    assert report.file_name == "passwd"
    assert engine.state.rows("imports")[0]["file_name"] == "passwd"


def test_wrong_format_is_said(bring):
    with pytest.raises(ImportRefused) as refused:
        bring(GOOD, format="parquet")
    assert refused.value.code == "wrong_format"


def test_progress_that_fails_leaves_nothing(engine, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(GOOD)

    def stop(stage: str, _done: int, _total: int | None) -> None:
        if stage == "keep":
            raise RuntimeError("the caller went away")
    with pytest.raises(RuntimeError):
        run_import(engine, path, ImportPlan(), stop)
    assert engine.store.kinds()["requests"] == 0
    assert engine.state.rows("imports")[0]["status"] == "failed"
    assert run_import(engine, path, ImportPlan()).rows_kept == 2


def test_flipped_gzip_is_refused(bring):
    packed = bytearray(gzip.compress(GOOD.encode()))
    packed[-6] ^= 0xFF
    with pytest.raises(ImportRefused) as refused:
        bring(bytes(packed))
    assert refused.value.code == "bad_gzip"
    assert zlib.crc32(GOOD.encode())  # what the broken trailer should have been
