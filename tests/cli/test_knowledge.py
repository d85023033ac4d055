"""``brain knowledge`` and ``brain guard`` policies, from the command line to the stores."""

import json

import pytest

from brain.cli.main import main
from tests.services.embeddings import running_embeddings


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path / "data"))


def run(capsys, *words):
    status = main([*words, "--json"])
    told = capsys.readouterr()
    return status, json.loads(told.out or told.err)


def test_documents_come_are_found_go_and_come_back(capsys, tmp_path):
    (tmp_path / "hours.md").write_text("# Hours\n\nThe shop opens at nine.")
    status, (added,) = run(capsys, "knowledge", "add", str(tmp_path / "hours.md"),
                           "--workspace", "acme")
    assert (status, added["name"], added["chunks"]) == (0, "hours.md", 1)
    _, found = run(capsys, "knowledge", "search", "When does the shop open?", "--workspace", "acme")
    assert found["answer"] == {"text": "The shop opens at nine. [1]", "found": True,
                               "sources": ["hours.md"]}
    _, nothing = run(capsys, "knowledge", "search", "When does the shop open?")
    assert (nothing["passages"], nothing["answer"]["found"]) == ([], False)
    _, (gone,) = run(capsys, "knowledge", "remove", "hours.md", "--workspace", "acme")
    assert run(capsys, "knowledge", "list", "--workspace", "acme") == (0, [])
    run(capsys, "knowledge", "restore", gone["document_id"], "--workspace", "acme")
    assert main(["knowledge", "list", "--workspace", "acme"]) == 0
    assert "hours.md" in capsys.readouterr().out


def test_status_tells_whose_vectors_rank_and_embed_makes_them(capsys, tmp_path, monkeypatch):
    (tmp_path / "rest.md").write_text("# Rest\n\nEmployees take vacation in May.")
    run(capsys, "knowledge", "add", str(tmp_path / "rest.md"))
    assert main(["knowledge", "status"]) == 0
    assert capsys.readouterr().out == ("The built-in vectors are used: 0 of 1 passages have them; "
                                       "they need 8.\n")
    with running_embeddings() as server:
        monkeypatch.setenv("BRAIN_EMBEDDINGS_BASE_URL", server.url)
        monkeypatch.setenv("BRAIN_EMBEDDINGS_MODEL", "fake-embed")
        server.mode = "unauthorized"
        _, told = run(capsys, "knowledge", "embed")
        assert (told["made"], told["source"]) == (0, "built-in")
        assert "BRAIN_EMBEDDINGS_KEY" in told["told"]
        server.mode = "ok"
        _, told = run(capsys, "knowledge", "embed")
        assert (told["made"], told["source"], told["with_vectors"]) == (1, "endpoint", 1)
        monkeypatch.setenv("BRAIN_EMBEDDINGS_QUESTION_TIMEOUT_S", "60")
        assert main(["knowledge", "search", "Holidays?"]) == 0
        out = capsys.readouterr().out
        assert "Employees take vacation in May. [1]" in out and "fake-embed" in out
        assert run(capsys, "knowledge", "reindex")[1]["passages"] == 1
    monkeypatch.setenv("BRAIN_EMBEDDINGS_BASE_URL", "nowhere")
    assert main(["knowledge", "status"]) != 0
    assert "BRAIN_EMBEDDINGS_BASE_URL is not an address" in capsys.readouterr().err


def test_faults_are_told(capsys, tmp_path):
    status, told = run(capsys, "knowledge", "add", str(tmp_path / "none.md"))
    assert (status, told["error"]["code"]) == (1, "file_error")
    status, told = run(capsys, "knowledge", "remove", "none.md")
    assert (status, told["error"]["code"]) == (1, "not_found")


def test_policies_are_set_and_listed(capsys):
    _, row = run(capsys, "guard", "set", "acme", "--pii", "refuse", "--kinds", "email,card")
    assert row["policy"]["kinds"] == ["email", "card"]
    _, rows = run(capsys, "guard", "policies")
    assert [(each["workspace_id"], each["policy"]["pii"]) for each in rows] == [
        ("", "mask"), ("acme", "refuse")]
    status, told = run(capsys, "guard", "set", "acme", "--kinds", "shoes")
    assert (status, told["error"]["field"]) == (1, "kinds")
