"""Calls of models: which agent and model, how many tokens, how long, how well received."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from brain.demo import world
from brain.demo.effects import (
    FAULTY_CACHED_RATIO,
    OUTAGE_ERROR_RATIO,
    OUTAGE_LATENCY_MS,
    OUTAGE_PROVIDER,
    SPIKE_PROMPT_FACTOR,
    SPIKE_WORKSPACE,
    effects_of,
)
from brain.demo.plan import DemoPlan
from brain.demo.queries import QUERY_SHARES, QUERY_TEXT, QUERY_TOPIC
from brain.demo.sessions import platform_load
from brain.demo.tables import build, event_ids, join, name_of
from brain.demo.trials import NO_VARIANT, session_variants
from brain.demo.visits import ASK, Steps, identify, locate
from brain.demo.world import Flags, Floats, Ints

NO_CODE = -1
ANTHROPIC = np.array([m.provider == "anthropic" for m in world.MODELS])
FAILING = np.array([m.provider == OUTAGE_PROVIDER for m in world.MODELS])


@dataclass(frozen=True, slots=True)
class Calls:
    """A day's requests by time; indices point into the lists of ``world``."""

    steps: Steps
    agent: Ints
    model: Ints
    variant: Ints
    error: Ints  # index into ERROR_CODES, -1 for none
    cached: Flags
    prompt_tokens: Ints
    output_tokens: Ints


def draw_calls(plan: DemoPlan, steps: Steps) -> Calls:
    """The requests among the steps, by time."""
    rng = np.random.default_rng([plan.seed, steps.sessions.day, 7])
    true = effects_of(plan)
    asks = steps.only(steps.what == ASK)
    asks = asks.only(np.argsort(asks.at_us, kind="stable"))
    count = len(asks.at_us)
    agent = _choose_agents(rng, asks)
    model = _choose_models(rng, asks.workspace, agent)
    experiment = true.experiments[1]
    variant = session_variants(plan, experiment, asks.sessions)[asks.session]
    cached_ratio = np.where(true.cache_fault.covers(asks.at_us),
                            FAULTY_CACHED_RATIO, world.CACHED_RATIO)
    cached = rng.random(count) < cached_ratio
    down = true.outage.covers(asks.at_us) & FAILING[model]
    fails = ~cached & (rng.random(count) < np.where(down, OUTAGE_ERROR_RATIO, world.ERROR_RATIO))
    code = np.where(down, len(world.ERROR_CODES) - 1,
                    world.pick(rng, world.ERROR_CODE_SHARES, count))
    prompt = rng.lognormal(_by_agent("prompt_mu")[agent], _by_agent("prompt_sigma")[agent])
    prompt = np.clip(prompt, 1, world.MAX_PROMPT_TOKENS)
    spiked = true.cost_spike.covers(asks.at_us) & (asks.workspace == SPIKE_WORKSPACE)
    prompt = np.where(spiked, prompt * SPIKE_PROMPT_FACTOR, prompt)
    output = rng.lognormal(_by_agent("output_mu")[agent], _by_agent("output_sigma")[agent])
    factors = np.array([*experiment.output_factors, 1.0])  # the last for "no variant"
    output = np.clip(output * factors[variant], 1, world.MAX_OUTPUT_TOKENS)
    return Calls(asks, agent, model, variant, np.where(fails, code, NO_CODE), cached,
                 np.where(fails, 0, np.ceil(prompt)).astype(np.int64),
                 np.where(fails, 0, np.ceil(output)).astype(np.int64))


def _by_agent(field: str) -> Floats:
    return np.array([getattr(agent, field) for agent in world.AGENTS], dtype=np.float64)


def _choose_agents(rng: np.random.Generator, asks: Steps) -> Ints:
    """A session stays with one agent in 8 of 10 requests; each workspace has a favourite."""
    shares = np.tile(_by_agent("share_ratio"), (len(world.WORKSPACES), 1))
    for index in range(len(world.WORKSPACES)):
        shares[index, (index * 3) % len(world.AGENTS)] *= world.PREFERENCE
    ends = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    usual = rng.random(len(asks.sessions.at_us))[asks.session]
    drawn = np.where(rng.random(len(asks.at_us)) < 0.8, usual, rng.random(len(asks.at_us)))
    return _locate_draw(drawn, ends[asks.workspace])


def _choose_models(rng: np.random.Generator, workspace: Ints, agent: Ints) -> Ints:
    """By share, with each workspace's and each agent's favourite; few go to the unpriced one."""
    ends = np.cumsum(model_shares(), axis=2)
    found = _locate_draw(rng.random(len(agent)), ends[workspace, agent])
    own = (workspace == world.UNPRICED_WORKSPACE) & (rng.random(len(agent))
                                                     < world.UNPRICED_RATIO)
    return np.where(own, world.UNPRICED_MODEL, found)


def model_shares() -> Floats:
    """The chance of each model by workspace and agent, those of the unpriced one's owner aside."""
    usual = np.array([m.share_ratio for m in world.MODELS])
    shares = np.tile(usual, (len(world.WORKSPACES), len(world.AGENTS), 1))
    for index in range(len(world.WORKSPACES)):
        shares[index, :, (index * 2) % world.UNPRICED_MODEL] *= world.PREFERENCE
    for index in range(len(world.AGENTS)):
        shares[:, index, (index * 4 + 1) % world.UNPRICED_MODEL] *= world.PREFERENCE
    return np.asarray(shares / shares.sum(axis=2, keepdims=True))


def _locate_draw(drawn: Floats, ends: Floats) -> Ints:
    found = (drawn[:, None] >= ends).sum(axis=1)
    return np.minimum(found, ends.shape[1] - 1).astype(np.int64)


def _latency_ms(plan: DemoPlan, calls: Calls, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Latency and time to first token, in milliseconds.

    ttft = (model's + 0.02 per prompt token) noise, latency = ttft + output * (model's per
    token) noise; both times 1 + 0.15 (load - 1) above mean load, times the optimizations.
    """
    at_us = calls.steps.at_us
    count = len(at_us)
    ttft = np.array([m.ttft_ms for m in world.MODELS])[calls.model]
    each = np.array([m.output_ms_per_token for m in world.MODELS])[calls.model]
    slower = 1 + 0.15 * np.maximum(platform_load(at_us) - 1, 0)
    slower *= effects_of(plan).latency_factor(at_us)
    ttft = (ttft + 0.02 * calls.prompt_tokens) * rng.lognormal(0, 0.25, count) * slower
    total = ttft + calls.output_tokens * each * rng.lognormal(0, 0.15, count) * slower
    from_cache = rng.lognormal(np.log(22), 0.4, count)
    refused = rng.lognormal(np.log(180), 0.5, count)
    lost = OUTAGE_LATENCY_MS * rng.lognormal(0, 0.1, count)
    is_lost = calls.error == len(world.ERROR_CODES) - 1
    total = np.where(calls.error != NO_CODE, np.where(is_lost, lost, refused), total)
    total = np.where(calls.cached, from_cache, total)
    first = np.where(calls.cached, from_cache, ttft)
    return np.asarray(np.round(total, 1)), np.asarray(np.round(first, 1))


def build_requests(plan: DemoPlan, calls: Calls) -> pa.Table:
    """Rows of ``requests`` by time. A cached answer carries the tokens it saved."""
    steps, day = calls.steps, calls.steps.sessions.day
    rng = np.random.default_rng([plan.seed, day, 8])
    count = len(steps.at_us)
    latency, ttft = _latency_ms(plan, calls, rng)
    reused = rng.random(count) < world.PREFIX_REUSE_RATIO
    read = np.where(reused, calls.prompt_tokens * rng.beta(*world.PREFIX_BETA, count), 0)
    writes = ~reused & ANTHROPIC[calls.model] & (rng.random(count) < world.PREFIX_WRITE_RATIO)
    written = np.where(writes, calls.prompt_tokens * 0.6, 0)
    read, written = read.astype(np.int64), written.astype(np.int64)
    thinks = np.array([m.reasoning_ratio for m in world.MODELS])[calls.model]
    failed = calls.error != NO_CODE
    query = world.pick(rng, QUERY_SHARES, count)
    experiment = effects_of(plan).experiments[1]
    variants = [*(f"{experiment.key}:{v}" for v in experiment.variants), ""]
    unnamed = len(variants) - 1
    return build("requests", steps.at_us, plan.key, day, {
        **identify(plan, steps), **locate(steps),
        "agent_id": name_of([a.agent_id for a in world.AGENTS], calls.agent),
        "provider": name_of([m.provider for m in world.MODELS], calls.model),
        "model": name_of([m.model for m in world.MODELS], calls.model),
        "endpoint": name_of([a.endpoint for a in world.AGENTS], calls.agent),
        "feature": name_of([a.feature for a in world.AGENTS], calls.agent),
        "api_key_id": join("key-", name_of(world.WORKSPACE_IDS, steps.workspace)),
        "variant": name_of(variants, np.where(calls.variant == NO_VARIANT, unnamed,
                                              calls.variant)),
        "status": name_of(("ok", "error"), failed.astype(np.int64)),
        "error_code": name_of((*world.ERROR_CODES, ""),
                              np.where(failed, calls.error, len(world.ERROR_CODES))),
        "latency_ms": latency,
        "ttft_ms": pa.array(ttft, pa.float64(), mask=failed),
        "input_tokens": calls.prompt_tokens - read - written,
        "cache_read_tokens": read, "cache_write_tokens": written,
        "output_tokens": calls.output_tokens,
        "reasoning_tokens": (calls.output_tokens * thinks).astype(np.int64),
        "cached": calls.cached,
        # As programs send them: what may be stored, ingestion decides.
        "query_topic": name_of(QUERY_TOPIC, query), "query_text": name_of(QUERY_TEXT, query)})


def build_feedback(plan: DemoPlan, calls: Calls) -> pa.Table:
    """Rows of ``feedback`` by time: 5 % of answers, stars around the agent's mean.

    Stars are 1 + binomial(4, (mean - 1) / 4), whose expectation is the mean.
    """
    steps, day = calls.steps, calls.steps.sessions.day
    rng = np.random.default_rng([plan.seed, day, 9])
    rated = rng.random(len(steps.at_us)) < world.FEEDBACK_RATIO
    chosen = np.flatnonzero(rated & (calls.error == NO_CODE))
    count = len(chosen)
    at_us = steps.at_us[chosen] + (rng.uniform(4, 90, count) * world.SECOND_US).astype(np.int64)
    order = np.argsort(at_us, kind="stable")
    at_us, chosen = at_us[order], chosen[order]
    agent = calls.agent[chosen]
    stars = 1 + rng.binomial(4, (_by_agent("mean_stars")[agent] - 1) / 4)
    wordings = ["", *(text for texts in world.COMMENTS.values() for text in texts)]
    sizes = np.array([len(texts) for texts in world.COMMENTS.values()])
    first = 1 + np.cumsum(sizes) - sizes
    said = first[stars - 1] + np.floor(rng.random(count) * sizes[stars - 1]).astype(np.int64)
    said = np.where(rng.random(count) < world.COMMENT_RATIO, said, 0)
    return build("feedback", at_us, plan.key, day, {
        **identify(plan, steps.only(chosen)),
        "request_id": event_ids("requests", plan.key, day, chosen),
        "agent_id": name_of([a.agent_id for a in world.AGENTS], agent),
        "stars": stars.astype(np.int64), "comment": name_of(wordings, said)})
