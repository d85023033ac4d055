"""Commands on the stores of one test."""

import pytest

from tests.serving.inside import command_runner


@pytest.fixture
def inside(tmp_path, monkeypatch, capsys):
    """Runs ``brain <words>`` on the stores in the test's folder."""
    return command_runner(tmp_path, monkeypatch, capsys)
