"""The objects of a JSON or CSV file, one at a time, however the file wraps them."""

import codecs
import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from brain.decisions.reasons import InputError
from brain.sources.importers.csv_file import read_header
from brain.sources.importers.jsonl_file import iterate_lines
from brain.sources.importers.opening import BLOCK_BYTES, Ready
from brain.sources.importers.plan import ImportRefused

CONTAINERS = ("data", "resourceSpans")
"""Keys of the outermost object whose list holds the records: pages of an API, OTLP batches."""

_MOST_VALUE = 4 * BLOCK_BYTES
_SPACE = " \t\r\n"
Found = dict[str, Any] | InputError


def iterate_objects(ready: Ready) -> Iterator[Found]:
    """Every record of a text file: a dict, or what is wrong with a line.

    Reads JSON lines, objects one after another, one array, and objects that hold their records
    in a list of `CONTAINERS`; a CSV row is a dict of texts. Raises ImportRefused where the rest
    of the file cannot be read.
    """
    start = ready.head.lstrip()[:1]
    if start not in (b"{", b"["):
        yield from _csv_rows(ready)
    elif has_object_lines(ready.head):
        for _, lines in iterate_lines(ready):
            for line in lines:
                yield from _line(line)
    else:
        yield from _document(ready)


def has_object_lines(head: bytes) -> bool:
    """Whether a file's first line is a whole JSON object."""
    try:
        return isinstance(json.loads(head.lstrip().split(b"\n")[0]), dict)
    except (ValueError, RecursionError):
        return False


def _line(line: bytes) -> Iterator[Found]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield InputError("not_json", "the line is not a JSON object")
        return
    yield from _unwrap(value)


def _unwrap(value: dict[str, Any]) -> Iterator[Found]:
    for key in CONTAINERS:
        if isinstance(value.get(key), list):
            for each in value[key]:
                yield _object(each)
            return
    yield value


def _object(value: Any) -> Found:
    return value if isinstance(value, dict) else InputError("not_json", "not a JSON object")


def _csv_rows(ready: Ready) -> Iterator[Found]:
    header = read_header(ready.head)
    csv.field_size_limit(max(csv.field_size_limit(), BLOCK_BYTES))  # a cell may hold a prompt
    try:
        with ready.path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=header.separator)
            next(rows)
            for row in rows:
                if not any(row):
                    continue
                if len(row) == len(header.names):
                    yield dict(zip(header.names, row, strict=True))
                else:
                    yield InputError("wrong_columns", f"{len(row)} values where the header names "
                                     f"{len(header.names)}")
    except (csv.Error, StopIteration) as error:
        raise ImportRefused("broken_csv", f"the file is no sound CSV: {error}", "file") from error


def _document(ready: Ready) -> Iterator[Found]:
    with ready.path.open("rb") as file:
        text = _Text(file)
        try:
            while letter := text.peek():
                if letter == "[":
                    for each in text.elements():
                        yield _object(each)
                elif letter == "{":
                    yield from text.members()
                else:
                    raise ValueError(f"{letter!r} where an object should begin")
        except (ValueError, RecursionError) as error:
            if isinstance(error, ImportRefused):
                raise
            raise ImportRefused("broken_json", f"the file is no sound JSON: {error}"[:300],
                                "file") from error


class _Text:
    """A file read as JSON piece by piece; ValueError where it is none."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._decode = file, codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._place, self._ended = "", 0, False
        self._reads = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next letter that is no space, '' at the end."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._text) or not self._more():
                return self._text[self._place:self._place + 1]

    def elements(self) -> Iterator[Any]:
        """The values of the array that begins here."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield self._value()
            if self.peek() == "]":
                self._take("]")
                return
            self._take(",")

    def members(self) -> Iterator[Found]:
        """The records of the object that begins here: those of its list, or itself."""
        self._take("{")
        whole: dict[str, Any] = {}
        wraps = False
        while self.peek() != "}":
            key = self._value()
            if not isinstance(key, str):
                raise ValueError("a key that is no text")
            self._take(":")
            if key in CONTAINERS and self.peek() == "[":
                wraps = True
                for each in self.elements():
                    yield _object(each)
            else:
                whole[key] = self._value()
            if self.peek() != "}":
                self._take(",")
        self._take("}")
        if not wraps:
            yield whole

    def _take(self, letter: str) -> None:
        found = self.peek()
        if found != letter:
            raise ValueError(f"{found!r} where {letter!r} should stand" if found
                             else "the file ends too early")
        self._place += 1

    def _value(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = self._reads(self._text, self._place)
            except json.JSONDecodeError:
                if not self._more():
                    raise
            else:
                if end < len(self._text) or not self._more():  # a number may go on
                    self._place = end
                    return value

    def _more(self) -> bool:
        """Whether there was more to read; reads twice as much each time a value is not over."""
        rest = len(self._text) - self._place
        if rest > _MOST_VALUE:
            raise ImportRefused("value_too_long", f"one value has more than {_MOST_VALUE:,} "
                                "characters; write one object per line instead", "file")
        block = b"" if self._ended else self._file.read(max(1_000_000, rest))
        self._ended = not block
        self._text = self._text[self._place:] + self._decode(block, self._ended)
        self._place = 0
        return not self._ended
