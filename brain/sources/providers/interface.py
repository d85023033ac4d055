"""The one interface of all providers: what is sent, what comes back, how it fails."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from brain.decisions.retrying import FaultKind
from brain.decisions.tokens import TokenClasses


@dataclass(frozen=True, slots=True)
class Sent:
    """A call of a model. ``messages`` and ``tools`` are in OpenAI's form."""

    model: str
    messages: tuple[Mapping[str, Any], ...]
    timeout_s: float
    max_output_tokens: int | None = None
    temperature: float | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    json: bool | Mapping[str, Any] = False
    stop: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a model's answer.

    ``tools`` holds (index, call id, name, piece of the arguments); ``usage`` comes once, at the
    end, where the provider tells it.
    """

    text: str = ""
    tools: tuple[tuple[int, str, str, str], ...] = ()
    finish_reason: str = ""
    usage: TokenClasses | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A model's whole answer; ``tools`` holds (call id, name, arguments)."""

    text: str
    tools: tuple[tuple[str, str, str], ...] = ()
    finish_reason: str = "stop"
    usage: TokenClasses | None = None


class ProviderFault(Exception):
    """A call that failed: what kind of fault, and when to come again if the provider says."""

    def __init__(self, kind: FaultKind, message: str, retry_after_s: float | None = None,
                 status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message
        self.retry_after_s, self.status = retry_after_s, status


class Provider(Protocol):
    """A client of one provider, used from one event loop. Raises ProviderFault alone."""

    async def complete(self, sent: Sent) -> Received:
        """The whole answer."""

    def stream(self, sent: Sent) -> AsyncIterator[Piece]:
        """The answer in pieces; closing the iterator ends the call at the provider."""

    async def close(self) -> None:
        """Give connections free."""


@dataclass(slots=True)
class Gathered:
    """Pieces put together as they come."""

    texts: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)
    finish_reason: str = ""
    usage: TokenClasses | None = None

    def add(self, piece: Piece) -> None:
        """Take one more piece."""
        if piece.text:
            self.texts.append(piece.text)
        for index, call_id, name, arguments in piece.tools:
            known = self.calls.setdefault(index, ["", "", ""])
            known[0] = known[0] or call_id
            known[1] = known[1] or name
            known[2] += arguments
        self.finish_reason = piece.finish_reason or self.finish_reason
        self.usage = piece.usage or self.usage

    def whole(self) -> Received:
        """What came in all."""
        return Received("".join(self.texts), tuple(
            (each[0], each[1], each[2]) for _, each in sorted(self.calls.items())),
            self.finish_reason, self.usage)
