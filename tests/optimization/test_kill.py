"""A process that is killed at any point leaves a run that the next start ends, never in between."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.optimization.killed_process import AFTER, BEFORE
from tests.services.kubernetes_scaling import running_scaling_server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses nothing there either, and
    five hundred commits wait for no disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as at:
        yield Path(at)


def points(folder: Path, actuator: str, ends: str, url: str = "") -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-m", "tests.optimization.killed_process", str(folder),
                           actuator, ends, url], capture_output=True, text=True, cwd=ROOT,
                          timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(found: list[dict[str, Any]], ends: str) -> None:
    *killed, whole = found
    assert all(each["killed"] for each in killed) and not whole["killed"]
    assert whole["step"] == "finished" and whole["rolled_back"] == (ends == "back")
    assert whole["replicas"] == (AFTER if ends == "kept" else BEFORE)
    for each in killed:
        assert each["step"] in ("finished", "none"), each
        kept = each["verdict"] == "improved" and not each["rolled_back"]
        assert each["replicas"] == (AFTER if kept else BEFORE), each
    left = {each["left"] for each in killed}
    assert left >= {"planned", "checkpointed", "applying", "stabilizing", "measuring", "judged",
                    "learning", "rolling_back" if ends == "back" else "judged"}


@pytest.mark.parametrize("ends", ["kept", "back"])
def test_knobs(folder: Path, ends: str) -> None:
    check(points(folder, "engine", ends), ends)


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["kept", "back"])
def test_kubernetes(folder: Path, ends: str) -> None:
    with running_scaling_server() as api:
        api.deploy("brain-api", BEFORE)
        check(points(folder, "kubernetes", ends, api.url), ends)
        dry = [path for method, path, _ in api.asked if method == "PATCH" and "dryRun" in path]
        assert len(dry) * 2 >= sum(method == "PATCH" for method, *_ in api.asked) - len(
            list(folder.iterdir()))  # each change was tried first, the test's own resets apart


@pytest.mark.parametrize("ends", ["kept", "back"])
def test_requests_in_kubernetes(folder: Path, ends: str) -> None:
    with running_scaling_server() as api:
        api.deploy("brain-api", 4, requests={"cpu": f"{BEFORE}m"})
        check(points(folder, "resources", ends, api.url), ends)
        assert api.deployments["brain-api"]["spec"]["replicas"] == 4


def test_recommendations(folder: Path) -> None:
    found = points(folder, "recommend", "kept")
    assert [each["killed"] for each in found] == [True] * (len(found) - 1) + [False]
    for each in found:
        assert each["replicas"] == BEFORE
        assert each["step"] in ("finished", "none")
