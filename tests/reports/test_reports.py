"""Reports: read from the stores, told as text and HTML, written once a day and kept."""

import datetime as dt
import html.parser

import msgspec
import pytest

from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Request
from brain.jobs import reports as job
from brain.reports import document, files, reading
from brain.settings import SettingsError, load
from brain.sources.prometheus import Sample
from brain.watch import SourceStatus

NOW = dt.datetime(2026, 3, 5, 12, 0, 30, tzinfo=dt.UTC)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


def open_engine(folder, **settings):
    clock = Clock()
    clock.now -= job.FIRST_AFTER
    opened = Engine.open(load({}, data_dir=folder, **settings), clock=clock)
    clock.now = NOW
    return opened, clock


@pytest.fixture
def engine(tmp_path):
    opened, _ = open_engine(tmp_path)
    yield opened
    opened.close()


def ask(engine, count, latency_ms, endpoint="/v1/ask", agent="helper", failed=0):
    engine.record("requests", [Request(
        event_id=f"{endpoint}-{agent}-{n}", at_utc=NOW - dt.timedelta(minutes=n + 1),
        workspace_id="acme", provider="openai", model="gpt-4o", endpoint=endpoint,
        agent_id=agent, status="error" if n < failed else "ok", latency_ms=latency_ms,
        input_tokens=1) for n in range(count)])
    engine.settle()


class Outline(html.parser.HTMLParser):
    """The tags of a page, and every address that it names."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset"}]

    def handle_data(self, data):
        self.text += data


def test_an_empty_store_is_unknown_not_well(engine):
    report = reading.read_check(engine)
    assert (report.check.verdict, report.check.exit_status) == ("unknown", 3)
    lines = {line.metric: line for line in report.check.lines}
    assert lines["error_pct"].note == "no requests in this range"
    latency = reading.read_latency(engine)
    assert (latency.total.requests, latency.endpoints, latency.slow) == (0, (), ())
    assert "nothing can be said" in document.to_text(document.describe_latency(latency))


def test_the_check_reads_what_was_recorded(engine):
    ask(engine, 40, 2_500.0, failed=1)  # 1 of 40 is 2.5 %; 2,500 ms is past 2,000
    report = reading.read_check(engine)
    lines = {line.metric: line for line in report.check.lines}
    assert lines["error_pct"].value == pytest.approx(2.5)
    assert lines["generation_latency_p95_ms"].value == pytest.approx(2_500, rel=0.01)
    assert {metric for metric, line in lines.items() if line.verdict == "warning"} == {
        "error_pct", "generation_latency_p95_ms"}
    assert lines["availability_pct"].value == 100  # a single failure in a minute is no outage
    assert report.check.exit_status == 1


def test_latency_by_endpoint_and_agent(engine):
    ask(engine, 30, 200.0)
    ask(engine, 40, 1_500.0, "/v1/chat", "coder", failed=2)
    found = reading.read_latency(engine)
    assert found.total.requests == 70
    assert [(row.name, row.requests, row.errors, row.verdict) for row in found.endpoints] == [
        ("/v1/chat", 40, 2, "warning"), ("/v1/ask", 30, 0, "ok")]
    assert found.endpoints[0].p95_ms == pytest.approx(1_500, rel=0.01)
    assert [row.name for row in found.agents] == ["coder", "helper"]
    assert found.slow == ("endpoint /v1/chat", "agent coder")
    text = document.to_text(document.describe_latency(found))
    assert "p95 passes 1,000 ms: endpoint /v1/chat, agent coder." in text


def source(name, status="ok", **values):
    return SourceStatus(name, status, "", NOW, values)


def test_watched_servers_are_asked_for_the_rest(engine, monkeypatch):
    monkeypatch.setattr(engine, "sources", lambda: (
        source("Redis", "critical", cache_hit_pct=99.0, cache_memory_pct=10.0),
        source("PostgreSQL", db_connections_pct_of_pool=95.0, db_index_hit_pct=None),
        source("Prometheus", latency_p95_s=(Sample({}, 0.35, NOW),), cache_hit_ratio=(
            Sample({}, 0.9, NOW),), pods=(Sample({"phase": "Running"}, 4.0, NOW),),
            latency_p99_s=(Sample({}, None, NOW),))))
    lines = {line.metric: line for line in reading.read_check(engine).check.lines}
    told = {metric: (line.value, line.verdict) for metric, line in lines.items()}
    assert told["db_connections_pct_of_pool"] == (95.0, "critical")
    assert told["api_latency_p95_ms"] == (350.0, "warning")  # past 300
    assert told["api_latency_p99_ms"] == (None, "unknown")
    assert told["pods_running"] == (4.0, "ok")
    assert told["cache_hit_pct"] == (90.0, "ok")  # 0.9 of Prometheus, for Redis is silent
    assert (told["cache_memory_pct"], lines["cache_memory_pct"].note) == (
        (None, "unknown"), "Redis does not answer")
    assert told["db_index_hit_pct"] == (None, "unknown")


def test_throughput_counts_while_requests_are_turned_away(engine):
    ask(engine, 3, 100.0)
    lines = {line.metric: line for line in reading.read_check(engine).check.lines}
    assert lines["throughput_per_s"].verdict == "ok"
    engine.record("requests", [Request(
        event_id="refused", at_utc=NOW - dt.timedelta(minutes=1), provider="openai",
        model="gpt-4o", status="error", error_code="429")])
    engine.settle()
    lines = {line.metric: line for line in reading.read_check(engine).check.lines}
    assert lines["throughput_per_s"].verdict == "warning"


@pytest.mark.parametrize(("range_text", "code"), [("soon", "not_a_range"), ("3d", "too_long")])
def test_a_range_that_cannot_be_read_is_refused(engine, range_text, code):
    with pytest.raises(InputError) as error:
        reading.read_latency(engine, range_text)
    assert (error.value.code, error.value.field) == (code, "range")


def test_a_page_stands_alone_and_shows_names_as_they_are(engine):
    ask(engine, 3, 100.0, "<script>alert(1)</script>", "a&b")
    for kind in files.KINDS:
        _, told = files.read_report(engine, kind)
        page = document.to_html(told)
        outline = Outline(page)
        assert outline.addresses == []
        assert not {"script", "link", "img", "iframe"} & set(outline.tags)
        assert "url(" not in page
        assert "@import" not in page
        assert "prefers-color-scheme: dark" in page
        assert "@media print" in page
    assert "<script>alert(1)</script>" in outline.text
    assert "a&b" in outline.text


def test_the_three_forms_say_the_same(engine):
    ask(engine, 30, 1_200.0)
    found, told = files.read_report(engine, "latency")
    assert msgspec.json.decode(files.render("json", found, told), type=reading.LatencyReport) \
        == found
    text, page = (files.render(form, found, told).decode() for form in ("txt", "html"))
    for words in ("1 %", "WARNING", "/v1/ask", "helper"):
        assert words in text
        assert words in page


def test_once_a_day_after_its_time(tmp_path):
    engine, clock = open_engine(tmp_path, reports_daily_hour=13, reports_time_zone="Europe/Berlin")
    ask(engine, 3, 100.0)
    assert job.run(engine) == 2  # 12:00:30 UTC is 13:00:30 in Berlin
    assert job.run(engine) == 0
    clock.now += dt.timedelta(hours=23, minutes=59)
    assert job.run(engine) == 0  # 12:59:30
    clock.now += dt.timedelta(minutes=1)
    assert job.run(engine) == 2
    assert [each.kind for each in files.list_reports(engine)] == [
        "latency", "check", "latency", "check"]
    engine.close()


def test_one_made_by_hand_before_the_time_does_not_stand_for_the_daily_one(tmp_path):
    engine, clock = open_engine(tmp_path, reports_daily_hour=12, reports_daily_minute=1)
    ask(engine, 3, 100.0)
    files.write_report(engine, "check")
    assert job.run(engine) == 0
    clock.now += dt.timedelta(minutes=1)
    assert job.run(engine) == 2
    engine.close()


def test_nothing_is_written_while_nothing_was_recorded_or_it_is_off(tmp_path):
    engine, _ = open_engine(tmp_path)
    assert job.run(engine) == 0
    engine.close()
    engine, _ = open_engine(tmp_path, reports_daily="false")
    ask(engine, 1, 100.0)
    assert job.run(engine) == 0
    assert files.list_reports(engine) == []
    engine.close()


def test_a_server_that_has_just_started_has_others_to_serve(tmp_path):
    engine, clock = open_engine(tmp_path)
    ask(engine, 1, 100.0)
    clock.now -= dt.timedelta(seconds=1)  # open for 59 seconds
    assert job.run(engine) == 0
    clock.now += dt.timedelta(seconds=1)
    assert job.run(engine) == 2
    engine.close()


def test_only_so_many_are_kept(tmp_path):
    engine, clock = open_engine(tmp_path, reports_keep=2)
    for _ in range(4):
        clock.now += dt.timedelta(minutes=1)
        files.write_report(engine, "check")
    files.write_report(engine, "latency")
    kept = files.list_reports(engine)
    assert [each.kind for each in kept].count("check") == 2
    assert kept[0].at_utc == clock.now.replace(microsecond=0)
    assert all(set(each.files) == set(files.FORMS) for each in kept)
    assert len(list((tmp_path / "reports").iterdir())) == 9  # 3 reports in 3 forms, no drafts
    engine.close()


def test_a_zone_that_is_none_is_named(tmp_path):
    engine, _ = open_engine(tmp_path, reports_time_zone="Mars/Base")
    with pytest.raises(SettingsError, match="BRAIN_REPORTS_TIME_ZONE"):
        reading.read_check(engine)
    engine.close()
