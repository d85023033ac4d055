"""What an import is asked to do, what it did, and why one is refused."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.events import KINDS, Rejection

Id = Annotated[str, Meta(max_length=128)]
Format = Literal["", "azure-trace", "servegen", "csv", "jsonl", "parquet", "events-jsonl", "otlp",
                 "litellm", "openai-usage", "anthropic-usage", "langfuse", "helicone"]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class ImportRefused(ValueError):
    """A file or an option that cannot be used; nothing was changed."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class ImportPlan(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How to read a file. ``workspace``, ``model`` and ``provider`` fill in where the file has
    none; ``column_map`` says which column of the file is which field.

    ``input_includes_cached`` says whether the file's input tokens are totals with the cached
    ones inside; None takes the convention of the column's name. ``start``, ``seed``, ``scale``,
    ``input_tokens`` and ``output_tokens`` concern ServeGen windows only.
    """

    format: Format = ""
    kind: str = "requests"
    workspace: Id = ""
    model: Id = ""
    provider: Id = ""
    column_map: dict[str, str] = {}
    input_includes_cached: bool | None = None
    strict: bool = False
    file_name: Annotated[str, Meta(max_length=512)] = ""
    start: Annotated[dt.datetime, Meta(tz=True)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    scale: Annotated[float, Meta(gt=0, le=1)] | None = None
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0


class RejectedRow(msgspec.Struct, frozen=True):
    """Why one row was not taken; ``line`` counts records from 1, the header included."""

    line: int
    code: str
    message: str
    field: str = ""


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did. ``status`` is 'done', or 'refused' where ``strict`` let nothing in.

    ``totals`` sums the tokens of all sound rows, kept or repeated, and ``first_at_utc`` to
    ``last_at_utc`` is their span, both ends included. ``rejected`` shows the first bad rows,
    ``rejected_path`` is the CSV file with all of them ('' if none).
    """

    import_id: str
    format: str
    kinds: dict[str, int] = {}
    file_name: str
    file_sha256: str = ""
    status: str = "done"
    rows_read: int = 0
    rows_kept: int = 0
    rows_repeated: int = 0
    rows_rejected: int = 0
    rejected: list[RejectedRow] = []
    rejected_path: str = ""
    first_at_utc: dt.datetime | None = None
    last_at_utc: dt.datetime | None = None
    totals: dict[str, int] = {}
    ignored_columns: list[str] = []
    notes: list[str] = []
    seconds: float = 0.0

    def summary(self) -> str:
        """The outcome in one line of plain counts."""
        return (f"{self.rows_read:,} read, {self.rows_kept:,} kept, {self.rows_repeated:,} "
                f"repeated, {self.rows_rejected:,} rejected")


def to_row(rejection: Rejection) -> RejectedRow:
    """The same verdict as it is sent and shown."""
    return RejectedRow(rejection.line, rejection.code, rejection.message, rejection.field)


def check_plan(plan: ImportPlan) -> None:
    """Raise ImportRefused for options that cannot be used together or at all."""
    if plan.kind not in KINDS:
        raise ImportRefused("unknown_kind", f"kind {plan.kind[:40]!r} is not one of "
                            f"{', '.join(KINDS)}", "kind")
    for name in ("workspace", "model", "provider", "file_name"):
        if any(not letter.isprintable() for letter in getattr(plan, name)):
            raise ImportRefused("bad_option", f"{name} holds a character that cannot be printed",
                                name)
    if plan.column_map and plan.format not in {"", "csv", "jsonl", "parquet"}:
        raise ImportRefused("bad_option", f"a column map does not go with format {plan.format}: "
                            "its columns are fixed", "column_map")


def parse_map(pairs: str) -> dict[str, str]:
    """Field by field the column of the file: ``input_tokens=prompt_tokens,at_utc=created``.

    Raises ImportRefused for anything else.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in pairs.split(","))):
        field, sign, column = pair.partition("=")
        if not sign or not field.strip() or not column.strip():
            raise ImportRefused("bad_map", f"{pair[:80]!r} is not FIELD=COLUMN", "column_map")
        if field.strip() in found:
            raise ImportRefused("bad_map", f"field {field.strip()[:80]} is mapped twice",
                                "column_map")
        found[field.strip()] = column.strip()
    return found


def plan_from_query(query: Mapping[str, str]) -> ImportPlan:
    """A plan from text options, such as those of an HTTP query or a form.

    ``map`` holds pairs as `parse_map` reads them, ``column_map`` the same as JSON. Raises
    ImportRefused naming the option that does not fit.
    """
    options: dict[str, Any] = {name: text for name, text in query.items() if text != ""}
    if "map" in options:
        options["column_map"] = parse_map(options.pop("map"))
    elif "column_map" in options:
        try:
            options["column_map"] = msgspec.json.decode(options["column_map"])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ImportRefused("bad_map", f"column_map is not JSON: {error}",
                                "column_map") from error
    try:
        plan = msgspec.convert(options, ImportPlan, strict=False)
    except msgspec.ValidationError as error:
        message = str(error)
        field = message.rsplit("`$.", 1)[1].rstrip("`") if "`$." in message else ""
        raise ImportRefused("bad_option", message, field) from error
    check_plan(plan)
    return plan


def plan_to_query(plan: ImportPlan) -> dict[str, str]:
    """The text options that `plan_from_query` makes this plan from."""
    given = msgspec.to_builtins(plan)
    query = {}
    for struct_field in msgspec.structs.fields(ImportPlan):
        name, value = struct_field.name, given[struct_field.name]
        if name == "column_map":
            if value:
                query[name] = msgspec.json.encode(value).decode()
        elif value not in (None, "", struct_field.default):
            query[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return query


def report_to_json(report: ImportReport) -> dict[str, Any]:
    """The report as plain JSON values; times are ISO 8601 UTC."""
    return msgspec.to_builtins(report)


def report_from_json(told: Any) -> ImportReport:
    """The report that `report_to_json` wrote."""
    return msgspec.convert(told, ImportReport)
