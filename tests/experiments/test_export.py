"""Results for elsewhere: CSV, JSON, one page of HTML; nothing in them runs or is made up."""

import csv
import io
import json
from html.parser import HTMLParser

import pandas as pd
import pypdf
import pytest

from brain.experiments import export
from brain.experiments.statement import draw_looks, to_results_pdf
from brain.reports.drawing import Box, Label
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


def words_of(pdf):
    """Everything written on the pages of a PDF."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_pdf_says_what_the_page_says(results):
    written = words_of(to_results_pdf(results))
    read = results.primary.comparisons[0].readings["sequential"]
    assert f"{export.percent_text(read.lower)} to {export.percent_text(read.upper)}" in written
    assert EVIL in written
    assert "=1+1" in written
    assert "b over time" in written
    assert " ".join(results.verdict.text.split()) in written
    unknown = next(each for each in results.metrics if each.definition.key == "never")
    assert unknown.comparisons[0].verdict.text in written


def test_the_pdf_of_a_draft_has_no_numbers(engine):
    engine.experiments.create(definition())
    written = words_of(to_results_pdf(engine.experiments.results("checkout")))
    assert "has not begun" in written
    assert "over time" not in written


def test_intervals_are_drawn_on_the_scale_of_the_last():
    # scale: spare = max(0.2, 0.05) = 0.2; from min(0, 0) - 0.1 to max(0.2, 0) + 0.1
    looks = pd.DataFrame({"at_utc": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
                          "estimate": [0.5, 0.1], "lower": [-9.0, 0.0], "upper": [9.0, 0.2]})
    drawing = draw_looks("b", looks)
    labels = [each.text for each in drawing.shapes if isinstance(each, Label)]
    assert labels[:3] == ["-10.0 %", "+10.0 %", "+30.0 %"]
    first, _, last, _ = (each for each in drawing.shapes if isinstance(each, Box))
    assert first.height == pytest.approx(2 * last.height)  # cut to the scale of 0.4; 0.2 of it
    assert draw_looks("b", looks.iloc[:1]) is None


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
