"""Entry of ``brain``: finds the command, reads its options, runs it."""

import os
import sys
from argparse import ArgumentParser, HelpFormatter
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import NoReturn

from brain.cli.command import Command, CommandError, UsageError

AREAS: tuple[tuple[str, str], ...] = (
    ("serve", "brain.cli.serve"),
    ("import", "brain.cli.imports"),
    ("demo", "brain.cli.data"),
    ("data", "brain.cli.data"),
    ("prices", "brain.cli.data"),
    ("health", "brain.cli.health"),
    ("experiments", "brain.cli.experiments"),
    ("models", "brain.cli.models"),
    ("allocation", "brain.cli.allocation"),
    ("bandits", "brain.cli.bandits"),
    ("anomalies", "brain.cli.anomalies"),
    ("forecast", "brain.cli.forecast"),
    ("providers", "brain.cli.providers"),
    ("ask", "brain.cli.gateway"),
    ("quotas", "brain.cli.gateway"),
    ("prompts", "brain.cli.prompts"),
    ("agents", "brain.cli.prompts"),
    ("plans", "brain.cli.prompts"),
    ("evaluate", "brain.cli.evaluate"),
    ("scaling", "brain.cli.scaling"),
    ("optimize", "brain.cli.optimize"),
    ("load", "brain.cli.load"),
    ("prometheus", "brain.cli.prometheus"),
    ("targets", "brain.cli.targets"),
    ("check", "brain.cli.check"),
    ("report", "brain.cli.check"),
    ("costs", "brain.cli.costs"),
    ("budgets", "brain.cli.budgets"),
    ("mail", "brain.cli.cost_reports"),
    ("workspaces", "brain.cli.workspaces"),
    ("guard", "brain.cli.guard"),
    ("knowledge", "brain.cli.knowledge"),
    ("cache", "brain.cli.cache"),
    ("settings", "brain.cli.settings"),
    ("commands", "brain.cli.commands"),
)
"""Areas in the order of the help, each with the module that declares its COMMANDS."""

EXIT_CODES: tuple[tuple[int, str], ...] = (
    (0, "done, also where the reader of the output has gone"),
    (1, "failed, or at least one input line could not be used"),
    (2, "the command line could not be understood, or a file was refused"),
    (3, "of `brain check`, whose verdict is its status: 0 well, 1 warning, 2 critical, 3 unknown "
        "or no check could be made"),
    (130, "interrupted"),
)


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of one command line; see EXIT_CODES."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _dispatch(words)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"brain: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def all_commands() -> tuple[Command, ...]:
    """Every command, in the order of the help."""
    return tuple(command for area, _ in AREAS for command in _area_commands(area))


def _area_commands(area: str) -> tuple[Command, ...]:
    return tuple(command for command in import_module(dict(AREAS)[area]).COMMANDS
                 if command.area == area)


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        print(_overview(all_commands(), "brain <area> <verb> [options]"))
        return 0
    if words[0] == "--version":
        from brain import __version__
        print(f"brain {__version__}")
        return 0
    area = words[0]
    if area not in dict(AREAS):
        raise UsageError(_unknown("area", area, dict(AREAS)))
    commands = {command.verb: command for command in _area_commands(area)}
    verb = words[1] if len(words) > 1 else ""
    if verb and verb in commands:
        return _run(commands[verb], words[2:])
    if "" in commands:
        return _run(commands[""], words[1:], [command for command in commands.values()
                                              if command.verb])
    if verb in ("", "--help", "-h"):
        print(_overview(commands.values(), f"brain {area} <verb> [options]"))
        return 0
    raise UsageError(_unknown("verb", f"{area} {verb}", [each.name for each in commands.values()]))


def build_parser(command: Command, siblings: Iterable[Command] = ()) -> ArgumentParser:
    """The argparse parser of one command; ``siblings`` are named under its help."""
    more = "; ".join(f"brain {each.name}" for each in siblings)
    parser = _Parser(prog=f"brain {command.name}", description=command.meaning,
                     epilog=f"See also: {more}." if more else None,
                     allow_abbrev=False, formatter_class=HelpFormatter)
    for option in command.all_options():
        option.add_to(parser)
    return parser


def _run(command: Command, words: list[str], siblings: Iterable[Command] = ()) -> int:
    try:
        arguments = build_parser(command, siblings).parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    as_json = getattr(arguments, "json", False)
    try:
        if command.form is not None:
            from brain.cli.machine import run_form
            return run_form(command.form, arguments)
        if command.run is None:
            raise UsageError(f"brain {command.name} has nothing to run")
        return command.run(arguments) or 0
    except CommandError as error:
        return _fail(error.code, error.message, error.field, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail("file_error", f"{where}{error.strerror or error}", "", as_json)
    except ValueError as error:
        if not hasattr(error, "field") and type(error).__module__.partition(".")[0] != "brain":
            raise
        return _fail(getattr(error, "code", "invalid_value"), str(error),
                     getattr(error, "field", ""), as_json)


def _fail(code: str, message: str, field: str, as_json: bool) -> int:
    from brain.cli.output import show_error
    show_error(code, message, field, as_json)
    return 1


def _overview(commands: Iterable[Command], usage: str) -> str:
    listed = list(commands)
    width = max(len(command.name) for command in listed)
    lines = [f"usage: {usage}", ""]
    lines += [f"  brain {command.name.ljust(width)}  {command.meaning}" for command in listed]
    lines += ["", "'brain <area> <verb> --help' explains one command.", "Exit status: " + "; ".join(
        f"{code} {meaning}" for code, meaning in EXIT_CODES) + "."]
    return "\n".join(lines)


def _unknown(sort: str, given: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches
    near = get_close_matches(given, list(known), n=1)
    hint = f"did you mean 'brain {near[0]}'?" if near else "'brain --help' lists all commands"
    return f"there is no {sort} {given!r:.80}; {hint}"


if __name__ == "__main__":
    sys.exit(main())
