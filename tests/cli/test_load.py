"""``brain load`` over HTTP: real answers counted, errors told, baselines compared."""

import json

import pytest

from tests.services.vendors import running_vendor
from tests.serving.inside import command_runner

FAST = ("--rate", "40", "--seconds", "1")


@pytest.fixture
def brain(tmp_path, monkeypatch, capsys):
    return command_runner(tmp_path, monkeypatch, capsys)


def test_an_openai_compatible_address_is_asked(brain, tmp_path):
    out = tmp_path / "report.json"
    with running_vendor("openai") as vendor:
        done = brain("load", "smoke", "--url", vendor.url, "--model", "gpt-test", "--out",
                     str(out), "--json", *FAST)
        assert vendor.calls > 10 and {body["model"] for body in vendor.bodies} == {"gpt-test"}
        told = json.loads(done.out)
        assert (told["asked"], told["answered"], told["errors"]) == (
            vendor.calls, vendor.calls, 0)
        assert told["grade"] in ("A", "B", "C", "F") and done.status == (0 if told["passed"] else 1)
        kept = json.loads(out.read_text())
        assert len(kept["latencies_ms"]) == told["answered"] and min(kept["latencies_ms"]) > 0
        kept["latencies_ms"] = [each / 1000 for each in kept["latencies_ms"]]
        out.write_text(json.dumps(kept))  # a baseline that was a thousand times as fast
        slower = brain("load", "smoke", "--url", vendor.url, "--baseline", str(out), *FAST)
        assert slower.status == 1 and "slower" in slower.out
        for form, says in ((".md", "## Load test: smoke"), (".prom", "brain_load_p95_ms")):
            path = tmp_path / f"report{form}"
            brain("load", "smoke", "--url", vendor.url, "--out", str(path), *FAST)
            assert says in path.read_text()


def test_errors_fail_the_test(brain):
    with running_vendor("openai") as vendor:
        vendor.mode = "error"
        done = brain("load", "smoke", "--url", vendor.url, "--json", *FAST)
    told = json.loads(done.out)
    assert (done.status, told["grade"], told["answered"]) == (1, "F", 0)
    assert told["errors"] == told["asked"] > 0


@pytest.mark.parametrize(("words", "code"), [
    (("--url", "http://example.com"), "not_allowed"), (("--url", "file:///etc"), "not_an_address"),
    (("--url", "http://127.0.0.1:9", "--rate", "5000"), "out_of_range"),
    (("--url", "http://127.0.0.1:9", "--seconds", "9999"), "out_of_range"),
    ((), "no_address")])
def test_load_is_bounded_and_goes_nowhere_unnamed(brain, words, code):
    done = brain("load", "smoke", "--json", *words)
    assert done.status == 1 and json.loads(done.out)["error"]["code"] == code
