"""A question in the form that providers take: OpenAI's messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from brain.gateway.question import Message, Question
from brain.sources.providers.interface import Sent


def to_sent(question: Question, instructions: Sequence[str]) -> Sent:
    """What is sent to a model; ``instructions`` of ours come before the talk."""
    told: list[Mapping[str, Any]] = [{"role": "system", "content": each} for each in instructions]
    told += [_to_openai(each) for each in question.talk()]
    return Sent("", tuple(told), 0.0, question.max_output_tokens, question.temperature,
                question.tools, question.tool_choice, question.json, question.stop,
                question.options)


def _to_openai(message: Message) -> Mapping[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.parts:
        text = [{"type": "text", "text": message.content}] if message.content else []
        found["content"] = [*text, *message.parts]
    if message.tool_calls:
        found["content"] = message.content or None
        found["tool_calls"] = [{"id": each.call_id, "type": "function", "function": {
            "name": each.name, "arguments": each.arguments}} for each in message.tool_calls]
    if message.tool_call_id:
        found["tool_call_id"] = message.tool_call_id
    return found
