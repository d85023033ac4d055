"""Calling the engine's verbs: through the server that owns the stores, or directly."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brain.cli.command import CommandError

if TYPE_CHECKING:
    from brain.engine import Engine
    from brain.settings import Settings


def call(verb: str, **arguments: Any) -> Any:
    """What the verb answers, as JSON values.

    A running server of this data folder is asked over HTTP; where none runs, the stores are
    opened here. Raises CommandError with the reason.
    """
    from brain import running
    from brain.settings import SettingsError, load
    try:
        settings = load()
    except SettingsError as error:
        raise CommandError(str(error), "unusable_setting") from error
    if owner := running.find_owner(settings):
        return _ask(owner.url, owner.token, verb, arguments)
    from brain.api import verbs
    try:
        engine = open_engine(settings)
        return json.loads(json.dumps(verbs.run(engine, verb, arguments), default=str))
    except verbs.VerbRefused as refused:
        raise CommandError(str(refused), refused.code, refused.field) from refused
    finally:
        running.close()


def open_engine(settings: "Settings") -> "Engine":
    """The engine of this process. Raises CommandError where the stores cannot be used."""
    from brain import running
    from brain.sources.duckdb_store import StoreBusy, StoreDamaged
    from brain.sources.spool import SpoolTooNew
    from brain.sources.state import StateTooNew
    try:
        return running.engine(settings)
    except StoreBusy as busy:
        raise CommandError(str(busy), "store_busy") from busy
    except (StoreDamaged, SpoolTooNew, StateTooNew) as unusable:
        raise CommandError(str(unusable), "store_unusable") from unusable


def _ask(url: str, token: str, verb: str, arguments: Mapping[str, Any]) -> Any:
    import httpx
    try:
        answer = httpx.post(f"{url}/v1/engine/{verb}", json=arguments, timeout=httpx.Timeout(
            3600, connect=5), headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    except httpx.HTTPError as error:
        raise CommandError(f"the console at {url} does not answer: {error}", "no_answer") from error
    try:
        body = answer.json()
    except ValueError as error:
        raise CommandError(f"the console at {url} answered {answer.status_code}",
                           "bad_answer") from error
    if answer.status_code != 200:
        fault = body.get("error") if isinstance(body, dict) else None
        told = fault if isinstance(fault, dict) else {}
        raise CommandError(told.get("message", f"the console at {url} answered HTTP "
                                               f"{answer.status_code}"),
                           told.get("code", "failed"), told.get("field", ""))
    return body
