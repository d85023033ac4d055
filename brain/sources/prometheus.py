"""Asks a Prometheus-compatible server for figures, within a bounded time."""

import datetime as dt
import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from brain.sources.reading import (
    AnswerError,
    BoundedCall,
    Clock,
    SourceReading,
    now_utc,
    place_of,
)

ANSWER_LIMIT_BYTES = 16_000_000
AT_ONCE = 4
"""Questions that are under way at the same time, so that a distant server is not slow."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' value at one moment; ``value`` is None where Prometheus says NaN or infinity."""

    labels: Mapping[str, str]
    value: float | None
    at_utc: dt.datetime


@dataclass(frozen=True, slots=True)
class Series:
    """One series' values over time; a value is None where Prometheus says NaN or infinity."""

    labels: Mapping[str, str]
    points: tuple[tuple[dt.datetime, float | None], ...]


Ask = Callable[[Any, str, str], Any]
"""A connection, a question in PromQL, the moment in Unix seconds (empty: now)."""


class PrometheusSource:
    """One Prometheus-compatible HTTP API, read only; safe to share between threads.

    ``token`` is sent as a bearer token, ``tenant`` as Mimir's X-Scope-OrgID.
    """

    def __init__(self, url: str, timeout_s: float, clock: Clock = now_utc, *, token: str = "",
                 tenant: str = "") -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._clock = clock
        self._headers = {name: value for name, value in (
            ("Authorization", token and f"Bearer {token}"), ("X-Scope-OrgID", tenant)) if value}
        self._call, self._range_call = BoundedCall(timeout_s), BoundedCall(timeout_s)

    def read(self, queries: Mapping[str, str]) -> SourceReading:
        """Answers to PromQL questions by name, as tuples of Sample; never raises.

        An empty tuple: the server knows no such series. A name that is missing: that question
        failed, and ``reason`` says how. ``ok`` as soon as one question was answered. All are
        answered for one moment of the server's own clock, so that figures can be compared.
        """
        return self._read(self._call, queries, lambda connection, query, moment: parse_result(
            connection.custom_query(query, moment and {"time": moment})), one_moment=True)

    def read_range(self, queries: Mapping[str, str], start: dt.datetime, end: dt.datetime,
                   step_s: int) -> SourceReading:
        """Answers over [start, end] at every ``step_s`` seconds, as tuples of Series; never raises.

        Otherwise as `read`; one range is read at a time.
        """
        return self._read(self._range_call, queries, lambda connection, query, _: parse_range(
            connection.custom_query_range(query, start, end, str(step_s))))

    def _read(self, call: BoundedCall, queries: Mapping[str, str], ask: Ask, *,
              one_moment: bool = False) -> SourceReading:
        checked_at = self._clock()
        place = f"Prometheus at {place_of(self._url)}"

        def without(status: Any, reason: str) -> SourceReading:
            return SourceReading(status, reason=reason, checked_at_utc=checked_at)

        if not self._url:
            return without("unknown", "No Prometheus is configured (BRAIN_PROMETHEUS_URL).")
        sessions = [BoundedSession(self._timeout_s, self._headers)
                    for _ in range(max(1, min(AT_ONCE, len(queries))))]

        def give_up() -> None:
            for session in sessions:
                session.close()

        try:
            values, faults = call.run(lambda: self._ask_all(sessions, queries, ask, one_moment),
                                      cancel=give_up)
        except (TimeoutError, requests.Timeout):
            return without("down", f"{place} did not answer within {self._timeout_s:g} s.")
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema,
                requests.exceptions.MissingSchema):
            return without("unknown", f"{place}: the address is not a URL such as "
                           "http://127.0.0.1:9090.")
        except requests.exceptions.ChunkedEncodingError:
            return without("unknown", f"{place} broke off its answer.")
        except requests.ConnectionError as error:
            if "BadStatusLine" in repr(error) or "LineTooLong" in repr(error):
                return without("unknown", f"{place} does not speak HTTP.")
            return without("down", f"{place} cannot be reached.")
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return without("unknown", f"{place} gave an answer that cannot be read "
                           f"({type(error).__name__}).")
        finally:
            give_up()
        reason = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        if not values and queries:
            return without("unknown", f"{place}: {reason}")
        return SourceReading("ok", values, reason, checked_at, checked_at)

    def _ask_all(self, sessions: "list[BoundedSession]", queries: Mapping[str, str],
                 ask: Ask, one_moment: bool) -> tuple[dict[str, Any], dict[str, str]]:
        """Answers by name, and what went wrong by name; each session takes its share."""
        names = list(queries)
        moment = self._moment(sessions[0]) if one_moment and len(names) > 1 else ""
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        with ThreadPoolExecutor(max_workers=len(sessions)) as pool:
            parts = pool.map(lambda turn: self._ask(turn[1], {
                name: queries[name] for name in names[turn[0]::len(sessions)]}, ask, moment),
                enumerate(sessions))
            for found, failed in parts:
                values |= found
                faults |= failed
        return ({name: values[name] for name in names if name in values},
                {name: faults[name] for name in names if name in faults})

    def _moment(self, session: "BoundedSession") -> str:
        """The server's time in Unix seconds (its clock, not ours); empty if it does not say."""
        values, _ = self._ask(session, {"time": "time()"}, lambda connection, query, _: (
            parse_result(connection.custom_query(query))), "")
        said = values.get("time") or ()
        return str(said[0].value) if said and said[0].value is not None else ""

    def _ask(self, session: "BoundedSession", queries: Mapping[str, str],
             ask: Ask, moment: str) -> tuple[dict[str, Any], dict[str, str]]:
        from prometheus_api_client import PrometheusApiClientException, PrometheusConnect

        connection = PrometheusConnect(self._url, session=session, retry=Retry(0),
                                       timeout=self._timeout_s, method="POST")
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for name, query in queries.items():
            try:
                values[name] = ask(connection, query, moment)
            except PrometheusApiClientException:
                faults[name] = session.fault
            except (AnswerError, LookupError, TypeError, AttributeError, RecursionError,
                    requests.exceptions.JSONDecodeError, UnicodeDecodeError):
                faults[name] = "the answer is not Prometheus' JSON"
        return values, faults


class BoundedSession(requests.Session):
    """An HTTP session whose answers are bounded in time and in size."""

    def __init__(self, timeout_s: float, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.max_redirects = 3
        self.headers.update(headers or {})
        self._give_up_at = time.monotonic() + timeout_s
        self.fault = ""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """The response with its body read; raises requests' own errors."""
        options["stream"] = True
        response = super().send(request, **options)
        body = bytearray()
        while chunk := response.raw.read1(decode_content=True):
            body += chunk
            if len(body) > ANSWER_LIMIT_BYTES:
                response.close()
                raise requests.exceptions.InvalidHeader("answer too large", response=response)
            if time.monotonic() > self._give_up_at:
                response.close()
                raise requests.ReadTimeout("answer too slow", response=response)
        response._content = bytes(body)
        self.fault = describe_fault(response.status_code, response._content)
        return response


def describe_fault(status_code: int, body: bytes) -> str:
    """Why a question failed: Prometheus' own words if it gave any, else the HTTP status."""
    try:
        said = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return f"HTTP status {status_code}"
    return " ".join(str(said).split())[:200] or f"HTTP status {status_code}"


def parse_result(result: object) -> tuple[Sample, ...]:
    """Samples out of an instant query's result, vector or scalar; raises AnswerError."""
    if not isinstance(result, list):
        raise AnswerError("not a list")
    if len(result) == 2 and isinstance(result[1], str):  # scalar: [time, value]
        return (_sample({}, result),)
    return tuple(_sample(series["metric"], series["value"]) for series in result)


def parse_range(result: object) -> tuple[Series, ...]:
    """Series out of a range query's result; raises AnswerError."""
    if not isinstance(result, list):
        raise AnswerError("not a list")
    found = []
    for series in result:
        samples = [_sample(series["metric"], pair) for pair in series["values"]]
        found.append(Series({str(key): str(word) for key, word in series["metric"].items()},
                            tuple((each.at_utc, each.value) for each in samples)))
    return tuple(found)


def _sample(labels: Any, pair: Any) -> Sample:
    """One sample; raises AnswerError if its parts are not what Prometheus documents."""
    try:
        moment, text = pair
        at_utc = dt.datetime.fromtimestamp(float(moment), dt.UTC)
        value = float(text)
        names = {str(key): str(word) for key, word in labels.items()}
    except (ValueError, OverflowError, OSError) as error:
        raise AnswerError("not a sample") from error
    return Sample(names, value if math.isfinite(value) else None, at_utc)
