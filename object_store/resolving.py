"""What every resolver of the room works with: the desk on which a bucket is looked up and a request is stamped.

A resolver reads a snapshot, raises what is wrong with the request itself, and says which checks on which guard decide
(`identity.room`). Promises that who may not ask learns nothing of what is in a bucket: what does not exist in it, or
must not be done now, is an answer for after the authorisation. That there is no bucket of a name is no secret: names
are the server's, as S3's are the world's, and whoever makes a bucket asks. Resolvers lie beside each other by concept
(`resolve_*`); the service runs them. Owns the following of names; knows no operation.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Checks, Operation
from cumulo.core.ports import DeliveryTarget, MessageSender, RemoteTarget
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.object_store import (
    acl_access,
    condition_keys,
    configuration_model,
    lock_model,
    locks,
    naming,
    object_model,
)
from cumulo.object_store.buckets import Found, find_bucket
from cumulo.object_store.encryption import Plan
from cumulo.object_store.errors import NO_SUCH_BUCKET
from cumulo.object_store.keys import ObjectRecord
from cumulo.object_store.lifecycle_rules import Terms
from cumulo.object_store.objects import find_object
from cumulo.object_store.payments import check_pays
from cumulo.object_store.sealing import ObjectSeals
from cumulo.object_store.stamping import Origin, Stamped
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.remembered import Remembered

_CONDITION_READS = ("s3:GetObject", "s3:GetObjectVersion")
"""What a condition of a write needs."""


def guard_of(ctx: CallContext, found: Found) -> Guard:
    """Return what protects a bucket from a caller: where its policy is public and its public access block restricts
    that, the policy does nothing for callers of other accounts. Raises `AccessDenied` where he must pay for the request
    and does not say that he will.
    """
    row = found.row
    check_pays(ctx, row)
    shut = row.is_policy_public and not row.may_be_public and ctx.principal.account != row.account
    return Guard(row.account, "" if shut else found.policy)


class Desk:
    """What resolvers share. `terms` are those by which lifecycle rules act, `defaults` hold for new buckets, `targets`
    and `remotes` are the places that notifications go to.
    """

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        sealer: TokenSealer,
        targets: Mapping[str, DeliveryTarget],
        sender: MessageSender | None,
        defaults: configuration_model.BucketDefaults,
        terms: Terms,
        seals: ObjectSeals,
        remotes: Mapping[str, RemoteTarget],
    ) -> None:
        self.engine = engine
        self.authorizer = authorizer
        self.clock = clock
        self.sealer = sealer
        self.targets = targets
        self.sender = sender
        self.defaults = defaults
        self.terms = terms
        self.seals = seals
        self.remotes = remotes
        self._followed = Remembered(engine, (ROOT,), find_bucket)

    async def find(self, name: str) -> Found | None:
        """Follow a bucket's name."""
        found: Found | None = await self._followed.read(name)
        return found

    async def bucket(self, name: str) -> Found | None:
        """Follow a name that a caller gave; raises `InvalidBucketName`."""
        naming.check_bucket_name(name)
        return await self.find(name)

    def stamp(self, ctx: CallContext, request: Any, found: Found, plan: Plan | None = None) -> Stamped:
        """Add to a request what its transaction must be told, and how what it brings is encrypted."""
        return Stamped(
            request=request,
            partition=found.row.partition,
            now_ms=self.clock.deadline_ms(),
            wall_ms=self.clock.wall_ms(),
            origin=Origin(ctx.principal.id, ctx.source_ip, ctx.request_id, ctx.principal.arn, ctx.trace_header),
            lifecycle=found.row.lifecycle,
            terms=self.terms,
            plan=plan,
            is_versioned=found.row.is_versioned,
        )

    def resolved(
        self,
        ctx: CallContext,
        operation: Operation,
        request: Any,
        found: Found,
        stamped: Any,
        *,
        also: Checks = (),
        missing: ServiceError | None = None,
        root: bool = False,
        grows: bool = True,
        record: ObjectRecord | None = None,
        makes_object: bool = False,
        granted: bool = False,
    ) -> Resolved:
        """Return what a request is about. `record` is the object's, where it exists; `makes_object` says that tags and
        ACL are those of a new one, `granted` that it is about what the caller began himself.
        """
        assert operation.checks is not None
        account, row = ctx.principal.account, found.row
        partition = row.partition
        checks = operation.checks(request) + also
        if granted:
            checks = tuple(msgspec.structs.replace(check, granted=True) for check in checks)
        if makes_object:
            checks = acl_access.with_new(checks, account, row)
        until_ms = _retained_until(request)
        if until_ms:
            days = locks.remaining_days(until_ms, self.clock.wall_ms())
            checks = condition_keys.with_remaining_days(checks, days)
        return Resolved(
            request=stamped,
            partitions=(ROOT, partition) if root else (partition,),
            checks=acl_access.with_stored(checks, acl_access.listed_as(ctx.principal), row, record),
            guard=guard_of(ctx, found),
            missing=missing,
            grows=grows,
        )

    def may(self, ctx: CallContext, found: Found, checks: Checks, record: ObjectRecord | None) -> bool:
        """Say whether a caller is allowed what is no condition of his request."""
        checks = acl_access.with_stored(checks, ctx.principal.account, found.row, record)
        return caught(lambda: self.authorizer.authorize(ctx, checks, guard_of(ctx, found))) is None

    async def condition_record(self, checks: Checks, found: Found, request: Any) -> ObjectRecord | None:
        """Return what a conditional write is about, where its own access control list decides who may ask for that."""
        if not found.row.object_ownership or all(check.action not in _CONDITION_READS for check in checks):
            return None
        version_id: str = getattr(request, "version_id", "")
        named = object_model.GetObject(bucket=request.bucket, key=request.key, version_id=version_id)
        asked = Stamped(request=named, partition=found.row.partition)
        record: ObjectRecord | None = await self.engine.read((asked.partition,), find_object, asked)
        return record


async def in_bucket(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    """Resolve a request that is about nothing but its bucket."""
    found = await desk.bucket(request.bucket)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    return desk.resolved(ctx, operation, request, found, desk.stamp(ctx, request, found), root=True)


def caught(check: Callable[[], object]) -> ServiceError | None:
    """Return the error that a check raises, for after the authorisation."""
    try:
        check()
    except ServiceError as error:
        return error
    return None


def _retained_until(request: Any) -> int:
    """Return until when a request asks for an object to be retained, 0 where it does not."""
    lock: lock_model.ObjectLock | None = getattr(request, "lock", None)
    return 0 if lock is None else lock.until_ms


Resolver = Callable[[Desk, CallContext, Operation, Any], Awaitable[Resolved]]
"""Looks up, checks and stamps the request of one operation."""
