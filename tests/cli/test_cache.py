"""``brain cache replay``: policies by hand, bounds on any trace, Mooncake's form."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.caching.policies import POLICIES, count_lfu, count_lru, count_optimum
from brain.cli.main import main


def test_policies_by_hand():
    trace = [1, 2, 3, 1, 2, 4, 1, 2, 3, 4]
    assert count_lru(trace, 3) == 4  # 1 2, then 4 puts 3 out; 1 2 hit; 3 puts 4 out; 4 misses
    assert count_lfu(trace, 3) == 4  # 1 and 2 stay with two visits, 3 and 4 put each other out
    assert count_optimum(trace, 3) == 5  # 1 2, 4 goes for 3, 1 2, then one of 3 and 4
    assert [count([7] * 5, 1) for _, count in POLICIES] == [4] * 5


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=120), st.integers(1, 14))
def test_no_policy_beats_the_optimum(trace, size):
    hits = {name: count(trace, size) for name, count in POLICIES}
    most = len(trace) - len(set(trace))
    assert all(0 <= each <= hits["optimum"] <= most for each in hits.values())
    if size >= len(set(trace)):
        assert hits["optimum"] == hits["lru"] == hits["lfu"] == hits["s3_fifo"] == most


def test_scans_cost_lru_more_than_the_new_ones(tmp_path, capsys):
    rng = random.Random(4)
    weights = [1 / (key + 1) for key in range(2_000)]
    trace = []
    for _ in range(40):
        trace += rng.choices(range(2_000), weights, k=500)
        trace += range(10_000 + len(trace), 10_200 + len(trace))
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps({"timestamp": 0, "hash_ids": trace[at:at + 10]}) + "\n"
                            for at in range(0, len(trace), 10)))
    assert main(["cache", "replay", "--trace", str(path), "--size", "200", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["requests"], told["size"]) == (len(trace), 200)
    ratios = told["hit_ratio"]
    assert ratios["optimum"] > ratios["w_tiny_lfu"] > ratios["lru"]
    assert ratios["s3_fifo"] > ratios["lru"]


@pytest.mark.parametrize(("text", "size", "code"), [
    ("", "5", "empty"), ('{"nope": 1}\n', "5", "invalid_line"), ("a\n", "0", "out_of_range")])
def test_says_what_is_wrong(tmp_path, capsys, text, size, code):
    path = tmp_path / "trace"
    path.write_text(text)
    assert main(["cache", "replay", "--trace", str(path), "--size", size, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
