"""The outbox: a message is kept until it is delivered, and delivered by one process at a time."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

import sqlalchemy as sa

from brain.decisions.reasons import InputError
from brain.settings import Mail
from brain.sources import mail
from brain.sources.frames import plain_times
from brain.sources.mail import MailUnavailable, Outcome
from brain.sources.state import StateStore

WAITING, SENT, REFUSED = "waiting", "sent", "refused"
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(minutes=1), dt.timedelta(hours=6)
MOST_AT_ONCE = 20
_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many recipients got their message, were refused, or still wait."""

    sent: int = 0
    refused: int = 0
    waiting: int = 0


class Outbox:
    """Messages of one platform. Without a mail server in the settings they are kept and listed."""

    def __init__(self, state: StateStore, settings: Mail, clock: Callable[[], dt.datetime]) -> None:
        self._state, self._settings, self._clock = state, settings, clock

    @property
    def is_configured(self) -> bool:
        """Whether there is a server to hand messages to."""
        return bool(self._settings.host)

    def put(self, kind: str, reference: str, subject: str, text: str, to: Sequence[str],
            copy: Sequence[str] = (), html: str = "", attached: Sequence[Attachment] = ()) -> bool:
        """Whether the message is new; one of the same kind and reference is kept already.

        When this returns, the message is safe. Raises InputError for an address that is none.
        """
        recipients = list(dict.fromkeys([*map(check_address, to), *map(check_address, copy)]))
        if not recipients:
            raise InputError("no_recipient", "a message needs someone to get it", "to")
        now, mail_id = self._clock(), uuid.uuid4().hex
        message = self._write(subject, text, to, copy, html, attached, now)
        tables = self._state.tables
        try:
            with self._state.begin() as connection:
                connection.execute(sa.insert(tables["mails"]), [plain_times({
                    "mail_id": mail_id, "created_at_utc": now, "kind": kind,
                    "reference": reference, "subject": subject[:500],
                    "sender": self._sender, "message": message.as_bytes(
                        policy=SMTP.clone(cte_type="7bit")).decode("ascii"),
                    "claimed_until_utc": _EVER})])
                connection.execute(sa.insert(tables["mail_recipients"]), [plain_times({
                    "mail_id": mail_id, "address": address, "status": WAITING, "attempts": 0,
                    "next_try_utc": now, "done_at_utc": None, "error": ""})
                    for address in recipients])
        except sa.exc.IntegrityError:
            return False
        return True

    def deliver_due(self) -> Delivery:
        """What trying all messages that are due did; nothing without a server."""
        found = Delivery()
        if not self.is_configured:
            return found
        for mail_id in self._due():
            if self._claim(mail_id):
                done = self._try(mail_id)
                found = Delivery(found.sent + done.sent, found.refused + done.refused,
                                 found.waiting + done.waiting)
        return found

    def retry(self, mail_id: str) -> int:
        """How many recipients that were refused or wait are tried again at once."""
        this = self._state.tables["mail_recipients"].c
        rows = self._state.rows("mail_recipients", this.mail_id == mail_id, this.status != SENT)
        for row in rows:
            self._note(mail_id, row["address"], status=WAITING, next_try_utc=self._clock())
        return len(rows)

    def rows(self, most: int = 100) -> list[dict[str, Any]]:
        """Recipients with their message, newest first: kind, subject, address, status, error."""
        mails = {row["mail_id"]: row for row in self._state.rows("mails", order="created_at_utc")}
        found = [{**{name: mails[row["mail_id"]][name] for name in (
            "mail_id", "created_at_utc", "kind", "reference", "subject")}, **row}
            for row in self._state.rows("mail_recipients", order="address")
            if row["mail_id"] in mails]
        return sorted(found, key=lambda row: row["created_at_utc"], reverse=True)[:most]

    @property
    def _sender(self) -> str:
        return self._settings.sender or "brain-console@localhost"

    def _write(self, subject: str, text: str, to: Sequence[str], copy: Sequence[str], html: str,
               attached: Sequence[Attachment], now: dt.datetime) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["Subject"] = " ".join(subject.split())
        message["From"] = self._sender
        message["To"] = ", ".join(to)
        if copy:
            message["Cc"] = ", ".join(copy)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain=parseaddr(self._sender)[1].partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        for each in attached:
            main, _, sub = each.mime.partition("/")
            message.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
        return message

    def _due(self) -> list[str]:
        this = self._state.tables["mail_recipients"].c
        due = self._state.rows("mail_recipients", this.status == WAITING, this.next_try_utc <=
                               plain_times({"now": self._clock()})["now"], order="next_try_utc")
        return list(dict.fromkeys(row["mail_id"] for row in due))[:MOST_AT_ONCE]

    def _claim(self, mail_id: str) -> bool:
        """Whether this process is the one that tries the message now."""
        this, now = self._state.tables["mails"], self._clock()
        until = now + dt.timedelta(seconds=2 * self._settings.deadline_s)
        times = plain_times({"now": now, "until": until})
        with self._state.begin() as connection:
            done = connection.execute(sa.update(this).where(
                this.c.mail_id == mail_id, this.c.claimed_until_utc <= times["now"]).values(
                    claimed_until_utc=times["until"]))
        return done.rowcount == 1

    def _try(self, mail_id: str) -> Delivery:
        tables, now = self._state.tables, self._clock()
        row = self._state.rows("mails", tables["mails"].c.mail_id == mail_id)[0]
        this = tables["mail_recipients"].c
        due = [each for each in self._state.rows(
            "mail_recipients", this.mail_id == mail_id, this.status == WAITING)
            if each["next_try_utc"] <= now]
        try:
            outcomes = mail.send(self._settings, parseaddr(row["sender"])[1],
                                 [each["address"] for each in due],
                                 row["message"].encode("ascii")) if due else {}
        except MailUnavailable as error:
            outcomes = {each["address"]: Outcome(mail.LATER, str(error)) for each in due}
        count = {SENT: 0, REFUSED: 0, WAITING: 0}
        for each in due:
            outcome = outcomes.get(each["address"], Outcome(mail.LATER, "no answer"))
            status = {mail.SENT: SENT, mail.REFUSED: REFUSED}.get(outcome.status, WAITING)
            count[status] += 1
            self._note(mail_id, each["address"], status=status, attempts=each["attempts"] + 1,
                       next_try_utc=now + pause_after(each["attempts"] + 1),
                       done_at_utc=None if status == WAITING else now,
                       error="" if status == SENT else outcome.told[:1000])
        self._state.update("mails", "mail_id", mail_id, claimed_until_utc=_EVER)
        return Delivery(count[SENT], count[REFUSED], count[WAITING])

    def _note(self, mail_id: str, address: str, **changes: Any) -> None:
        this = self._state.tables["mail_recipients"]
        with self._state.begin() as connection:
            connection.execute(sa.update(this).where(
                this.c.mail_id == mail_id, this.c.address == address).values(
                    **plain_times(changes)))


def pause_after(attempts: int) -> dt.timedelta:
    """How long to wait after that many tries: a minute, doubled each time, six hours at most."""
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)


def check_address(address: str) -> str:
    """The address, without a name around it. Raises InputError for none that can be used."""
    plain = parseaddr(address.strip())[1]
    local, at, domain = plain.rpartition("@")
    if not (local and at and domain) or len(plain) > 320 or not plain.isascii() or \
            any(letter.isspace() for letter in plain) or not address.strip().isprintable():
        raise InputError("not_an_address", f"{address[:80]!r} is no e-mail address", "to")
    return plain


def split_addresses(text: str) -> tuple[str, ...]:
    """The addresses of a setting, separated by commas or semicolons; see `check_address`."""
    return tuple(check_address(each) for each in text.replace(";", ",").split(",") if each.strip())
