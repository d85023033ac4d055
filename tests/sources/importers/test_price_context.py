"""What each source tells of a request's price context; records as the vendors document them."""

import pytest

from brain.sources.importers import (
    anthropic_usage,
    helicone,
    langfuse,
    litellm,
    openai_usage,
    otlp_genai,
)
from brain.sources.importers.otlp_spans import Span

START = "2026-01-01T00:00:00Z"
OPENAI = {"object": "organization.usage.completions.result", "num_model_requests": 1,
          "input_tokens": 10, "output_tokens": 1, "start_time": 1_767_225_600,
          "end_time": 1_767_229_200}
ANTHROPIC = {"starting_at": START, "uncached_input_tokens": 10, "output_tokens": 1}
LITELLM = {"request_id": "r", "startTime": START, "prompt_tokens": 10}
LANGFUSE = {"id": "o", "type": "GENERATION", "startTime": START, "usage": {"input": 10}}
HELICONE = {"request_id": "r", "request_created_at": START, "response_status": 200,
            "prompt_tokens": 10}


@pytest.mark.parametrize(("read", "record", "context"), [
    (openai_usage.read, OPENAI, ""), (openai_usage.read, {**OPENAI, "batch": True}, "batch"),
    (openai_usage.read, {**OPENAI, "batch": False, "service_tier": "default"}, ""),
    (openai_usage.read, {**OPENAI, "service_tier": "flex"}, "flex"),
    (openai_usage.read, {**OPENAI, "service_tier": "priority"}, "priority"),
    (anthropic_usage.read, {**ANTHROPIC, "service_tier": "standard",
                            "inference_geo": "not_available"}, ""),
    (anthropic_usage.read, {**ANTHROPIC, "service_tier": "batch", "inference_geo": "us"},
     "batch us"),
    (anthropic_usage.read, {**ANTHROPIC, "speed": "fast", "inference_geo": "global"}, "fast"),
    (litellm.read, LITELLM, ""),
    (litellm.read, {**LITELLM, "call_type": "aretrieve_batch"}, "batch"),
    (litellm.read, {**LITELLM, "metadata": {"usage_object": {"service_tier": "flex"}}}, "flex"),
    (litellm.read, {**LITELLM, "response": '{"service_tier": "priority"}'}, "priority"),
    (langfuse.read, {**LANGFUSE, "modelParameters": {"service_tier": "flex"}}, "flex"),
    (helicone.read, {**HELICONE, "request_body": {"service_tier": "auto"},
                     "response_body": {"service_tier": "priority"}}, "priority"),
])
def test_the_context_is_read(read, record, context):
    assert read(record).fields["price_context"] == context


def test_what_was_served_counts_before_what_was_asked_for():
    told = {"gen_ai.operation.name": "chat", "openai.request.service_tier": "flex"}

    def read(**more):
        span = Span(trace_id="1" * 32, span_id="2" * 16, start_ns=10**18, end_ns=10**18 + 1,
                    attributes={**told, **more}, resource={}, events=(), is_error=False)
        return otlp_genai.read(span).fields["price_context"]

    assert read() == "flex"
    assert read(**{"openai.response.service_tier": "default"}) == ""
    assert read(**{"gen_ai.openai.response.service_tier": "priority"}) == "priority"
