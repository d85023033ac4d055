"""What carries actions out: the engine's own knobs, Kubernetes, or nobody (recommend only)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from brain.decisions.reasons import InputError
from brain.sources.kubernetes_scaling import KubernetesScaler, ScalerError

if TYPE_CHECKING:
    from brain.gateway.knobs import Knobs

Values = Mapping[str, Any]
CACHE = ("cache_capacity_bytes", "cache_ttl_s")


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
    """Replicas of one deployment, each change tried by the API server first."""

    name = "kubernetes"
    can = frozenset({"scale_up", "scale_down"})

    def __init__(self, scaler: KubernetesScaler, target: str) -> None:
        self._scaler, self._target = scaler, target

    def read(self) -> dict[str, Any]:
        """The deployment's replicas."""
        try:
            return {"replicas": self._scaler.read_scale(self._target).replicas}
        except ScalerError as error:
            raise ActuatorError(error.code, error.message) from error

    def apply(self, values: Values, expected: Values) -> None:
        """Set the replicas: nothing where others changed them from ``expected`` meanwhile."""
        if not self._scaler.is_allowed:
            raise ActuatorError("not_allowed", "the console may not change the cluster "
                                               "(BRAIN_KUBERNETES_ALLOW_CHANGES)")
        if unknown := sorted(set(values) - {"replicas"}):
            raise ActuatorError("no_actuator", f"{unknown[0]} cannot be changed in the cluster")
        try:
            if self._scaler.read_hpa(self._target) is not None:
                raise ActuatorError("has_autoscaler", f"{self._target} has an autoscaler, which "
                                    "would set the count again: change its bounds instead")
            wanted = int(values["replicas"])
            if self._scaler.read_scale(self._target).replicas == wanted:
                return
            for dry_run in (True, False):
                self._scaler.set_replicas(self._target, wanted, dry_run=dry_run,
                                          expected=expected.get("replicas"))
        except ScalerError as error:
            raise ActuatorError(error.code, error.message) from error


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
