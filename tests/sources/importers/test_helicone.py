"""Helicone exports."""

from tests.sources.importers.conftest import rows
from tests.sources.importers.golden_files import FOLDER, check_file, classes


def test_golden_file_to_the_token(bring, engine):
    report = check_file(bring, engine, "helicone.jsonl", "helicone", (5, 4, 1),
                        (283, 4_104, 248, 813, 64))
    assert (report.rejected[0].line, report.rejected[0].code) == (5, "negative")


def test_fields_of_a_request(bring, engine):
    bring((FOLDER / "helicone.jsonl").read_bytes(), workspace="shop")
    first, second, third, fourth = rows(engine)
    assert classes(first) == (118, 1_152, 0, 155, 64)
    assert (first["workspace_id"], first["provider"], first["model"], first["latency_ms"],
            first["ttft_ms"], first["region"], first["session_id"]) == (
        "shop", "openai", "gpt-4o-2024-08-06", 1_300.0, 400.0, "DE", "s-1")
    assert first["query_text"] is None and first["query_hash"]
    assert classes(second) == (47, 1_800, 248, 503, 0)
    assert [row["cached"] for row in (first, second, third)] == [False, False, True]
    assert (fourth["status"], fourth["error_code"]) == ("error", "429")
