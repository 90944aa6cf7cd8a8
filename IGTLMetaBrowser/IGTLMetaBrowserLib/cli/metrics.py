"""Figures of a running server for Prometheus, on this computer alone."""

from __future__ import annotations

from .. import net
from ..system_errors import with_advice
from .parser import CommandError


class Metrics:
    """Counts a server's events and offers them at ``http://127.0.0.1:PORT/metrics``; an observer.

    prometheus-client answers in a thread of its own, which only reads the numbers. Raises
    ``CommandError``.
    """

    def __init__(self, port: int) -> None:
        try:
            import prometheus_client
        except ImportError as error:
            raise CommandError(
                "--metrics needs prometheus-client, which is not installed; install it: "
                "pip install prometheus-client"
            ) from error
        registry = prometheus_client.CollectorRegistry()
        counter, gauge = prometheus_client.Counter, prometheus_client.Gauge
        named = {"registry": registry, "namespace": "igtlmeta"}
        self._answers = counter("answers", "Answers sent whole", ["type"], **named)
        self._bytes = counter("sent_bytes", "Bytes of answers sent whole", **named)
        self._refusals = counter("refusals", "What was refused or could not be read", **named)
        self._seconds = prometheus_client.Histogram(
            "answer_seconds", "From a query to the last byte of its answer", **named
        )
        self._clients = gauge("clients", "Clients connected", **named)
        self._cached = gauge("cached_bytes", "Packed images in memory", **named)
        try:
            prometheus_client.start_http_server(port, "127.0.0.1", registry)
        except OSError as error:
            raise CommandError(
                f"no metrics on port {port}: {with_advice(error, 'choose another: --metrics PORT')}"
            ) from None

    def update(self, server: net.Server) -> None:
        """Note what is now, for whoever reads it next."""
        self._clients.set(len(server.clients))
        self._cached.set(server.cached_bytes)

    def __call__(self, event: net.ServerEvent) -> None:
        """Count an event."""
        if event.type is net.ServerEventType.ANSWERED:
            self._answers.labels(event.data_type).inc()
            self._bytes.inc(event.byte_count)
            self._seconds.observe(event.seconds)
        elif event.type in (net.ServerEventType.REFUSED, net.ServerEventType.UNREADABLE):
            self._refusals.inc()
