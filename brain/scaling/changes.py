"""Changes of a cluster: tried by the server first, recorded, marked on the charts, taken back."""

import difflib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from brain.sources.kubernetes_scaling import Scale, ScalerError

if TYPE_CHECKING:
    from brain.engine import Engine

REPLICAS, AUTOSCALER = "replicas", "autoscaler"
ChangeError = ScalerError
"""A change that was not made, or of which nobody knows; ``message`` says why."""
SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would do, as the API server says: ``diff`` is empty where it does nothing."""

    kind: str
    target: str
    before: Any
    after: Any
    diff: str
    warnings: tuple[str, ...] = ()


class ScalingChanges:
    """Tries, makes and takes back changes of replicas and autoscalers."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._scaler = engine.scaling.scaler

    def try_replicas(self, target: str, replicas: int) -> Trial:
        """What setting a deployment's replicas would do. Raises ScalerError."""
        before, after = self._scaler.set_replicas(target, replicas, dry_run=True)
        warnings = []
        if self._scaler.read_hpa(target) is not None:
            warnings.append(f"{target} has an autoscaler: it sets the count again at its next "
                            "look. Change its bounds instead.")
        return Trial(REPLICAS, target, before.replicas, after.replicas,
                     diff_yaml({"replicas": before.replicas}, {"replicas": after.replicas}),
                     tuple(warnings))

    def try_autoscaler(self, manifest: Mapping[str, Any]) -> Trial:
        """What applying an autoscaler would do. Raises ScalerError."""
        before, after = self._scaler.put_hpa(manifest, dry_run=True)
        return Trial(AUTOSCALER, _name(manifest), spec_of(before), spec_of(after),
                     diff_yaml(spec_of(before), spec_of(after)))

    def set_replicas(self, target: str, replicas: int, expected: int, person: str = "") -> str:
        """The number of the change of a deployment that has ``expected`` replicas.

        Raises ScalerError; where it is unclear whether the change was made, the record says so.
        """
        def act() -> tuple[Any, Any]:
            scales: tuple[Scale, Scale] = self._scaler.set_replicas(
                target, replicas, dry_run=False, expected=expected)
            return scales[0].replicas, scales[1].replicas
        return self._record(REPLICAS, target, expected, replicas, act, person)

    def put_autoscaler(self, manifest: Mapping[str, Any], person: str = "") -> str:
        """The number of the change that applied an autoscaler. Raises ScalerError."""
        def act() -> tuple[Any, Any]:
            before, after = self._scaler.put_hpa(manifest, dry_run=False)
            return spec_of(before), spec_of(after)
        return self._record(AUTOSCALER, _name(manifest), None, spec_of(manifest), act, person)

    def take_back(self, action_id: str, person: str = "") -> str:
        """The number of the change that put things back as before another one.

        Raises LookupError for one that is unknown, was not made or was taken back already;
        ScalerError where others have changed it since.
        """
        row = next((each for each in self.history() if each["action_id"] == action_id), None)
        if row is None or row["status"] != "done":
            raise LookupError("there is no such change to take back")
        if any(each["undoes"] == action_id and each["status"] == "done"
               for each in self.history()):
            raise LookupError("this change was taken back already")
        target, before, after = row["target"], row["before"], row["after"]
        if row["kind"] == REPLICAS:
            def act() -> tuple[Any, Any]:
                scales = self._scaler.set_replicas(target, before, dry_run=False, expected=after)
                return scales[0].replicas, scales[1].replicas
        else:
            def act() -> tuple[Any, Any]:
                if spec_of(self._scaler.read_hpa(target)) != after:
                    raise ScalerError("changed_meanwhile", f"the autoscaler {target} was changed "
                                      "by others since: look before you take this back")
                if before is None:
                    self._scaler.remove_hpa(target, dry_run=False)
                    return after, None
                _, now = self._scaler.put_hpa(_manifest(target, before), dry_run=False)
                return after, spec_of(now)
        return self._record(row["kind"], target, after, before, act, person, undoes=action_id)

    def history(self) -> list[dict[str, Any]]:
        """Every change that was tried in earnest, newest first; ``before``, ``after`` as values."""
        return [{**row, "before": json.loads(row["before_json"]),
                 "after": json.loads(row["after_json"])}
                for row in reversed(self._engine.state.rows("scaling_actions", order="at_utc"))]

    def _record(self, kind: str, target: str, before: Any, after: Any,
                act: Callable[[], tuple[Any, Any]], person: str, undoes: str = "") -> str:
        from brain.engine import whoami
        number, person = uuid.uuid4().hex, person or whoami()
        now, state = self._engine.clock(), self._engine.state
        # Written first, so that a change cut short by a stop of the program is not forgotten.
        state.insert("scaling_actions", {
            "action_id": number, "at_utc": now, "person": person, "kind": kind, "target": target,
            "before_json": json.dumps(before), "after_json": json.dumps(after),
            "status": "begun", "message": "", "undoes": undoes})
        try:
            before, after = act()
        except ScalerError as error:
            status = "unclear" if error.code == "unclear" else "refused"
            state.update("scaling_actions", "action_id", number, status=status,
                         message=error.message[:2000])
            self._engine.audit(f"scaling {kind} {status}", target, before,
                               {"wanted": after, "why": error.message}, person)
            raise
        state.update("scaling_actions", "action_id", number, status="done",
                     before_json=json.dumps(before), after_json=json.dumps(after))
        self._engine.audit(f"scaling {kind} {'taken back' if undoes else 'changed'}", target,
                           before, after, person)
        self._engine.annotate(now, "scaling", _tell(kind, target, before, after, bool(undoes)))
        return number


def spec_of(manifest: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The part of an autoscaler that people set; None of none."""
    if manifest is None:
        return None
    return {name: manifest["spec"][name] for name in SPEC
            if manifest["spec"].get(name) is not None}


def diff_yaml(before: Any, after: Any) -> str:
    """The lines that differ between two objects as YAML, in the form of a unified diff."""
    old, new = ([] if each is None else to_yaml(each).splitlines() for each in (before, after))
    lines = list(difflib.unified_diff(old, new, "now", "then", lineterm="", n=2))
    return "\n".join(lines)


def to_yaml(thing: Any) -> str:
    """The object as YAML, in the order in which it was written."""
    return str(yaml.safe_dump(thing, sort_keys=False, width=100))


def _manifest(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name}, "spec": dict(spec)}


def _name(manifest: Mapping[str, Any]) -> str:
    return str(manifest["metadata"]["name"])


def _tell(kind: str, target: str, before: Any, after: Any, back: bool) -> str:
    by = "put back by the console" if back else "changed by the console"
    if kind == REPLICAS:
        return f"{target}: {before} → {after} replicas, {by}"
    if after is None:
        return f"{target}: autoscaler removed by the console"
    return (f"{target}: autoscaler {by}, {after.get('minReplicas', 1)} to "
            f"{after['maxReplicas']} replicas")
