"""Panels of the Costs page: cards, days that stand out, breakdowns, drivers, cache savings."""

import zoneinfo
from decimal import Decimal

import pandas as pd
import streamlit as st

from analytics import spend as amounts
from analytics.cost_drivers import Drivers
from analytics.spend import Spend
from analytics.usage import DAY_S
from pages.ui import breakdown, cards, charts, format, spend, spend_charts, tables, usage
from pages.ui.cards import Card
from pages.ui.filters import View

MOST_TOLD = 3
ALONE = "nothing else"
NARROWS = ("Model", "Workspace", "Agent")
COLUMNS: breakdown.Columns = {
    "cost_usd": ("Cost (USD)", "usd_exact", "Tokens × dated price, exact"),
    "share": ("Share of cost", "share", "Part of the total cost of the range"),
    "requests": ("Requests", "count", ""),
    "tokens": ("Tokens", "count", "Tokens that have a price, of all four classes"),
    "usd_per_request": ("USD per request", "usd_unit", "Over requests that have a price"),
    "usd_per_1k_tokens": ("USD per 1,000 tokens", "usd_unit", "Over tokens that have a price"),
    "usd_per_answer": ("USD per positive answer", "usd_unit", "Over answers with 4 or 5 stars"),
    "saved_usd": ("Saved by the cache (USD)", "usd_exact",
                  "What answers from the platform's own cache would have cost"),
    "unpriced_requests": ("Unpriced requests", "count", "Not in any cost")}
PARTS = {"before_usd": "Before (USD)", "after_usd": "Now (USD)", "change_usd": "Change (USD)",
         "volume_usd": "Volume (USD)", "requests_usd": "of it more requests (USD)",
         "size_usd": "of it tokens per request (USD)", "mix_usd": "Mix (USD)",
         "price_usd": "Price (USD)"}


def unit_cards(view: View, now: Spend, before: Spend | None) -> list[Card]:
    """Cost per active user and per positive answer, and what the cache saved."""
    people = usage.users(view).users
    told = spend.good_answers(view)
    answers = int(told["answers"].sum()) if len(told) else 0
    rated = int(told["rated"].sum()) if len(told) else 0
    whole = now.cost_usd + now.saved_usd
    part = f", {float(now.saved_usd / whole):.1%} of the bill without it" if whole else ""
    return [
        Card("Cost per active user", format.usd(now.usd_per(people)),
             "Total cost over distinct users of the range; above a few thousand they are "
             "estimated.", better="lower",
             note=f"{people:,} users" if people else "no event names a user"),
        Card("Cost per positive answer", format.usd(now.usd_per(answers)),
             "Total cost over answers that users gave 4 or 5 stars.", better="lower",
             note=f"{answers:,} of {rated:,} rated" if rated else "no answer was rated"),
        Card("Saved by the cache", format.usd(now.saved_usd),
             f"Exactly {format.usd_exact(now.saved_usd)}: what the answers from the platform's own "
             "cache would have cost at the prices of their time.",
             format.change(now.saved_usd, before.saved_usd if before else None), better="higher",
             note=f"{now.cached:,} answers{part}")]


def tell_unusual(view: View, band: charts.Band | None, width_s: int) -> None:
    """Under the chart: the latest buckets that stand out, each with what drove it."""
    if band is None or band.found.empty:
        return
    here = zoneinfo.ZoneInfo(view.zone)
    form = "%-d %b" if width_s >= DAY_S else "%-d %b %H:%M"
    for at in band.found["at_utc"].tail(MOST_TOLD):
        span, before = spend.compared_with(view, at, width_s)
        change = spend.drivers(view, span, before)
        zone = zoneinfo.ZoneInfo("UTC") if width_s >= DAY_S else here
        st.caption(f":material/diamond: **{at.astimezone(zone):{form}}** stands out: "
                   f"{spend_charts.told(change.total.change_usd)} against "
                   f"{before.start.astimezone(zone):{form}}. "
                   f"{in_words(change.by_name, change.total)}")
    if len(band.found) > MOST_TOLD:
        st.caption(f"{len(band.found) - MOST_TOLD} earlier ones are marked in the chart.")


def in_words(parts: tuple[Drivers, ...], total: Drivers) -> str:
    """What drove a change: its drivers, and the model with the largest part."""
    told = [f"{label} {spend_charts.told(amount)}" for label, amount in (
        ("volume", total.volume_usd), ("mix", total.mix_usd), ("price", total.price_usd)) if amount]
    if not told:
        return "Nothing changed."
    most = parts[0]
    largest = f"; most from {most.name or '(none)'} ({spend_charts.told(most.change_usd)})"
    sentence = f"{', '.join(told)}{largest if len(parts) > 1 else ''}."
    return sentence[:1].upper() + sentence[1:]


def draw_breakdown(view: View) -> None:
    """Spend by one dimension, or two crossed, as bars and a table that adds up to the total."""
    offered = [*amounts.DIMENSIONS, *amounts.BUCKETS]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.selectbox("By", offered, key="by", bind="query-params") or "Model"
        second = st.selectbox("Crossed with", [ALONE, *(each for each in offered if each != first)],
                              key="across", bind="query-params") or ALONE
    by = [first] if second in (ALONE, first) else [first, second]
    if all(each in amounts.BUCKETS for each in by) and len(by) == 2:
        st.info("Cross a day or an hour with something else than time.", icon=":material/info:")
        return
    if amounts.reads_events(view.params(), by) and view.span.length_s > 8 * DAY_S:
        st.caption("Users, regions and devices are read from every request; over a long range "
                   "that can take some seconds.")
    with st.spinner("Adding up"):
        rows = _named(spend.breakdown(view, by), by)
    if len(by) == 2:
        charts.show(spend_charts.crossed(rows, *by), f"crossed_{first}_{second}")
        _table(rows, by)
    else:
        shown = rows.assign(name=rows["first_name"])
        draw = breakdown.draw_bars if first in NARROWS else _bars
        draw(shown.assign(cost_usd=shown["cost_usd"].map(lambda each: each or Decimal(0))), first,
             "cost_usd", "USD")
        if first in NARROWS:
            breakdown.draw_table(shown, first, "costs", COLUMNS)
        else:
            _table(rows, by)
    st.caption("Rows add up to the total, to the last digit.")


def _named(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Rows whose first and second name are what the reader chose, time written out."""
    form = "%Y-%m-%d" if "Day" in by else "%Y-%m-%d %H:00"
    times = [row if rest else f"{at:{form}}" for row, at, rest in zip(
        rows["first_name"], rows["bucket_start_utc"], rows["is_rest"], strict=True)]
    if by[0] in amounts.BUCKETS:
        return rows.assign(first_name=times, second_name=rows["first_name"].where(
            ~rows["is_rest"], ""))
    if by[-1] in amounts.BUCKETS:
        return rows.assign(second_name=[("" if rest else at) for at, rest in zip(
            times, rows["is_rest"], strict=True)])
    return rows


def _bars(rows: pd.DataFrame, by: str, value: str, unit: str) -> None:
    shown = rows.sort_values(value, ascending=False, kind="stable").head(breakdown.MOST_BARS)
    charts.show(charts.bars(shown, "name", value, unit), f"bars_{by}")


def _table(rows: pd.DataFrame, by: list[str]) -> None:
    named = rows.assign(**{column: [each or "(none)" for each in rows[column]]
                           for column in ("first_name", "second_name")[:len(by)]})
    labels = dict(zip(("first_name", "second_name"), by, strict=False))
    there = {name: each for name, each in COLUMNS.items()
             if name in named and (len(by) == 1 or name != "usd_per_answer")}
    tables.show(named, f"costs by {' and '.join(by)}",
                labels | {name: label for name, (label, _, _) in there.items()},
                {name: kind for name, (_, kind, _) in there.items()},
                helps={name: text for name, (_, _, text) in there.items() if text},
                key=f"spend_{'_'.join(by)}")


def draw_drivers(view: View) -> None:
    """The waterfall from the period before to this one, and the same by model."""
    change = spend.drivers(view, before=view.previous)
    charts.show(spend_charts.waterfall(change.total), "drivers")
    st.caption(in_words(change.by_name, change.total), help=(
        "Volume: all growing alike at the old cost per token, split into more requests and more "
        "tokens per request. Mix: shifts between models, price contexts and classes of tokens, at "
        "old costs per token; what is new is mix. Price: changes of the cost per token, at the new "
        "amount. The three add up to the change exactly (price-volume-mix analysis)."))
    with st.expander("By model"):
        frame = pd.DataFrame([{"name": each.name or "(none)"} | {
            name: getattr(each, name) for name in PARTS} for each in change.by_name],
            columns=["name", *PARTS])
        tables.show(frame, "cost drivers", {"name": "Model"} | PARTS,
                    dict.fromkeys(PARTS, "usd_exact"))


def previous_total(view: View, known: bool) -> Spend | None:
    """Spend of the period before, where there is one to compare with."""
    return spend.total(view, view.previous) if view.previous and known else None


def draw_class_table(now: Spend) -> None:
    """What each class of tokens cost."""
    names = {**amounts.CLASSES, "request": "Per request"}
    cards.row([Card(label, format.usd(now.by_class_usd[name]),
                    f"Exactly {format.usd_exact(now.by_class_usd[name])}.",
                    note=format.share(float(now.by_class_usd[name] / now.cost_usd))
                    if now.cost_usd else "") for name, label in names.items()
               if now.by_class_usd[name] or name in ("input", "output")], min_width_px=190)
