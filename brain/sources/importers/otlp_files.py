"""OTLP protobuf files: traces data one after another, or with a length before each.

Source: OpenTelemetry Protocol file exporter; the Collector's writes a length of four bytes.
"""

from collections.abc import Iterator
from pathlib import Path

from brain.sources.importers.plan import ImportRefused

_FIELD = 0x0A  # resource_spans, and in it resource: field 1, length first
_SCOPES = 0x12
MOST_MESSAGE_BYTES = 256_000_000
_BROKEN = "the file is no sound OTLP protobuf"


def looks_like(head: bytes, size: int) -> bool:
    """Whether bytes that are no text begin like OTLP traces of ``size`` bytes."""
    framed = int.from_bytes(head[:4], "big")
    return _begins(head, size) or (framed <= size - 4 and _begins(head[4:], framed))


def split_messages(path: Path) -> Iterator[bytes]:
    """The ResourceSpans messages of a file, one at a time. Raises ImportRefused where it breaks."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        file.seek(0)
        framed = not _begins(head, size)
        while file.tell() < size:
            end = size
            if framed:
                end = file.tell() + 4 + int.from_bytes(file.read(4), "big")
                _check(end, size, size)
            while (place := file.tell()) < end:
                start = file.read(12)
                length, used = _read_length(start)
                if start[0] != _FIELD or used == 0:
                    raise ImportRefused("broken_protobuf", f"{_BROKEN} at byte {place:,}", "file")
                begin = place + 1 + used
                _check(begin + length, end, size)
                if length > MOST_MESSAGE_BYTES:
                    raise ImportRefused("too_large", f"one message has {length:,} bytes; at most "
                                        f"{MOST_MESSAGE_BYTES:,} are read", "file")
                file.seek(begin)
                yield file.read(length)


def _check(place: int, end: int, size: int) -> None:
    if place > end:
        raise ImportRefused("broken_protobuf", f"{_BROKEN}: it ends too early, at byte {size:,}",
                            "file")


def _begins(head: bytes, size: int) -> bool:
    if len(head) < 3 or head[0] != _FIELD:
        return False
    length, used = _read_length(head)
    inner = head[1 + used:2 + used]
    return (used > 0 and 0 < length <= size - 1 - used
            and inner in (bytes([_FIELD]), bytes([_SCOPES])))


def _read_length(start: bytes) -> tuple[int, int]:
    """A varint behind the first byte and how many bytes it takes, 0 where there is none."""
    value = 0
    for place, byte in enumerate(start[1:11]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, place + 1
    return 0, 0
