"""What one server process holds: engine, jobs, HTTP routes, its announcement."""

import gc
from dataclasses import dataclass
from pathlib import Path

from brain import running
from brain.api.access import LOOPBACK
from brain.api.routes import Api
from brain.jobs.schedule import Schedule
from brain.running import Owner
from brain.settings import Settings, load

ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared only
ROOT = Path(__file__).resolve().parents[1]
_YOUNG = 5_000  # objects made between two looks for unreachable ones; Python's 700 are few here


@dataclass(frozen=True, slots=True)
class Serving:
    """The parts of a running server."""

    settings: Settings
    owner: Owner
    schedule: Schedule
    api: Api

    @classmethod
    def begin(cls) -> "Serving":
        """Open the engine of this process and make ready; ``brain serve`` has set the address."""
        settings = load()
        engine = running.engine(settings)
        for left in (settings.data_dir / "uploads").glob("*"):  # of a server that was killed
            left.unlink(missing_ok=True)
        owner = running.announce(settings, running.reach(settings))
        schedule = Schedule(engine)
        return cls(settings, owner, schedule, Api(settings, owner.token, schedule))

    @property
    def script(self) -> Path:
        """The console's frame."""
        return ROOT / "app.py"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that this server answers to."""
        further = [each.strip() for each in self.settings.server.allowed_hosts.split(",")]
        own = () if self.settings.server.host in ANY_ADDRESS else (self.settings.server.host,)
        return (*LOOPBACK, *own, *(each for each in further if each))

    def start(self) -> None:
        """Start the jobs.

        What start-up made stays for good. To look through it for unreachable cycles, as Python
        does now and then, would hold every request up for 0.2 s.
        """
        self.schedule.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])

    def stop(self) -> None:
        """Stop the jobs, take the announcement back, leave the stores safe."""
        self.schedule.stop()
        running.withdraw(self.settings)
        running.close()
