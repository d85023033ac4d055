"""Roles: who may look, act and configure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from brain.decisions.reasons import InputError

Role = Literal["viewer", "analyst", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "analyst", "operator", "admin")
"""In order: each may do what those before it may."""

NEEDED: Mapping[str, Role] = {
    "optimization.run": "operator", "optimization.stop": "operator",
    "optimization.roll_back": "operator", "optimization.configure": "admin",
    "api.read": "viewer", "api.act": "operator", "api.configure": "admin"}
"""The least role of each thing that somebody does."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a name for the record, and a role."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A further key of the HTTP API: its name for the record, and its role."""

    name: str
    role: Role
    key: str


def as_role(text: str) -> Role:
    """The role of that name. Raises ValueError for another word."""
    found = next((each for each in ROLES if each == text), None)
    if found is None:
        raise ValueError(f"{text!r:.40} is no role; there are {', '.join(ROLES)}")
    return found


def why_not(actor: Actor, action: str) -> str:
    """Why the actor may not do it; "" where it may."""
    needed = NEEDED[action]
    if ROLES.index(actor.role) >= ROLES.index(needed):
        return ""
    return f"this takes the role {needed}; {actor.name} has the role {actor.role}"


def require_role(actor: Actor, action: str) -> None:
    """Raise InputError "forbidden" where the actor's role is too low."""
    if why := why_not(actor, action):
        raise InputError("forbidden", why)


def read_keys(text: str) -> tuple[NamedKey, ...]:
    """Keys written as ``name:role:key``, separated by commas.

    Raises ValueError, which names no key, for an entry that has not that form.
    """
    found = []
    for place, entry in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        name, _, rest = entry.partition(":")
        role, _, key = rest.partition(":")
        known = as_role(role) if role in ROLES else None
        if not name or known is None or len(key) < LEAST_KEY:
            raise ValueError(f"entry {place} must read name:role:key, with a role of "
                             f"{', '.join(ROLES)} and a key of at least {LEAST_KEY} characters")
        found.append(NamedKey(name[:64], known, key))
    if len({each.name for each in found}) < len(found):
        raise ValueError("each key needs a name of its own")
    return tuple(found)


LEAST_KEY = 16
"""Characters below which a key could be guessed."""
