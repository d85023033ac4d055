"""From a file to numbers and money: import, price, import again, undo."""

from pathlib import Path

import pytest

from tests.browser.tab import Tab
from tests.datasets import dataset

DAY = "2023-11-16"
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
pytestmark = pytest.mark.slow


def drop(tab: Tab, path: Path) -> None:
    """Put a file on the Import page."""
    tab.open("import")
    if tab.page.get_by_role("button", name="Import another file").count():
        tab.press("Import another file")
    tab.page.locator("input[type=file]").set_input_files(path)
    tab.page.get_by_text("The first rows, as they would be read").or_(
        tab.page.get_by_test_id("stAlert")).first.wait_for()
    tab.settle()


def import_file(tab: Tab) -> str:
    """Start the import and wait for its outcome; what the outcome says."""
    tab.press("Import this file")
    tab.page.get_by_role("heading", name="Outcome").wait_for()
    tab.settle()
    return tab.main_text()


def test_real_trace_becomes_traffic_and_exact_costs(new_tab: Tab) -> None:
    trace = dataset("AZURE_TRACE")
    drop(new_tab, trace)
    assert "Azure" in new_tab.main_text()
    new_tab.choose("Model", "gpt-3.5-turbo")
    new_tab.choose("Provider", "azure")
    assert "19,366" in import_file(new_tab)

    new_tab.press("See its traffic", role="link")
    new_tab.page.locator("h1", has_text="Traffic").wait_for()
    new_tab.open(f"traffic?range={DAY}")
    assert new_tab.numbers()["Requests"] == "19,366"
    assert "22,361,870 in, 4,088,665 out" in new_tab.main_text()

    new_tab.open("prices?provider=azure&priced_model=gpt-3.5-turbo")
    new_tab.fill("Input, USD per million tokens", "0.5")
    new_tab.fill("Output, USD per million tokens", "1.5")
    for label in ("From (UTC day)", "To and including (UTC day)"):
        type_day(new_tab, label)
    new_tab.press("Add this price")
    new_tab.see("was added")

    new_tab.open(f"costs?range={DAY}")
    # 22,361,870 * 0.5 / 10^6 + 4,088,665 * 1.5 / 10^6 = 11.180935 + 6.1329975
    assert new_tab.numbers()["Total cost"] == "17.31 USD"
    assert "exactly 17.3139325 USD" in new_tab.main_text()


def type_day(tab: Tab, label: str) -> None:
    """Write the day of the trace into a date field."""
    field = tab.page.get_by_test_id("stDateInput").filter(has_text=label)
    field.get_by_role("spinbutton").first.click()
    tab.page.keyboard.type(DAY.replace("-", ""))
    tab.page.keyboard.press("Tab")
    tab.settle()


def test_same_file_again_adds_nothing(new_tab: Tab) -> None:
    trace = dataset("AZURE_TRACE")
    drop(new_tab, trace)
    new_tab.choose("Model", "gpt-3.5-turbo")
    new_tab.choose("Provider", "azure")
    assert "19,366 read, 0 kept, 19,366 repeated" in import_file(new_tab)
    new_tab.open(f"traffic?range={DAY}")
    assert new_tab.numbers()["Requests"] == "19,366"


def test_bad_rows_are_listed_and_import_is_undone(new_tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{HEADER}\n2024-05-01 10:00:00.0000000,100,10\nyesterday,5,5\n"
                    "2024-05-01 10:00:01.0000000,-7,10\n2024-05-01 10:00:02.0000000,300,30\n")
    drop(new_tab, path)
    assert "would be rejected" in new_tab.main_text()
    told = import_file(new_tab)
    assert "2 rejected" in told
    assert new_tab.page.get_by_role("button", name="Rejected rows (CSV)").first.is_visible()

    new_tab.open("traffic?range=2024-05-01")
    assert new_tab.numbers()["Requests"] == "2"
    new_tab.open("import")
    choose_first_row(new_tab)
    new_tab.press("Undo this import")
    new_tab.see("leave the stores")
    new_tab.press("Undo it")
    new_tab.see("2 events were removed.")
    new_tab.open("traffic?range=2024-05-01")
    new_tab.see("No requests and no visits")


def choose_first_row(tab: Tab) -> None:
    """Choose the first row of the table of imports, by its box in the first column."""
    table = tab.page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    table.click(position={"x": 20, "y": 52})
    tab.settle()


def test_file_of_another_kind_is_refused_in_words(new_tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "recipe.csv"
    path.write_text("flour,sugar\n1,2\n")
    drop(new_tab, path)
    assert new_tab.page.get_by_role("button", name="Import this file").is_disabled()
    assert new_tab.page.get_by_test_id("stAlert").count() >= 1
