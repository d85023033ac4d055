"""Budgets over HTTP: listed, set, removed, brought back; refused in words."""


def put(http, budget_id, **fields):
    return http.put(f"/v1/budgets/{budget_id}", json=fields)


def test_a_budget_is_set_read_removed_and_brought_back(http):
    made = put(http, "acme", amount_usd="12.5", scope="workspace", name="nobody-asks", hard=True)
    assert made.status_code == 200
    assert made.json()["amount_usd"] == "12.5"
    assert (made.json()["spent_usd"], made.json()["verdict"]) == ("0", "unknown")
    listed = {each["budget_id"]: each for each in http.get("/v1/budgets").json()}
    assert listed["acme"]["hard"] is True
    assert http.get("/v1/budgets?scope=model").json() == []
    assert http.delete("/v1/budgets/acme").json() == {"removed": "acme"}
    assert "acme" not in {each["budget_id"] for each in http.get("/v1/budgets").json()}
    back = http.post("/v1/budgets/acme/undo", json={}).json()
    assert back["budget"]["amount_usd"] == "12.5"
    assert http.get("/v1/budget-alerts?days=7").json() == []
    http.delete("/v1/budgets/acme")


def test_what_cannot_be_is_refused_by_field(http):
    for given, field in (({"amount_usd": "-1"}, "amount_usd"), ({}, "amount_usd"),
                         ({"amount_usd": 1, "scope": "moon"}, "scope"),
                         ({"amount_usd": 1, "time_zone": "Mars/Base"}, "time_zone"),
                         ({"amount_usd": 1, "reset_day": 32}, "reset_day"),
                         ({"amount_usd": 1, "colour": "red"}, "colour"),
                         ({"amount_usd": 1, "person": "me"}, "person")):
        answer = put(http, "b", **given)
        assert answer.status_code == 400, given
        assert answer.json()["error"]["field"] == field, answer.json()
    assert http.delete("/v1/budgets/none").status_code == 404
    assert http.post("/v1/budgets/none/undo", json={}).status_code == 404
    assert http.get("/v1/budget-alerts?days=x").status_code == 400


def test_a_stopped_route_goes_on_again(console):
    stopped = console.call("stop_spending", what="route", name="crawler", reason="a loop")
    assert [(each["kind"], each["name"]) for each in stopped] == [("route", "crawler")]
    assert console.call("resume_spending", what="route", name="crawler") == {"resumed": True}
    assert console.call("resume_spending", what="route", name="crawler") == {"resumed": False}
