"""HTTP routes of traffic allocation: look, try, set, stop and resume routes, undo."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from brain.api import exchange
from brain.api.exchange import PERSON, answer_verb

_MOST_BYTES = 20_000


class AllocationRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_all(self, request: Request) -> Response:
        """Every allocation with its shares."""
        self._require_key(request)
        return await answer_verb("allocations", {})

    async def show(self, request: Request) -> Response:
        """One allocation and what each route did."""
        self._require_key(request)
        return await answer_verb("allocation", _which(request))

    async def put(self, request: Request) -> Response:
        """Set an allocation, or with ``dry_run`` tell what would happen."""
        return await self._change("set_allocation", request)

    async def remove(self, request: Request) -> Response:
        """Take an allocation away."""
        self._require_key(request)
        return await answer_verb("remove_allocation", _which(request) | {"person": PERSON})

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
        given = await exchange.read_object(request, _MOST_BYTES)
        return await answer_verb(verb, given | _which(request) | {"person": PERSON})


def _which(request: Request) -> dict[str, Any]:
    return {"policy_id": request.path_params["policy_id"]}
