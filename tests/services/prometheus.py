"""Real Prometheus, Alertmanager and node exporter on loopback."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.services.process import Server, find_program, free_port

ALERTMANAGER_CONFIG = """\
route:
  receiver: nobody
  group_wait: 1s
receivers:
  - name: nobody
"""


class HttpServer(Server):
    """A server that speaks HTTP; ``url`` has no slash at its end."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_prometheus(folder: Path, targets: Sequence[str] = (), *, rules: str = "",
                       alertmanager: str = "", every: str = "1s") -> Iterator[HttpServer]:
    """A Prometheus that scrapes ``targets`` (host:port) and itself ``every`` so long.

    ``rules``: text of a rules file, evaluated every second; ``alertmanager``: host:port.
    """
    program = find_program("prometheus", "prometheus")
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(_config([f"127.0.0.1:{port}", *targets], bool(rules), alertmanager,
                              every))
    (folder / "rules.yml").write_text(rules or "groups: []\n")
    server = HttpServer(
        [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
         f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle"],
        folder, port, lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
    with _running(server):
        yield server


@contextmanager
def running_alertmanager(folder: Path, config: str = ALERTMANAGER_CONFIG) -> Iterator[HttpServer]:
    """An Alertmanager alone, with the configuration given (YAML)."""
    program = find_program("prometheus-alertmanager", "prometheus-alertmanager")
    port = free_port()
    (folder / "alertmanager.yml").write_text(config)
    server = HttpServer(
        [program, f"--config.file={folder / 'alertmanager.yml'}",
         f"--storage.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
         "--cluster.listen-address="],
        folder, port, lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
    with _running(server):
        yield server


@contextmanager
def running_node_exporter(folder: Path) -> Iterator[HttpServer]:
    """A node exporter of this machine, with processor, load and memory figures only."""
    program = find_program("prometheus-node-exporter", "prometheus-node-exporter")
    port = free_port()
    server = HttpServer(
        [program, f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults",
         "--collector.cpu", "--collector.meminfo", "--collector.loadavg"],
        folder, port, lambda: answers(f"http://127.0.0.1:{port}/metrics"))
    with _running(server):
        yield server


def answers(url: str) -> bool:
    """Whether a GET of the address gives 200 within a second."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=1) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _config(targets: Sequence[str], has_rules: bool, alertmanager: str, every: str) -> str:
    """Prometheus' configuration; JSON is YAML."""
    config: dict[str, object] = {
        "global": {"scrape_interval": every, "scrape_timeout": every,
                   "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "test", "static_configs": [{"targets": list(targets)}]}],
    }
    if has_rules:
        config["rule_files"] = ["rules.yml"]
    if alertmanager:
        config["alerting"] = {
            "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return json.dumps(config)


@contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()
