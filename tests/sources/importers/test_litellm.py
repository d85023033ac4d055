"""LiteLLM spend logs."""

from tests.sources.importers.conftest import rows
from tests.sources.importers.golden_files import FOLDER, check_file, classes


def test_golden_file_to_the_token(bring, engine):
    report = check_file(bring, engine, "litellm.json", "litellm", (4, 3, 1),
                        (1_435, 2_952, 248, 813, 64))
    assert (report.rejected[0].line, report.rejected[0].code) == (4, "cache_exceeds_total")
    assert "120 cached tokens are more than the input total of 100" in report.rejected[0].message


def test_fields_of_a_request(bring, engine):
    engine.keep_query_text("team-a", True)
    bring((FOLDER / "litellm.json").read_bytes())
    first, second, third = rows(engine)
    assert classes(first) == (118, 1_152, 0, 155, 64)
    assert (first["workspace_id"], first["user_id"], first["session_id"], first["provider"],
            first["model"], first["endpoint"], first["api_key_id"]) == (
        "team-a", "customer-3", "s-1", "openai", "gpt-4o", "acompletion", "web")
    assert (first["latency_ms"], first["ttft_ms"]) == (1_500.0, 400.0)
    assert first["query_text"] == "Where is my invoice?"
    assert classes(second) == (47, 1_800, 248, 503, 0)  # metadata as JSON in a text
    assert (second["api_key_id"], second["ttft_ms"]) == ("", None)  # no key in the clear, no stream
    assert (second["workspace_id"], third["cached"]) == ("default", True)


def test_question_goes_where_its_workspace_keeps_none(bring, engine):
    bring((FOLDER / "litellm.json").read_bytes())
    first = rows(engine)[0]
    assert first["query_text"] is None and len(first["query_hash"]) == 32


def test_table_as_csv_reads_the_same(bring, engine):
    report = bring((FOLDER / "litellm.csv").read_bytes())
    assert (report.format, report.rows_kept) == ("litellm", 1)
    assert classes(rows(engine)[0]) == (118, 1_152, 0, 155, 0)
    assert rows(engine)[0]["latency_ms"] == 1_500.0


def test_same_request_from_json_and_csv_counts_once(bring, engine):
    bring((FOLDER / "litellm.csv").read_bytes())
    assert bring((FOLDER / "litellm.json").read_bytes()).rows_repeated == 1
