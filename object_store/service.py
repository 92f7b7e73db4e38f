"""The room's only stateful object: resolve, authorise, run, page, and do what is due.

Owns what a transaction function must not do: it follows names on a snapshot, stamps requests with times and origins,
seals and opens page tokens and upload ids, moves bodies between callers and the blob store, and does the room's due
work. Knows no wire protocol.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.names import Arn, is_region, parse_arn, parse_resource_name
from cumulo.core.operations import Check, Checks, Operation, Result
from cumulo.core.ports import DeliveryTarget
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy
from cumulo.identity.room import Resolved, Room
from cumulo.object_store import garbage, keys, model, naming, outbox, page_tokens
from cumulo.object_store.buckets import Creation, Found, allocate_partition, find_bucket
from cumulo.object_store.conditions import check_write
from cumulo.object_store.downloads import Readers, check_range
from cumulo.object_store.errors import (
    INVALID_ARGUMENT,
    INVALID_LOCATION_CONSTRAINT,
    INVALID_REQUEST,
    MALFORMED_POLICY,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
)
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.listing import Listed, ListStep, first_position, list_step
from cumulo.object_store.multipart import OpenUpload, expire_uploads, find_upload, forget_completed
from cumulo.object_store.notifications import check_rules
from cumulo.object_store.objects import DeletedSlice, find_object, refusals
from cumulo.object_store.operations import TABLE, batch_delete_checks
from cumulo.object_store.scrubbing import Scrub
from cumulo.object_store.stamping import Origin, Stamped
from cumulo.storage.blobs import BlobStore
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Due, Engine
from cumulo.storage.idempotency import Once, check_request_id, run_once

DELETES_PER_TRANSACTION = 200
"""A slice of a batch delete: some 6 operations an object, of 2,000."""
_log = logging.getLogger("cumulo.object_store")

Resolver = Callable[[CallContext, Operation, Any], Awaitable[Resolved]]


class _Begun(msgspec.Struct, frozen=True):
    """A listing after its first step."""

    step: ListStep
    listed: Listed


class Service(Room):
    """The buckets of a server.

    Arguments: `engine`, `authorizer`, `clock`, `randomness` as for every room; `sealer` seals page tokens and upload
    ids; `blobs` is the started blob store; `targets` are the places that notifications go to, by the service in their
    ARN (`sqs`). Call `start` on the event loop before the first call, `drain` before the engine closes.
    """

    table = TABLE

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
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self.blobs = blobs
        self.targets = targets
        self.readers = Readers()
        self._sealer = sealer
        self.scrub = Scrub(self)
        self._sweep: asyncio.Task[None] | None = None
        self._scrubbing: asyncio.Task[None] | None = None
        self._resolvers: dict[str, Resolver] = {
            "CreateBucket": self._resolve_create_bucket,
            "GetBucket": self._resolve_in_bucket,
            "ListBuckets": self._resolve_list_buckets,
            "DeleteBucket": self._resolve_delete_bucket,
            "GetBucketPolicy": self._resolve_policy,
            "SetBucketPolicy": self._resolve_policy,
            "DeleteBucketPolicy": self._resolve_policy,
            "GetBucketNotification": self._resolve_in_bucket,
            "SetBucketNotification": self._resolve_set_notification,
            "PutObject": self._resolve_put,
            "GetObject": self._resolve_read,
            "HeadObject": self._resolve_read,
            "DeleteObject": self._resolve_delete,
            "ListObjects": self._resolve_list_objects,
            "CreateMultipartUpload": self._resolve_create_upload,
            "UploadPart": self._resolve_upload,
            "CompleteMultipartUpload": self._resolve_upload,
            "AbortMultipartUpload": self._resolve_upload,
            "ListParts": self._resolve_upload,
            "ListMultipartUploads": self._resolve_list_uploads,
        }

    async def start(self) -> None:
        """Begin to sweep the blobs that an earlier run left without a name, and after that to scrub all others."""
        self._sweep = asyncio.create_task(self._sweep_orphans(), name="sweep of blobs")
        self._scrubbing = asyncio.create_task(self._scrub_after(self._sweep), name="scrub of blobs")

    async def drain(self) -> None:
        """End the sweep and the scrub; transfers end with their callers."""
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
        }

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the bucket or object of an ARN, None where there is no such bucket."""
        parsed = parse_arn(arn)
        found = None if parsed is None else await self._find(parsed.resource.partition("/")[0])
        return None if found is None else Guard(found.row.account, found.policy)

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the bucket's name, check the request and stamp it."""
        return await self._resolvers[operation.name](ctx, operation, request)

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation; a batch in slices, a listing over as many snapshots as it takes."""
        if operation == "BatchDeleteObjects":
            return Result(await self._batch_delete(ctx, request))
        result = await super().call(ctx, operation, request, body)
        if isinstance(result.value, _Begun):
            return Result(await self._finish_listing(result.value))
        return result

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Turn what a transaction answered into what its caller gets."""
        match request:
            case model.ListObjects():
                return _Begun(resolved.request, value)
            case model.ListBuckets():
                buckets, last = _page(value, resolved.request.limit)
                token = self._page_token(_buckets_listing(*resolved.request.request), last and last.name.encode())
                return model.BucketPage(buckets, token)
            case model.ListParts():
                parts, last = _page(value, resolved.request.limit)
                place = last and last.part_number.to_bytes(2, "big")
                return model.PartPage(parts, self._page_token(_parts_listing(resolved.request), place))
            case model.ListMultipartUploads():
                return self._present_uploads(resolved.request, value)
            case model.CreateMultipartUpload():
                return page_tokens.seal_upload(self._sealer, resolved.request.partition, value)
            case model.GetBucketPolicy():
                return resource_policy.shown(value, self.engine)
            case model.SetBucketNotification():
                return resolved.request.request.rules
        return value

    def _page_token(self, listing: page_tokens.Parameters, place: bytes | None) -> str:
        return page_tokens.seal_page(self._sealer, listing, place) if place else ""

    def _present_uploads(self, stamped: Stamped, found: list[OpenUpload]) -> model.UploadPage:
        partition = stamped.partition
        uploads, last = _page(found, stamped.limit)
        place = last and keys.upload_key(b"", last.key, last.upload)[len(keys.UPLOADS) :]
        shown = [
            model.Upload(one.key, page_tokens.seal_upload(self._sealer, partition, one.upload), one.create_ms)
            for one in uploads
        ]
        return model.UploadPage(shown, self._page_token(_uploads_listing(partition, stamped.request.prefix), place))

    # Following names

    async def _find(self, name: str) -> Found | None:
        found: Found | None = await self.engine.read((ROOT,), find_bucket, name)
        return found

    async def _bucket(self, name: str) -> Found | None:
        naming.check_bucket_name(name)
        return await self._find(name)

    def _stamp(self, ctx: CallContext, request: Any, found: Found) -> Stamped:
        return Stamped(
            request=request,
            partition=found.row.partition,
            now_ms=self.clock.deadline_ms(),
            wall_ms=self.clock.wall_ms(),
            origin=Origin(ctx.principal.id, ctx.source_ip, ctx.request_id),
        )

    def _missing(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve a request about a bucket that does not exist: who may not ask learns nothing."""
        assert operation.checks is not None
        return Resolved(
            request=None,
            partitions=(),
            checks=operation.checks(request),
            guard=Guard(ctx.principal.account),
            missing=NO_SUCH_BUCKET.error(bucket=request.bucket),
        )

    def _resolved(
        self,
        operation: Operation,
        request: Any,
        found: Found,
        stamped: Any,
        *,
        also: Checks = (),
        missing: ServiceError | None = None,
        root: bool = False,
        grows: bool = True,
    ) -> Resolved:
        assert operation.checks is not None
        partition = found.row.partition
        return Resolved(
            request=stamped,
            partitions=(ROOT, partition) if root else (partition,),
            checks=operation.checks(request) + also,
            guard=Guard(found.row.account, found.policy),
            missing=missing,
            grows=grows,
        )

    # Buckets

    async def _resolve_create_bucket(
        self, ctx: CallContext, operation: Operation, request: model.CreateBucket
    ) -> Resolved:
        naming.check_bucket_name(request.bucket)
        region = request.region or ctx.region
        if not is_region(region):
            raise INVALID_LOCATION_CONSTRAINT.error(region=naming.shown(region))
        assert operation.checks is not None
        checks, guard = operation.checks(request), Guard(ctx.principal.account)
        self.authorizer.authorize(ctx, checks, guard)  # before a partition is spent on it
        partition: bytes = await self.engine.transact((ROOT,), allocate_partition, None)
        creation = Creation(request.bucket, ctx.principal.account, region, partition, self.clock.wall_ms())
        return Resolved(creation, (ROOT, partition), checks, guard)

    async def _resolve_in_bucket(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve a request that is about nothing but its bucket."""
        found = await self._bucket(request.bucket)
        if found is None:
            return self._missing(ctx, operation, request)
        return self._resolved(operation, request, found, self._stamp(ctx, request, found), root=True)

    async def _resolve_list_buckets(
        self, ctx: CallContext, operation: Operation, request: model.ListBuckets
    ) -> Resolved:
        account = ctx.principal.account
        limit = naming.check_page_size(request.page_size)
        naming.check_text("prefix", request.prefix, model.KEY_BYTES_MAX)
        after = b""
        if request.page_token:
            after = page_tokens.open_page(self._sealer, _buckets_listing(account, request.prefix), request.page_token)
        assert operation.checks is not None
        return Resolved(
            request=Stamped(request=(account, request.prefix), after=after, limit=limit + 1),
            partitions=(ROOT,),
            checks=operation.checks(request),
            guard=Guard(account),
        )

    async def _resolve_delete_bucket(
        self, ctx: CallContext, operation: Operation, request: model.DeleteBucket
    ) -> Resolved:
        found = await self._bucket(request.bucket)
        if found is None:
            # It may be the repetition of the call that deleted it: the root partition remembers.
            return msgspec.structs.replace(self._missing(ctx, operation, request), partitions=(ROOT,))
        stamped = self._stamp(ctx, request, found)
        return self._resolved(operation, request, found, stamped, root=True, grows=False)

    async def _resolve_policy(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        found = await self._bucket(request.bucket)
        stored = ""
        if isinstance(request, model.SetBucketPolicy):
            stored = self._checked_policy(request.policy)
        if found is None:
            return self._missing(ctx, operation, request)
        what = request if isinstance(request, model.GetBucketPolicy) else (request.bucket, stored)
        resolved = self._resolved(operation, request, found, self._stamp(ctx, what, found), root=True)
        if ctx.principal.arn == f"arn:aws:iam::{found.row.account}:root":
            # No policy locks the owner out of changing it (S3 user guide, "Bucket policies").
            return msgspec.structs.replace(resolved, guard=Guard(found.row.account))
        return resolved

    def _checked_policy(self, policy: str) -> str:
        try:
            return resource_policy.validate(policy, DocumentKind.BUCKET, self.engine)
        except MalformedPolicy as error:
            raise MALFORMED_POLICY.error(reason=str(error)) from error

    async def _resolve_set_notification(
        self, ctx: CallContext, operation: Operation, request: model.SetBucketNotification
    ) -> Resolved:
        found = await self._bucket(request.bucket)
        rules = tuple(_named_rule(ctx, rule) for rule in request.rules)
        check_rules(rules)
        if found is None:
            return self._missing(ctx, operation, request)
        assert operation.checks is not None
        # First, for what follows says something of the bucket and of the queues.
        self.authorizer.authorize(ctx, operation.checks(request), Guard(found.row.account, found.policy))
        # Inside one account a queue needs no policy to get events, so who configures them must be allowed to send:
        # another account that may configure this bucket must not reach the queues of its owner by it.
        for rule in rules:
            arn = parse_arn(rule.queue)
            if arn is not None and arn.account in (ctx.principal.account, found.row.account):
                self.authorizer.authorize(ctx, (Check("sqs:SendMessage", rule.queue),), Guard(arn.account))
        refused = self._refused_target(rules, found)
        checked = msgspec.structs.replace(request, rules=rules)
        stamped = self._stamp(ctx, checked, found)
        return self._resolved(operation, request, found, stamped, missing=refused)

    def _refused_target(self, rules: tuple[model.NotificationRule, ...], found: Found) -> ServiceError | None:
        for queue in sorted({rule.queue for rule in rules}):
            target = self.targets.get(outbox.arn_service(queue))
            reason = f"{queue} is no place that notifications can go to"
            if target is not None:
                reason = target.check(queue, model.bucket_arn(found.name), found.row.account)
            if reason:
                return INVALID_ARGUMENT.error(
                    parameter="queue",
                    value=naming.shown(queue),
                    allowed=f"unable to validate the following destination configurations: {reason}",
                )
        return None

    # Objects

    async def _resolve_put(self, ctx: CallContext, operation: Operation, request: model.PutObject) -> Resolved:
        found = await self._bucket(request.bucket)
        _check_description(request)
        _check_none_match(request.if_none_match)
        check_request_id(request.request_id)
        if found is None:
            return self._missing(ctx, operation, request)
        stamped = self._stamp(ctx, request, found)
        refused = None
        if (request.if_match or request.if_none_match) and not request.request_id:
            # Refused now rather than after 5 GiB; the transaction decides again, and knows repeated requests.
            there = await self.engine.read((found.row.partition,), find_object, stamped)
            refused = _refusal(there, request.key, request.if_match, request.if_none_match)
        return self._resolved(operation, request, found, stamped, missing=refused)

    async def _resolve_read(
        self, ctx: CallContext, operation: Operation, request: model.GetObject | model.HeadObject
    ) -> Resolved:
        found = await self._bucket(request.bucket)
        naming.check_key(request.key)
        if isinstance(request, model.GetObject):
            check_range(request.range)
        if found is None:
            return self._missing(ctx, operation, request)
        stamped = self._stamp(ctx, request, found)
        if await self.engine.read((found.row.partition,), find_object, stamped) is not None:
            return self._resolved(operation, request, found, stamped)
        # 404 is for those who may list; others learn no more than that they may not.
        return self._resolved(
            operation,
            request,
            found,
            stamped,
            also=(Check("s3:ListBucket", model.bucket_arn(request.bucket)),),
            missing=NO_SUCH_KEY.error(key=naming.shown(request.key)),
        )

    async def _resolve_delete(self, ctx: CallContext, operation: Operation, request: model.DeleteObject) -> Resolved:
        found = await self._bucket(request.bucket)
        naming.check_key(request.key)
        if found is None:
            return self._missing(ctx, operation, request)
        return self._resolved(operation, request, found, self._stamp(ctx, request, found), grows=False)

    async def _batch_delete(
        self, ctx: CallContext, request: model.BatchDeleteObjects
    ) -> tuple[model.ItemError | None, ...]:
        """Delete objects, each decided for itself, a slice a transaction; returns the error of each entry, or None."""
        found = await self._bucket(request.bucket)
        check_request_id(request.request_id)
        if not 1 <= len(request.entries) <= model.BATCH_DELETE_MAX:
            raise naming.out_of_range(
                "entries", f"of {len(request.entries)} entries", f"1 to {model.BATCH_DELETE_MAX} entries"
            )
        guard = Guard(ctx.principal.account) if found is None else Guard(found.row.account, found.policy)
        errors = self._refused_entries(ctx, request, guard)
        if found is None:
            # Who may delete nothing is answered as for a bucket that there is.
            if len(errors) < len(request.entries):
                raise NO_SUCH_BUCKET.error(bucket=request.bucket)
            return tuple(errors.values())
        allowed = [index for index in range(len(request.entries)) if index not in errors]
        for first in range(0, len(allowed), DELETES_PER_TRANSACTION):
            places = allowed[first : first + DELETES_PER_TRANSACTION]
            entries = tuple(request.entries[place] for place in places)
            outcome = await self._delete_slice(ctx, request, found, entries, first)
            errors |= {places[index]: error for index, error in refusals(outcome, entries).items()}
        return tuple(errors.get(index) for index in range(len(request.entries)))

    def _refused_entries(
        self, ctx: CallContext, request: model.BatchDeleteObjects, guard: Guard
    ) -> dict[int, model.ItemError]:
        errors = {}
        for index, (entry, checks) in enumerate(zip(request.entries, batch_delete_checks(request), strict=True)):
            try:
                naming.check_key(entry.key)
                self.authorizer.authorize(ctx, checks, guard)
            except ServiceError as error:
                if error.row.grpc_status not in (ACCESS_DENIED.grpc_status, INVALID_ARGUMENT.grpc_status):
                    raise
                errors[index] = model.ItemError(error.row.code, error.message)
        return errors

    async def _delete_slice(
        self,
        ctx: CallContext,
        request: model.BatchDeleteObjects,
        found: Found,
        entries: tuple[model.DeleteEntry, ...],
        first: int,
    ) -> DeletedSlice:
        handler = TABLE["BatchDeleteObjects"].handler
        assert handler is not None
        slice_ = msgspec.structs.replace(request, entries=entries)
        stamped = self._stamp(ctx, slice_, found)
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

    async def _resolve_list_objects(
        self, ctx: CallContext, operation: Operation, request: model.ListObjects
    ) -> Resolved:
        found = await self._bucket(request.bucket)
        limit = naming.check_page_size(request.page_size)
        for parameter, text in (
            ("prefix", request.prefix),
            ("delimiter", request.delimiter),
            ("start_after", request.start_after),
        ):
            naming.check_text(parameter, text, model.KEY_BYTES_MAX)
        if found is None:
            return self._missing(ctx, operation, request)
        partition = found.row.partition
        if request.page_token:
            listing = _objects_listing(partition, request.prefix, request.delimiter)
            position = page_tokens.open_page(self._sealer, listing, request.page_token)
        else:
            position = first_position(request.prefix, request.delimiter, request.start_after)
        step = ListStep(
            partition=partition,
            bucket=request.bucket,
            prefix=request.prefix,
            delimiter=request.delimiter,
            position=position,
            limit=limit,
        )
        return self._resolved(operation, request, found, step)

    async def _finish_listing(self, begun: _Begun) -> model.ObjectPage:
        """Go on until the page is full or nothing is left, a snapshot a step."""
        step, listed = begun.step, begun.listed
        objects, prefixes = listed.objects, listed.common_prefixes
        while listed.position and not listed.is_full:
            step = msgspec.structs.replace(step, position=listed.position, limit=step.limit - len(listed))
            listed = await self.engine.read((step.partition,), list_step, step)
            objects += listed.objects
            prefixes += listed.common_prefixes
        listing = _objects_listing(step.partition, step.prefix, step.delimiter)
        return model.ObjectPage(objects, prefixes, self._page_token(listing, listed.position))

    # Multipart uploads

    async def _resolve_create_upload(
        self, ctx: CallContext, operation: Operation, request: model.CreateMultipartUpload
    ) -> Resolved:
        found = await self._bucket(request.bucket)
        _check_description(request)
        if found is None:
            return self._missing(ctx, operation, request)
        return self._resolved(operation, request, found, self._stamp(ctx, request, found))

    async def _resolve_upload(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve a request about an open upload."""
        found = await self._bucket(request.bucket)
        naming.check_key(request.key)
        limit = 0
        match request:
            case model.UploadPart():
                _check_part_number(request.part_number)
                check_request_id(request.request_id)
            case model.CompleteMultipartUpload():
                _check_none_match(request.if_none_match)
                _check_completed_parts(request.parts)
            case model.ListParts():
                limit = naming.check_page_size(request.page_size) + 1
        if found is None:
            return self._missing(ctx, operation, request)
        stamped = self._stamp(ctx, request, found)
        missing = None
        try:
            upload = page_tokens.open_upload_id(self._sealer, found.row.partition, request.upload_id)
            stamped = msgspec.structs.replace(stamped, upload=upload, limit=limit)
            if isinstance(request, model.UploadPart) and not request.request_id:
                await self.engine.read((found.row.partition,), find_upload, stamped)
            if isinstance(request, model.ListParts) and request.page_token:
                after = page_tokens.open_page(self._sealer, _parts_listing(stamped), request.page_token)
                stamped = msgspec.structs.replace(stamped, after=after)
        except ServiceError as error:
            missing = error
        grows = not isinstance(request, model.AbortMultipartUpload)
        return self._resolved(operation, request, found, stamped, missing=missing, grows=grows)

    async def _resolve_list_uploads(
        self, ctx: CallContext, operation: Operation, request: model.ListMultipartUploads
    ) -> Resolved:
        found = await self._bucket(request.bucket)
        limit = naming.check_page_size(request.page_size)
        naming.check_text("prefix", request.prefix, model.KEY_BYTES_MAX)
        if found is None:
            return self._missing(ctx, operation, request)
        after = b""
        if request.page_token:
            listing = _uploads_listing(found.row.partition, request.prefix)
            after = page_tokens.open_page(self._sealer, listing, request.page_token)
        stamped = msgspec.structs.replace(self._stamp(ctx, request, found), after=after, limit=limit + 1)
        return self._resolved(operation, request, found, stamped)

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

    async def _on_object_notify(self, entries: list[Due]) -> None:
        await outbox.notify(self, entries)

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


def _buckets_listing(account: str, prefix: str) -> page_tokens.Parameters:
    return ("buckets", account, prefix)


def _objects_listing(partition: bytes, prefix: str, delimiter: str) -> page_tokens.Parameters:
    return ("objects", partition, prefix, delimiter)


def _parts_listing(stamped: Stamped) -> page_tokens.Parameters:
    return ("parts", stamped.partition, stamped.upload)


def _uploads_listing(partition: bytes, prefix: str) -> page_tokens.Parameters:
    return ("uploads", partition, prefix)


def _named_rule(ctx: CallContext, rule: model.NotificationRule) -> model.NotificationRule:
    """Return a rule with its queue's ARN, and with an id where it has none: the same one if it is set again."""
    queue, place = rule.queue, None
    if not queue.startswith("arn:"):
        place = parse_resource_name(queue, "queues", ctx.principal.account, ctx.region)
    if place is not None:
        account, region, name = place
        queue = str(Arn("sqs", region, account, name))
    identity = hashlib.sha256(msgspec.msgpack.encode((queue, rule.events, rule.prefix, rule.suffix)))
    return msgspec.structs.replace(rule, queue=queue, id=rule.id or identity.hexdigest()[:32])


def _check_description(request: model.PutObject | model.CreateMultipartUpload) -> None:
    naming.check_key(request.key)
    naming.check_content_type(request.content_type)
    naming.check_metadata(request.metadata)


def _check_none_match(if_none_match: str) -> None:
    if if_none_match not in ("", model.ANY_ETAG):
        raise INVALID_ARGUMENT.error(
            parameter="if_none_match", value=naming.shown(if_none_match), allowed="a write takes only *"
        )


def _check_part_number(part_number: int) -> None:
    if not 1 <= part_number <= model.PARTS_MAX:
        raise naming.out_of_range("part_number", part_number, f"an integer between 1 and {model.PARTS_MAX}, inclusive")


def _check_completed_parts(parts: tuple[model.CompletedPart, ...]) -> None:
    if not parts:
        raise INVALID_REQUEST.error(reason="You must specify at least one part.")
    if len(parts) > model.PARTS_MAX:
        raise naming.out_of_range("parts", f"of {len(parts)} parts", f"at most {model.PARTS_MAX} parts")
    for part in parts:
        _check_part_number(part.part_number)


def _refusal(there: ObjectRecord | None, key: str, if_match: str, if_none_match: str) -> ServiceError | None:
    """Return the error with which a conditional write would be refused now."""
    try:
        check_write(there, key, if_match, if_none_match)
    except ServiceError as error:
        return error
    return None
