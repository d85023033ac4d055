"""``brain workspaces``: the same through a server and without."""

import pytest

from tests.serving.console import Console
from tests.serving.inside import command_runner

AT = "2023-11-16T12:00:00Z"


@pytest.fixture(scope="module", params=["through a server", "without"])
def stores(request, tmp_path_factory):
    """A console with one question of a workspace; stopped or not."""
    console = Console(tmp_path_factory.mktemp("stores"), BRAIN_HOST_INTERVAL_S="3600")
    console.start()
    console.call("keep_query_text", workspace_id="open", keep=True)
    sent = console.send({"event_id": "a", "at_utc": AT, "workspace_id": "open",
                         "query_text": "What is due?"})
    assert sent.json()["accepted"] == 1
    console.call("settle")
    if request.param == "without":
        console.stop()
    yield console
    console.stop()


@pytest.fixture
def run(stores, monkeypatch, capsys):
    return command_runner(stores.data, monkeypatch, capsys)


@pytest.mark.slow
def test_allow_forbid_and_delete(run):
    rows = {row["workspace_id"]: row for row in run("workspaces", "list", "--json").json}
    assert rows["open"] == {"workspace_id": "open", "name": "open", "keeps_query_text": True,
                            "texts": 1}
    assert "stored" in run("workspaces", "list").out
    told = run("workspaces", "keep-text", "open", "--off").out
    assert "not stored from now on" in told
    assert "1 texts are still stored" in told
    gone = run("workspaces", "keep-text", "open", "--off", "--forget", "--json").json
    assert (gone["keeps_query_text"], gone["texts"], gone["deleted"]) == (False, 0, 1)
    assert run("workspaces", "forget-texts", "open").out == "0 texts deleted\n"
    assert run("workspaces", "keep-text", "new", "--json").json["keeps_query_text"] is True


def test_a_workspace_that_cannot_be_is_refused(run):
    done = run("workspaces", "keep-text", "x" * 129)
    assert done.status == 1
    assert "workspace_id" in done.err or "length" in done.err


def test_where_prompts_may_go(run):
    set_to = run("workspaces", "set-data-policy", "open", "--regions", "eu, us",
                 "--no-training-for-personal-data", "yes", "--json").json
    assert (set_to["regions"], set_to["no_training"]) == (["eu", "us"], False)
    assert "of personal data" in run("workspaces", "data-policies").out
    assert run("workspaces", "set-data-policy", "open").status == 1
    run("workspaces", "set-data-policy", "open", "--off")
    assert run("workspaces", "data-policies", "--json").json == []
