"""``brain check`` and ``brain report``: how the day went, for people and for programs."""

from argparse import Namespace
from pathlib import Path

from brain.cli.command import Command, CommandError, Option

UNKNOWN = 3


def check(arguments: Namespace) -> int:
    """0 well, 1 warning, 2 critical; 3 unknown, also where the check could not be made."""
    from brain.decisions.check import EXIT_STATUS
    try:
        return EXIT_STATUS[_report("check", arguments)]  # type: ignore[index]
    except (CommandError, OSError) as error:
        from brain.cli.output import show_error
        code, field = getattr(error, "code", "failed"), getattr(error, "field", "")
        show_error(code, f"the check could not be made: {error}", field, arguments.json)
        return UNKNOWN


def report_latency(arguments: Namespace) -> None:
    """Print latency by endpoint and agent."""
    _report("latency", arguments)


def _report(kind: str, arguments: Namespace) -> str:
    """The verdict, once the report is printed and its page written."""
    from brain.cli.output import show
    from brain.cli.owner import call
    answer = call("report", name=kind, range=arguments.range)
    from brain.reports.document import read_back, to_html, to_text
    document = read_back(kind, answer)[1]
    if arguments.html:
        Path(arguments.html).write_text(to_html(document), encoding="utf-8")
    if arguments.json:
        show(answer, True)
    else:
        print(to_text(document), end="")
    return document.verdict


_OPTIONS = (
    Option("--range", "As the pages take it: 24h, today, yesterday, 2026-10-05.", default="24h"),
    Option("--html", "Write it as a page of HTML to this file too.", metavar="FILE"))
COMMANDS: tuple[Command, ...] = (
    Command("check", "", "Hold the day against its targets. Exit status: 0 well, 1 warning, "
                         "2 critical, 3 unknown.", _OPTIONS, run=check),
    Command("report", "latency", "Latency by endpoint and agent, at most 48 hours; warns where "
                                 "p95 passes 1 s (BRAIN_REPORTS_LATENCY_WARNING_MS).", _OPTIONS,
            run=report_latency),
)
