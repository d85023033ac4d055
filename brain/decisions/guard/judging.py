"""What a workspace's policy does with a prompt or an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from brain.decisions.guard.attacks import RULES, Rule, find_attacks
from brain.decisions.guard.leaks import AnswerStream, Leaks
from brain.decisions.guard.masking import (
    KINDS,
    NAME_KIND,
    Finding,
    Names,
    find_personal,
    mask_found,
    mask_text,
)
from brain.decisions.reasons import InputError, Reason

PII_ACTIONS = ("mask", "refuse", "allow")
RULE_ACTIONS = ("refuse", "allow")


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """What happens to personal data (of ``kinds``), injection and abuse in a workspace.

    Raises InputError naming the field for a word that is none of the actions or kinds.
    """

    pii: str = "mask"
    injection: str = "refuse"
    toxicity: str = "refuse"
    kinds: tuple[str, ...] = KINDS

    def __post_init__(self) -> None:
        for name, words in (("pii", PII_ACTIONS), ("injection", RULE_ACTIONS),
                            ("toxicity", RULE_ACTIONS)):
            if getattr(self, name) not in words:
                raise InputError("unknown_action", f"{name} must be {' or '.join(words)}", name)
        if unknown := [each for each in self.kinds if each not in (*KINDS, NAME_KIND)]:
            raise InputError("unknown_kind", f"there is no kind {unknown[0]!r:.60}; there are "
                             f"{', '.join((*KINDS, NAME_KIND))}", "kinds")


@dataclass(frozen=True, slots=True)
class GuardDecision:
    """What goes on: ``text``; what may be stored: ``safe_text``, masked whatever the policy.

    ``action`` is "allow", "mask" or "refuse". ``originals`` (value by placeholder) is for later
    texts of the same request and never leaves memory.
    """

    action: str
    text: str
    safe_text: str
    findings: tuple[Finding, ...]
    reasons: tuple[Reason, ...]
    originals: Mapping[str, str] = field(default_factory=dict, repr=False)


def judge_prompt(text: str, policy: GuardPolicy, known: Mapping[str, str] | None = None, *,
                 names: Names | None = None, rules: tuple[Rule, ...] = RULES) -> GuardDecision:
    """What a policy does with a text on its way to a model.

    ``known`` are the originals of the request's earlier texts, so that a value keeps its
    placeholder.
    """
    masked = mask_text(text, (*KINDS, NAME_KIND), known, names)
    acted = frozenset(policy.kinds)
    counted = [each for each in masked.findings if each.kind in acted]
    reasons, action, going = [], "allow", text
    if counted and policy.pii == "refuse":
        action = "refuse"
        reasons.append(Reason("pii_refused", f"The text holds {_count(counted)}, which this "
                                             "workspace does not let through."))
    elif counted and policy.pii == "mask":
        action = "mask"
        going = masked.text if len(counted) == len(masked.findings) else mask_text(
            text, policy.kinds, masked.originals, names).text
        reasons.append(Reason("pii_masked", f"{_count(counted)} gave way to placeholders."))
    elif counted:
        reasons.append(Reason("pii_allowed", f"The text holds {_count(counted)}; this workspace "
                                             "lets it through. Only the masked text is stored."))
    if names is None and NAME_KIND in acted:
        reasons.append(Reason("names_not_checked", "Names are not looked for: no model for them "
                                                   "is installed."))
    for rule in find_attacks(text, rules=rules):
        refused = getattr(policy, rule.kind) == "refuse"
        reasons.append(Reason(rule.code, f"The text {rule.text}"
                              + ("." if refused else "; this workspace lets it through.")))
        action = "refuse" if refused else action
    if not reasons:
        reasons.append(Reason("clean", "Nothing in the text speaks against it."))
    return GuardDecision(action, going, masked.text, masked.findings, tuple(reasons),
                         masked.originals)


def judge_answer(text: str, policy: GuardPolicy, known: Mapping[str, str] | None = None, *,
                 rules: tuple[Rule, ...] = RULES) -> GuardDecision:
    """What a policy does with a model's answer.

    A value that was masked on the way in does not come out, whatever the policy; so do keys and
    tokens. Other personal data, such as a contact from the workspace's documents, is told only.
    """
    known = known or {}
    found = find_personal(text)
    hidden, safe = Leaks(known).hide(text, found), mask_found(text, found, known)
    reasons, action = [], "allow"
    if hidden.leaks:
        action = "mask"
        reasons.append(Reason("leak_masked", f"The answer repeats {_count(hidden.leaks)} that "
                                             "had been masked; they were taken out."))
    if hidden.keys:
        action = "mask"
        reasons.append(Reason("key_masked", f"The answer holds {_count(hidden.keys)}; they were "
                                            "taken out."))
    others = len(found) - len(hidden.leaks) - len(hidden.keys)
    if others:
        reasons.append(Reason("pii_in_answer", f"The answer holds {others} "
                                               "other pieces of personal data."))
    for rule in find_attacks(text, frozenset({"toxicity"}), rules):
        refused = policy.toxicity == "refuse"
        reasons.append(Reason(rule.code, f"The answer {rule.text}"
                              + ("." if refused else "; this workspace lets it through.")))
        action = "refuse" if refused else action
    if not reasons:
        reasons.append(Reason("clean", "Nothing in the answer speaks against it."))
    return GuardDecision(action, hidden.text, safe.text, safe.findings, tuple(reasons),
                         safe.originals)


def stream_answer(policy: GuardPolicy, known: Mapping[str, str] | None = None) -> AnswerStream:
    """A way out for an answer in pieces that lets through what `judge_answer` lets through."""
    return AnswerStream(known or {}, refuses_abuse=policy.toxicity == "refuse")


def holds_personal(text: str) -> bool:
    """Whether a text holds personal data that the console recognises."""
    return bool(find_personal(text))


_NAMED = {"email": "e-mail address", "phone": "phone number", "iban": "IBAN", "card": "card number",
          "ip": "IP address", "us_ssn": "US social security number", "de_tax_id": "German tax id",
          "credential": "key or token", NAME_KIND: "name"}


def _count(findings: "tuple[Finding, ...] | list[Finding]") -> str:
    """Such as "2 e-mail addresses and 1 IBAN"."""
    counts: dict[str, int] = {}
    for each in findings:
        word = _NAMED.get(each.kind, "national id")
        counts[word] = counts.get(word, 0) + 1
    parts = [f"{count} {word}" if count == 1 else
             f"{count} {word.replace('key or', 'keys or')}{'es' if word.endswith('s') else 's'}"
             for word, count in counts.items()]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
