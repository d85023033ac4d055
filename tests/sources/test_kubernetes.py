"""Kubernetes' pods and deployments, and one answer with a reason for everything that goes wrong."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.settings import Kubernetes
from brain.sources.kubernetes import KubernetesSource, parse_deployments, parse_pods
from brain.sources.reading import AnswerError
from tests.services.garbage import answering
from tests.services.kubernetes import TOKEN, deployment, pod, running_api_server
from tests.services.process import free_port

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def source(url: str, timeout_s: float = 5.0, **chosen: str) -> KubernetesSource:
    return KubernetesSource(Kubernetes(**{"url": url, "token": TOKEN, "timeout_s": timeout_s,
                                          **chosen}), clock=lambda: NOW)  # type: ignore[arg-type]


def test_counts_pods_by_phase_over_all_pages_and_deployments() -> None:
    with running_api_server() as api:
        api.items["pods"] = [pod(f"web-{n}", "Running", restarts=n % 2) for n in range(501)]
        api.items["pods"] += [pod("new", "Pending"), pod("bad", "Failed", restarts=7)]
        api.items["deployments"] = [deployment("web", 5, 4), deployment("api", 2, None)]
        reading = source(api.url).read()
    assert (reading.status, reading.reason) == ("ok", "")
    assert reading.values["pods"] == {"Running": 501, "Pending": 1, "Failed": 1, "Succeeded": 0,
                                      "Unknown": 0}
    assert reading.values["restarts"] == 250 + 7  # every second of 501 once, and 7
    assert reading.values["deployments"] == (
        {"name": "api", "wanted": 2, "ready": 0}, {"name": "web", "wanted": 5, "ready": 4})
    assert sum("pods" in path for path in api.asked) == 2  # 503 pods in pages of 500


def test_kubeconfig_names_the_server_and_its_token(tmp_path: Path) -> None:
    with running_api_server() as api:
        api.items["pods"] = [pod("web", "Running")]
        (tmp_path / "config").write_text(json.dumps({  # JSON is YAML
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}]}))
        reading = source("", token="", kubeconfig=str(tmp_path / "config")).read()
    assert reading.values["pods"]["Running"] == 1


def test_what_the_account_may_not_list_is_left_out_with_the_right_it_lacks() -> None:
    with running_api_server() as api:
        api.items["pods"] = [pod("web", "Running")]
        api.refuse = {"deployments": 403}
        reading = source(api.url).read()
        place = api.url.removeprefix("http://")
    assert reading.status == "ok"
    assert "deployments" not in reading.values
    assert reading.reason == (f"Kubernetes at {place} does not let this account list deployments "
                              "in brain-ai.")


@pytest.mark.parametrize(("status", "said"), [
    (401, "does not know this token"), (403, "does not let this account list pods in brain-ai"),
    (500, "answered HTTP status 500 for pods"), (404, "answered HTTP status 404 for pods")])
def test_refusals_are_down_and_say_why(status: int, said: str) -> None:
    with running_api_server() as api:
        api.refuse = {"pods": status, "deployments": status}
        reading = source(api.url).read()
    assert (reading.status, reading.values) == ("down", {})
    assert said in reading.reason


def test_a_wrong_token_is_told_and_not_repeated() -> None:
    with running_api_server() as api:
        reading = source(api.url, token="secretword").read()
    assert "does not know this token" in reading.reason
    assert "secretword" not in reading.reason


def test_a_server_that_holds_still_is_down_in_time_and_back_after_it() -> None:
    with running_api_server() as api:
        api.held.clear()
        watched = source(api.url, 0.4)
        reading = watched.read()
        assert reading.status == "down"
        assert reading.reason.endswith("did not answer within 0.4 s.")
        api.held.set()
        assert source(api.url).read().status == "ok"


def test_nobody_listening_is_down() -> None:
    reading = source(f"http://127.0.0.1:{free_port()}").read()
    assert (reading.status, reading.reason.endswith("cannot be reached.")) == ("down", True)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{}", b'{"items": 3}', b"\xff" * 9,
                                  b'{"items": [1]}', b'{"items": [{}]}', b"[" * 100_000,
                                  b'{"items": [], "metadata": 1}'])
def test_lists_that_are_none_are_unknown(body: bytes) -> None:
    with running_api_server() as api:
        api.body = body
        reading = source(api.url).read()
    assert (reading.status, reading.values) == ("unknown", {})
    assert "not that of an API server" in reading.reason


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n", b"\x00\xff" * 100,
                                   b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off"])
def test_what_is_no_api_server_is_never_an_exception_nor_ok(reply: bytes) -> None:
    with answering(reply) as port:
        reading = source(f"http://127.0.0.1:{port}", 2.0).read()
    assert reading.status in ("down", "unknown")
    assert reading.reason


def test_a_dripping_server_cannot_hold_the_caller() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"
    with answering(head + b"x", again_each_s=0.1) as port:
        reading = source(f"http://127.0.0.1:{port}", 0.5).read()
    assert reading.status == "down"


@pytest.mark.parametrize("url", ["", "nonsense", "redis://127.0.0.1", "http://[::1"])
def test_an_address_that_is_none_is_unknown_with_a_reason(url: str) -> None:
    reading = source(url).read()
    assert reading.status == "unknown"
    assert reading.reason


def test_a_kubeconfig_that_is_not_there_is_unknown() -> None:
    chosen = dataclasses.replace(Kubernetes(), kubeconfig="/nowhere/config")
    assert KubernetesSource(chosen, clock=lambda: NOW).read().status == "unknown"


ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                            st.sampled_from(["metadata", "name", "spec", "status", "replicas",
                                             "phase", "containerStatuses", "restartCount"]),
                            inner, max_size=4), max_leaves=12)


@given(st.lists(ANYTHING, max_size=4))
def test_any_list_is_parsed_or_refused(items: list[object]) -> None:
    for parse in (parse_pods, parse_deployments):
        try:
            assert parse(items)
        except AnswerError as error:
            assert str(error)
