"""Choosing in a chart or table: the choice becomes the page's filter, and comes off again."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.ui import filters
from pages.ui.filters import View

HINT = ("Click a bar or choose a row to look at it alone; again, or its button above, takes it "
        "back. By keyboard: the lists beside the page.")


def narrower(key: str, by: str, names: Sequence[str | None],
             chosen: Callable[[Any], list[int]]) -> Callable[[], None]:
    """A callback that turns what is chosen in widget ``key`` into the filter of a dimension.

    Choosing what the page shows alone already takes the filter back.
    """
    def narrow() -> None:
        picked = [names[place] for place in chosen(st.session_state[key]["selection"])
                  if place < len(names)]
        if known := [name for name in picked if name is not None]:
            dimension = by.lower()
            alone = list(st.session_state.get(dimension) or ()) == known
            filters.narrow(dimension, [] if alone else known)
    return narrow


def rows(selection: Any) -> list[int]:
    """Positions of the rows chosen in a table."""
    return list(selection["rows"])


def points(selection: Any) -> list[int]:
    """Positions of the bars chosen in a chart."""
    return [int(point["point_index"]) for point in selection["points"]]


def follow(drawn: View, view: View) -> None:
    """Run the whole page again if filters are others than it was drawn with.

    A choice inside a part that refreshes by itself runs that part alone, but filters are the
    frame's, and the address bar's.
    """
    if chosen(drawn) != chosen(view):
        st.rerun()


def chosen(view: View) -> dict[str, list[str]]:
    """The view's filters by dimension, those without a choice left out."""
    every = {"workspace": view.workspaces, "model": view.models, "agent": view.agents,
             "region": view.regions, "device": view.devices}
    return {dimension: names for dimension, names in every.items() if names}


def chips(view: View) -> None:
    """A button for each value that is filtered by, which takes it back."""
    if not (taken := chosen(view)) or filters.on_wall():
        return
    with st.container(horizontal=True, gap="small"):
        for dimension, names in taken.items():
            for name in names:
                st.button(f"{filters.DIMENSIONS[dimension]}: {name or '(none)'}",
                          key=f"chip_{dimension}_{name}", icon=":material/close:",
                          help="Take this filter back", on_click=_take_back,
                          args=(dimension, name))


def _take_back(dimension: str, name: str) -> None:
    filters.narrow(dimension, [each for each in st.session_state.get(dimension) or ()
                               if each != name])
