"""Small sample events of every kind, with the edges that queries trip over."""

import datetime as dt

import pyarrow as pa

from brain.events import (
    Deploy,
    Event,
    Exposure,
    Feedback,
    Interaction,
    MetricSample,
    Outcome,
    PageView,
    Request,
    RequestSteps,
)
from brain.sources import frames

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
START, END = DAY, DAY + dt.timedelta(days=3)
HOUR, SECOND, TICK = dt.timedelta(hours=1), dt.timedelta(seconds=1), dt.timedelta(microseconds=1)

WORKSPACES = ("acme", "Zoë & Söhne 株式会社", "o'brien\"; drop table requests --")

MODELS = (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4"), ("", "gpt-4o"),
          ("openai", "ft:nobody-prices-this"), ("google", "gemini-2.5-pro"))
LATENCIES_MS = (0.0, 0.004, 0.01, 0.5, 1.0, 12.5, 87.25, 250.0, 399.999, 400.0, 1_234.5, 60_000.0)


def requests() -> list[Event]:
    """One request each 17 minutes over three days, and the odd ones at the end."""
    found: list[Event] = []
    for number in range(250):
        provider, model = MODELS[number % len(MODELS)]
        tokens = (0, 1, 999, 1_000, 128_000, 200_001)[number % 6]
        found.append(Request(
            event_id=f"r{number}", at_utc=DAY + number * dt.timedelta(minutes=17, microseconds=7),
            workspace_id=WORKSPACES[number % 3], session_id=f"s{number // 5}",
            user_id=f"user-{number % 23}" if number % 9 else "",
            source="demo" if number % 4 == 0 else "api",
            agent_id=("helper", "coder", "")[number % 3], provider=provider, model=model,
            endpoint="/v1/chat/completions" if number % 2 else "",
            feature=("search", "")[number % 2], api_key_id=f"key-{number % 2}",
            region=("eu", "us", "")[number % 3],
            device=("mobile", "desktop")[number % 2], variant=("", "A", "B")[number % 3],
            status="error" if number % 11 == 5 else "ok",
            error_code=("rate_limited", "timeout", "")[number % 3] if number % 11 == 5 else "",
            latency_ms=None if number % 13 == 4 else LATENCIES_MS[number % 12] + number / 8,
            ttft_ms=None if number % 3 == 0 else 20.0 + number, input_tokens=tokens,
            cache_read_tokens=50 if number % 5 == 1 else 0,
            cache_write_tokens=20 if number % 7 == 2 else 0, output_tokens=number * 3,
            reasoning_tokens=number if number % 4 == 1 else 0, cached=number % 10 == 3,
            query_topic=("billing", "Übersetzung", "")[number % 3], query_hash=f"{number % 8:08x}",
            query_text=None if number % 2 else f"How do I reset № {number}? \\ % $start 'quoted'"))
    for name, moment in (("first-tick", START), ("last-tick", START + dt.timedelta(days=1) - TICK),
                         ("midnight", START + dt.timedelta(days=1)), ("last-of-all", END - TICK),
                         ("too-late", END), ("too-early", START - TICK)):
        found.append(Request(event_id=name, at_utc=moment, workspace_id="acme", user_id="night-owl",
                             session_id="night", provider="openai", model="gpt-4o", latency_ms=7.0,
                             input_tokens=10, output_tokens=5, source="import:1"))
    return found


def late_request() -> Event:
    """A request that arrives after its hour and day were rolled up."""
    return Request(event_id="late", at_utc=DAY + dt.timedelta(hours=5, minutes=5), latency_ms=33.0,
                   workspace_id="acme", user_id="latecomer", provider="openai", model="gpt-4o",
                   input_tokens=1, output_tokens=1, source="api")


def page_views() -> list[Event]:
    """A view each 31 minutes; one session that crosses midnight."""
    found: list[Event] = [
        PageView(event_id=f"v{number}", at_utc=DAY + number * dt.timedelta(minutes=31),
                 workspace_id=WORKSPACES[number % 3], user_id=f"user-{number % 29}",
                 session_id=f"s{number // 3}", page=("/", "/chat", "/größe")[number % 3],
                 referrer=("", "https://example.org/?a=1&b=%20")[number % 2],
                 region=("eu", "us", "")[number % 3], device=("mobile", "desktop")[number % 2],
                 duration_ms=None if number % 4 == 0 else 1_000.0 * number, source="api")
        for number in range(130)]
    found += [PageView(event_id=f"cross{minute}", workspace_id="acme", user_id="night-owl",
                       at_utc=DAY + dt.timedelta(days=1, minutes=minute), session_id="night",
                       page="/chat", duration_ms=5_000.0) for minute in (-10, 0, 10)]
    return found


def others() -> dict[str, list[Event]]:
    """Some of every other kind."""
    def at(number: int, minutes: int) -> dt.datetime:
        return DAY + number * dt.timedelta(minutes=minutes)

    return {
        "interactions": [Interaction(
            event_id=f"i{n}", at_utc=at(n, 43), workspace_id=WORKSPACES[n % 3],
            user_id=f"user-{n % 31}", session_id=f"s{n // 2}", source="api",
            action=("click", "copy", "share")[n % 3], target=("", "button-😀")[n % 2],
            region=("eu", "us")[n % 2], device="mobile") for n in range(90)],
        "exposures": [Exposure(
            event_id=f"x{n}", at_utc=at(n, 60), workspace_id=WORKSPACES[n % 2],
            experiment_key="new-prompt", variant=("control", "treatment")[n % 2],
            unit_id=f"user-{n % 20}") for n in range(40)],
        "outcomes": [Outcome(
            event_id=f"o{n}", at_utc=at(n, 61), workspace_id=WORKSPACES[n % 2],
            metric=("solved", "revenue_usd")[n % 2], unit_id=f"user-{n % 20}",
            value=(-1.5, 0.0, 1.0, 1e9)[n % 4]) for n in range(40)] + [Outcome(
                event_id=f"f{n}:success", at_utc=at(n, 97), workspace_id=WORKSPACES[n % 3],
                metric="task_success", unit_id=f"user-{n % 7}", value=n % 2) for n in range(5)],
        "feedback": [Feedback(
            event_id=f"f{n}", at_utc=at(n, 97), workspace_id=WORKSPACES[n % 3],
            user_id=f"user-{n % 7}", request_id=f"r{n}", agent_id=("helper", "coder")[n % 2],
            stars=n % 5 + 1, comment=("", "<b>great</b>\n=1+1")[n % 2], source="demo")
            for n in range(40)],
        "metric_samples": [MetricSample(
            event_id=f"m{n}", at_utc=at(n, 29), workspace_id="default", source="host",
            metric=("cpu_ratio", "memory_ratio", "disk_ratio")[n % 3],
            instance=("host-1", "host-2")[n % 2], value=n / 140) for n in range(140)],
        "deploys": [Deploy(
            event_id=f"d{n}", at_utc=at(n, 700), workspace_id=WORKSPACES[0], component="gateway",
            version=f"1.{n}", note="" if n else "erste Fassung") for n in range(6)],
        "request_steps": [RequestSteps(
            event_id=f"r{n}:steps", at_utc=at(n, 97), workspace_id=WORKSPACES[n % 3],
            request_id=f"r{n}", agent_id=("helper", "coder")[n % 2], provider="openai",
            model="gpt-4o", status=("ok", "error", "refused")[n % 3],
            error_code=("", "timeout", "quota_reached")[n % 3], cache_tier=("", "memory")[n % 2],
            attempts=n % 3, latency_ms=n * 10.0, simulated=n % 4 == 0, source="ask",
            steps='[{"name": "call", "started_ms": 1.5, "took_ms": 9, "decision": "answered", '
                  '"reasons": [["ok", "It worked."]], "facts": {'
                  + ('"allocation":{"policy": "all", "route": "openai/gpt-4o"}' if n % 2 else "")
                  + "}}]") for n in range(40)]}


def events() -> dict[str, list[Event]]:
    """All sample events by kind."""
    return {"requests": requests(), "page_views": page_views(), **others()}


def tables() -> dict[str, pa.Table]:
    """All sample events by kind as Arrow tables without ``batch_seq``."""
    return {kind: frames.to_table(kind, rows) for kind, rows in events().items()}


PRICES = (
    # provider, model, from day, to day, tier from, tier to, in, read, write, out, request, id
    ("openai", "gpt-4o", -900, 1, 0, 2**63 - 1, 2_500_000, 1_250_000, 0, 10_000_000, None, 1),
    ("openai", "gpt-4o", 1, 9_000, 0, 128_000, 2_000_001, 1_000_000, 0, 8_000_000, 5, 2),
    ("openai", "gpt-4o", 1, 9_000, 128_000, 2**63 - 1, 4_000_000, 2_000_000, 0, 16_000_000, 5, 3),
    ("anthropic", "claude-sonnet-4", -900, 9_000, 0, 2**63 - 1, 3_000_000, None, None, 15_000_000,
     None, 4),
    ("google", "gemini-2.5-pro", 2, 9_000, 0, 200_000, 1_250_000, 310_000, 1, 10_000_000,
     35_000, 5),
    ("google", "gemini-2.5-pro", 2, 9_000, 200_000, 2**63 - 1, 2_500_000, 625_000, 1, 15_000_000,
     35_000, 6),
)
"""Pico-USD per token and per request; days count from DAY. Two of the five names have no price."""


def price_ranges() -> pa.Table:
    """``PRICES`` as the event store takes them."""
    names = ("provider", "model", "valid_from_utc", "valid_to_utc", "tier_from_tokens",
             "tier_to_tokens", "input_pico_usd", "cache_read_pico_usd", "cache_write_pico_usd",
             "output_pico_usd", "request_pico_usd", "price_id", "price_context")
    kinds = (pa.string(), pa.string(), pa.timestamp("us"), pa.timestamp("us"), *(8 * [pa.int64()]),
             pa.string())
    plain = DAY.replace(tzinfo=None)
    rows = [(*row[:2], plain + dt.timedelta(days=row[2]), plain + dt.timedelta(days=row[3]),
             *row[4:], "") for row in PRICES]
    return pa.table([pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), kinds,
                                                                    strict=True)], names=names)
