"""What a command is: its name, its sentence, its options and what it runs."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain.cli.machine import Form

JSON_OPTION_MEANING = "Print the answer as JSON."


class UsageError(ValueError):
    """A command line that cannot be understood; exit status 2."""


class CommandError(Exception):
    """A command that could not do its work; ``message`` says why, exit status 1."""

    def __init__(self, message: str, code: str = "failed", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Option:
    """One argument; a ``name`` that starts with -- is optional, any other is a position.

    ``kind`` turns the text into a value and raises ValueError for one it cannot; ``flag``
    takes no value; ``many`` takes several.
    """

    name: str
    meaning: str
    kind: Callable[[str], Any] = str
    default: Any = None
    required: bool = False
    flag: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    metavar: str = ""

    def add_to(self, parser: ArgumentParser) -> None:
        """Declare this argument to argparse."""
        named = self.name.startswith("-")
        how: dict[str, Any] = {"help": self.meaning.replace("%", "%%")}
        if self.flag:
            parser.add_argument(self.name, action="store_true", **how)
            return
        how |= {"type": self.kind, "default": self.default}
        if self.choices:
            how["choices"] = self.choices
        if self.metavar:
            how["metavar"] = self.metavar
        if self.many:
            how |= {"action": "append"} if named else {"nargs": "*"}
        elif not named and not self.required:
            how["nargs"] = "?"
        if named:
            how["required"] = self.required
        parser.add_argument(self.name, **how)

    def show(self) -> str:
        """The argument as a reader of the documentation would type it."""
        if self.flag:
            return self.name
        value = "|".join(self.choices) or self.metavar
        if not self.name.startswith("-"):
            return value or self.name.upper()
        return f"{self.name} {value or self.name.lstrip('-').replace('-', '_').upper()}"


@dataclass(frozen=True, slots=True)
class Command:
    """``brain <area> <verb>``; an empty ``verb`` is the area's own command.

    Exactly one of ``run`` (gives the exit status, None for 0; it always has ``--json``) and
    ``form`` (a machine form of `brain.cli.machine`: JSON lines in, JSON lines out).
    """

    area: str
    verb: str
    meaning: str
    options: tuple[Option, ...] = ()
    run: Callable[[Namespace], int | None] | None = None
    form: "Form | None" = None

    @property
    def name(self) -> str:
        """What is typed after ``brain``."""
        return f"{self.area} {self.verb}".strip()

    def all_options(self) -> tuple[Option, ...]:
        """Own options and those that every command of its sort has."""
        if self.form is None:
            return (*self.options, Option("--json", JSON_OPTION_MEANING, flag=True))
        return (*self.options,
                Option("--in", "Read lines from this file, not from standard input.",
                       metavar="FILE"),
                Option("--schema", "Print the JSON Schema of input and output.", flag=True))
