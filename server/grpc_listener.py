"""The gRPC listener: the rooms' handlers, health and reflection on one port, within limits from the first day.

Defaults of grpcio let one connection grow the server by 300 MB (reliability.md conclusion 5); the options here are why
it cannot.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from cumulo.core.lazy import LazyModule
from cumulo.server.certificate import ServedCertificate

_described: Any = LazyModule("cumulo.server.edge_grpc_reflection")
"""The descriptors that reflection shows."""
STREAMS_PER_CONNECTION_MAX = 100
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
METADATA_BYTES_MAX = 16 * 1024
PENDING_CALLS_MAX = 10_000
"""Calls of all connections that have come and that nobody has looked at yet: those of 100 full connections, which take
the loop two seconds. grpcio's own limit is 1,000; what is beyond it, grpcio answers with CANCELLED, which tells nobody
why. So the limit that callers meet is that of streams, whose refusals are UNAVAILABLE and say that nothing has begun.
"""
KEEPALIVE_MS = 60_000
KEEPALIVE_TIMEOUT_MS = 20_000
PING_INTERVAL_MIN_MS = 10_000
OPTIONS = (
    ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION_MAX),
    ("grpc.server.max_pending_requests", PENDING_CALLS_MAX),
    ("grpc.server.max_pending_requests_hard_limit", PENDING_CALLS_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MIN_MS),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.so_reuseport", 0),
)


def _credentials(certificate: ServedCertificate) -> grpc.ServerCredentials:
    """Return credentials that ask, at each handshake, whether the certificate is another one now."""
    shown = certificate.pem

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal shown
        if certificate.pem is shown:
            return None
        shown = certificate.pem
        return grpc.ssl_server_certificate_configuration([shown])

    # The stubs forget that the fetcher may return None for "as before", as grpc's documentation says.
    fetcher = cast("Callable[[], grpc.ServerCertificateConfiguration]", changed)
    return grpc.dynamic_ssl_server_credentials(grpc.ssl_server_certificate_configuration([shown]), fetcher)


class PortTaken(RuntimeError):
    """The address cannot be listened on."""


class GrpcListener:
    """One grpc.aio server."""

    def __init__(self, handlers: Sequence[grpc.GenericRpcHandler], service_names: Sequence[str]) -> None:
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers(tuple(handlers))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = ("", *service_names)
        reflection.enable_server_reflection(
            (*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server, pool=_described
        )

    async def start(self, host: str, port: int, certificate: ServedCertificate | None) -> int:
        """Listen; return the port that was bound."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if certificate is None:
                bound = self._server.add_insecure_port(address)
            else:
                bound = self._server.add_secure_port(address, _credentials(certificate))
        except RuntimeError as error:
            raise PortTaken(f"cannot listen on {address} for gRPC: {error}") from error
        await self._server.start()
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def not_serving(self) -> None:
        """Tell health checkers that this server goes away."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_s: float) -> None:
        """Take no new calls; let running ones finish for `grace_s`."""
        await self._server.stop(grace_s)
