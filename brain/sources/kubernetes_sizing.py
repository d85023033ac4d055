"""Changes what a deployment's pods ask for: CPU and memory requests, tried by the server first.

Source: Kubernetes API, "Strategic merge patch"; the pod template's change rolls the pods anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brain.decisions.reasons import InputError
from brain.decisions.scaling.quantities import to_milli, to_units
from brain.sources.kubernetes_scaling import (
    MOST_TRIES,
    KubernetesScaler,
    RefusedError,
    ScalerError,
    apps_of,
    read_json,
)

STRATEGIC = "application/strategic-merge-patch+json"
MAIN = "kubectl.kubernetes.io/default-container"
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Requests:
    """What the main container of a deployment's pods asks for; None where it asks for none.

    ``memory_mib`` is exact, a fraction where it is no whole number.
    """

    container: str
    cpu_milli: int | None
    memory_mib: float | None
    version: str


class KubernetesSizer(KubernetesScaler):
    """A scaler that changes resource requests too."""

    def read_requests(self, name: str) -> Requests:
        """The requests of the deployment's main container. Raises ScalerError."""
        return self._run("get", f"the deployment {name}",
                         lambda client: _read_requests(self._get_deployment(client, name)))

    def set_requests(self, name: str, wanted: Mapping[str, float], *, dry_run: bool,
                     expected: Mapping[str, Any] | None = None) -> tuple[Requests, Requests]:
        """The main container's requests before and after; a dry run is checked and not kept.

        ``wanted`` and ``expected`` hold cpu_milli, memory_mib or both. A change by others is read
        and the attempt repeated; where they changed a request from what was expected, nothing is
        done. Raises ScalerError, ``resize_refused`` with the server's words where it will not.
        """
        def change(client: Any) -> tuple[Requests, Requests]:
            for _ in range(MOST_TRIES):
                before = _read_requests(self._get_deployment(client, name))
                for field in wanted:
                    now, told = getattr(before, field), (expected or {}).get(field)
                    if told is not None and now != told:
                        raise ScalerError("changed_meanwhile", f"{name} asks for {field} {now} "
                                          f"now, not {told}: look again before you change it")
                body = {"metadata": {"resourceVersion": before.version},
                        "spec": {"template": {"spec": {"containers": [{
                            "name": before.container,
                            "resources": {"requests": _to_quantities(wanted)}}]}}}}
                try:
                    return before, _read_requests(self._patch_deployment(
                        client, name, body, dry_run))
                except RefusedError as refused:
                    if refused.status == 422:
                        raise ScalerError("resize_refused", f"Kubernetes refuses the new requests "
                                          f"of {name}, nothing was changed: {refused.text}"
                                          ) from refused
                    if refused.status != 409:
                        raise
            raise ScalerError("conflict", f"{name} is being changed by others all the time")
        return self._run("patch", f"the deployment {name}", change, writes=not dry_run)

    def _get_deployment(self, client: Any, name: str) -> dict[str, Any]:
        return read_json(apps_of(client).read_namespaced_deployment(
            name, self._chosen.namespace, **self._asking()))

    def _patch_deployment(self, client: Any, name: str, body: Mapping[str, Any],
                          dry_run: bool) -> dict[str, Any]:
        return self._patch(apps_of(client).patch_namespaced_deployment, name, body, dry_run,
                           STRATEGIC)


def _read_requests(found: Mapping[str, Any]) -> Requests:
    template = found["spec"]["template"]
    containers = template["spec"]["containers"]
    chosen = (template.get("metadata") or {}).get("annotations") or {}
    main = next((each for each in containers if each["name"] == chosen.get(MAIN)), containers[0])
    asked = (main.get("resources") or {}).get("requests") or {}
    try:
        cpu = to_milli(asked["cpu"]) if "cpu" in asked else None
        memory = to_units(asked["memory"]) / MIB if "memory" in asked else None
    except InputError as error:
        raise ValueError(error.message) from error
    return Requests(str(main["name"]), cpu, memory, str(found["metadata"]["resourceVersion"]))


def _to_quantities(wanted: Mapping[str, float]) -> dict[str, str]:
    told = {}
    if "cpu_milli" in wanted:
        told["cpu"] = f"{round(wanted['cpu_milli'])}m"
    if "memory_mib" in wanted:
        memory = wanted["memory_mib"]
        told["memory"] = f"{memory:.0f}Mi" if memory == int(memory) else f"{round(memory * MIB)}"
    return told
