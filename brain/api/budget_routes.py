"""HTTP routes of budgets: how they stand, and changing them."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access, verbs
from brain.api.access import Refused

_MOST_BYTES = 10_000
PERSON = "HTTP API"


class BudgetRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_budgets(self, request: Request) -> Response:
        """Every budget with its status, or those of ``?scope=``."""
        self._require_key(request)
        return await _answer("budgets", {"scope": request.query_params.get("scope", "")})

    async def put_budget(self, request: Request) -> Response:
        """The budget of the body, new or in the place of the one with its id."""
        self._require_key(request)
        access.require_type(request, "application/json")
        body = await access.read_body(request, _MOST_BYTES)
        try:
            given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not_json", f"the body is no JSON object: {error}") from error
        who = {"budget_id": request.path_params["budget_id"], "person": PERSON}
        if clash := sorted(set(given) & set(who)):
            raise Refused(400, "invalid", f"{clash[0]} is not for the body", clash[0])
        return await _answer("set_budget", given | who)

    async def remove_budget(self, request: Request) -> Response:
        """Take a budget away; it can be undone."""
        self._require_key(request)
        return await _answer("remove_budget", _which(request))

    async def undo_budget(self, request: Request) -> Response:
        """The budget as before its last change."""
        self._require_key(request)
        access.require_type(request, "application/json")
        return await _answer("undo_budget", _which(request))

    async def list_alerts(self, request: Request) -> Response:
        """Alerts of budgets in the last ``?days=``."""
        self._require_key(request)
        days = request.query_params.get("days", "31")
        if not days.isdecimal():
            raise Refused(400, "invalid", "days must be a whole number", "days")
        return await _answer("budget_alerts", {"days": int(days)})


def _which(request: Request) -> dict[str, Any]:
    return {"budget_id": request.path_params["budget_id"], "person": PERSON}


async def _answer(verb: str, arguments: dict[str, Any]) -> Response:
    try:
        done = await run_in_threadpool(verbs.run, running.engine(), verb, arguments)
    except verbs.VerbRefused as refused:
        status = 404 if refused.code == "not_found" else 400
        raise Refused(status, refused.code, str(refused), refused.field) from refused
    return Response(msgspec.json.encode(done), media_type="application/json")
