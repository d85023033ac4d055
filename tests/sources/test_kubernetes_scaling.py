"""Changes of a cluster, against a server that behaves as the Kubernetes API does."""

from collections.abc import Iterator
from typing import Any

import pytest

from brain.decisions.scaling.default_policies import default_hpa
from brain.settings import Kubernetes
from brain.sources.kubernetes_scaling import KubernetesScaler, Rollout, ScalerError
from tests.services.kubernetes import TOKEN
from tests.services.kubernetes_scaling import ScalingServer, running_scaling_server
from tests.services.process import free_port


@pytest.fixture
def api() -> Iterator[ScalingServer]:
    with running_scaling_server() as server:
        server.deploy("web", 3)
        yield server


def scaler(api: ScalingServer, **chosen: Any) -> KubernetesScaler:
    return KubernetesScaler(Kubernetes(**{  # type: ignore[arg-type]
        "url": api.url, "token": TOKEN, "timeout_s": 5.0, "allow_changes": True, **chosen}))


def hpa(most: int = 10) -> dict[str, Any]:
    manifest = default_hpa("standard", "web", "brain-ai")
    manifest["spec"]["maxReplicas"] = most
    return manifest


def fault(work: Any) -> ScalerError:
    with pytest.raises(ScalerError) as caught:
        work()
    return caught.value


def test_a_dry_run_is_checked_by_the_server_and_changes_nothing(api: ScalingServer) -> None:
    before, after = scaler(api).set_replicas("web", 5, dry_run=True)
    assert (before.replicas, after.replicas, after.selector) == (3, 5, "app=web")
    assert api.deployments["web"]["spec"]["replicas"] == 3
    assert "dryRun=All" in api.asked[-1][1]
    assert fault(lambda: scaler(api).set_replicas("web", -1, dry_run=True)).message == (
        "Kubernetes refuses the change of the scale of web: "
        "spec.replicas: must be greater than or equal to 0")


def test_a_change_names_the_version_it_saw(api: ScalingServer) -> None:
    seen = api.deployments["web"]["metadata"]["resourceVersion"]
    before, after = scaler(api).set_replicas("web", 5, dry_run=False, expected=3)
    assert (before.replicas, after.replicas) == (3, 5)
    assert api.deployments["web"]["spec"]["replicas"] == 5
    assert api.asked[-1][2] == {"metadata": {"resourceVersion": seen}, "spec": {"replicas": 5}}
    assert "dryRun" not in api.asked[-1][1]


def test_a_conflict_is_read_again_and_retried(api: ScalingServer) -> None:
    def once() -> None:
        api.deployments["web"]["metadata"]["resourceVersion"] = "9999"  # a label changed
        api.intrude = None

    api.intrude = once
    scaler(api).set_replicas("web", 5, dry_run=False, expected=3)
    assert api.deployments["web"]["spec"]["replicas"] == 5
    assert [method for method, _, _ in api.asked] == ["GET", "PATCH", "GET", "PATCH"]


def test_a_count_that_others_changed_meanwhile_is_left_alone(api: ScalingServer) -> None:
    api.intrude = lambda: api.deploy("web", 8)  # the cluster's own autoscaler was faster
    found = fault(lambda: scaler(api).set_replicas("web", 5, dry_run=False, expected=3))
    assert (found.code, api.deployments["web"]["spec"]["replicas"]) == ("changed_meanwhile", 8)


def test_endless_conflicts_end(api: ScalingServer) -> None:
    api.intrude = lambda: api.deploy("web", 3)
    assert fault(lambda: scaler(api).set_replicas("web", 5, dry_run=False)).code == "conflict"
    assert len(api.asked) == 8  # four times a look and an attempt


def test_an_autoscaler_is_made_changed_and_removed(api: ScalingServer) -> None:
    subject = scaler(api)
    assert subject.read_hpa("web") is None
    assert subject.put_hpa(hpa(), dry_run=True)[0] is None
    assert api.hpas == {}
    subject.put_hpa(hpa(), dry_run=False)
    plain = hpa(12)
    del plain["spec"]["behavior"]
    before, after = subject.put_hpa(plain, dry_run=False)
    assert before is not None
    assert before["spec"] == hpa()["spec"]
    assert after["spec"] == plain["spec"] == api.hpas["web"]["spec"]  # no behavior left over
    assert subject.remove_hpa("web", dry_run=True) is True
    assert "web" in api.hpas
    assert subject.remove_hpa("web", dry_run=False) is True
    assert subject.remove_hpa("web", dry_run=False) is False


def test_an_autoscaler_that_the_server_refuses_is_told(api: ScalingServer) -> None:
    assert fault(lambda: scaler(api).put_hpa(hpa(2), dry_run=True)).message.endswith(
        "spec.maxReplicas: must be >= minReplicas")
    other = default_hpa("standard", "web", "elsewhere")
    assert fault(lambda: scaler(api).put_hpa(other, dry_run=True)).code == "other_namespace"


@pytest.mark.parametrize(("status", "code", "said"), [
    (403, "forbidden", "does not let this account patch the scale of web in brain-ai"),
    (500, "refused", "answered HTTP status 500"), (404, "not_found", "no such thing")])
def test_refusals_say_which_right_is_missing(api: ScalingServer, status: int, code: str,
                                             said: str) -> None:
    api.refuse = {"PATCH": status}
    found = fault(lambda: scaler(api).set_replicas("web", 5, dry_run=False))
    assert found.code == code
    assert said in found.message


def test_what_is_wrong_with_the_connection_is_told(api: ScalingServer) -> None:
    def read(**chosen: Any) -> ScalerError:
        return fault(lambda: scaler(api, **chosen).read_scale("web"))

    assert read(token="wrong").code == "unauthorized"
    assert read(url=f"http://127.0.0.1:{free_port()}").code == "unreachable"
    assert read(url="").code == "not_configured"
    assert read(url="ftp://x").code == "not_configured"
    assert fault(lambda: scaler(api).read_scale("other")).code == "not_found"
    api.body = b"[1]"
    assert read().code == "nonsense"


def test_nothing_is_changed_unless_the_settings_allow_it(api: ScalingServer) -> None:
    subject = scaler(api, allow_changes=False)
    assert fault(lambda: subject.set_replicas("web", 5, dry_run=False)).code == "not_allowed"
    assert subject.set_replicas("web", 5, dry_run=True)[1].replicas == 5  # a trial may be made
    assert api.deployments["web"]["spec"]["replicas"] == 3


def test_a_server_that_holds_still_leaves_it_open_whether_it_was_done(api: ScalingServer) -> None:
    api.held.clear()
    subject = scaler(api, timeout_s=0.2)
    assert fault(lambda: subject.read_scale("web")).code == "timeout"
    found = fault(lambda: scaler(api, timeout_s=0.2).set_replicas("web", 5, dry_run=False))
    assert found.code == "unclear"
    assert "may or may not have been made" in found.message


def test_a_rollout_is_followed_over_broken_and_forgotten_watches(api: ScalingServer) -> None:
    api.deploy("web", 6, ready=3)
    api.steps = [[4, "end"], ["bookmark", "break"], ["gone"], [5, 6]]
    seen = list(scaler(api).follow("web", within_s=10))
    #  3 of 6 at first; 4 by the first watch; the broken one tells nothing; after the 410 the
    #  deployment is read anew, which says 4 again; then 5 and 6, and the rollout is done.
    assert [each.ready for each in seen] == [3, 4, 4, 5, 6]
    assert seen[-1] == Rollout(6, 6, 6)
    watches = [path for _, path, _ in api.asked if "watch=" in path]
    assert len(watches) == 4
    assert len([path for _, path, _ in api.asked if "watch=" not in path]) == 2


def test_a_watch_refused_with_410_is_begun_from_a_fresh_reading(api: ScalingServer) -> None:
    api.deploy("web", 4, ready=3)
    api.refuse = {"WATCH": 410}
    followed = scaler(api).follow("web", within_s=10)
    assert next(followed).ready == 3
    assert next(followed).ready == 3  # read again after the 410
    api.refuse = {}
    api.steps = [[4]]
    assert [each.ready for each in followed] == [4]


def test_following_ends_with_its_time_and_with_the_deployment(api: ScalingServer) -> None:
    api.deploy("web", 4, ready=3)
    ticks = iter([0.0, 0.0, 99.0])
    assert [each.ready for each in scaler(api).follow("web", 5, lambda: next(ticks))] == [3]
    api.steps = [["deleted"]]
    assert fault(lambda: list(scaler(api).follow("web", within_s=10))).code == "not_found"
    api.refuse = {"WATCH": 403}
    assert fault(lambda: list(scaler(api).follow("web", within_s=10))).code == "forbidden"
