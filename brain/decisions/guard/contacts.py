"""Where a text holds e-mail addresses, phone numbers and IP addresses.

All finders take a text whose blanks, dashes and digits are plain (`brain.decisions.guard.masking`
sees to that) and give spans. Their patterns repeat only bounded or unambiguous parts, so their
time grows with the length of the text and no faster.
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

Span = tuple[int, int]

_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                   ".!#$%&'*+-/=?^_`{|}~")
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_EDGE = "\"'`*_|{}=&?!/.-+~^#$%"
_AT = re.compile(r"[@(\[{](?:(?<=@)|[ ]?(?:at|ät|@)[ ]?[)\]}][ ]?)", re.IGNORECASE)
_DOT = r"(?:\.|[ ]?[(\[{][ ]?(?:dot|punkt)[ ]?[)\]}][ ]?)"
_DOMAIN = re.compile(
    rf"(?:[^\W_](?:[^\W_]|-(?=[^\W_]|-)){{0,62}}{_DOT}){{1,8}}[^\W\d_]{{2,24}}(?![^\W_])"
    r"|\[[0-9A-Fa-f.:]{7,45}\]", re.IGNORECASE)

_SEP = r"(?: - | / | ?\(|\)[ -]?|[ ./-])"
# Each begins with its first character, then looks back: so the search skips all other characters.
_INTERNATIONAL = re.compile(
    rf"[+0(](?<![\w+].)(?:(?<=\+) ?|(?<=0)0(?=[1-9])|(?<=\()\+)[1-9](?:{_SEP}?[0-9]){{6,14}}"
    r"(?: ?(?:x|ext\.? ?|Durchwahl |DW )[0-9]{1,6})?(?![0-9])", re.IGNORECASE)
_NATIONAL = re.compile(
    r"[0(](?<![\w+.,/-].)(?:(?<=0)|(?<=\()0)[1-9](?:(?:[ .-][0-9]{2}){4}(?![0-9])"
    r"|[0-9]{1,4}(?:\)[ /-]{0,3}| ?[/-] ?| )[0-9](?:[ -]?[0-9]){3,9}(?![0-9.,][0-9]|[0-9-]))")
_AMERICAN = re.compile(
    r"[1-9(](?<![\w+.-].)(?:(?<=1)[ .-](?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}[. -])"
    r"|(?<=\()[2-9][0-9]{2}\)[ -]?|(?<=[2-9])[0-9]{2}[. -])[0-9]{3}[. -][0-9]{4}"
    r"(?: ?(?:x|ext\.? ?)[0-9]{1,6})?(?![\w-])")
_BARE = re.compile(r"[0-9](?<![\w+.,/-].)[0-9]{6,12}(?:x[0-9]{1,6})?(?![\w-]|[.,][0-9])")
_WITH_AREA = re.compile(r"0[1-9][0-9]{8,10}")
_CALLING = re.compile(
    r"\b(?:tel|phone|telefon|telephone|fon|call|calling|mobil|mobile|handy|handynummer|cell|fax|"
    r"rufnummer|ruf|anrufen|whatsapp|signal|sms|text me|reach|erreich\w*|hotline|durchwahl|"
    r"rückruf\w*|telefonnummer|phone number|mobilnummer|faxnummer|(?:my|his|her|your|our|meine|"
    r"deine|ihre|seine|unsere) (?:number|nummer))\b[^0-9]{0,30}$", re.IGNORECASE)
_COUNTING = re.compile(
    r"\b(?:order|bestell\w*|invoice|rechnung\w*|ticket|tracking|sendung\w*|sku|artikel\w*|"
    r"kunden\w*|customer|isbn|issn|ean|version|commit|build|aktenzeichen|serial|serien\w*|vorgang\w*"
    r"|auftrag\w*|part|lot|batch|charge|reference|referenz|case|id|doi|account|konto\w*)\b"
    r"[^0-9a-z]{0,4}(?:(?:no|nr|number|nummer|id|code|ist|is|lautet)\b[^0-9a-z]{0,3}){0,2}$",
    re.IGNORECASE)
_LONGEST_HINT = 60

_V4 = re.compile(r"[0-9](?<![\w.-].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![\w-]|\.[0-9])")
_V6 = re.compile(r"[0-9A-Fa-f:](?<![\w:.].)(?:(?<=:):[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){0,6}"
                 r"|(?<!:)[0-9A-Fa-f]{0,3}(?::[0-9A-Fa-f]{0,4}){2,7})"
                 r"(?:(?:\.[0-9]{1,3}){3})?(?!\w|:[\w:])")
_NUMBERED = re.compile(
    r"(?:\b(?:version|versions|release|build|rev|revision|section|chapter|abschnitt|kapitel|"
    r"firmware|driver|treiber|paragraph|clause|oid|python|node|java|chrome)[ :=v]{0,3}"
    r"|(?:[§v^]|[=<>~!]=) ?)$", re.IGNORECASE)
_NOBODY = ("127.", "0.", "255.255.")


def find_emails(text: str) -> Iterator[Span]:
    """Spans of e-mail addresses, also written with "(at)" and "[dot]"."""
    after = 0
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        if domain is None or at.start() < after:
            continue
        start = at.start() - (len(at[0]) > 1 and text[at.start() - 1:at.start()] == " ")
        sign = start
        lowest = max(after, start - _LONGEST_LOCAL)
        if start and text[start - 1] == '"':
            start = _quoted(text, start, lowest)
        else:
            while start > lowest and (text[start - 1] in _LOCAL or (
                    text[start - 1] > "\x7f" and text[start - 1].isalnum())):
                start -= 1
            while start < sign and text[start] in _EDGE:
                start += 1
        if start < sign:
            yield start, domain.end()
            after = domain.end()


def find_phones(text: str) -> Iterator[Span]:
    """Spans of phone numbers: international, German and other national forms, American ones.

    Digits alone count where a word before them says that one can call there.
    """
    for each in _INTERNATIONAL.finditer(text):
        digits = _digits(each[0].casefold().partition("x")[0])
        plus = "+" in each[0][:2]
        if 8 <= len(digits) <= 17 and (plus or (len(digits) >= 11
                                                and not _hint(_COUNTING, text, each.start()))):
            yield each.start(), each.end()
    for each in _NATIONAL.finditer(text):
        count = len(_digits(each[0]))
        called = 9 <= count <= 13 or (count >= 7 and _hint(_CALLING, text, each.start()))
        if called and not _hint(_COUNTING, text, each.start()):
            yield each.start(), each.end()
    for each in _AMERICAN.finditer(text):
        if not _hint(_COUNTING, text, each.start()):
            yield each.start(), each.end()
    for each in _BARE.finditer(text):
        if _hint(_CALLING, text, each.start()) or (
                _WITH_AREA.fullmatch(each[0]) and not _hint(_COUNTING, text, each.start())):
            yield each.start(), each.end()


def find_ips(text: str) -> Iterator[Span]:
    """Spans of IPv4 and IPv6 addresses; nobody's own (loopback, unspecified) are left."""
    for each in _V4.finditer(text):
        if _is_v4(each[0]) and not _hint(_NUMBERED, text, each.start()):
            yield each.start(), each.end()
    for each in _V6.finditer(text):
        if _is_v6(each[0]):
            yield each.start(), each.end()


def _is_v4(found: str) -> bool:
    return not found.startswith(_NOBODY) and all(
        int(part) <= 255 and (part == "0" or part[0] != "0") for part in found.split("."))


def _is_v6(found: str) -> bool:
    if not any(each.isdigit() for each in found) and found.count(":") < 4:
        return False  # words of a program, such as "abc::def"
    try:
        address = IPv6Address(found)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _quoted(text: str, end: int, lowest: int) -> int:
    """Where the quoted local part that ends before ``end`` begins, else ``end``."""
    opening = text.rfind('"', lowest, end - 1)
    return end if opening < 0 or "\n" in text[opening:end] else opening


def _digits(text: str) -> str:
    return "".join(each for each in text if "0" <= each <= "9")


def _hint(words: re.Pattern[str], text: str, start: int) -> bool:
    """Whether such a word stands shortly before ``start``, in the same sentence."""
    return words.search(text[max(0, start - _LONGEST_HINT):start]) is not None
