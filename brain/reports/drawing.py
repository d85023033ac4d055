"""Charts as plain shapes, so that HTML and PDF draw the same: bars, lines, texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, BAR_WIDTH_RATIO = 720.0, 0.72
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 8.0, 24.0, 24.0
_ROW, _NAME_WIDTH, _VALUE_WIDTH = 24.0, 190.0, 110.0
_LETTER = 7.4
"""About how wide a letter is at the size of labels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; ``kind`` is bar, rest or track; ``told`` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    kind: str = "bar"
    told: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line; ``kind`` is grid or limit."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "grid"


@dataclass(frozen=True, slots=True)
class Label:
    """A text whose base line begins, is centred or ends at a place."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = "quiet"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a plane; ``title`` says in words what is seen."""

    title: str
    width: float
    height: float
    shapes: tuple[Box | Rule | Label, ...]


def draw_columns(title: str, names: Sequence[str], values: Sequence[float], unit: str,
                 height: float = 232.0) -> Drawing:
    """A column for each value from 0 on, with a scale of round numbers; names are thinned."""
    top = _nice_top(max(values, default=0.0))
    floor, room = height - _BOTTOM, height - _BOTTOM - _TOP
    shapes: list[Box | Rule | Label] = [Label(_LEFT - 6, 11, unit, "end")]
    for step in range(5):
        level = top * step / 4
        y = floor - room * step / 4
        shapes += [Rule(_LEFT, y, WIDTH - _RIGHT, y),
                   Label(_LEFT - 6, y + 4, _scale_text(level, top), "end")]
    slot = (WIDTH - _LEFT - _RIGHT) / max(len(values), 1)
    every = max(1, math.ceil(max((len(each) for each in names), default=1) * _LETTER * 1.4 / slot))
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        tall = room * max(value, 0.0) / top
        x = _LEFT + slot * place + slot * (1 - BAR_WIDTH_RATIO) / 2
        shapes.append(Box(x, floor - tall, slot * BAR_WIDTH_RATIO, tall,
                          told=f"{name}: {value:,.2f} {unit}"))
        if place % every == 0:
            shapes.append(Label(x + slot * BAR_WIDTH_RATIO / 2, height - 8, name, "middle"))
    return Drawing(title, WIDTH, height, tuple(shapes))


def draw_bars(title: str, names: Sequence[str], values: Sequence[float],
              told: Sequence[str], limits: Sequence[float] = ()) -> Drawing:
    """A lying bar for each value with its name and text; the longest fills the width.

    With ``limits`` each bar is held against its own, which is then the full width (or the value,
    where that is more).
    """
    shapes: list[Box | Rule | Label] = []
    room = WIDTH - _NAME_WIDTH - _VALUE_WIDTH - _RIGHT
    longest = max(values, default=0.0) or 1.0
    for place, (name, value, text) in enumerate(zip(names, values, told, strict=True)):
        y = _ROW * place
        whole = longest if not limits else max(limits[place], value) or 1.0
        if limits:
            shapes.append(Box(_NAME_WIDTH, y + 5, room, _ROW - 10, "track"))
        over = bool(limits) and value > limits[place]
        shapes += [
            Label(_NAME_WIDTH - 8, y + _ROW / 2 + 4, shorten(name, _NAME_WIDTH - 12), "end", "ink"),
            Box(_NAME_WIDTH, y + 5, room * max(value, 0.0) / whole, _ROW - 10,
                "over" if over else "bar", f"{name}: {text}"),
            Label(WIDTH - _RIGHT, y + _ROW / 2 + 4, text, "end", "ink")]
        if over:
            x = _NAME_WIDTH + room * limits[place] / whole
            shapes.append(Rule(x, y + 2, x, y + _ROW - 2, "limit"))
    return Drawing(title, WIDTH, max(_ROW * len(values), _ROW), tuple(shapes))


def draw_intervals(title: str, names: Sequence[str],
                   intervals: Sequence[tuple[float, float, float]], low: float, high: float,
                   told: Sequence[str], height: float = 232.0) -> Drawing:
    """An upright bar from lower to upper with a mark at the estimate, for each of (lower,
    estimate, upper), on a scale in percent from ``low`` to ``high``; what reaches beyond is cut."""
    floor, room = height - _BOTTOM, height - _BOTTOM - _TOP

    def y(value: float) -> float:
        return floor - room * (min(max(value, low), high) - low) / (high - low)
    shapes: list[Box | Rule | Label] = []
    for level in (low, (low + high) / 2, high):
        shapes += [Rule(_LEFT, y(level), WIDTH - _RIGHT, y(level)),
                   Label(_LEFT - 6, y(level) + 4, f"{level * 100:+,.1f} %", "end")]
    if low < 0 < high:
        shapes.append(Rule(_LEFT, y(0), WIDTH - _RIGHT, y(0), "limit"))
    slot = (WIDTH - _LEFT - _RIGHT) / max(len(names), 1)
    every = max(1, math.ceil(max((len(each) for each in names), default=1) * _LETTER * 1.4 / slot))
    wide = min(slot * BAR_WIDTH_RATIO, 18.0)
    for place, (name, (lower, estimate, upper), text) in enumerate(
            zip(names, intervals, told, strict=True)):
        x = _LEFT + slot * (place + 0.5)
        shapes += [Box(x - wide / 2, y(upper), wide, y(lower) - y(upper), "rest",
                       f"{name}: {text}"),
                   Box(x - wide / 2, y(estimate) - 1.5, wide, 3, "bar")]
        if place % every == 0:
            shapes.append(Label(x, height - 8, name, "middle"))
    return Drawing(title, WIDTH, height, tuple(shapes))


def shorten(text: str, width: float) -> str:
    """The text, cut with an ellipsis where it would be wider; wide letters count twice."""
    used = 0.0
    for place, letter in enumerate(text):
        used += _LETTER * (1.8 if ord(letter) > 0x2E80 else 1)
        if used > width:
            return text[:max(place - 1, 1)] + "…"
    return text


def to_svg(drawing: Drawing) -> str:
    """The drawing as inline SVG; colours come from the page's classes."""
    parts = [f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" '
             f'aria-label="{escape(drawing.title)}">']
    for each in drawing.shapes:
        if isinstance(each, Box):
            told = f"<title>{escape(each.told)}</title>" if each.told else ""
            parts.append(f'<rect class="{each.kind}" x="{each.x:.2f}" y="{each.y:.2f}" '
                         f'width="{each.width:.2f}" height="{each.height:.2f}">{told}</rect>')
        elif isinstance(each, Rule):
            parts.append(f'<line class="{each.kind}" x1="{each.x1:.2f}" y1="{each.y1:.2f}" '
                         f'x2="{each.x2:.2f}" y2="{each.y2:.2f}"/>')
        else:
            parts.append(f'<text class="{each.kind}" x="{each.x:.2f}" y="{each.y:.2f}" '
                         f'text-anchor="{each.anchor}">{escape(each.text)}</text>')
    return "".join([*parts, "</svg>"])


def _nice_top(most: float) -> float:
    """The next of 1, 2, 4, 6, 8 or 10 times a power of ten."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= most * (1 - 1e-12))


def _scale_text(level: float, top: float) -> str:
    if top >= 8:
        return f"{level:,.0f}" if top >= 40 or level == int(level) else f"{level:,.1f}"
    places = 2 - math.floor(math.log10(top)) if top < 1 else 2
    return f"{level:.{places}f}"
