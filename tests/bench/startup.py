"""How soon commands answer and the server stands."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measuring import Figure, Plan, repeat_ms
from tests.bench.server import BRAIN, ROOT, environment, serving

RUNS = 9
IMPORTS = ("brain.engine", "streamlit", "plotly.graph_objects", "pandas", "duckdb")


def measure(_plan: Plan) -> Iterator[Figure]:
    """Cold commands, imports, and the second start of the server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def run(*words: str) -> None:
            subprocess.run(words, check=True, cwd=ROOT, env=environment(folder),
                           stdout=subprocess.DEVNULL)
        bare = sorted(repeat_ms(lambda: run(sys.executable, "-c", "pass"), RUNS))[RUNS // 2]
        for words in (("--help",), ("settings", "list"), ("health", "score", "--help")):
            yield Figure("brain " + " ".join(words), "cold", "ms",
                         repeat_ms(lambda words=words: run(*BRAIN, *words), RUNS),
                         "python -c pass", bare, most=300.0)
        for module in IMPORTS:
            yield Figure(f"import {module}", "warm files", "ms", repeat_ms(
                lambda module=module: run(sys.executable, "-c", f"import {module}"), 3))
        subprocess.run([*BRAIN, "demo", "write"], check=True, cwd=ROOT, env=environment(folder),
                       stdout=subprocess.DEVNULL)
        starts = []
        for _ in range(4):
            with serving(folder) as server:
                starts.append(server.start_ms)
        yield Figure("brain serve, second start", "demo data", "ms", tuple(starts[1:]),
                     "python -c pass", bare, most=5_000.0)
