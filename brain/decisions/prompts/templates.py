"""Templates of prompts: variables, sections and comments, and nothing that could run.

A part of Mustache's language, without escaping (a prompt is no HTML), partials and lambdas:
``{{name}}``, ``{{name.field}}``, ``{{.}}`` (this item of a list), ``{{#name}}…{{/name}}`` (once
for each item of a list, or once where the value is there), ``{{^name}}…{{/name}}`` (where it is
not), ``{{! a comment }}``. ``\\{{`` writes two braces. What a value holds is never read as a
template. Source: mustache(5).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from brain.decisions.reasons import InputError

MOST_CHARS = 100_000
"""Longest template."""
MOST_RENDERED = 400_000
"""Longest text that a template may give."""
MOST_DEPTH = 8
MOST_STEPS = 20_000
"""Most parts written in one rendering; a list in a list in a list ends here."""
_TAG = re.compile(r"\\\{\{|\{\{([#^/!]?)([^{}]*)\}\}|\{\{")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*|\.")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place for a value."""

    path: str


@dataclass(frozen=True, slots=True)
class Section:
    """Parts for each item of a value, or, ``inverted``, for a value that is not there."""

    path: str
    inverted: bool
    parts: "tuple[Part, ...]"


Part: TypeAlias = str | Variable | Section


@dataclass(frozen=True, slots=True)
class Template:
    """A text that was read; ``names`` are the values that it needs from its inputs."""

    text: str
    parts: tuple[Part, ...]
    names: tuple[str, ...]


def read_template(text: str, field: str = "template") -> Template:
    """The template. Raises InputError with line and column for one that cannot be used."""
    if len(text) > MOST_CHARS:
        raise InputError("too_long", f"{field} may have {MOST_CHARS:,} characters, not "
                                     f"{len(text):,}", field)
    open_parts: list[list[Part]] = [[]]
    open_tags: list[tuple[Literal["#", "^"], str, int]] = []
    after = 0
    for found in _TAG.finditer(text):
        open_parts[-1].append(text[after:found.start()])
        after = found.end()
        if found[0] == "\\{{":
            open_parts[-1].append("{{")
            continue
        if found[2] is None:
            raise _fault(text, found.start(), "{{ without its }}", field)
        sign, path = found[1], found[2].strip()
        if sign == "!":
            continue
        if not _PATH.fullmatch(path):
            raise _fault(text, found.start(), f"{path!r:.60} is no name of a variable", field)
        if sign in ("#", "^"):
            if len(open_tags) >= MOST_DEPTH:
                raise _fault(text, found.start(), f"sections may be {MOST_DEPTH} deep", field)
            open_tags.append(("#" if sign == "#" else "^", path, found.start()))
            open_parts.append([])
        elif sign == "/":
            if not open_tags or open_tags[-1][1] != path:
                raise _fault(text, found.start(), f"{{{{/{path}}}}} closes no section", field)
            kind, _, _ = open_tags.pop()
            parts = tuple(each for each in open_parts.pop() if each != "")
            open_parts[-1].append(Section(path, kind == "^", parts))
        else:
            open_parts[-1].append(Variable(path))
    if open_tags:
        raise _fault(text, open_tags[-1][2], f"the section {open_tags[-1][1]} is not closed", field)
    open_parts[-1].append(text[after:])
    read = tuple(each for each in open_parts[0] if each != "")
    return Template(text, read, tuple(dict.fromkeys(_names(read))))


def render_template(template: Template, inputs: Mapping[str, Any], field: str = "template") -> str:
    """The text with its values in place.

    Raises InputError for a value that is not given, or a text above `MOST_RENDERED` characters.
    """
    written: list[str] = []
    room = [MOST_RENDERED, MOST_STEPS]
    for piece in _write(template.parts, (inputs,), field):
        room[0] -= len(piece)
        room[1] -= 1
        if room[0] < 0 or room[1] < 0:
            raise InputError("too_long", f"{field} gives more than {MOST_RENDERED:,} characters "
                                         f"or {MOST_STEPS:,} parts with these inputs", field)
        written.append(piece)
    return "".join(written)


def value_text(value: Any) -> str:
    """A value as it stands in a prompt: text as it is, nothing for None, lists and objects as
    JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _names(parts: Sequence[Part]) -> Iterator[str]:
    """First names that must be among the inputs; inside a section they may be an item's own."""
    for part in parts:
        if isinstance(part, Variable):
            yield part.path.partition(".")[0]
        elif isinstance(part, Section):
            yield part.path.partition(".")[0]
            if part.inverted:
                yield from _names(part.parts)


def _write(parts: Sequence[Part], scopes: tuple[Any, ...], field: str) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Variable):
            yield value_text(_find(part.path, scopes, field))
        else:
            value = _find(part.path, scopes, field)
            if part.inverted:
                if _is_absent(value):
                    yield from _write(part.parts, scopes, field)
            elif isinstance(value, list | tuple):
                for item in value:
                    yield ""  # an empty round counts too
                    yield from _write(part.parts, (item, *scopes), field)
            elif not _is_absent(value):
                inner = (value, *scopes) if isinstance(value, Mapping) else scopes
                yield from _write(part.parts, inner, field)


def _is_absent(value: Any) -> bool:
    return value is None or value is False or value == "" or value == [] or value == ()


def _find(path: str, scopes: tuple[Any, ...], field: str) -> Any:
    if path == ".":
        return scopes[0] if len(scopes) > 1 else None
    first, *rest = path.split(".")
    for scope in scopes:
        if isinstance(scope, Mapping) and first in scope:
            value = scope[first]
            for name in rest:
                value = value.get(name) if isinstance(value, Mapping) else None
            return value
    raise InputError("missing_input", f"{field} needs a value for {first!r:.60}", f"inputs.{first}")


def _fault(text: str, place: int, message: str, field: str) -> InputError:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return InputError("invalid_template", f"line {line}, column {column}: {message}", field)
