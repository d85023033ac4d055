"""Samples of this machine."""

import datetime as dt
import socket

import psutil

from brain.events import MetricSample


class Sampler:
    """Reads this machine's load; CPU and rates are since the reading before."""

    def __init__(self, port: int = 0) -> None:
        """``port`` is the server's own, whose connections are counted; 0 counts none."""
        self._port = port
        self._last: tuple[dt.datetime, int, int] | None = None
        psutil.cpu_percent()

    def read(self, now: dt.datetime) -> list[MetricSample]:
        """One sample per metric: shares in percent, traffic in bytes per second, uptime in s."""
        values = {"memory_pct": psutil.virtual_memory().percent,
                  "disk_pct": psutil.disk_usage("/").percent, "load_1m": psutil.getloadavg()[0],
                  "processes": float(len(psutil.pids())),
                  "uptime_s": now.timestamp() - psutil.boot_time()}
        if self._port:
            values["active_connections"] = float(count_connections(self._port))
        if self._last is not None:  # psutil's first answer is a meaningless 0
            values["cpu_pct"] = psutil.cpu_percent()
        moved = psutil.net_io_counters()
        last, self._last = self._last, (now, *((moved.bytes_recv, moved.bytes_sent)
                                               if moved else (0, 0)))
        if moved and last is not None and now > last[0]:
            elapsed_s = (now - last[0]).total_seconds()
            values["network_in_bytes_per_s"] = max(0.0, (moved.bytes_recv - last[1]) / elapsed_s)
            values["network_out_bytes_per_s"] = max(0.0, (moved.bytes_sent - last[2]) / elapsed_s)
        return [MetricSample(metric=name, value=value, instance=socket.gethostname(), at_utc=now,
                             source="host") for name, value in values.items()]


def count_connections(port: int) -> int:
    """Connections to a port of this process that are open, browsers' and programs' alike."""
    return sum(1 for each in psutil.Process().net_connections(kind="tcp")
               if each.status == psutil.CONN_ESTABLISHED and each.laddr
               and each.laddr.port == port)
