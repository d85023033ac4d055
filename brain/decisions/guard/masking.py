"""Personal data in a text gives way to placeholders that an answer can refer to."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from brain.decisions.guard.contacts import find_emails, find_ips, find_phones
from brain.decisions.guard.credentials import SIGNS, find_credentials
from brain.decisions.guard.numbers import (
    SHAPES,
    Span,
    find_cards,
    find_ibans,
    find_national_ids,
)

Names = Callable[[str], Iterable[Span]]
"""A model that gives the spans of people's names. None is part of the console."""


DIGITS = tuple("0123456789")
SIX = ("six digits",)
"""What a text must have in which the longer numbers are looked for."""
_SIX_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){6}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data from ``start`` to before ``end`` of the given text, and its placeholder."""

    kind: str
    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without what was found. ``originals`` (by placeholder) never leaves memory."""

    text: str
    findings: tuple[Finding, ...]
    originals: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Detector:
    """A kind of personal data: the word of its placeholders, where it is, and ``needs``: signs of
    which one stands in every text that has it."""

    kind: str
    word: str
    find: Callable[[str], Iterator[Span]]
    needs: tuple[str, ...] = DIGITS


DETECTORS: tuple[Detector, ...] = (
    Detector("credential", "SECRET", find_credentials, SIGNS),
    Detector("email", "EMAIL", find_emails, tuple("@([{")),
    Detector("iban", "IBAN", find_ibans),
    Detector("card", "CARD", find_cards, SIX),
    Detector("ip", "IP", find_ips, tuple(".:")),
    *(Detector(each.kind, {"us_ssn": "SSN", "de_tax_id": "TAX_ID"}.get(each.kind, "NATIONAL_ID"),
               partial(find_national_ids, each), SIX) for each in SHAPES),
    Detector("phone", "PHONE", find_phones, SIX),
)
"""All detectors. Where two find the same place, the earlier one has it."""

KINDS = tuple(dict.fromkeys(each.kind for each in DETECTORS))
NAME_KIND = "name"
WORDS = {each.kind: each.word for each in DETECTORS} | {NAME_KIND: "NAME"}
"""The word of a kind's placeholders."""
_PLACEHOLDER = re.compile(r"\[([A-Z]{2,12}(?:_ID)?)_([0-9]{1,9})\]")
_PLAIN = {ord(each): " " for each in "\u00a0\u2007\u2009\u202f\u2002\u2003\u3000\t"} | {
    ord(each): "-" for each in "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"} | {
    ord("\uff20"): "@", ord("\uff0e"): ".", ord("\uff0b"): "+"} | {
    first + digit: str(digit) for first in (0xFF10, 0x660, 0x6F0, 0x966) for digit in range(10)}


def mask_text(text: str, kinds: Iterable[str] = KINDS, known: Mapping[str, str] | None = None,
              names: Names | None = None) -> Masked:
    """The text with placeholders such as ``[EMAIL_1]`` for what was found of these kinds.

    The same value gets the same placeholder, also one that ``known`` (the ``originals`` of
    earlier texts) has; numbers that already stand in the text are not given out again.
    """
    return mask_found(text, find_personal(text, kinds, names), known)


def mask_found(text: str, found: Iterable[tuple[str, int, int]],
               known: Mapping[str, str] | None = None) -> Masked:
    """The same where it is already known what was found."""
    originals = dict(known or {})
    if not found:
        return Masked(text, (), originals)
    given = {canonical(kind_of(name), value): name for name, value in originals.items()}
    last = highest_numbers(text, originals)
    parts, findings, after = [], [], 0
    for kind, start, end in found:
        word = WORDS[kind]
        value = text[start:end]
        key = canonical(word, value)
        if key not in given:
            last[word] = last.get(word, 0) + 1
            given[key] = f"[{word}_{last[word]}]"
            originals[given[key]] = value
        parts += [text[after:start], given[key]]
        findings.append(Finding(kind, start, end, given[key]))
        after = end
    return Masked("".join([*parts, text[after:]]), tuple(findings), originals)


def find_personal(text: str, kinds: Iterable[str] = KINDS,
                  names: Names | None = None) -> list[tuple[str, int, int]]:
    """Kind, start and end of all personal data, in order, none overlapping."""
    wanted = frozenset(kinds)
    plain = text if text.isascii() and "\t" not in text else text.translate(_PLAIN)
    has_digits = any(digit in plain for digit in DIGITS)
    has = {DIGITS: has_digits, SIX: has_digits and _SIX_DIGITS.match(plain) is not None}
    found = []
    for rank, each in enumerate(DETECTORS):
        there = has.get(each.needs)
        if each.kind not in wanted or not (there if there is not None else any(
                sign in plain for sign in each.needs)):
            continue
        found += [(start, rank, end, each.kind) for start, end in each.find(plain)]
    if names is not None and NAME_KIND in wanted:
        found += [(start, len(DETECTORS), end, NAME_KIND) for start, end in names(text)]
    kept: list[tuple[int, int, int, str]] = []
    for each_found in sorted(found):
        if kept and each_found[0] < kept[-1][2]:
            if each_found[1] >= kept[-1][1]:
                continue
            kept.pop()
        kept.append(each_found)
    return [(kind, start, end) for start, _, end, kind in kept]


def restore_text(text: str, originals: Mapping[str, str]) -> str:
    """The text with known placeholders turned back; for the asker's own eyes only."""
    return _PLACEHOLDER.sub(lambda each: originals.get(each[0], each[0]), text)


def canonical(word: str, value: str) -> str:
    """One form of a value, however it was spelt."""
    if word in {"EMAIL", "SECRET", "NAME"}:
        return f"{word}:{value.casefold() if word == 'EMAIL' else value}"
    return f"{word}:{''.join(filter(str.isalnum, value.translate(_PLAIN))).upper()}" \
        if word != "IP" else f"IP:{value.casefold()}"


def kind_of(placeholder: str) -> str:
    """The word of a placeholder: EMAIL of ``[EMAIL_1]``."""
    return placeholder.strip("[]").rpartition("_")[0]


def highest_numbers(text: str, originals: Mapping[str, str]) -> dict[str, int]:
    """By word, the highest number that a placeholder in the text or among the known ones has."""
    last: dict[str, int] = {}
    for source in (text, *originals):
        for each in _PLACEHOLDER.finditer(source):
            last[each[1]] = max(last.get(each[1], 0), int(each[2]))
    return last
