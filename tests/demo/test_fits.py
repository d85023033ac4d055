"""The constants called "fitted" are those of the public traces, where these are at hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brain.demo import world
from tests.datasets import dataset_path

SERVEGEN = dataset_path("SERVEGEN_WINDOWS")
MOONCAKE = dataset_path("MOONCAKE_TRACE")
AZURE = dataset_path("AZURE_TRACE")
NASA = dataset_path("SCALING_TRACES") / "nasa_http_15s.parquet"


def needs(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"no trace at {path}")


@pytest.mark.parametrize(("agent_id", "name"), [("assistant", "conv"), ("coder", "code")])
@needs(AZURE)
def test_tokens_are_those_of_azure(agent_id, name):
    path = AZURE.with_name(f"AzureLLMInferenceTrace_{name}.csv")
    if not path.exists():
        pytest.skip(f"no trace at {path}")
    trace = pd.read_csv(path)
    agent = next(a for a in world.AGENTS if a.agent_id == agent_id)
    prompt, output = np.log(trace["ContextTokens"]), np.log(trace["GeneratedTokens"])
    assert (agent.prompt_mu, agent.prompt_sigma) == pytest.approx(
        (prompt.mean(), prompt.std()), abs=0.01)
    assert (agent.output_mu, agent.output_sigma) == pytest.approx(
        (output.mean(), output.std()), abs=0.01)


@pytest.fixture(scope="module")
def clients() -> pd.DataFrame:
    windows = pd.read_parquet(SERVEGEN)
    return windows[windows["model"] == "m-small"]


@needs(SERVEGEN)
def test_shares_are_those_of_servegen(clients):
    rates = clients.groupby("client")["rate_rps"].sum().nlargest(12)
    assert [w.share_ratio for w in world.WORKSPACES] == pytest.approx(
        (rates / rates.sum()).tolist(), abs=0.002)


@needs(SERVEGEN)
def test_gaps_and_noise_are_those_of_servegen(clients):
    shapes = pd.read_parquet(SERVEGEN).groupby("arrival_pattern")["p1"].median()
    assert shapes["Gamma"] == pytest.approx(world.GAMMA_SHAPE, abs=0.005)
    assert shapes["Weibull"] == pytest.approx(world.WEIBULL_SHAPE, abs=0.005)
    spreads = []
    for client in clients.groupby("client")["rate_rps"].sum().nlargest(12).index:
        rate = clients[(clients["client"] == client) & (clients["rate_rps"] > 0)]
        log_rate = np.log(rate["rate_rps"])
        hour = rate["t_s"] // 3_600 % 24
        spreads.append((log_rate - log_rate.groupby(hour).transform("mean")).std())
    assert np.median(spreads) == pytest.approx(world.HOUR_NOISE_SIGMA, abs=0.005)


@needs(MOONCAKE)
def test_prefix_reuse_is_that_of_mooncake():
    seen: set[int] = set()
    reusing = 0
    trace = pd.read_json(MOONCAKE, lines=True)
    for blocks in trace["hash_ids"]:
        run = next((n for n, block in enumerate(blocks) if block not in seen), len(blocks))
        reusing += run > 1  # the first block is shared by nearly all
        seen.update(blocks)
    assert reusing / len(trace) == pytest.approx(world.PREFIX_REUSE_RATIO, abs=0.005)


@needs(NASA)
def test_day_and_weekend_are_those_of_the_nasa_log():
    log = pd.read_parquet(NASA)
    per_hour = log.groupby(log["t_s"] // 3_600)["requests"].sum()
    level = per_hour.to_numpy() / per_hour.mean()
    angle = 2 * np.pi * (per_hour.index.to_numpy() % 24) / 24
    terms = np.column_stack([np.ones(len(level)), np.cos(angle), np.sin(angle),
                             np.cos(2 * angle), np.sin(2 * angle)])
    fitted = np.linalg.lstsq(terms, level, rcond=None)[0]
    assert pytest.approx(tuple(fitted), abs=0.0005) == world.DAILY_HARMONICS
    weekday = (per_hour.index.to_numpy() // 24 + 5) % 7  # 1 July 1995 was a Saturday
    ratio = level[weekday >= 5].mean() / level[weekday < 5].mean()
    assert pytest.approx(ratio, abs=0.0005) == world.WEEKEND_RATIO
