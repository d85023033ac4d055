"""POST /v1/imports: a file in, progress and a report out, by the same rules as everywhere."""

import json

import pytest

FILE = {"content-type": "application/octet-stream"}
GOOD = ("event_id,at_utc,model,input_tokens\n"
        "f1,2026-03-01T00:00:00Z,m,5\nf2,2026-03-01T00:00:01Z,m,7\n")


def upload(http, body, **options):
    answer = http.post("/v1/imports", content=body, headers=FILE, params=options)
    return answer.status_code, [json.loads(line) for line in answer.text.splitlines()]


def test_a_file_is_imported_once(console, http):
    before = console.count()
    status, told = upload(http, GOOD, format="csv", file_name="good.csv")
    assert status == 200
    report = told[-1]["report"]
    assert (report["rows_read"], report["rows_kept"], report["rows_rejected"]) == (2, 2, 0)
    assert {line["stage"] for line in told[:-1]} <= {"read", "keep", "roll up"}
    again = upload(http, GOOD, format="csv", file_name="good.csv")[1][-1]["report"]
    assert (again["rows_kept"], again["rows_repeated"]) == (0, 2)
    assert console.count() == before + 2
    imported = {row["import_id"] for row in console.call("imports")}
    assert {report["import_id"], again["import_id"]} <= imported
    assert console.call("undo_import", import_id=report["import_id"]) == {"events": 2}
    assert console.count() == before
    assert not list((console.data / "uploads").iterdir())


@pytest.mark.parametrize("options", [{"format": "nonsense"}, {"nonsense": "1"},
                                     {"kind": "nonsense"}])
def test_an_option_that_does_not_fit_is_named(http, options):
    status, (told,) = upload(http, GOOD, **options)
    assert status == 400
    assert told["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"\x00\x01\x02", b"no,such,columns\n1,2,3\n",
                                  b"PAR1 but no parquet PAR1", b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_changes_nothing(console, http, body):
    before = console.count()
    status, told = upload(http, body, format="parquet" if body.startswith(b"PAR1") else "csv")
    assert status == 200
    assert "error" in told[-1] or told[-1]["report"]["status"] == "refused"
    assert told[-1].get("error", {}).get("code") != "failed"
    assert console.count() == before
    assert not list((console.data / "uploads").iterdir())


def test_a_file_has_its_own_content_type(http):
    assert http.post("/v1/imports", content="x").status_code == 415
