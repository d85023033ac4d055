"""What happened, for the marks on time charts: notes of people, deploys, price changes."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from brain.decisions.prices import Price
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from brain.engine import Engine

KINDS = ("deploy", "incident", "optimization", "scaling", "experiment", "price", "note")
EVERYWHERE = ("", "default")
"""Workspaces whose deploys concern every other one too: the platform's own."""

MOST_DEPLOYS = 200
MOST_PRICES = 50
LONGEST_TEXT = 2_000
_NAMED_MODELS = 3


def list_notes(engine: "Engine", start: dt.datetime, end: dt.datetime,
               workspaces: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Notes that touch [start, end) and concern the workspaces, oldest first.

    Each has annotation_id, at_utc, end_utc, kind, workspace_id, text, is_demo, and ``origin``:
    "note" (kept here, can be changed), "event" (a deploy), "price" (the price book) or "run" (an
    optimization). Of
    deploys the latest 200 are told, of moments with price changes the latest 50.
    """
    kept = [{**row, "origin": "note"} for row in engine.state.rows("annotations", order="at_utc")
            if row["at_utc"] < end and (row["end_utc"] or row["at_utc"]) >= start]
    told = {(row["at_utc"], row["text"]) for row in kept}
    found = kept + [row for row in (*_deploys(engine, start, end), *_prices(engine, start, end),
                                    *engine.optimization.marks(start, end))
                    if (row["at_utc"], row["text"]) not in told]
    wanted = {"", *workspaces}
    return sorted((row for row in found if not workspaces or row["workspace_id"] in wanted),
                  key=lambda row: row["at_utc"])


def change_note(engine: "Engine", annotation_id: str, person: str,
                **changes: Any) -> dict[str, Any]:
    """The note as it was before ``at_utc``, ``end_utc``, ``kind`` or ``text`` changed; audited.

    Raises LookupError for an unknown note, InputError for an empty text, an unknown kind or an
    end before the start.
    """
    column = engine.state.tables["annotations"].c.annotation_id
    found = engine.state.rows("annotations", column == annotation_id)
    if not found:
        raise LookupError("there is no such annotation")
    after = {**found[0], **changes}
    after["text"] = check_text(after["text"])
    if after["kind"] not in KINDS:
        raise InputError("unknown_kind", f"kind is one of {', '.join(KINDS)}", "kind")
    if after["end_utc"] is not None and after["end_utc"] < after["at_utc"]:
        raise InputError("empty_span", "it ends before it begins", "end_utc")
    engine.state.update("annotations", "annotation_id", annotation_id,
                        **{name: after[name] for name in ("at_utc", "end_utc", "kind", "text")})
    engine.audit("annotation changed", annotation_id, found[0], after, person)
    return found[0]


def check_text(text: str) -> str:
    """The text without white space around it. Raises InputError for an empty or a long one."""
    if not (short := text.strip()):
        raise InputError("missing", "say what happened", "text")
    if len(short) > LONGEST_TEXT:
        raise InputError("too_long", f"a text has at most {LONGEST_TEXT:,} characters", "text")
    return short


def _deploys(engine: "Engine", start: dt.datetime, end: dt.datetime) -> Iterable[dict[str, Any]]:
    rows = engine.query("overview/deploys", start=start, end=end, limit=MOST_DEPLOYS)
    for row in rows.to_dict("records"):
        version = " ".join(filter(None, (row["component"], row["version"])))
        everywhere = row["workspace_id"] in EVERYWHERE
        yield {"annotation_id": f"deploy-{row['event_id']}",
               "at_utc": row["at_utc"].to_pydatetime(), "end_utc": None, "kind": "deploy",
               "workspace_id": "" if everywhere else row["workspace_id"],
               "text": f"{version}: {row['note']}" if row["note"] else version,
               "is_demo": row["source"] == "demo", "origin": "event"}


def _prices(engine: "Engine", start: dt.datetime, end: dt.datetime) -> Iterable[dict[str, Any]]:
    begun = engine.prices.begun(start, end, engine.ingestion.seen_uses)
    moments = [(at, list(prices)) for at, prices in groupby(
        begun, key=lambda price: price.valid_from_utc)]
    for at, prices in moments[-MOST_PRICES:]:
        yield {"annotation_id": f"price-{prices[0].price_id}", "at_utc": at, "end_utc": None,
               "kind": "price", "workspace_id": "", "text": _tell_prices(prices),
               "is_demo": False, "origin": "price"}


def _tell_prices(prices: Sequence[Price]) -> str:
    models = list(dict.fromkeys(price.model or f"all models of {price.provider or 'everyone'}"
                                for price in prices))
    if len(models) > 1:
        more = len(models) - _NAMED_MODELS
        return (f"New prices of {', '.join(models[:_NAMED_MODELS])}"
                f"{f' and {more} more' if more > 0 else ''}")
    price = prices[-1]
    amounts = [f"{name} {amount:f}" for name, amount in (
        ("input", price.input_usd_per_mtok), ("output", price.output_usd_per_mtok))
        if amount is not None]
    if price.discount_pct is not None:
        return f"Discount of {price.discount_pct.normalize():f} % on {models[0]}"
    return f"New {price.origin} price of {models[0]}" + (
        f": {', '.join(amounts)} USD per million tokens" if amounts else "")
