"""Anthropic's usage report, and the Console's CSV."""

from tests.sources.importers.conftest import rows
from tests.sources.importers.golden_files import FOLDER, check_file, classes


def test_golden_file_to_the_token(bring, engine):
    report = check_file(bring, engine, "anthropic_usage.json", "anthropic-usage", (6, 5, 1),
                        (1_201_501, 150_200, 51_500, 9_511, 0))
    assert report.rejected[0].code == "cost_only"


def test_rows_have_the_prompt_size_of_their_context_window(bring, engine):
    bring((FOLDER / "anthropic_usage.json").read_bytes())
    first, *parts, large = sorted(rows(engine), key=lambda row: (
        row["input_tokens"] == 900_000, row["model"]))
    assert classes(first) == (1_500, 200, 1_500, 500, 0)
    assert (first["workspace_id"], first["api_key_id"]) == ("wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
                                                            "apikey_01Rj2N8SVvo6BePZj99NhmiT")
    # 300,001 / 3 = 100,000 rest 1; 150,000 / 3; 50,000 / 3 = 16,666 rest 2; 9,001 / 3 = 3,000 r. 1
    assert sorted(classes(row) for row in parts) == [
        (100_000, 50_000, 16_666, 3_000, 0), (100_000, 50_000, 16_667, 3_000, 0),
        (100_001, 50_000, 16_667, 3_001, 0)]
    assert all(sum(classes(row)[:3]) <= 200_000 for row in parts)
    assert {row["endpoint"] for row in parts} == {"messages batch"}
    assert classes(large) == (900_000, 0, 0, 10, 0)  # dearer above 200,000: stays one prompt


def test_csv_of_the_console(bring, engine):
    report = bring((FOLDER / "anthropic_usage.csv").read_bytes())
    assert (report.format, report.rows_kept) == ("anthropic-usage", 1)
    # 46,981 / 7,000 / 15,969 + 100 / 16,932: prompt 70,050, one row
    assert classes(rows(engine)[0]) == (46_981, 7_000, 16_069, 16_932, 0)
    assert report.rejected[0].code == "no_tokens"
