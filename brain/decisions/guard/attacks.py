"""Rules that recognise prompt injection and abuse, each a line of RULES.

They read the text in one form: compatibility characters resolved, lower case, invisible
characters removed. A rule is a plain pattern and knows nothing of meaning: it catches the common
wordings in English and German, not a determined attacker.
Source of the classes: OWASP, "Top 10 for LLM Applications", LLM01.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{4,}"
                   "|[\u202d\u202e]")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is recognised: ``kind`` is "injection" or "toxicity".

    ``fits`` judges the text in the one form, or with ``raw`` as it came.
    """

    code: str
    kind: str
    text: str
    fits: Callable[[str], bool]
    raw: bool = False


def _says(*patterns: str) -> Callable[[str], bool]:
    return partial(_fits, re.compile("|".join(patterns), re.DOTALL))


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None


RULES: tuple[Rule, ...] = (
    Rule("ignore_instructions", "injection", "asks to set earlier instructions aside", _says(
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,25}\b(?:previous|prior|above|earlier"
        r"|preceding|your|system|initial|original)\b.{0,20}\b(?:instructions?|prompts?|rules|"
        r"guidelines|directions|directives|programming|training)\b",
        r"\b(?:ignorier\w{0,4}|vergiss|vergesst|missacht\w{0,4}|überschreib\w{0,4}|umgeh\w{0,4})\b"
        r".{0,25}\b(?:vorherig\w{0,2}|bisherig\w{0,2}|obig\w{0,2}|deine[nrs]?|vorangegangen\w{0,2}|"
        r"frühere[nrs]?|ursprünglich\w{0,2})\b.{0,20}\b(?:anweisung|instruktion|regel|vorgabe|"
        r"prompt|befehl|richtlinie)")),
    Rule("reveal_prompt", "injection", "asks for the hidden instructions", _says(
        r"\b(?:reveal|show|print|repeat|output|display|tell|give|leak|dump|what (?:is|are|was|were)"
        r")\b.{0,30}\b(?:(?:system|hidden|secret|initial|original) (?:prompt|instructions|message)"
        r"|your (?:own |full |exact )?(?:prompt|instructions|guidelines))\b",
        r"\brepeat (?:everything|all(?: the)? (?:text|words)) above\b",
        r"\b(?:zeig\w{0,2}|nenn\w{0,2}|gib|verrat\w{0,2}|wiederhol\w{0,2}|wie lautet|wie lauten)\b"
        r".{0,30}\b(?:system-?prompt\w{0,2}|system-?anweisung\w{0,2}|(?:deine[nr]?|geheime[nr]?|"
        r"versteckte[nr]?) (?:anweisung|instruktion|vorgabe|prompt)\w{0,2})\b")),
    Rule("role_override", "injection", "gives the assistant a role without limits", _says(
        r"\b(?:you are now|from now on,? you(?: are|'re)?|act as|pretend (?:to be|you are)|du bist "
        r"(?:jetzt|ab jetzt|ab sofort|nun)|ab (?:jetzt|sofort) bist du|verhalte dich wie)\b.{0,50}"
        r"\b(?:dan|unrestricted|unfiltered|uncensored|jailbroken|without (?:any )?(?:restrictions|"
        r"rules|filters|limits|limitations)|no (?:restrictions|rules|filters)|developer mode|"
        r"ohne (?:jede |alle )?(?:einschränkung|regel|filter|grenze|beschränkung)\w{0,3}|"
        r"uneingeschränkt\w{0,2}|unzensiert\w{0,2})\b",
        r"\bdo anything now\b",
        r"\b(?:developer|jailbreak|god|entwickler)[- ]?(?:mode|modus)\b.{0,15}"
        r"\b(?:enabled|activated|on|an|aktiviert)\b")),
    Rule("chat_markup", "injection", "holds the marks that part a chat's roles", _says(
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|>",
        r"\[/?inst\]", r"<</?sys>>",
        r"(?:\A|\n)#{2,3} ?(?:system|new instructions?)(?: prompt| message)?:")),
    Rule("exfiltration", "injection", "wants what was said sent to an address", _says(
        r"!\[[^\]\n]{0,100}\]\(https?://[^)\s]{0,200}[?&][^)\s=]{0,40}=(?:\{|\$|<|%7b|\[)",
        r"\b(?:send|post|upload|forward|exfiltrate|schick\w{0,2}|sende\w{0,1}|übermittl\w{0,2})\b"
        r".{0,60}\b(?:conversation|chat history|system prompt|api keys?|passwords?|credentials|"
        r"unterhaltung|gesprächsverlauf|passwörter|zugangsdaten)\b.{0,40}https?://")),
    Rule("encoded_orders", "injection", "holds encoded orders to decode and follow", _says(
        r"\b(?:decode|dekodier\w{0,3}|entschlüssel\w{0,3})\b.{0,80}\b(?:follow|execute|obey|run|"
        r"befolg\w{0,2}|führ\w{0,2})\b.{0,80}(?<![\w+/])[\w+/]{60}",
        r"(?<![\w+/])[\w+/]{60,400}={0,2}.{0,60}\b(?:decode|dekodier\w{0,3})\b.{0,40}"
        r"\b(?:follow|execute|obey|befolg\w{0,2})\b")),
    Rule("hidden_text", "injection", "holds characters that a reader cannot see",
         partial(_fits, _TAGS), raw=True),
    Rule("threat", "toxicity", "threatens a person", _says(
        r"\b(?:i will|i'll|i'm going to|i am going to|i'm gonna|we will|we'll) (?:\w{1,12} )?"
        r"(?:kill|murder|stab|rape|shoot|strangle) (?:you|him|her|them|your|everyone|everybody|"
        r"those people)\b(?! down| up| an? (?:email|mail|message))",
        r"\b(?:ich|wir) (?:werde|werden|bringe?|mache?n?|schlage?n?|steche?n?) (?:\w{1,12} )?(?:"
        r"dich|sie alle|euch|ihn|deine \w{1,20}) (?:\w{1,12} ){0,2}(?:um|umbringen|töten|abstechen|"
        r"erschießen|kalt|kaltmachen|tot|totschlagen|ab)(?:[.!?,]|\Z)",
        r"\b(?:kill yourself|kys|go die|hope you die|bring dich um|häng dich auf|"
        r"hoffentlich stirbst du)\b")),
    Rule("insult", "toxicity", "insults a person", _says(
        r"\b(?:you(?:'re| are)?|u r|such) (?:an? |all )?(?:\w{1,14} )?(?:idiots?|morons?|"
        r"bitch(?:es)?|bastards?|cunts?|assholes?|retards?|whores?|sluts?|piece of shit|scum)\b",
        r"\bfuck (?:you|off|yourself)\b",
        r"\b(?:du|ihr|sie) (?:bist |seid |sind )?(?:\w{1,8} )?(?:\w{1,14} )?(?:idioten?|arschloch|"
        r"arschlöcher|hurensohn|hurensöhne|schlampe|wichser|missgeburt|vollidioten?|drecksau|fotze|"
        r"abschaum|spasti)\b",
        r"\b(?:fick dich|verpiss dich|halt die fresse)\b")),
    Rule("hate", "toxicity", "demeans people for what they are", _says(
        r"\b(?:nigg(?:er|a)s?|fagg?ots?|kikes?|trann(?:y|ies)|kanaken?|schwuchteln?|neger[ns]?)\b",
        r"\b(?:all|alle) (?:the |die )?(?:jews|muslims|blacks|gays|immigrants|women|juden|muslime|"
        r"schwarzen|ausländer|schwulen|frauen|flüchtlinge) (?:\w{1,10} )?(?:should|must|deserve|"
        r"sollten|sollen|müssen|gehören)\b.{0,20}\b(?:die|be killed|be gassed|burn|vergast|sterben|"
        r"verbrannt|erschossen|ausgerottet)\b")),
)
"""All rules, in the order they are told."""

LONGEST_ABUSE = 128
"""No text in the one form that a rule of abuse fits is longer, what it looks at behind included."""


def find_attacks(text: str, kinds: frozenset[str] = frozenset({"injection", "toxicity"}),
                 rules: tuple[Rule, ...] = RULES) -> tuple[Rule, ...]:
    """The rules of these kinds that the text breaks, in their order."""
    if not kinds:
        return ()
    plain = to_plain(text)
    return tuple(each for each in rules if each.kind in kinds
                 and each.fits(text if each.raw else plain))


def to_plain(text: str) -> str:
    """The text in the one form that rules read."""
    plain = text.lower()
    return plain if plain.isascii() else unicodedata.normalize(
        "NFKC", plain).translate(_INVISIBLE).lower()
