"""A file made ready to read: it is there, is not too large, is plain UTF-8 where it is text."""

import codecs
import gzip
import hashlib
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brain.sources.importers import otlp_files
from brain.sources.importers.plan import ImportRefused

BLOCK_BYTES = 8_000_000
_GZIP, _PARQUET, _ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that can be read: ``path`` is plain, ``sha256`` is that of the file as it came.

    ``lines`` counts line ends, for progress; a Parquet or protobuf file has none.
    """

    path: Path
    sha256: str
    is_parquet: bool
    lines: int
    head: bytes
    notes: tuple[str, ...] = ()
    is_protobuf: bool = False


def make_ready(path: Path, folder: Path, most_bytes: int) -> Ready:
    """The file, unpacked and as UTF-8 in ``folder`` where it is not so already.

    Raises ImportRefused for a file that is missing, no regular file, empty, too large (also
    after unpacking), broken, or in another encoding.
    """
    _check_place(path, most_bytes)
    notes = []
    try:
        with path.open("rb") as file:
            start = file.read(4)
        sha256 = _hash(path)
        if start.startswith(_GZIP):
            path = _copy(_unpack(path, most_bytes), folder / "unpacked")
            notes.append("unpacked from gzip")
            with path.open("rb") as file:
                start = file.read(4)
        if start == _PARQUET:
            return Ready(path, sha256, True, 0, start, tuple(notes))
        if start == _ZIP:
            raise ImportRefused("is_zip", "this is a zip archive or an Excel workbook; unpack it, "
                                "or save the sheet as CSV", "file")
        if not start:
            raise ImportRefused("empty_file", "the file is empty", "file")
        if head := _protobuf_head(path, start):
            return Ready(path, sha256, False, 0, head, tuple(notes), is_protobuf=True)
        if encoding := _UTF16.get(start[:2]):
            path = _copy(_decode(path, encoding), folder / "decoded")
            notes.append(f"read as {encoding.upper()}")
        lines = _check_text(path)
        with path.open("rb") as file:
            head = file.read(1_000_000).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise ImportRefused("unreadable", f"the file cannot be read: {error.strerror or error}",
                            "file") from error
    if not head.strip():
        raise ImportRefused("empty_file", "the file has nothing in it", "file")
    return Ready(path, sha256, False, lines, head, tuple(notes))


def _check_place(path: Path, most_bytes: int) -> None:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise ImportRefused("no_file", f"there is no file {str(path)[:300]!r}", "file") from error
    if stat.S_ISDIR(found.st_mode):
        raise ImportRefused("is_folder", f"{path} is a folder; name a file in it", "file")
    if not stat.S_ISREG(found.st_mode):
        raise ImportRefused("no_file", f"{path} is not a regular file", "file")
    if found.st_size == 0:
        raise ImportRefused("empty_file", "the file is empty", "file")
    if found.st_size > most_bytes:
        raise ImportRefused("too_large", f"the file has {found.st_size:,} bytes, at most "
                            f"{most_bytes:,} are taken (BRAIN_INGEST_MAX_FILE_BYTES)", "file")


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _copy(blocks: Iterator[bytes], target: Path) -> Path:
    with target.open("wb") as file:
        for block in blocks:
            file.write(block)
    return target


def _unpack(path: Path, most_bytes: int) -> Iterator[bytes]:
    size = 0
    try:
        with gzip.open(path) as file:
            while block := file.read(BLOCK_BYTES):
                size += len(block)
                if size > most_bytes:
                    raise ImportRefused("too_large", f"unpacked, the file has more than "
                                        f"{most_bytes:,} bytes (BRAIN_INGEST_MAX_FILE_BYTES)",
                                        "file")
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ImportRefused("bad_gzip", f"the gzip file is broken: {error}", "file") from error


def _decode(path: Path, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for number, block in enumerate(_blocks(path)):
            yield decoder.decode(block[2:] if number == 0 else block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise ImportRefused("wrong_encoding", f"the file says it is {encoding.upper()} but is "
                            "not; save it as UTF-8", "file") from error


def _protobuf_head(path: Path, start: bytes) -> bytes:
    """The first bytes of a file that holds traces in protobuf, b'' where it is another."""
    if start[:1] not in (b"\x00", b"\x0a"):
        return b""
    with path.open("rb") as file:
        head = file.read(100_000)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        is_text = b"\x00" not in head
    except UnicodeDecodeError:
        is_text = False
    return head if not is_text and otlp_files.looks_like(head, path.stat().st_size) else b""


def _check_text(path: Path) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, last = 0, b"\n"
    try:
        for block in _blocks(path):
            decoder.decode(block)
            lines += block.count(b"\n")
            last = block[-1:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        bad = error.object[error.start]
        line = lines + 1 + error.object[:error.start].count(b"\n")
        raise ImportRefused("wrong_encoding", f"line {line:,} is not UTF-8 (byte 0x{bad:02x}); "
                            "save the file as UTF-8", "file") from error
    return lines + (last != b"\n")
