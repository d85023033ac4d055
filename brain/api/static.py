"""The console's own scripts and styles, packed once and kept: 10 MB become 3 for a new browser."""

import gzip

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PACKED = (".js", ".css", ".json", ".svg", ".ttf")
_MOST_FILES = 1_000
Answer = tuple[list[tuple[bytes, bytes]], bytes]


class PackedStatic:
    """Answers ``/static/`` files gzipped where the browser takes it; names carry their hash."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if (scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}
                or not path.startswith("/static/") or not path.endswith(_PACKED)):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        if "range" in asked or not _takes_gzip(asked.get("accept-encoding", "")):
            await self._app(scope, receive, send)
            return
        answer = self._kept.get(path) or await self._fetch(scope, receive)
        if answer is None:
            await self._app(scope, receive, send)
            return
        headers, body = answer
        if Headers(raw=headers)["etag"] in asked.get("if-none-match", ""):
            await send({"type": "http.response.start", "status": 304, "headers": [
                pair for pair in headers if pair[0] in {b"etag", b"cache-control", b"vary"}]})
            body = b""
        else:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD"
                    else body})

    async def _fetch(self, scope: Scope, receive: Receive) -> Answer | None:
        """The packed answer; None for what is no file of its own."""
        start: Message = {}
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
        await self._app({**scope, "method": "GET", "headers": []}, receive, keep)
        headers = MutableHeaders(raw=list(start.get("headers", ())))
        if start.get("status") != 200 or "immutable" not in headers.get("cache-control", ""):
            return None
        packed = await run_in_threadpool(gzip.compress, b"".join(parts), 6, mtime=0)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(packed))
        headers["etag"] = f'"{headers.get("etag", "").strip(chr(34))}-gzip"'
        headers["vary"] = "Accept-Encoding"
        del headers["accept-ranges"]
        if len(self._kept) < _MOST_FILES:
            self._kept[scope["path"]] = (headers.raw, packed)
        return headers.raw, packed


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3)."""
    for part in accepted.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
