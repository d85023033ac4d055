"""Columns of a file turned into columns of events, with a verdict on every row."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from brain.events import EARLIEST, KINDS, Rejection, columns
from brain.sources.importers.texts import TextReader, as_text

Mask = np.ndarray
TOKEN_CLASSES = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens",
                 "reasoning_tokens")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field may hold, read from its kind's type."""

    name: str
    sort: str
    longest: int = 0
    low: float = 0
    high: float = 0
    nullable: bool = False
    required: bool = False


@dataclass(slots=True)
class Judged:
    """Rows of one kind: sound ones typed, the others with their reasons.

    ``table`` has the fields that the file holds and ``line``.
    """

    kind: str
    table: pa.Table
    rejected: list[Rejection] = field(default_factory=list)
    read: int = 0
    raw: Callable[[int], Mapping[str, Any]] | None = None


@cache
def rules(kind: str) -> dict[str, Rule]:
    """The rule of every field of a kind; ``source`` is the import's own."""
    found = {}
    for each in msgspec.inspect.type_info(KINDS[kind]).fields:  # type: ignore[attr-defined]
        if each.name != "source":
            found[each.name] = _rule(each)
    return found


def _rule(each: Any) -> Rule:
    this, nullable = each.type, False
    if isinstance(this, msgspec.inspect.UnionType):
        nullable = True
        this = next(one for one in this.types if not isinstance(one, msgspec.inspect.NoneType))
    required = bool(each.required) or each.name == "at_utc"
    if isinstance(this, msgspec.inspect.StrType):
        return Rule(each.name, "text", longest=this.max_length or 256, nullable=nullable,
                    required=required)
    if isinstance(this, (msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        sort = "whole" if isinstance(this, msgspec.inspect.IntType) else "number"
        low = -1e300 if this.ge is None else this.ge
        return Rule(each.name, sort, low=low, high=1e300 if this.le is None else this.le,
                    nullable=nullable, required=required)
    sorts: dict[Any, str] = {msgspec.inspect.BoolType: "bool",
                             msgspec.inspect.DateTimeType: "moment",
                             msgspec.inspect.LiteralType: "status"}
    return Rule(each.name, sorts[type(this)], required=required)


class Judge:
    """Judges blocks of one kind of event."""

    def __init__(self, kind: str, reader: TextReader, latest: dt.datetime,
                 required: Sequence[str] = ()) -> None:
        self.kind, self._reader = kind, reader
        self._latest_us = _epoch_us(latest)
        self._required = set(required)
        self.units: set[str] = set()
        self.emptied: dict[str, int] = {}

    def judge(self, raw: pa.Table, lines: np.ndarray, *, includes_cached: bool = False,
              scales: Mapping[str, float] | None = None) -> Judged:
        """Verdicts on the rows of ``raw``, whose columns are named as fields.

        With ``includes_cached``, input_tokens is a total: cache_read_tokens and
        cache_write_tokens are taken out of it. ``scales`` multiplies a number's column.
        """
        faults = _Faults(self.kind, raw, lines)
        typed: dict[str, pa.Array] = {}
        for name, rule in rules(self.kind).items():
            if name in raw.column_names:
                column = raw[name]
                column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
                if isinstance(column, pa.ChunkedArray):
                    column = pa.concat_arrays(column.chunks)
                typed[name] = getattr(self, f"_read_{rule.sort}")(
                    rule, column, faults, (scales or {}).get(name, 1.0))
        if includes_cached:
            self._split_total(typed, faults)
        if "reasoning_tokens" in typed:
            output = typed.get("output_tokens", pa.scalar(0, pa.int64()))
            over = _true(pc.greater(typed["reasoning_tokens"], output))
            faults.add(over, "reasoning_tokens", "reasoning_exceeds_output",
                       "reasoning_tokens is more than output_tokens, of which it is a part")
        table = pa.table({**typed, "line": lines})
        if faults.bad.any():
            table = table.filter(pa.array(~faults.bad))
        return Judged(self.kind, table, faults.rejections(), raw.num_rows, faults.original)

    def _split_total(self, typed: dict[str, pa.Array], faults: "_Faults") -> None:
        cached = [typed[name] for name in ("cache_read_tokens", "cache_write_tokens")
                  if name in typed]
        if "input_tokens" not in typed or not cached:
            return
        rest = typed["input_tokens"]
        for each in cached:
            rest = pc.subtract(rest, each)
        faults.add(_true(pc.less(rest, 0)), "input_tokens", "cache_exceeds_total",
                   "the cached tokens are more than the input total that should include them")
        typed["input_tokens"] = rest

    def _read_text(self, rule: Rule, column: pa.Array, faults: "_Faults", _: float) -> pa.Array:
        text = as_text(column)
        if rule.nullable:
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        else:
            text = pc.fill_null(text, "")
        if len(text) and (pc.max(pc.utf8_length(text)).as_py() or 0) > rule.longest:
            faults.add(_true(pc.greater(pc.utf8_length(text), rule.longest)), rule.name, "too_long",
                       f"{rule.name} is longer than {rule.longest:,} characters")
        faults.add(_true(pc.match_substring(text, "\x00")), rule.name, "nul_byte",
                   f"{rule.name} holds a NUL character")
        if rule.required or rule.name in self._required:
            faults.add(_true(pc.equal(text, "")), rule.name, "empty", f"{rule.name} is empty")
        return text

    def _read_whole(self, rule: Rule, column: pa.Array, faults: "_Faults", _: float) -> pa.Array:
        needed = rule.required or rule.name in self._required
        if pa.types.is_integer(column.type):
            empty = _true(pc.is_null(column))
            number = pc.fill_null(column, 0)
            if pa.types.is_uint64(number.type):
                number = pc.min_element_wise(number, pa.scalar(2**62, pa.uint64()))
            number = number.cast(pa.int64())
        else:
            found, fault = self._reader.numbers(column)
            empty = fault == "empty"
            _add_text_faults(rule.name, fault, faults)
            with np.errstate(invalid="ignore"):
                faults.add((fault == "") & (found != np.floor(found)), rule.name, "not_whole",
                           f"{rule.name} must be a whole number")
            clean = np.where((fault == "") & (np.abs(found) < 2**53), found, 0.0)
            faults.add((fault == "") & (np.abs(found) >= 2**53), rule.name, "too_large",
                       f"{rule.name} must be at most {rule.high:,.0f}")
            number = pa.array(np.floor(clean).astype(np.int64))
        if needed:
            faults.add(empty, rule.name, "empty", f"{rule.name} is empty")
        elif empty.any():
            self.emptied[rule.name] = self.emptied.get(rule.name, 0) + int(empty.sum())
        self._check_bounds(rule, number, faults)
        return number

    def _read_number(self, rule: Rule, column: pa.Array, faults: "_Faults",
                     scale: float) -> pa.Array:
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            found = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            empty = _true(pc.is_null(column))
            faults.add(~np.isfinite(found) & ~empty, rule.name, "not_finite",
                       f"{rule.name} must be a finite number")
        else:
            found, fault = self._reader.numbers(column)
            empty = fault == "empty"
            _add_text_faults(rule.name, fault, faults)
        if not rule.nullable:
            faults.add(empty, rule.name, "empty", f"{rule.name} is empty")
        if scale != 1.0:
            found = found * scale
        number = pa.array(found, pa.float64(), mask=empty | ~np.isfinite(found))
        self._check_bounds(rule, number, faults)
        return number

    def _check_bounds(self, rule: Rule, number: pa.Array, faults: "_Faults") -> None:
        span = pc.min_max(number).as_py()
        if span["min"] is None or (span["min"] >= rule.low and span["max"] <= rule.high):
            return
        code = "negative" if rule.low == 0 else "too_small"
        faults.add(_true(pc.less(number, rule.low)), rule.name, code,
                   f"{rule.name} must be at least {rule.low:g}")
        faults.add(_true(pc.greater(number, rule.high)), rule.name, "too_large",
                   f"{rule.name} must be at most {rule.high:,.0f}")

    def _read_moment(self, rule: Rule, column: pa.Array, faults: "_Faults", _: float) -> pa.Array:
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            if pa.types.is_date(column.type):
                column = column.cast(pa.timestamp("s"))
            missing = _true(pc.is_null(column))
            whole = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
            if column.type.unit == "ns":
                micros = pa.array(whole // 1_000)
            else:
                factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[column.type.unit]
                most = 2**62 // factor
                micros = pa.array(np.clip(whole, -most, most) * factor)
            faults.add(missing, rule.name, "empty", f"{rule.name} is empty")
        else:
            micros, unit_of = self._reader.moments(column)
            self.units |= set(np.unique(unit_of).tolist()) - {""}
            faults.add(unit_of == "", rule.name, "not_a_time",
                       f"{rule.name} is no time; right would be 2026-01-31T12:00:00Z or seconds "
                       "since 1970")
        if rule.name == "at_utc":
            faults.add(_true(pc.greater(micros, self._latest_us)), rule.name, "in_future",
                       "at_utc is ahead of this clock")
            faults.add(_true(pc.less(micros, _epoch_us(EARLIEST))), rule.name, "too_old",
                       "at_utc is before 2000-01-01")
        return pc.fill_null(micros, 0).cast(pa.timestamp("us"))

    def _read_bool(self, rule: Rule, column: pa.Array, faults: "_Faults", _: float) -> pa.Array:
        if pa.types.is_boolean(column.type):
            return pc.fill_null(column, False)
        text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(as_text(column), "")))
        yes = pc.is_in(text, pa.array(["true", "t", "1", "yes", "1.0"]))
        no = pc.is_in(text, pa.array(["false", "f", "0", "no", "", "0.0"]))
        faults.add(~_true(pc.or_(yes, no)), rule.name, "not_true_or_false",
                   f"{rule.name} must be true or false")
        return yes

    def _read_status(self, rule: Rule, column: pa.Array, faults: "_Faults", _: float) -> pa.Array:
        text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(as_text(column), "")))
        good = pc.or_(pc.is_in(text, pa.array(["ok", "success", "succeeded", "completed", ""])),
                      pc.match_substring_regex(text, r"^[123][0-9][0-9](\.0)?$"))
        bad = pc.or_(pc.is_in(text, pa.array(["error", "fail", "failed", "failure", "timeout"])),
                     pc.match_substring_regex(text, r"^[45][0-9][0-9](\.0)?$"))
        faults.add(~_true(pc.or_(good, bad)), rule.name, "unknown_status",
                   f"{rule.name} must be ok or error, or an HTTP status")
        return pc.if_else(good, "ok", "error")


class _Faults:
    """The first fault of each row."""

    def __init__(self, kind: str, raw: pa.Table, lines: np.ndarray) -> None:
        self.bad = np.zeros(raw.num_rows, dtype=bool)
        self._raw, self._lines = raw, lines
        self._order = {name: place for place, name in enumerate(columns(kind))}
        self._found: list[tuple[int, Rejection]] = []
        self._place: dict[int, int] = {}

    def add(self, mask: Mask, name: str, code: str, message: str) -> None:
        """Note a fault for the rows of ``mask`` that have none yet."""
        for position in np.flatnonzero(mask & ~self.bad).tolist():
            line = int(self._lines[position])
            self._place[line] = position
            self._found.append((line, Rejection(
                line, code, f"{message}{self._value(name, position)}", name)))
        self.bad |= mask

    def rejections(self) -> list[Rejection]:
        """What was found, by line."""
        return [each for _, each in sorted(self._found, key=lambda pair: pair[0])]

    def original(self, line: int) -> Mapping[str, Any]:
        """The row as the file has it, by field."""
        position = self._place.get(line)
        if position is None:
            return {}
        return {name: self._raw[name][position].as_py() for name in self._raw.column_names}

    def _value(self, name: str, position: int) -> str:
        if name not in self._raw.column_names or name == "query_text":  # which may not be kept
            return ""
        value = self._raw[name][position].as_py()
        return f", not {str(value)[:60]!r}" if value not in (None, "") else ""


def _add_text_faults(name: str, fault: np.ndarray, faults: _Faults) -> None:
    faults.add(fault == "not_finite", name, "not_finite", f"{name} must be a finite number")
    faults.add(fault == "not_a_number", name, "not_a_number", f"{name} must be a number")


def _true(mask: Any) -> Mask:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def _epoch_us(moment: dt.datetime) -> int:
    return int((moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1))
