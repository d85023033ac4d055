"""``brain scaling lint``: faults and risks of autoscaler manifests."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from brain.cli.machine import Form, ReasonOut
from brain.decisions.reasons import InputError
from brain.decisions.scaling.lint import lint_manifests
from brain.scaling.validation import check_manifest


class LintIn(msgspec.Struct, forbid_unknown_fields=True):
    """Kubernetes objects that belong together: autoscalers, workloads, disruption budgets."""

    manifests: list[dict[str, Any]]


class FindingOut(msgspec.Struct, frozen=True):
    """A fault or a risk: where, and what to do."""

    code: str
    severity: Literal["error", "warning"]
    object: str
    field: str
    text: str


class LintOut(msgspec.Struct, frozen=True):
    """All findings; none is a sound set."""

    findings: list[FindingOut]
    reasons: list[ReasonOut]


def prepare_lint(arguments: Namespace) -> Callable[[LintIn], LintOut]:
    """The function that lints one set of manifests."""
    version = getattr(arguments, "validate", None)

    def lint(given: LintIn) -> LintOut:
        if version:
            for place, each in enumerate(given.manifests):
                try:
                    check_manifest(each, version)
                except InputError as error:
                    raise InputError(error.code, error.message,
                                     f"manifests[{place}].{error.field}") from error
        found = [FindingOut(each.code, each.severity, each.object, each.field, each.text)
                 for each in lint_manifests(given.manifests)]
        return LintOut(found, [ReasonOut("Linted", f"{len(given.manifests)} manifests, "
                                         f"{len(found)} findings.")])
    return lint


LINT_FORM = Form(LintIn, LintOut, prepare_lint)
"""The machine form of the linter."""
