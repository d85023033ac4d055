"""Providers as verbs: JSON in, JSON-able values out. Keys are never among them."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.gateway.providers import ProviderConfig

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class NoArguments(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class ModelBody(msgspec.Struct, forbid_unknown_fields=True):
    """A model; see `brain.decisions.models.catalogue.Model`."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    quality: float | None = None
    latency_ms: float | None = None
    capabilities: list[str] = []


class SetProvider(msgspec.Struct, forbid_unknown_fields=True):
    """A provider; its key stands in the environment, under ``key_variable``."""

    provider: Name
    kind: Literal["openai", "anthropic", "google", "bedrock", "simulated"]
    models: Annotated[list[ModelBody], Meta(min_length=1, max_length=1_000)]
    base_url: Annotated[str, Meta(max_length=500)] = ""
    key_variable: Annotated[str, Meta(max_length=128)] = ""
    options: dict[str, Any] = {}
    position: int = 0
    enabled: bool = True
    person: Annotated[str, Meta(max_length=128)] = ""


class RemoveProvider(msgspec.Struct, forbid_unknown_fields=True):
    """Which provider goes."""

    provider: Name
    person: Annotated[str, Meta(max_length=128)] = ""


def list_providers(engine: Engine, _: NoArguments) -> Any:
    """Every provider with its models, in the order in which they are preferred."""
    return [_body(each) for each in engine.gateway.providers.all()]


def set_provider(engine: Engine, given: SetProvider) -> Any:
    """The provider as kept."""
    models = tuple(Model(**{**msgspec.structs.asdict(each),
                            "capabilities": frozenset(each.capabilities)})
                   for each in given.models)
    return _body(engine.gateway.set_provider(ProviderConfig(
        given.provider, given.kind, given.base_url, given.key_variable, models, given.options,
        given.position, given.enabled), given.person))


def remove_provider(engine: Engine, given: RemoveProvider) -> Any:
    """The name of the provider that is gone."""
    engine.gateway.providers.remove(given.provider, given.person)
    engine.gateway.forget()
    return {"provider": given.provider}


def _body(config: ProviderConfig) -> dict[str, Any]:
    return {"provider": config.provider, "kind": config.kind, "base_url": config.base_url,
            "key_variable": config.key_variable, "enabled": config.enabled,
            "position": config.position, "simulated": config.simulated,
            "options": dict(config.options), "models": [each.name for each in config.models]}


TABLE: dict[str, tuple[type[msgspec.Struct], Any]] = {
    "providers": (NoArguments, list_providers), "set_provider": (SetProvider, set_provider),
    "remove_provider": (RemoveProvider, remove_provider)}
"""Each verb with what it takes and what does it."""
