"""Langfuse exports."""

import json

from tests.sources.importers.conftest import rows
from tests.sources.importers.golden_files import FOLDER, check_file, classes


def test_golden_file_to_the_token(bring, engine):
    report = check_file(bring, engine, "langfuse.json", "langfuse", (5, 3, 2),
                        (175, 2_952, 248, 663, 64))
    assert [each.code for each in report.rejected] == ["total_mismatch", "not_tokens"]
    assert "1 observations that are no calls of a model were left out" in report.notes


def test_senders_that_leave_cached_tokens_in_the_input_are_found_by_the_total(bring, engine):
    engine.keep_query_text("proj-1", True)
    bring((FOLDER / "langfuse.json").read_bytes())
    first, second, third = rows(engine)
    assert classes(first) == (118, 1_152, 0, 155, 64)
    assert (first["latency_ms"], first["ttft_ms"], first["status"]) == (2_000.0, 500.0, "ok")
    assert first["query_text"] == "Where is my invoice?"
    assert classes(second) == (47, 1_800, 248, 503, 0)
    assert (second["status"], second["latency_ms"]) == ("error", None)
    assert classes(third) == (10, 0, 0, 5, 0)


def test_trace_with_its_observations(bring, engine):
    there = json.loads((FOLDER / "langfuse.json").read_text())["data"][:1]
    report = bring(json.dumps({"id": "trace-1", "timestamp": "2026-01-02T03:00:00Z",
                               "userId": "u-7", "sessionId": "s-1", "observations": there}))
    assert report.format == "langfuse"
    assert (rows(engine)[0]["user_id"], rows(engine)[0]["session_id"]) == ("u-7", "s-1")


def test_csv_export(bring, engine):
    report = bring('id,traceId,type,name,startTime,model,usageDetails,input\n'
                   'obs-1,t,GENERATION,answer,2026-01-02T03:00:00Z,gpt-4o,'
                   '"{""input"": 118, ""input_cached_tokens"": 1152, ""output"": 155}",hello\n')
    assert report.format == "langfuse"
    assert classes(rows(engine)[0]) == (118, 1_152, 0, 155, 0)
