"""One question, two processes: one call of the provider, also when the first one is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services import vendors
from tests.services.process import wait_until
from tests.services.redis import running_redis
from tests.services.vendors import running_vendor

ROOT = Path(__file__).resolve().parents[2]
ASKER = """
import json, sys
from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.gateway.providers import ProviderConfig
from brain.gateway.question import Question
from brain.settings import load
folder, state, cache, url = sys.argv[1:]
engine = Engine.open(load({"BRAIN_DATA_DIR": folder, "BRAIN_STATE_URL": state,
                           "BRAIN_CACHE_REDIS_URL": cache}))
engine.gateway.set_provider(ProviderConfig("one", "openai", url, models=(Model("m"),)))
print("ready", flush=True)
for line in sys.stdin:
    answer = engine.gateway.ask(Question(line.strip()))
    print(json.dumps([answer.text, answer.cache_tier, answer.status]), flush=True)
engine.close()
"""


@pytest.fixture
def vendor() -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        yield found


@pytest.fixture
def askers(tmp_path: Path, vendor: vendors.Vendor) -> Iterator[list["subprocess.Popen[str]"]]:
    with running_redis(tmp_path) as redis:
        running = []
        try:
            for name in "ab":  # one after the other: the first makes the state store
                asker = subprocess.Popen(
                    [sys.executable, "-c", ASKER, str(tmp_path / name),
                     f"sqlite:///{tmp_path / 'state.sqlite'}", redis.url, vendor.url],
                    cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    env={**os.environ, "BRAIN_DEMO_LIVE": "false"})
                running.append(asker)
                assert asker.stdout is not None and asker.stdout.readline() == "ready\n"
            yield running
        finally:
            for asker in running:
                asker.kill()
                asker.communicate()


def ask(asker: "subprocess.Popen[str]", text: str) -> None:
    assert asker.stdin is not None
    asker.stdin.write(f"{text}\n")
    asker.stdin.flush()


def told(asker: "subprocess.Popen[str]") -> Any:
    assert asker.stdout is not None
    return json.loads(asker.stdout.readline())


def test_two_processes_make_one_call(askers: list["subprocess.Popen[str]"],
                                     vendor: vendors.Vendor) -> None:
    vendor.wait_s = 2.0
    ask(askers[0], "Same?")
    wait_until(lambda: vendor.calls == 1, "the first call", 60)
    ask(askers[1], "Same?")
    assert told(askers[0]) == [vendors.TEXT, "", "ok"]
    assert told(askers[1]) == [vendors.TEXT, "shared", "ok"]
    assert vendor.calls == 1
    ask(askers[1], "Another?")
    assert told(askers[1]) == [vendors.TEXT, "", "ok"]


def test_a_failed_call_is_made_anew_by_who_waits(askers: list["subprocess.Popen[str]"],
                                                 vendor: vendors.Vendor) -> None:
    vendor.wait_s, vendor.mode = 2.0, "garbage"
    ask(askers[0], "Broken?")
    wait_until(lambda: vendor.calls == 2, "its second try", 60)
    ask(askers[1], "Broken?")
    assert told(askers[0])[2] == "error"
    vendor.mode = "ok"
    assert told(askers[1])[2] == "ok"


def test_a_killed_process_holds_nobody_up(askers: list["subprocess.Popen[str]"],
                                          vendor: vendors.Vendor) -> None:
    vendor.mode = "timeout"
    ask(askers[0], "Killed?")
    wait_until(lambda: vendor.calls == 1, "the first call", 60)
    ask(askers[1], "Killed?")
    vendor.mode = "ok"
    askers[0].send_signal(signal.SIGKILL)
    assert told(askers[1]) == [vendors.TEXT, "", "ok"]
    assert vendor.calls == 2
