"""Words of a text as an index counts them, in German and English at once."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
_FOLD = str.maketrans({"ß": "ss", "ä": "a", "ö": "o", "ü": "u", "é": "e", "è": "e", "à": "a",
                       "á": "a", "ó": "o", "ñ": "n", "ç": "c", "ê": "e", "ô": "o", "æ": "ae"})
_ENDINGS = ("ungen", "heiten", "keiten", "ationen", "ation", "ung", "heit", "keit", "lichen",
            "liche", "lich", "ischen", "ische", "isch", "ings", "ing", "ments", "ment", "ern",
            "ers", "ies", "ed", "en", "er", "em", "es", "ly", "e", "s", "n", "t")
_SHORTEST_STEM = 4
_LONGEST_WORD = 60


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


ENGLISH = _split(
    "a about after all also an and any are as at be because been but by can could did do does for "
    "from had has have he her his how i if in into is it its just like may me more most my no not "
    "of on one only or other our out over same she should so some such than that the their them "
    "then there these they this those to too under up us was we were what when where which while "
    "who whom whose why will with would you your")
GERMAN = _split(
    "aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim "
    "bin bis bist da damit dann das dass dein deine dem den denn der des dich die dies diese "
    "diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwa "
    "euch euer für gibt hab habe haben hat hatte hier ich ihm ihn ihnen ihr ihre im in ins ist "
    "ja jede jedem jeden jeder jedes kann kein keine können man mein meine mich mir mit muss nach "
    "nicht noch nun nur ob oder ohne sein seine sich sie sind so soll sollte um und uns unser "
    "unter vom von vor war waren was weil welche welchem welchen welcher welches wenn wer werden "
    "wie wieder wir wird wirst wo wohin wollen worden wurde wurden zu zum zur zwischen über "
    "warum wann wieso weshalb lautet macht mache")
_STOP = frozenset(word.translate(_FOLD) for word in ENGLISH | GERMAN)


def find_words(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order. A name such as ``BRAIN_REDIS_URL`` gives
    itself and its parts."""
    found = []
    for each in _WORD.finditer(unicodedata.normalize("NFC", text).lower()):
        word = each[0]
        if len(word) > _LONGEST_WORD:
            continue
        if "_" in word:
            found.append(word)
            found += [stem for part in word.split("_") if (stem := stem_word(part))]
        elif stem := stem_word(word):
            found.append(stem)
    return found


@lru_cache(maxsize=200_000)
def stem_word(word: str) -> str:
    """The word without umlauts and its ending, "" for one that carries no meaning."""
    word = word.translate(_FOLD)
    if word in _STOP or len(word) < 2:
        return word if word.isdigit() else ""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM - (
                len(ending) == 1 and ending in "es"):
            if ending == "s" and word[-2] in "sui":  # class, status, analysis, Haus
                return word
            return word[:-len(ending)]
    return word


def tell_language(text: str) -> str:
    """ "de" or "en", by which language's small words are more; "en" where neither is."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    german = sum(word in GERMAN and word not in ENGLISH for word in words)
    german += sum(any(sign in word for sign in "äöüß") for word in words)
    return "de" if german > sum(word in ENGLISH and word not in GERMAN for word in words) else "en"
