"""Traffic allocation over HTTP: tried, set, looked at, a route stopped, undone, refused."""

BASE = "/v1/allocations"


def test_an_allocation_from_its_dry_run_to_its_end(http):
    wanted = {"mode": "on", "routes": ["a/x", "b/y"], "floor_ratio": 0.1}
    tried = http.put(f"{BASE}/support", json=wanted | {"dry_run": True})
    assert (tried.status_code, tried.json()["applied"]) == (200, False)
    assert http.get(f"{BASE}/support").status_code == 404
    made = http.put(f"{BASE}/support", json=wanted).json()
    assert (made["applied"], made["next"]["shares"]) == (True, {"a/x": 0.5, "b/y": 0.5})
    assert [each["policy"]["policy_id"] for each in http.get(BASE).json()] == ["support"]
    stopped = http.post(f"{BASE}/support/stop", json={"route": "b/y", "reason": "slow"}).json()
    assert [(each["route"], each["person"]) for each in stopped["stopped"]] == [
        ("b/y", "HTTP API")]
    assert http.get(f"{BASE}/support").json()["stopped"][0]["reason"] == "slow"
    assert http.post(f"{BASE}/support/resume", json={"route": "b/y"}).json()["stopped"] == []
    http.put(f"{BASE}/support", json={"mode": "off"})
    assert http.post(f"{BASE}/support/undo", json={}).json()["policy"]["mode"] == "on"
    assert http.delete(f"{BASE}/support").json() == {"removed": "support"}
    assert http.get(BASE).json() == []


def test_what_cannot_be_is_refused_by_field(http):
    for given, field in (({"routes": ["nonsense"]}, "routes"), ({"rule": "best"}, "rule"),
                         ({"context": True, "rule": "ucb1"}, "rule"),
                         ({"floor_ratio": 2}, "floor_ratio"), ({"colour": "red"}, "colour")):
        answer = http.put(f"{BASE}/x", json=given)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field), given
    assert http.post(f"{BASE}/x/resume", json={"route": "a/x"}).status_code == 400
    for path in (f"{BASE}/none", f"{BASE}/none/undo"):
        answer = http.get(path) if path.endswith("none") else http.post(path, json={})
        assert answer.status_code == 404
