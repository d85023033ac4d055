"""A document cut into passages, and a passage into sentences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TARGET_CHARACTERS = 900
MOST_CHARACTERS = 1_500
_HEADING = re.compile(r"(#{1,6})[ \t]+(.{1,300}?)[ \t]*#*")
_SETEXT = re.compile(r"(=|-){3,}[ \t]*")
_END = re.compile(r"(?<=[.!?:])[ \t\n]+(?=[\"'(\[„“A-ZÄÖÜ0-9`*])"
                  r"|\n(?=[ \t]{0,8}(?:[-*+•|>]|\d{1,3}[.)]|#))|\n{2,}")
_ABBREVIATION = re.compile(r"(?:\b(?:z|B|d|h|u|a|o|i|e|g|bzw|ca|Nr|Dr|Prof|Abs|Art|vgl|Mr|Mrs|Ms|"
                           r"St|vs|etc|usw|ff|inkl|max|min|No|Fig|approx)"
                           r"|(?<!Nr\. )(?<!No\. )\b\d{1,2})\.$")
_MARKS = re.compile(r"^[ \t]*(?:[-*+•>]|\d{1,3}[.)]|#{1,6})[ \t]+|[*_]{2}|`|"
                    r"(?<=\|)[ \t]*:?-{3,}:?[ \t]*(?=\|)")
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\s]{0,1000}\)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage: its place in the document, the headings above it, its text."""

    position: int
    heading: str
    text: str


def cut_passages(text: str) -> tuple[Piece, ...]:
    """Passages of about TARGET_CHARACTERS and at most MOST_CHARACTERS, whole paragraphs where
    they fit. A heading starts a new one and stands over all that follow it."""
    found: list[tuple[str, str]] = []
    waiting: list[str] = []
    size = 0
    path: list[tuple[int, str]] = []
    bare = False  # whether nothing stands under the last heading yet

    def flush(below: int = 0) -> None:
        nonlocal size
        if waiting:
            found.append((" › ".join(title for _, title in path), "\n\n".join(waiting)))
        elif bare and path[-1][0] >= below:
            found.append((" › ".join(title for _, title in path[:-1]), path[-1][1]))
        waiting.clear()
        size = 0
    for paragraph in _paragraphs(text):
        heading = _HEADING.fullmatch(paragraph.strip())
        if heading:
            level = len(heading[1])
            flush(level)
            path = [each for each in path if each[0] < level] + [(level, heading[2].strip())]
            bare = True
            continue
        bare = False
        for part in _split_long(paragraph):
            if waiting and size + len(part) > TARGET_CHARACTERS:
                flush()
            waiting.append(part)
            size += len(part)
    flush()
    return tuple(Piece(place, heading, part) for place, (heading, part) in enumerate(found))


def cut_sentences(text: str) -> tuple[str, ...]:
    """Sentences, list items and table rows of a passage, as they stand."""
    found, start = [], 0
    for each in _END.finditer(text):
        if _ABBREVIATION.search(text[max(start, each.start() - 12):each.start()]):
            continue
        found.append(text[start:each.start()].strip())
        start = each.end()
    found.append(text[start:].strip())
    return tuple(each for each in found if each)


def clean_marks(text: str) -> str:
    """The text without Markdown's signs, in one line."""
    lines = (_MARKS.sub("", line) for line in _LINK.sub(r"\1", text).splitlines())
    return " ".join(" ".join(lines).split()).strip("| ")


def _paragraphs(text: str) -> Iterator[str]:
    """Headings on their own, blocks between blank lines, fenced code in one."""
    block: list[str] = []
    fenced = False
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        bare = line.strip()
        if bare.startswith(("```", "~~~")):
            fenced = not fenced
            block.append(line)
            continue
        if not fenced and block and _SETEXT.fullmatch(bare) and len(block) == 1 \
                and "|" not in block[0] and len(block[0]) < 200:
            yield ("# " if bare[0] == "=" else "## ") + block.pop().strip()
            continue
        if not fenced and (not bare or _HEADING.fullmatch(bare)):
            if block:
                yield "\n".join(block).strip("\n")
                block = []
            if bare:
                yield bare
            continue
        block.append(line)
    if block:
        yield "\n".join(block).strip("\n")


def _split_long(paragraph: str) -> Iterator[str]:
    while len(paragraph) > MOST_CHARACTERS:
        head = paragraph[:MOST_CHARACTERS]
        cut = max(head.rfind("\n"), *(head.rfind(end) + 1 for end in (". ", "! ", "? ")))
        if cut < TARGET_CHARACTERS // 2:
            cut = head.rfind(" ")
        if cut < TARGET_CHARACTERS // 2:
            cut = MOST_CHARACTERS
        yield paragraph[:cut].strip()
        paragraph = paragraph[cut:].strip()
    if paragraph.strip():
        yield paragraph
