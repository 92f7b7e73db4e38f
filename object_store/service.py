"""The room's only stateful object: resolve, authorise, run, page, and do what is due.

Owns what a transaction function must not do: it seals page tokens and upload ids, moves bodies between callers and the
blob store, runs batches in slices and listings over several snapshots, and does the room's due work. What a request is
about, the `resolve_*` files find out. Knows no wire protocol.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.lazy import LazyModule
from cumulo.core.names import parse_arn
from cumulo.core.operations import Operation, Result
from cumulo.core.ports import DeliveryTarget, KeyService, MessageSender, RemoteTarget
from cumulo.core.tokens import TokenSealer
from cumulo.identity import owners, resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.owners import Owner
from cumulo.identity.room import Resolved, Room
from cumulo.object_store import (
    access_logs,
    acl_access,
    body_model,
    bucket_model,
    configuration_model,
    configurations,
    garbage,
    keys,
    listing_model,
    locks,
    naming,
    notification_model,
    object_model,
    outbox,
    page_tokens,
    resolve_buckets,
    resolve_configurations,
    resolve_copies,
    resolve_listings,
    resolve_notifications,
    resolve_objects,
    resolve_uploads,
    upload_model,
)
from cumulo.object_store.access_logs import AccessLog
from cumulo.object_store.buckets import Found, clear_deleted
from cumulo.object_store.downloads import Readers
from cumulo.object_store.encryption import check_unread
from cumulo.object_store.errors import INVALID_ARGUMENT, INVALID_VERSION, NO_SUCH_BUCKET, NO_SUCH_VERSION
from cumulo.object_store.keys import UploadRecord
from cumulo.object_store.lifecycle import LIFECYCLE, Ageing, age, groups_of
from cumulo.object_store.lifecycle_index import AskedUpload, upload_ending
from cumulo.object_store.lifecycle_model import Ending
from cumulo.object_store.lifecycle_rules import S3_TERMS, Terms
from cumulo.object_store.lifecycle_survey import Surveying, survey
from cumulo.object_store.listing import E, Listed, ListStep, list_step
from cumulo.object_store.multipart import ListedParts, ListedUploads, expire_uploads, forget_completed
from cumulo.object_store.objects import DeletedSlice
from cumulo.object_store.operations import TABLE, batch_delete_checks
from cumulo.object_store.remote_deliveries import RemoteDeliveries
from cumulo.object_store.renames import SourceChanged
from cumulo.object_store.replication import Replicator
from cumulo.object_store.resolving import Desk, Resolver, guard_of
from cumulo.object_store.scrubbing import Scrub
from cumulo.object_store.sealing import ObjectSeals
from cumulo.object_store.stamping import Stamped
from cumulo.object_store.version_listing import VersionStep, list_versions
from cumulo.object_store.versions import check_version_id
from cumulo.storage.blobs import BlobStore
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Due, Engine, ReadTxn
from cumulo.storage.idempotency import Once, check_request_id, run_once
from cumulo.storage.remembered import Remembered
from cumulo.storage.rewraps import begin_walk
from cumulo.storage.storage_keys import StorageKeys

if TYPE_CHECKING:
    from cumulo.object_store import rewraps
else:
    rewraps = LazyModule("cumulo.object_store.rewraps")

DELETES_PER_TRANSACTION = 90
"""A slice of a batch delete: up to 20 operations an object where versions are kept and go elsewhere, and rules act, of
2,000.
"""
_RESOLVERS: Mapping[str, Resolver] = {
    **resolve_buckets.RESOLVERS,
    **resolve_configurations.RESOLVERS,
    **resolve_notifications.RESOLVERS,
    **resolve_objects.RESOLVERS,
    **resolve_copies.RESOLVERS,
    **resolve_listings.RESOLVERS,
    **resolve_uploads.RESOLVERS,
}
_log = logging.getLogger("cumulo.object_store")


class _Begun(msgspec.Struct, frozen=True):
    """A listing after its first step."""

    step: ListStep
    listed: Listed[Any]


class Service(Room):
    """The buckets of a server.

    Arguments: `engine`, `authorizer`, `clock`, `randomness` as for every room; `sealer` seals page tokens and upload
    ids; `blobs` is the started blob store; `targets` are the places that notifications go to, by the service in their
    ARN (`sqs`), `remotes` those beyond its transactions, by service or scheme (`sns`, `https`), `event_bus` is the one
    of them that EventBridge's go to, empty for none; `sender` stores the messages that an object's commit carries;
    `defaults` hold for new buckets; by `terms` lifecycle rules act; `access_log_interval_s` is the time between
    deliveries of an access log; bodies are encrypted under `storage_keys` or keys of `key_service`. Call `start` on the
    event loop before the first call, `drain` before the engine closes.
    """

    table = TABLE
    resolved_anew = (SourceChanged,)
    resolves_max = 3
    changes = "The number of changes of an object at once"

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        *,
        sealer: TokenSealer,
        blobs: BlobStore,
        targets: Mapping[str, DeliveryTarget],
        storage_keys: StorageKeys,
        sender: MessageSender | None = None,
        remotes: Mapping[str, RemoteTarget] = MappingProxyType({}),
        event_bus: str = "",
        defaults: configuration_model.BucketDefaults = configuration_model.BucketDefaults(),  # noqa: B008 - a frozen value
        terms: Terms = S3_TERMS,
        access_log_interval_s: int = 300,
        key_service: KeyService | None = None,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self.blobs = blobs
        self.targets = targets
        self.remotes = remotes
        self.event_bus = event_bus
        self.remote = RemoteDeliveries(self)
        self.replicator = Replicator(self)
        self.sender = sender
        self._storage_keys = storage_keys
        self.seals = ObjectSeals(randomness, storage_keys, clock, key_service)
        self.readers = Readers()
        self._sealer = sealer
        self._owners = Remembered(engine, (ROOT,), owners.owner)
        self.scrub = Scrub(self)
        self._sweep: asyncio.Task[None] | None = None
        self._scrubbing: asyncio.Task[None] | None = None
        self.access_log = AccessLog(self, access_log_interval_s * 1000)
        self._configured = Remembered(engine, (), configurations.read_of)
        self._terms = terms
        self.desk = Desk(
            engine,
            authorizer,
            clock,
            sealer,
            targets,
            sender,
            defaults,
            terms,
            self.seals,
            remotes,
        )

    async def start(self) -> None:
        """Begin to log, to sweep the blobs that an earlier run left without a name, and after that to scrub all others;
        and what a new storage key asks for.
        """
        await begin_walk(self.engine, self.clock, self._storage_keys, keys.REWRAPS)
        await self.access_log.start()
        self._sweep = asyncio.create_task(self._sweep_orphans(), name="sweep of blobs")
        self._scrubbing = asyncio.create_task(self._scrub_after(self._sweep), name="scrub of blobs")

    async def drain(self) -> None:
        """End the sweep and the scrub, leave events and replicas to the next start, and write what the access log
        holds.

        Transfers end with their callers.
        """
        await self.access_log.drain()
        await self.remote.drain()
        await self.replicator.drain()
        for target in {id(it): it for it in self.remotes.values()}.values():
            await target.close()
        for task in (self._scrubbing, self._sweep):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the room's due kinds."""
        return {
            keys.BLOB_DELETE: self._on_blob_delete,
            keys.UPLOAD_CLEAR: self._on_upload_clear,
            keys.UPLOAD_EXPIRE: self._on_upload_expire,
            keys.UPLOAD_FORGET: self._on_upload_forget,
            keys.OBJECT_NOTIFY: self._on_object_notify,
            keys.BUCKET_CLEAR: self._on_bucket_clear,
            keys.OBJECT_REPLICATE: self.replicator.take,
            keys.OBJECT_AGE: self._on_object_age,
            keys.BUCKET_SURVEY: self._on_bucket_survey,
            keys.ACCESS_DELIVER: self._on_access_deliver,
            keys.OBJECT_REWRAP: self._on_object_rewrap,
        }

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the bucket or object of an ARN, None where there is no such bucket."""
        parsed = parse_arn(arn)
        found = None if parsed is None else await self._visited(parsed.resource.partition("/")[0])
        return None if found is None else Guard(found.row.account, found.policy)

    async def owner(self, account: str) -> Owner:
        """Return an account as lists and documents name an owner or a grantee."""
        found: Owner = await self._owners.read(account)
        return found

    async def region(self, bucket: str) -> str:
        """Return the region of a bucket, an empty text where there is none. Nobody is asked whether the caller may: S3
        tells everybody, since clients must know where to ask.
        """
        found = await self.desk.find(bucket)
        return "" if found is None else found.row.region

    async def _visited(self, name: str) -> Found | None:
        """Follow a name that stood in a URL, whatever it is: what no bucket may be called is none."""
        try:
            return await self.desk.bucket(name)
        except ServiceError:
            return None

    async def cors_rules(self, bucket: str) -> Sequence[Any] | None:
        """Return a bucket's CORS rules (`aws_s3.CORSRule`), None where there is no such bucket. Browsers ask without a
        signature, so nobody is asked whether he may.
        """
        found = await self._visited(bucket)
        if found is None:
            return None
        value = await self._configured.read((found.row.partition, configurations.CORS), (found.row.partition,))
        return () if value is None else value.CORSRules

    async def website(self, bucket: str) -> Any:
        """Return a bucket's website (`aws_s3.WebsiteConfiguration`), an empty tuple where it has none, None where there
        is no such bucket: whoever comes to a website's host is told.
        """
        found = await self._visited(bucket)
        if found is None:
            return None
        value = await self._configured.read((found.row.partition, configurations.WEBSITE), (found.row.partition,))
        return () if value is None else value

    async def logged_bucket(self, bucket: str) -> Found | None:
        """Return a bucket whose requests are logged, None where they are not."""
        found = await self._visited(bucket)
        return found if found is not None and found.row.is_logged else None

    async def charges_requester(self, bucket: str) -> bool:
        """Say whether those who use a bucket pay for it."""
        found = await self._visited(bucket)
        return found is not None and found.row.requester_pays

    async def ending(self, bucket: str, key: str, create_ms: int = 0) -> Ending | None:
        """Return when a lifecycle rule aborts an upload, None for never; without a time, one that is begun now."""
        found = await self.desk.find(bucket)
        if found is None or not found.row.lifecycle:
            return None
        partition = found.row.partition
        upload = AskedUpload(partition, found.row.lifecycle, key, create_ms or self.clock.wall_ms())
        ending: Ending | None = await self.engine.read((partition,), upload_ending, upload)
        return ending

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the bucket's name, check the request and stamp it."""
        return await _RESOLVERS[operation.name](self.desk, ctx, operation, request)

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation; a batch in slices, a listing over as many snapshots as it takes."""
        if operation == "BatchDeleteObjects":
            return Result(await self._batch_delete(ctx, request))
        result = await super().call(ctx, operation, request, body)
        if isinstance(result.value, _Begun):
            step, listed = result.value.step, result.value.listed
            if isinstance(step, VersionStep):
                return Result(await self._finish_versions(step, listed))
            return Result(await self._finish_listing(step, listed))
        return result

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Turn what a transaction answered into what its caller gets."""
        match request:
            case listing_model.ListObjects():
                return listing_model.ObjectPage([], []) if request.without_entries else _Begun(resolved.request, value)
            case listing_model.ListObjectVersions():
                return listing_model.VersionPage([], []) if request.without_entries else _Begun(resolved.request, value)
            case bucket_model.ListBuckets():
                listing = page_tokens.buckets_listing(*resolved.request.request)
                return bucket_model.BucketPage(value.buckets, self._page_token(listing, value.last.encode()))
            case upload_model.ListParts():
                return self._present_parts(request, resolved.request, value)
            case upload_model.ListMultipartUploads():
                return self._present_uploads(request, resolved.request, value)
            case upload_model.CreateMultipartUpload():
                upload_id = page_tokens.seal_upload(self._sealer, resolved.request.partition, value)
                return upload_model.CreatedUpload(upload_id, resolved.request.encryption)
            case configuration_model.ListBucketConfigurations():
                stamped = resolved.request
                listing = page_tokens.configurations_listing(stamped.partition, request.kind)
                return configuration_model.ConfigurationPage(
                    value.values, self._page_token(listing, value.last.encode())
                )
            case object_model.HeadObject() | object_model.GetObjectAttributes():
                check_unread(value.object.encryption, request.customer)
            case bucket_model.GetBucketPolicy():
                return resource_policy.shown(value, self.engine)
            case notification_model.SetBucketNotification():
                asked = resolved.request.request
                return notification_model.BucketNotification(asked.rules, asked.event_bridge)
            case configuration_model.SetBucketConfiguration(kind=configurations.LOGGING):
                self.access_log.is_used = True
        return value

    def _page_token(self, listing: page_tokens.Parameters, place: bytes) -> str:
        return page_tokens.seal_page(self._sealer, listing, place) if place else ""

    def _present_parts(
        self, request: upload_model.ListParts, stamped: Stamped, listed: ListedParts
    ) -> upload_model.PartPage:
        upload = _shown_upload(request.key, request.upload_id, listed.record)
        if request.without_entries:
            return upload_model.PartPage([], upload=upload)
        parts, last = _page(listed.parts, stamped.limit)
        number = 0 if last is None else last.part_number
        listing = page_tokens.parts_listing(stamped.partition, stamped.upload)
        token = self._page_token(listing, number.to_bytes(4, "big") if number else b"")
        return upload_model.PartPage(parts, token, number, upload)

    def _present_uploads(
        self, request: upload_model.ListMultipartUploads, step: ListStep, listed: ListedUploads
    ) -> upload_model.UploadPage:
        if request.without_entries:
            return upload_model.UploadPage([])
        uploads = [
            _shown_upload(one.key, page_tokens.seal_upload(self._sealer, step.partition, one.upload), one.record)
            for one in listed.uploads
        ]
        if not listed.position:
            return upload_model.UploadPage(uploads, common_prefixes=listed.common_prefixes)
        token = self._page_token(
            page_tokens.uploads_listing(step.partition, step.prefix, step.delimiter), listed.position
        )
        last = uploads[-1] if uploads else None
        last_key, last_id = (last.key, last.upload_id) if last is not None else ("", "")
        if listed.common_prefixes and listed.common_prefixes[-1].encode() > last_key.encode():
            last_key, last_id = listed.common_prefixes[-1], ""
        return upload_model.UploadPage(uploads, token, listed.common_prefixes, last_key, last_id)

    # Batch deletes

    async def _batch_delete(
        self, ctx: CallContext, request: object_model.BatchDeleteObjects
    ) -> tuple[object_model.Deleted | object_model.ItemError, ...]:
        """Delete objects, each decided for itself, a slice a transaction; returns what became of each entry."""
        found = await self.desk.bucket(request.bucket)
        check_request_id(request.request_id)
        if not 1 <= len(request.entries) <= object_model.BATCH_DELETE_MAX:
            raise naming.out_of_range(
                "entries", f"of {len(request.entries)} entries", f"1 to {object_model.BATCH_DELETE_MAX} entries"
            )
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        results: dict[int, object_model.Deleted | object_model.ItemError] = {}
        results |= await self._refused_entries(ctx, request, found)
        allowed = [index for index in range(len(request.entries)) if index not in results]
        if any(request.entries[place].bypasses_governance for place in allowed):
            refused = locks.refused_bypass(locks_objects=found.row.locks_objects)
            if refused is not None:
                raise refused
        for first in range(0, len(allowed), DELETES_PER_TRANSACTION):
            places = allowed[first : first + DELETES_PER_TRANSACTION]
            entries = tuple(
                resolve_objects.bypassing_entry(self.desk, ctx, request.bucket, request.entries[place], found)
                for place in places
            )
            outcome = await self._delete_slice(ctx, request, found, entries, first)
            results |= zip(places, outcome.outcomes(found.row.partition, entries), strict=True)
        return tuple(results[index] for index in range(len(request.entries)))

    async def _refused_entries(
        self, ctx: CallContext, request: object_model.BatchDeleteObjects, found: Found
    ) -> dict[int, object_model.ItemError]:
        errors, guard, account = {}, guard_of(ctx, found), ctx.principal.account
        for index, (entry, checks) in enumerate(zip(request.entries, batch_delete_checks(request), strict=True)):
            try:
                naming.check_key(entry.key)
                check_version_id(entry.version_id)
                asked = object_model.DeleteObject(bucket=request.bucket, key=entry.key, version_id=entry.version_id)
                record = await self.desk.condition_record(checks, found, asked)
                self.authorizer.authorize(ctx, acl_access.with_stored(checks, account, found.row, record), guard)
            except ServiceError as error:
                if error.row.grpc_status not in (ACCESS_DENIED.grpc_status, INVALID_ARGUMENT.grpc_status):
                    raise
                if error.row is INVALID_VERSION:
                    # In a batch, S3 calls an id that no version can have one that none has.
                    error = NO_SUCH_VERSION.error()
                errors[index] = object_model.ItemError(error.row.code, error.message)
        return errors

    async def _delete_slice(
        self,
        ctx: CallContext,
        request: object_model.BatchDeleteObjects,
        found: Found,
        entries: tuple[object_model.DeleteEntry, ...],
        first: int,
    ) -> DeletedSlice:
        handler = TABLE["BatchDeleteObjects"].handler
        assert handler is not None
        slice_ = msgspec.structs.replace(request, entries=entries)
        stamped = self.desk.stamp(ctx, slice_, found)
        function: Callable[[Any, Any], Any] = handler
        argument: Any = stamped
        if request.request_id:
            function = run_once
            argument = Once(
                partition=found.row.partition,
                account=ctx.principal.account,
                operation="BatchDeleteObjects",
                request_id=f"{request.request_id}/{first}",
                identity=msgspec.msgpack.encode(slice_),
                now_ms=stamped.now_ms,
                window_ms=TABLE["BatchDeleteObjects"].idempotency_window_ms,
                function=handler,
                request=stamped,
                result_type=DeletedSlice,
            )
        outcome: DeletedSlice = await self.engine.transact((found.row.partition,), function, argument, grows=False)
        return outcome

    # Listings

    async def _read_on(self, step: ListStep, listed: Listed[E], read: Callable[[ReadTxn, Any], Listed[E]]) -> Listed[E]:
        """Go on until the page is full or nothing is left, a snapshot a step; returns all that was found."""
        found, prefixes = listed.objects, listed.common_prefixes
        while listed.position and not listed.is_full:
            step = msgspec.structs.replace(step, position=listed.position, limit=step.limit - len(listed))
            listed = await self.engine.read((step.partition,), read, step)
            found += listed.objects
            prefixes += listed.common_prefixes
        return Listed(found, prefixes, listed.position, listed.is_full)

    async def _finish_listing(
        self, step: ListStep, listed: Listed[listing_model.ObjectSummary]
    ) -> listing_model.ObjectPage:
        listed = await self._read_on(step, listed, list_step)
        objects, prefixes = listed.objects, listed.common_prefixes
        if not listed.position:
            return listing_model.ObjectPage(objects, prefixes)
        listing = page_tokens.objects_listing(step.partition, step.prefix, step.delimiter)
        last = max(objects[-1].key if objects else "", prefixes[-1] if prefixes else "", key=str.encode)
        return listing_model.ObjectPage(objects, prefixes, self._page_token(listing, listed.position), last)

    async def _finish_versions(
        self, step: VersionStep, listed: Listed[listing_model.ObjectVersion]
    ) -> listing_model.VersionPage:
        listed = await self._read_on(step, listed, list_versions)
        versions, prefixes = listed.objects, listed.common_prefixes
        if not listed.position:
            return listing_model.VersionPage(versions, prefixes)
        token = self._page_token(
            page_tokens.versions_listing(step.partition, step.prefix, step.delimiter), listed.position
        )
        last_key, last_id = (versions[-1].key, versions[-1].version_id) if versions else ("", "")
        if prefixes and prefixes[-1].encode() > last_key.encode():
            last_key, last_id = prefixes[-1], ""
        return listing_model.VersionPage(versions, prefixes, token, last_key, last_id)

    # Due work

    async def _on_blob_delete(self, entries: list[Due]) -> None:
        await garbage.delete_blobs(self, entries)

    async def _on_upload_clear(self, entries: list[Due]) -> None:
        await garbage.clear_uploads(self, entries)

    async def _on_upload_expire(self, entries: list[Due]) -> None:
        partitions = tuple({entry.key[:PARTITION_BYTES] for entry in entries})
        await self.engine.transact(partitions, expire_uploads, tuple(entries), grows=False)

    async def _on_upload_forget(self, entries: list[Due]) -> None:
        partitions = tuple({entry.key[:PARTITION_BYTES] for entry in entries})
        await self.engine.transact(partitions, forget_completed, tuple(entries), grows=False)

    async def _on_access_deliver(self, entries: list[Due]) -> None:
        await access_logs.deliver(self, entries)

    async def _on_bucket_clear(self, entries: list[Due]) -> None:
        for entry in entries:
            partition = entry.key[:PARTITION_BYTES]
            while await self.engine.transact((partition,), clear_deleted, entry, grows=False):
                pass

    async def _on_object_notify(self, entries: list[Due]) -> None:
        await outbox.notify(self, entries)

    async def _on_object_age(self, entries: list[Due]) -> None:
        for group in groups_of(entries):
            partitions = tuple({entry.key[:PARTITION_BYTES] for entry in group})
            await self.engine.transact(partitions, age, Ageing(group, self._at_night(b"")), grows=False)

    async def _on_bucket_survey(self, entries: list[Due]) -> None:
        for entry in entries:
            partition = entry.key[:PARTITION_BYTES]
            surveying = Surveying(entry, self._at_night(partition))
            await self.engine.transact((partition,), survey, surveying, grows=False)

    async def _on_object_rewrap(self, entries: list[Due]) -> None:
        await rewraps.Rewraps(self).run(entries)

    def _at_night(self, partition: bytes) -> Stamped:
        """Return what the transactions of lifecycle rules, which nobody asked for, must be told."""
        return Stamped(
            request=None,
            partition=partition,
            now_ms=self.clock.deadline_ms(),
            wall_ms=self.clock.wall_ms(),
            origin=LIFECYCLE,
            terms=self._terms,
        )

    async def _sweep_orphans(self) -> None:
        try:
            removed = await garbage.sweep_orphans(self)
        except OSError:
            _log.exception("the sweep of blobs without a name failed; the next start repeats it")
        else:
            if removed:
                _log.info("removed blobs that no record named", extra={"blobs": removed})

    async def _scrub_after(self, sweep: "asyncio.Task[None]") -> None:
        await asyncio.wait((sweep,))
        await self.scrub.run()


def _page(found: list[Any], limit: int) -> tuple[list[Any], Any]:
    """Return a page of `limit` - 1 entries, and its last one where there are more; one more than a page was read."""
    if len(found) < limit:
        return found, None
    return found[:-1], found[-2]


def _shown_upload(key: str, upload_id: str, record: UploadRecord) -> upload_model.Upload:
    return upload_model.Upload(
        key,
        upload_id,
        record.create_ms,
        storage_class=record.storage_class or object_model.STANDARD,
        checksum=record.checksum,
        checksum_type=(body_model.COMPOSITE if record.is_composite else body_model.FULL_OBJECT)
        if record.checksum
        else "",
        initiator=record.initiator,
        owner="" if record.acl is None else record.acl.owner,
    )
