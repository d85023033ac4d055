"""The prompt registry: versions that are only added, one in force, gated, tried and rolled back."""

import datetime as dt
import difflib
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from brain.decisions.evaluation import Gate, GateDecision
from brain.decisions.prompts.inputs import check_schema, fit_inputs
from brain.decisions.prompts.templates import Template, read_template, render_template
from brain.decisions.reasons import InputError, Reason
from brain.experiments.board import Experiments
from brain.gateway.fresh import Fresh
from brain.sources.state import StateStore

ADDED, ACTIVATED, ROLLED_BACK = "prompt version added", "prompt activated", "prompt rolled back"
CHANGED, UNDONE = "prompt settings changed", "prompt change undone"
_ACTIONS = (ACTIVATED, ROLLED_BACK, CHANGED, UNDONE)
MOST_VERSIONS = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIANT = re.compile(r"v?(\d{1,6})")
_KEPT = ("meaning", "active_version", "experiment_key", "gate_json")
ANY_TEXT: Mapping[str, Any] = {"type": "object", "properties": {"question": {"type": "string"}},
                               "required": ["question"]}
"""The inputs of a prompt that declares none: the question as text."""


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version: what the model is told (``system``), and how the question is put (``user``)."""

    name: str
    version: int
    system: str
    user: str
    schema: Mapping[str, Any]
    note: str
    person: str
    created_at_utc: dt.datetime


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: its version in force, the experiment on its versions, and its gate."""

    name: str
    meaning: str
    active_version: int
    experiment_key: str
    gate: Gate | None
    changed_at_utc: dt.datetime


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a version gives for some inputs."""

    name: str
    version: int
    system: str
    user: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that a user gets; ``variant`` is empty where no experiment chose."""

    version: PromptVersion
    experiment_key: str = ""
    variant: str = ""
    unit: str = ""
    reasons: tuple[Reason, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class PromptChange:
    """One entry of a prompt's history."""

    at_utc: dt.datetime
    person: str
    action: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


GateCheck = Callable[[str, int, int, Gate], GateDecision]
"""Whether a version may take the place of another, by what was evaluated so far."""


class Prompts:
    """Prompts of one platform. ``check_gate`` looks at the evaluations that were run."""

    def __init__(self, state: StateStore, experiments: Experiments, check_gate: GateCheck,
                 clock: Callable[[], dt.datetime], whoami: Callable[[], str]) -> None:
        self._state, self._experiments, self._check_gate = state, experiments, check_gate
        self._clock, self._whoami = clock, whoami
        self._changing = threading.Lock()
        self._known = Fresh(lambda: {each.name: each for each in self.list()}, 1.0)
        self._read: dict[tuple[str, int], tuple[PromptVersion, Template, Template]] = {}

    # reading

    def list(self) -> tuple[Prompt, ...]:
        """Every prompt, by name."""
        return tuple(_decode(row) for row in self._state.rows("prompts", order="prompt_name"))

    def get(self, name: str) -> Prompt:
        """The prompt of this name. Raises LookupError for an unknown one."""
        return _decode(self._row(name))

    def versions(self, name: str) -> "tuple[PromptVersion, ...]":
        """Every version of a prompt, newest first. Raises LookupError for an unknown prompt."""
        self._row(name)
        column = self._state.tables["prompt_versions"].c.prompt_name
        return tuple(_decode_version(row) for row in reversed(
            self._state.rows("prompt_versions", column == name, order="version")))

    def version(self, name: str, number: int = 0) -> PromptVersion:
        """One version, 0 for the one in force. Raises LookupError for an unknown one."""
        return self._compiled(name, number or self.get(name).active_version)[0]

    def render(self, name: str, inputs: Mapping[str, Any], number: int = 0) -> Rendered:
        """The texts of a version (0 for the one in force) with the inputs in place.

        Raises LookupError for an unknown prompt, InputError for an input that does not fit.
        """
        version, system, user = self._compiled(name, number or self.get(name).active_version)
        fitting = fit_inputs(version.schema, inputs)
        return Rendered(name, version.version, render_template(system, fitting, "system"),
                        render_template(user, fitting, "user"))

    def diff(self, name: str, one: int, other: int) -> str:
        """What differs between two versions, as a unified diff; empty if nothing does."""
        texts = [_as_lines(self.version(name, number)) for number in (one, other)]
        return "\n".join(difflib.unified_diff(
            texts[0], texts[1], f"{name} version {one}", f"{name} version {other}", lineterm=""))

    def choose(self, name: str, units: Mapping[str, str]) -> Chosen:
        """The version for a user, session or workspace: what an experiment assigns, else the one
        in force.

        ``units`` are ids by the experiment's unit. Raises LookupError for an unknown prompt.
        """
        prompt = self._known.get().get(name) or self.get(name)
        usual = self._compiled(name, prompt.active_version)[0]
        in_force = Reason("in_force", f"Version {usual.version} of {name} is in force.")
        if not prompt.experiment_key:
            return Chosen(usual, reasons=(in_force,))
        experiment = self._experiments.records.find(prompt.experiment_key)
        unit_id = units.get(experiment.unit, "") if experiment else ""
        if not unit_id:
            return Chosen(usual, reasons=(in_force, Reason(
                "no_unit", f"{prompt.experiment_key} needs a unit that the question does not "
                           "name.")))
        assigned = self._experiments.assign(prompt.experiment_key, unit_id)
        number = version_of(assigned.variant or "")
        if assigned.variant is None or number is None:
            return Chosen(usual, reasons=(in_force, Reason(
                "not_assigned", f"{prompt.experiment_key} assigns no version.")))
        try:
            version = self._compiled(name, number)[0]
        except LookupError as error:
            return Chosen(usual, reasons=(in_force, Reason("unknown_version", str(error.args[0]))))
        return Chosen(
            version, prompt.experiment_key, assigned.variant,
            experiment.unit if experiment else "", (Reason(
                "assigned", f"{prompt.experiment_key} assigns version {number} of {name}."),))

    def history(self, name: str) -> "tuple[PromptChange, ...]":
        """Every change of a prompt, newest first."""
        return tuple(PromptChange(row["at_utc"], row["person"], row["action"],
                                  json.loads(row["before_json"]), json.loads(row["after_json"]))
                     for row in reversed(self._audited(name, (ADDED, *_ACTIONS))))

    # changing

    def add(self, name: str, system: str, user: str = "{{question}}",
            schema: Mapping[str, Any] | None = None, *, note: str = "", meaning: str = "",
            person: str = "") -> PromptVersion:
        """The new version; the newest one where nothing differs from it.

        The first version of a prompt is in force at once, later ones when they are activated.
        Raises InputError naming the field that cannot be used.
        """
        wanted = dict(ANY_TEXT if schema is None else schema)
        _check_version(name, system, user, wanted, note, meaning)
        who, now = person or self._whoami(), self._clock()
        with self._changing:
            there = self._find(name)
            newest = self.versions(name)[0] if there else None
            if newest and (newest.system, newest.user, newest.schema) == (system, user, wanted):
                return newest
            number = newest.version + 1 if newest else 1
            if number > MOST_VERSIONS:
                raise InputError("too_many", f"a prompt may have {MOST_VERSIONS:,} versions",
                                 "name")
            self._state.insert("prompt_versions", {
                "prompt_name": name, "version": number, "system_text": system, "user_text": user,
                "schema_json": json.dumps(wanted), "note": note, "person": who,
                "created_at_utc": now})
            if there is None:
                self._state.insert("prompts", {
                    "prompt_name": name, "meaning": meaning, "active_version": 1,
                    "experiment_key": "", "gate_json": "null", "changed_at_utc": now})
            self._state.audit(now, who, ADDED, name, None, {"version": number, "note": note})
        return self._compiled(name, number)[0]

    def activate(self, name: str, number: int, person: str = "", reason: str = "") -> Prompt:
        """The prompt with this version in force.

        Raises LookupError for an unknown version, InputError ("gate_closed") where the prompt's
        gate does not let it pass.
        """
        prompt = self.get(name)
        self._compiled(name, number)
        if prompt.gate is not None and number != prompt.active_version:
            decided = self._check_gate(name, number, prompt.active_version, prompt.gate)
            if decided.verdict != "pass":
                told = " ".join(each.text for each in decided.reasons)
                raise InputError("gate_closed", f"the gate does not let version {number} of {name} "
                                                f"pass: {told}", "version")
        return self._change(name, ACTIVATED, person, reason, active_version=number)

    def gate_decision(self, name: str, number: int) -> GateDecision | None:
        """What the prompt's gate says to a version now; None without a gate."""
        prompt = self.get(name)
        return None if prompt.gate is None else self._check_gate(
            name, number, prompt.active_version, prompt.gate)

    def rollback(self, name: str, person: str = "", reason: str = "") -> Prompt:
        """The prompt with the version that was in force before; no gate stands in the way.

        Raises LookupError where no other version was ever in force.
        """
        now_in_force = self.get(name).active_version
        for row in reversed(self._audited(name, _ACTIONS)):
            before = json.loads(row["before_json"]) or {}
            if before.get("active_version", now_in_force) != now_in_force:
                return self._change(name, ROLLED_BACK, person, reason,
                                    active_version=int(before["active_version"]))
        raise LookupError(f"no other version of {name} was ever in force")

    def configure(self, name: str, *, meaning: str | None = None, gate: Gate | str | None = "",
                  experiment_key: str | None = None, person: str = "", reason: str = "") -> Prompt:
        """The prompt with another meaning, gate (None takes it away) or experiment ("" none).

        Raises InputError for an experiment whose variants do not name versions ("v1", "v2").
        """
        changes: dict[str, Any] = {}
        if meaning is not None:
            changes["meaning"] = meaning[:1_000]
        if not isinstance(gate, str):
            changes["gate_json"] = encode_gate(gate)
        if experiment_key is not None:
            self._check_experiment(name, experiment_key)
            changes["experiment_key"] = experiment_key
        return self._change(name, CHANGED, person, reason, **changes)

    def undo(self, name: str, person: str = "") -> Prompt:
        """The prompt as before its last change; undoing twice brings the change back.

        Raises LookupError where nothing was changed. Versions stay: they are only added.
        """
        entries = self._audited(name, _ACTIONS)
        if not entries:
            raise LookupError(f"prompt {name!r:.80} was never changed")
        before = json.loads(entries[-1]["before_json"])
        return self._change(name, UNDONE, person, entries[-1]["action"],
                            **{key: before[key] for key in _KEPT})

    def _change(self, name: str, action: str, person: str, reason: str, **changes: Any) -> Prompt:
        with self._changing:
            before = {key: self._row(name)[key] for key in _KEPT}
            after = {**before, **changes}
            self._state.update("prompts", "prompt_name", name, **after,
                               changed_at_utc=self._clock())
            self._state.audit(self._clock(), person or self._whoami(), action, name, before,
                              {**after, "reason": reason[:1_000]})
            self._known.forget()
        return self.get(name)

    def _check_experiment(self, name: str, key: str) -> None:
        if not key:
            return
        known = {each.version for each in self.versions(name)}
        for variant in self._experiments.get(key).shares:
            if version_of(variant) not in known:
                raise InputError("unknown_version", f"variant {variant!r:.60} of {key} names no "
                                 f"version of {name}; call it v1, v2, …", "experiment_key")

    def _compiled(self, name: str, number: int) -> tuple[PromptVersion, Template, Template]:
        """A version with its templates read; versions never change, so they are kept."""
        found = self._read.get((name, number))
        if found is None:
            columns = self._state.tables["prompt_versions"].c
            rows = self._state.rows("prompt_versions", columns.prompt_name == name,
                                    columns.version == number)
            if not rows:
                raise LookupError(f"there is no version {number} of prompt {name!r:.80}")
            version = _decode_version(rows[0])
            found = (version, read_template(version.system), read_template(version.user))
            if len(self._read) > 1_000:
                self._read = {}
            self._read[name, number] = found
        return found

    def _row(self, name: str) -> dict[str, Any]:
        found = self._find(name)
        if found is None:
            raise LookupError(f"there is no prompt {name!r:.80}")
        return found

    def _find(self, name: str) -> dict[str, Any] | None:
        column = self._state.tables["prompts"].c.prompt_name
        rows = self._state.rows("prompts", column == name)
        return rows[0] if rows else None

    def _audited(self, name: str, actions: tuple[str, ...]) -> Sequence[Mapping[str, Any]]:
        audit = self._state.tables["audit"]
        return self._state.rows("audit", audit.c.action.in_(actions), audit.c.subject == name,
                                order="audit_id")


def version_of(variant: str) -> int | None:
    """The version that an experiment's variant names ("v3" or "3"), None if none."""
    found = _VARIANT.fullmatch(variant)
    return int(found[1]) if found else None


def encode_gate(gate: Gate | None) -> str:
    """A gate as the state store keeps it."""
    return json.dumps(None if gate is None else asdict(gate), default=str)


def decode_gate(text: str) -> Gate | None:
    """The gate of a stored text."""
    body = json.loads(text)
    if body is None:
        return None
    cost = body.pop("most_usd_per_item")
    return Gate(**body, most_usd_per_item=None if cost is None else Decimal(cost))


def _check_version(name: str, system: str, user: str, schema: Mapping[str, Any], note: str,
                   meaning: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError("invalid_name", "a name has 1 to 64 letters, digits, dots, dashes or "
                                         "underscores", "name")
    if len(note) > 1_000 or len(meaning) > 1_000:
        raise InputError("too_long", "a note or meaning may have 1,000 characters", "note")
    if not system.strip() and not user.strip():
        raise InputError("empty", "a prompt needs a system or a user text", "system")
    check_schema(schema)
    declared = schema.get("properties", {})
    for field_name, text in (("system", system), ("user", user)):
        for variable in read_template(text, field_name).names:
            if variable not in declared:
                known = ", ".join(declared) or "none"
                raise InputError("undeclared_variable", f"{field_name} uses {variable!r:.60}, "
                                 f"which the schema does not declare; it declares {known}",
                                 field_name)


def _as_lines(version: PromptVersion) -> list[str]:
    schema = json.dumps(version.schema, indent=2, ensure_ascii=False)
    return ["system:", *version.system.splitlines(), "", "user:", *version.user.splitlines(), "",
            "inputs:", *schema.splitlines()]


def _decode(row: Mapping[str, Any]) -> Prompt:
    return Prompt(row["prompt_name"], row["meaning"], int(row["active_version"]),
                  row["experiment_key"], decode_gate(row["gate_json"]), row["changed_at_utc"])


def _decode_version(row: Mapping[str, Any]) -> PromptVersion:
    return PromptVersion(row["prompt_name"], int(row["version"]), row["system_text"],
                         row["user_text"], json.loads(row["schema_json"]), row["note"],
                         row["person"], row["created_at_utc"])
