"""OpenTelemetry GenAI spans in JSON and protobuf."""

import gzip
import json

import pytest

from brain.imports import ImportRefused
from brain.sources.importers import otlp_spans
from tests.sources.importers.conftest import rows
from tests.sources.importers.golden_files import FOLDER, check_file, classes

GOLDEN = json.loads((FOLDER / "otlp_genai.json").read_text())
TOTALS = (165, 2_952, 248, 658, 64)


def encode(found: dict) -> bytes:
    """The same trace data in protobuf."""
    made = otlp_spans.message_class("TracesData")()
    for told in found["resourceSpans"]:
        resource = made.resource_spans.add()
        _add_pairs(resource.resource.attributes, told["resource"]["attributes"])
        for scope in told["scopeSpans"]:
            scopes = resource.scope_spans.add()
            for each in scope["spans"]:
                span = scopes.spans.add(
                    trace_id=bytes.fromhex(each["traceId"]), span_id=bytes.fromhex(each["spanId"]),
                    name=each["name"], start_time_unix_nano=int(each["startTimeUnixNano"]),
                    end_time_unix_nano=int(each["endTimeUnixNano"]))
                _add_pairs(span.attributes, each["attributes"])
                span.status.code = each.get("status", {}).get("code", 0)
    return made.SerializeToString()


def _add_pairs(target, pairs: list[dict]) -> None:
    for each in pairs:
        value = target.add(key=each["key"]).value
        if "stringValue" in each["value"]:
            value.string_value = each["value"]["stringValue"]
        else:
            value.int_value = int(each["value"]["intValue"])


def test_golden_file_to_the_token(bring, engine):
    report = check_file(bring, engine, "otlp_genai.json", "otlp", (4, 3, 1), TOTALS)
    assert report.rejected[0].code == "cache_exceeds_total"
    assert "2 spans that are no calls of a model were left out" in report.notes


def test_fields_of_both_generations(bring, engine):
    engine.keep_query_text("default", True)
    bring((FOLDER / "otlp_genai.json").read_bytes())
    new, old, failed = rows(engine)
    assert new["event_id"] == "5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174"
    assert classes(new) == (118, 1_152, 0, 155, 64)
    assert (new["provider"], new["model"], new["session_id"], new["feature"], new["endpoint"]) == (
        "openai", "gpt-4o-2024-08-06", "conv-1", "support-bot", "chat")
    assert new["latency_ms"] == 1_250.5  # 1.2505 s
    assert new["query_text"] == "Where is my invoice?"
    assert classes(old) == (47, 1_800, 248, 503, 0)
    assert (old["provider"], old["query_text"]) == ("anthropic", "Summarise this")
    assert (failed["status"], failed["error_code"]) == ("error", "rate_limit_exceeded")


@pytest.mark.parametrize("wrap", [
    lambda data: data, lambda data: len(data).to_bytes(4, "big") + data, gzip.compress])
def test_protobuf_says_the_same_as_json(bring, engine, wrap):
    report = bring(wrap(encode(GOLDEN)), "traces.bin")
    assert (report.format, report.rows_read, report.rows_kept, report.rows_rejected) == (
        "otlp", 4, 3, 1)
    from_protobuf = [classes(row) for row in rows(engine)]
    assert tuple(map(sum, zip(*from_protobuf, strict=True))) == TOTALS
    again = bring((FOLDER / "otlp_genai.json").read_bytes())
    assert (again.rows_kept, again.rows_repeated) == (0, 3)


def test_lines_of_the_collector(bring, engine):
    lines = "\n".join(json.dumps({"resourceSpans": [each]}) for each in GOLDEN["resourceSpans"])
    assert bring(lines).rows_kept == 3


def test_cut_protobuf_is_refused_whole(bring, engine):
    with pytest.raises(ImportRefused) as refused:
        bring(encode(GOLDEN)[:-3], "traces.bin", format="otlp")
    assert refused.value.code in ("broken_protobuf", "wrong_encoding")
    assert engine.store.kinds()["requests"] == 0


def test_names_that_contradict_each_other_are_rejected(bring):
    span = json.loads(json.dumps(GOLDEN["resourceSpans"][0]["scopeSpans"][0]["spans"][0]))
    span["attributes"].append({"key": "gen_ai.usage.prompt_tokens", "value": {"intValue": "118"}})
    report = bring(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    assert report.rejected[0].code == "contradiction"
