"""Logs and metrics of the server: JSON lines, Prometheus names.

Owns the log form, the metric names and nothing that counts business; promises that no body, token or secret is ever a
log field or a label: labels are operation names and statuses of the operation tables, so their number is bounded.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest

METRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in record.__dict__.items() if key not in _STANDARD_FIELDS})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure_logging(level: str, form: str) -> None:
    """Log to standard error; `form` is auto, json or text (auto: text on a terminal)."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json" or (form == "auto" and not sys.stderr.isatty()):
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    handler.addFilter(_is_news)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what grpcio says, with a traceback, of each client that goes away in the middle of an answer.

    Its errors of a batch of operations mean just that; a failure of a handler comes under our own loggers.
    """
    error = record.exc_info[0] if record.exc_info else None
    return not (record.name.startswith("grpc") and error is not None and error.__name__ == "ExecuteBatchError")


class EngineStats(Protocol):
    """What an engine says of itself."""

    def stats(self) -> msgspec.Struct:
        """Return figures as a struct whose field names end in their units."""
        ...


class CallMetrics:
    """Counts the calls of one edge; the observer that the edge tells of finished ones."""

    def __init__(self, registry: CollectorRegistry, prefix: str, protocol: str) -> None:
        self._requests = Counter(
            f"{prefix}_requests", f"Finished {protocol} calls.", ("service", "operation", "status"), registry=registry
        )
        self._seconds = Histogram(
            f"{prefix}_duration_seconds",
            f"Time from the arrival of a {protocol} call to its answer; parked polls and streams count whole.",
            ("service", "operation"),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._children: dict[tuple[str, str, str], tuple[Any, Any]] = {}

    def finished(self, service: str, operation: str, status: str, seconds: float, request_id: str) -> None:
        """Count one finished call."""
        del request_id
        key = (service, operation, status)
        children = self._children.get(key)
        if children is None:
            children = self._requests.labels(*key), self._seconds.labels(service, operation)
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)


class Metrics:
    """The server's registry. `rpc` and `aws` are the observers of the two edges."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rpc = CallMetrics(self.registry, "cumulo_rpc", "gRPC")
        self.aws = CallMetrics(self.registry, "cumulo_aws", "AWS")
        self._parked = Gauge("cumulo_parked_receivers", "Receivers that wait for messages now.", registry=self.registry)
        self._damaged = Gauge(
            "cumulo_blobs_damaged",
            "Bodies that the scrub's last whole pass found damaged or missing, or this pass where it found more.",
            registry=self.registry,
        )
        self._scrubbed = _ScrubCollector()
        self.registry.register(self._scrubbed)

    def show_parked(self, count: Callable[[], int]) -> None:
        """Show how many receivers are parked, asked at each scrape."""
        self._parked.set_function(count)

    def show_scrub(self, bytes_read: Callable[[], int], damaged: Callable[[], int]) -> None:
        """Show what the scrub has done, asked at each scrape."""
        self._scrubbed.bytes_read = bytes_read
        self._damaged.set_function(damaged)

    def add_engine(self, engine: EngineStats) -> None:
        """Show the engine's figures as gauges `cumulo_engine_…`, read at each scrape."""
        self.registry.register(_EngineCollector(engine))

    def render(self) -> bytes:
        """Return the OpenMetrics text."""
        text: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return text


class _ScrubCollector:
    def __init__(self) -> None:
        self.bytes_read: Callable[[], int] = lambda: 0

    def collect(self) -> Iterable[Metric]:
        """Ask now."""
        yield CounterMetricFamily(
            "cumulo_scrub_bytes", "Bytes of bodies that the scrub has verified.", self.bytes_read()
        )


class _EngineCollector:
    def __init__(self, engine: EngineStats) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """Read the figures now."""
        for name, value in msgspec.structs.asdict(self._engine.stats()).items():
            yield GaugeMetricFamily(f"cumulo_engine_{name}", f"The storage engine's {name.replace('_', ' ')}.", value)
