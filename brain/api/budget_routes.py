"""HTTP routes of budgets: how they stand, and changing them."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from brain.api import exchange
from brain.api.access import Refused, require_type
from brain.api.exchange import PERSON, answer_verb

_MOST_BYTES = 10_000


class BudgetRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_budgets(self, request: Request) -> Response:
        """Every budget with its status, or those of ``?scope=``."""
        self._require_key(request)
        return await answer_verb("budgets", {"scope": request.query_params.get("scope", "")})

    async def put_budget(self, request: Request) -> Response:
        """The budget of the body, new or in the place of the one with its id."""
        self._require_key(request)
        given = await exchange.read_object(request, _MOST_BYTES, *_which(request))
        return await answer_verb("set_budget", given | _which(request))

    async def remove_budget(self, request: Request) -> Response:
        """Take a budget away; it can be undone."""
        self._require_key(request)
        return await answer_verb("remove_budget", _which(request))

    async def undo_budget(self, request: Request) -> Response:
        """The budget as before its last change."""
        self._require_key(request)
        require_type(request, "application/json")
        return await answer_verb("undo_budget", _which(request))

    async def list_alerts(self, request: Request) -> Response:
        """Alerts of budgets in the last ``?days=``."""
        self._require_key(request)
        days = request.query_params.get("days", "31")
        if not days.isdecimal():
            raise Refused(400, "invalid", "days must be a whole number", "days")
        return await answer_verb("budget_alerts", {"days": int(days)})


def _which(request: Request) -> dict[str, Any]:
    return {"budget_id": request.path_params["budget_id"], "person": PERSON}
