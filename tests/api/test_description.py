"""The OpenAPI document says what the routes are, and the figures are Prometheus'."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from brain.api import openapi
from brain.api.routes import Api
from brain.api.verbs import VERBS
from brain.events import KINDS
from brain.settings import Settings
from tests.services.process import wait_until
from tests.services.prometheus import running_prometheus
from tests.serving.console import ROOT


def operations():
    return {(method.upper(), path): told for path, methods in openapi.describe()["paths"].items()
            for method, told in methods.items()}


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else ())
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_route_is_described_and_the_reverse():
    routes = {(method, path) for method, path, _ in Api(Settings(), "", None).table()}
    assert set(operations()) == routes


def test_the_document_has_the_form_of_openapi_3_1():
    told = openapi.describe()
    assert re.fullmatch(r"3\.1\.\d+", told["openapi"])
    assert {"title", "version"} <= set(told["info"])
    assert set(told) <= {"openapi", "info", "paths", "components"}
    schemes = set(told["components"]["securitySchemes"])
    names = [each["operationId"] for each in operations().values()]
    assert len(names) == len(set(names))
    for (method, path), each in operations().items():
        assert path.startswith("/")
        assert each["summary"].endswith(".")
        assert each["responses"], path
        for status, answer in each["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert answer["description"].endswith(".")
        assert {name for need in each["security"] for name in need} <= schemes
        assert {p["name"] for p in each.get("parameters", ()) if p["in"] == "path"} == set(
            re.findall(r"{(\w+)}", path))
        assert (method in {"POST", "PUT"}) == ("requestBody" in each)


def test_every_reference_leads_somewhere():
    told = openapi.describe()
    for reference in references(told):
        there = told
        for part in reference.removeprefix("#/").split("/"):
            there = there[part]


def test_it_knows_every_kind_and_verb(http):
    told = http.get("/v1/openapi.json").json()
    assert told == json.loads(json.dumps(openapi.describe()))
    kinds = {schema["properties"]["kind"]["enum"][0]
             for schema in told["components"]["schemas"].values()
             if {"kind", "event_id"} <= set(schema.get("properties", {}))}
    assert kinds == set(KINDS)
    (verb,) = told["paths"]["/v1/engine/{verb}"]["post"]["parameters"]
    assert set(verb["schema"]["enum"]) == set(VERBS)


def test_the_written_page_names_every_route_and_verb():
    page = (ROOT / "docs" / "api.md").read_text()
    for method, path in operations():
        assert f"`{method} {path}`" in page
    for verb in VERBS:
        assert f"`{verb}`" in page


def test_figures_are_in_prometheus_text_form(console, http):
    console.call("settle")
    answer = http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    assert all(name.startswith("brain_") for name in families)
    assert all(each.documentation for each in families.values())
    kinds = {sample.labels["kind"]: sample.value for sample in families["brain_events"].samples}
    assert kinds == console.call("status")["events"]
    assert families["brain_store_faults"].samples[0].value == 0
    asked = families["brain_queries"].samples[0]
    assert (asked.name, asked.value > 0) == ("brain_queries_total", True)
    jobs = {sample.labels["job"] for sample in families["brain_job_failing"].samples}
    assert {"drain", "roll up", "checkpoint"} <= jobs


def test_a_real_prometheus_scrapes_us(console, http, tmp_path):
    target = f"127.0.0.1:{console.port}"
    with running_prometheus(tmp_path, [target]) as prometheus:
        def read(question):
            answer = http.get(f"{prometheus.url}/api/v1/query", params={"query": question})
            return answer.json()["data"]["result"]
        wait_until(lambda: bool(read(f'brain_events{{instance="{target}"}}')), "a scrape")
        assert {row["metric"]["kind"] for row in read("brain_events")} == set(KINDS)
        (up,) = read(f'up{{instance="{target}"}}')
        assert up["value"][1] == "1"


def test_ready_and_alive(http):
    assert http.get("/healthz").json() == {"status": "ok"}
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "faults": []})
    assert http.head("/healthz").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/none", "/v1/events/more", "/v1/", "/api/v1/none",
                                  "/api/v1/monitoring"])
def test_an_unknown_route_of_ours_is_no_page(http, method, path):
    answer = http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("GET", "/v1/events", "POST"), ("DELETE", "/v1/engine/status", "POST"),
    ("POST", "/metrics", "GET, HEAD"), ("PUT", "/healthz", "GET, HEAD")])
def test_a_wrong_method_is_told_the_right_one(http, method, path, allowed):
    answer = http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
