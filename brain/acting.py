"""Who acts in the call under way: set where somebody comes in, asked where something is done."""

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar

from brain.decisions.reasons import InputError
from brain.decisions.roles import Actor, as_role, read_keys, require_role, why_not
from brain.settings import Settings, SettingsError
from brain.sources.state import StateStore

REFUSED = "refused"
_ACTOR: ContextVar[Actor | None] = ContextVar("actor", default=None)


def act_as(actor: Actor | None) -> None:
    """Let the actor be who acts from here on in this request, page run or thread."""
    _ACTOR.set(actor)


class Access:
    """The one place that says whether somebody may do something.

    Where nobody signed in, it is the local user with the role of the setting.
    """

    def __init__(self, settings: Settings, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        try:
            read_keys(settings.access.keys)
        except ValueError as error:
            raise SettingsError(f"BRAIN_ACCESS_KEYS: {error}") from error
        self._role = as_role(settings.access.local_role)
        self._state, self._clock, self._whoami = state, clock, whoami

    def actor(self) -> Actor:
        """Who acts now."""
        return _ACTOR.get() or Actor(self._whoami(), self._role)

    def why_not(self, action: str) -> str:
        """Why who acts may not do it; "" where it may. ``action`` is one of `NEEDED`."""
        return why_not(self.actor(), action)

    def require(self, action: str) -> Actor:
        """Who acts. Raises InputError "forbidden" where it may not, with an entry in the audit."""
        actor = self.actor()
        try:
            require_role(actor, action)
        except InputError:
            self._state.audit(self._clock(), actor.name, REFUSED, action, None,
                              {"role": actor.role})
            raise
        return actor
