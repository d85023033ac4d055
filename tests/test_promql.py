"""The figures asked of a real Prometheus are what a real program counted."""

import contextlib
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from brain.cli.main import main
from brain.promql import DEFAULT_FIGURES, adapter_rules, figures
from brain.settings import Prometheus, SettingsError, describe_settings
from brain.sources.prometheus import PrometheusSource, parse_range
from brain.sources.reading import AnswerError, SourceReading
from brain.watch import Answer, answer, rows
from tests.services.instrumented import InstrumentedApp, running_app
from tests.services.process import wait_until
from tests.services.prometheus import HttpServer, running_prometheus

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.prometheus


class Watched:
    """A Prometheus that scrapes the program and a node exporter every second."""

    def __init__(self, server: HttpServer, app: InstrumentedApp) -> None:
        self.app = app
        self.source = PrometheusSource(server.url, 10.0)
        self.questions = {each.name: each.promql for each in figures(
            Prometheus(window="2m")).values()}

    def read(self) -> SourceReading:
        return self.source.read(self.questions)

    def scrapes(self) -> float:
        """How often the program has been scraped."""
        seen = self.source.read({
            "n": f'count_over_time(up{{instance="{self.app.target}"}}[1m])'})
        samples = seen.values.get("n", ())
        return samples[0].value or 0.0 if samples else 0.0


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory,
            node_exporter: HttpServer) -> Iterator[Watched]:
    """Everything counted between the first and the last scrape, then nothing more."""
    with running_app() as app, contextlib.ExitStack() as stack:
        # known before the first scrape: counted over the same scrapes, rates can be compared
        for status in ("200", "500"):
            app.requests.labels(status)
        for endpoint in ("/ask", "/idle"):
            app.durations.labels(endpoint)
        for agent in ("writer", "reader"):
            app.agents.labels(agent)
        app.tokens.labels("input")
        server = stack.enter_context(running_prometheus(
            tmp_path_factory.mktemp("figures"),
            [app.target, f"127.0.0.1:{node_exporter.port}"], every="250ms"))
        found = Watched(server, app)
        wait_until(lambda: found.scrapes() >= 2, "two scrapes of nothing")
        app.requests.labels("200").inc(90)
        app.requests.labels("500").inc(10)
        for seconds in [0.15] * 90 + [0.4] * 10:
            app.durations.labels("/ask").observe(seconds)
        app.agents.labels("writer").inc(30)
        app.agents.labels("reader").inc(10)
        app.hits.inc(75)
        app.misses.inc(25)
        app.connections.set(17)
        app.tokens.labels("input").observe(400)
        app.output_tokens.inc(100)
        app.pods.labels("brain-ai", "a", "Running").set(1)
        app.pods.labels("brain-ai", "b", "Running").set(1)
        app.pods.labels("brain-ai", "b", "Pending").set(0)
        app.pods.labels("other", "c", "Failed").set(1)
        scraped = found.scrapes()
        wait_until(lambda: found.scrapes() >= scraped + 3, "three scrapes of what was counted")
        yield found


def test_every_question_is_understood(watched: Watched) -> None:
    reading = watched.read()
    assert (reading.status, reading.reason) == ("ok", "")
    assert set(reading.values) == {each.name for each in DEFAULT_FIGURES}


def test_ratios_and_quantiles_are_what_was_counted(watched: Watched) -> None:
    values = watched.read().values
    assert answer(values, "error_ratio").value == pytest.approx(10 / 100)
    assert answer(values, "cache_hit_ratio").value == pytest.approx(75 / 100)
    assert answer(values, "active_connections").value == 17
    # 90 of 100 lie in (0.1, 0.2], 10 in (0.2, 0.5]: the 50th is 0.1 + 0.1 * 50/90 of the first,
    # the 95th 0.2 + 0.3 * 5/10 of the second
    assert answer(values, "latency_p50_s").value == pytest.approx(0.1 + 0.1 * 50 / 90)
    assert answer(values, "latency_p95_s").value == pytest.approx(0.35)
    assert answer(values, "latency_p99_s").value == pytest.approx(0.2 + 0.3 * 9 / 10)


def test_rates_keep_their_proportions(watched: Watched) -> None:
    values = watched.read().values
    rate = answer(values, "request_rate_per_s").value
    assert rate is not None and rate > 0
    agents = rows(values, "busiest_agents_per_s", "agent_id")
    assert agents["writer"] == pytest.approx(3 * (agents["reader"] or 0))
    assert agents["writer"] == pytest.approx(0.3 * rate)  # 30 of 100
    tokens_in = answer(values, "genai_input_tokens_per_s").value or 0
    tokens_out = answer(values, "genai_output_tokens_per_s").value or 0
    # 400 by the older name, 100 by the newer
    assert tokens_in == pytest.approx(4 * tokens_out)


def test_means_are_sum_over_count_and_no_traffic_is_no_zero(watched: Watched) -> None:
    values = watched.read().values
    means = rows(values, "latency_mean_by_endpoint_s", "endpoint")
    assert means["/ask"] == pytest.approx((90 * 0.15 + 10 * 0.4) / 100)
    assert means["/idle"] is None
    assert rows(values, "latency_p95_by_endpoint_s", "endpoint")["/idle"] is None
    assert answer(values, "query_p99_s") == Answer(None, "no_traffic")


def test_a_series_that_nobody_sends_is_unknown(watched: Watched) -> None:
    values = watched.read().values
    assert answer(values, "node_disk_ratio").why == "no_series"
    assert answer(values, "no_such_figure").why == "not_asked"


def test_pods_of_the_namespace_by_phase(watched: Watched) -> None:
    assert rows(watched.read().values, "pods", "phase") == {"Running": 2.0, "Pending": 0.0}


def test_machines_of_the_node_exporter(watched: Watched, node_exporter: HttpServer) -> None:
    place = f"127.0.0.1:{node_exporter.port}"
    values = watched.read().values
    for name in ("node_cpu_ratio", "node_memory_ratio"):
        value = rows(values, name, "instance")[place]
        assert value is not None and 0 <= value <= 1, name


def test_no_failure_is_an_error_ratio_of_zero_and_not_unknown(tmp_path: Path) -> None:
    with running_app() as app, running_prometheus(
            tmp_path, [app.target], every="250ms") as server:
        found = Watched(server, app)
        app.requests.labels("200")
        wait_until(lambda: found.scrapes() >= 2, "two scrapes")
        assert answer(found.read().values, "error_ratio").why == "no_traffic"
        app.requests.labels("200").inc(5)
        wait_until(lambda: answer(found.read().values, "error_ratio").value == 0.0,
                   "requests without a failure")


def test_ranges_end_with_the_instant_answer(watched: Watched) -> None:
    now = dt.datetime.now(dt.UTC)
    asked = {"connections": watched.questions["active_connections"], "gone": "no_such_series"}
    reading = watched.source.read_range(asked, now - dt.timedelta(seconds=60), now, 1)
    assert reading.status == "ok"
    (series,) = reading.values["connections"]
    at, value = series.points[-1]
    assert value == 17
    assert now - at < dt.timedelta(seconds=5)
    assert {value for _, value in series.points} <= {0.0, 17.0}  # before it was set, and after
    assert reading.values["gone"] == ()


@pytest.mark.parametrize("wrong", [None, {}, "text", [1], [{"metric": {}}],
                                   [{"metric": {}, "values": [[1]]}],
                                   [{"metric": 1, "values": [[1, "2"]]}]])
def test_ranges_that_are_none_are_refused(wrong: object) -> None:
    with pytest.raises((AnswerError, TypeError, LookupError, AttributeError)):
        parse_range(wrong)


def test_own_questions_and_namespace_take_the_place_of_the_delivered_ones() -> None:
    chosen = figures(Prometheus(window="1m", namespace="prod", queries=json.dumps(
        {"active_connections": "sum(nginx_connections_active)"})))
    assert chosen["active_connections"].promql == "sum(nginx_connections_active)"
    assert chosen["request_rate_per_s"].promql == "sum(rate(http_requests_total[1m]))"
    assert chosen["pods"].promql == 'sum by (phase) (kube_pod_status_phase{namespace="prod"})'


@pytest.mark.parametrize("wrong", [
    {"window": "soon"}, {"window": "5m])"}, {"namespace": 'a"}'}, {"queries": "[1]"},
    {"queries": "{"}, {"queries": '{"no_such": "up"}'}, {"queries": '{"pods": ""}'},
    {"queries": '{"pods": 3}'}])
def test_settings_that_cannot_be_used_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="BRAIN_PROMETHEUS_"):
        figures(Prometheus(**wrong))


def test_adapter_rules_are_questions_that_prometheus_understands(watched: Watched) -> None:
    """The adapter fills its templates in; what it would ask is asked here."""
    told = yaml.safe_load(yaml.safe_dump(adapter_rules()))["rules"]
    assert [rule["name"]["as"] for rule in told] == [
        "http_requests_per_second", "brain_ai_query_duration_p95_seconds",
        "brain_ai_active_connections"]
    for rule in told:
        series = rule["seriesQuery"].partition("{")[0]
        question = rule["metricsQuery"].replace("<<.Series>>", series).replace(
            "<<.LabelMatchers>>", 'instance!=""').replace("<<.GroupBy>>", "instance")
        assert "[2m]" in question
        reading = watched.source.read({"rule": question})
        assert (reading.status, reading.reason) == ("ok", ""), question
    (connections,) = watched.source.read({"c": told[2]["metricsQuery"].replace(
        "<<.Series>>", "brain_ai_active_connections").replace(
        "<<.LabelMatchers>>", 'instance!=""').replace("<<.GroupBy>>", "instance")}).values["c"]
    assert connections.value is not None and 0 < connections.value <= 17


def test_documentation_names_every_figure_and_setting_of_the_sources() -> None:
    page = (ROOT / "docs" / "sources.md").read_text()
    for each in DEFAULT_FIGURES:
        assert f"| `{each.name}` | {each.unit} | {each.meaning} |" in page
    known = {knob.variable for knob in describe_settings()}
    named = set(re.findall(r"BRAIN_[A-Z_]*[A-Z]", page))
    assert named <= known
    assert {"BRAIN_POSTGRES_URL", "BRAIN_KUBERNETES_KUBECONFIG"} <= named


def test_commands_print_questions_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prometheus", "figures", "--json"]) == 0
    told = {row["figure"]: row["promql"] for row in json.loads(capsys.readouterr().out)}
    assert told["active_connections"] == "sum(brain_ai_active_connections)"
    assert main(["prometheus", "adapter-rules"]) == 0
    text = capsys.readouterr().out
    assert yaml.safe_load(text) == adapter_rules()
    assert main(["prometheus", "adapter-rules", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == adapter_rules()
