"""Published prices: what genai-prices says is what the price book says."""

import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price

from brain.decisions.prices import check_price, resolve_seen
from brain.decisions.pricing import Usage, price_usage
from brain.decisions.reasons import InputError
from brain.sources.price_lists import (
    SAMPLE_PER_1000_TOKENS,
    find_prices,
    list_prices,
    match_model,
    read_litellm_prices,
)

NOW = dt.datetime(2026, 9, 1, 12, tzinfo=dt.UTC)


def total(provider, model, *tokens, at_utc=NOW):
    rows = find_prices(provider, model)
    ranges = resolve_seen(rows, [(provider, model)], match_model)
    return price_usage(Usage(provider, model, *tokens), ranges, at_utc).total_usd


@pytest.mark.parametrize(("model", "tokens", "expected"), [
    ("gpt-4-turbo-preview", (1000, 0, 0, 1000), "0.04"),   # 0.01 + 0.03
    ("gpt-3.5-turbo", (1000, 0, 0, 1000), "0.002"),        # 0.0005 + 0.0015
    ("text-embedding-3-small", (1_000_000, 0, 0, 0), "0.02"),
])
def test_sample_models_have_their_known_answers(model, tokens, expected):
    assert total("openai", model, *tokens) == Decimal(expected)
    assert total("", model, *tokens) == Decimal(expected)


def test_every_built_in_row_can_be_used_and_is_numbered():
    rows = list_prices()
    assert [row.price_id for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) > 2000
    for row in rows:
        check_price(row)
    assert {row.source.split(" ")[0] for row in rows} == {"sample", "genai-prices"}


def test_each_sample_model_is_in_the_book_under_its_own_name():
    names = {(row.provider, row.model) for row in list_prices()}
    assert names >= {("openai", model) for model, *_ in SAMPLE_PER_1000_TOKENS}


@pytest.mark.parametrize(("provider", "model", "tokens", "at_utc"), [
    ("openai", "gpt-4o", (1000, 200, 0, 300), NOW),
    ("openai", "o3", (1000, 0, 0, 300), dt.datetime(2025, 6, 9, 23, 59, 59, tzinfo=dt.UTC)),
    ("openai", "o3", (1000, 0, 0, 300), dt.datetime(2025, 6, 10, tzinfo=dt.UTC)),
    ("anthropic", "claude-sonnet-4-6", (150_000, 50_000, 0, 9),
     dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
    ("anthropic", "claude-sonnet-4-6", (150_000, 50_000, 1, 9),
     dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
    ("anthropic", "claude-3-5-sonnet-20241022", (10, 20, 30, 40), NOW),
    ("azure", "gpt-3.5-turbo", (1000, 0, 0, 1000), NOW),
    ("perplexity", "sonar", (1000, 0, 0, 1000), NOW),    # with a price per request
])
def test_prices_as_genai_prices_does(provider, model, tokens, at_utc):
    fresh, read, written, output = tokens
    theirs = calc_price(TheirUsage(input_tokens=fresh + read + written, cache_read_tokens=read,
                                   cache_write_tokens=written, output_tokens=output),
                        model, provider_id=provider, genai_request_timestamp=at_utc)
    assert total(provider, model, *tokens, at_utc=at_utc) == theirs.total_price


def test_prices_by_time_of_day_are_left_out_and_said_so():
    rows = find_prices("deepseek", "deepseek-chat")
    assert rows
    assert all("time of day" in row.source for row in rows)


@pytest.mark.parametrize(("seen", "found"), [
    (("", "gpt-3.5-turbo"), ("openai", "gpt-3.5-turbo")),
    (("", "openai/gpt-4o"), ("openai", "gpt-4o")),
    (("azure", "gpt-4o"), ("openai", "gpt-4o")),
    (("OpenAI", "GPT-4o"), ("openai", "gpt-4o")),
    (("no such provider", "gpt-4o"), None), (("", "no such model"), None), (("", ""), None),
    (("\x00", "\ud800"), None),
])
def test_finds_the_listed_name_of_what_an_event_calls_a_model(seen, found):
    assert match_model(*seen) == found


def write(tmp_path, content):
    path = tmp_path / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_reads_the_form_of_litellm(tmp_path):
    rows = read_litellm_prices(write(tmp_path, {
        "sample_spec": {"input_cost_per_token": 0},
        "azure/my-model": {
            "litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 3e-06,
            "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
            "cache_creation_input_token_cost": 3.75e-06,
            "cache_creation_input_token_cost_above_1hr": 6e-06,
            "input_cost_per_token_above_200k_tokens": 6e-06},
        "image-model": {"litellm_provider": "x", "input_cost_per_image": 0.04}}))
    base, tier = rows
    assert (base.provider, base.model) == ("azure", "my-model")
    assert re.fullmatch("litellm prices.json [0-9a-f]{12}", base.source)  # name and content
    assert base.amounts()[:4] == (3, Decimal("0.3"), Decimal("3.75"), 15)
    assert (tier.tier_from_tokens, tier.amounts()[:4]) == (
        200_001, (6, Decimal("0.3"), Decimal("3.75"), 15))


@pytest.mark.parametrize("content", [
    "", "[]", "{", '{"m": 3}', "\x00", "[" * 100_000,
    '{"m": {"input_cost_per_token": NaN}}', '{"m": {"input_cost_per_token": -1e-6}}',
    '{"m": {"input_cost_per_token": "1e-6"}}', '{"m": {"input_cost_per_token": true}}',
    '{"m": {"input_cost_per_token": 1e9999999999999999999}}',
    '{"m": {"input_cost_per_token": 2}}'])
def test_refuses_a_file_that_is_not_of_that_form(tmp_path, content):
    with pytest.raises(InputError):
        read_litellm_prices(write(tmp_path, content))


def test_refuses_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "prices.json"
    path.write_bytes(b'{"\xff": {}}')
    with pytest.raises(InputError):
        read_litellm_prices(path)
