"""From a question to its story: asked, answered, judged, found again, opened as a waterfall."""

import json
from collections.abc import Iterator

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.tab import Tab
from tests.serving.console import Console


@pytest.fixture
def tab(new_console: Console, open_tab: OpenTab) -> Iterator[Tab]:
    with open_tab(new_console, height=2_400) as opened:
        yield opened


def test_a_question_is_asked_judged_and_opened(tab: Tab, new_console: Console) -> None:
    tab.open("ask")
    tab.see("No provider is set up.")
    tab.open("providers")
    tab.press("Add the simulated provider")
    tab.see("Models")

    tab.open("ask?ask_priority=cost")
    tab.page.get_by_label("Your question").fill("What is the refund policy?")
    tab.press("Ask", exact=True)
    tab.see("How it was answered")
    tab.settle()
    assert "Simulated" in tab.main_text()
    assert tab.numbers()["Route"] == "sim-small"  # by cost

    tab.page.get_by_role("radiogroup", name="Feedback rating").first.get_by_role(
        "radio").nth(1).click()
    tab.fill("Comment", "too long")
    tab.press("Send the verdict")
    tab.see("Thank you")
    new_console.call("settle")

    tab.press("Open this request", "link")
    tab.page.locator("h1", has_text="Requests").wait_for()
    tab.settle()
    story = tab.main_text()
    assert "choose" in story and "Request" in story
    assert tab.page.locator(".js-plotly-plot .trace").count() >= 1
    opened = tab.page.get_by_label("Open request").input_value()
    assert len(opened) == 32 and f"request={opened}" in tab.page.url

    tab.fill("Compare with", opened)
    tab.see("What differs")
    tab.open(f"requests?request={opened}&find_request={opened}")
    assert tab.numbers()["Found"] == "1"


def test_a_version_goes_live_through_its_gate(tab: Tab, new_console: Console) -> None:
    new_console.call("add_prompt", name="math", system="Answer.")
    new_console.call("add_prompt", name="math", system="Answer with a number.")
    new_console.call("add_golden_set", name="sums", lines="\n".join(
        json.dumps({"input": f"{n} + {n}?", "expected": 2 * n}) for n in range(6)))
    new_console.call("configure_prompt", name="math", gate={"golden_set": "sums"})
    tab.open("prompts?prompt=math&version=2")
    tab.see("The gate cannot tell for version 2")
    tab.press("Evaluate it for the gate")
    tab.open("prompts?part=Evaluations")
    tab.page.get_by_text("12 of 12 answers graded").first.wait_for()
    tab.open("prompts?prompt=math&version=2")
    tab.see("The gate is open for version 2")  # both answer alike: it is not worse
    tab.press("Put in force", exact=True)
    tab.page.get_by_role("dialog").get_by_role("button", name="Put in force").click()
    tab.page.get_by_text("version 2 holds").first.wait_for()
