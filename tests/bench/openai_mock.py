"""An OpenAI-compatible server that answers every completion at once, as an ASGI program.

``/calls`` tells how many completions it was asked for.
"""

import json
from typing import Any

_ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "mock-1",
    "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": {
        "role": "assistant", "content": "What may go wrong before you stop changing things.",
        "refusal": None}}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}}).encode()
_calls: list[str] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer any completion the same way."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        continue
    body = _ANSWER if scope["method"] == "POST" else str(len(_calls)).encode()
    if scope["method"] == "POST":
        _calls.append(scope["path"])
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json"),
                            (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
