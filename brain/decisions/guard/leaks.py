"""What must not come out with an answer: values masked on the way in, and keys and tokens.

An answer that comes in pieces is let out as far as nothing that may still come can change what
becomes of it, so that the pieces together are the guarded whole.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.decisions.guard.attacks import LONGEST_ABUSE, RULES, Rule, find_attacks, to_plain
from brain.decisions.guard.credentials import find_open_key
from brain.decisions.guard.masking import (
    KINDS,
    WORDS,
    Finding,
    canonical,
    find_personal,
    highest_numbers,
    kind_of,
)

_CONTEXT = 1_000
_LONGEST_NUMBER = 128
"""No number that is masked (phone, IBAN, card, national id, IP) is longer, separators included."""
_LONGEST_EMAIL = 700
_EMAIL_SIGN = re.compile(r"@|[(\[{][ ]?(?:at|ät|dot|punkt)[ ]?[)\]}]|＠", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text without what must not come out: ``leaks`` of masked values, and ``keys``."""

    text: str
    leaks: tuple[Finding, ...]
    keys: tuple[Finding, ...]


class Leaks:
    """Placeholders of one answer: those of ``known`` values, and new ones for keys as they come."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._given = {canonical(kind_of(name), value): name for name, value in known.items()}
        self._known = frozenset(known)
        self._last = highest_numbers("", known).get("SECRET", 0)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of personal data that have to be looked for."""
        return KINDS if self._known else ("credential",)

    def hide(self, text: str, found: Sequence[tuple[str, int, int]], start: int = 0,
             end: int | None = None) -> Hidden:
        """The text from ``start`` to before ``end``, of which ``found`` is the personal data."""
        leaks: list[Finding] = []
        keys: list[Finding] = []
        parts, after = [], start
        end = len(text) if end is None else end
        for kind, first, last in found:
            if first < start or last > end:
                continue
            name = self._name(kind, text[first:last])
            if not name:
                continue
            (leaks if name in self._known else keys).append(Finding(kind, first, last, name))
            parts += [text[after:first], name]
            after = last
        return Hidden("".join([*parts, text[after:end]]), tuple(leaks), tuple(keys))

    def _name(self, kind: str, value: str) -> str:
        key = canonical(WORDS[kind], value)
        if key not in self._given and kind == "credential":
            self._last += 1
            self._given[key] = f"[SECRET_{self._last}]"
        return self._given.get(key, "")


class AnswerStream:
    """One answer on its way out, in pieces.

    ``window`` is how much of it waits at most while nothing suspicious is under way: 0 where
    nothing was masked and abuse is let through. While abuse is seen nothing comes out, and at the
    end the answer is ``blocked``.
    """

    def __init__(self, known: Mapping[str, str], *, refuses_abuse: bool,
                 rules: tuple[Rule, ...] = RULES) -> None:
        self._leaks, self._rules = Leaks(known), rules if refuses_abuse else ()
        self._has_known = bool(known)
        self.window = max(LONGEST_ABUSE if refuses_abuse else 0,
                          _LONGEST_NUMBER if known else 0,
                          *(3 * len(each) + 2 for each in known.values()))
        self._text, self._out = "", 0
        self.blocked = False

    def feed(self, text: str) -> str:
        """What may go out, now that this piece has come."""
        return self._release(text, ended=False)

    def end(self) -> str:
        """What is left, now that nothing more comes."""
        return self._release("", ended=True)

    def _release(self, text: str, *, ended: bool) -> str:
        self._text += text
        if self._out == len(self._text):
            return ""
        if self._rules and find_attacks(self._text[_boundary(self._text, self._out - self.window):],
                                        frozenset({"toxicity"}), self._rules):
            self.blocked = ended  # what follows may still give the words another meaning
            return ""
        end = len(self._text) if ended else self._safe_end()
        if end <= self._out:
            return ""
        found = find_personal(self._text, self._leaks.kinds)
        if not ended:
            end = min([end, *(first for _, first, last in found
                              if first < end and (last > end or last == len(self._text)))])
        if end <= self._out:
            return ""
        going = self._leaks.hide(self._text, found, self._out, end).text
        self._out = end
        self._forget()
        return going

    def _safe_end(self) -> int:
        """Where what may go out ends, findings apart."""
        end = _tail_start(self._text, self._out, self.window)
        if self._has_known and _EMAIL_SIGN.search(self._text, max(0, end - _LONGEST_NUMBER)):
            end = _tail_start(self._text, self._out, max(self.window, _LONGEST_EMAIL))
        return min(end, find_open_key(self._text, self._out))

    def _forget(self) -> None:
        """Keep of what is out only what the rest may be judged by."""
        if self._out > 2 * _CONTEXT:
            cut = _boundary(self._text, self._out - _CONTEXT)
            self._text, self._out = self._text[cut:], self._out - cut


def _boundary(text: str, place: int) -> int:
    """The nearest place before that parts no word, key or address."""
    while place > 0 and (text[place - 1].isalnum() or text[place - 1] in "_.-@+"):
        place -= 1
    return max(place, 0)


def _tail_start(text: str, lowest: int, window: int) -> int:
    """Where the last ``window`` characters begin, invisible ones not counted."""
    start = len(text) - window
    while start > lowest:
        short = window - len(to_plain(text[start:]))
        if short <= 0:
            return start
        start -= short
    return max(start, lowest)
