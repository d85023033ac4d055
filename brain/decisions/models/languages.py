"""Which language a text is in, from its script and its commonest words."""

import re

_SCRIPTS = tuple((name, re.compile(pattern)) for name, pattern in (
    ("ja", "[\u3040-\u30ff]"), ("ko", "[\uac00-\ud7af]"), ("zh", "[\u4e00-\u9fff]"),
    ("ru", "[\u0400-\u04ff]"), ("ar", "[\u0600-\u06ff]"), ("he", "[\u0590-\u05ff]"),
    ("el", "[\u0370-\u03ff]"), ("hi", "[\u0900-\u097f]"), ("th", "[\u0e00-\u0e7f]")))
_WORDS = {
    "en": "the of and to is that it what how for with you are this in a my please which",
    "de": "der die das und ist nicht ein eine wie was mit für von zu den auf ich bitte im",
    "fr": "le la les et est un une des que pour dans qui pas vous je avec sur quel comment du",
    "es": "el la los y es un una de que por para con en cómo qué las del mi como se",
    "it": "il lo la e è un una di che per con come cosa nel gli sono della non mi",
    "pt": "o a os e é um uma de que para com em como não do da as por meu você",
    "nl": "de het een en is van niet wat hoe met voor dat op ik zijn te die aan",
}
_KNOWN: dict[str, tuple[str, ...]] = {}
for _language, _list in _WORDS.items():
    for _word in _list.split():
        _KNOWN[_word] = (*_KNOWN.get(_word, ()), _language)
_WORD = re.compile(r"[^\W\d_]+")
_LOOKED_AT = 600
_ALIKE = 0.2


def detect_language(text: str) -> str:
    """ISO 639-1 code, or "" where the text does not tell.

    Another script than Latin tells where a fifth of the letters are in it; Latin ones by at
    least two of a language's commonest words, more than of any other.
    """
    start = text[:_LOOKED_AT]
    letters = sum(map(str.isalpha, start))
    if not letters:
        return ""
    if not start.isascii():
        for name, script in _SCRIPTS:
            if len(script.findall(start)) >= _ALIKE * letters:
                return name
    counts = dict.fromkeys(_WORDS, 0.0)
    for word in _WORD.findall(start.lower()):
        languages = _KNOWN.get(word, ())
        for each in languages:
            counts[each] += 1 / len(languages)
    (first, most), (_, second) = sorted(counts.items(), key=lambda item: -item[1])[:2]
    return first if most >= 1.5 and most > second * 1.3 else ""
