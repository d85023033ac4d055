"""HTTP routes of traffic allocation: look, try, set, stop and resume routes, undo."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access, verbs
from brain.api.access import Refused

_MOST_BYTES = 20_000
PERSON = "HTTP API"


class AllocationRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_all(self, request: Request) -> Response:
        """Every allocation with its shares."""
        self._require_key(request)
        return await _run("allocations", {})

    async def show(self, request: Request) -> Response:
        """One allocation and what each route did."""
        self._require_key(request)
        return await _run("allocation", _which(request))

    async def put(self, request: Request) -> Response:
        """Set an allocation, or with ``dry_run`` tell what would happen."""
        return await self._change("set_allocation", request)

    async def remove(self, request: Request) -> Response:
        """Take an allocation away."""
        self._require_key(request)
        return await _run("remove_allocation", _which(request) | {"person": PERSON})

    async def undo(self, request: Request) -> Response:
        """Take the last change back."""
        return await self._change("undo_allocation", request)

    async def stop(self, request: Request) -> Response:
        """Let it choose a route no more."""
        return await self._change("stop_route", request)

    async def resume(self, request: Request) -> Response:
        """Let a stopped route be chosen again."""
        return await self._change("resume_route", request)

    async def _change(self, verb: str, request: Request) -> Response:
        self._require_key(request)
        access.require_type(request, "application/json")
        body = await access.read_body(request, _MOST_BYTES)
        try:
            given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error
        return await _run(verb, given | _which(request) | {"person": PERSON})


def _which(request: Request) -> dict[str, Any]:
    return {"policy_id": request.path_params["policy_id"]}


async def _run(verb: str, given: dict[str, Any]) -> Response:
    try:
        done = await run_in_threadpool(verbs.run, running.engine(), verb, given)
    except verbs.VerbRefused as refused:
        status = 404 if refused.code == "not_found" else 400
        raise Refused(status, refused.code, str(refused), refused.field) from refused
    return Response(msgspec.json.encode(done), media_type="application/json")
