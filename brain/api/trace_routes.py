"""HTTP route of traces: OTLP in JSON or protobuf, as OpenTelemetry's exporters send it."""

import logging
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access
from brain.api.access import Refused
from brain.settings import Settings
from brain.sources.wire import BodyRefused, unpack

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_log = logging.getLogger("brain.api")


class TraceRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, settings: Settings, require_key: Callable[[Request], None]) -> None:
        self._settings, self._require_key = settings, require_key

    async def take_traces(self, request: Request) -> Response:
        """Accept spans; answers when the calls of models among them are safe on disk."""
        self._require_key(request)
        access.require_type(request, PROTOBUF, JSON)
        given = request.headers["content-type"].split(";")[0].strip().lower()
        most = self._settings.ingest.max_body_bytes
        packed = await access.read_body(request, most)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        try:
            # Lines mean nothing here: a body of so many bytes never has more.
            body = await run_in_threadpool(unpack, packed, encoding, most, most)
            answer = await run_in_threadpool(running.engine().accept_traces, body,
                                             as_json=given == JSON)
        except BodyRefused as refused:
            raise Refused(413 if refused.code.startswith("too_") else 400, refused.code,
                          str(refused)) from refused
        except Exception as failure:  # whatever it was, nothing of the body was taken
            _log.exception("traces could not be stored")
            raise Refused(503, "not_stored", "the traces could not be stored, none of them was "
                                             "taken: send them again later") from failure
        return Response(answer, media_type=given)
