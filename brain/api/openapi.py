"""The OpenAPI description of the HTTP API, from the same types that check its input."""

from typing import Any

import msgspec

from brain import __version__
from brain.api.experiment_routes import AssignmentQuestion, ExposureNotice
from brain.api.gateway_forms import Asked, Verdict
from brain.api.knowledge_routes import DOCUMENT_TYPES
from brain.api.studio_routes import ROUTES
from brain.api.verbs import VERBS
from brain.decisions.assignment.choosing import STATES
from brain.events import KINDS

_RECEIPT = {"type": "object", "required": ["accepted", "rejected", "errors"], "properties": {
    "accepted": {"type": "integer", "description": "Events that are safe on disk."},
    "rejected": {"type": "integer", "description": "Lines that were not taken."},
    "errors": {"type": "array", "maxItems": 100, "items": {"type": "object", "properties": {
        "line": {"type": "integer", "description": "Counts from 1."},
        "code": {"type": "string"}, "message": {"type": "string"},
        "field": {"type": "string"}}}}}}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {
    "type": "object", "properties": {"code": {"type": "string"}, "message": {"type": "string"},
                                     "field": {"type": "string"}}}}}
_STATE = {"type": "object", "properties": {
    "status": {"type": "string"}, "faults": {"type": "array", "items": {"type": "string"}}}}
_KEY: list[dict[str, list[str]]] = [{"key": []}, {}]


def describe() -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    taken = {each.taken.__name__: each.taken for each in VERBS.values()}
    schemas, parts = msgspec.json.schema_components(
        [*KINDS.values(), *taken.values(), AssignmentQuestion, ExposureNotice, Asked, Verdict],
        ref_template="#/components/schemas/{name}")
    events = {"oneOf": schemas[:len(KINDS)]}
    paths = {
        "/v1/events": {"post": _operation(
            "recordEvents", "Record events: JSON lines, plain or gzip; answers after commit.",
            {"200": _answer("All lines are safe on disk.", _RECEIPT),
             "207": _answer("The sound lines are safe; the others are named.", _RECEIPT),
             **_errors(400, 401, 403, 413, 415, 421, 503)},
            body=_body(events, "application/x-ndjson", "application/jsonl", "application/json"))},
        "/v1/traces": {"post": _operation(
            "recordTraces", "Record the calls of models in OTLP traces; answers after commit.",
            {"200": {"description": "The sound calls are safe; partialSuccess tells of others.",
                     "content": {each: {} for each in _OTLP}},
             **_errors(400, 401, 403, 413, 415, 421, 503)},
            body=_body({}, *_OTLP))},
        "/v1/imports": {"post": _operation(
            "importFile", "Import a file; answers JSON lines of progress, then the report.",
            {"200": {"description": "Progress, then the report or an error.",
                     "content": {"application/x-ndjson": {}}},
             **_errors(400, 401, 403, 413, 415, 421)},
            body=_body({"type": "string", "format": "binary"}, "application/octet-stream"))},
        "/v1/engine/{verb}": {"post": _operation(
            "runVerb", "Run a verb of the engine; only for this machine's user.",
            {"200": _answer("What the verb answers."), **_errors(400, 401, 403, 413, 415, 421)},
            body=_body({"anyOf": schemas[len(KINDS):-4]}, "application/json"),
            parameters=[{"name": "verb", "in": "path", "required": True,
                         "schema": {"type": "string", "enum": list(VERBS)}}],
            security=[{"owner": []}])},
        "/v1/openapi.json": {"get": _operation(
            "describe", "This document.",
            {"200": _answer("OpenAPI 3.1."), **_errors(421)}, security=[])},
        **_monitoring(),
        **_optimization(),
        **_experiments(*schemas[-4:-2]),
        **_gateway(*schemas[-2:]),
        **_budgets(),
        **_knowledge(),
        **_allocations(),
        **_studio(),
        "/metrics": {"get": _operation(
            "showMetrics", "Figures for Prometheus.",
            {"200": {"description": "Text form 0.0.4.", "content": {"text/plain": {}}},
             **_errors(401, 421)})},
        "/healthz": {"get": _operation(
            "answerAlive", "Whether the process answers.",
            {"200": _answer("It does.", _STATE), **_errors(421)}, security=[])},
        "/readyz": {"get": _operation(
            "answerReady", "Whether stores and jobs are well.",
            {"200": _answer("They are.", _STATE),
             "503": _answer("They are not, and why.", _STATE), **_errors(421)}, security=[])}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Brain Console", "version": __version__,
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": {**parts, "Error": _ERROR}, "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer",
                    "description": "BRAIN_SERVER_API_KEY, where one is set."},
            "owner": {"type": "http", "scheme": "bearer",
                      "description": "The token in owner.json of the data folder."}}}}


def _monitoring() -> dict[str, Any]:
    levels = {"oneOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}
    change = {"type": "object", "properties": {
        **dict.fromkeys(("target", "warning", "critical"), levels),
        "reset": {"type": "boolean"}}}
    names = {"type": "string", "enum": ["check", "latency"]}
    forms = {"type": "string", "enum": ["json", "txt", "html"]}
    return {
        "/api/v1/targets": {"get": _operation(
            "listTargets", "The one table of targets.",
            {"200": _answer("Every metric with its levels."), **_errors(401, 421)})},
        "/api/v1/targets/{metric}": {"put": _operation(
            "changeTarget", "Change a metric's levels, or reset them.",
            {"200": _answer("The metric with its levels."),
             **_errors(400, 401, 403, 413, 415, 421)},
            body=_body(change, "application/json"),
            parameters=[{"name": "metric", "in": "path", "required": True,
                         "schema": {"type": "string"}}])},
        "/api/v1/monitoring/health": {"get": _operation(
            "tellHealth", "The checklist of a range with its verdict.",
            {"200": _answer("The check."), **_errors(400, 401, 421)},
            parameters=[_asked("range", {"type": "string"})])},
        "/api/v1/monitoring/report": {"get": _operation(
            "makeReport", "The daily check or the latency report as JSON, text or HTML.",
            {"200": {"description": "The report.", "content": {
                each: {} for each in ("application/json", "text/plain", "text/html")}},
             **_errors(400, 401, 421)},
            parameters=[_asked("name", names), _asked("range", {"type": "string"}),
                        _asked("form", forms)])}}


def _optimization() -> dict[str, Any]:
    base, text = "/api/v1/optimization", {"type": "string"}
    wrong = _errors(400, 401, 403, 404, 409, 413, 415, 421)
    chosen = {"type": "object", "properties": {"only": text, "dry_run": {"type": "boolean"}}}
    return {
        f"{base}/plan": {"get": _operation(
            "planOptimization", "What would be done now, why, and how it would be taken back.",
            {"200": _answer("The plan."), **_errors(400, 401, 421)},
            parameters=[_asked("only", text)])},
        f"{base}/run": {"post": _operation(
            "runOptimization", "Begin a run where the plan has something to do.",
            {"200": _answer("The run, or the plan."), **wrong},
            body=_body(chosen, "application/json"))},
        f"{base}/stop": {"post": _operation(
            "stopOptimization", "End the run under way; what it changed is rolled back.",
            {"200": _answer("The run."), **wrong}, body=_body({}, "application/json"))},
        f"{base}/runs": {"get": _operation(
            "listOptimizations", "Runs, newest first; a file for the forms json, csv, parquet.",
            {"200": _answer("Runs."), **_errors(400, 401, 421)},
            parameters=[_asked("range", text), _asked("limit", {"type": "integer"}),
                        _asked("form", {"enum": ["lines", "json", "csv", "parquet"]})])},
        f"{base}/runs/{{run_id}}/rollback": {"post": _operation(
            "rollBackOptimization", "Take a past run back while its checkpoint holds.",
            {"200": _answer("The run that takes it back."), **wrong},
            body=_body({}, "application/json"),
            parameters=[{"name": "run_id", "in": "path", "required": True, "schema": text}])},
        f"{base}/configuration": {
            "get": _operation("readOptimizer", "The optimizer's configuration.",
                              {"200": _answer("Values by name."), **_errors(401, 421)}),
            "put": _operation("configureOptimizer", "Change values; all or none are taken.",
                              {"200": _answer("Values by name."), **wrong},
                              body=_body({"type": "object"}, "application/json"))}}


def _studio() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in ROUTES:
        taken = VERBS[each.verb].taken.__name__
        more: dict[str, Any] = {"parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in each.names]} if each.names else {}
        if each.method in ("POST", "PUT"):
            more["body"] = _body({
                "description": f"As the verb {each.verb} takes it; what stands in the path may be "
                               "left out.", "anyOf": [
                    {"$ref": f"#/components/schemas/{taken}"}, {"type": "object"}]},
                "application/json")
        found.setdefault(each.path, {})[each.method.lower()] = _operation(
            each.operation, each.summary,
            {"200": _answer(f"As the verb {each.verb} answers."),
             **_errors(400, 401, 403, 404, 413, 415, 421)}, **more)
    return found


def _allocations() -> dict[str, Any]:
    base, text = "/v1/allocations", {"type": "string"}
    which = [{"name": "policy_id", "in": "path", "required": True, "schema": text}]
    wrong = _errors(400, 401, 403, 404, 413, 415, 421)
    route = {"type": "object", "properties": {"route": text, "reason": text}}

    def post(name: str, meaning: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"post": _operation(name, meaning, {"200": _answer("What holds now."), **wrong},
                                   body=_body(body, "application/json"), parameters=which)}
    return {
        base: {"get": _operation(
            "listAllocations", "Every allocation with its shares and stopped routes.",
            {"200": _answer("Allocations."), **_errors(401, 421)})},
        f"{base}/{{policy_id}}": {
            "get": _operation("showAllocation", "One allocation and what each route did.",
                              {"200": _answer("The allocation."), **_errors(401, 404, 421)},
                              parameters=which),
            "put": _operation("setAllocation", "Set an allocation; dry_run changes nothing.",
                              {"200": _answer("The allocation, and the shares that come next."),
                               **wrong},
                              body=_body({"$ref": "#/components/schemas/SetAllocation"},
                                         "application/json"), parameters=which),
            "delete": _operation("removeAllocation", "Take an allocation away.",
                                 {"200": _answer("Which one."), **_errors(401, 403, 404, 421)},
                                 parameters=which)},
        f"{base}/{{policy_id}}/undo": post("undoAllocation", "Take its last change back.", {}),
        f"{base}/{{policy_id}}/stop": post("stopRoute", "Choose a route no more.", route),
        f"{base}/{{policy_id}}/resume": post("resumeRoute", "Let a stopped route be chosen again.",
                                             {"type": "object", "properties": {"route": text}})}


def _budgets() -> dict[str, Any]:
    which = [{"name": "budget_id", "in": "path", "required": True, "schema": {"type": "string"}}]
    set_to = {"$ref": "#/components/schemas/SetBudget"}
    return {
        "/v1/budgets": {"get": _operation(
            "listBudgets", "Every budget and how it stands, or those of a scope.",
            {"200": _answer("Budgets with their status."), **_errors(400, 401, 421)},
            parameters=[_asked("scope", {"type": "string"})])},
        "/v1/budgets/{budget_id}": {
            "put": _operation(
                "setBudget", "Add a budget or change it; budget_id stands in the path.",
                {"200": _answer("The budget with its status."),
                 **_errors(400, 401, 403, 413, 415, 421)},
                body=_body(set_to, "application/json"), parameters=which),
            "delete": _operation(
                "removeBudget", "Take a budget away; undo brings it back.",
                {"200": _answer("It is gone."), **_errors(400, 401, 403, 404, 421)},
                parameters=which)},
        "/v1/budgets/{budget_id}/undo": {"post": _operation(
            "undoBudget", "The budget as before its last change.",
            {"200": _answer("The budget, null where it was not there."),
             **_errors(400, 401, 403, 404, 415, 421)},
            body=_body({"type": "object"}, "application/json"), parameters=which)},
        "/v1/budget-alerts": {"get": _operation(
            "listBudgetAlerts", "What budgets told in the last days, oldest first.",
            {"200": _answer("Alerts."), **_errors(400, 401, 421)},
            parameters=[_asked("days", {"type": "integer"})])}}


def _experiments(question: dict[str, Any], notice: dict[str, Any]) -> dict[str, Any]:
    key = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}
    given = {"200": _answer("The variant, null for none, and why."),
             **_errors(400, 401, 421)}
    return {
        "/v1/experiments": {"get": _operation(
            "listExperiments", "Every experiment, or those of a state.",
            {"200": _answer("Experiments by key."), **_errors(400, 401, 421)},
            parameters=[_asked("state", {"type": "string", "enum": list(STATES)})])},
        "/v1/experiments/{key}/assignment": {
            "get": _operation(
                "askAssignment", "A unit's variant; further parameters are its attributes.",
                given, parameters=[key, {**_asked("unit_id", {"type": "string"}),
                                         "required": True}]),
            "post": _operation(
                "assign", "A unit's variant; with `expose` it is recorded as seen.",
                {**given, **_errors(403, 404, 413, 415)},
                body=_body(question, "application/json"), parameters=[key])},
        "/v1/experiments/{key}/exposure": {"post": _operation(
            "expose", "Record that a unit saw a variant, once per unit.",
            {"200": _answer("Whether it was recorded; false where it was before."),
             **_errors(400, 401, 403, 404, 413, 415, 421)},
            body=_body(notice, "application/json"), parameters=[key])}}


def _gateway(question: dict[str, Any], verdict: dict[str, Any]) -> dict[str, Any]:
    chat = {"type": "object", "required": ["messages"], "description":
            "OpenAI's chat completion request; `brain` holds what it has no place for."}
    faults = _errors(400, 401, 402, 403, 404, 413, 415, 421, 422, 429, 500, 502, 503, 504)
    events: dict[str, Any] = {"text/event-stream": {}, "application/json": {}}
    return {
        "/v1/ask": {"post": _operation(
            "ask", "Answer a question; with `stream` in pieces as server-sent events.",
            {"200": {"description": "The answer with its steps.", "content": events}, **faults},
            body=_body(question, "application/json"))},
        "/v1/chat/completions": {"post": _operation(
            "completeChat", "A chat completion in OpenAI's form, errors in its form too.",
            {"200": {"description": "The completion, or its chunks.", "content": events},
             **faults}, body=_body(chat, "application/json"))},
        "/v1/models": {"get": _operation(
            "listModels", "Models on offer in OpenAI's form; `auto` leaves the choice to us.",
            {"200": _answer("The models."), **_errors(401, 421)})},
        "/v1/feedback": {"post": _operation(
            "giveFeedback", "A verdict on an answer: stars or thumbs, comment, task success.",
            {"200": _answer("Its id; the verdict is safe."),
             **_errors(400, 401, 403, 413, 415, 421)},
            body=_body(verdict, "application/json"))}}


def _knowledge() -> dict[str, Any]:
    workspace = _asked("workspace_id", {"type": "string", "default": "default"})
    number = {"name": "document_id", "in": "path", "required": True, "schema": {"type": "string"}}
    named = {**_asked("name", {"type": "string", "maxLength": 256}), "required": True}
    return {
        "/v1/knowledge/documents": {
            "get": _operation("listDocuments", "A workspace's documents by name.",
                              {"200": _answer("Documents."), **_errors(400, 401, 421)},
                              parameters=[workspace]),
            "post": _operation(
                "putDocument", "Keep a document: text, Markdown, HTML or PDF. The name replaces.",
                {"200": _answer("The document as kept."),
                 **_errors(400, 401, 403, 413, 415, 421)},
                body=_body({"type": "string", "format": "binary"}, *DOCUMENT_TYPES),
                parameters=[workspace, named])},
        "/v1/knowledge/documents/{document_id}": {"delete": _operation(
            "removeDocument", "Take a document out of the search; it comes back within a week.",
            {"200": _answer("The document."), **_errors(400, 401, 403, 404, 421)},
            parameters=[workspace, number])},
        "/v1/knowledge/search": {"post": _operation(
            "searchKnowledge", "The passages that fit a question, with `answer` the sentences.",
            {"200": _answer("Passages, best first."),
             **_errors(400, 401, 403, 413, 415, 421)},
            body=_body({"$ref": "#/components/schemas/SearchKnowledge"}, "application/json"))}}


def _asked(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


_OTLP = ("application/json", "application/x-protobuf")
_MEANINGS = {400: "The body or an option cannot be used.", 401: "No valid key.",
             403: "A page of another site asks.", 404: "No such thing.",
             409: "Not now: another one is under way, or it is too late.",
             413: "Too large.", 415: "Wrong content type.",
             402: "A budget has no room.", 422: "No model fulfils what is asked for.",
             429: "A quota, a place or a rate is used up; retry-after says when to come again.",
             500: "This went wrong here.", 502: "The provider failed.",
             504: "The provider did not answer in time.",
             421: "Unknown Host.", 503: "Could not be stored; nothing was taken."}


def _operation(name: str, summary: str, responses: dict[str, Any], *,
               body: dict[str, Any] | None = None, parameters: list[Any] | None = None,
               security: list[dict[str, list[str]]] | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"operationId": name, "summary": summary, "responses": responses,
                            "security": _KEY if security is None else security}
    if body:
        said["requestBody"] = body
    if parameters:
        said["parameters"] = parameters
    return said


def _body(schema: dict[str, Any], *types: str) -> dict[str, Any]:
    return {"required": True, "content": {each: {"schema": schema} for each in types}}


def _answer(meaning: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": schema or {}}}}


def _errors(*statuses: int) -> dict[str, Any]:
    wrong = {"$ref": "#/components/schemas/Error"}
    return {str(status): _answer(_MEANINGS[status], wrong) for status in statuses}
