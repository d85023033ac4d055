"""A process that imports a file and says each step, to be killed in the middle of it."""

import sys
from pathlib import Path

from brain.imports import ImportPlan, recover_imports, run_import
from brain.settings import load
from tests.sources.importers.conftest import small_engine


def main(data_dir: str, path: str) -> None:
    """Import the file, waiting for a line on standard input after each step."""
    engine = small_engine(load({}, data_dir=data_dir))
    recover_imports(engine)

    def step(stage: str, done: int, _total: int | None) -> None:
        print(f"{stage} {done}", flush=True)
        sys.stdin.readline()
    report = run_import(engine, Path(path), ImportPlan(model="m"), step)
    print(f"done {report.rows_kept}", flush=True)
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
