"""A statement as PDF: our own fonts embedded, so that every name is legible everywhere."""

import datetime as dt
import io
import logging
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from brain.reports.drawing import Box, Drawing, Label, Rule
from brain.reports.statement import Grid, Section, Statement

if TYPE_CHECKING:
    from fpdf import FPDF

PAGE_WIDTH_MM, MARGIN_MM = 210.0, 16.0
ROOM_MM = PAGE_WIDTH_MM - 2 * MARGIN_MM
INK, QUIET, LINE = (23, 33, 31), (90, 102, 100), (205, 213, 211)
FILLS = {"bar": (21, 122, 110), "rest": (147, 165, 161), "over": (180, 35, 45),
         "track": (238, 242, 241)}
WARN = (138, 75, 0)
_FONT = "Noto"
_FIRST_FAR_EAST = 0x2E80
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))
_STROKE_MM = 0.03
"""The far-eastern fonts are thin as they come: their letters get an outline."""
_CELL_PT, _ROW_MM, _LEAST_MM = 8.0, 5.2, 12.0
logging.getLogger("fontTools").setLevel(logging.ERROR)
logging.getLogger("fpdf").setLevel(logging.ERROR)


def to_pdf(statement: Statement, made_at_utc: dt.datetime) -> bytes:
    """The statement as an A4 document of at least one page, with page numbers."""
    page = _document(statement.title)
    page.set_creation_date(made_at_utc)
    with tempfile.TemporaryDirectory() as folder:
        _add_fonts(page, Path(folder), _far_east(_texts(statement)))
        page.add_page()
        _head(page, statement)
        _figures(page, statement)
        for section in statement.sections:
            _section(page, section)
        out = io.BytesIO()
        page.output(out)
    return out.getvalue()


def _document(title: str) -> "FPDF":
    from fpdf import FPDF

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(_FONT, "", 7.5)
            self.set_text_color(*QUIET)
            self.cell(0, 5, f"{title} · page {self.page_no()} of {{nb}}", align="R")
    page = Document(format="A4")
    page.set_margin(MARGIN_MM)
    page.set_auto_page_break(True, 18)
    page.set_title(title)
    page.set_creator("Brain Console")
    page.set_lang("en")
    return page


def _add_fonts(page: "FPDF", folder: Path, far_east: tuple[str, ...]) -> None:
    for style, name in (("", "notos"), ("B", "notosbo")):
        path = folder / f"{name}.ttf"
        path.write_bytes(_font(name))
        page.add_font(_FONT, style, path)
    fonts = files("justmytype_intl_cjk") / "fonts" / "ofl"
    for name in far_east:
        page.add_font(name, "", Path(str(fonts / name.lower() / f"{name}[wght].ttf")))
    page.set_fallback_fonts(list(far_east), exact_match=False)


@cache
def _font(name: str) -> bytes:
    import pymupdf_fonts
    return bytes(pymupdf_fonts.fontbuffers[name]())


def _texts(statement: Statement) -> str:
    parts = [statement.title, statement.about]
    for section in statement.sections:
        parts += section.sentences
        if section.grid:
            parts += [text for row in section.grid.rows for text in row]
    return "".join(parts)


def _far_east(text: str) -> tuple[str, ...]:
    """The fonts that the letters of a text need besides our own; most texts need none."""
    codes = {ord(letter) for letter in text}
    korean = any(first <= code <= last for code in codes for first, last in _HANGUL)
    other = any(code >= _FIRST_FAR_EAST for code in codes
                if not any(first <= code <= last for first, last in _HANGUL))
    return (*(("NotoSansSC",) if other else ()), *(("NotoSansKR",) if korean else ()))


def _plain(text: str) -> str:
    """The text without what no font draws: controls and what turns the direction of writing."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _head(page: "FPDF", statement: Statement) -> None:
    page.set_text_color(*INK)
    page.set_font(_FONT, "B", 18)
    page.cell(0, 9, _plain(statement.title), new_x="LMARGIN", new_y="NEXT")
    page.set_font(_FONT, "", 9)
    page.set_text_color(*QUIET)
    page.cell(0, 5, _plain(statement.about), new_x="LMARGIN", new_y="NEXT")
    page.set_text_color(*WARN)
    for mark in statement.marks:
        page.cell(0, 5, _plain(mark), new_x="LMARGIN", new_y="NEXT")
    page.ln(4)


def _figures(page: "FPDF", statement: Statement) -> None:
    """Three figures side by side in each row."""
    width, height, gap = (ROOM_MM - 8) / 3, 17.0, 4.0
    top = page.get_y()
    for place, each in enumerate(statement.figures):
        x = MARGIN_MM + place % 3 * (width + gap)
        y = top + place // 3 * (height + gap)
        page.set_fill_color(*FILLS["track"])
        page.rect(x, y, width, height, style="F", round_corners=True, corner_radius=1.5)
        for text, size, style, colour, offset in (
                (each.name, 7.5, "", QUIET, 1.5), (each.value, 12, "B", INK, 6.2),
                (each.note, 7.5, "", QUIET, 11.8)):
            page.set_xy(x + 2, y + offset)
            page.set_font(_FONT, style, size)
            page.set_text_color(*colour)
            page.cell(width - 4, 4.5, _fitted(page, _plain(text), width - 4))
    rows = (len(statement.figures) + 2) // 3
    page.set_xy(MARGIN_MM, top + rows * (height + gap) + 2)


def _section(page: "FPDF", section: Section) -> None:
    height = 0.0 if section.chart is None else _chart_height(section.chart)
    if page.will_page_break(16 + height):
        page.add_page()
    page.set_text_color(*INK)
    page.set_font(_FONT, "B", 12)
    page.ln(2)
    page.cell(0, 7, _plain(section.title), new_x="LMARGIN", new_y="NEXT")
    page.set_font(_FONT, "", 8.5)
    for sentence in section.sentences:
        page.multi_cell(0, 4.6, _plain(sentence), align="L", new_x="LMARGIN", new_y="NEXT")
    if section.chart is not None:
        _chart(page, section.chart)
    if section.grid is not None:
        _grid(page, section.grid)
    page.ln(2)


def _chart_height(drawing: Drawing) -> float:
    return drawing.height * ROOM_MM / drawing.width


def _chart(page: "FPDF", drawing: Drawing) -> None:
    scale, top = ROOM_MM / drawing.width, page.get_y() + 1
    if page.will_page_break(_chart_height(drawing)):
        page.add_page()
        top = page.get_y()
    page.set_line_width(0.15)
    for each in drawing.shapes:
        if isinstance(each, Box):
            page.set_fill_color(*FILLS[each.kind])
            page.rect(MARGIN_MM + each.x * scale, top + each.y * scale, each.width * scale,
                      each.height * scale, style="F")
        elif isinstance(each, Rule):
            page.set_draw_color(*(INK if each.kind == "limit" else LINE))
            page.line(MARGIN_MM + each.x1 * scale, top + each.y1 * scale,
                      MARGIN_MM + each.x2 * scale, top + each.y2 * scale)
        else:
            _label(page, each, MARGIN_MM + each.x * scale, top + each.y * scale)
    page.set_xy(MARGIN_MM, top + _chart_height(drawing) + 2)


def _label(page: "FPDF", label: Label, x: float, y: float) -> None:
    page.set_font(_FONT, "", 7.5)
    page.set_text_color(*(INK if label.kind == "ink" else QUIET))
    text = _plain(label.text)
    page.set_xy(x, y - 4)
    width = page.get_string_width(text) + 2 * page.c_margin
    page.set_x({"start": x - page.c_margin, "middle": x - width / 2,
                "end": x - width + page.c_margin}[label.anchor])
    _write(page, width, 4.6, text, "L")


def _grid(page: "FPDF", grid: Grid) -> None:
    """The table; the head is repeated on each page, a name that is too long is cut."""
    widths = _widths(page, grid)

    def draw(cells: tuple[str, ...], style: str, colour: tuple[int, int, int]) -> None:
        page.set_font(_FONT, style, _CELL_PT)
        page.set_text_color(*colour)
        for text, width, right in zip(cells, widths, grid.right, strict=True):
            _write(page, width, _ROW_MM, _fitted(page, _plain(text), width - 2),
                   "R" if right else "L")
        page.ln(_ROW_MM)
        page.set_draw_color(*LINE)
        page.set_line_width(0.15)
        page.line(MARGIN_MM, page.get_y(), MARGIN_MM + ROOM_MM, page.get_y())
    draw(grid.heads, "B", QUIET)
    for place, row in enumerate(grid.rows):
        if page.will_page_break(_ROW_MM):
            page.add_page()
            draw(grid.heads, "B", QUIET)
        is_sum = grid.has_sum and place == len(grid.rows) - 1
        draw(row, "B" if is_sum else "", INK)


def _write(page: "FPDF", width: float, height: float, text: str, align: str) -> None:
    """A cell of text at the present place."""
    if not _far_east(text):
        page.cell(width, height, text, align=align)
        return
    from fpdf.enums import TextMode
    page.set_draw_color(*INK)
    with page.local_context(text_mode=TextMode.FILL_STROKE, line_width=_STROKE_MM):
        page.cell(width, height, text, align=align)


def _widths(page: "FPDF", grid: Grid) -> list[float]:
    """Columns as wide as their widest text, the widest one cut until the page holds them all."""
    page.set_font(_FONT, "B", _CELL_PT)
    wanted = [max(page.get_string_width(_plain(row[column])) for row in (grid.heads, *grid.rows))
              + 3.2 for column in range(len(grid.heads))]
    while sum(wanted) > ROOM_MM:
        widest = max(range(len(wanted)), key=lambda column: wanted[column])
        over = sum(wanted) - ROOM_MM
        wanted[widest] = max(wanted[widest] - max(over, 0.1), wanted[widest] * 0.8, _LEAST_MM)
        if wanted[widest] == _LEAST_MM:
            return [each * ROOM_MM / sum(wanted) for each in wanted]
    spare = ROOM_MM - sum(wanted)
    texts = [column for column, right in enumerate(grid.right) if not right] or [0]
    for column in texts:
        wanted[column] += spare / len(texts)
    return wanted


def _fitted(page: "FPDF", text: str, width: float) -> str:
    """The text, cut with an ellipsis until it fits."""
    if page.get_string_width(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if page.get_string_width(text[:middle] + "…") <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"
