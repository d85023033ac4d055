"""An import that goes on in the background while its page shows how far it is."""

import logging
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from brain.imports import ImportPlan, ImportRefused, ImportReport, run_import
from pages.ui import data

STAGES = {"read": "Reading and checking", "keep": "Keeping", "roll up": "Making totals"}
_log = logging.getLogger(__name__)
_starting = threading.Lock()
_current: dict[str, "Job"] = {}


@dataclass(slots=True)
class Job:
    """One import: how far it is, then its report or why there is none."""

    file_name: str
    stage: str = "read"
    rows_done: int = 0
    rows_total: int | None = None
    report: ImportReport | None = None
    refused: ImportRefused | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self.report is not None or self.refused is not None

    def sentence(self) -> str:
        """How far it is, in words."""
        of = f" of {self.rows_total:,}" if self.rows_total else ""
        return f"{STAGES.get(self.stage, self.stage)}: {self.rows_done:,}{of} rows"

    def ratio(self) -> float:
        """How far the present stage is, 0 to 1."""
        return min(1.0, self.rows_done / self.rows_total) if self.rows_total else 0.0


def running() -> Job | None:
    """The import that runs, whoever started it; its outcome is only for the session that did."""
    job = _current.get("job")
    return job if job and not job.is_over else None


def keep_upload(name: str, upload: BinaryIO) -> Path:
    """A copy of an uploaded file in the data folder, where a start of the program cleans up."""
    home = data.settings().data_dir / "imports"
    home.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="upload-", dir=home)) / "file"
    upload.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(upload, file, 1_000_000)
    return path


def drop_upload(path: Path) -> None:
    """Remove what `keep_upload` wrote."""
    shutil.rmtree(path.parent, ignore_errors=True)


def start(path: Path, plan: ImportPlan) -> Job | None:
    """The import that was started; None while another one runs. The upload is removed after."""
    with _starting:
        if running():
            return None
        job = _current["job"] = Job(plan.file_name)
    threading.Thread(target=_run, args=(data.engine(), job, path, plan), daemon=True,
                     name="import").start()
    return job


def _run(engine: Any, job: Job, path: Path, plan: ImportPlan) -> None:
    def tell(stage: str, done: int, total: int | None) -> None:
        job.stage, job.rows_done, job.rows_total = stage, done, total
    try:
        job.report = run_import(engine, path, plan, tell)
    except ImportRefused as refused:
        job.refused = refused
    except Exception as failure:
        _log.exception("import of %r failed", job.file_name)
        job.refused = ImportRefused("failed", f"nothing was kept ({type(failure).__name__}); the "
                                    "log says why")
    finally:
        drop_upload(path)
