"""Experiments over HTTP and by the Python client: assigned as the engine does, exposed once."""

import base64
import uuid

import pytest

from brain.client import Client
from brain.decisions.assignment.choosing import Experiment, Variant, decide_assignment


@pytest.fixture
def key(console):
    """A running experiment of its own."""
    name = f"e-{uuid.uuid4().hex[:12]}"
    console.call("create_experiment", definition={
        "key": name, "name": "Try", "variants": [{"key": "a"}, {"key": "b"}],
        "primary": {"key": "paid", "kind": "proportion"},
        "targeting": [{"attribute": "plan", "operator": "is_not", "value": "free"}]})
    console.call("act_on_experiment", key=name, action="start", person="ada", reason="test")
    return name


def variant_of(key, unit):
    return decide_assignment(Experiment(key, (Variant("a"), Variant("b"))), unit).variant


def exposures(console, key):
    console.call("settle")
    return sum(console.call("experiment", key=key)["units"].values())


def test_get_and_post_give_the_variant_of_the_hash(http, key):
    path = f"/v1/experiments/{key}/assignment"
    for number in range(10):
        unit = f"u{number}"
        asked = http.get(path, params={"unit_id": unit, "plan": "pro"}).json()
        told = http.post(path, json={"unit_id": unit, "attributes": {"plan": "pro"}}).json()
        assert asked == told
        assert (asked["variant"], asked["counted"]) == (variant_of(key, unit), True)


def test_no_variant_comes_with_its_reason(console, http, key):
    path = f"/v1/experiments/{key}/assignment"
    told = http.get(path, params={"unit_id": "u1", "plan": "free"}).json()
    assert (told["variant"], told["reasons"][0]["code"]) == (None, "not_targeted")
    assert http.get("/v1/experiments/gone/assignment",
                    params={"unit_id": "u1"}).json()["reasons"][0]["code"] == "unknown_experiment"
    console.call("act_on_experiment", key=key, action="pause")
    assert http.post(path, json={"unit_id": "u1", "expose": True}).json() == {
        "experiment": key, "unit_id": "u1", "variant": None, "counted": False, "recorded": False,
        "reasons": [{"code": "experiment_paused", "text": "The experiment is paused."}]}


def test_an_exposure_is_recorded_once(console, http, key):
    path = f"/v1/experiments/{key}"
    ask = {"unit_id": "u1", "expose": True, "workspace_id": "shop"}
    assert http.post(f"{path}/assignment", json=ask).json()["recorded"] is True
    assert http.post(f"{path}/assignment", json=ask).json()["recorded"] is False
    seen = {"unit_id": "u2", "variant": variant_of(key, "u2")}
    assert http.post(f"{path}/exposure", json=seen).json() == {"recorded": True}
    assert http.post(f"{path}/exposure", json=seen).json() == {"recorded": False}
    assert exposures(console, key) == 2


@pytest.mark.parametrize(("path", "body", "status", "code"), [
    ("exposure", {"unit_id": "u1", "variant": "z"}, 400, "unknown_variant"),
    ("exposure", {"unit_id": "", "variant": "a"}, 400, "invalid"),
    ("exposure", {"unit_id": "u1"}, 400, "invalid"),
    ("assignment", {"unit_id": "u1", "what": 1}, 400, "invalid"),
    ("assignment", {"unit_id": 5}, 400, "invalid"),
    ("assignment", [1], 400, "invalid")])
def test_what_cannot_be_used_is_named(http, key, path, body, status, code):
    answer = http.post(f"/v1/experiments/{key}/{path}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_an_unknown_experiment_takes_no_exposure(http):
    answer = http.post("/v1/experiments/gone/exposure", json={"unit_id": "u", "variant": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_experiment")


def test_the_list_is_by_state(http, key):
    assert key in {each["key"] for each in
                   http.get("/v1/experiments", params={"state": "running"}).json()}
    assert key not in {each["key"] for each in
                       http.get("/v1/experiments", params={"state": "draft"}).json()}
    answer = http.get("/v1/experiments", params={"state": "asleep"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


def test_both_methods_are_named_to_a_wrong_one(http, key):
    answer = http.delete(f"/v1/experiments/{key}/assignment")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_key_is_needed_where_one_is_set(keyed):
    for method, path in (("GET", "/v1/experiments"), ("GET", "/v1/experiments/e/assignment"),
                         ("POST", "/v1/experiments/e/assignment"),
                         ("POST", "/v1/experiments/e/exposure")):
        with keyed.client() as http:
            answer = http.request(method, path, json={"unit_id": "u", "variant": "a"})
        assert answer.status_code == 401, path


def test_the_client_assigns_and_exposes(console, key):
    client = Client(console.url)
    assert client.assign(key, "u1") == variant_of(key, "u1")
    assert client.assign(key, "u1", {"plan": "free"}, default="old") == "old"
    assert client.assign("gone/../x", "u1", default="old") == "old"
    assert client.expose(key, "u1", variant_of(key, "u1"), workspace_id="shop")
    assert not client.expose(key, "u1", variant_of(key, "u1"))
    assert client.assign(key, "u2", expose=True) == variant_of(key, "u2")
    assert not client.expose(key, "u3", "z")
    assert client.refused[-1]["code"] == "unknown_variant"
    assert exposures(console, key) == 2


def test_the_client_goes_on_without_a_console():
    client = Client("http://127.0.0.1:9", timeout_s=0.5)
    assert client.assign("e", "u1", default="old") == "old"
    assert client.assign("e", "u1", {"odd": object()}) is None
    assert not client.expose("e", "u1", "a")


@pytest.mark.parametrize(("verb", "given", "code"), [
    ("experiment", {"key": "gone"}, "not_found"),
    ("experiment_changes", {"key": 5}, "invalid"),
    ("act_on_experiment", {"key": "gone", "action": "start"}, "not_found"),
    ("act_on_experiment", {"key": "gone", "action": "explode"}, "invalid"),
    ("create_experiment", {"definition": {"key": "x"}}, "missing_field"),
    ("import_experiments", {"path": "/nowhere"}, "unreadable")])
def test_verbs_tell_their_faults(console, http, verb, given, code):
    answer = http.post(f"/v1/engine/{verb}", json=given,
                       headers={"Authorization": f"Bearer {console.owner['token']}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_verbs_answer_results_files_and_changes(console, key):
    told = console.call("experiment", key=key)
    assert (told["experiment"]["key"], told["verdict"]["name"]) == (key, "cannot_tell")
    assert console.call("experiment", key=key, form="html")["text"].startswith("<!doctype html>")
    assert console.call("experiment", key=key, form="csv")["text"].startswith("experiment,role")
    pdf = console.call("experiment", key=key, form="pdf")["content"]
    assert base64.b64decode(pdf).startswith(b"%PDF-")
    last = console.call("experiment_changes", key=key)[0]
    assert (last["action"], last["person"]) == ("started", "ada")
    added = {each["key"] for each in console.call("load_samples")}
    assert added <= {"search-ui-v2", "response-format"}
    assert console.call("load_samples") == []
