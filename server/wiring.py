"""Makes a house of the rooms: one engine, one clock, one authoriser, and each room's service on them.

The only file that knows every room's constructor. Owns what must be started and closed, and in which order.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import msgspec

from cumulo.core.clocks import Clock, SystemClock
from cumulo.core.ids import Randomness, SystemRandomness
from cumulo.core.lazy import LazyModule
from cumulo.core.settings import Settings
from cumulo.core.tokens import TokenSealer
from cumulo.gateway.aws_edge import AwsEdge
from cumulo.gateway.rpc import LazyHandler, RpcAdaptor
from cumulo.identity import edge_grpc as identity_edge
from cumulo.identity import service as identity_room
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.bootstrap import RootCredentials, bootstrap
from cumulo.identity.credentials import Credentials
from cumulo.identity.sealing import SecretBox
from cumulo.key_service import entrances as key_entrances
from cumulo.key_service import keys as key_schema
from cumulo.object_store import edge_grpc as object_edge
from cumulo.object_store import service as object_room
from cumulo.object_store.acl_model import OWNERS_ENFORCED
from cumulo.object_store.configuration_model import BucketDefaults
from cumulo.object_store.encryption_model import BucketEncryption
from cumulo.object_store.lifecycle_rules import SMALL_BYTES, Terms
from cumulo.queue_service import edge_grpc as queue_edge
from cumulo.queue_service import entrances
from cumulo.queue_service import service as queue_room
from cumulo.queue_service.edge_grpc_enclosures import QueueSender
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.topic_signing import TopicSigner
from cumulo.runner import edge_grpc as runner_edge
from cumulo.runner import service as runner_room
from cumulo.runner.message_jobs import MessageJobs
from cumulo.server.aws_services import aws_services
from cumulo.server.event_targets import event_targets
from cumulo.server.late_rooms import LateKeyService, LateRoom
from cumulo.server.mail import mail_server
from cumulo.server.observability import Metrics
from cumulo.server.pages import Pages
from cumulo.storage import clock_record, failpoints, idempotency
from cumulo.storage.blobs import BlobStore
from cumulo.storage.data_folder import DataFolder
from cumulo.storage.due_pump import DuePump
from cumulo.storage.engine import Due, Engine
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.rewraps import begin_walk
from cumulo.storage.storage_keys import open_storage_keys

if TYPE_CHECKING:
    from cumulo.key_service import edge_grpc as key_edge
    from cumulo.key_service import service as key_room
    from cumulo.queue_service import (
        census,
        edge_grpc_logs,
        edge_grpc_schedules,
        edge_grpc_topics,
        log_service,
        outgoing_folder,
    )
    from cumulo.queue_service.topic_service import TopicService
    from cumulo.server import check, topic_wiring
else:
    census = LazyModule("cumulo.queue_service.census")
    edge_grpc_logs = LazyModule("cumulo.queue_service.edge_grpc_logs")
    edge_grpc_schedules = LazyModule("cumulo.queue_service.edge_grpc_schedules")
    edge_grpc_topics = LazyModule("cumulo.queue_service.edge_grpc_topics")
    key_edge = LazyModule("cumulo.key_service.edge_grpc")
    key_room = LazyModule("cumulo.key_service.service")
    log_service = LazyModule("cumulo.queue_service.log_service")
    outgoing_folder = LazyModule("cumulo.queue_service.outgoing_folder")
    check = LazyModule("cumulo.server.check")
    topic_wiring = LazyModule("cumulo.server.topic_wiring")

ROOT_CREDENTIALS_FILE = "root_credentials.json"
_TOKEN_KEY_ID = 1

_log = logging.getLogger("cumulo.server")


class House(msgspec.Struct):
    """Everything that a server runs, started."""

    rpc_handlers: Sequence[grpc.GenericRpcHandler]
    rpc_service_names: Sequence[str]
    pages: Pages
    pump: DuePump
    root_access_key_id: str
    new_root_secret: str
    rooms: Sequence[Any]
    reached_at: Callable[[str], None]
    """To be told where the HTTP port answers, before the first call."""
    drained: bool = False

    def __repr__(self) -> str:
        return "House()"

    async def drain(self) -> None:
        """Answer what is parked, in every room; once."""
        if not self.drained:
            self.drained = True
            await asyncio.gather(*(room.drain() for room in self.rooms))


@contextlib.asynccontextmanager
async def open_house(
    settings: Settings, path: Path, fail_stop: Callable[[], None], version: str
) -> AsyncIterator[House]:
    """Open the data folder and start every room; close all of it in the opposite order."""
    failpoints.arm(settings["failpoints"])
    async with contextlib.AsyncExitStack() as stack:
        folder = DataFolder(path)
        stack.callback(folder.close)
        reserve_bytes = settings["free_space_reserve_bytes"]
        engine: Engine
        if settings["ephemeral"]:
            engine = MemoryEngine()
        else:
            engine = LmdbEngine(
                folder.engine,
                reserve_bytes=reserve_bytes,
                on_failure=lambda _: fail_stop(),  # the engine has logged the reason
            )
        stack.push_async_callback(engine.close)
        clock = SystemClock(await clock_record.load(engine))
        stack.push_async_callback(_end, asyncio.create_task(clock_record.keep(engine, clock), name="clock record"))
        blobs = BlobStore(folder.blobs, engine, reserve_bytes=reserve_bytes)
        await blobs.start()
        stack.push_async_callback(blobs.close)
        house = await _build(settings, folder, engine, clock, blobs, version)
        stack.push_async_callback(house.drain)
        for room in house.rooms:
            await room.start()
        yield house


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _build(
    settings: Settings, folder: DataFolder, engine: Engine, clock: Clock, blobs: BlobStore, version: str
) -> House:
    randomness: Randomness = SystemRandomness()
    box = SecretBox(folder.server_key)
    sealer = TokenSealer({_TOKEN_KEY_ID: _derived(folder.server_key, b"cumulo opaque tokens")}, _TOKEN_KEY_ID)
    credentials_file = folder.secrets / ROOT_CREDENTIALS_FILE
    made = await bootstrap(engine, clock=clock, randomness=randomness, box=box, credentials_file=credentials_file)
    authorizer = Authorizer(engine, clock)
    credentials = Credentials(engine, clock, randomness, box)
    identity = identity_room.Service(
        engine, authorizer, clock, randomness, sealer=sealer, box=box, credentials=credentials
    )
    storage_keys = await open_storage_keys(folder, engine)
    await begin_walk(engine, clock, storage_keys, key_schema.REWRAPS)  # its room is made when the walk's entry is due
    notice_seals = NoticeSeals(LateKeyService(lambda: key_room.DataKeys(kms(), "sns")), randomness)
    queues = queue_room.Service(
        engine,
        authorizer,
        clock,
        randomness,
        sealer,
        storage_keys,
        in_flight_max=settings["queue_in_flight_max"],
        fifo_calls_per_s=settings["queue_fifo_calls_per_s"],
        key_service=LateKeyService(lambda: key_room.DataKeys(kms(), "sqs")),
        of_topics=notice_seals,
    )
    logs = LateRoom(lambda: log_service.LogService(engine, authorizer, clock, randomness, sealer), entrances.LOG_KINDS)
    signer, mail, base_url = TopicSigner(folder.secrets), mail_server(settings), ""

    def make_topics() -> "TopicService":
        made = topic_wiring.make_topics(
            settings,
            folder,
            engine,
            authorizer,
            clock,
            randomness,
            sealer,
            queues.seals,
            signer,
            mail,
            MessageJobs(runner),
            notice_seals,
        )
        made.base_url = base_url
        return made

    topics = LateRoom(make_topics, entrances.TOPIC_KINDS)
    kms = LateRoom(
        lambda: key_room.Service(engine, authorizer, clock, randomness, sealer=sealer, storage_keys=storage_keys),
        key_schema.DUE_KINDS,
    )
    objects = object_room.Service(
        engine,
        authorizer,
        clock,
        randomness,
        sealer=sealer,
        blobs=blobs,
        targets={"sqs": queues.delivery_target},
        storage_keys=storage_keys,
        sender=QueueSender(queues.desk),
        remotes=event_targets(settings, topics),
        event_bus=settings["s3_event_bus"],
        defaults=BucketDefaults(
            settings["s3_default_object_ownership"],
            settings["s3_default_public_access_block"],
            BucketEncryption() if settings["s3_default_encryption"] else None,
        ),
        terms=Terms(
            settings["s3_lifecycle_day_s"] * 1000,
            _transition_bytes_min(settings),
            settings["s3_restore_delay_s"] * 1000,
        ),
        access_log_interval_s=settings["s3_access_log_interval_s"],
        key_service=LateKeyService(lambda: key_room.DataKeys(kms(), "s3")),
    )
    runner = runner_room.Service(
        engine, authorizer, clock, randomness, sealer=sealer, queues=queues.delivery_target, queue_guard=queues.guard
    )

    async def guard_of_queue_or_log(arn: str) -> Guard | None:
        return await queues.guard(arn) or await logs.guard(arn)

    identity.add_guard_source("sqs", guard_of_queue_or_log)
    identity.add_guard_source("sns", topics.guard)
    identity.add_guard_source("s3", objects.guard)
    identity.add_guard_source("kms", kms.guard)
    rooms = (identity, kms, queues, logs, topics, objects, runner)
    pump = DuePump(engine, clock)

    async def forget_requests(entries: list[Due]) -> None:
        await idempotency.expire(engine, entries)

    pump.register(idempotency.DUE_KIND, forget_requests)
    for room in rooms:
        for kind, handler in room.due_handlers().items():
            pump.register(kind, handler)
    metrics = Metrics()
    metrics.show_topic_deliveries(lambda: topics.made.endpoints.outcomes if topics.made else {})
    metrics.show_parked(lambda: queues.parked + (logs.made.parked if logs.made else 0))
    metrics.show_queues(lambda limit: census.take_census(engine, clock, limit), settings["metrics_queues_max"])
    metrics.show_scrub(lambda: objects.scrub.bytes_read, lambda: objects.scrub.damaged)
    replicator = objects.replicator
    metrics.show_replication(lambda: replicator.outcomes, lambda: replicator.waiting, lambda: replicator.lag_ms)
    if isinstance(engine, LmdbEngine):
        metrics.add_engine(engine)
    rpc = RpcAdaptor(credentials, clock, randomness, metrics.rpc)
    services = aws_services(identity, queues, topics, objects, kms, _s3_dialect(settings))
    aws = AwsEdge(
        services,
        credentials,
        clock,
        randomness,
        metrics.aws,
        settings["s3_domains"],
        takes_version_2=_takes_version_2(settings),
        sites=settings["s3_website_hosts"],
    )

    def reached_at(url: str) -> None:
        nonlocal base_url
        base_url = url
        if topics.made:
            topics.made.base_url = url

    async def check_all() -> list[str]:
        return await check.check_house(engine, blobs, storage_keys)

    return House(
        rpc_handlers=(
            identity_edge.handlers(identity, rpc),
            queue_edge.handlers(queues, rpc),
            LazyHandler(entrances.LOG_SERVICE, lambda: edge_grpc_logs.handlers(logs(), rpc)),
            LazyHandler(entrances.SCHEDULE_SERVICE, lambda: edge_grpc_schedules.handlers(queues, rpc)),
            LazyHandler(entrances.TOPIC_SERVICE, lambda: edge_grpc_topics.handlers(topics(), queues, rpc)),
            LazyHandler(key_entrances.SERVICE_NAME, lambda: key_edge.handlers(kms(), rpc)),
            object_edge.handlers(objects, rpc),
            runner_edge.handlers(runner, rpc),
        ),
        rpc_service_names=(
            identity_edge.SERVICE_NAME,
            queue_edge.SERVICE_NAME,
            entrances.LOG_SERVICE,
            entrances.SCHEDULE_SERVICE,
            entrances.TOPIC_SERVICE,
            key_entrances.SERVICE_NAME,
            object_edge.SERVICE_NAME,
            runner_edge.SERVICE_NAME,
        ),
        pages=Pages(
            metrics,
            credentials,
            authorizer,
            randomness,
            check_all,
            version,
            aws,
            signer.certificate,
            lambda count: outgoing_folder.newest(folder.outgoing, count),
        ),
        reached_at=reached_at,
        pump=pump,
        root_access_key_id=made.access_key_id if made else _root_access_key_id(credentials_file),
        new_root_secret=made.secret_access_key if made else "",
        rooms=rooms,
    )


def _s3_dialect(settings: Settings) -> str:
    said: str = settings["s3_dialect"]
    if said == "auto":
        return "ceph" if _has_older_ownership(settings) and not settings["s3_default_public_access_block"] else "aws"
    return said


def _transition_bytes_min(settings: Settings) -> int:
    said: int | None = settings["s3_transition_bytes_min"]
    return said if said is not None else 0 if _s3_dialect(settings) == "ceph" else SMALL_BYTES


def _takes_version_2(settings: Settings) -> bool:
    said: str = settings["s3_version_2_signatures"]
    return said == "on" or (said == "auto" and _has_older_ownership(settings))


def _has_older_ownership(settings: Settings) -> bool:
    return str(settings["s3_default_object_ownership"]) != OWNERS_ENFORCED


def _root_access_key_id(path: Path) -> str:
    """Return the id in the credentials file of an earlier start; empty where the operator has removed it."""
    if not path.exists():
        return ""
    return msgspec.json.decode(path.read_bytes(), type=RootCredentials).access_key_id


def _derived(server_key: bytes, purpose: bytes) -> bytes:
    """Return a key of its own for one purpose (HKDF's expand step, RFC 5869, one block)."""
    return hmac.digest(server_key, purpose + b"\x01", hashlib.sha256)


async def check_closed_folder(path: Path) -> list[str]:
    """Check a data folder that no server has open."""
    folder = DataFolder(path)
    try:
        engine = LmdbEngine(folder.engine)
        try:
            blobs = BlobStore(folder.blobs, engine)
            try:
                return await check.check_house(engine, blobs, await open_storage_keys(folder, engine))
            finally:
                await blobs.close()
        finally:
            await engine.close()
    finally:
        folder.close()
