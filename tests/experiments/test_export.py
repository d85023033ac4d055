"""Results for elsewhere: CSV, JSON, one page of HTML; nothing in them runs or is made up."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from brain.experiments import export
from tests.experiments.conftest import NOW, definition
from tests.experiments.played import START, play

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def results(engine, clock):
    clock.now = START
    engine.experiments.create(definition(
        name=f"Checkout {EVIL}", hypothesis="=1+1",
        primary={"key": "revenue_usd", "kind": "revenue", "name": EVIL},
        guardrails=[{"key": "never", "kind": "mean"}]))
    engine.experiments.start("checkout")
    clock.now = NOW
    play(engine, "checkout", units=200)
    return engine.experiments.results("checkout")


class Page(HTMLParser):
    """Tags of a page and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset")]


def test_csv_has_a_row_per_variant_and_method(results):
    rows = list(csv.DictReader(io.StringIO(export.to_results_csv(results).decode())))
    own = [row for row in rows if row["metric"] == "revenue_usd"]
    assert [(row["variant"], row["method"]) for row in own] == [
        ("a", ""), ("b", "sequential"), ("b", "fixed"), ("b", "bayesian")]
    (comparison,) = results.primary.comparisons
    read = comparison.readings["sequential"]
    assert float(own[1]["lower"]) == read.lower
    assert float(own[1]["relative_effect"]) == comparison.effect.estimate
    unknown = next(row for row in rows if row["metric"] == "never" and row["variant"] == "b")
    assert (unknown["mean"], unknown["relative_effect"], unknown["verdict"]) == (
        "", "", "cannot_tell")


def test_values_are_json_without_nan(results):
    told = json.loads(json.dumps(export.to_values(results), allow_nan=False))
    assert told["units"] == {"a": 100, "b": 100}
    assert told["metrics"][0]["comparisons"][0]["readings"]["sequential"]["lower"] == \
        results.primary.comparisons[0].readings["sequential"].lower
    assert len(told["series"]) == len(results.series)


def test_the_page_needs_nothing_else_and_runs_nothing(results):
    text = export.to_html(results)
    page = Page(text)
    assert "script" not in page.tags
    assert page.loads == []
    assert "&lt;script&gt;" in text
    assert {"svg", "polygon", "polyline", "table"} <= set(page.tags)
    assert export.tell(results).replace("<", "&lt;").replace(">", "&gt;") in text


def test_the_page_of_a_draft_says_that_it_has_not_begun(engine):
    engine.experiments.create(definition())
    text = export.to_html(engine.experiments.results("checkout"))
    assert "has not begun" in text
    assert "<svg" not in text


def test_the_sentence_names_winner_decision_or_time(engine, results):
    assert "cannot tell" in export.tell(results) or "better" in export.tell(results)
    engine.experiments.decide("checkout", "a", "ada", "it costs too much")
    told = export.tell(engine.experiments.results("checkout"))
    assert told == "Decided for a: it costs too much"
