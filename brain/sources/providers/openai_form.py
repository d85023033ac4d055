"""OpenAI's form of a call and its answer, which all our clients of providers speak inwards."""

from typing import Any

from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, TokenClasses, ToldTokens, split_tokens
from brain.sources.providers.interface import Piece, ProviderFault, Received, Sent


def tell_call(sent: Sent, *, stream: bool) -> dict[str, Any]:
    """The parameters of a call, without a limit of tokens, whose name differs by provider."""
    given: dict[str, Any] = {"model": sent.model, "messages": list(sent.messages), **sent.options}
    if stream:
        given["stream"] = True
    if sent.temperature is not None:
        given["temperature"] = sent.temperature
    if sent.tools:
        given["tools"] = [dict(each) for each in sent.tools]
        if sent.tool_choice is not None:
            given["tool_choice"] = sent.tool_choice
    if sent.json:
        given["response_format"] = {"type": "json_object"} if sent.json is True else {
            "type": "json_schema", "json_schema": {"name": "answer", "schema": sent.json}}
    if sent.stop:
        given["stop"] = list(sent.stop)
    return given


def read_whole(found: Any) -> Received:
    """A whole answer from an object with the members of a chat completion.

    Raises ProviderFault with kind "bad_answer".
    """
    choices = getattr(found, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise ProviderFault("bad_answer", "the answer has no message")
    message = choices[0].message
    tools = tuple((str(each.id or ""), str(each.function.name or ""),
                   str(each.function.arguments or "")) for each in message.tool_calls or ())
    if not isinstance(message.content, str | None):
        raise ProviderFault("bad_answer", "the answer's content is no text")
    return Received(message.content or "", tools, str(choices[0].finish_reason or "stop"),
                    read_usage(found.usage))


def read_piece(chunk: Any) -> Piece:
    """A piece from an object with the members of a chunk. Raises as `read_whole` does."""
    usage = read_usage(getattr(chunk, "usage", None))
    choices = getattr(chunk, "choices", None) or ()
    if not choices:
        return Piece(usage=usage)
    delta = choices[0].delta
    tools = tuple(
        (int(each.index or 0), str(each.id or ""),
         str((each.function and each.function.name) or ""),
         str((each.function and each.function.arguments) or ""))
        for each in (delta.tool_calls or ()) if each) if delta else ()
    return Piece((delta.content or "") if delta else "", tools,
                 str(choices[0].finish_reason or ""), usage)


def read_usage(told: Any) -> TokenClasses | None:
    """Disjoint classes from OpenAI's form, whose prompt tokens include the cached ones."""
    if told is None:
        return None
    prompt = getattr(told, "prompt_tokens_details", None)
    output = getattr(told, "completion_tokens_details", None)
    read = getattr(prompt, "cached_tokens", None) or 0
    written = getattr(prompt, "cache_write_tokens", None) or getattr(
        prompt, "cache_creation_tokens", None) or 0
    try:
        return split_tokens(ToldTokens(
            input=told.prompt_tokens or 0, cache_read=read, cache_write=written,
            output=told.completion_tokens or 0,
            reasoning=getattr(output, "reasoning_tokens", None) or 0), Convention.INCLUDES_CACHED)
    except (InputError, TypeError) as error:
        raise ProviderFault("bad_answer", f"the token counts make no sense: {error}") from error
