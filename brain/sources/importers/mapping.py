"""Which column of a file is which field of an event."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from brain.sources.importers.judging import TOKEN_CLASSES, rules
from brain.sources.importers.plan import ImportRefused


def _nested(*names: str) -> tuple[str, ...]:
    return (*names, *(f"usage.{name}" for name in names))


SYNONYMS: dict[str, tuple[str, ...]] = {
    "at_utc": ("timestamp", "time", "created_at", "created", "ts", "datetime", "start_time",
               "startTime", "event_time", "request_time", "request_timestamp", "date"),
    "event_id": ("request_id",),
    "workspace_id": ("workspace", "team_id", "team", "organization_id", "organization", "tenant",
                     "tenant_id", "project_id", "project"),
    "user_id": ("user", "end_user", "customer_id"),
    "session_id": ("session", "conversation_id", "thread_id"),
    "agent_id": ("agent", "agent_name"),
    "provider": ("custom_llm_provider", "vendor", "gen_ai.system", "gen_ai.provider.name"),
    "model": ("model_name", "model_id", "gen_ai.response.model", "gen_ai.request.model"),
    "endpoint": ("call_type",),
    "api_key_id": ("api_key_alias", "key_alias"),
    "status": ("status_code", "http_status"),
    "error_code": ("error_type",),
    "latency_ms": ("duration_ms", "response_time_ms", "elapsed_ms"),
    "ttft_ms": ("time_to_first_token_ms",),
    "input_tokens": (*_nested("input_tokens", "prompt_tokens"), "gen_ai.usage.input_tokens"),
    "output_tokens": (*_nested("output_tokens", "completion_tokens", "generated_tokens"),
                      "gen_ai.usage.output_tokens"),
    "cache_read_tokens": _nested("cached_tokens", "cache_read_input_tokens",
                                 "prompt_tokens_details.cached_tokens",
                                 "input_tokens_details.cached_tokens"),
    "cache_write_tokens": _nested("cache_creation_input_tokens"),
    "reasoning_tokens": _nested("completion_tokens_details.reasoning_tokens",
                                "output_tokens_details.reasoning_tokens"),
    "cached": ("cache_hit",),
}
"""Names that other tools use, by field, the most telling first."""

_TOTALS = ("prompt_tokens", "gen_ai.usage.input_tokens")
_MEASURES = (*TOKEN_CLASSES, "latency_ms", "model", "user_id", "session_id", "query_text")
_SCALED = re.compile(r"(.+)\*([0-9]+(?:\.[0-9]+)?)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The file's column for each field found, and what follows from their names.

    ``scales`` are factors for numbers in other units; ``ignored`` columns belong to no field.
    """

    sources: Mapping[str, str]
    scales: Mapping[str, float]
    ignored: tuple[str, ...]
    includes_cached: bool
    notes: tuple[str, ...] = ()


def choose_columns(kind: str, there: Sequence[str], column_map: Mapping[str, str],
                   includes_cached: bool | None) -> Chosen:
    """Columns by the given map, then by the fields' own names, then by names in common use.

    A map's column may be ``name*factor`` for a number in another unit. Raises ImportRefused for
    an unknown field or column, or where what an event needs is not there.
    """
    fields = rules(kind)
    sources: dict[str, str] = {}
    scales: dict[str, float] = {}
    for name, wanted in column_map.items():
        if name not in fields:
            raise ImportRefused("unknown_field", f"{name[:80]!r} is no field of {kind}"
                                f"{_near(name, list(fields))}", "column_map")
        sources[name], scales[name] = _find(name, wanted, there, fields[name].sort)
    free = {_plain(each): each for each in reversed(there) if each not in sources.values()}
    for candidates in ((lambda name: (name,)), (lambda name: SYNONYMS.get(name, ()))):
        for name in fields:
            for each in candidates(name):
                if name not in sources and _plain(each) in free:
                    sources[name] = free.pop(_plain(each))
    _check_needs(kind, sources, there)
    total = any(_plain(sources.get("input_tokens", "")).endswith(each) for each in _TOTALS)
    has_cached = bool({"cache_read_tokens", "cache_write_tokens"} & set(sources))
    inside = total if includes_cached is None else includes_cached
    notes: tuple[str, ...] = ()
    if has_cached and "input_tokens" in sources:
        notes = (f"{sources['input_tokens']} is taken as "
                 + ("a total with the cached tokens inside" if inside
                    else "without the cached tokens"),)
    return Chosen(sources, {name: scale for name, scale in scales.items() if scale != 1.0},
                  tuple(each for each in there if each not in sources.values()),
                  inside and has_cached, notes)


def _find(name: str, wanted: str, there: Sequence[str], sort: str) -> tuple[str, float]:
    if wanted in there:
        return wanted, 1.0
    scaled = _SCALED.match(wanted)
    if scaled and scaled[1].strip() in there:
        factor = float(scaled[2])
        if sort != "number":
            raise ImportRefused("bad_map", f"{name} takes no factor", "column_map")
        if not 0 < factor <= 1e9:
            raise ImportRefused("bad_map", f"factor {scaled[2][:40]} is out of range",
                                "column_map")
        return scaled[1].strip(), factor
    raise ImportRefused("unknown_column", f"the file has no column {wanted[:80]!r}"
                        f"{_near(wanted, list(there))}", "column_map")


def _check_needs(kind: str, sources: Mapping[str, str], there: Sequence[str]) -> None:
    missing = [name for name, rule in rules(kind).items()
               if rule.required and name not in sources and name not in {"event_id",
                                                                         "workspace_id"}]
    if not missing and kind == "requests" and not set(_MEASURES) & set(sources):
        missing = ["input_tokens and output_tokens"]
    if missing:
        shown = ", ".join(each[:40] for each in there[:12]) or "none"
        raise ImportRefused(
            "wrong_header", f"no column of the file is {' or '.join(missing)} of {kind}; its "
            f"columns are: {shown}. Name them with a column map, such as "
            f"{missing[0].split()[0]}=COLUMN", "header")


def _plain(name: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[ \-]+", "_", spaced).lower()


def _near(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    shown = ", ".join(each[:40] for each in known[:12])
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {shown}"
