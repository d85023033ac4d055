"""``brain commands``: what commands there are, as documentation."""

from argparse import Namespace
from collections.abc import Iterable

from brain.cli.command import Command


def document_commands() -> str:
    """The text of docs/commands.md."""
    from brain.cli.main import EXIT_CODES, all_commands
    return "\n".join([
        "# Commands", "",
        "`brain <area> <verb>`. This page is written by `brain commands docs "
        "> docs/commands.md`; a test keeps it equal to the program.", "",
        "A decision reads JSON lines from standard input (or `--in FILE`) and writes one JSON",
        "line for each, in order: the answer with its `reasons`, or",
        '`{"error": {"code", "message", "field"}}` for a line that cannot be used. A bad line',
        "never stops the rest. `--schema` prints the JSON Schema of both sides. Every other",
        "command takes `--json`.", "",
        "Exit status: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES) + ".",
        *_document(all_commands()), ""])


def _document(commands: Iterable[Command]) -> Iterable[str]:
    for command in commands:
        yield from ("", f"## brain {command.name}", "", command.meaning, "")
        for option in command.all_options():
            default = "" if option.flag or option.default is None else \
                f" Default: {option.default}."
            needed = " Required." if option.required else ""
            yield f"- `{option.show()}`: {option.meaning}{needed}{default}"


def print_docs(arguments: Namespace) -> None:
    """Print docs/commands.md; as JSON, every command with its options."""
    from brain.cli.main import all_commands
    from brain.cli.output import show
    if arguments.json:
        show([{"command": f"brain {command.name}", "meaning": command.meaning,
               "options": [{"name": option.name, "meaning": option.meaning}
                           for option in command.all_options()]}
              for command in all_commands()], as_json=True)
    else:
        print(document_commands(), end="")


COMMANDS: tuple[Command, ...] = (
    Command("commands", "docs", "Print docs/commands.md.", run=print_docs),
)
