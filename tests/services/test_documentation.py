"""docs/testing.md tells of every marker, fixture and data set there is."""

import re
import tomllib
from pathlib import Path

from tests.datasets import DEFAULTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def test_every_marker_is_documented() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    for marker in options["markers"]:
        name, meaning = marker.split(": ")
        assert f"| `{name}` | {meaning} |" in PAGE


def test_every_data_set_is_documented_with_its_default() -> None:
    for variable, default in DEFAULTS.items():
        assert f"| `{variable}` | `{default or '.'}` |" in PAGE


def test_every_target_of_make_is_explained() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    explained = set(re.findall(r"^([a-z]+):.* ## \S", text, re.MULTILINE))
    assert targets == explained >= {"run", "test", "bench", "help"}


def test_lock_files_pin_every_package_with_a_hash_and_name_no_server() -> None:
    for name in ("requirements.txt", "requirements-test.txt", ".ci/uv.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        packages = re.findall(r"^[a-z0-9][^\n]*(?:\n    --hash=sha256:[0-9a-f]{64}[ \\]*)*", text,
                              re.MULTILINE)
        assert packages
        assert all("==" in package and "--hash" in package for package in packages)
        assert "://" not in text
