"""Handing one message to an SMTP server: bounded in time, with an answer for each recipient."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from brain.settings import Mail

SENT, LATER, REFUSED = "sent", "later", "refused"


class MailUnavailable(RuntimeError):
    """The server cannot be reached or does not do as SMTP says: try again later."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient: sent, later (the server asks to wait) or refused."""

    status: str
    told: str = ""


def send(settings: Mail, sender: str, recipients: Sequence[str],
         message: bytes) -> dict[str, Outcome]:
    """What the server answered for each recipient.

    ``settings.deadline_s`` bounds the whole of it: a server that drips a byte a second never
    passes the time-out of a single read. Raises MailUnavailable where nobody got it.
    """
    client = smtplib.SMTP_SSL(timeout=settings.timeout_s, context=_context()) \
        if settings.security == "tls" else smtplib.SMTP(timeout=settings.timeout_s)
    cut = threading.Event()
    watch = threading.Timer(settings.deadline_s, _cut, (client, cut))
    watch.daemon = True
    watch.start()
    try:
        return _deliver(client, settings, sender, recipients, message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailUnavailable(
            f"{settings.host}:{settings.port}: no answer within {settings.deadline_s:g} s"
            if cut.is_set() else f"{settings.host}:{settings.port}: {_words(error)}") from error
    finally:
        watch.cancel()
        client.close()


def _deliver(client: smtplib.SMTP, settings: Mail, sender: str, recipients: Sequence[str],
             message: bytes) -> dict[str, Outcome]:
    client._host = settings.host  # type: ignore[attr-defined]  # the name that TLS checks
    client.connect(settings.host, settings.port)
    client.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        client.starttls(context=_context())
        client.ehlo()
    if settings.user:
        client.login(settings.user, settings.password)
    found: dict[str, Outcome] = {}
    code, told = client.mail(sender, _mail_options(client, message))
    if code != 250:
        status = LATER if 400 <= code < 500 else REFUSED
        return dict.fromkeys(recipients, Outcome(status, f"{code} {_text(told)}"))
    taken = []
    for address in recipients:
        code, told = client.rcpt(address)
        if code in (250, 251):
            taken.append(address)
        else:
            found[address] = Outcome(LATER if 400 <= code < 500 else REFUSED,
                                     f"{code} {_text(told)}")
    if taken:
        code, told = client.data(message)
        status = SENT if code == 250 else LATER if 400 <= code < 500 else REFUSED
        found |= dict.fromkeys(taken, Outcome(status, f"{code} {_text(told)}"))
    _leave(client)
    return found


def _leave(client: smtplib.SMTP) -> None:
    """Say goodbye; what was taken is taken, whatever comes back."""
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        return


def _mail_options(client: smtplib.SMTP, message: bytes) -> list[str]:
    options = [f"size={len(message)}"] if client.has_extn("size") else []
    return [*options, "body=8bitmime"] if client.has_extn("8bitmime") else options


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _cut(client: smtplib.SMTP, cut: threading.Event) -> None:
    cut.set()
    opened = client.sock
    if opened is not None:
        try:
            opened.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"[:300]


def _text(told: bytes | str) -> str:
    return (told.decode("utf-8", "replace") if isinstance(told, bytes) else told)[:300]
