"""Clients of real providers by kind; what a kind needs is imported when one is opened."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from brain.sources.providers.interface import Provider


def open_vendor(kind: str, base_url: str, key: str, options: Mapping[str, Any],
                clock: Callable[[], dt.datetime]) -> Provider:
    """A client of a provider; ``clock`` is what dates in its answers are held against.

    Raises ProviderFault with kind "auth" where none can be made with these values.
    """
    if kind == "openai":
        from brain.sources.providers.completions import open_completions
        return open_completions(base_url, key, clock)
    from brain.sources.providers.library import open_library
    return open_library(kind, base_url, key, options, clock)
