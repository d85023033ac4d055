"""A statement as people read it: figures, sections with charts and tables; as a page of HTML."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from brain.reports.drawing import Drawing, to_svg


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name and a note under it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of text under heads; ``right`` says which columns are numbers; the last row may sum."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    has_sum: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A title, sentences, a chart and a table, each of which may be missing."""

    title: str
    sentences: tuple[str, ...] = ()
    chart: Drawing | None = None
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A report: title, the span in words, marks, figures and sections."""

    title: str
    about: str
    marks: tuple[str, ...]
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]


def to_html(statement: Statement) -> str:
    """The statement as one page that needs nothing else, for screen (light and dark) and paper."""
    return str(_template().render(statement=statement, to_svg=to_svg))


@cache
def _template() -> Any:
    import jinja2
    text = Path(__file__).with_name("statement.html.j2").read_text()
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True).from_string(text)
