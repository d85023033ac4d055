"""The outbox against real SMTP servers: nothing is lost, nothing goes out twice."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.decisions.reasons import InputError
from brain.mail.outbox import Attachment, Delivery, Outbox, check_address, pause_after
from brain.settings import Mail
from brain.sources.state import StateStore
from tests.services.process import free_port
from tests.services.smtp import dripping_smtp, running_smtp

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
NOW = dt.datetime(2026, 11, 1, 6, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield opened
    opened.close()


def to(port: int, **changes: object) -> Mail:
    given: dict[str, object] = {"host": "127.0.0.1", "port": port, "security": "none",
                                "sender": "Brain <brain@example.com>", "timeout_s": 5.0,
                                "deadline_s": 10.0}
    return Mail(**(given | changes))  # type: ignore[arg-type]


def put(outbox: Outbox, reference: str = "2026-10") -> bool:
    return outbox.put("monthly costs", reference, "Costs of Oktober – Grüße 模型", "Text: 模型",
                      ["fin@example.com"], ["ops@example.com"],
                      attached=[Attachment("costs.csv", "text/csv", "a,ü\r\n".encode())])


def statuses(outbox: Outbox) -> dict[str, str]:
    return {row["address"]: row["status"] for row in outbox.rows()}


def test_a_message_goes_out_whole_and_once(state: StateStore, clock: Clock) -> None:
    with running_smtp(login=("brain", "geheim")) as box:
        outbox = Outbox(state, to(box.port, user="brain", password="geheim"), clock)
        assert put(outbox)
        assert not put(outbox)                        # the same report is not mailed again
        assert outbox.deliver_due() == Delivery(sent=2)
        assert outbox.deliver_due() == Delivery()
    (message,), (recipients,) = box.messages, box.recipients
    assert sorted(recipients) == ["fin@example.com", "ops@example.com"]
    assert message["Subject"] == "Costs of Oktober – Grüße 模型"
    assert (message["To"], message["Cc"]) == ("fin@example.com", "ops@example.com")
    body = message.get_body(("plain",))
    assert body is not None
    assert "Text: 模型" in body.get_content()
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "costs.csv"
    assert attached.get_payload(decode=True) == "a,ü\r\n".encode()
    assert statuses(outbox) == {"fin@example.com": "sent", "ops@example.com": "sent"}


def test_a_server_that_is_down_loses_nothing(state: StateStore, clock: Clock) -> None:
    port = free_port()
    outbox = Outbox(state, to(port), clock)
    put(outbox)
    assert outbox.deliver_due() == Delivery(waiting=2)
    assert "Refused" in outbox.rows()[0]["error"]
    assert outbox.deliver_due() == Delivery()         # not before its time
    clock.now += pause_after(1)
    with running_smtp(port) as box:
        again = Outbox(state, to(port), clock)        # another process finds it
        assert again.deliver_due() == Delivery(sent=2)
    assert len(box.messages) == 1


def test_one_refused_recipient_does_not_keep_the_other_from_it(state: StateStore,
                                                              clock: Clock) -> None:
    with running_smtp() as box:
        box.refused, box.later = {"ops@example.com"}, {"fin@example.com"}
        outbox = Outbox(state, to(box.port), clock)
        put(outbox)
        assert outbox.deliver_due() == Delivery(refused=1, waiting=1)
        told = {row["address"]: row["error"] for row in outbox.rows()}
        assert told == {"ops@example.com": "550 no such person",
                        "fin@example.com": "450 the box is full, come again"}
        box.refused, box.later = set(), set()
        clock.now += pause_after(1)
        assert outbox.deliver_due() == Delivery(sent=1)
        assert box.recipients == [["fin@example.com"]]
        mail_id = outbox.rows()[0]["mail_id"]
        assert outbox.retry(mail_id) == 1             # by hand, once the address is mended
        assert outbox.deliver_due() == Delivery(sent=1)
    assert box.recipients == [["fin@example.com"], ["ops@example.com"]]


def test_a_server_that_drips_is_left_in_time(state: StateStore, clock: Clock) -> None:
    with dripping_smtp() as port:
        outbox = Outbox(state, to(port, deadline_s=0.4), clock)
        put(outbox)
        assert outbox.deliver_due() == Delivery(waiting=2)
    assert "no answer within 0.4 s" in outbox.rows()[0]["error"]


def test_a_wrong_password_and_a_server_without_tls_wait(state: StateStore, clock: Clock) -> None:
    with running_smtp(login=("brain", "geheim")) as box:
        for changes, told in (({"user": "brain", "password": "falsch"}, "535"),
                              ({"security": "starttls"}, "STARTTLS")):
            outbox = Outbox(state, to(box.port, **changes), clock)
            put(outbox, told)
            outbox.deliver_due()
            row = next(row for row in outbox.rows() if row["reference"] == told)
            assert row["status"] == "waiting"
            assert told in row["error"]
            assert "falsch" not in row["error"]
    assert box.messages == []


def test_eight_processes_send_one_message_once(state: StateStore, clock: Clock) -> None:
    with running_smtp() as box:
        put(Outbox(state, to(box.port), clock))
        threads = [threading.Thread(target=Outbox(state, to(box.port), clock).deliver_due)
                   for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(box.messages) == 1


def test_a_claim_of_a_dead_process_ends(state: StateStore, clock: Clock) -> None:
    with running_smtp() as box:
        outbox = Outbox(state, to(box.port), clock)
        put(outbox)
        mail_id = outbox.rows()[0]["mail_id"]
        assert outbox._claim(mail_id)                 # and then it was killed
        assert outbox.deliver_due() == Delivery()
        clock.now += dt.timedelta(seconds=20)         # twice the deadline
        assert outbox.deliver_due() == Delivery(sent=2)
    assert len(box.messages) == 1


def test_without_a_server_messages_are_kept(state: StateStore, clock: Clock) -> None:
    outbox = Outbox(state, Mail(), clock)
    put(outbox)
    assert outbox.deliver_due() == Delivery()
    assert statuses(outbox) == {"fin@example.com": "waiting", "ops@example.com": "waiting"}


@pytest.mark.parametrize("address", ["", "fin", "@example.com", "fin@", "a b@example.com",
                                     "fin@example.com\r\nBcc: x@example.com", "fi\x00n@e.com"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="no e-mail address"):
        check_address(address)


def test_pauses_double_up_to_six_hours() -> None:
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 12, 500)] == [
        60, 120, 240, 21_600, 21_600]
