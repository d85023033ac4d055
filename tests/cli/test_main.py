"""The command line: help, documentation, suggestions, exit status, a light start."""

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from brain.cli.command import Command, CommandError, Option
from brain.cli.commands import document_commands
from brain.cli.main import AREAS, all_commands, build_parser, main
from brain.cli.settings import document_settings
from brain.decisions.reasons import InputError
from brain.settings import describe_settings

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"pandas", "numpy", "duckdb", "streamlit", "sqlalchemy", "pyarrow", "genai_prices",
         "pydantic", "plotly", "sklearn", "httpx", "starlette", "psycopg", "redis"}


def run(*words, text=b"", **environment):
    return subprocess.run([sys.executable, "-m", "brain", *words], input=text, cwd=ROOT,
                          capture_output=True, timeout=240, check=False,
                          env=os.environ | environment)


def test_documentation_equals_the_program():
    written = (ROOT / "docs" / "commands.md").read_text()
    assert written == document_commands(), "run: brain commands docs > docs/commands.md"


def test_help_names_every_command_and_sentence(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in all_commands():
        assert f"brain {command.name}" in shown
        assert command.meaning in shown


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: command.name)
def test_each_command_is_whole(command, capsys):
    assert (command.run is None) != (command.form is None)
    assert command.meaning[0].isupper()
    assert command.meaning.endswith(".")
    assert main([*command.name.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for option in command.all_options():
        assert option.meaning[0].isupper()
        assert option.meaning.endswith(".")
        assert option.meaning.split()[0] in shown
        if option.name.startswith("-"):
            assert option.name in shown


def test_names_are_unique_and_areas_in_use():
    names = [command.name for command in all_commands()]
    assert len(names) == len(set(names))
    assert {command.area for command in all_commands()} == {area for area, _ in AREAS}


@pytest.mark.parametrize("words", [["--help"], ["health", "score", "--schema"], ["health"],
                                   ["costs", "price", "--help"]])
def test_start_loads_nothing_heavy(words):
    program = ("import sys; from brain.cli.main import main; status = main(sys.argv[1:]); "
               "print('\\n' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))")
    done = subprocess.run([sys.executable, "-c", program, *words], cwd=ROOT, check=True,
                          capture_output=True, text=True, timeout=240)
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(("words", "hint"), [
    (["helth"], "did you mean 'brain health'?"),
    (["health", "scor"], "did you mean 'brain health score'?"),
    (["zzz"], "'brain --help' lists all commands"),
    (["health", "score", "--nope"], "see 'brain health score --help'"),
])
def test_an_unknown_word_gets_a_hint(words, hint, capsys):
    assert main(words) == 2
    assert hint in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said_plainly(capsys):
    assert main(["health", "score", "--in", "/no/such/file"]) == 1
    assert capsys.readouterr().err == "brain: /no/such/file: No such file or directory\n"


def test_reads_a_file(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"error_pct": 5}\n\n')
    done = run("health", "score", "--in", str(path))
    assert done.returncode == 1
    assert [json.loads(line).get("score") for line in done.stdout.splitlines()] == [0.0, None]


def test_a_reader_that_leaves_is_no_failure():
    lines = b'{"error_pct": 1}\n' * 3_000
    with subprocess.Popen([sys.executable, "-m", "brain", "health", "score"], cwd=ROOT,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.close()
        try:
            process.stdin.write(lines)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(timeout=240) == 0


@pytest.fixture
def failing(monkeypatch):
    """A command that raises what it is told to."""
    def use(error):
        def fail(_: Namespace) -> None:
            raise error
        command = Command("settings", "list", "Fail.", run=fail)
        monkeypatch.setattr("brain.cli.settings.COMMANDS", (command,))
    return use


@pytest.mark.parametrize("error", [CommandError("It broke.", "broke", "part"),
                                   InputError("broke", "It broke.", "part")])
def test_a_known_failure_is_told_to_people_and_machines(error, failing, capsys):
    failing(error)
    assert main(["settings", "list"]) == 1
    assert capsys.readouterr().err == "brain: It broke.\n"
    assert main(["settings", "list", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "broke", "message": "It broke.", "field": "part"}}


def test_a_fault_of_the_program_is_not_hidden(failing):
    failing(ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        main(["settings", "list"])


def test_options_of_every_sort_are_read():
    command = Command("x", "", "Do it.", run=lambda _: 0, options=(
        Option("file", "Which file, 100% of it.", required=True, metavar="FILE"),
        Option("--rows", "How many.", kind=int, default=5),
        Option("--tag", "A tag.", many=True), Option("--fast", "Be quick.", flag=True),
        Option("--form", "Which form.", choices=("csv", "json"))))
    parser = build_parser(command)
    given = parser.parse_args(["f", "--rows", "7", "--tag", "a", "--tag", "b", "--form", "csv"])
    assert vars(given) == {"file": "f", "rows": 7, "tag": ["a", "b"], "fast": False,
                           "form": "csv", "json": False}
    assert "100% of it" in parser.format_help()
    assert [option.show() for option in command.options] == [
        "FILE", "--rows ROWS", "--tag TAG", "--fast", "--form csv|json"]


def test_lists_settings_without_secrets():
    done = run("settings", "list", "--json", BRAIN_SERVER_API_KEY="hidden-word",
               BRAIN_SERVER_PORT="9000")
    rows = {row["setting"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0
    assert rows["server.port"]["value"] == 9000
    assert rows["server.api_key"]["value"] == "set"
    assert b"hidden-word" not in done.stdout + done.stderr
    assert set(rows) == {knob.key for knob in describe_settings()}


def test_lists_settings_even_if_one_is_wrong():
    done = run("settings", "list", BRAIN_SERVER_PORTT="1")
    assert done.returncode == 1
    assert b"BRAIN_SERVER_PORTT" in done.stderr
    assert b"BRAIN_SERVER_PORT " in done.stdout


def test_settings_are_documented_each_in_one_row():
    shown = document_settings()
    for knob in describe_settings():
        assert shown.count(f"| `{knob.variable}` |") == 1
        assert knob.meaning in shown
