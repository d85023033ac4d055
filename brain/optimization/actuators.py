"""What carries actions out: the engine's own knobs, Kubernetes, or nobody (recommend only)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from brain.decisions.reasons import InputError
from brain.sources.kubernetes_scaling import ScalerError
from brain.sources.kubernetes_sizing import KubernetesSizer

if TYPE_CHECKING:
    from brain.gateway.knobs import Knobs

Values = Mapping[str, Any]
REQUESTS = ("cpu_milli", "memory_mib")


class ActuatorError(RuntimeError):
    """A change that was not made, or a state that cannot be read; ``code`` says what sort."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Actuator(Protocol):
    """Reads and sets absolute values by name, so that setting twice is setting once."""

    name: str
    can: frozenset[str]

    def read(self) -> dict[str, Any]:
        """The values as they are now. Raises ActuatorError."""

    def apply(self, values: Values, expected: Values) -> None:
        """Set the values; ``expected`` is what they are now. Raises ActuatorError."""


class KnobActuator:
    """The engine's own knobs: worker slots are the replicas."""

    name = "engine"
    can = frozenset({"scale_up", "scale_down", "cache_optimize", "route_optimize"})

    def __init__(self, knobs: "Knobs", person: str = "optimizer") -> None:
        self._knobs, self._person = knobs, person

    def read(self) -> dict[str, Any]:
        """Worker slots as ``replicas``, cache and routing weights."""
        now = self._knobs.refresh()
        return {"replicas": now.worker_slots, "cache_capacity_bytes": now.cache_capacity_bytes,
                "cache_ttl_s": now.cache_ttl_s, "routing_weights": dict(now.routing_weights)}

    def apply(self, values: Values, expected: Values) -> None:
        """Turn the knobs, all in one transaction."""
        changes = {"worker_slots" if name == "replicas" else name: value
                   for name, value in values.items()}
        try:
            self._knobs.apply(self._person, **changes)
        except InputError as error:
            raise ActuatorError(error.code, error.message) from error


class KubernetesActuator:
    """Replicas and resource requests of one deployment, each change tried by the server first."""

    name = "kubernetes"
    can = frozenset({"scale_up", "scale_down", "resource_rebalance"})

    def __init__(self, scaler: KubernetesSizer, target: str) -> None:
        self._scaler, self._target = scaler, target

    def read(self) -> dict[str, Any]:
        """The deployment's replicas, and the requests of its main container where it has some."""
        try:
            found: dict[str, Any] = {"replicas": self._scaler.read_scale(self._target).replicas}
            try:
                asked = self._scaler.read_requests(self._target)
            except ScalerError as error:
                if error.code != "forbidden":
                    raise
                return found  # an account that may scale only
        except ScalerError as error:
            raise ActuatorError(error.code, error.message) from error
        return found | {name: value for name in REQUESTS
                        if (value := getattr(asked, name)) is not None}

    def apply(self, values: Values, expected: Values) -> None:
        """Set the values: nothing where others changed them from ``expected`` meanwhile."""
        if not self._scaler.is_allowed:
            raise ActuatorError("not_allowed", "the console may not change the cluster "
                                               "(BRAIN_KUBERNETES_ALLOW_CHANGES)")
        if unknown := sorted(set(values) - {"replicas", *REQUESTS}):
            raise ActuatorError("no_actuator", f"{unknown[0]} cannot be changed in the cluster")
        requests = {name: values[name] for name in REQUESTS if name in values}
        try:
            self._check_autoscaler(requests)
            for dry_run in (True, False):  # all is tried before any of it is done
                if "replicas" in values:
                    self._set_replicas(int(values["replicas"]), expected, dry_run)
                if requests:
                    self._set_requests(requests, expected, dry_run)
        except ScalerError as error:
            raise ActuatorError(error.code, error.message) from error

    def _check_autoscaler(self, requests: Values) -> None:
        if self._scaler.read_hpa(self._target) is None:
            return
        raise ActuatorError("has_autoscaler", f"{self._target} has an autoscaler, which " + (
            "goes by shares of the requests and would scale by their change: change its targets "
            "instead" if requests else "would set the count again: change its bounds instead"))

    def _set_replicas(self, wanted: int, expected: Values, dry_run: bool) -> None:
        if self._scaler.read_scale(self._target).replicas != wanted:
            self._scaler.set_replicas(self._target, wanted, dry_run=dry_run,
                                      expected=expected.get("replicas"))

    def _set_requests(self, wanted: Values, expected: Values, dry_run: bool) -> None:
        now = self._scaler.read_requests(self._target)
        changed = {name: value for name, value in wanted.items() if getattr(now, name) != value}
        if not changed:
            return
        _, after = self._scaler.set_requests(self._target, changed, dry_run=dry_run,
                                             expected=expected)
        other = [name for name, value in changed.items() if getattr(after, name) != value]
        if other:  # an admission controller had its own idea
            told = ", ".join(f"{name} {getattr(after, name)}" for name in other)
            raise ActuatorError("resize_refused" if dry_run else "unclear",
                                f"the cluster makes {told} of the change")


class RecommendActuator:
    """Changes nothing: what would be done is a manifest to review. Reads through another one."""

    name = "recommend"

    def __init__(self, under: Actuator) -> None:
        self._under = under
        self.can = under.can | {"resource_rebalance"}

    def read(self) -> dict[str, Any]:
        """The values of the actuator that would act."""
        return self._under.read()

    def apply(self, values: Values, expected: Values) -> None:
        """Nothing."""
