"""``brain serve`` as a process: one per data folder, stops cleanly, survives a kill."""

import json
import signal
import socket
from datetime import UTC, datetime

import duckdb
import pytest

from brain import running
from brain.engine import Engine
from brain.settings import load
from tests.services.process import free_port
from tests.serving.console import Console, brain, change_state, running_console


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A data folder that was killed while serving, after 3 acknowledged events; its console."""
    console = Console(tmp_path_factory.mktemp("lived"))
    console.start()
    now = datetime.now(UTC).isoformat()
    answer = console.send(*({"event_id": f"k{number}", "at_utc": now} for number in range(3)))
    assert answer.json()["accepted"] == 3
    console.kill()
    yield console
    console.stop()


def test_after_a_kill_it_starts_again_and_nothing_is_lost(lived):
    stale = lived.owner
    assert running.find_owner(load({}, data_dir=lived.data)) is None
    (lived.data / "uploads").mkdir(exist_ok=True)
    (lived.data / "uploads" / "half").write_text("an upload that the kill cut off")
    lived.start()
    assert not list((lived.data / "uploads").iterdir())
    assert lived.owner["token"] != stale["token"]
    assert lived.count() == 3
    assert lived.call("verify") == {"faults": []}


def test_a_second_one_says_where_the_first_is(lived):
    done = brain(lived.data, "serve", "--no-browser")
    assert done.returncode == 1
    assert f"already running at {lived.url}" in done.stderr


def test_a_taken_port_means_the_next(lived, tmp_path):
    with running_console_elsewhere(tmp_path, lived.port) as other:
        assert lived.port < int(other.rsplit(":", 1)[1]) < lived.port + 100


class running_console_elsewhere:  # noqa: N801 - reads as the function it stands for
    """The address of a console that was asked to use a taken port."""

    def __init__(self, folder, port):
        self.console = Console(folder, port=port)
        self.console._ready = lambda: "Brain Console: " in self.console.printed

    def __enter__(self):
        self.console.start()
        return self.console.printed.split("Brain Console: ")[1].split()[0]

    def __exit__(self, *_):
        self.console.stop()


def test_sigterm_stops_it_cleanly_with_everything_kept(lived):
    now = datetime.now(UTC).isoformat()
    assert lived.send({"event_id": "last", "at_utc": now}).status_code == 200
    with socket.create_connection(("127.0.0.1", lived.port)):  # an idle caller holds nothing up
        lived.signal(signal.SIGTERM)
        assert lived.wait(120) == 0
    assert not (lived.data / "owner.json").exists()
    assert "Traceback" not in lived.printed
    status = json.loads(brain(lived.data, "data", "status", "--json").stdout)
    assert status["events"]["requests"] == 4
    assert status["faults"] == []


def test_what_is_missing_is_told_at_start_and_to_whoever_asks(lived):
    with duckdb.connect(str(lived.data / "events.duckdb")) as store:
        store.execute("delete from requests where event_id = 'k1'")
    lived.start()
    with lived.client() as http:
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["status"] == "faulty"
        assert any(fault.startswith("requests:") for fault in answer.json()["faults"])
        assert http.get("/healthz").status_code == 200
        figures = http.get("/metrics").text
    assert "\nbrain_store_faults 0.0" not in figures
    assert "WARNING: requests: 4 rows were accepted, 3 are there" in lived.printed
    done = brain(lived.data, "data", "verify")
    assert (done.returncode, "requests: 4 rows" in done.stdout) == (1, True)
    lived.stop()


def test_beyond_this_machine_when_told_and_an_interrupt_stops_it(tmp_path):
    with running_console(tmp_path, BRAIN_SERVER_HOST="0.0.0.0",
                         BRAIN_SERVER_ALLOW_WITHOUT_SIGN_IN="true") as console:
        assert console.owner["url"] == console.url
        assert console.call("verify") == {"faults": []}
        console.signal(signal.SIGINT)
        assert console.wait(120) in {0, 130}
        assert not (console.data / "owner.json").exists()
        assert "Traceback" not in console.printed


@pytest.mark.slow
def test_demonstration_data_is_written_once_and_only_into_nothing(tmp_path):
    with running_console(tmp_path, "--demo-if-empty", BRAIN_DEMO_EVENTS="2000",
                         BRAIN_DEMO_DAYS="7") as console:
        assert "demonstration events written" in console.printed
        status = console.call("status")
        assert status["demo"] is True
        first = status["events"]["requests"]
        assert first > 100
        console.restart()
        assert console.printed.count("demonstration events written") == 1
        assert console.count() == first
        console.call("remove_demo")
        assert console.call("status")["demo"] is False
        console.stop()
    engine = Engine.open(load({}, data_dir=console.data))
    try:
        assert not engine.is_untouched()  # so that none is written at the next start either
    finally:
        engine.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_this_machine_only_when_told(tmp_path, host, inside):
    for key in ("", "sesame"):
        done = inside("serve", "--no-browser", BRAIN_SERVER_HOST=host, BRAIN_SERVER_API_KEY=key)
        assert done.status == 1
        assert "BRAIN_SERVER_ALLOW_WITHOUT_SIGN_IN" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["events.duckdb", "state.sqlite", "spool.sqlite"])
def test_a_newer_schema_is_refused_in_a_sentence(tmp_path, file, inside):
    assert inside("data", "settle").status == 0
    if file == "events.duckdb":
        with duckdb.connect(str(tmp_path / file)) as store:
            store.execute("insert into schema_version values (999)")
    else:
        change_state(tmp_path, "insert into schema_version values (999)", file)
    for words in (("serve", "--no-browser"), ("data", "status")):
        done = inside(*words)
        assert done.status == 1
        assert "has schema 999" in done.err
        assert "install the newer program" in done.err


def test_a_wrong_setting_is_named(inside):
    done = inside("serve", BRAIN_SERVER_PROT="1")
    assert done.status == 1
    assert "BRAIN_SERVER_PROT" in done.err


def test_an_owner_file_of_a_gone_process_is_nobody(tmp_path):
    settings = load({}, data_dir=tmp_path, server_port=free_port())
    assert running.find_owner(settings) is None
    owner = running.announce(settings, running.reach(settings))
    assert running.find_owner(settings) == owner
    running.withdraw(settings)
    assert running.find_owner(settings) is None
    (tmp_path / "owner.json").write_text(json.dumps(
        {"url": "http://127.0.0.1:1", "token": "t", "pid": 1}))  # process 1 lives, but is not it
    assert running.find_owner(settings) is None
    for broken in ("", "[]", "{}", '{"url": 1}'):
        (tmp_path / "owner.json").write_text(broken)
        assert running.find_owner(settings) is None


@pytest.mark.parametrize(("host", "address"), [
    ("127.0.0.1", "http://127.0.0.1:8600"), ("0.0.0.0", "http://127.0.0.1:8600"),
    ("::", "http://[::1]:8600"), ("::1", "http://[::1]:8600"),
    ("192.0.2.7", "http://192.0.2.7:8600")])
def test_this_machine_reaches_the_server_at(host, address):
    assert running.reach(load({}, server_host=host, server_port=8600)) == address
