"""Costs of a span as a file: FinOps FOCUS or our own columns, CSV or Parquet."""

import datetime as dt
import io
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from analytics.spans import Span
from brain.costs import repricing as ways
from brain.decisions import repricing
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.reports import focus
from brain.reports.charges import Charge, charges_of

FORMS, FILES = ("focus", "plain"), ("csv", "parquet")
DAY_S = 86_400
LONGEST = dt.timedelta(days=400)
PLAIN: tuple[str, ...] = (
    "start_utc", "end_utc", "workspace_id", "provider", "model", "price_context", "agent_id",
    "feature", "api_key_id", "region", "token_class", "quantity", "unit_usd", "cost_usd",
    "list_unit_usd", "list_cost_usd", "price_id", "tier_from_tokens")


@dataclass(frozen=True, slots=True)
class CostsExport:
    """The file, the sums of its rows, and what has no price."""

    content: bytes
    rows: int
    start_utc: dt.datetime
    end_utc: dt.datetime
    billed_usd: Decimal
    list_usd: Decimal
    unpriced_requests: int
    unpriced_tokens: int


def export(engine: Engine, start: str, end: str, form: str = "focus",
           file: str = "csv") -> CostsExport:
    """Costs of [start, end) by UTC day.

    Raises InputError for times or forms that cannot be used.
    """
    for name, given, known in (("form", form, FORMS), ("file", file, FILES)):
        if given not in known:
            raise InputError("unknown_form", f"{name} is one of {', '.join(known)}", name)
    span = _span(start, end)
    charges = read_charges(engine, span)
    priced = [each for each in charges if each.cost_usd is not None]
    if form == "focus":
        reports = engine.settings.reports
        rows = [focus.focus_row(each, reports.billing_account_id, reports.billing_account_name)
                for each in priced]
        content = _write(rows, focus.COLUMNS, file, (*focus.MONEY, *focus.QUANTITIES),
                         ("x_TierFromTokens",))
    else:
        rows = [{name: _iso(value) for name, value in asdict(each).items() if name in PLAIN}
                for each in charges]
        content = _write(rows, PLAIN, file, ("unit_usd", "cost_usd", "list_unit_usd",
                                             "list_cost_usd"),
                         ("quantity", "price_id", "tier_from_tokens"))
    missing = [each for each in charges if each.cost_usd is None]
    requests = {each.row: each.requests for each in missing}
    return CostsExport(content, len(rows), span.start, span.end,
                       sum((each.cost_usd or Decimal(0) for each in priced), Decimal(0)),
                       sum((each.list_cost_usd or Decimal(0) for each in priced), Decimal(0)),
                       sum(requests.values()), sum(each.quantity for each in missing))


def read_charges(engine: Engine, span: Span) -> list[Charge]:
    """Every charge of a span, by our prices (as the pages show them) beside those of the list."""
    engine.drain()
    seen = {(row["provider"], row["model"], row["price_context"])
            for row in engine.store.read("rollup/seen_models", {
                "start": span.start, "end": span.end}).to_pylist()}
    cells = repricing.cut_cells(
        [ways.ranges_of(engine, basis, seen, span) for basis in ("current", "list")],
        span.start, span.end)
    scenario = uuid.uuid4().hex
    engine.store.execute_with("prices/insert_cells", ways.cells_table(scenario, cells))
    try:
        rows = engine.store.read("costs/use_by_day", {
            "scenario": scenario, "width_s": DAY_S, "start": span.start,
            "end": span.end}).to_pylist()
    finally:
        engine.store.execute("prices/delete_cells", scenario=scenario)
    return list(charges_of(rows, cells, span))


def _span(start: str, end: str) -> Span:
    first, last = _moment(start, "start"), _moment(end, "end")
    if not first < last:
        raise InputError("empty_span", "start must be before end", "start")
    if last - first > LONGEST:
        raise InputError("too_long", f"at most {LONGEST.days} days at once", "end")
    return Span(first, last)


def _moment(text: str, field: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text.strip())
        at = (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise InputError("not_a_time", f"{field} must be a day or a time such as 2026-10-01 or "
                                       f"2026-10-01T06:00Z, not {text[:40]!r}", field) from error
    if not 2000 <= at.year < 2200:
        raise InputError("out_of_range", f"{field} must lie between 2000 and 2200", field)
    return at


def _write(rows: Sequence[dict[str, Any]], columns: Sequence[str], file: str,
           decimals: Sequence[str], whole: Sequence[str]) -> bytes:
    if file == "csv":
        import pandas as pd

        from analytics.exports import to_csv
        return to_csv(pd.DataFrame(rows, columns=list(columns), dtype="object"))
    import pyarrow as pa
    import pyarrow.parquet as pq
    types = {**dict.fromkeys(decimals, pa.decimal128(38, 12)), **dict.fromkeys(whole, pa.int64())}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in columns])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), out)
    return out.getvalue()


def _iso(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, dt.datetime) else value
