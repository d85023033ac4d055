"""What every decision gives besides its answer: reasons, or the fault of its input."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is as it is: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


class InputError(ValueError):
    """An input that cannot be used; ``field`` names it, ``code`` says what is wrong."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
