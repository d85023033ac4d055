"""The machine form of a decision: JSON lines in, one JSON line out for each, in order."""

import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from brain.decisions.reasons import InputError

LONGEST_LINE_BYTES = 64_000_000
_PLACE = re.compile(r" - at `\$?\.?(.*)`\Z", re.DOTALL)
_NAMED = re.compile(r"Object (missing required|contains unknown) field `([^`]{0,200})")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a line: ``code`` for machines, ``field`` names the place."""

    code: str
    message: str
    field: str


class FaultLine(msgspec.Struct, frozen=True):
    """The output line of an input line that cannot be used."""

    error: Fault


class ReasonOut(msgspec.Struct, frozen=True):
    """Why a decision is as it is: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Form:
    """A decision's two sides and how to get from one to the other.

    ``prepare`` takes the options and gives the function that turns one ``taken`` into one
    ``given``; heavy imports belong in it. That function raises InputError for a line it
    cannot use, and nothing else. ``needs`` are JSON Schemas of which a line fulfils at least one,
    where the types alone allow more. ``read_text`` gives the ``taken`` of a line that is no JSON
    object, or None for one that only heads those after it and has no answer. ``closing`` is
    what that function's ``close`` gives as a last line, or None.
    """

    taken: type[msgspec.Struct]
    given: type[msgspec.Struct]
    prepare: Callable[[Namespace], Callable[[Any], Any]]
    read_text: Callable[[str], Any] | None = None
    needs: tuple[dict[str, Any], ...] = ()
    closing: type[msgspec.Struct] | None = None

    @cached_property
    def decoder(self) -> "msgspec.json.Decoder[Any]":
        """Strict reader of one input line."""
        return msgspec.json.Decoder(self.taken)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of ``input`` and ``output``; a bad line's output is ``FaultLine``."""
        last = (self.closing,) if self.closing else ()
        answers, defined = msgspec.json.schema_components(
            (self.given, FaultLine, *last), ref_template="#/$defs/{name}")
        needed = {"anyOf": list(self.needs)} if self.needs else {}
        return {"input": msgspec.json.schema(self.taken) | needed,
                "output": {"anyOf": list(answers), "$defs": defined}}


def run_form(form: Form, arguments: Namespace) -> int:
    """Exit status after answering every line: 1 if any could not be used, else 0."""
    if arguments.schema:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(form.schema())) + b"\n")
        return 0
    decide = form.prepare(arguments)
    path = getattr(arguments, "in")
    if path is None:
        return answer_lines(form, decide, sys.stdin.buffer, sys.stdout.buffer)
    with Path(path).open("rb") as lines:
        return answer_lines(form, decide, lines, sys.stdout.buffer)


def answer_lines(form: Form, decide: Callable[[Any], Any], lines: BinaryIO, out: BinaryIO) -> int:
    """1 if any line could not be used, else 0; each answer is flushed before the next line."""
    encode = msgspec.json.Encoder(decimal_format="string").encode
    status = 0
    for line in _read_lines(lines):
        try:
            taken = _decode(form, line)
            if taken is None:
                continue
            answer = decide(taken)
        except InputError as error:
            status = 1
            answer = FaultLine(Fault(error.code, error.message, error.field))
        out.write(encode(answer) + b"\n")
        out.flush()
    if form.closing and (last := decide.close()) is not None:  # type: ignore[attr-defined]
        out.write(encode(last) + b"\n")
    return status


def _read_lines(lines: BinaryIO) -> Iterator[bytes | None]:
    """Lines without their end; None for one longer than allowed, whose rest is skipped."""
    while line := lines.readline(LONGEST_LINE_BYTES + 1):
        if len(line) > LONGEST_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := lines.readline(LONGEST_LINE_BYTES)) and not rest.endswith(b"\n"):
                continue
            yield None
        else:
            yield line.rstrip(b"\r\n")


def _decode(form: Form, line: bytes | None) -> Any:
    if line is None:
        raise InputError("line_too_long", f"a line may have {LONGEST_LINE_BYTES:,} bytes")
    if not line.strip():
        raise InputError("empty_line", "the line is empty; it must be a JSON object")
    try:
        text = line.decode()
        if form.read_text is not None and not line.lstrip().startswith(b"{"):
            return form.read_text(text)
        return form.decoder.decode(line)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError("invalid_utf8", f"the line is not UTF-8 at byte {error.start}") from error
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from error
    except msgspec.DecodeError as error:
        raise InputError("invalid_json", str(error)[:300]) from error
    except (RecursionError, ValueError, ArithmeticError, OverflowError) as error:
        raise InputError("invalid_value", f"the line cannot be read: {error!s:.300}") from error


def _explain(text: str) -> InputError:
    """The fault behind msgspec's message, with the field it names."""
    place = _PLACE.search(text)
    message = text[:place.start()] if place else text
    parts = [place[1]] if place and place[1] else []
    code = "invalid_value"
    if named := _NAMED.match(message):
        code = "missing_field" if named[1].startswith("missing") else "unknown_field"
        parts.append(named[2])
    field = ".".join(parts)
    if place and not named and field:
        message = f"{field}: {message}"
    return InputError(code, message[:300], field[:300])
