"""Text out of documents: plain, Markdown, HTML and PDF, in any usual encoding."""

import io
import re
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import PurePosixPath

from brain.decisions.reasons import InputError

MOST_BYTES = 20_000_000
MOST_CHARACTERS = 5_000_000
MOST_PAGES = 2_000
MOST_PDF_S = 60.0
KINDS = {".txt": "text/plain", ".text": "text/plain", ".log": "text/plain", ".csv": "text/plain",
         ".rst": "text/plain", ".md": "text/markdown", ".markdown": "text/markdown",
         ".html": "text/html", ".htm": "text/html", ".xhtml": "text/html",
         ".pdf": "application/pdf"}
"""What can be read, by the ending of a file's name."""

_CHARSET = re.compile(rb"charset\s{0,5}=\s{0,5}[\"']?([\w-]{2,40})", re.IGNORECASE)
_HIDDEN = {"script", "style", "noscript", "template", "nav", "svg", "iframe", "object", "head"}
_BREAKS = {"p", "div", "br", "tr", "section", "article", "ul", "ol", "table", "blockquote", "pre",
           "dl", "dd", "dt", "figure", "hr", "main", "header", "footer", "form", "details",
           "summary"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "col", "area", "base", "source", "wbr"}


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document's text with headings as in Markdown, and what it was."""

    media_type: str
    text: str
    size_bytes: int


def read_document(data: bytes, name: str, media_type: str = "") -> ReadDocument:
    """The text of a document. Its kind is told by its content, its name or ``media_type``.

    Raises InputError with what is wrong and what would be right: too large, empty, of another
    kind, damaged, locked, or a scan without text.
    """
    if len(data) > MOST_BYTES:
        raise InputError("too_large", f"{name!r:.80} has {len(data):,} bytes; a document may have "
                         f"{MOST_BYTES:,}. Split it into parts.", "data")
    kind = _tell_kind(data, name, media_type)
    if kind == "application/pdf":
        text = _read_pdf(data, name)
    else:
        text = decode_text(data, name)
        if kind == "text/html":
            text = read_html(text)
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > MOST_CHARACTERS:
        raise InputError("too_large", f"{name!r:.80} has {len(text):,} characters of text; a "
                         f"document may have {MOST_CHARACTERS:,}. Split it into parts.", "data")
    if not any(each.isalnum() for each in text):
        raise InputError("empty", f"{name!r:.80} holds no text", "data")
    return ReadDocument(kind, text, len(data))


def decode_text(data: bytes, name: str = "the text") -> str:
    """Text by its byte order mark, as UTF-8, by the charset it declares, else as Windows-1252.

    Raises InputError for what is no text.
    """
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"),
             (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    encoding = next((each for mark, each in marks if data.startswith(mark)), "")
    try:
        if encoding:
            return data.decode(encoding)
        if b"\x00" not in data:
            return data.decode("utf-8")
    except (UnicodeDecodeError, LookupError) as error:
        if encoding:
            raise InputError("bad_encoding", f"{name!r:.80} says that it is {encoding}, but is not "
                             f"at byte {getattr(error, 'start', 0):,}. Save it as UTF-8.",
                             "data") from error
    controls = sum(data.count(bytes([each])) for each in (*range(9), *range(14, 27)))
    if b"\x00" in data or controls > len(data) // 200:
        raise InputError("not_text", f"{name!r:.80} is no text. Readable are plain text, Markdown, "
                                     "HTML and PDF.", "data")
    declared = _CHARSET.search(data[:4_096])
    for each in (*([declared[1].decode("ascii")] if declared else []), "cp1252", "latin-1"):
        try:
            return data.decode(each)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def read_html(page: str) -> str:
    """What a reader of the page sees, headings and list items as in Markdown."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    lines = ("".join(parser.parts)).split("\n")
    text = "\n".join(" ".join(line.split()) for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden or tag in _HIDDEN:
            if tag in _HIDDEN and tag not in _VOID:
                self._hidden.append(tag)
            return
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self.parts.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in ("td", "th"):
            self.parts.append(" | ")
        elif tag in _BREAKS:
            self.parts.append("\n" if tag in ("br", "tr") else "\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[self._hidden.index(tag):]
            return
        if tag in _BREAKS or (len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()):
            self.parts.append("\n\n" if tag not in ("tr", "br") else "")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _tell_kind(data: bytes, name: str, media_type: str) -> str:
    if data.lstrip()[:5] == b"%PDF-":
        return "application/pdf"
    given = media_type.partition(";")[0].strip().lower()
    ending = PurePosixPath(name.lower()).suffix
    if given in set(KINDS.values()) - {"application/pdf"}:
        kind = given
    elif ending in KINDS:
        kind = KINDS[ending]
    elif given.startswith("text/") or not given or given == "application/octet-stream":
        kind = "text/plain"
    else:
        raise InputError("unknown_kind", f"{name!r:.80} is {given!r:.60}, which cannot be read. "
                         "Readable are plain text, Markdown, HTML and PDF.", "media_type")
    if kind == "application/pdf":
        raise InputError("not_a_pdf", f"{name!r:.80} does not begin as a PDF does", "data")
    if kind == "text/plain" and re.match(rb"\s{0,200}<(?:!doctype html|html)\b", data[:400],
                                         re.IGNORECASE):
        return "text/html"
    return kind


def _read_pdf(data: bytes, name: str) -> str:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError
    deadline = time.monotonic() + MOST_PDF_S
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError("locked", f"{name!r:.80} needs a password. Save it without one.",
                             "data")
        if len(reader.pages) > MOST_PAGES:
            raise InputError("too_large", f"{name!r:.80} has {len(reader.pages):,} pages; a "
                             f"document may have {MOST_PAGES:,}. Split it into parts.", "data")
        pages, size = [], 0
        for page in reader.pages:
            pages.append(page.extract_text())
            size += len(pages[-1])
            if size > MOST_CHARACTERS or time.monotonic() > deadline:
                raise InputError("too_large", f"{name!r:.80} takes too long to read. Split it into "
                                              "parts.", "data")
    except InputError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError,
            RuntimeError, ArithmeticError, OSError, AssertionError) as error:
        raise InputError("damaged", f"{name!r:.80} is a PDF that cannot be read "
                         f"({type(error).__name__})", "data") from error
    text = "\n\n".join(pages)
    if not text.strip():
        raise InputError("no_text", f"{name!r:.80} is a PDF of pictures without text. Run text "
                                    "recognition (OCR) over it first.", "data")
    return text
