"""What the query engine takes and gives over HTTP: our own form, and OpenAI's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.decisions.reasons import InputError
from brain.gateway.question import OPTIONS, Answer, Message, Question, ToolCall

Name = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=4_000_000)]
PASSED = frozenset({
    "model", "messages", "stream", "stream_options", "temperature", "max_tokens",
    "max_completion_tokens", "tools", "tool_choice", "response_format", "stop", "user", "n",
    "brain", *OPTIONS})
UNHEEDED = frozenset({"metadata", "store", "service_tier", "prompt_cache_key", "safety_identifier",
                      "prompt_cache_retention"})
"""Parameters of OpenAI's that change nothing in an answer's meaning, and are left out."""


class AskMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One turn of a talk."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text = ""


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A question: ``text``, or a whole talk as ``messages``; see docs/gateway.md."""

    text: Text = ""
    messages: list[AskMessage] = []
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    agent_id: Name = ""
    session_id: Name = ""
    model: Name = ""
    provider: Name = ""
    priority: Literal["balanced", "cost", "latency", "quality"] = "balanced"
    max_cost_usd: Annotated[float, Meta(gt=0)] | None = None
    max_latency_ms: Annotated[float, Meta(gt=0)] | None = None
    max_output_tokens: Annotated[int, Meta(gt=0)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    json: bool = False
    feature: Name = ""
    experiments: list[Name] = []
    use_cache: bool = True
    use_knowledge: bool = True
    stream: bool = False


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """A verdict on an answer: stars or thumbs, a comment, whether the task was solved."""

    request_id: Annotated[str, Meta(min_length=1, max_length=256)]
    stars: Annotated[int, Meta(ge=1, le=5)] | None = None
    thumbs: Literal["up", "down"] | None = None
    comment: Annotated[str, Meta(max_length=20_000)] = ""
    success: bool | None = None
    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    agent_id: Name = ""


class BrainPart(msgspec.Struct, forbid_unknown_fields=True):
    """What OpenAI's form has no place for, in a member named "brain"."""

    workspace_id: Annotated[str, Meta(min_length=1, max_length=128)] = "default"
    user_id: Name = ""
    agent_id: Name = ""
    session_id: Name = ""
    provider: Name = ""
    priority: Literal["balanced", "cost", "latency", "quality"] = "balanced"
    max_cost_usd: Annotated[float, Meta(gt=0)] | None = None
    max_latency_ms: Annotated[float, Meta(gt=0)] | None = None
    feature: Name = ""
    experiments: list[Name] = []
    use_cache: bool = True
    use_knowledge: bool = False


def to_question(asked: Asked, api_key_id: str) -> Question:
    """The question of our own form."""
    return Question(
        asked.text, tuple(Message(each.role, each.content) for each in asked.messages),
        asked.workspace_id, asked.user_id, asked.agent_id, asked.session_id, api_key_id,
        asked.model, asked.provider, asked.priority, _usd(asked.max_cost_usd),
        asked.max_latency_ms, asked.max_output_tokens, asked.temperature, json=asked.json,
        feature=asked.feature, experiments=tuple(asked.experiments), use_cache=asked.use_cache,
        use_knowledge=asked.use_knowledge, source="api")


def read_chat(body: Mapping[str, Any], api_key_id: str) -> Question:
    """The question of OpenAI's form. Raises InputError naming the parameter."""
    if unknown := set(body) - PASSED - UNHEEDED:
        raise InputError("unknown_parameter", "Unrecognized request argument supplied: "
                                              f"{min(unknown):.80}", min(unknown)[:80])
    if body.get("n") not in (None, 1):
        raise InputError("unsupported_value", "n must be 1: one answer is made", "n")
    given = _read(body.get("brain") or {}, BrainPart, "brain")
    talk = body.get("messages")
    if not isinstance(talk, list) or not talk:
        raise InputError("empty", "messages must be a list with at least one message", "messages")
    form = _read(body.get("response_format") or {"type": "text"}, dict[str, Any],
                 "response_format")
    most = body.get("max_completion_tokens", body.get("max_tokens"))
    stop = body.get("stop")
    return Question(
        "", tuple(_read_message(each, f"messages[{number}]") for number, each in enumerate(talk)),
        given.workspace_id, given.user_id or _text(body, "user"), given.agent_id,
        given.session_id, api_key_id, _text(body, "model"), given.provider, given.priority,
        _usd(given.max_cost_usd), given.max_latency_ms,
        _read(most, int | None, "max_tokens"),
        _read(body.get("temperature"), float | None, "temperature"),
        tuple(_read(body.get("tools") or [], list[dict[str, Any]], "tools")),
        _read(body.get("tool_choice"), str | dict[str, Any] | None, "tool_choice"),
        _read_form(form), (stop,) if isinstance(stop, str) else tuple(
            _read(stop or [], list[str], "stop")),
        {name: body[name] for name in OPTIONS if body.get(name) is not None}, given.feature,
        experiments=tuple(given.experiments), use_cache=given.use_cache,
        use_knowledge=given.use_knowledge, source="api")


def tell_answer(answer: Answer) -> dict[str, Any]:
    """The answer in our own form."""
    return {**msgspec.to_builtins(answer, builtin_types=(Decimal,)),
            "cost_usd": None if answer.cost_usd is None else format(answer.cost_usd, "f"),
            "reasons": [{"code": each.code, "text": each.text} for each in answer.reasons]}


def tell_chat(answer: Answer, created: int) -> dict[str, Any]:
    """The answer as a chat completion of OpenAI's form, ours under "brain"."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None,
                               "refusal": None}
    if answer.tool_calls:
        message["tool_calls"] = [_tell_tool(each) for each in answer.tool_calls]
    elif not answer.text:
        message["content"] = ""
    return {"id": f"chatcmpl-{answer.request_id}", "object": "chat.completion",
            "created": created, "model": answer.model, "usage": tell_usage(answer),
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": answer.finish_reason}], "brain": tell_brain(answer)}


def tell_chunk(number: str, created: int, model: str, delta: Mapping[str, Any] | None,
               finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """One piece of a stream in OpenAI's form; without a delta it has no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None,
                                         "finish_reason": finish_reason}]
    return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": created,
            "model": model, "choices": choices, **more}


def tell_usage(answer: Answer) -> dict[str, Any]:
    """Token counts in OpenAI's form, whose prompt tokens include the cached ones."""
    usage = answer.usage
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return {"prompt_tokens": prompt, "completion_tokens": usage.output_tokens,
            "total_tokens": prompt + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens}}


def tell_brain(answer: Answer) -> dict[str, Any]:
    """What OpenAI's form has no place for."""
    return {"request_id": answer.request_id, "provider": answer.provider,
            "cost_usd": None if answer.cost_usd is None else format(answer.cost_usd, "f"),
            "latency_ms": round(answer.latency_ms, 3), "cache_tier": answer.cache_tier,
            "simulated": answer.simulated, "variant": answer.variant,
            "sources": [{"document_id": each.document_id, "name": each.name}
                        for each in answer.sources],
            "reasons": [{"code": each.code, "text": each.text} for each in answer.reasons]}


def tell_tools(calls: tuple[ToolCall, ...], numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    """Pieces of tool calls for a stream."""
    return [{"index": number, **_tell_tool(call)} if call.call_id else
            {"index": number, "function": {"arguments": call.arguments}}
            for call, number in zip(calls, numbers, strict=True)]


def _tell_tool(call: ToolCall) -> dict[str, Any]:
    return {"id": call.call_id, "type": "function",
            "function": {"name": call.name, "arguments": call.arguments}}


def _read_message(told: Any, field: str) -> Message:
    given = _read(told, dict[str, Any], field)
    content = given.get("content")
    text, parts = content if isinstance(content, str) else "", []
    if isinstance(content, list):
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "text":
                text += str(part.get("text", ""))
            elif kind in ("image_url", "input_audio", "file"):
                parts.append(part)
            else:
                raise InputError("invalid_value", f"a content part of type {kind!r:.40} cannot be "
                                                  "used", f"{field}.content")
    elif content is not None and not isinstance(content, str):
        raise InputError("invalid_type", "content must be text or a list of parts",
                         f"{field}.content")
    calls = tuple(ToolCall(each.id, each.function.name, each.function.arguments) for each in _read(
        given.get("tool_calls") or [], list[_ToolCall], f"{field}.tool_calls"))
    return Message(_text(given, "role"), text, calls, _text(given, "tool_call_id"), tuple(parts))


class _Function(msgspec.Struct):
    name: str
    arguments: str = ""


class _ToolCall(msgspec.Struct):
    function: _Function
    id: str = ""


def _read_form(form: Mapping[str, Any]) -> bool | Mapping[str, Any]:
    kind = form.get("type")
    if kind == "json_schema":
        schema = (form.get("json_schema") or {}).get("schema")
        return _read(schema, dict[str, Any], "response_format.json_schema.schema")  # type: ignore[no-any-return]
    if kind not in ("text", "json_object"):
        raise InputError("invalid_value", "type must be text, json_object or json_schema",
                         "response_format.type")
    return bool(kind == "json_object")


def _read(told: Any, kind: Any, field: str) -> Any:
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise InputError("invalid_value", f"{field}: {error}", field) from error


def _text(given: Mapping[str, Any], name: str) -> str:
    return str(_read(given.get(name) or "", str, name))


def _usd(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
