"""The demonstration's allocation: its requests as draws whose chances are known, and what a bandit
would have made of them day by day."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from brain.decisions.allocation import AllocationPolicy, decide_shares
from brain.demo import world
from brain.demo.calls import model_shares
from brain.events import RequestSteps
from brain.models.allocation_log import read_choices, summarize_routes
from brain.sources import frames

if TYPE_CHECKING:
    import pandas as pd

    from brain.engine import Engine

WORKSPACE, AGENT = 1, 2
"""Places of the workspace and the agent whose requests are divided, in the lists of ``world``."""
POLICY_ID = "demo-routes"
MOST_CHOICES = 4_000
REWARD_PER_USD, REWARD_PER_S = 5.0, 0.05
_DAY = dt.timedelta(days=1)


def register_allocation(engine: "Engine", start: dt.datetime, end: dt.datetime) -> int:
    """How many requests of the demonstration were written down as choices of its allocation.

    The demonstration draws each request's model by chances that follow from workspace and agent
    (docs/demo-data.md); they are what is logged, so every estimate rests on exact propensities. The
    allocation is a dry run: its shares are what the rule decides from the choices until each day.
    """
    workspace = world.WORKSPACES[WORKSPACE].workspace_id
    rows = engine.query("demo/routed", workspace=workspace, agent=world.AGENTS[AGENT].agent_id,
                        start=start, end=end, limit=MOST_CHOICES)
    chances = {f"{each.provider}/{each.model}": share for each, share in zip(
        world.MODELS, model_shares()[WORKSPACE, AGENT].tolist(), strict=True) if share > 0}
    policy = AllocationPolicy(POLICY_ID, workspace, mode="dry_run", is_demo=True,
                              reward_per_usd=REWARD_PER_USD, reward_per_s=REWARD_PER_S)
    steps = [_steps(row, workspace, policy, chances) for row in rows.to_dict("records")
             if f"{row['provider']}/{row['model']}" in chances]
    if not steps:
        return 0
    engine.append_tables({"request_steps": frames.to_table("request_steps", steps)})
    engine.roll_up()
    engine.allocation.book.put(policy, engine.clock(), "demo")
    _decide_daily(engine, policy, rows["at_utc"], end)
    return len(steps)


def _steps(row: dict[Any, Any], workspace: str, policy: AllocationPolicy,
           chances: dict[str, float]) -> RequestSteps:
    route = f"{row['provider']}/{row['model']}"
    return RequestSteps(
        event_id=f"{row['request_id']}-steps", at_utc=row["at_utc"].to_pydatetime(),
        workspace_id=workspace, user_id=row["user_id"], session_id=row["session_id"],
        source="demo", request_id=row["request_id"], agent_id=world.AGENTS[AGENT].agent_id,
        provider=row["provider"], model=row["model"], status=row["status"],
        error_code=row["error_code"], latency_ms=float(row["latency_ms"]), simulated=True,
        attempts=1, steps=json.dumps([{
            "name": "choose", "started_ms": 0.0, "took_ms": 0.0, "decision": row["model"],
            "reasons": [["demo", "Drawn by the demonstration's stated chances."]],
            "facts": {"provider": row["provider"], "allocation": {
                "policy": policy.policy_id, "version": 0, "route": route,
                "propensity": chances[route], "shares": chances}}}], separators=(",", ":")))


def _decide_daily(engine: "Engine", policy: AllocationPolicy, times: "pd.Series",
                  end: dt.datetime) -> None:
    """Shares as they would have been decided at the end of each day, where they moved."""
    first = times.iloc[0].to_pydatetime()
    choices = read_choices(engine.query, policy.policy_id, first, end)
    before: dict[str, float] = {}
    at = first + _DAY
    while at <= end:
        seen = summarize_routes(choices[choices["at_utc"] < at], policy, at, {})
        decided = decide_shares(seen, policy, before)
        if seen and decided.moved:
            before = dict(decided.shares)
            engine.allocation.book.note_shares(policy.policy_id, policy.mode, before, seen,
                                               decided.reasons, at, "demo")
        at += _DAY
