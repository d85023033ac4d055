"""Record events from a program: ``from brain.client import record``.

    record("requests", model="gpt-4o", input_tokens=812, output_tokens=120, latency_ms=640)

Events are kept in memory and sent in the background; ``flush`` waits until the console has
them safe on disk. Needs nothing but Python's standard library.
"""

import atexit
import contextlib
import datetime as dt
import gzip
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import deque
from typing import Any
from urllib.parse import quote, urlsplit

DEFAULT_URL = "http://127.0.0.1:8501"
_BATCH_EVENTS = 1_000
_BATCH_BYTES = 4_000_000
_EVENT_BYTES = 1_000_000
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_Waiting = tuple[str, bytes]


class RecordRefused(ValueError):
    """Events that the console will not take.

    ``errors`` names event_id, code, message and field of each.
    """

    def __init__(self, message: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.errors = errors


class Client:
    """Sends events to one console. Safe to share between threads, and across a fork."""

    def __init__(self, url: str = "", api_key: str = "", *, most_waiting: int = 100_000,
                 interval_s: float = 1.0, timeout_s: float = 10.0) -> None:
        """``url`` and ``api_key`` default to BRAIN_CLIENT_URL and BRAIN_CLIENT_KEY.

        At most ``most_waiting`` events are kept while the console cannot be reached.
        """
        address = url or os.environ.get("BRAIN_CLIENT_URL", DEFAULT_URL)
        self._address = address.rstrip("/")
        self._url = f"{self._address}/v1/events"
        self._key = api_key or os.environ.get("BRAIN_CLIENT_KEY", "")
        self._most, self._interval_s, self._timeout_s = most_waiting, interval_s, timeout_s
        # A proxy named in the environment is for the world outside this machine.
        near = urlsplit(address).hostname in _LOOPBACK
        self._opener = urllib.request.build_opener(
            *([urllib.request.ProxyHandler({})] if near else []))
        self.dropped = 0
        """Events lost because too many waited."""
        self.refused: deque[dict[str, Any]] = deque(maxlen=1_000)
        """The last verdicts on events that the console would not take."""
        self.refused_events = 0
        """How many events the console would not take."""
        self._begin()
        atexit.register(self._finish)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._waiting: deque[_Waiting] = deque()
        self._recorded = self._settled = self._untold = 0
        self._counting, self._sending = threading.Lock(), threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, kind: str = "requests", **fields: Any) -> str:
        """The id of the event, which is sent soon; never raises. Times may be datetimes."""
        event = {"kind": kind, "event_id": str(uuid.uuid4()),
                 "at_utc": dt.datetime.now(dt.UTC)} | fields
        number = str(event["event_id"])
        if os.getpid() != self._process:
            self._begin()  # in a forked child: what the parent has waiting, the parent sends
        try:
            line = json.dumps(event, default=_to_json).encode()
            if len(line) > _EVENT_BYTES:
                raise ValueError(f"an event holds at most {_EVENT_BYTES:,} bytes")
        except (TypeError, ValueError, RecursionError) as error:
            self._refuse([{"event_id": number, "code": "not_sendable", "message": str(error),
                           "field": ""}], 1)
            return number
        with self._counting:
            if len(self._waiting) >= self._most:
                self.dropped += 1
                return number
            self._waiting.append((number, line))
            self._recorded += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="brain-client", daemon=True)
                self._thread.start()
        if len(self._waiting) >= _BATCH_EVENTS:
            self._wake.set()
        return number

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until everything recorded so far is safe on the console's disk.

        Raises TimeoutError if the console cannot be reached in time (the events stay and are
        tried again) and RecordRefused if it would not take some since the last flush.
        """
        until, wanted = time.monotonic() + timeout_s, self._recorded
        while self._settled < wanted:
            left_s = until - time.monotonic()
            try:
                if left_s <= 0 or not self._sending.acquire(timeout=left_s):
                    raise TimeoutError("no time left")
                try:
                    self._send(min(self._timeout_s, max(left_s, 0.1)))
                finally:
                    self._sending.release()
            except OSError as error:
                if time.monotonic() + 0.2 >= until:
                    raise TimeoutError(f"{self._url} took no events in {timeout_s:g} s: "
                                       f"{error}") from error
                time.sleep(0.2)
        with self._counting:
            fresh, self._untold = self._untold, 0
        if fresh:
            faults = list(self.refused)[-fresh:]
            raise RecordRefused(f"{fresh} events were refused, among them: "
                                f"{faults[-1].get('message', '')}", faults)

    def assign(self, experiment: str, unit_id: str, attributes: dict[str, Any] | None = None, *,
               expose: bool = False, default: str | None = None) -> str | None:
        """The unit's variant, ``default`` where it takes no part or the console cannot be asked.

        With ``expose`` the exposure is recorded with the answer: only when the unit sees the
        variant now. A program must go on whatever happens here, so nothing is raised.
        """
        told = self._ask(experiment, "assignment", {
            "unit_id": unit_id, "attributes": attributes or {}, "expose": expose})
        variant = told.get("variant")
        return variant if isinstance(variant, str) else default

    def expose(self, experiment: str, unit_id: str, variant: str, **who: str) -> bool:
        """Whether the exposure was recorded now; false where it was before, or not at all.

        ``who`` may name workspace_id, user_id and session_id. Never raises.
        """
        told = self._ask(experiment, "exposure", {"unit_id": unit_id, "variant": variant, **who})
        return told.get("recorded") is True

    def _ask(self, experiment: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """The console's answer, nothing where there is none."""
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            request = urllib.request.Request(  # noqa: S310 - the program's own setting
                f"{self._address}/v1/experiments/{quote(experiment, safe='')}/{what}",
                json.dumps(body, default=_to_json).encode(), headers, method="POST")
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            self.refused.extend(_to_refusal(error).errors)
            return {}
        except (OSError, ValueError, TypeError, RecursionError, http.client.HTTPException):
            return {}
        return told if isinstance(told, dict) else {}

    def _run(self) -> None:
        while True:
            self._wake.wait(self._interval_s)
            self._wake.clear()
            with contextlib.suppress(OSError):
                while self._waiting:
                    with self._sending:
                        self._send(self._timeout_s)

    def _send(self, timeout_s: float) -> None:
        """Send the events that have waited longest. Raises OSError if none could be sent."""
        batch = self._next_batch()
        while batch:
            try:
                told = self._post(b"\n".join(line for _, line in batch), timeout_s)
            except RecordRefused as refused:
                if len(batch) > 1 and refused.errors[0].get("code", "").startswith("too_"):
                    batch = batch[:len(batch) // 2]
                    continue
                told = {"rejected": len(batch), "errors": refused.errors}
            self._refuse([{"event_id": batch[max(each.get("line", 1), 1) - 1][0]} | each
                          for each in told["errors"]], told["rejected"])
            with self._counting:
                self._settled += len(batch)
                for _ in batch:
                    self._waiting.popleft()
            return

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        with self._counting:
            for each in self._waiting:
                size += len(each[1])
                if len(batch) == _BATCH_EVENTS or (batch and size > _BATCH_BYTES):
                    break
                batch.append(each)
        return batch

    def _refuse(self, errors: list[dict[str, Any]], events: int) -> None:
        with self._counting:
            self.refused.extend(errors)
            self.refused_events += events
            self._untold += events

    def _post(self, body: bytes, timeout_s: float) -> dict[str, Any]:
        """The console's receipt.

        Raises OSError if it cannot be reached or cannot store, RecordRefused if it refuses
        the whole body.
        """
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(  # noqa: S310 - the address is the program's own setting
            self._url, gzip.compress(body, 1), headers, method="POST")
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                receipt = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code >= 500 or error.code == 429:
                raise
            raise _to_refusal(error) from error
        except (ValueError, http.client.HTTPException) as error:
            raise ConnectionError(f"{self._url} is no Brain Console: {error}") from error
        if not isinstance(receipt, dict) or not {"rejected", "errors"} <= set(receipt):
            raise ConnectionError(f"{self._url} is no Brain Console: it gave no receipt")
        return receipt

    def _finish(self) -> None:
        if os.getpid() == self._process:
            with contextlib.suppress(TimeoutError, RecordRefused):
                self.flush(timeout_s=5)


def _to_refusal(answer: urllib.error.HTTPError) -> RecordRefused:
    error = {"code": "refused", "message": str(answer), "field": ""}
    with contextlib.suppress(ValueError, TypeError, KeyError, OSError, http.client.HTTPException):
        error |= json.loads(answer.read())["error"]
    return RecordRefused(error["message"], [error])


def _to_json(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.astimezone()).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent")


_creating = threading.Lock()
_default: list[Client] = []


def _client() -> Client:
    with _creating:
        if not _default:
            _default.append(Client())
        return _default[0]


def record(kind: str = "requests", **fields: Any) -> str:
    """The id of an event that the default client sends; see ``Client.record``."""
    return _client().record(kind, **fields)


def flush(timeout_s: float = 30.0) -> None:
    """Wait until everything recorded is safe; see ``Client.flush``."""
    _client().flush(timeout_s)


def assign(experiment: str, unit_id: str, attributes: dict[str, Any] | None = None, *,
           expose: bool = False, default: str | None = None) -> str | None:
    """The unit's variant, asked by the default client; see ``Client.assign``."""
    return _client().assign(experiment, unit_id, attributes, expose=expose, default=default)


def expose(experiment: str, unit_id: str, variant: str, **who: str) -> bool:
    """Record that a unit saw a variant; see ``Client.expose``."""
    return _client().expose(experiment, unit_id, variant, **who)
