"""A small program that counts its requests as the platforms do that Prometheus scrapes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

DURATION_BUCKETS_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class InstrumentedApp:
    """Counts what it is told to have done; ``target`` is its host:port for Prometheus."""

    def __init__(self, target: str, registry: CollectorRegistry) -> None:
        self.target = target
        self.requests = Counter("http_requests", "Requests.", ["status"], registry=registry)
        self.durations = Histogram("http_request_duration_seconds", "Latency.", ["endpoint"],
                                   buckets=DURATION_BUCKETS_S, registry=registry)
        self.agents = Counter("agent_requests", "Requests of agents.", ["agent_id"],
                              registry=registry)
        self.queries = Histogram("brain_query_duration_seconds", "Queries.",
                                 buckets=(1.0, 2.0, 4.0), registry=registry)
        self.hits = Counter("redis_cache_hits", "Hits.", registry=registry)
        self.misses = Counter("redis_cache_misses", "Misses.", registry=registry)
        self.connections = Gauge("brain_ai_active_connections", "Connections.", registry=registry)
        self.pods = Gauge("kube_pod_status_phase", "Pods.", ["namespace", "pod", "phase"],
                          registry=registry)
        containers = ["namespace", "pod", "container"]
        self.cpu = Gauge("container_cpu_usage_seconds_total", "Processor time.", containers,
                         registry=registry)
        self.memory = Gauge("container_memory_working_set_bytes", "Memory.", containers,
                            registry=registry)
        self.tokens = Histogram("gen_ai_client_token_usage", "Tokens.", ["gen_ai_token_type"],
                                registry=registry)
        self.output_tokens = Counter("gen_ai_client_inference_usage_output_tokens", "Tokens.",
                                     registry=registry)


@contextmanager
def running_app() -> Iterator[InstrumentedApp]:
    """An instrumented program on a free port of loopback."""
    registry = CollectorRegistry()
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield InstrumentedApp(f"127.0.0.1:{server.server_port}", registry)
    finally:
        server.shutdown()
        server.server_close()
        assert isinstance(thread, threading.Thread)
        thread.join(5)
