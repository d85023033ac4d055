"""HTTP routes of prompts, agents, plans and evaluations: each verb under a path of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from brain.api import exchange, verbs
from brain.api.exchange import PERSON, answer_verb

_MOST_BYTES = 60_000_000
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class StudioRoute:
    """A verb behind a method and path; names in the path's braces are arguments of the verb."""

    method: str
    path: str
    verb: str
    operation: str
    summary: str

    @property
    def names(self) -> tuple[str, ...]:
        """Arguments that stand in the path."""
        return tuple(each[1:-1] for each in self.path.split("/") if each.startswith("{"))


ROUTES = (
    StudioRoute("GET", "/v1/prompts", "prompts", "listPrompts", "Every prompt."),
    StudioRoute("GET", "/v1/prompts/{name}", "prompt_versions", "showPrompt",
                "A prompt's versions, newest first."),
    StudioRoute("POST", "/v1/prompts/{name}/versions", "add_prompt", "addPromptVersion",
                "Add a version."),
    StudioRoute("POST", "/v1/prompts/{name}/diff", "diff_prompt", "diffPrompt",
                "What differs between two versions."),
    StudioRoute("POST", "/v1/prompts/{name}/actions", "act_on_prompt", "actOnPrompt",
                "Activate a version, roll back, or undo."),
    StudioRoute("PUT", "/v1/prompts/{name}", "configure_prompt", "configurePrompt",
                "Set its gate and experiment."),
    StudioRoute("GET", "/v1/agents", "agents", "listAgents", "Every agent."),
    StudioRoute("PUT", "/v1/agents", "put_agent", "putAgent", "Keep an agent."),
    StudioRoute("DELETE", "/v1/agents/{agent_id}", "remove_agent", "removeAgent",
                "Take an agent away."),
    StudioRoute("POST", "/v1/plans/run", "run_plan", "runPlan", "Run a plan of steps."),
    StudioRoute("GET", "/v1/golden-sets", "golden_sets", "listGoldenSets", "Every golden set."),
    StudioRoute("POST", "/v1/golden-sets/{name}", "add_golden_set", "addGoldenSet",
                "Add a version of a golden set."),
    StudioRoute("GET", "/v1/evaluations", "evaluations", "listEvaluations",
                "Evaluations, newest first."),
    StudioRoute("POST", "/v1/evaluations", "evaluate", "evaluate",
                "Run a golden set; answers when it has ended."),
    StudioRoute("GET", "/v1/evaluations/{run_id}", "evaluation", "showEvaluation",
                "What a run has shown."),
)
"""Every route; the reading ones take no body."""


class StudioRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], Any]) -> None:
        self._require_key = require_key

    def table(self) -> tuple[tuple[str, str, Handler], ...]:
        """Method, path and handler of every route."""
        return tuple((each.method, each.path, self._handler(each)) for each in ROUTES)

    def _handler(self, route: StudioRoute) -> Handler:
        takes = verbs.VERBS[route.verb].taken.__struct_fields__

        async def handle(request: Request) -> Response:
            self._require_key(request)
            given: dict[str, Any] = {}
            if route.method in ("POST", "PUT"):
                given = await exchange.read_object(request, _MOST_BYTES)
            given |= {name: request.path_params[name] for name in route.names}
            if "person" in takes:
                given["person"] = PERSON
            return await answer_verb(route.verb, given)
        return handle
