"""Changes replicas and autoscalers of one Kubernetes namespace: a trial first, then the change.

Source: Kubernetes API concepts, "Resource versions", "Efficient detection of changes", "Dry-run".
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from brain.settings import Kubernetes
from brain.sources.kubernetes import ANSWER_LIMIT_BYTES, connect
from brain.sources.reading import BoundedCall, place_of

FIELD_OWNER = "brain-console"
"""The name under which the API server keeps whose change a field was."""

MOST_TRIES = 4
"""Attempts against changes of others that come in between."""
MERGE = "application/merge-patch+json"
PATIENCE = 4
"""A change is several questions: it may take this many times the wait for one."""
_SPEC_OF_HPA = ("scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior")


class ScalerError(Exception):
    """A change that was not made, or of which it is not known whether it was (``unclear``)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of a deployment: replicas wanted and there, its version, and the pods' selector."""

    replicas: int
    status_replicas: int
    version: str
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A deployment while it changes: replicas wanted, there, and ready."""

    wanted: int
    there: int
    ready: int


class KubernetesScaler:
    """One namespace of one API server; safe to share between threads, one change at a time."""

    def __init__(self, chosen: Kubernetes) -> None:
        self._chosen = chosen
        self._call = BoundedCall(PATIENCE * chosen.timeout_s)

    @property
    def is_configured(self) -> bool:
        """Whether an API server is named in the settings."""
        return bool(self._chosen.url or self._chosen.kubeconfig)

    @property
    def is_allowed(self) -> bool:
        """Whether the settings let the console change anything."""
        return self._chosen.allow_changes

    def read_scale(self, name: str) -> Scale:
        """The deployment's scale. Raises ScalerError."""
        return self._run("get", f"the scale of {name}",
                         lambda client: _read_scale(self._get_scale(client, name)))

    def read_hpa(self, name: str) -> dict[str, Any] | None:
        """The HorizontalPodAutoscaler as the cluster has it, None where it has none.

        Raises ScalerError.
        """
        return self._run("get", f"the autoscaler {name}",
                         lambda client: self._get_hpa(client, name))

    def set_replicas(self, name: str, replicas: int, *, dry_run: bool,
                     expected: int | None = None) -> tuple[Scale, Scale]:
        """The deployment's scale before and after; a dry run is checked and not kept.

        A change by others is read and the attempt repeated; where they changed the count from
        ``expected``, nothing is done. Raises ScalerError.
        """
        def change(client: Any) -> tuple[Scale, Scale]:
            for _ in range(MOST_TRIES):
                before = _read_scale(self._get_scale(client, name))
                if expected is not None and before.replicas != expected:
                    raise ScalerError("changed_meanwhile", f"{name} has {before.replicas} replicas "
                                      f"now, not {expected}: look again before you change it")
                body = {"metadata": {"resourceVersion": before.version},
                        "spec": {"replicas": replicas}}
                try:
                    return before, _read_scale(self._patch(
                        apps_of(client).patch_namespaced_deployment_scale, name, body, dry_run))
                except RefusedError as refused:
                    if refused.status != 409:
                        raise
            raise ScalerError("conflict", f"{name} is being changed by others all the time")
        return self._run("patch", f"the scale of {name}", change, writes=not dry_run)

    def put_hpa(self, manifest: Mapping[str, Any], *, dry_run: bool) -> tuple[
            dict[str, Any] | None, dict[str, Any]]:
        """The autoscaler before (None: there was none) and after. Raises ScalerError."""
        name, namespace = _place(manifest)
        self._check_namespace(namespace)

        def change(client: Any) -> tuple[dict[str, Any] | None, dict[str, Any]]:
            for _ in range(MOST_TRIES):
                before = self._get_hpa(client, name)
                try:
                    if before is None:
                        return None, self._create(client, manifest, dry_run)
                    body = {"metadata": {"resourceVersion": before["metadata"]["resourceVersion"]},
                            "spec": {field: manifest["spec"].get(field)
                                     for field in _SPEC_OF_HPA}}
                    return before, self._patch(_autoscaling(
                        client).patch_namespaced_horizontal_pod_autoscaler, name, body, dry_run)
                except RefusedError as refused:
                    if refused.status != 409:
                        raise
            raise ScalerError("conflict", f"{name} is being changed by others all the time")
        return self._run("patch", f"the autoscaler {name}", change, writes=not dry_run)

    def remove_hpa(self, name: str, *, dry_run: bool) -> bool:
        """Whether there was such an autoscaler to remove. Raises ScalerError."""
        def remove(client: Any) -> bool:
            try:
                read_json(_autoscaling(client).delete_namespaced_horizontal_pod_autoscaler(
                    name, self._chosen.namespace, **self._options(dry_run)))
            except Exception as error:  # the library's own
                if _status(error) == 404:
                    return False
                raise
            return True
        return self._run("delete", f"the autoscaler {name}", remove, writes=not dry_run)

    def follow(self, name: str, within_s: float,
               clock_s: Callable[[], float] = time.monotonic) -> Iterator[Rollout]:
        """The deployment's rollout at every change until it is as wanted, or the time is over.

        A watch that the server ends is begun again where it was; one whose place is forgotten
        (410) is begun anew from a fresh reading. Raises ScalerError.
        """
        client = self._connect()
        until_s = clock_s() + within_s
        version = ""
        try:
            while (left_s := until_s - clock_s()) > 0:
                if not version:
                    found = self._guard("get", name, lambda: read_json(
                        apps_of(client).read_namespaced_deployment(
                            name, self._chosen.namespace, **self._asking())))
                    version = str(found["metadata"].get("resourceVersion", ""))
                    seen = _read_rollout(found)
                    yield seen
                    if _is_done(seen):
                        return
                for event in self._watch(client, name, version, left_s):
                    if event is None:
                        version = ""
                        break
                    version = str(event["metadata"].get("resourceVersion", version))
                    seen = _read_rollout(event)
                    yield seen
                    if _is_done(seen):
                        return
        finally:
            client.close()

    def _watch(self, client: Any, name: str, version: str,
               left_s: float) -> Iterator[dict[str, Any] | None]:
        """Deployments as they change; None where the server has forgotten the version."""
        try:
            answer = apps_of(client).list_namespaced_deployment(
                self._chosen.namespace, field_selector=f"metadata.name={name}", watch=True,
                resource_version=version, timeout_seconds=max(1, int(left_s)),
                _preload_content=False,
                _request_timeout=(self._chosen.timeout_s, left_s + self._chosen.timeout_s))
        except Exception as error:  # the library's own
            if _status(error) == 410:
                yield None
                return
            raise self._explain("watch", name, error) from error
        try:
            for line in _lines(answer):
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    if event["object"].get("code") != 410:
                        raise ScalerError("watch_failed", "The API server ended the watch: "
                                          f"{str(event['object'].get('message', ''))[:200]}")
                    yield None
                    return
                if event.get("type") == "DELETED":
                    raise ScalerError("not_found", f"{name} was deleted")
                if event.get("type") != "BOOKMARK":
                    yield event["object"]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ScalerError("nonsense", "The API server's watch cannot be understood") from error
        except ScalerError:
            raise
        except Exception as error:  # a line that breaks off is begun again from its version
            from urllib3.exceptions import HTTPError
            if not isinstance(error, HTTPError | OSError):
                raise
        finally:
            with suppress(Exception):
                answer.close()

    def _connect(self) -> Any:
        if not self.is_configured:
            raise ScalerError("not_configured", "No Kubernetes is configured (BRAIN_KUBERNETES_URL "
                              "or BRAIN_KUBERNETES_KUBECONFIG)")
        try:
            return connect(self._chosen)
        except Exception as error:  # the library raises what it likes for a bad kubeconfig
            raise ScalerError("not_configured", "Kubernetes: the configuration cannot be used "
                              f"({type(error).__name__})") from error

    def _run(self, verb: str, what: str, work: Callable[[Any], Any], *,
             writes: bool = False) -> Any:
        if writes and not self.is_allowed:
            raise ScalerError("not_allowed", "The settings allow no changes of the cluster "
                              "(BRAIN_KUBERNETES_ALLOW_CHANGES)")
        client = self._connect()
        place = place_of(client.configuration.host)
        try:
            return self._call.run(lambda: self._guard(verb, what, lambda: work(client)),
                                  cancel=client.close)
        except TimeoutError as error:
            if writes:
                raise _unclear(place) from error
            raise ScalerError("timeout", f"Kubernetes at {place} did not answer in time") from error
        except ScalerError as error:
            if writes and error.code == "timeout":
                raise _unclear(place) from error
            raise
        finally:
            with suppress(Exception):
                client.close()

    def _guard(self, verb: str, what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ScalerError:
            raise
        except Exception as error:  # the library raises its own and urllib3's errors
            raise self._explain(verb, what, error) from error

    def _explain(self, verb: str, what: str, error: Exception) -> ScalerError:
        from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError
        status, text = _status(error), error.text if isinstance(error, RefusedError) else ""
        told = f": {text}" if text else ""
        here = self._chosen.namespace
        if status == 401:
            return ScalerError("unauthorized", "Kubernetes does not know this token")
        if status == 403:
            return ScalerError("forbidden", f"Kubernetes does not let this account {verb} {what} "
                               f"in {here}{told}")
        if status == 404:
            return ScalerError("not_found", f"There is no such thing in {here}: {what}")
        if status == 422:
            return ScalerError("invalid", f"Kubernetes refuses the change of {what}{told}")
        if status:
            return ScalerError("refused", f"Kubernetes answered HTTP status {status} for "
                               f"{what}{told}")
        if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
            return ScalerError("timeout", "Kubernetes did not answer in time")
        if isinstance(error, HTTPError | OSError):
            return ScalerError("unreachable", "Kubernetes cannot be reached")
        return ScalerError("nonsense", "Kubernetes gave an answer that is not that of an API "
                           "server")

    def _check_namespace(self, namespace: str) -> None:
        if namespace not in ("", self._chosen.namespace):
            raise ScalerError("other_namespace", f"The manifest is for {namespace}, the settings "
                              f"are for {self._chosen.namespace}")

    def _get_scale(self, client: Any, name: str) -> dict[str, Any]:
        return read_json(apps_of(client).read_namespaced_deployment_scale(
            name, self._chosen.namespace, **self._asking()))

    def _get_hpa(self, client: Any, name: str) -> dict[str, Any] | None:
        try:
            return read_json(_autoscaling(client).read_namespaced_horizontal_pod_autoscaler(
                name, self._chosen.namespace, **self._asking()))
        except Exception as error:  # the library's own
            if _status(error) == 404:
                return None
            raise

    def _create(self, client: Any, manifest: Mapping[str, Any], dry_run: bool) -> dict[str, Any]:
        body = {**manifest, "metadata": {**manifest.get("metadata", {}),
                                         "namespace": self._chosen.namespace}}
        return _refusing(lambda: read_json(
            _autoscaling(client).create_namespaced_horizontal_pod_autoscaler(
                self._chosen.namespace, body, **self._options(dry_run))))

    def _patch(self, patch: Callable[..., Any], name: str, body: Mapping[str, Any],
               dry_run: bool, kind: str = MERGE) -> dict[str, Any]:
        return _refusing(lambda: read_json(patch(name, self._chosen.namespace, dict(body),
                                             _content_type=kind, **self._options(dry_run))))

    def _options(self, dry_run: bool) -> dict[str, Any]:
        return self._asking() | ({"dry_run": "All"} if dry_run else {})

    def _asking(self) -> dict[str, Any]:
        return {"_preload_content": False, "_request_timeout": self._chosen.timeout_s}


class RefusedError(Exception):
    """The API server answered with an error status, and what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(str(status))
        self.status, self.text = status, text


def _refusing(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from kubernetes.client import ApiException
    try:
        return work()
    except ApiException as error:
        text = ""
        with suppress(ValueError, TypeError, AttributeError):
            text = str(json.loads(error.body or "{}").get("message", ""))[:300]
        raise RefusedError(int(error.status or 0), text) from error


def _unclear(place: str) -> ScalerError:
    return ScalerError("unclear", f"Kubernetes at {place} did not answer in time: the change may "
                       "or may not have been made. Look before you try again")


def _status(error: Exception) -> int:
    return int(getattr(error, "status", 0) or 0)


def apps_of(client: Any) -> Any:
    """The part of the API with deployments and their scale."""
    from kubernetes.client import AppsV1Api
    return AppsV1Api(client)


def _autoscaling(client: Any) -> Any:
    from kubernetes.client import AutoscalingV2Api
    return AutoscalingV2Api(client)


def read_json(answer: Any) -> dict[str, Any]:
    """The object of an answer. Raises ValueError for what is none of Kubernetes' objects."""
    body = answer.read(ANSWER_LIMIT_BYTES + 1, decode_content=True)
    found = json.loads(body)
    if not isinstance(found, dict) or ("metadata" not in found and "status" not in found):
        raise ValueError("not an object")
    return found


def _lines(answer: Any) -> Iterator[bytes]:
    held = b""
    for piece in answer.stream(2**16, decode_content=True):
        *lines, held = (held + piece).split(b"\n")
        yield from (line for line in lines if line.strip())


def _read_scale(found: Mapping[str, Any]) -> Scale:
    return Scale(int(found["spec"].get("replicas", 0)), int(found["status"].get("replicas", 0)),
                 str(found["metadata"]["resourceVersion"]),
                 str(found["status"].get("selector", "")))


def _read_rollout(found: Mapping[str, Any]) -> Rollout:
    status = found.get("status") or {}
    return Rollout(int(found["spec"].get("replicas", 1)), int(status.get("replicas") or 0),
                   int(status.get("readyReplicas") or 0))


def _is_done(seen: Rollout) -> bool:
    return seen.wanted == seen.there == seen.ready


def _place(manifest: Mapping[str, Any]) -> tuple[str, str]:
    metadata = manifest.get("metadata") or {}
    return str(metadata.get("name", "")), str(metadata.get("namespace", ""))
