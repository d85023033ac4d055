"""Where a text holds IBANs, payment cards and national ids; each carries its check digits.

Spans as in `brain.decisions.guard.contacts`. A shape that ordinary numbers share and that no
check digit tells apart (US SSN and Dutch BSN without dashes) counts only after its name.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from brain.decisions.guard import check_digits as check

Span = tuple[int, int]

_IBAN = re.compile(r"[A-Za-z](?<![A-Za-z0-9].)[A-Za-z][0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
# Overlapping on purpose: a card may follow other groups of four digits.
_CARD = re.compile(
    r"[0-9](?<![0-9].)(?<![0-9][.,].)(?=([0-9]{11,18}(?![0-9])"
    r"|[0-9]{3}([ .-])[0-9]{4}\2[0-9]{4}\2[0-9]{1,7}(?:\2[0-9]{1,3})?(?![0-9])"
    r"|[0-9]{3}([ .-])[0-9]{6}\3[0-9]{4,5}(?![0-9])))")
_CARD_WORD = re.compile(r"\b(?:\w{0,20}karten?(?:nummer)?|\w{0,20}cards?(?: number)?|visa|amex|"
                        r"mastercard|maestro|pan)\b[^0-9]{0,20}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shape:
    """An id's form, its proof, and the words one of which must stand before it, if any."""

    kind: str
    form: re.Pattern[str]
    proof: Callable[[str], bool]
    after: re.Pattern[str] | None = None


def _form(first: str, rest: str) -> re.Pattern[str]:
    """A form whose search skips to its first character, then looks back."""
    return re.compile(rf"{first}(?<![\w-].){rest}(?![\w-]|[.,][0-9])")


def _after(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b[^0-9]{{0,30}}$", re.IGNORECASE)


_SSN = _after(r"ssn|itin|social security|social|sozialversicherungsnummer|taxpayer id")
SHAPES: tuple[Shape, ...] = (
    Shape("us_ssn", _form("[0-9]", r"[0-9]{2}-[0-9]{2}-[0-9]{4}"), check.is_us_ssn),
    Shape("us_ssn", _form("[0-9]", r"[0-9]{2} [0-9]{2} [0-9]{4}"), check.is_us_ssn),
    Shape("us_ssn", _form("[0-9]", r"[0-9]{8}"), check.is_us_ssn, _SSN),
    Shape("de_tax_id", _form("[1-9]", r"[0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"),
          check.is_de_tax_id),
    Shape("de_tax_id", _form("[1-9]", r"[0-9]/[0-9]{3}/[0-9]{3}/[0-9]{3}"),
          check.is_de_tax_id),
    Shape("de_social_security", _form("[0-9]", r"[0-9] ?[0-9]{6} ?[A-Z] ?[0-9]{3}"),
          check.is_de_social_security),
    Shape("fr_nir", _form(
        "[1-4]", r" ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"),
          check.is_fr_nir),
    Shape("es_dni", _form("[0-9XYZ]", r"(?:(?<=[0-9])[0-9]{7}|-?[0-9]{7})[ -]?[A-HJ-NP-TV-Z]"),
          check.is_es_dni),
    Shape("it_codice_fiscale", _form(
        "[A-Z]", r"[A-Z]{5}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]"),
          check.is_it_codice_fiscale),
    Shape("pl_pesel", _form("[0-9]", r"[0-9]{10}"), check.is_pl_pesel),
    Shape("ch_ahv", _form("7", r"56[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}"), check.is_ch_ahv),
    Shape("br_cpf", _form("[0-9]", r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"), check.is_br_cpf),
    Shape("nl_bsn", _form("[0-9]", r"[0-9]{8}"), check.is_nl_bsn,
          _after(r"bsn|burgerservicenummer|sofinummer")),
    Shape("uk_nino", _form("[A-CEGHJ-PR-TW-Z]", r"[A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2}"
                           r" ?[0-9]{2} ?[A-DFMT]"), check.is_uk_nino),
)
_COUNTED = re.compile(
    r"\b(?:order|bestell\w*|invoice|rechnung\w*|ticket|tracking|sendung\w*|sku|artikel\w*|"
    r"isbn|ean|commit|build|serial|serien\w*|vorgang\w*|auftrag\w*)\b"
    r"[^0-9a-z]{0,4}(?:(?:no|nr|number|nummer|id|code|is|ist|lautet)\b[^0-9a-z]{0,3}){0,2}$",
    re.IGNORECASE)


def find_ibans(text: str) -> Iterator[Span]:
    """Spans of IBANs with a known country, its length and remainder 1 modulo 97."""
    for each in _IBAN.finditer(text):
        compact = each[0].replace(" ", "").replace("-", "").upper()
        if size := check.fit_iban(compact):
            end, left = each.start(), size
            while left:
                left -= text[end].isalnum()
                end += 1
            if end == len(text) or not text[end].isalnum():
                yield each.start(), end


def find_cards(text: str) -> Iterator[Span]:
    """Spans of payment card numbers, in one run or in the groups that are printed on cards.

    A number that no known network issues counts after a word for a card, if Luhn agrees.
    """
    after = 0
    for each in _CARD.finditer(text):
        found = each[0] + each[1]
        if each.start() < after:
            continue
        named = None
        while len(found) >= 12:
            digits = "".join(filter(str.isdigit, found))
            issued = check.is_card_number(digits)
            if not issued and check.fits_luhn(digits) and len(set(digits)) > 1:
                named = named or _CARD_WORD.search(text[max(0, each.start() - 40):each.start()])
                issued = named is not None
            if issued:
                after = each.start() + len(found)
                yield each.start(), after
                break
            cut = max(found.rfind(separator) for separator in " .-")
            found = found[:max(cut, 0)]


def find_national_ids(shape: Shape, text: str) -> Iterator[Span]:
    """Spans of ids of one shape that its proof confirms."""
    for each in shape.form.finditer(text):
        compact = "".join(filter(str.isalnum, each[0])).upper()
        before = text[max(0, each.start() - 60):each.start()]
        if (not shape.after or shape.after.search(before)) and shape.proof(compact) and (
                not _COUNTED.search(before)):
            yield each.start(), each.end()
