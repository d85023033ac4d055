"""Reads pods and deployments of one Kubernetes namespace, within a bounded time."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from brain.settings import Kubernetes
from brain.sources.reading import (
    AnswerError,
    BoundedCall,
    Clock,
    SourceReading,
    now_utc,
    place_of,
)

ANSWER_LIMIT_BYTES = 64_000_000
PAGE_ROWS = 500
MOST_PAGES = 40
PHASES = ("Running", "Pending", "Failed", "Succeeded", "Unknown")
_REFUSED = {401: "does not know this token", 403: "does not let this account"}


def connect(chosen: Kubernetes) -> Any:
    """A client that neither retries nor reads what the account cannot see.

    Raises what the library likes for a configuration that cannot be used.
    """
    # All that the reading needs is imported here, where no clock runs.
    from kubernetes import client, config
    from kubernetes.client import AppsV1Api, AutoscalingV2Api, CoreV1Api  # noqa: F401

    configuration = client.Configuration()
    if chosen.url:
        configuration.host = chosen.url.rstrip("/")
        if not configuration.host.startswith(("http://", "https://")):
            raise ValueError("not a URL")
    else:
        config.load_kube_config(chosen.kubeconfig, client_configuration=configuration,
                                persist_config=False)
    if chosen.token:
        configuration.api_key = {"authorization": f"Bearer {chosen.token}"}
    if chosen.ca_file:
        configuration.ssl_ca_cert = chosen.ca_file
    configuration.retries = False
    return client.ApiClient(configuration)


class KubernetesSource:
    """One namespace of one API server, read only; safe to share between threads."""

    def __init__(self, chosen: Kubernetes, clock: Clock = now_utc) -> None:
        self._chosen = chosen
        self._clock = clock
        self._call = BoundedCall(chosen.timeout_s)

    def read(self) -> SourceReading:
        """Pods by phase and deployments of the namespace; never raises.

        Values: ``pods`` (count by phase), ``restarts`` (of all containers since their pods
        began), ``deployments`` (rows of name, wanted, ready). What the account may not list is
        left out, and ``reason`` says so.
        """
        checked_at = self._clock()

        def without(status: Any, reason: str) -> SourceReading:
            return SourceReading(status, reason=reason, checked_at_utc=checked_at)

        if not self._chosen.url and not self._chosen.kubeconfig:
            return without("unknown", "No Kubernetes is configured (BRAIN_KUBERNETES_URL or "
                           "BRAIN_KUBERNETES_KUBECONFIG).")
        try:
            client = connect(self._chosen)
        except Exception as error:  # the library raises what it likes for a bad kubeconfig
            return without("unknown", "Kubernetes: the configuration cannot be used "
                           f"({type(error).__name__}).")
        place = f"Kubernetes at {place_of(client.configuration.host)}"
        try:
            values, faults = self._call.run(lambda: self._ask(client), cancel=client.close)
        except TimeoutError:
            return without("down", f"{place} did not answer within {self._chosen.timeout_s:g} s.")
        except Exception as error:  # the library raises its own and urllib3's errors
            return self._explain(place, error, without)
        finally:
            with suppress(Exception):
                client.close()
        reason = " ".join(f"{place} {fault}." for fault in faults)
        if not values:
            return without("down", reason)
        return SourceReading("ok", values, reason, checked_at, checked_at)

    def _explain(self, place: str, error: Exception,
                 without: Callable[[Any, str], SourceReading]) -> SourceReading:
        from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError

        if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
            return without("down", f"{place} did not answer within {self._chosen.timeout_s:g} s.")
        if isinstance(error, HTTPError | OSError):
            return without("down", f"{place} cannot be reached.")
        return without("unknown", f"{place} gave an answer that is not that of an API server.")

    def _ask(self, client: Any) -> tuple[dict[str, Any], list[str]]:
        from kubernetes.client import AppsV1Api, CoreV1Api

        values: dict[str, Any] = {}
        faults = []
        for what, list_rows, parse in (
                ("pods", CoreV1Api(client).list_namespaced_pod, parse_pods),
                ("deployments", AppsV1Api(client).list_namespaced_deployment, parse_deployments)):
            try:
                values |= parse(self._list(list_rows))
            except _Refusal as refusal:
                faults.append(_REFUSED[refusal.status] + (
                    f" list {what} in {self._chosen.namespace}" if refusal.status == 403 else "")
                    if refusal.status in _REFUSED
                    else f"answered HTTP status {refusal.status} for {what}")
        return values, faults

    def _list(self, list_rows: Callable[..., Any]) -> list[Any]:
        """Every row of a list, page by page; raises _Refusal and AnswerError."""
        from kubernetes.client import ApiException

        rows: list[Any] = []
        more: str | None = None
        for _ in range(MOST_PAGES):
            try:
                answer = list_rows(self._chosen.namespace, limit=PAGE_ROWS, _continue=more,
                                   _request_timeout=self._chosen.timeout_s,
                                   _preload_content=False)
                body = answer.read(ANSWER_LIMIT_BYTES + 1, decode_content=True)
            except ApiException as error:
                raise _Refusal(int(error.status or 0)) from error
            if len(body) > ANSWER_LIMIT_BYTES:
                raise AnswerError("answer too large")
            try:
                page = json.loads(body)
                found, more = page["items"], page.get("metadata", {}).get("continue")
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                raise AnswerError("not a list") from error
            if not isinstance(found, list):
                raise AnswerError("not a list")
            rows += found
            if not more:
                break
        return rows


class _Refusal(Exception):
    """The API server answered with an error status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


def parse_pods(items: list[Any]) -> Mapping[str, Any]:
    """Pods by phase, every phase named, and restarts; raises AnswerError."""
    pods, restarts = dict.fromkeys(PHASES, 0), 0
    try:
        for item in items:
            phase = item["status"].get("phase", "Unknown")
            pods[phase if phase in pods else "Unknown"] += 1
            restarts += sum(int(each.get("restartCount", 0))
                            for each in item["status"].get("containerStatuses") or ())
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise AnswerError("not a list of pods") from error
    return {"pods": pods, "restarts": restarts}


def parse_deployments(items: list[Any]) -> Mapping[str, Any]:
    """Deployments with replicas wanted and ready, by name; raises AnswerError."""
    try:
        rows = [{"name": str(item["metadata"]["name"])[:253],
                 "wanted": int(item["spec"].get("replicas", 1)),  # left out means one
                 "ready": int((item.get("status") or {}).get("readyReplicas") or 0)}
                for item in items]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise AnswerError("not a list of deployments") from error
    return {"deployments": tuple(sorted(rows, key=lambda row: str(row["name"])))}
