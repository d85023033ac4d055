"""Which providers are configured, their live clients, breakers, places, and how they do."""

import asyncio
import datetime as dt
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec
import sqlalchemy as sa

from brain.decisions.breaker import Breaker, BreakerPolicy
from brain.decisions.models.catalogue import Model, check_model
from brain.decisions.reasons import InputError
from brain.gateway.clients import Clients
from brain.gateway.fresh import Fresh
from brain.gateway.slots import Slots
from brain.sources.frames import plain_times
from brain.sources.providers.interface import Provider, ProviderFault
from brain.sources.providers.simulated import FAULTS, Profile, SimulatedProvider
from brain.sources.state import StateStore

KINDS = ("openai", "anthropic", "google", "bedrock", "simulated")
EXTRACTIVE = "extractive"
SET, REMOVED = "provider set", "provider removed"
_OPTIONS = {"places": 32, "queue": 64, "timeout_s": 60.0, "failures": 5, "first_pause_s": 1.0,
            "most_pause_s": 60.0}
_CLIENT_OPTIONS = {"bedrock": ("region_name",)}
_USUAL = frozenset({"tools", "json", "streaming"})
_KEPT_LATENCIES = 100


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A provider as people set it. The key itself stands in the environment, under
    ``key_variable``. ``options``: places (calls at once), queue, timeout_s, failures,
    first_pause_s, most_pause_s; region_name for Bedrock; ``profile`` of a simulated one."""

    provider: str
    kind: str
    base_url: str = ""
    key_variable: str = ""
    models: tuple[Model, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    position: int = 0
    enabled: bool = True
    is_demo: bool = False

    @property
    def simulated(self) -> bool:
        """Whether no real model answers."""
        return self.kind == "simulated"


class LiveProvider:
    """A provider in use: one client for each event loop, one breaker for each model."""

    def __init__(self, config: ProviderConfig, clock: Callable[[], dt.datetime]) -> None:
        self.config, self._clock = config, clock
        options = {**_OPTIONS, **config.options}
        self.slots = Slots(int(options["places"]), int(options["queue"]))
        self.timeout_s = float(options["timeout_s"])
        self.policy = BreakerPolicy(int(options["failures"]), float(options["first_pause_s"]),
                                    float(options["most_pause_s"]))
        self.breakers: dict[str, Breaker] = {}
        self.latencies: dict[str, deque[float]] = {}
        self.lock = threading.Lock()
        self._retired = False
        self._clients = Clients(self._make)

    async def client(self) -> Provider:
        """The client for this event loop. Raises ProviderFault where none can be made."""
        return await self._clients.get()

    def release(self, taken_at: float) -> None:
        """Give a place back that was taken from ``slots``."""
        self.slots.release(taken_at)
        if self._retired:
            self.retire()

    def retire(self) -> None:
        """Close the clients, once the calls under way have ended."""
        self._retired = True
        if not self.slots.state().in_use:
            self._clients.close()

    def note_latency(self, model: str, latency_ms: float) -> None:
        """Remember how long a good call took."""
        self.latencies.setdefault(model, deque(maxlen=_KEPT_LATENCIES)).append(latency_ms)

    def p95_ms(self, model: str) -> float | None:
        """The latency that 95 of the last 100 calls kept, None below 20 calls."""
        seen = sorted(self.latencies.get(model, ()))
        return seen[int(len(seen) * 0.95)] if len(seen) >= 20 else None

    async def _make(self) -> Provider:
        return self._open() if self.config.simulated else await asyncio.to_thread(self._open)

    def _open(self) -> Provider:
        config = self.config
        if config.simulated:
            return SimulatedProvider(_profile(config))
        key = os.environ.get(config.key_variable, "") if config.key_variable else ""
        if config.key_variable and not key:
            raise ProviderFault("auth", f"the environment has no {config.key_variable}")
        from brain.sources.providers.vendors import open_vendor
        return open_vendor(config.kind, config.base_url, key, {
            name: config.options[name] for name in _CLIENT_OPTIONS.get(config.kind, ())
            if name in config.options}, self._clock)


class Providers:
    """The book of providers. A change by another process counts within a second."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami
        self._lock = threading.Lock()
        self._live: dict[str, LiveProvider] = {}
        self._configs = Fresh(self._look, 1.0)

    def all(self) -> tuple[ProviderConfig, ...]:
        """Every provider, in the order in which they are preferred."""
        return self._configs.get()

    def live(self, provider: str) -> LiveProvider | None:
        """The provider in use, None where it is unknown or switched off."""
        config = next((each for each in self.all() if each.provider == provider and each.enabled),
                      None)
        if config is None:
            return None
        found = self._live.get(provider)
        if found is None or found.config != config:
            with self._lock:
                found = self._live.get(provider)
                if found is None or found.config != config:
                    if found is not None:
                        found.retire()
                    found = self._live[provider] = LiveProvider(config, self._clock)
        return found

    def models(self) -> tuple[Model, ...]:
        """Every model that a provider which is switched on offers."""
        return tuple(model for each in self.all() if each.enabled for model in each.models
                     if model.enabled)

    def put(self, config: ProviderConfig, person: str = "") -> ProviderConfig:
        """The provider as stored. Raises InputError naming the field that cannot be used."""
        config = check_provider(config)
        before = next((each for each in self._read() if each.provider == config.provider), None)
        if before != config:
            self._write(config)
            self._state.audit(self._clock(), person or self._whoami(), SET, config.provider,
                              before and asdict(before), asdict(config))
        self._configs.forget()
        self.live(config.provider)  # an old client is let go at once
        return config

    def remove(self, provider: str, person: str = "") -> None:
        """Take a provider away. Raises LookupError for an unknown one."""
        before = next((each for each in self._read() if each.provider == provider), None)
        if before is None:
            raise LookupError(f"there is no provider {provider!r:.80}")
        self._state.delete("gateway_providers", provider=provider)
        self._state.audit(self._clock(), person or self._whoami(), REMOVED, provider,
                          asdict(before), None)
        self._configs.forget()
        self.all()

    def forget(self) -> None:
        """Read the configuration anew when it is next asked for."""
        self._configs.forget()

    def close(self) -> None:
        """Let every client go."""
        with self._lock:
            live, self._live = self._live, {}
        for each in live.values():
            each.retire()

    def _look(self) -> tuple[ProviderConfig, ...]:
        """The providers as they are now; those that are gone are let go."""
        configs = self._read()
        there = {each.provider for each in configs if each.enabled}
        with self._lock:
            gone = [self._live.pop(name) for name in list(self._live) if name not in there]
        for each in gone:
            each.retire()
        return configs

    def _read(self) -> tuple[ProviderConfig, ...]:
        return tuple(sorted((_decode(row) for row in self._state.rows("gateway_providers")),
                            key=lambda each: (each.position, each.provider)))

    def _write(self, config: ProviderConfig) -> None:
        table = self._state.tables["gateway_providers"]
        row = {"provider": config.provider, "kind": config.kind, "base_url": config.base_url,
               "key_variable": config.key_variable, "position": config.position,
               "models_json": msgspec.json.encode(config.models).decode(),
               "options_json": json.dumps(dict(config.options)), "enabled": config.enabled,
               "is_demo": config.is_demo, "changed_at_utc": self._clock()}
        with self._state.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.provider == config.provider))
            connection.execute(sa.insert(table), [plain_times(row)])


def check_provider(config: ProviderConfig) -> ProviderConfig:
    """The provider, its models carrying its name. Raises InputError naming the field."""
    if not 0 < len(config.provider) <= 128 or "/" in config.provider \
            or config.provider == EXTRACTIVE:
        raise InputError("invalid_name", "a provider's name has 1 to 128 characters, none of them "
                                         f"a slash, and is not {EXTRACTIVE!r}", "provider")
    if config.kind not in KINDS:
        raise InputError("unknown_kind", f"kind must be one of {', '.join(KINDS)}", "kind")
    if config.base_url and not config.base_url.startswith(("http://", "https://")):
        raise InputError("invalid_url", "base_url begins with http:// or https://", "base_url")
    if config.key_variable.startswith("BRAIN_") or len(config.key_variable) > 128 or not (
            config.key_variable.replace("_", "a").isalnum() or not config.key_variable):
        raise InputError("invalid_name", "key_variable names an environment variable of your own, "
                                         "such as OPENAI_API_KEY; the key itself is never stored",
                         "key_variable")
    if not config.models:
        raise InputError("empty", "a provider needs at least one model", "models")
    models = tuple(replace(each, provider=config.provider,
                           capabilities=each.capabilities or _USUAL) for each in config.models)
    for number, each in enumerate(models):
        check_model(each, f"models[{number}]")
    if len({each.name for each in models}) < len(models):
        raise InputError("twice", "a model stands there twice", "models")
    _check_options(config)
    return replace(config, models=models)


def _check_options(config: ProviderConfig) -> None:
    further = {"simulated": ("profile",), **_CLIENT_OPTIONS}.get(config.kind, ())
    for name, value in config.options.items():
        if name not in _OPTIONS and name not in further:
            raise InputError("unknown_option", f"there is no option {name!r:.80}", "options")
        if name in _OPTIONS and (isinstance(value, bool) or not isinstance(value, int | float)
                                 or not 0 <= value <= 1e6):
            raise InputError("out_of_range", f"{name} must be a number from 0 to 1,000,000",
                             f"options.{name}")
    if config.options.get("places", 1) < 1:
        raise InputError("out_of_range", "places must be 1 at least", "options.places")
    if config.simulated:
        _profile(config)


def _profile(config: ProviderConfig) -> Profile:
    try:
        profile = msgspec.convert(config.options.get("profile", {}), Profile)
    except msgspec.ValidationError as error:
        raise InputError("invalid_value", f"profile: {error}", "options.profile") from error
    if not set(profile.failures) <= set(FAULTS) or not 0 <= profile.latency_ms <= 600_000 \
            or not 0 <= profile.spread <= 1 or not 1 <= profile.tokens <= 10_000 \
            or sum(profile.failures.values()) > 1 or min(profile.failures.values(), default=0) < 0:
        raise InputError("out_of_range", f"failures are shares of {', '.join(FAULTS)} that come to "
                         "1 at most; latency_ms is 0 to 600,000, spread 0 to 1, tokens 1 to 10,000",
                         "options.profile")
    return profile


def _decode(row: Mapping[str, Any]) -> ProviderConfig:
    models = msgspec.json.decode(row["models_json"], type=tuple[Model, ...])
    return ProviderConfig(row["provider"], row["kind"], row["base_url"], row["key_variable"],
                          models, json.loads(row["options_json"]), row["position"],
                          bool(row["enabled"]), bool(row["is_demo"]))
