"""The way to a server: channels, the token, and the one place where a call gets its deadline and is tried again.

Promises: each call has a deadline; a call is repeated only where that is safe; a short call never waits behind parked
ones, for those travel on channels of their own. Knows no operation.
"""

import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from cumulo.api.identity.v1 import identity_pb2
from cumulo.api.identity.v1.identity_pb2_grpc import IdentityServiceStub
from cumulo.api.keys.v1.keys_pb2_grpc import KeyServiceStub
from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceStub
from cumulo.api.queue.v1.log_pb2_grpc import LogServiceStub
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.api.queue.v1.schedule_pb2_grpc import ScheduleServiceStub
from cumulo.api.runner.v1.runner_pb2_grpc import RunnerServiceStub
from cumulo.api.topics.v1.topics_pb2_grpc import TopicServiceStub
from cumulo.client._proofs import new_nonce, prove
from cumulo.client._retries import pause_before_retry
from cumulo.client._tasks import Channel, Lock, Method, open_channel, sleep
from cumulo.client._wire import new_request_id
from cumulo.client.configuration import Configuration
from cumulo.client.errors import Unauthenticated, from_rpc

if TYPE_CHECKING:
    from cumulo.api.identity.v1.identity_pb2_grpc import IdentityServiceAsyncStub
    from cumulo.api.keys.v1.keys_pb2_grpc import KeyServiceAsyncStub
    from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceAsyncStub
    from cumulo.api.queue.v1.log_pb2_grpc import LogServiceAsyncStub
    from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceAsyncStub
    from cumulo.api.queue.v1.schedule_pb2_grpc import ScheduleServiceAsyncStub
    from cumulo.api.runner.v1.runner_pb2_grpc import RunnerServiceAsyncStub
    from cumulo.api.topics.v1.topics_pb2_grpc import TopicServiceAsyncStub

DEADLINE_S = 10.0
HEAD_START_S = 0.2
STREAM_GRACE_S = 30.0
"""How long after its token's end a stream may still be open, should the server not end it."""
PARKED_PER_CHANNEL_MAX = 80
"""Of the 100 streams that a server lets a connection have; a parked call on a full one would wait unseen."""
TOKEN_LIFE_S = 900
TOKEN_RENEWAL_S = 90
"""So long before its end a token is renewed: longer than any unary call takes."""
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # else two channels to one target share a connection, and its 100 streams
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", 100),  # gRPC's own 1 s to 120 s outlives a restart of the server
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),  # a peer that vanished is noticed although nothing is being sent
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_retries", 0),  # the only retries are those below
)
_NO_PROXY = (("grpc.enable_http_proxy", 0),)
_LOOPBACK = ("127.", "localhost", "[::1]", "unix:")

T = TypeVar("T")
Metadata = tuple[tuple[str, str], ...]


class _Attempts:
    """How often a call was made, and how much of its deadline is left."""

    __slots__ = ("_deadline", "count", "renewed")

    def __init__(self, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self.count = 0
        self.renewed = False

    def left_s(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self._deadline - time.monotonic())


async def _head_first(frames: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Give the server time to refuse a repeated call by its first frame: a refusal that meets frames may be lost."""
    is_head = True
    async for frame in frames:
        yield frame
        if is_head:
            await sleep(HEAD_START_S)
            is_head = False


class AsyncLane:
    """One channel with the services' stubs, and how many parked calls and streams are on it."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.parked = 0

    @cached_property
    def queue(self) -> "QueueServiceAsyncStub":
        """The queue service."""
        return QueueServiceStub(self.channel)

    @cached_property
    def schedules(self) -> "ScheduleServiceAsyncStub":
        """The schedules of the queue service."""
        return ScheduleServiceStub(self.channel)

    @cached_property
    def log(self) -> "LogServiceAsyncStub":
        """The service of logs."""
        return LogServiceStub(self.channel)

    @cached_property
    def topics(self) -> "TopicServiceAsyncStub":
        """The service of topics."""
        return TopicServiceStub(self.channel)

    @cached_property
    def objects(self) -> "ObjectServiceAsyncStub":
        """The object service."""
        return ObjectServiceStub(self.channel)

    @cached_property
    def keys(self) -> "KeyServiceAsyncStub":
        """The key service."""
        return KeyServiceStub(self.channel)

    @cached_property
    def identity(self) -> "IdentityServiceAsyncStub":
        """The identity service."""
        return IdentityServiceStub(self.channel)

    @cached_property
    def runner(self) -> "RunnerServiceAsyncStub":
        """The runner service."""
        return RunnerServiceStub(self.channel)


class AsyncConnection:
    """Channels to one server, and the token of one access key."""

    def __init__(self, configuration: Configuration, *, timeout: float, retries: bool, token_life_s: int) -> None:
        self._configuration = configuration
        self._timeout = timeout
        self._retries = retries
        self._token_life_s = token_life_s
        self._lanes_lock = threading.Lock()
        self._short: AsyncLane | None = None
        self._parked: list[AsyncLane] = []
        self._closed = False
        self._token_lock = Lock()
        self._metadata: Metadata = ()
        self._renew_at = 0.0
        self._token_end = 0.0
        self._skew_ms = 0

    @property
    def configuration(self) -> Configuration:
        """What the connection was made from."""
        return self._configuration

    @property
    def timeout(self) -> float:
        """The deadline in seconds of a call that names none."""
        return self._timeout

    @property
    def retries(self) -> bool:
        """Say whether calls are made again after a passing failure."""
        return self._retries

    @property
    def lane(self) -> AsyncLane:
        """The channel of short calls."""
        lane = self._short
        if lane is None:
            with self._lanes_lock:
                lane = self._short
                if lane is None:
                    lane = self._short = self._new_lane()
        return lane

    def take_parked_lane(self) -> AsyncLane:
        """Return a channel with a place for a call that waits or a stream; give it back with `give_back`."""
        with self._lanes_lock:
            for lane in self._parked:
                if lane.parked < PARKED_PER_CHANNEL_MAX:
                    break
            else:
                lane = self._new_lane()
                self._parked.append(lane)
            lane.parked += 1
            return lane

    def give_back(self, lane: AsyncLane) -> None:
        """Free the place on a channel. Channels stay open: who parked often once will do so again."""
        with self._lanes_lock:
            lane.parked -= 1

    def _new_lane(self) -> AsyncLane:
        if self._closed:
            raise RuntimeError("the client is closed")
        it = self._configuration
        credentials = grpc.ssl_channel_credentials(Path(it.tls_ca).read_bytes()) if it.tls_ca else None
        options = CHANNEL_OPTIONS + (_NO_PROXY if it.target.startswith(_LOOPBACK) else ())
        return AsyncLane(open_channel(it.target, credentials, options))

    def request_id(self) -> str:
        """Return an idempotency id for a call that would not be safe to repeat without one.

        Empty where the client does not repeat calls: remembering an id costs the server a write.
        """
        return new_request_id() if self._retries else ""

    async def call(self, method: Method[T], request: object, timeout: float | None = None) -> T:
        """Make one call with one answer.

        It may be made again after an unclear failure, so it must be one that is idempotent by its nature or by the
        `request_id` that the caller set.
        """
        attempts = _Attempts(self._timeout if timeout is None else timeout)
        while True:
            metadata = self._metadata if time.monotonic() < self._renew_at else await self.metadata()
            try:
                return await method(request, timeout=attempts.left_s(), metadata=metadata)
            except grpc.RpcError as error:
                await self._pause_or_raise(error, metadata, attempts)

    async def call_streaming(self, method: Method[T], frames: Callable[[], AsyncIterator[Any]], timeout: float) -> T:
        """Make one call with a stream of frames, which `frames` begins anew, and one answer; it may be repeated."""
        attempts = _Attempts(timeout)
        while True:
            metadata = self._metadata if time.monotonic() < self._renew_at else await self.metadata()
            try:
                sent = _head_first(frames()) if attempts.count else frames()
                return await method(sent, timeout=attempts.left_s(), metadata=metadata)
            except grpc.RpcError as error:
                await self._pause_or_raise(error, metadata, attempts)

    async def _pause_or_raise(self, error: grpc.RpcError, metadata: Metadata, attempts: "_Attempts") -> None:
        """Return when the call that failed with `error` is to be made again; raise its typed form otherwise."""
        failure = from_rpc(error)
        if isinstance(failure, Unauthenticated) and not attempts.renewed:
            attempts.renewed = True  # nothing was done for a refused token, so this repeat is always safe
            self.discard_token(metadata)
            return
        attempts.count += 1
        pause = pause_before_retry(failure, attempts.count, attempts.left_s()) if self._retries else None
        if pause is None:
            raise failure from error
        await sleep(pause)

    async def metadata(self) -> Metadata:
        """Return the metadata of an authenticated call, with a token that holds for longer than a short call takes."""
        if time.monotonic() < self._renew_at:
            return self._metadata
        async with self._token_lock:
            if time.monotonic() >= self._renew_at:
                started = time.monotonic()
                token = (await self.issue_token(self._token_life_s)).token
                self._metadata = (
                    ("authorization", f"Bearer {token}"),
                    ("cumulo-region", self._configuration.region),
                )
                self._token_end = started + self._token_life_s
                self._renew_at = self._token_end - min(TOKEN_RENEWAL_S, self._token_life_s / 2)
            return self._metadata

    def discard_token(self, metadata: Metadata) -> None:
        """Get another token before the next call, unless that happened since `metadata` was taken."""
        if metadata is self._metadata:
            self._renew_at = 0.0

    def stream_deadline_s(self) -> float:
        """Return the deadline of a stream that is opened now: the server ends it with its token, some time before."""
        return max(0.0, self._token_end - time.monotonic()) + STREAM_GRACE_S

    async def issue_token(self, ttl_s: int) -> identity_pb2.IssueTokenResponse:
        """Trade a proof of the access key for a token.

        A clock that is too far from the server's is corrected by what the server says, once.
        """
        attempts = _Attempts(self._timeout)
        while True:
            try:
                return await self.lane.identity.IssueToken(self._token_request(ttl_s), timeout=attempts.left_s())
            except grpc.RpcError as error:
                failure = from_rpc(error)
                server_ms = failure.details.get("server_ms", "")
                attempts.count += 1
                if failure.code == "RequestExpired" and server_ms.isdecimal() and not attempts.renewed:
                    attempts.renewed = True
                    self._skew_ms = int(server_ms) - time.time_ns() // 1_000_000
                    continue
                pause = None
                if self._retries:  # each repeat is a new proof with a new nonce
                    pause = pause_before_retry(failure, attempts.count, attempts.left_s())
                if pause is None:
                    raise failure from error
                await sleep(pause)

    def _token_request(self, ttl_s: int) -> identity_pb2.IssueTokenRequest:
        it = self._configuration
        timestamp_ms = time.time_ns() // 1_000_000 + self._skew_ms
        nonce = new_nonce()
        return identity_pb2.IssueTokenRequest(
            access_key_id=it.access_key_id,
            timestamp_ms=timestamp_ms,
            nonce=nonce,
            ttl_s=ttl_s,
            proof=prove(it.access_key_id, it.secret_access_key, timestamp_ms, nonce, ttl_s),
        )

    async def close(self) -> None:
        """Close every channel; calls that are still running end."""
        with self._lanes_lock:
            self._closed = True
            lanes = [*self._parked, *([self._short] if self._short else [])]
            self._parked, self._short = [], None
        for lane in lanes:
            await lane.channel.close()
