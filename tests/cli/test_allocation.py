"""``brain allocation``: tried, set, looked at, stopped, resumed, undone, removed."""

import pytest

from tests.serving.inside import command_runner


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return command_runner(tmp_path, monkeypatch, capsys)


def test_an_allocation_from_its_dry_run_to_its_end(run):
    given = ("allocation", "set", "support", "--mode", "on", "--routes", "a/x, b/y",
             "--context", "yes", "--floor-ratio", "0.1")
    assert "A dry run: nothing was changed" in run(*given).out
    assert run("allocation", "list", "--json").json == []
    done = run(*given, "--apply", "--json").json
    assert (done["applied"], done["policy"]["context"]) == (True, True)
    assert done["policy"]["routes"] == ["a/x", "b/y"]
    assert done["next"]["shares"] == {"a/x": 0.5, "b/y": 0.5}
    assert "thompson by context" in run("allocation", "list").out
    # a part changes, the rest stays
    part = run("allocation", "set", "support", "--rule", "ucb", "--apply", "--json").json
    assert (part["policy"]["rule"], part["policy"]["floor_ratio"]) == ("ucb", 0.1)
    stopped = run("allocation", "stop", "support", "b/y", "--reason", "Looked into.", "--json").json
    assert [(each["route"], each["reason"]) for each in stopped["stopped"]] == [
        ("b/y", "Looked into.")]
    assert "Looked into." in run("allocation", "show", "support").out
    assert run("allocation", "resume", "support", "b/y", "--json").json["stopped"] == []
    assert "is not stopped" in run("allocation", "resume", "support", "b/y").err
    assert run("allocation", "undo", "support", "--json").json["policy"]["rule"] == "thompson"
    run("allocation", "remove", "support")
    assert run("allocation", "list", "--json").json == []


@pytest.mark.parametrize(("given", "told"), [
    (("show", "none"), "there is no allocation"),
    (("set", "x", "--routes", "nonsense"), "a route is provider/model"),
    (("set", "x", "--rule", "ucb1", "--context", "yes"), "by context, rule is one of"),
    (("set", "x", "--floor-ratio", "2"), "floor_ratio")])
def test_what_cannot_be_is_refused(run, given, told):
    done = run("allocation", *given)
    assert done.status == 1 and told in done.err
