"""Logs and metrics of the server: JSON lines, Prometheus names.

Owns the log form, the metric names and nothing that counts business; promises that no body, token or secret is ever a
log field or a label: labels are operation names and statuses of the operation tables, and names of a bounded number of
queues for those who may see them.
"""

import itertools
import json
import logging
import sys
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from cumulo.core.lazy import LazyModule

if TYPE_CHECKING:
    from prometheus_client import core as prometheus
    from prometheus_client.openmetrics import exposition

    from cumulo.queue_service.census import QueueFigures
else:
    # Imported at the first scrape: with the web server that it brings along, 10 ms and 2 MB.
    prometheus = LazyModule("prometheus_client.core")
    exposition = LazyModule("prometheus_client.openmetrics.exposition")

METRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_BUCKET_NAMES = (*(str(float(bound)) for bound in _BUCKETS_S), "+Inf")
QUEUES_OF_TRUSTED = 100
Census = Callable[[int], Awaitable["Sequence[QueueFigures]"]]
"""Returns the figures of so many queues, the largest."""
_QUEUE_METRICS = (
    ("messages_visible", "visible", "Messages of a queue that are ready to be received."),
    ("messages_delayed", "delayed", "Messages of a queue that are held back by a delay."),
    (
        "messages_in_flight",
        "in_flight",
        "Messages of a queue that were received, and not deleted or visible again.",
    ),
    (
        "oldest_message_age_seconds",
        "oldest_age_s",
        "Age of the oldest message in a queue, whoever holds it: SQS's ApproximateAgeOfOldestMessage.",
    ),
    ("lag_seconds", "lag_s", "Age of the message that the next receive from a queue gets; 0 where none is visible."),
    (
        "noisy_groups",
        "noisy_groups",
        "Message groups of a standard queue that are noisy: ApproximateNumberOfNoisyGroups.",
    ),
    (
        "messages_visible_in_quiet_groups",
        "quiet_visible",
        "Messages of a standard queue that are ready to be received, without those of noisy groups.",
    ),
    (
        "messages_delayed_in_quiet_groups",
        "quiet_delayed",
        "Messages of a standard queue that are held back by a delay, without those of noisy groups.",
    ),
    (
        "messages_in_flight_in_quiet_groups",
        "quiet_in_flight",
        "Messages of a standard queue that were received, and not deleted, without those of noisy groups.",
    ),
    (
        "oldest_message_age_in_quiet_groups_seconds",
        "quiet_oldest_age_s",
        "Age of the oldest message of a standard queue that is ready to be received, without those of noisy groups.",
    ),
)
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


class _Calls:
    """The finished calls of one operation: how many of each status, how many of each duration, how long in all."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.buckets = [0] * (len(_BUCKETS_S) + 1)
        self.seconds = 0.0


class CallMetrics:
    """Counts the calls of one edge; the observer that the edge tells of finished ones.

    Prometheus' own counters take a lock for each figure, 2.5 µs a call; these are made into its form at each scrape.
    They are counted on the event loop, which is where they are read.
    """

    def __init__(self, prefix: str, protocol: str) -> None:
        self._prefix = prefix
        self._protocol = protocol
        self._calls: dict[tuple[str, str], _Calls] = {}

    def finished(self, service: str, operation: str, status: str, seconds: float, request_id: str) -> None:
        """Count one finished call."""
        del request_id
        calls = self._calls.get((service, operation))
        if calls is None:
            calls = self._calls[service, operation] = _Calls()
        calls.statuses[status] = calls.statuses.get(status, 0) + 1
        calls.buckets[bisect_left(_BUCKETS_S, seconds)] += 1
        calls.seconds += seconds

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Show what was counted until now."""
        requests = prometheus.CounterMetricFamily(
            f"{self._prefix}_requests",
            f"Finished {self._protocol} calls.",
            labels=("service", "operation", "status"),
        )
        durations = prometheus.HistogramMetricFamily(
            f"{self._prefix}_duration_seconds",
            f"Time from the arrival of a {self._protocol} call to its answer; parked polls and streams count whole.",
            labels=("service", "operation"),
        )
        for names, calls in self._calls.items():
            for status, count in calls.statuses.items():
                requests.add_metric((*names, status), count)
            up_to = zip(_BUCKET_NAMES, itertools.accumulate(calls.buckets), strict=True)
            durations.add_metric(names, [(name, float(count)) for name, count in up_to], calls.seconds)
        return requests, durations


class Metrics:
    """All that the server shows, in the form of a registry. `rpc` and `aws` are the observers of the two edges."""

    def __init__(self) -> None:
        self.rpc = CallMetrics("cumulo_rpc", "gRPC")
        self.aws = CallMetrics("cumulo_aws", "AWS")
        self._parked = _Gauge("cumulo_parked_receivers", "Receivers that wait for messages now.")
        self._damaged = _Gauge(
            "cumulo_blobs_damaged",
            "Bodies that the scrub's last whole pass found damaged or missing, or this pass where it found more.",
        )
        self._census: Census | None = None
        self._queues_open_max = 0
        self._queues = _QueueCollector()
        self._deliveries = _DeliveryCollector()
        self._scrubbed = _ScrubCollector()
        self._replicated = _ReplicationCollector()
        self._collectors: list[_Collector] = [
            self.rpc,
            self.aws,
            self._parked,
            self._damaged,
            self._queues,
            self._deliveries,
            self._scrubbed,
            self._replicated,
        ]

    def show_parked(self, count: Callable[[], int]) -> None:
        """Show how many receivers are parked, asked at each scrape."""
        self._parked.value = count

    def show_topic_deliveries(self, outcomes: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Show how deliveries to endpoints of topics came out, by protocol and outcome, asked at each scrape."""
        self._deliveries.outcomes = outcomes

    def show_scrub(self, bytes_read: Callable[[], int], damaged: Callable[[], int]) -> None:
        """Show what the scrub has done, asked at each scrape."""
        self._scrubbed.bytes_read = bytes_read
        self._damaged.value = damaged

    def show_replication(
        self, outcomes: Callable[[], Mapping[str, int]], waiting: Callable[[], int], lag_ms: Callable[[], int]
    ) -> None:
        """Show what replication between buckets has done, asked at each scrape."""
        self._replicated.outcomes = outcomes
        self._replicated.waiting = waiting
        self._replicated.lag_ms = lag_ms

    def show_queues(self, census: Census, open_max: int) -> None:
        """Show the figures of the queues of a census, taken at each scrape: to everybody at most `open_max`."""
        self._census = census
        self._queues_open_max = open_max

    def add_engine(self, engine: EngineStats) -> None:
        """Show the engine's figures as gauges `cumulo_engine_…`, read at each scrape."""
        self._collectors.append(_EngineCollector(engine))

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Show everything."""
        return itertools.chain.from_iterable(collector.collect() for collector in self._collectors)

    async def render(self, *, trusted: bool) -> bytes:
        """Return the OpenMetrics text; for a `trusted` reader with at least `QUEUES_OF_TRUSTED` queues."""
        limit = max(self._queues_open_max, QUEUES_OF_TRUSTED if trusted else 0)
        figures = await self._census(limit) if self._census is not None and limit else ()
        self._queues.figures = figures
        text: bytes = exposition.generate_latest(self)  # type: ignore[no-untyped-call]
        return text


class _Collector(Protocol):
    """What is asked at each scrape."""

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Show the figures now."""
        ...


class _Gauge:
    def __init__(self, name: str, meaning: str) -> None:
        self._name = name
        self._meaning = meaning
        self.value: Callable[[], int] = lambda: 0

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Ask now."""
        yield prometheus.GaugeMetricFamily(self._name, self._meaning, self.value())


class _QueueCollector:
    def __init__(self) -> None:
        self.figures: Sequence[QueueFigures] = ()

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Show the last census."""
        for metric, field, meaning in _QUEUE_METRICS:
            family = prometheus.GaugeMetricFamily(
                f"cumulo_queue_{metric}", meaning, labels=("account", "region", "queue")
            )
            for it in self.figures:
                value = getattr(it, field)
                if value is not None:
                    family.add_metric((it.account, it.region, it.name), value)
            yield family


class _ScrubCollector:
    def __init__(self) -> None:
        self.bytes_read: Callable[[], int] = lambda: 0

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Ask now."""
        yield prometheus.CounterMetricFamily(
            "cumulo_scrub_bytes", "Bytes of bodies that the scrub has verified.", self.bytes_read()
        )


class _DeliveryCollector:
    def __init__(self) -> None:
        self.outcomes: Callable[[], Mapping[tuple[str, str], int]] = dict

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Show what was counted until now."""
        family = prometheus.CounterMetricFamily(
            "cumulo_topic_deliveries",
            "Attempts to deliver to endpoints of topics that were taken or failed, and messages that were given up.",
            labels=("protocol", "outcome"),
        )
        for names, count in sorted(self.outcomes().items()):
            family.add_metric(names, count)
        yield family


class _ReplicationCollector:
    def __init__(self) -> None:
        self.outcomes: Callable[[], Mapping[str, int]] = dict
        self.waiting: Callable[[], int] = lambda: 0
        self.lag_ms: Callable[[], int] = lambda: 0

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Ask now."""
        family = prometheus.CounterMetricFamily(
            "cumulo_replications",
            "Versions, delete markers and changes of versions that arrived in another bucket, or failed to.",
            labels=("status",),
        )
        for outcome, count in sorted(self.outcomes().items()):
            family.add_metric((outcome,), count)
        yield family
        yield prometheus.GaugeMetricFamily(
            "cumulo_replication_keys", "Keys of which something is being replicated, or is next.", self.waiting()
        )
        yield prometheus.GaugeMetricFamily(
            "cumulo_replication_lag_seconds",
            "Time between the commit and the arrival of what was replicated last.",
            self.lag_ms() / 1000,
        )


class _EngineCollector:
    def __init__(self, engine: EngineStats) -> None:
        self._engine = engine

    def collect(self) -> "Iterable[prometheus.Metric]":
        """Read the figures now."""
        for name, value in msgspec.structs.asdict(self._engine.stats()).items():
            yield prometheus.GaugeMetricFamily(
                f"cumulo_engine_{name}", f"The storage engine's {name.replace('_', ' ')}.", value
            )
