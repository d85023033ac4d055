"""HTTP routes of knowledge: documents in and out, search."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from brain import running
from brain.api import access, exchange, knowledge
from brain.api.access import Refused
from brain.api.exchange import answer
from brain.decisions.reasons import InputError
from brain.sources.documents import KINDS, MOST_BYTES

DOCUMENT_TYPES = (*dict.fromkeys(KINDS.values()), "application/octet-stream")
_MOST_QUESTION_BYTES = 100_000


class KnowledgeRoutes:
    """Handlers over this process's engine; ``require_key`` raises Refused without a fitting key."""

    def __init__(self, require_key: Callable[[Request], None]) -> None:
        self._require_key = require_key

    async def list_documents(self, request: Request) -> Response:
        """The documents of ``?workspace_id=``."""
        given = self._options(request, knowledge.Documents)
        return answer(await _run(lambda: knowledge.list_documents(running.engine(), given)))

    async def put_document(self, request: Request) -> Response:
        """Keep the body as the document of ``?name=``; one of that name is replaced."""
        self._require_key(request)
        access.require_type(request, *DOCUMENT_TYPES)
        body = await access.read_body(request, MOST_BYTES)
        asked = request.query_params
        kind = request.headers.get("content-type", "")

        def work() -> Any:
            return asdict(running.engine().knowledge.ingest(
                asked.get("workspace_id", "default"), asked.get("name", ""), body, kind,
                person="api"))
        return answer(await _run(work))

    async def remove_document(self, request: Request) -> Response:
        """Take a document out of the search; it can be brought back for a week."""
        given = self._options(request, knowledge.Documents)

        def work() -> Any:
            return asdict(running.engine().knowledge.delete(
                given.workspace_id, request.path_params["document_id"], "api"))
        return answer(await _run(work))

    async def search(self, request: Request) -> Response:
        """The passages that fit a question, with ``answer`` the sentences too."""
        self._require_key(request)
        given = await exchange.read_json(request, knowledge.SearchKnowledge, _MOST_QUESTION_BYTES)
        return answer(await _run(lambda: knowledge.search_knowledge(running.engine(), given)))

    def _options(self, request: Request, kind: type[Any]) -> Any:
        self._require_key(request)
        return exchange.convert(dict(request.query_params), kind)


async def _run(work: Callable[[], Any]) -> Any:
    try:
        return await run_in_threadpool(work)
    except InputError as error:
        status = 413 if error.code == "too_large" else 400
        raise Refused(status, error.code, error.message, error.field) from error
    except LookupError as error:
        raise Refused(404, "unknown_document", str(error.args[0]), "document_id") from error
