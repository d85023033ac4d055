"""Events as they come over the wire: JSON lines, plain or gzip, with a verdict for each line."""

import datetime as dt
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Union

import msgspec

from brain.events import KINDS, Event, Rejection, find_fault


class BodyRefused(ValueError):
    """A body that cannot be read at all; ``code`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Lines:
    """What a body held: sound events by kind, and the lines that cannot be used."""

    events: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    rejected: list[Rejection] = field(default_factory=list)
    read: int = 0

    @property
    def accepted(self) -> int:
        """How many events are sound."""
        return sum(map(len, self.events.values()))


class _Kind(msgspec.Struct):
    kind: str = "requests"


_MOST_GZIP_PARTS = 100
_PLACE = re.compile(r" - at `\$\.(.*)`\Z", re.DOTALL)
_NAMED = re.compile(r"\AObject (?:missing required|contains unknown) field `([^`]*)`")
_KIND = msgspec.json.Decoder(_Kind)
_DECODERS = {kind: msgspec.json.Decoder(struct) for kind, struct in KINDS.items()}
_ANY_KIND: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[tuple(KINDS.values())])  # noqa: UP007
_KIND_OF = {struct: kind for kind, struct in KINDS.items()}


def unpack(body: bytes, encoding: str, most_bytes: int, most_lines: int) -> bytes:
    """The plain body. Raises BodyRefused for a broken or too large one."""
    if encoding in {"", "identity"}:
        plain = body
    elif encoding == "gzip":
        plain = _unzip(body, most_bytes)
    else:
        raise BodyRefused("bad_encoding", f"content-encoding {encoding[:40]!r} is not gzip")
    if len(plain) > most_bytes:
        raise BodyRefused("too_large", f"a body holds at most {most_bytes:,} bytes; send less")
    if plain.count(b"\n") + plain.count(b"\r") - plain.count(b"\r\n") > most_lines:
        raise BodyRefused("too_many_lines", f"a body holds at most {most_lines:,} lines; send less")
    return plain


def _unzip(body: bytes, most_bytes: int) -> bytes:
    """All members of a gzip body, at most one byte more than ``most_bytes``."""
    plain = b""
    for _ in range(_MOST_GZIP_PARTS):
        unzip = zlib.decompressobj(wbits=31)
        try:
            plain += unzip.decompress(body, most_bytes + 1 - len(plain))
        except zlib.error as error:
            raise BodyRefused("bad_gzip", f"the body is not gzip: {error}") from error
        if len(plain) > most_bytes:
            return plain
        if not unzip.eof:
            raise BodyRefused("bad_gzip", "the gzip body ends too early")
        body = unzip.unused_data
        if not body:
            return plain
    raise BodyRefused("bad_gzip", f"the body has more than {_MOST_GZIP_PARTS} gzip parts")


def read_lines(body: bytes, latest: dt.datetime, *, reserved: tuple[str, ...] = ()) -> Lines:
    """Every line of ``body`` judged; ``latest`` is the last moment that is not in the future.

    A line is one JSON object with the fields of its ``kind`` ("requests" where none is given).
    A ``source`` that begins with one of ``reserved`` is not the sender's to give.
    """
    if (found := _read_sound(body, latest, reserved)) is not None:
        return found
    found = Lines()
    for number, line in enumerate(body.splitlines(), start=1):
        if not line.strip():
            continue
        found.read += 1
        event = read_line(number, line, latest)
        if not isinstance(event, Rejection) and event[1].source.startswith(reserved):
            event = Rejection(number, "reserved_source", f"source {event[1].source[:40]!r} is "
                              "the console's own; leave it out or name your program", "source")
        if isinstance(event, Rejection):
            found.rejected.append(event)
        else:
            found.events[event[0]].append(event[1])
    return found


def _read_sound(body: bytes, latest: dt.datetime, reserved: tuple[str, ...]) -> Lines | None:
    """A body without a fault, read in one go at half the cost; None where a line needs a look."""
    if b"\\u0000" in body or b"\r" in body or not body:
        return None
    decoder = _ANY_KIND if b'"kind"' in body else _DECODERS["requests"]
    try:
        events: list[Event] = decoder.decode_lines(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if len(events) != body.count(b"\n") + (not body.endswith(b"\n")) \
            or any(find_fault(event, latest) or event.source.startswith(reserved)
                   for event in events):
        return None
    found = Lines(read=len(events))
    for event in events:
        found.events[_KIND_OF[type(event)]].append(event)
    return found


def read_line(number: int, line: bytes, latest: dt.datetime) -> tuple[str, Event] | Rejection:
    """Kind and event of one line, or what is wrong with it."""
    kind = "requests"
    try:
        if b'"kind"' in line:
            kind = _KIND.decode(line).kind
        if kind not in _DECODERS:
            return Rejection(number, "unknown_kind", f"kind {kind[:40]!r} is not one of "
                             f"{', '.join(KINDS)}", "kind")
        event = _DECODERS[kind].decode(line)
    except msgspec.ValidationError as error:
        return Rejection(number, "invalid", str(error)[:500], find_field(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejection(number, "not_json", f"not a JSON object: {error}")
    fault = find_fault(event, latest)
    if fault is None and b"\\u0000" in line:
        fault = _find_nul(event)
    return Rejection(number, *fault) if fault else (kind, event)


def _find_nul(event: Event) -> tuple[str, str, str] | None:
    for name, value in msgspec.structs.asdict(event).items():
        if isinstance(value, str) and "\x00" in value:
            return ("nul_byte", f"{name} holds a NUL character", name)
    return None


def find_field(message: str) -> str:
    """The field that msgspec's ``message`` speaks of, '' where it names none."""
    place, named = _PLACE.search(message), _NAMED.search(message)
    return ".".join(part.group(1) for part in (place, named) if part)[:200]


def receipt(found: Lines) -> dict[str, Any]:
    """The answer to the sender, as JSON."""
    return {"accepted": found.accepted, "rejected": len(found.rejected),
            "errors": [{"line": each.line, "code": each.code, "message": each.message,
                        "field": each.field} for each in found.rejected[:100]]}
