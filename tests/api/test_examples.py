"""Every shell example of docs/api.md and docs/recording-events.md works as it stands there."""

import json
import re
import subprocess

import pytest

from tests.serving.console import ROOT

SHELL = [pytest.param(block, id=f"{page} {number}")
         for page in ("api.md", "recording-events.md")
         for number, block in enumerate(re.findall(
             r"^```sh\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE))]
PYTHON = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "recording-events.md").read_text(),
                    re.DOTALL | re.MULTILINE)


def run(command, console, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240,
                          check=True, env={"PATH": "/usr/local/bin:/usr/bin:/bin",
                                           "PYTHONPATH": str(ROOT), "KEY": "sesame",
                                           "CONSOLE": console.url, "DATA": str(console.data),
                                           "BRAIN_CLIENT_URL": console.url,
                                           "BRAIN_CLIENT_KEY": "sesame"}).stdout


@pytest.mark.parametrize("block", SHELL)
def test_the_example_works(keyed, tmp_path, block):
    shown = run(["bash", "-euo", "pipefail", "-c", block], keyed, tmp_path)
    assert shown
    assert '"error":{' not in shown.replace(" ", "").replace('"error":{"type"', "")
    assert "<html" not in shown


def test_the_receipt_is_the_one_shown(keyed, tmp_path):
    page = (ROOT / "docs" / "api.md").read_text()
    block, promised = re.search(r"```sh\n(curl[^`]*LINES\n)```\n\n```json\n(.*?)\n```",
                                page, re.DOTALL).groups()
    assert json.loads(run(["bash", "-c", block], keyed, tmp_path)) == json.loads(promised)


@pytest.mark.parametrize("block", PYTHON)
def test_the_program_works(keyed, tmp_path, block):
    import sys
    if "assign(" in block and not keyed.call("experiments"):
        keyed.call("load_samples")
        keyed.call("act_on_experiment", key="search-ui-v2", action="start", reason="test")
    kinds = ("outcomes", "exposures") if "assign(" in block else ("requests",)
    before = [keyed.count(kind) for kind in kinds]
    run([sys.executable, "-c", block], keyed, tmp_path)
    assert all(keyed.count(kind) > count for kind, count in zip(kinds, before, strict=True))
