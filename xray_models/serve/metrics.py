"""Metrics of the service for Prometheus: counts and times, nothing about a film or a client."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from xray_models.serve.work_queue import WorkQueue

__all__ = ["Metrics"]

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters of one service, in a registry of their own."""

    def __init__(self, queue: WorkQueue) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "radlens_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "radlens_request_seconds",
            "Time from a request to its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.films = Counter(
            "radlens_films", "Films, read or refused.", ("outcome",), registry=self._registry
        )
        waiting = Gauge(
            "radlens_requests_admitted",
            "Requests in work or waiting.",
            registry=self._registry,
        )
        waiting.set_function(lambda: queue.admitted)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
