"""Carries versions from the outbox of replication to the buckets where they go: the deed of `object.replicate`.

Promises: a key's versions are carried one after the other, other keys side by side, a few at once; nobody waits for a
large one but the versions behind it. While a key is under way its entry lies `HELD_MS` in the future: a crash only
delays it. What fails for a while is tried again, later each time; what cannot be done is `FAILED`, and says so to who
listens. A replica is made in the one commit that takes it off the outbox, so it is made once.

A replica has its source's bytes, version id, ETag, age, tags and description; storage class, owner and encryption are
the rule's to say; what only its writer can open is copied as it is stored. All is done in the name of the rules' role,
whose permissions on both buckets are asked each time anew. Source: S3 user guide, "What does Amazon S3 replicate?",
"Setting up permissions for live replication", "Getting replication status information", "Amazon S3 replication failure
reasons".
"""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from typing import Final, Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, DATA_LOSS, NOT_IMPLEMENTED, ServiceError
from cumulo.core.operations import Check
from cumulo.identity.authorizer import Authorizer
from cumulo.identity.principal_model import role_session
from cumulo.object_store import (
    acl,
    body_model,
    configuration_model,
    copies,
    copy_model,
    encryption_model,
    object_model,
)
from cumulo.object_store.acl_access import with_stored
from cumulo.object_store.background import Background
from cumulo.object_store.buckets import Found, versioning_of
from cumulo.object_store.downloads import open_for_reading, open_sealed
from cumulo.object_store.encryption import Plan, planned
from cumulo.object_store.errors import NO_SUCH_BUCKET, UNREPLICABLE_BUCKET
from cumulo.object_store.event_documents import CREATED_PUT, S3
from cumulo.object_store.keys import ObjectRecord, WayRecord
from cumulo.object_store.objects import CommitObject, Stored
from cumulo.object_store.remote_deliveries import retry_ms
from cumulo.object_store.replication_arrivals import (
    Arrival,
    First,
    Held,
    Key,
    Later,
    Wanted,
    arrive,
    description_of_replica,
    finish,
    hold,
    is_there,
    oldest,
    postpone,
)
from cumulo.object_store.replication_parts import Staged, is_sealed_for_others, receive_sealed, stage_parts
from cumulo.object_store.resolving import Desk, guard_of
from cumulo.object_store.stamping import Origin, Stamped
from cumulo.object_store.uploads import at_commit, begin_sealing, commit_body, receive
from cumulo.storage.engine import PARTITION_BYTES, Due

HELD_MS: Final = 60_000
UNDER_WAY_MAX: Final = 8
"""Keys at once: each may read and write 5 TiB, at 3 MiB of memory."""
QUEUED_MAX: Final = 10_000
HELD_PER_TRANSACTION: Final = 200
ATTEMPTS_MAX: Final = 300
"""With at most five minutes between two: about a day."""
SESSION: Final = "s3-replication"
"""What S3 calls the session of the role in which it replicates."""

_REASONS: Final = {NO_SUCH_BUCKET: "DstBucketNotFound", UNREPLICABLE_BUCKET: "DstBucketUnversioned"}
"""Of what a bucket is only found to be in the commit."""

_log = logging.getLogger("cumulo.object_store")


class Store(copies.Store, Protocol):
    """What replication needs of the service."""

    authorizer: Authorizer
    desk: Desk


class _Unfit(Exception):
    """A version cannot go to a bucket; its text is the reason as events tell it."""


class Replicator(Background):
    """The keys under way, and those that wait for their turn. `outcomes` counts what arrived and what failed; `lag_ms`
    is how long the last one took.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._held: dict[bytes, Due] = {}
        self._waiting: deque[bytes] = deque()
        self.outcomes: Counter[str] = Counter(completed=0, failed=0)
        self.lag_ms = 0

    @property
    def waiting(self) -> int:
        """How many keys have something under way."""
        return len(self._held)

    async def take(self, entries: list[Due]) -> None:
        """Take keys on: their entries lie in the future from now on."""
        if not self._store.engine.atomic_across:
            raise NOT_IMPLEMENTED.error(what="replication on an engine without transactions over partitions")
        until_ms = self._store.clock.deadline_ms() + HELD_MS
        for place in range(0, len(entries), HELD_PER_TRANSACTION):
            slice_ = tuple(entries[place : place + HELD_PER_TRANSACTION])
            partitions = tuple({entry.key[:PARTITION_BYTES] for entry in slice_})
            await self._store.engine.transact(partitions, hold, Held(slice_, until_ms), grows=False)
        for entry in entries:
            is_new = entry.key not in self._held
            if is_new and (self._is_closed or len(self._waiting) >= QUEUED_MAX):
                continue  # it comes again once it was held
            self._held[entry.key] = msgspec.structs.replace(entry, at_ms=until_ms)
            if is_new:
                self._waiting.append(entry.key)
        for _ in range(min(len(self._waiting), UNDER_WAY_MAX - len(self._tasks))):
            task = asyncio.create_task(self._work(), name="replication")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while self._waiting and not self._is_closed:
            prefix = self._waiting.popleft()
            try:
                await self._carry(Key(prefix))
            except ServiceError as error:
                _log.warning("replication was interrupted and goes on later: %s", error)
            except Exception:  # noqa: BLE001 - one key that fails must not hold up the others
                _log.exception("replication failed and is tried again")
            finally:
                self._held.pop(prefix, None)

    async def _carry(self, key: Key) -> None:
        """Carry the versions of a key, until none is left or one must wait."""
        engine = self._store.engine
        while True:
            first: First | None = await engine.read((key.partition,), oldest, key)
            if first is None:
                if await engine.transact((key.partition,), finish, self._held[key.prefix], grows=False):
                    return
                continue
            reason = ""
            try:
                await self._carry_one(key, first)
            except _Unfit as error:
                reason = str(error)
            except ServiceError as error:
                if _is_passing(error) and first.row.attempts + 1 < ATTEMPTS_MAX:
                    _log.warning("a version could not be replicated and is tried again: %s", error)
                    await self._wait(key, first)
                    return
                reason = _REASONS.get(error.row, "DstPutObjectNotPermitted")
                _log.warning("a version could not be replicated: %s", error)
            if reason:
                about = {"bucket": first.meta.name, "target": first.way.bucket, "reason": reason}
                _log.warning("a version was not replicated", extra=about)
                await self._arrive(key, first, reason=reason)
            if first.record is not None:
                self._count(first, reason)

    def _count(self, first: First, reason: str) -> None:
        self.outcomes["failed" if reason else "completed"] += 1
        self.lag_ms = max(self._store.clock.wall_ms() - first.row.wall_ms, 0)

    async def _wait(self, key: Key, first: First) -> None:
        later = Later(first, self._held[key.prefix], self._store.clock.deadline_ms() + retry_ms(first.row.attempts))
        await self._store.engine.transact((key.partition,), postpone, later, grows=False)

    async def _carry_one(self, key: Key, first: First) -> None:
        """Carry a version to the first of the buckets where it is to go; raises `_Unfit`."""
        record, way = first.record, first.way
        if record is None:
            await self._arrive(key, first)
            return
        source = await self._store.desk.find(first.meta.name)
        if source is None or source.row.partition != key.partition:
            raise _Unfit("SrcBucketNotFound")
        ctx = CallContext(
            principal=role_session(first.row.role, SESSION),
            request_id="replication",
            region=source.row.region,
            secure_transport=True,
        )
        shared = _shared(source, record, way)
        self._check_source(ctx, source, key.text, record, reads_acl=shared is not None)
        found = await self._destination(ctx, key.text, record, way)
        _check_kept(source, found, record)
        to = msgspec.structs.replace(ctx, region=found.row.region)
        request = copy_model.CopyObject(
            bucket=found.name,
            key=key.text,
            source=copy_model.CopySource(source.name, key.text, version_id=record.version_id),
        )
        target = self._store.desk.stamp(to, request, found, _plan(record, way, found))
        kept = None if shared is None or not found.row.object_ownership else acl.kept(*shared, found.row.account)
        target = msgspec.structs.replace(target, acl=kept)
        there = await self._store.engine.read(
            (found.row.partition,), is_there, Wanted(found, key.text, record.version_id)
        )
        if not there and first.row.is_change:
            raise _Unfit("DstVersionNotFound" if record.replication == object_model.REPLICA else "DstObjectHardDeleted")
        if there or record.is_delete_marker:
            await self._arrive(key, first, target=target)
            return
        await self._copy(key, first, record, (ctx, to), target)

    def _check_source(
        self, ctx: CallContext, source: Found, key: str, record: ObjectRecord, *, reads_acl: bool
    ) -> None:
        asked = [("s3:GetObjectVersionForReplication", "SrcGetObjectNotPermitted")]
        if record.tags:
            asked.append(("s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted"))
        if record.lock is not None:
            asked.append(("s3:GetObjectRetention", "SrcGetObjectNotPermitted"))
            asked.append(("s3:GetObjectLegalHold", "SrcGetObjectNotPermitted"))
        if reads_acl:
            asked.append(("s3:GetObjectVersionAcl", "SrcGetAclNotPermitted"))
        for action, reason in asked:
            self._check(ctx, source, action, key, record, reason)

    async def _destination(self, ctx: CallContext, key: str, record: ObjectRecord, way: WayRecord) -> Found:
        """Return the bucket where a version goes, where the role may put it there."""
        found = await self._store.desk.find(way.bucket)
        if found is None or way.account not in ("", found.row.account):
            raise _Unfit("DstBucketNotFound")
        versioning: str = await self._store.engine.read((found.row.partition,), versioning_of, found)
        if versioning != configuration_model.VERSIONING_ENABLED:
            raise _Unfit("DstBucketUnversioned")
        if record.is_delete_marker:
            asked = [("s3:ReplicateDelete", "DstDelObjNotPermitted")]
        else:
            asked = [("s3:ReplicateObject", "DstPutObjectNotPermitted")]
        if record.tags:
            asked.append(("s3:ReplicateTags", "DstPutTaggingNotPermitted"))
        if way.changes_owner:
            asked.append(("s3:ObjectOwnerOverrideToBucketOwner", "DstPutAclNotPermitted"))
        for action, reason in asked:
            self._check(ctx, found, action, key, None, reason)
        return found

    def _check(
        self, ctx: CallContext, found: Found, action: str, key: str, record: ObjectRecord | None, reason: str
    ) -> None:
        checks = (Check(action, object_model.object_arn(found.name, key)),)
        try:
            stored = with_stored(checks, ctx.principal.account, found.row, record)
            self._store.authorizer.authorize(ctx, stored, guard_of(ctx, found))
        except ServiceError as error:
            if error.row is not ACCESS_DENIED:
                raise
            _log.info("a role may not replicate: %s", error)
            raise _Unfit(reason) from error

    async def _copy(
        self,
        key: Key,
        first: First,
        record: ObjectRecord,
        contexts: tuple[CallContext, CallContext],
        target: Stamped,
    ) -> None:
        """Make the replica of a version that has bytes; the role reads in one region and writes in the other."""
        store, (ctx, to) = self._store, contexts
        source = self._source(key, first)
        try:
            sealing = await begin_sealing(store, to, target)
        except ServiceError as error:
            raise _of_key(error) from error
        if record.part_count:
            try:
                staged = await stage_parts(store, ctx, source, target, sealing)
            except ServiceError as error:
                raise _of_source(error) from error
            encryption = record.encryption if sealing is None else sealing.encryption
            target = msgspec.structs.replace(at_commit(store, target), encryption=encryption)
            await self._arrive(key, first, target=target, staged=staged)
            return
        try:
            if is_sealed_for_others(record):
                new = await receive_sealed(store, await open_sealed(store, source), record)
                new = msgspec.structs.replace(new, encryption=record.encryption)
            else:
                opened = await open_for_reading(store, ctx, source)
                async with contextlib.aclosing(opened.body):
                    expected = body_model.ExpectedContent(content_length=record.size_bytes)
                    new = await receive(store.blobs, opened.body, expected, sealing=sealing)
        except ServiceError as error:
            raise _of_source(error) from error
        commit = CommitObject(
            at_commit(store, target), new, description_of_replica(record, first.way), CREATED_PUT, record
        )
        arrival = Arrival(first, self._source(key, first), commit.stamped, commit)
        # The blob's row stands in the root partition, the outbox in that of the source.
        await commit_body(store, to, commit.stamped, new, arrive, arrival, Stored, also=(key.partition,))

    def _source(self, key: Key, first: First) -> Stamped:
        request = object_model.GetObject(bucket=first.meta.name, key=key.text, version_id=first.row.version_id)
        clock = self._store.clock
        return Stamped(
            request=request,
            partition=key.partition,
            now_ms=clock.deadline_ms(),
            wall_ms=clock.wall_ms(),
            origin=Origin(principal_id=S3, arn=S3),
            terms=self._store.desk.terms,
            is_versioned=True,
        )

    async def _arrive(
        self,
        key: Key,
        first: First,
        *,
        target: Stamped | None = None,
        staged: Staged | None = None,
        reason: str = "",
    ) -> None:
        arrival = Arrival(first, self._source(key, first), target, staged=staged, reason=reason)
        partitions = (key.partition,) if target is None else tuple({key.partition, target.partition})
        await self._store.engine.transact(partitions, arrive, arrival)


def _check_kept(source: Found, found: Found, record: ObjectRecord) -> None:
    """Raise `_Unfit` where a bucket cannot keep a version as it is."""
    if source.row.locks_objects and not found.row.locks_objects:
        raise _Unfit("DstBucketObjectLockConfigMissing")
    default = found.row.encryption
    if is_sealed_for_others(record) and default is not None and default.blocks_customer_keys:
        raise _Unfit("DstPutObjectNotPermitted")


def _is_passing(error: ServiceError) -> bool:
    """Say whether the same may succeed later: the server or its disk is at fault, or somebody holds the key."""
    return error.row is not DATA_LOSS and (error.row.retryable or error.row.http_status >= 500)


def _of_key(error: ServiceError) -> Exception:
    """Return why a replica cannot be encrypted, or the error itself where that may pass."""
    if _is_passing(error):
        return error
    return _Unfit("DstKmsKeyNotFound" if "NotFound" in error.row.code else "DstKmsKeyInvalidState")


def _of_source(error: ServiceError) -> Exception:
    """Return why a version cannot be read, or the error itself where that may pass."""
    if _is_passing(error):
        return error
    return _Unfit("SrcGetObjectNotPermitted" if error.row is ACCESS_DENIED else "SrcObjectNotFound")


def _shared(source: Found, record: ObjectRecord, way: WayRecord) -> acl.Owned | None:
    """Return whose a replica is, and whom its access control list lets do what; None where the destination's owner has
    it alone.
    """
    if way.changes_owner or not source.row.object_ownership:
        return None
    return acl.read(record.acl, source.row.account)


def _plan(record: ObjectRecord, way: WayRecord, found: Found) -> Plan | None:
    """Return how a replica is encrypted: as its source, or as the bucket has it where that is not."""
    encryption, default = record.encryption, found.row.encryption
    if record.is_delete_marker or is_sealed_for_others(record):
        return None
    if encryption is None:
        return planned(None, default)
    key_id = (way.kms_key_id or encryption.kms_key_arn) if encryption.algorithm in encryption_model.UNDER_KMS else ""
    return planned(encryption_model.AskedEncryption(encryption.algorithm, key_id), default)
