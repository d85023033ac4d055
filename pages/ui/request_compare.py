"""One request opened, or two side by side with what differs."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from pages.ui import cards, data, format, request_story, tables

_FACTS = (("outcome", "Outcome"), ("error_code", "Error"), ("provider", "Provider"),
          ("model", "Model"), ("agent_id", "Agent"), ("workspace_id", "Workspace"),
          ("user_id", "User"), ("session_id", "Session"), ("feature", "Feature"),
          ("variant", "Variant"), ("cache_tier", "Cache"), ("endpoint", "Endpoint"),
          ("attempts", "Calls of providers"))
_TOKENS = (("input_tokens", "Input"), ("cache_read_tokens", "Cache read"),
           ("cache_write_tokens", "Cache write"), ("output_tokens", "Output"),
           ("reasoning_tokens", "of it reasoning"))


def draw(opened: tuple[str, str], rows: pd.DataFrame, zone: str) -> None:
    """The request that is open, and the other one beside it."""
    found = [_read(each) for each in opened if each]
    columns = st.columns(len(found)) if len(found) > 1 else [st.container()]
    for column, wanted, request in zip(columns, opened, found, strict=False):
        with column, cards.guarded(f"Request {wanted[:12]}"):
            if request is None:
                st.warning("No request has this id in the store. One that was asked a moment ago "
                           "arrives within a second.", icon=":material/search_off:")
            else:
                _draw_one(request, zone)
    both = [each for each in found if each is not None]
    if len(both) == 2:
        with cards.guarded("What differs", "The second against the first."):
            _draw_difference(*both)


def _read(request_id: str) -> dict[str, Any] | None:
    return data.engine().gateway.request(request_id)


def _draw_one(request: Mapping[str, Any], zone: str) -> None:
    request_story.outcome(str(request["outcome"]), simulated=bool(request["simulated"]),
                          cached=bool(request["cached"]))
    st.caption(f"{format.moment(request['at_utc'], zone)} {zone} · {request['event_id']}")
    if isinstance(request["wording"], str):
        with st.container(border=True):
            st.text(request["wording"])
    cards.row([
        cards.Card("Latency", format.ms(_number(request["latency_ms"])),
                   "From the question to the whole answer.", note=_first_words(request)),
        cards.Card("Cost", format.usd(_money(request)), "By the price book."),
        cards.Card("Tokens", format.count(sum(int(request[name]) for name, _ in _TOKENS[:4])),
                   "All classes together.", note=", ".join(
                       f"{label.lower()} {int(request[name]):,}" for name, label in _TOKENS
                       if request[name]))], min_width_px=170)
    told = {label: str(request[name]) for name, label in _FACTS if str(request[name]) not in
            ("", "0")}
    st.markdown(" · ".join(f"{label} **{request_story.plain(value)}**"
                           for label, value in told.items()))
    request_story.draw(request["steps"], str(request["event_id"]))


def _draw_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    rows = [{"what": "Latency", "one": format.ms(_number(one["latency_ms"])),
             "other": format.ms(_number(other["latency_ms"])),
             "change": format.change(_number(other["latency_ms"]), _number(one["latency_ms"]))},
            {"what": "Cost", "one": format.usd(_money(one)), "other": format.usd(_money(other)),
             "change": format.change(_money(other), _money(one))}]
    rows += [{"what": f"{label} tokens", "one": f"{int(one[name]):,}",
              "other": f"{int(other[name]):,}",
              "change": format.change(float(other[name]), float(one[name]))}
             for name, label in _TOKENS if one[name] or other[name]]
    rows += [{"what": label, "one": str(one[name]), "other": str(other[name]), "change": ""}
             for name, label in _FACTS if str(one[name]) != str(other[name])]
    took = [_by_step(each) for each in (one, other)]
    rows += [{"what": f"Step {name}", "one": _step_text(took[0].get(name)),
              "other": _step_text(took[1].get(name)),
              "change": format.change(took[1].get(name), took[0].get(name))}
             for name in dict.fromkeys([*took[0], *took[1]])]
    tables.show(pd.DataFrame(rows), "compared requests", {
        "what": "What", "one": "First", "other": "Second", "change": "Change"}, most_rows=40)


def _by_step(request: Mapping[str, Any]) -> dict[str, float]:
    """How long the steps of each name took together."""
    found: dict[str, float] = {}
    for each in request["steps"]:
        found[each["name"]] = found.get(each["name"], 0.0) + float(each["took_ms"])
    return found


def _step_text(took_ms: float | None) -> str:
    return "not done" if took_ms is None else format.ms(took_ms)


def _first_words(request: Mapping[str, Any]) -> str:
    first = _number(request["ttft_ms"])
    return "" if first is None else f"first words after {format.ms(first)}"


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _money(request: Mapping[str, Any]) -> Decimal | None:
    value = request["cost_usd"]
    return value if isinstance(value, Decimal) else None
