"""Cards: one number each, with unit, meaning, status, change and a small line."""

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from pages.ui import charts, data, filters, format, wall

_log = logging.getLogger(__name__)
Colour = Literal["green", "orange", "red", "gray"]
LOOKS: dict[str, tuple[str, str, Colour]] = {
    "ok": ("Well", ":material/check_circle:", "green"),
    "warning": ("Warning", ":material/warning:", "orange"),
    "critical": ("Critical", ":material/error:", "red"),
    "unknown": ("Unknown", ":material/help:", "gray")}
"""Word, icon and colour of each status; the word and the icon say it without the colour."""


@dataclass(frozen=True, slots=True)
class Card:
    """One number. ``change`` has its sign and unit, ``better`` says which way is good.

    ``status`` is ok, warning, critical, unknown or empty; ``note`` stands beside it.
    """

    label: str
    value: str
    help: str
    change: str = ""
    spark: Sequence[float] = ()
    status: str = ""
    better: Literal["lower", "higher", ""] = ""
    note: str = ""


def row(cards: Sequence[Card], *, min_width_px: int = 190) -> None:
    """Cards side by side, as many in a line as fit."""
    if filters.on_wall():
        min_width_px = max(min_width_px, wall.LEAST_CARD_PX)
    with st.grid(min_column_width=min_width_px):
        for card in cards:
            draw(card)


def draw(card: Card) -> None:
    """One card; large on a wall screen."""
    if filters.on_wall():
        _draw_large(card)
        return
    moved = card.change not in {"", "no change"}
    colour = {"lower": "inverse", "higher": "normal", "": "off"}[card.better] if moved else "off"
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.metric(card.label, card.value, help=card.help, delta=card.change or None,
                  delta_color=colour,  # type: ignore[arg-type]
                  delta_arrow="auto" if moved else "off",
                  delta_description="vs before" if card.change else None,
                  chart_data=list(card.spark) if len(card.spark) > 1 else None)
        if card.status or card.note:
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                if card.status:
                    badge(card.status)
                if card.note:
                    st.caption(card.note)


def _draw_large(card: Card) -> None:
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f"**{card.label}**", help=card.help)
        charts.show(wall.number(card.value), f"wall_{card.label}", explained=False)
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            if card.status:
                badge(card.status)
            if card.change:
                st.caption(f"{card.change} vs before")
            if card.note:
                st.caption(card.note)


def badge(status: str) -> None:
    """A status as word and icon."""
    word, icon, colour = LOOKS[status]
    st.badge(word, icon=icon, color=colour)


@contextmanager
def guarded(title: str, help: str | None = None) -> Iterator[None]:
    """A bordered card under a title; what goes wrong in it stays in it, told in words."""
    with st.container(border=True, height="stretch"):
        st.subheader(title, help=help)
        with safe(title):
            yield


@contextmanager
def safe(title: str = "page") -> Iterator[None]:
    """A part of a page whose failure is told in words, with the number of its entry in the log."""
    try:
        yield
    except Exception:
        number = secrets.token_hex(4)
        _log.exception("%s failed, number %s", title, number)
        st.error("This part could not be shown; the rest of the page is right. The cause stands in "
                 f"the log under number {number}.", icon=":material/error:")


def as_of_text(zone: str) -> str:
    """When this part of the page was drawn."""
    return f"As of {format.clock(data.now(), zone)} {zone}"


def empty(sentence: str) -> None:
    """What to show where a range has nothing: the sentence, and the next steps."""
    st.info(sentence, icon=":material/info:")
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, wanted in (("Look at 7 days", "7d"), ("Look at 90 days", "90d")):
            st.button(label, key=f"widen_{wanted}_{sentence[:20]}",
                      on_click=filters.choose_range, args=(wanted,))
        st.page_link("pages/admin/import_data.py", label="Import data", icon=":material/upload:")
