"""Splitting counts into classes that never overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.tokens import Convention, TokenClasses, ToldTokens, split_tokens

INCLUDES, EXCLUDES, BY_TOTAL = (Convention.INCLUDES_CACHED, Convention.EXCLUDES_CACHED,
                                Convention.TOLD_BY_TOTAL)
_COUNT = st.integers(0, 10**9)


@pytest.mark.parametrize(("told", "convention", "expected"), [
    # 1,270 − 1,152 = 118
    (ToldTokens(1_270, 1_152, 0, 155, 64), INCLUDES, (118, 1_152, 0, 155, 64)),
    # 2,095 − 1,800 − 248 = 47
    (ToldTokens(2_095, 1_800, 248, 503), INCLUDES, (47, 1_800, 248, 503, 0)),
    (ToldTokens(47, 1_800, 248, 503), EXCLUDES, (47, 1_800, 248, 503, 0)),
    # all of the input was cached
    (ToldTokens(100, 60, 40, 1), INCLUDES, (0, 60, 40, 1, 0)),
    (ToldTokens(1_000, 800, uncached_input=200), INCLUDES, (200, 800, 0, 0, 0)),
    # 118 + 1,152 + 91 + 64 = 1,425: everything beside everything, output = 91 + 64
    (ToldTokens(118, 1_152, 0, 91, 64, total=1_425, reasoning_beside_output=True), BY_TOTAL,
     (118, 1_152, 0, 155, 64)),
    # 1,270 + 155 = 1,425: cached inside the input, reasoning inside the output
    (ToldTokens(1_270, 1_152, 0, 155, 64, total=1_425, reasoning_beside_output=True), BY_TOTAL,
     (118, 1_152, 0, 155, 64)),
    # 118 + 1,152 + 155 = 1,425: only the reasoning is inside
    (ToldTokens(118, 1_152, 0, 155, 64, total=1_425, reasoning_beside_output=True), BY_TOTAL,
     (118, 1_152, 0, 155, 64)),
    # 1,270 + 91 + 64 = 1,425: only the cached are inside
    (ToldTokens(1_270, 1_152, 0, 91, 64, total=1_425, reasoning_beside_output=True), BY_TOTAL,
     (118, 1_152, 0, 155, 64)),
    (ToldTokens(118, 1_152, 0, 155), BY_TOTAL, (118, 1_152, 0, 155, 0))])
def test_classes(told, convention, expected):
    assert split_tokens(told, convention) == TokenClasses(*expected)


@pytest.mark.parametrize(("told", "convention", "code"), [
    (ToldTokens(100, 101), INCLUDES, "cache_exceeds_total"),
    (ToldTokens(100, 60, 41), INCLUDES, "cache_exceeds_total"),
    (ToldTokens(-1), EXCLUDES, "negative"), (ToldTokens(5, -1), INCLUDES, "negative"),
    (ToldTokens(output=-1), EXCLUDES, "negative"),
    (ToldTokens(5, output=3, reasoning=4), INCLUDES, "reasoning_exceeds_output"),
    (ToldTokens(1_000, 800, uncached_input=1_000), INCLUDES, "uncached_mismatch"),
    # 100 + 120 + 50 = 270, 100 + 50 = 150
    (ToldTokens(100, 120, 0, 50, total=130), BY_TOTAL, "total_mismatch"),
    # 100 + 50 = 150 would have the 120 inside the 100
    (ToldTokens(100, 120, 0, 50, total=150), BY_TOTAL, "cache_exceeds_total")])
def test_counts_that_cannot_be_are_rejected_not_clipped(told, convention, code):
    with pytest.raises(InputError) as error:
        split_tokens(told, convention)
    assert error.value.code == code and error.value.field


@given(uncached=_COUNT, read=_COUNT, write=_COUNT, output=_COUNT, share=st.floats(0, 1))
def test_every_convention_gives_the_same_classes(uncached, read, write, output, share):
    reasoning = int(output * share)
    expected = TokenClasses(uncached, read, write, output, reasoning)
    total = uncached + read + write
    for told, convention in (
            (ToldTokens(total, read, write, output, reasoning), INCLUDES),
            (ToldTokens(uncached, read, write, output, reasoning), EXCLUDES),
            (ToldTokens(uncached, read, write, output - reasoning, reasoning,
                        total=total + output, reasoning_beside_output=True), BY_TOTAL)):
        assert split_tokens(told, convention) == expected


@given(told=st.builds(ToldTokens, *[st.integers(-5, 50)] * 5, total=st.integers(0, 99) | st.none(),
                      uncached_input=st.integers(-5, 50) | st.none(),
                      reasoning_beside_output=st.booleans()),
       convention=st.sampled_from(Convention))
def test_no_token_is_counted_twice_or_made_up(told, convention):
    try:
        found = split_tokens(told, convention)
    except InputError:
        return
    assert min(found.input_tokens, found.output_tokens, found.reasoning_tokens) >= 0
    assert found.reasoning_tokens <= found.output_tokens
    prompt = found.input_tokens + found.cache_read_tokens + found.cache_write_tokens
    assert prompt in (told.input, told.input + told.cache_read + told.cache_write)
    if convention is BY_TOTAL and told.total is not None:
        assert prompt + found.output_tokens == told.total
