"""Values of an export's record read as what they should be; InputError names the field."""

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, ToldTokens, split_tokens

_MOST_COUNT = 10**15
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_count(record: Mapping[str, Any], *names: str) -> int:
    """The first of the named counts that is there, 0 where none is."""
    found = find_count(record, *names)
    return 0 if found is None else found


def find_count(record: Mapping[str, Any], *names: str) -> int | None:
    """The first of the named counts that is there. Raises InputError where it is none."""
    for name in names:
        value = record.get(name)
        if value is None or value == "":
            continue
        number = read_number(record, name)
        if number is None or number != math.floor(number):
            raise InputError("not_whole", f"{name} must be a whole number, not "
                             f"{str(value)[:60]!r}", name[:60])
        if abs(number) > _MOST_COUNT:
            raise InputError("too_large", f"{name} must be at most {_MOST_COUNT:,}", name[:60])
        return int(number)
    return None


def read_number(record: Mapping[str, Any], name: str) -> float | None:
    """A finite number, None where there is none. Raises InputError for anything else."""
    value = record.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise InputError("not_a_number", f"{name} must be a finite number, not {str(value)[:60]!r}",
                     name[:60])


def read_text(record: Mapping[str, Any], *names: str) -> str:
    """The first of the named texts or numbers that is not empty, else ''."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)[:400]
    return ""


def read_moment(record: Mapping[str, Any], *names: str) -> dt.datetime | None:
    """The first of the named times that is there, in UTC; a number is seconds since 1970.

    None where none is there. Raises InputError for what is no time.
    """
    for name in names:
        value = record.get(name)
        if value is None or value == "":
            continue
        try:
            if isinstance(value, str):
                found = dt.datetime.fromisoformat(value.strip().replace(" UTC", "+00:00"))
                return (found.replace(tzinfo=dt.UTC) if found.tzinfo is None
                        else found.astimezone(dt.UTC))
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return _EPOCH + dt.timedelta(seconds=value)
        except (ValueError, OverflowError):
            pass
        raise InputError("not_a_time", f"{name} is no time, not {str(value)[:60]!r}; right would "
                         "be 2026-01-31T12:00:00Z", "at_utc")
    return None


def need_moment(record: Mapping[str, Any], *names: str) -> dt.datetime:
    """The same, where an event needs it. Raises InputError where there is none."""
    found = read_moment(record, *names)
    if found is None:
        raise InputError("empty", f"{names[0]} is empty", "at_utc")
    return found


def span_ms(start: dt.datetime | None, end: dt.datetime | None) -> float | None:
    """Milliseconds from start to end, None where one of them is unknown."""
    return None if start is None or end is None else (end - start) / dt.timedelta(milliseconds=1)


def read_object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object, also where it stands as JSON in a text, {} where there is none."""
    value = record.get(name)
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def list_objects(record: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The objects of a list; what else is in it counts as none."""
    value = record.get(name)
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def token_fields(told: ToldTokens, convention: Convention) -> dict[str, int]:
    """The disjoint token classes by the event's fields. Raises InputError as `split_tokens`."""
    found = split_tokens(told, convention)
    return {"input_tokens": found.input_tokens, "cache_read_tokens": found.cache_read_tokens,
            "cache_write_tokens": found.cache_write_tokens, "output_tokens": found.output_tokens,
            "reasoning_tokens": found.reasoning_tokens}
