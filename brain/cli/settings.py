"""``brain settings``: every knob, its value, and its documentation."""

from argparse import Namespace

from brain.cli.command import Command


def document_settings() -> str:
    """The text of docs/settings.md."""
    from brain.settings import describe_settings
    lines = ["# Settings", "",
             "Set by environment variable; an unknown `BRAIN_` variable is an error. This page "
             "is written by `brain settings docs > docs/settings.md`.", "",
             "| Setting | Variable | Default | Unit | Meaning |", "|---|---|---|---|---|"]
    for knob in describe_settings():
        default = "" if knob.default == "" else f"`{_plain(knob.default)}`"
        secret = " Secret: never printed." if knob.secret else ""
        lines.append(f"| {knob.key} | `{knob.variable}` | {default} | {knob.unit} "
                     f"| {knob.meaning}{secret} |")
    return "\n".join([*lines, ""])


def list_settings(arguments: Namespace) -> int:
    """Print every setting with its value; 1 if the environment holds one that is wrong."""
    from brain.cli.output import show, show_error
    from brain.settings import Settings, SettingsError, describe_settings, load
    fault = ""
    try:
        settings = load()
    except SettingsError as error:
        settings, fault = Settings(), str(error)
    rows = []
    for knob in describe_settings():
        section, _, name = knob.key.partition(".")
        value = getattr(getattr(settings, section), name)
        shown = ("set" if value else "") if knob.secret else value
        rows.append({"setting": knob.key, "variable": knob.variable,
                     "value": shown if arguments.json else _plain(shown),
                     "default": knob.default if arguments.json else _plain(knob.default),
                     "unit": knob.unit, "meaning": knob.meaning})
    if fault and arguments.json:
        show_error("unusable_setting", fault, "", as_json=True)
        return 1
    show(rows, arguments.json)
    if fault:
        show_error("unusable_setting", f"{fault} (values shown are the defaults)", "",
                   as_json=False)
    return 1 if fault else 0


def print_docs(arguments: Namespace) -> None:
    """Print docs/settings.md; as JSON, the same table as rows."""
    from dataclasses import asdict

    from brain.cli.output import show
    from brain.settings import describe_settings
    if arguments.json:
        show([asdict(knob) for knob in describe_settings()], as_json=True)
    else:
        print(document_settings(), end="")


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


COMMANDS: tuple[Command, ...] = (
    Command("settings", "list", "List every setting with its value, default and meaning.",
            run=list_settings),
    Command("settings", "docs", "Print docs/settings.md.", run=print_docs),
)
