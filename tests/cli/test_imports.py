"""``brain import`` on stores that no server owns."""

import json

import pytest

from brain.cli.main import main

TRACE = ("TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
         "2023-11-16 18:15:50.9951690,396,109\r\n")


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path / "data"))


def test_import_list_and_undo(tmp_path, capsys):
    path = tmp_path / "trace.csv"
    path.write_text(TRACE, newline="")
    assert main(["import", str(path), "--model", "gpt-3.5-turbo", "--workspace", "azure"]) == 0
    said = capsys.readouterr().out
    assert "2 read, 2 kept, 0 repeated, 0 rejected" in said
    assert "770 input tokens, 153 output tokens" in said  # 374 + 396, 44 + 109
    path.write_text(TRACE + "x,y,z\r\n", newline="")
    assert main(["import", str(path), "--model", "m", "--workspace", "azure", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["rows_kept"], report["rows_repeated"], report["rows_rejected"]) == (0, 2, 1)
    assert main(["import", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["status"] for row in listed] == ["done", "done"]
    assert main(["import", "undo", listed[0]["import_id"]]) == 0
    assert capsys.readouterr().out == "2 events removed\n"


def test_refused_files_and_options_give_status_2(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text(TRACE.replace("ContextTokens", "Context"))
    assert main(["import", str(path)]) == 2
    assert "TIMESTAMP,ContextTokens,GeneratedTokens" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "none"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "no_file"
    assert main(["import", str(path), "--scale", "7"]) == 2
    assert main(["import", "undo", "never"]) == 1
