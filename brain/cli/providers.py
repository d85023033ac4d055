"""``brain providers``: who answers, as set up while the console runs."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show


def list_providers(arguments: Namespace) -> None:
    """Print every provider."""
    _show("providers", arguments)


def set_provider(arguments: Namespace) -> None:
    """Keep the provider of a file."""
    try:
        body = json.loads(Path(arguments.file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{arguments.file} is no JSON: {error}", "invalid_json") from error
    if not isinstance(body, dict):
        raise CommandError(f"{arguments.file} is no JSON object", "invalid_json")
    _show("set_provider", arguments, **body)


def remove_provider(arguments: Namespace) -> None:
    """Take a provider away."""
    _show("remove_provider", arguments, provider=arguments.provider)


def _show(verb: str, arguments: Namespace, **given: Any) -> None:
    from brain.cli.owner import call
    found = call(verb, **given)
    if not arguments.json:
        rows = [{name: ", ".join(value) if isinstance(value, list) else value
                 for name, value in row.items() if name != "options"}
                for row in (found if isinstance(found, list) else [found])]
        found = rows if isinstance(found, list) else rows[0]
    show(found, arguments.json)


COMMANDS: tuple[Command, ...] = (
    Command("providers", "list", "List the providers.", run=list_providers),
    Command("providers", "set", "Keep a provider, new or in the place of the one of its name.", (
        Option("file", "JSON object with provider, kind, models and key_variable.",
               required=True, metavar="FILE"),), run=set_provider),
    Command("providers", "remove", "Take a provider away.", (
        Option("provider", "The provider.", required=True),), run=remove_provider),
)
