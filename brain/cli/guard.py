"""``brain guard``: personal data masked, what a policy does with a text, the policies."""

from argparse import Namespace as Arguments
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from brain.cli.command import Command, Option
from brain.cli.machine import Form, ReasonOut

Kinds = Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=40)]
Originals = dict[str, str]


class MaskIn(msgspec.Struct, forbid_unknown_fields=True):
    """A text. ``kinds`` are those looked for, all unless given; ``known`` are values by
    placeholder that earlier texts had, so that a value keeps its placeholder."""

    text: str
    kinds: Kinds | None = None
    known: Originals = {}


class FindingOut(msgspec.Struct, frozen=True):
    """Personal data: characters ``start`` to before ``end`` of the given text."""

    kind: str
    start: int
    end: int
    replacement: str


class MaskOut(msgspec.Struct, frozen=True):
    """The masked text and what was found; the values themselves are not told."""

    text: str
    findings: list[FindingOut]
    reasons: list[ReasonOut]


class JudgeIn(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt or an answer, and the policy. For an answer, ``known`` are the values by
    placeholder that were masked in the prompt."""

    text: str
    side: Literal["prompt", "answer"] = "prompt"
    pii: Literal["mask", "refuse", "allow"] = "mask"
    injection: Literal["refuse", "allow"] = "refuse"
    toxicity: Literal["refuse", "allow"] = "refuse"
    kinds: Kinds | None = None
    known: Originals = {}


class JudgeOut(msgspec.Struct, frozen=True):
    """``text`` goes on unless refused; ``safe_text`` is what may be stored."""

    action: Literal["allow", "mask", "refuse"]
    text: str
    safe_text: str
    findings: list[FindingOut]
    reasons: list[ReasonOut]


def prepare_mask(_: Arguments) -> Callable[[Any], MaskOut]:
    """The function that masks one text."""
    from brain.decisions.guard.judging import GuardPolicy, judge_prompt
    from brain.decisions.guard.masking import KINDS

    def mask(given: MaskIn) -> MaskOut:
        kinds = KINDS if given.kinds is None else tuple(given.kinds)
        policy = GuardPolicy("mask", "allow", "allow", kinds)
        done = judge_prompt(given.text, policy, given.known, rules=())
        wanted = [each for each in done.findings if each.kind in kinds]
        return MaskOut(done.text, _show(wanted), _reasons(done.reasons))
    return mask


def prepare_judge(_: Arguments) -> Callable[[Any], JudgeOut]:
    """The function that judges one text."""
    from brain.decisions.guard.judging import GuardPolicy, judge_answer, judge_prompt
    from brain.decisions.guard.masking import KINDS

    def judge(given: JudgeIn) -> JudgeOut:
        policy = GuardPolicy(given.pii, given.injection, given.toxicity,
                             KINDS if given.kinds is None else tuple(given.kinds))
        look = judge_prompt if given.side == "prompt" else judge_answer
        done = look(given.text, policy, given.known)
        return JudgeOut(done.action, "" if done.action == "refuse" else done.text,  # type: ignore[arg-type]
                        done.safe_text, _show(done.findings), _reasons(done.reasons))
    return judge


def _show(findings: Any) -> list[FindingOut]:
    return [FindingOut(each.kind, each.start, each.end, each.replacement) for each in findings]


def _reasons(reasons: Any) -> list[ReasonOut]:
    return [ReasonOut(each.code, each.text) for each in reasons]


def list_policies(arguments: Arguments) -> None:
    """Print the delivered policy and those of workspaces that differ from it."""
    from brain.cli.output import show
    from brain.cli.owner import call
    rows = call("guard_policies")
    show(rows if arguments.json else [_row(each) for each in rows], arguments.json)


def set_policy(arguments: Arguments) -> None:
    """Change a workspace's policy."""
    from brain.cli.output import show
    from brain.cli.owner import call
    given = {"pii": arguments.pii, "injection": arguments.injection,
             "toxicity": arguments.toxicity,
             "kinds": arguments.kinds.split(",") if arguments.kinds else None}
    row = call("set_guard_policy", workspace_id=arguments.workspace, **given)
    show(row if arguments.json else [_row(row)], arguments.json)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    policy = row["policy"]
    return {"workspace": row["workspace_id"] or "(all others)", "pii": policy["pii"],
            "injection": policy["injection"], "toxicity": policy["toxicity"],
            "kinds": len(policy["kinds"])}


_RULES = ("refuse", "allow")
COMMANDS: tuple[Command, ...] = (
    Command("guard", "policies", "List what the guard does, by workspace.", run=list_policies),
    Command("guard", "set", "Change what the guard does in a workspace.", (
        Option("workspace", "The workspace's id.", required=True),
        Option("--pii", "Personal data in a prompt.", choices=("mask", "refuse", "allow")),
        Option("--injection", "Prompts that try to steer the model.", choices=_RULES),
        Option("--toxicity", "Abuse.", choices=_RULES),
        Option("--kinds", "Kinds of personal data that are looked at, separated by commas.")),
        run=set_policy),
    Command("guard", "mask", "Mask personal data; a line that is no JSON is a text.",
            form=Form(MaskIn, MaskOut, prepare_mask, read_text=MaskIn)),
    Command("guard", "judge", "Say what a policy does with a prompt or an answer.",
            form=Form(JudgeIn, JudgeOut, prepare_judge, read_text=JudgeIn)),
)
