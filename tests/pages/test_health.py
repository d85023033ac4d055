"""System health: statuses, machines that are never mixed, sources that say what is missing."""

import datetime as dt

import pytest
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from brain.events import MetricSample
from tests.pages.conftest import NOW, OpenPage

PAGE = "operations/health.py"


def metrics(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def badges(app: AppTest) -> list[str]:
    return [each.value.split(":")[-1].strip(" ]").removeprefix("/ ")
            for each in app.markdown if each.value.startswith(":") and "badge[" in each.value]


def sample(engine: Engine, instance: str, value: float, at_utc: dt.datetime, source: str) -> None:
    engine.record("metric_samples", [MetricSample(
        at_utc=at_utc, metric="cpu_pct", instance=instance, value=value, source=source)])
    engine.settle()


def test_cards_show_values_with_units(filled: Engine, open_page: OpenPage) -> None:
    shown = metrics(open_page(PAGE))
    # 48 requests in the 86,370 s of the range that have passed
    assert shown["Request rate"] == "0.00056 per s"
    assert shown["Error rate"] == "4.2 %"
    assert shown["Availability"] == "100.0 %"
    assert shown["CPU"] == "42.0 %"
    assert shown["Disk"] == "60.0 %"
    assert shown["Cache hit ratio"] == "unknown"


def test_statuses_are_words(filled: Engine, open_page: OpenPage) -> None:
    found = badges(open_page(PAGE))
    # request rate, error rate (4.2 % > 1 %), latency, availability; CPU, memory, disk, cache,
    # connections
    assert [each.split("/")[-1] for each in found] == [
        "Well", "Warning", "Well", "Well", "Well", "Well", "Well", "Unknown", "Unknown"]


def test_without_requests_nothing_is_well(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert set(metrics(app).values()) - {"0 per s", "0.00 per s"} == {"unknown"}
    assert {each.split("/")[-1] for each in badges(app)} == {"Unknown"}


def test_uptime_of_engine_and_machine(filled: Engine, open_page: OpenPage) -> None:
    # 93,780 s = 1 day + 7,380 s = 1 d 2 h 3 m
    assert any("Engine up **0 d 0 h 0 m** · web-1 up **1 d 2 h 3 m**" in each.value
               for each in open_page(PAGE).caption)


def test_machines_are_never_mixed_and_demo_says_so(filled: Engine, open_page: OpenPage) -> None:
    sample(filled, "web-1", 99.0, NOW - dt.timedelta(seconds=5), "demo")
    app = open_page(PAGE)
    assert app.selectbox(key="machine").options == ["web-1", "web-1 (Demo)"]
    assert metrics(app)["CPU"] == "42.0 %"
    app.selectbox(key="machine").select("web-1 (Demo)").run()
    assert metrics(app)["CPU"] == "99.0 %"
    assert metrics(app)["Memory"] == "unknown"


def test_old_value_is_shown_with_its_age_but_judged_unknown(filled: Engine,
                                                            open_page: OpenPage) -> None:
    filled.remove_source("host")
    sample(filled, "web-2", 12.0, NOW - dt.timedelta(minutes=20), "api")
    app = open_page(PAGE)
    assert metrics(app)["CPU"] == "12.0 %"
    assert any(each.value == "last value 20 m ago · web-2" for each in app.caption)
    assert "Well" not in {each.split("/")[-1] for each in badges(app)[4:]}


def test_sources_say_what_is_not_configured(filled: Engine, open_page: OpenPage) -> None:
    rows = open_page(PAGE).dataframe[-1].value.set_index("source")
    assert rows.loc["Prometheus", "status"] == "Not configured"
    assert rows.loc["Redis", "text"] == "No Redis is configured (BRAIN_REDIS_URL)."
    assert rows.loc["Event store", "status"] == "Well"


def test_range_in_the_past_is_judged_by_its_own_end(filled: Engine, open_page: OpenPage) -> None:
    at = dt.datetime(2026, 3, 1, 23, 59, 50, tzinfo=dt.UTC)
    sample(filled, "web-1", 91.0, at, "host")
    app = open_page(PAGE, range="2026-03-01", compare="false")
    assert metrics(app)["CPU"] == "91.0 %"
    assert "Critical" in {each.split("/")[-1] for each in badges(app)}


@pytest.mark.parametrize("changed", [("error_pct", "10", "20", "30")])
def test_levels_come_from_the_table_of_targets(filled: Engine, open_page: OpenPage,
                                               changed: tuple[str, str, str, str]) -> None:
    metric, target, warning, critical = changed
    filled.state.insert("targets", {"metric": metric, "target": target, "warning": warning,
                                    "critical": critical, "changed_at_utc": NOW})
    app = open_page(PAGE)
    assert [each.split("/")[-1] for each in badges(app)][1] == "Well"
