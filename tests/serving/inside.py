"""Commands run inside the test's process, which is quicker than starting one for each."""

from collections.abc import Callable
from pathlib import Path

import pytest

from brain import running
from brain.cli.main import main
from tests.serving.console import Done, environment


def command_runner(folder: Path, monkeypatch: pytest.MonkeyPatch,
                   capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """A function that runs ``brain <words>`` on the stores in ``folder``."""
    def run(*words: str, **settings: str) -> Done:
        with monkeypatch.context() as patch:
            for name in ("BRAIN_SERVER_PORT", "BRAIN_SERVER_API_KEY"):
                patch.delenv(name, raising=False)
            for name, value in environment(folder, **settings).items():
                patch.setenv(name, value)
            capsys.readouterr()
            status = main(list(words))
            running.close()
        shown = capsys.readouterr()
        return Done(status, shown.out, shown.err)
    return run
