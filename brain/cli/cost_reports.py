"""``brain costs report``, ``brain costs export`` and ``brain mail``."""

import base64
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from brain.cli.command import Command, CommandError, Option
from brain.cli.output import show


def _call(verb: str, **given: Any) -> Any:
    from brain.cli.owner import call
    return call(verb, **{name: value for name, value in given.items() if value is not None})


def report(arguments: Namespace) -> None:
    """Write a month's report."""
    done = _call("cost_report", month=arguments.month, form=arguments.form)
    _write(done, arguments, f"costs_{done['month']}.{done['form']}")


def export(arguments: Namespace) -> None:
    """Write the costs of a span."""
    done = _call("export_costs", start=arguments.start, end=arguments.end, form=arguments.form,
                 file=arguments.file or ("parquet" if (arguments.out or "").endswith(
                     ".parquet") else "csv"))
    _write(done, arguments, f"costs_{arguments.form}.csv")
    if done["unpriced_requests"] and not arguments.json:
        where = "they are not in the file" if arguments.form == "focus" else "their cost is empty"
        print(f"brain: {done['unpriced_requests']:,} requests have no price: {where}; "
              "brain costs report lists their models", file=sys.stderr)


def list_reports(arguments: Namespace) -> None:
    """Print which months' reports were made."""
    rows = _call("cost_reports")
    if not arguments.json:
        rows = [{"month": row["month"], "made (UTC)": row["made_at_utc"][:16].replace("T", " "),
                 "USD": row["total_usd"], "whole month": "yes" if row["is_complete"] else "no",
                 "forms": ", ".join(row["files"])} for row in rows]
    show(rows, arguments.json)


def make(arguments: Namespace) -> None:
    """Make a month's report anew."""
    show(_call("make_cost_report", month=arguments.month, mail=arguments.mail), arguments.json)


def list_mails(arguments: Namespace) -> None:
    """Print what is kept to be delivered, and what was."""
    rows = _call("mails")
    if not arguments.json:
        rows = [{"kept (UTC)": row["created_at_utc"][:16].replace("T", " "), "to": row["address"],
                 "subject": row["subject"], "status": row["status"], "tries": row["attempts"],
                 "told": row["error"], "id": row["mail_id"]} for row in rows]
    show(rows, arguments.json)


def retry(arguments: Namespace) -> int:
    """0 if nobody waits or was refused, else 1."""
    done = _call("retry_mail", mail_id=arguments.mail_id)
    show(done, arguments.json)
    return 1 if done["waiting"] or done["refused"] else 0


def _write(done: dict[str, Any], arguments: Namespace, name: str) -> None:
    """The file to --out, else to standard output if that is no terminal."""
    content = base64.b64decode(done.pop("content"))
    if arguments.out:
        Path(arguments.out).write_bytes(content)
        done["file"] = arguments.out
        show(done, arguments.json)
    elif arguments.json:
        raise CommandError("--json tells about the file: name it with --out", "missing_out", "out")
    elif sys.stdout.isatty() and name.rpartition(".")[2] in ("pdf", "parquet"):
        raise CommandError(f"that is no text: name a file, such as --out {name}", "missing_out",
                           "out")
    else:
        sys.stdout.buffer.write(content)


_OUT = Option("--out", "Write to this file; without it to standard output.", metavar="FILE")
_DAYS = "such as 2026-10-01 or 2026-10-01T06:00Z, UTC where no zone is given."
COST_COMMANDS: tuple[Command, ...] = (
    Command("costs", "report", "Write a month's cost report: first to last day in the zone of "
            "reports.", (
                Option("--month", "Such as 2026-10; without it the last one that is over.",
                       default=""),
                Option("--form", "What is written.", default="html",
                       choices=("html", "pdf", "csv", "parquet", "json")), _OUT), run=report),
    Command("costs", "reports", "List the monthly reports that were made.", run=list_reports),
    Command("costs", "make-report", "Make a month's report anew and keep it.", (
        Option("month", "Such as 2026-10.", required=True),
        Option("--mail", "Mail it to finance, copy to operations.", flag=True)), run=make),
    Command("costs", "export", "Write the costs of a span by day, as FinOps FOCUS 1.2 with the "
            "names of 1.3, or plain.", (
                Option("--start", f"First moment, {_DAYS}", required=True, metavar="TIME"),
                Option("--end", f"First moment after it, {_DAYS}", required=True, metavar="TIME"),
                Option("--form", "The columns of FOCUS, or our own.", default="focus",
                       choices=("focus", "plain")),
                Option("--file", "Kind of file; by --out where left out.",
                       choices=("csv", "parquet")), _OUT), run=export),
)
COMMANDS: tuple[Command, ...] = (
    Command("mail", "list", "List messages and what became of them, newest first.",
            run=list_mails),
    Command("mail", "retry", "Try a message again at once. Exit status 1 if anybody did not get "
            "it.", (Option("mail_id", "The message's id.", required=True),), run=retry),
)
