"""Prompts, agents and evaluations over HTTP: the same as by command, under paths of their own."""

import httpx


def test_a_prompt_is_added_activated_and_taken_back(http: httpx.Client) -> None:
    for text in ("Be brief.", "Be kind."):
        added = http.post("/v1/prompts/greeting/versions", json={"system": text})
        assert added.status_code == 200, added.text
    assert [each["version"] for each in http.get("/v1/prompts/greeting").json()] == [2, 1]
    told = http.post("/v1/prompts/greeting/diff", json={"one": 1, "other": 2}).json()["diff"]
    assert "Be brief." in str(told) and "Be kind." in str(told)
    for version in (1, 2):
        done = http.post("/v1/prompts/greeting/actions",
                         json={"action": "activate", "version": version})
        assert done.status_code == 200, done.text
    http.post("/v1/prompts/greeting/actions", json={"action": "rollback"})
    (listed,) = [each for each in http.get("/v1/prompts").json() if each["name"] == "greeting"]
    assert 1 in listed.values()
    assert http.put("/v1/prompts/greeting", json={"gate": None}).status_code == 200


def test_an_agent_comes_and_goes(http: httpx.Client) -> None:
    assert http.put("/v1/agents", json={"agent": {
        "agent_id": "helper", "name": "Helper", "objective": "help"}}).status_code == 200
    assert "helper" in [each["agent_id"] for each in http.get("/v1/agents").json()]
    assert http.delete("/v1/agents/helper").json() == {"agent_id": "helper"}
    assert http.delete("/v1/agents/helper").status_code == 404


def test_golden_sets_and_evaluations(http: httpx.Client) -> None:
    line = '{"id": "a", "input": "2 + 2?", "expected": 4, "answer": "It is 4."}'
    assert http.post("/v1/golden-sets/sums", json={"lines": line}).status_code == 200
    assert [each["name"] for each in http.get("/v1/golden-sets").json()] == ["sums"]
    wrong = http.post("/v1/golden-sets/sums", json={"lines": '{"question": "2 + 2?"}'})
    assert wrong.status_code == 400
    assert http.get("/v1/evaluations").json() == []
    assert http.get("/v1/evaluations/none").status_code == 404


def test_what_does_not_fit_is_named(http: httpx.Client) -> None:
    wrong = http.post("/v1/prompts/greeting/actions", json={"action": "dance"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "action")
    assert http.post("/v1/prompts/greeting/versions", content="[",
                     headers={"content-type": "application/json"}).status_code == 400
