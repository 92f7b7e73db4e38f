"""What a request turns out to be about: names followed, limits checked, times and origins stamped, sources authorised.

Owns everything between a parsed request and the authoriser: each operation's resolver reads a snapshot, raises what is
wrong with the request itself, and says which checks on which guard decide. Promises that who may not ask learns nothing
of what is in a bucket: what does not exist in it, or must not be done now, is an answer for after the authorisation.
That there is no bucket of a name is no secret: names are the server's, as S3's are the world's, and whoever makes a
bucket asks. Changes nothing, except that a new bucket's partition is taken here, and that uploads are ended before
their bucket is deleted: there may be more of them than a transaction ends.
"""

import functools
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.names import Arn, is_region, parse_arn, parse_resource_name
from cumulo.core.operations import Check, Checks, Operation
from cumulo.core.ports import DeliveryTarget, MessageSender, RemoteTarget
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy, NotJson
from cumulo.identity.room import Resolved
from cumulo.object_store import (
    acl,
    acl_access,
    acl_asked,
    condition_keys,
    configurations,
    locks,
    model,
    naming,
    outbox,
    page_tokens,
    replication_rules,
)
from cumulo.object_store.appends import check_offset
from cumulo.object_store.bucket_policies import PolicyChange
from cumulo.object_store.buckets import Creation, Found, allocate_partition, find_bucket, versioning_of
from cumulo.object_store.checksums import OWN, check_algorithm, check_part
from cumulo.object_store.conditions import check_write
from cumulo.object_store.copies import Copy, check_part_source, check_source
from cumulo.object_store.downloads import Reading
from cumulo.object_store.enclosures import enclose
from cumulo.object_store.encryption import Plan, check_customer_key, check_part_key, check_reader, planned, without_key
from cumulo.object_store.errors import (
    COPY_OF_MARKER,
    ILLEGAL_LOCATION_CONSTRAINT,
    INVALID_ARGUMENT,
    INVALID_DESTINATION,
    INVALID_LOCATION_CONSTRAINT,
    INVALID_REQUEST,
    INVALID_UPLOAD_ID_MARKER,
    MALFORMED_POLICY,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_VERSION,
    VERSION_MARKER_ALONE,
)
from cumulo.object_store.keys import BucketRow, ObjectRecord, UploadRecord
from cumulo.object_store.lifecycle_model import Lifecycle
from cumulo.object_store.lifecycle_rules import Terms
from cumulo.object_store.listing import ListStep, first_position
from cumulo.object_store.logging_rules import check_target, is_logged
from cumulo.object_store.multipart import end_uploads, find_upload, uploads_position
from cumulo.object_store.notification_rules import check_rules
from cumulo.object_store.objects import Contents, current_object, find_object, open_object, sought
from cumulo.object_store.operations import bypass_checks, on_object
from cumulo.object_store.payments import check_pays
from cumulo.object_store.quotas import beyond_quota
from cumulo.object_store.ranges import check_asked
from cumulo.object_store.renames import Rename, check_names
from cumulo.object_store.restores import check_restore
from cumulo.object_store.sealing import ObjectSeals, place_of
from cumulo.object_store.stamping import Origin, Stamped
from cumulo.object_store.uploads import PartUpload
from cumulo.object_store.version_listing import VersionStep
from cumulo.object_store.version_listing import first_position as first_version_position
from cumulo.object_store.versions import check_unversioned, check_version_id
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.idempotency import check_request_id
from cumulo.storage.remembered import Remembered

_CONDITION_READS = ("s3:GetObject", "s3:GetObjectVersion")
"""What a condition of a write needs."""
_NOT_THERE = (NO_SUCH_KEY, NO_SUCH_VERSION, NO_SUCH_BUCKET)
FIRST_REGION = "us-east-1"
"""The one without a location constraint, and where one's own bucket may be made again."""

LIFECYCLE_ID_CHARACTERS: Final = 48
"""Of the ids that S3 gives to rules without one."""
_SENDS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}
"""What who configures notifications must be allowed to do to a target of his account or the bucket's."""

Resolver = Callable[[CallContext, Operation, Any], Awaitable[Resolved]]


def guard_of(ctx: CallContext, found: Found) -> Guard:
    """Return what protects a bucket from a caller: where its policy is public and its public access block restricts
    that, the policy does nothing for callers of other accounts. Raises `AccessDenied` where he must pay for the request
    and does not say that he will.
    """
    row = found.row
    check_pays(ctx, row)
    shut = row.is_policy_public and not row.may_be_public and ctx.principal.account != row.account
    return Guard(row.account, "" if shut else found.policy)


class Resolving:
    """The resolvers of a service, by operation."""

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        sealer: TokenSealer,
        targets: Mapping[str, DeliveryTarget],
        sender: MessageSender | None,
        defaults: model.BucketDefaults,
        terms: Terms,
        seals: ObjectSeals,
        remotes: Mapping[str, RemoteTarget],
    ) -> None:
        self._engine = engine
        self.terms = terms
        self._followed = Remembered(engine, (ROOT,), find_bucket)
        self._authorizer = authorizer
        self._clock = clock
        self._sealer = sealer
        self._targets = targets
        self._remotes = remotes
        self._sender = sender
        self._defaults = defaults
        self._seals = seals
        self.resolvers: dict[str, Resolver] = {
            "CreateBucket": self._create_bucket,
            "GetBucket": self._in_bucket,
            "GetBucketLocation": self._in_bucket,
            "ListBuckets": self._list_buckets,
            "DeleteBucket": self._delete_bucket,
            "GetBucketPolicy": self._policy,
            "GetBucketPolicyStatus": self._in_bucket,
            "SetBucketPolicy": self._policy,
            "DeleteBucketPolicy": self._policy,
            "GetBucketConfiguration": self._configuration,
            "SetBucketConfiguration": self._configuration,
            "DeleteBucketConfiguration": self._configuration,
            "ListBucketConfigurations": self._list_configurations,
            "GetBucketAcl": self._in_bucket,
            "SetBucketAcl": self._set_bucket_acl,
            "GetBucketNotification": self._in_bucket,
            "SetBucketNotification": self._set_notification,
            "PutObject": self._put,
            "CopyObject": self._copy,
            "RenameObject": self._rename,
            "GetObject": self._get,
            "HeadObject": self._read,
            "GetObjectAttributes": self._read,
            "GetObjectTagging": self._existing_object,
            "RestoreObject": self._existing_object,
            "SetObjectTagging": self._existing_object,
            "DeleteObjectTagging": self._existing_object,
            "GetObjectAcl": self._existing_object,
            "SetObjectAcl": self._existing_object,
            "GetObjectRetention": self._object_lock,
            "SetObjectRetention": self._object_lock,
            "GetObjectLegalHold": self._object_lock,
            "SetObjectLegalHold": self._object_lock,
            "DeleteObject": self._delete,
            "ListObjects": self._list_objects,
            "ListObjectVersions": self._list_versions,
            "CreateMultipartUpload": self._create_upload,
            "UploadPart": self._upload_part,
            "UploadPartCopy": self._copy_part,
            "CompleteMultipartUpload": self._upload,
            "AbortMultipartUpload": self._upload,
            "ListParts": self._list_parts,
            "ListMultipartUploads": self._list_uploads,
        }

    # Following names

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
            now_ms=self._clock.deadline_ms(),
            wall_ms=self._clock.wall_ms(),
            origin=Origin(ctx.principal.id, ctx.source_ip, ctx.request_id, ctx.principal.arn),
            lifecycle=found.row.lifecycle,
            terms=self.terms,
            plan=plan,
            is_versioned=found.row.is_versioned,
        )

    def _planned(
        self, ctx: CallContext, request: model.PutObject | model.CopyObject | model.CreateMultipartUpload, found: Found
    ) -> tuple[Plan | None, ServiceError | None]:
        """Return how a new object is to be encrypted, and why it cannot be: an answer for after the authorisation."""
        asked, default = request.encryption, found.row.encryption
        try:
            if asked is not None and asked.customer is not None:
                check_customer_key(ctx, asked.customer, model.object_arn(request.bucket, request.key), default)
            return planned(asked, default), None
        except ServiceError as error:
            return None, error

    def _resolved(
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
            days = locks.remaining_days(until_ms, self._clock.wall_ms())
            checks = condition_keys.with_remaining_days(checks, days)
        return Resolved(
            request=stamped,
            partitions=(ROOT, partition) if root else (partition,),
            checks=acl_access.with_stored(checks, acl_access.listed_as(ctx.principal), row, record),
            guard=guard_of(ctx, found),
            missing=missing,
            grows=grows,
        )

    # Buckets

    async def _create_bucket(self, ctx: CallContext, operation: Operation, request: model.CreateBucket) -> Resolved:
        naming.check_bucket_name(request.bucket)
        is_s3 = request.location_constraint is not None
        region = _constrained(ctx.region, request.location_constraint or "") if is_s3 else request.region or ctx.region
        if not is_region(region):
            raise INVALID_LOCATION_CONSTRAINT.error(region=naming.shown(region))
        if request.object_ownership:
            configurations.check_ownership(request.object_ownership)
        row = self._first_row(ctx.principal.account, request)
        asked = await acl_asked.of_new_bucket(self._engine, ctx, request, row)
        assert operation.checks is not None
        checks, guard = operation.checks(request), Guard(ctx.principal.account)
        self._authorizer.authorize(ctx, checks, guard)  # before a partition is spent on it
        if asked.refused is not None:
            raise asked.refused
        partition: bytes = await self._engine.transact((ROOT,), allocate_partition, None)
        creation = Creation(
            request.bucket,
            ctx.principal.account,
            region,
            partition,
            self._clock.wall_ms(),
            configurations=_first_configurations(request, self._defaults),
            row=msgspec.structs.replace(row, acl=asked.acl),
            may_exist=is_s3 and region == FIRST_REGION,
            keeps_list=request.keeps_list,
        )
        return Resolved(creation, (ROOT, partition), checks, guard)

    def _first_row(self, account: str, request: model.CreateBucket) -> BucketRow:
        """Return what access needs to know of a new bucket."""
        ownership = request.object_ownership or self._defaults.object_ownership
        block = model.PublicAccessBlock() if self._defaults.blocks_public_access else None
        row = BucketRow(
            account=account,
            object_ownership="" if ownership == model.OWNERS_ENFORCED else ownership,
            location=_EU if request.location_constraint == _EU else "",
        )
        fields = configurations.row_fields(block)
        return msgspec.structs.replace(
            row,
            encryption=self._defaults.encryption,
            is_versioned=request.locks_objects,
            locks_objects=request.locks_objects,
            **fields,
        )

    async def _in_bucket(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve a request that is about nothing but its bucket."""
        found = await self.bucket(request.bucket)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        return self._resolved(ctx, operation, request, found, self.stamp(ctx, request, found), root=True)

    async def _list_buckets(self, ctx: CallContext, operation: Operation, request: model.ListBuckets) -> Resolved:
        account = ctx.principal.account
        limit = naming.check_page_size(request.page_size)
        naming.check_text("prefix", request.prefix, model.KEY_BYTES_MAX)
        after = b""
        if request.page_token:
            listing = page_tokens.buckets_listing(account, request.prefix, request.region)
            after = page_tokens.open_page(self._sealer, listing, request.page_token)
        assert operation.checks is not None
        return Resolved(
            request=Stamped(request=(account, request.prefix, request.region), after=after, limit=limit),
            partitions=(ROOT,),
            checks=operation.checks(request),
            guard=Guard(account),
        )

    async def _delete_bucket(self, ctx: CallContext, operation: Operation, request: model.DeleteBucket) -> Resolved:
        found = await self.bucket(request.bucket)
        if found is None:
            missing = NO_SUCH_BUCKET.error(bucket=request.bucket)
            if not request.request_id:
                raise missing
            # It may be the repetition of the call that deleted it: the root partition remembers.
            assert operation.checks is not None
            checks = operation.checks(request)
            return Resolved(None, (ROOT,), checks, Guard(ctx.principal.account), missing)
        stamped = self.stamp(ctx, request, found)
        resolved = self._resolved(ctx, operation, request, found, stamped, root=True, grows=False)
        if request.ends_uploads:
            self._authorizer.authorize(ctx, resolved.checks, resolved.guard)
            while await self._engine.transact((stamped.partition,), end_uploads, stamped, grows=False):
                pass
        return resolved

    async def _policy(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        found = await self.bucket(request.bucket)
        stored = ""
        if isinstance(request, model.SetBucketPolicy):
            stored = self._checked_policy(request.policy)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        what = request if isinstance(request, model.GetBucketPolicy) else PolicyChange(request.bucket, stored)
        resolved = self._resolved(ctx, operation, request, found, self.stamp(ctx, what, found), root=True)
        if ctx.principal.arn == f"arn:aws:iam::{found.row.account}:root":
            # No policy locks the owner out of changing it (S3 user guide, "Bucket policies").
            return msgspec.structs.replace(resolved, guard=Guard(found.row.account))
        return resolved

    def _checked_policy(self, policy: str) -> str:
        try:
            return resource_policy.validate(policy, DocumentKind.BUCKET, self._engine)
        except MalformedPolicy as error:
            if isinstance(error, NotJson) or not policy.startswith("{"):
                reason = "Policies must be valid JSON and the first byte must be '{'"
            else:
                reason = error.detail if error.path == "$" else str(error)
            raise MALFORMED_POLICY.error(reason=reason) from error

    async def _configuration(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        kind = configurations.kind_of(request.kind)
        configurations.check_id(kind, request.id)
        if isinstance(request, model.SetBucketConfiguration):
            if not kind.is_kept:
                raise NOT_IMPLEMENTED.error(what=f"The {request.kind} configuration of a bucket")
            configurations.check_configuration(request.bucket, request.kind, request.value, request.id)
            if isinstance(request.value, Lifecycle):
                request = msgspec.structs.replace(request, value=_named_rules(request.value))
            elif request.kind == configurations.REPLICATION:
                rules: Any = request.value
                request = msgspec.structs.replace(request, value=replication_rules.named(rules))
        elif isinstance(request, model.DeleteBucketConfiguration):
            configurations.check_removal(request.kind)
        resolved = await self._in_bucket(ctx, operation, request)
        if isinstance(request, model.SetBucketConfiguration) and request.kind == configurations.LOGGING:
            refused = await self._refused_log(request)
            return msgspec.structs.replace(resolved, missing=refused)
        if isinstance(request, model.SetBucketConfiguration) and request.kind == configurations.REPLICATION:
            # First, for what follows says something of other buckets.
            self._authorizer.authorize(ctx, resolved.checks, resolved.guard)
            self._check_passes_role(ctx, request)
            return msgspec.structs.replace(resolved, missing=await self._refused_replication(request))
        if (
            isinstance(request, model.DeleteBucketConfiguration)
            and request.kind == configurations.ENCRYPTION
            and self._defaults.encryption is not None
        ):
            # S3 brings its default back where others leave nothing.
            reset = msgspec.structs.replace(request, to_default=True)
            stamped: Stamped = msgspec.structs.replace(resolved.request, request=reset)
            return msgspec.structs.replace(resolved, request=stamped)
        return resolved

    async def _refused_log(self, request: model.SetBucketConfiguration) -> ServiceError | None:
        """Return why a bucket cannot take the log that a configuration sends it."""
        value: Any = request.value
        if not is_logged(value):
            return None
        source, enabled = await self.find(request.bucket), value.LoggingEnabled
        is_name = _caught(lambda: naming.check_bucket_name(enabled.TargetBucket)) is None
        target = await self.find(enabled.TargetBucket) if is_name else None
        assert source is not None, "resolved just now"
        return _caught(lambda: check_target(enabled, source.row, None if target is None else target.row))

    def _check_passes_role(self, ctx: CallContext, request: model.SetBucketConfiguration) -> None:
        """Raise `AccessDenied` where a caller must not hand the role of replication rules to S3: it may do what he may
        not.
        """
        value: Any = request.value
        role = parse_arn(value.Role)
        assert role is not None, "checked"
        check = Check("iam:PassRole", value.Role, {"iam:PassedToService": "s3.amazonaws.com"})
        self._authorizer.authorize(ctx, (check,), Guard(role.account))

    async def _refused_replication(self, request: model.SetBucketConfiguration) -> ServiceError | None:
        """Return why versions of a bucket cannot go where a configuration sends them."""
        value: Any = request.value
        for name, account in replication_rules.destinations(value).items():
            refused = _caught(functools.partial(naming.check_bucket_name, name))
            found = await self.find(name) if refused is None else None
            if found is None:
                return INVALID_REQUEST.error(reason="Destination bucket must exist.")
            if account not in ("", found.row.account):
                return INVALID_REQUEST.error(reason="Destination bucket must be owned by the account specified.")
            if await self._engine.read((found.row.partition,), versioning_of, found) != model.VERSIONING_ENABLED:
                return INVALID_REQUEST.error(reason="Destination bucket must have versioning enabled.")
        return None

    async def _list_configurations(
        self, ctx: CallContext, operation: Operation, request: model.ListBucketConfigurations
    ) -> Resolved:
        kind = configurations.kind_of(request.kind)
        if not kind.has_ids:
            raise INVALID_ARGUMENT.error(parameter="kind", value=request.kind, allowed="a kind with ids")
        limit = min(naming.check_page_size(request.page_size), model.CONFIGURATION_PAGE_MAX)
        found = await self.bucket(request.bucket)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        after = b""
        if request.page_token:
            listing = page_tokens.configurations_listing(found.row.partition, request.kind)
            after = page_tokens.open_page(self._sealer, listing, request.page_token)
        stamped = msgspec.structs.replace(self.stamp(ctx, request, found), after=after, limit=limit)
        return self._resolved(ctx, operation, request, found, stamped)

    async def _set_bucket_acl(self, ctx: CallContext, operation: Operation, request: model.SetBucketAcl) -> Resolved:
        found = await self.bucket(request.bucket)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        row, arn = found.row, model.bucket_arn(request.bucket)
        asked = await acl_asked.of_replaced(self._engine, ctx, row, request, row.account, arn=arn)
        stamped = msgspec.structs.replace(self.stamp(ctx, request, found), grants=asked.grants)
        return self._resolved(ctx, operation, request, found, stamped, missing=asked.refused, root=True)

    async def _set_notification(
        self, ctx: CallContext, operation: Operation, request: model.SetBucketNotification
    ) -> Resolved:
        found = await self.bucket(request.bucket)
        rules = tuple(_named_rule(ctx, rule) for rule in request.rules)
        check_rules(rules)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        assert operation.checks is not None
        # First, for what follows says something of the bucket and of the targets.
        self._authorizer.authorize(ctx, operation.checks(request), guard_of(ctx, found))
        # Inside one account a target needs no policy to get events, so who configures them must be allowed to send:
        # another account that may configure this bucket must not reach the queues of its owner by it.
        for rule in rules:
            arn = parse_arn(rule.target)
            if arn is not None and arn.account in (ctx.principal.account, found.row.account):
                action = _SENDS.get(arn.service)
                if action is not None:
                    self._authorizer.authorize(ctx, (Check(action, rule.target),), Guard(arn.account))
        refused = None if request.skips_validation else await self._refused_target(rules, found)
        checked = msgspec.structs.replace(request, rules=rules)
        stamped = self.stamp(ctx, checked, found)
        return self._resolved(ctx, operation, request, found, stamped, missing=refused)

    async def _refused_target(self, rules: tuple[model.NotificationRule, ...], found: Found) -> ServiceError | None:
        source, account = model.bucket_arn(found.name), found.row.account
        for name in sorted({rule.target for rule in rules}):
            service = outbox.service_of(name)
            reason = f"{naming.shown(name)} is no place that notifications can go to"
            if service in self._targets:
                reason = self._targets[service].check(name, source, account)
            elif service in self._remotes:
                reason = await self._remotes[service].check(name, source, account)
            if reason:
                return INVALID_DESTINATION.error(ArgumentName1=f"{naming.shown(name)}, null", ArgumentValue1=reason)
        return None

    # Objects

    async def _put(self, ctx: CallContext, operation: Operation, request: model.PutObject) -> Resolved:
        found = await self.bucket(request.bucket)
        _check_description(request)
        check_request_id(request.request_id)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        if request.write_offset != model.UNKNOWN and request.messages:
            raise INVALID_REQUEST.error(reason="An append carries no messages.")
        # Refused now rather than after 5 GiB; they are made ready again for the commit.
        await enclose(self._sender, self._engine, ctx, request.messages)
        asked = await acl_asked.of_new_object(self._engine, ctx, found.row, request)
        plan, unencryptable = self._planned(ctx, request, found)
        stamped = msgspec.structs.replace(self.stamp(ctx, request, found, plan), acl=asked.acl)
        there, refused = await self._refused_write(stamped)
        refused = asked.refused or unencryptable or self._refused_lock(request, found) or refused
        if refused is None and request.write_offset != model.UNKNOWN and not request.request_id:
            there = await self._engine.read((found.row.partition,), current_object, stamped)
            refused = _caught(lambda: check_offset(there, request.write_offset))
        if refused is None and request.write_offset != model.UNKNOWN:
            refused = _caught(lambda: check_unversioned(is_versioned=found.row.is_versioned))
        if refused is None and found.row.has_quota and request.expected.content_length > 0 and not request.request_id:
            refused = await self._engine.read((found.row.partition,), beyond_quota, stamped)
        return self._resolved(ctx, operation, request, found, stamped, missing=refused, record=there, makes_object=True)

    def _refused_lock(
        self, request: model.PutObject | model.CopyObject | model.CreateMultipartUpload, found: Found
    ) -> ServiceError | None:
        """Return why a new object cannot be locked as it is asked to be, None also where nobody asks for that."""
        lock, refused = request.lock, None
        if lock is not None:
            refused = _caught(lambda: locks.check_asked(lock, self._clock.wall_ms()))
            refused = refused or locks.refused_new(locks_objects=found.row.locks_objects)
        if refused is None and (lock is not None or found.row.retains_objects) and _lacks_digest(request):
            return locks.refused_unverified("Put Object")
        return refused

    def _may(self, ctx: CallContext, found: Found, checks: Checks, record: ObjectRecord | None) -> bool:
        """Say whether a caller is allowed what is no condition of his request."""
        checks = acl_access.with_stored(checks, ctx.principal.account, found.row, record)
        return _caught(lambda: self._authorizer.authorize(ctx, checks, guard_of(ctx, found))) is None

    def _showing_lock(self, ctx: CallContext, stamped: Stamped, found: Found, record: ObjectRecord) -> Stamped:
        """Return a stamped request that says what its caller may know of an object's lock."""
        if record.lock is None:
            return stamped
        may_see = [
            self._may(ctx, found, on_object(action)(stamped.request), record)
            for action in ("s3:GetObjectRetention", "s3:GetObjectLegalHold")
        ]
        return msgspec.structs.replace(stamped, shows_retention=may_see[0], shows_hold=may_see[1])

    async def _refused_write(self, stamped: Stamped) -> tuple[ObjectRecord | None, ServiceError | None]:
        """Return what a conditional write is to replace, and the error with which it would be refused now rather than
        after 5 GiB; the transaction decides again, and knows repeated requests.
        """
        request = stamped.request
        if not request.if_match and not request.if_none_match:
            return None, None
        there: ObjectRecord | None = await self._engine.read((stamped.partition,), current_object, stamped)
        if request.request_id:
            return there, None
        return there, _caught(lambda: check_write(there, request.key, request.if_match, request.if_none_match))

    async def _read(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        if not isinstance(request, model.GetObjectAttributes):
            check_asked(request.range, request.part_number)
        return await self._existing_object(ctx, operation, request)

    async def _get(self, ctx: CallContext, operation: Operation, request: model.GetObject) -> Resolved:
        """Resolve a download with all that its answer needs of the engine: one snapshot, where two would cost more."""
        check_asked(request.range, request.part_number)
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        check_version_id(request.version_id)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        stamped = self.stamp(ctx, request, found)
        try:
            contents: Contents = await self._engine.read((found.row.partition,), open_object, stamped)
        except ServiceError as error:
            if error.row in _NOT_THERE:
                return self._without_object(ctx, operation, request, found, stamped, error)
            # Whose object it is, an unmet condition does not change.
            record = await self._engine.read((found.row.partition,), find_object, stamped)
            return self._resolved(ctx, operation, request, found, stamped, missing=error, record=record)
        record = contents.record
        if record.lock is not None:
            stamped = self._showing_lock(ctx, stamped, found, record)
            shown = locks.shown_lock(
                record.lock, stamped.wall_ms, retention=stamped.shows_retention, hold=stamped.shows_hold
            )
            contents = msgspec.structs.replace(contents, lock=shown)
        reading = Reading(stamped, contents)
        refused = _caught(lambda: contents.asked(request)) if request.part_number else None
        refused = refused or _refused_reader(ctx, record.encryption, request.customer)
        return self._resolved(ctx, operation, request, found, reading, missing=refused, record=record)

    async def _existing_object(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve a request about an object that must be there."""
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        check_version_id(request.version_id)
        limit = 0
        match request:
            case model.SetObjectTagging():
                naming.check_tags(request.tags, "Object", model.OBJECT_TAGS_MAX)
            case model.RestoreObject():
                check_restore(request)
            case model.GetObjectAttributes():
                limit = naming.check_page_size(request.page_size)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        customer: model.CustomerKey | None = getattr(request, "customer", None)
        stamped = self.stamp(ctx, request if customer is None else _without_key(request), found)
        if limit:
            stamped = msgspec.structs.replace(stamped, limit=limit)
        there: ObjectRecord | ServiceError = await self._engine.read((found.row.partition,), sought, stamped)
        if isinstance(there, ServiceError):
            if there.row in _NOT_THERE:
                return self._without_object(ctx, operation, request, found, stamped, there)
            return self._resolved(ctx, operation, request, found, stamped, missing=there)
        record = there
        missing = None if customer is None else _refused_reader(ctx, record.encryption, customer)
        if isinstance(request, model.GetObjectAcl | model.SetObjectAcl):
            stamped, missing = await self._with_acl(ctx, stamped, found, record)
        elif isinstance(request, model.HeadObject):
            stamped = self._showing_lock(ctx, stamped, found, record)
        elif isinstance(request, model.SetObjectRetention) and request.bypasses_governance:
            stamped = self._bypassing(ctx, stamped, found, record)
        return self._resolved(ctx, operation, request, found, stamped, missing=missing, record=record)

    async def _object_lock(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve a request about an object's lock."""
        match request:
            case model.SetObjectRetention():
                locks.check_retention(request.lock, self._clock.wall_ms())
            case model.SetObjectLegalHold(hold=hold):
                locks.check_legal_hold(hold)
        resolved = await self._existing_object(ctx, operation, request)
        found = await self.find(request.bucket)
        refused = locks.refused_change(locks_objects=found is not None and found.row.locks_objects)
        return resolved if refused is None else msgspec.structs.replace(resolved, missing=refused)

    def _bypassing(self, ctx: CallContext, stamped: Stamped, found: Found, record: ObjectRecord | None) -> Stamped:
        """Return a stamped request that bypasses governance mode only where its caller may do that."""
        allowed = self._may(ctx, found, bypass_checks(stamped.request), record)
        request = msgspec.structs.replace(stamped.request, bypasses_governance=allowed)
        return msgspec.structs.replace(stamped, request=request)

    async def _with_acl(
        self, ctx: CallContext, stamped: Stamped, found: Found, record: ObjectRecord
    ) -> tuple[Stamped, ServiceError | None]:
        """Return what a request about an object's list must be told, and why it cannot be done."""
        row, request = found.row, stamped.request
        if not row.object_ownership:
            stamped = msgspec.structs.replace(stamped, acl=model.Acl(*acl.read(None, row.account)))
        if isinstance(request, model.GetObjectAcl):
            return stamped, None
        owner = acl.read(record.acl if row.object_ownership else None, row.account)[0]
        arn = model.object_arn(request.bucket, request.key)
        asked = await acl_asked.of_replaced(self._engine, ctx, row, request, owner, arn=arn)
        return msgspec.structs.replace(stamped, grants=asked.grants), asked.refused

    def _without_object(
        self,
        ctx: CallContext,
        operation: Operation,
        request: Any,
        found: Found,
        stamped: Stamped,
        error: ServiceError,
    ) -> Resolved:
        """Resolve a request about an object that is not there: 404 is for those who may list what begins with its key,
        and so can see as much; others learn no more than that they may not.
        """
        checks: Checks = (Check("s3:ListBucket", model.bucket_arn(request.bucket), {"s3:prefix": request.key}),)
        checks = acl_access.with_stored(checks, ctx.principal.account, found.row, None)
        resolved = self._resolved(ctx, operation, request, found, stamped, missing=error)
        return msgspec.structs.replace(resolved, checks=checks)

    async def _delete(self, ctx: CallContext, operation: Operation, request: model.DeleteObject) -> Resolved:
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        check_version_id(request.version_id)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        assert operation.checks is not None
        record = await self.condition_record(operation.checks(request), found, request)
        stamped, refused = self.stamp(ctx, request, found), None
        if request.bypasses_governance:
            refused = locks.refused_bypass(locks_objects=found.row.locks_objects)
            stamped = self._bypassing(ctx, stamped, found, record)
        return self._resolved(ctx, operation, request, found, stamped, missing=refused, record=record, grows=False)

    def bypassing_entry(
        self, ctx: CallContext, bucket: str, entry: model.DeleteEntry, found: Found
    ) -> model.DeleteEntry:
        """Return an entry of a batch delete that bypasses governance mode only where its caller may do that."""
        if not entry.bypasses_governance:
            return entry
        asked = model.DeleteObject(bucket=bucket, key=entry.key, version_id=entry.version_id)
        allowed = self._may(ctx, found, bypass_checks(asked), None)
        return msgspec.structs.replace(entry, bypasses_governance=allowed)

    async def condition_record(self, checks: Checks, found: Found, request: Any) -> ObjectRecord | None:
        """Return what a conditional write is about, where its own access control list decides who may ask for that."""
        if not found.row.object_ownership or all(check.action not in _CONDITION_READS for check in checks):
            return None
        version_id: str = getattr(request, "version_id", "")
        named = model.GetObject(bucket=request.bucket, key=request.key, version_id=version_id)
        asked = Stamped(request=named, partition=found.row.partition)
        record: ObjectRecord | None = await self._engine.read((asked.partition,), find_object, asked)
        return record

    # Copies

    async def _copy(self, ctx: CallContext, operation: Operation, request: model.CopyObject) -> Resolved:
        found = await self.bucket(request.bucket)
        _check_description(request)
        check_algorithm(request.checksum)
        check_request_id(request.request_id)
        copied = await self._source(ctx, request.source, tags=not request.replaces_tags)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        asked = await acl_asked.of_new_object(self._engine, ctx, found.row, request)
        plan, unencryptable = self._planned(ctx, request, found)
        target = msgspec.structs.replace(self.stamp(ctx, request, found, plan), acl=asked.acl)
        missing, record = unencryptable or self._refused_lock(request, found) or copied.missing, copied.record
        takes_tags = record is not None and bool(record.tags) and not request.replaces_tags
        encrypts = (request.bucket, request.key) == (request.source.bucket, request.source.key) and (
            await self._engine.read(
                (target.partition,), configurations.is_written, (target.partition, configurations.ENCRYPTION)
            )
        )
        copy = Copy(target, copied.stamped, takes_tags, encrypts)
        if missing is None and record is not None:
            missing = _caught(lambda: check_source(record, copy))
        there, refused = await self._refused_write(target)
        missing = missing or asked.refused or refused
        also = (Check("s3:PutObjectTagging", model.object_arn(request.bucket, request.key)),) if takes_tags else ()
        return self._resolved(
            ctx, operation, request, found, copy, also=also, missing=missing, record=there, makes_object=True
        )

    async def _rename(self, ctx: CallContext, operation: Operation, request: model.RenameObject) -> Resolved:
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        naming.check_key(request.source_key)
        check_names(request)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        assert operation.checks is not None
        stamped = self.stamp(ctx, request, found)
        source = model.GetObject(bucket=request.bucket, key=request.source_key)
        old = self.stamp(ctx, source, found)
        record: ObjectRecord | None = await self._engine.read((stamped.partition,), find_object, old)
        if record is None:
            also: Checks = (
                Check("s3:ListBucket", model.bucket_arn(request.bucket), {"s3:prefix": request.source_key}),
            )
            missing = NO_SUCH_KEY.error(key=naming.shown(request.source_key))
            return self._resolved(ctx, operation, request, found, Rename(stamped), also=also, missing=missing)
        encryption = self._seals.rebound(record.encryption, place_of(old), place_of(stamped))
        rename = Rename(stamped, record.encryption, encryption)
        resolved = self._resolved(ctx, operation, request, found, rename, grows=False)
        there = await self.condition_record(resolved.checks, found, request)
        arn = model.object_arn(request.bucket, request.source_key)
        checks = tuple(
            one
            for check in operation.checks(request)
            for one in acl_access.with_stored(
                (check,), ctx.principal.account, found.row, record if check.resource == arn else there
            )
        )
        return msgspec.structs.replace(resolved, checks=checks)

    async def _copy_part(self, ctx: CallContext, operation: Operation, request: model.UploadPartCopy) -> Resolved:
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        naming.check_part_number(request.part_number)
        check_request_id(request.request_id)
        copied = await self._source(ctx, request.source, tags=False)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        upload, missing = await self._open_upload(self.stamp(ctx, request, found))
        request, missing = self._encrypted_part(ctx, upload, found, missing)
        record = copied.record
        if missing is None:
            missing = copied.missing
        if missing is None and record is not None:
            missing = _caught(lambda: check_part_source(record, request.source, upload.stamped.wall_ms))
        copy = Copy(upload.stamped, copied.stamped, upload=upload)
        return self._resolved(ctx, operation, request, found, copy, missing=missing)

    async def _source(self, ctx: CallContext, source: model.CopySource, *, tags: bool) -> "_Source":
        """Find and authorise what a copy takes; `tags` says that it takes the tags, too.

        The source has a guard of its own, so it is decided here; that it does not exist is for after the target's.
        """
        found = await self.bucket(source.bucket)
        naming.check_key(source.key)
        check_version_id(source.version_id)
        if found is None:
            return _Source(Stamped(request=None), NO_SUCH_BUCKET.error(bucket=source.bucket))
        request = model.GetObject(
            bucket=source.bucket,
            key=source.key,
            range=source.range,
            customer=source.customer,
            version_id=source.version_id,
        )
        checks: Checks = on_object("s3:GetObject")(request)
        stamped = self.stamp(ctx, request, found)
        record: ObjectRecord | None = await self._engine.read((stamped.partition,), find_object, stamped)
        missing = None
        if record is None:
            checks += (Check("s3:ListBucket", model.bucket_arn(source.bucket), {"s3:prefix": source.key}),)
            missing = (NO_SUCH_VERSION if source.version_id else NO_SUCH_KEY).error(
                key=naming.shown(source.key), version_id=source.version_id
            )
        elif record.is_delete_marker:
            record, missing = None, COPY_OF_MARKER.error()
        elif tags and record.tags:
            checks += on_object("s3:GetObjectTagging")(request)
        checks = acl_access.with_stored(checks, ctx.principal.account, found.row, record)
        self._authorizer.authorize(ctx, checks, guard_of(ctx, found))
        if record is not None:
            missing = _refused_reader(ctx, record.encryption, source.customer)
        return _Source(stamped, missing, record)

    # Listings

    async def _list_objects(self, ctx: CallContext, operation: Operation, request: model.ListObjects) -> Resolved:
        found = await self.bucket(request.bucket)
        limit = naming.check_page_size(request.page_size)
        for parameter, text in (
            ("prefix", request.prefix),
            ("delimiter", request.delimiter),
            ("start_after", request.start_after),
        ):
            naming.check_text(parameter, text, model.KEY_BYTES_MAX)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        partition = found.row.partition
        if request.page_token:
            listing = page_tokens.objects_listing(partition, request.prefix, request.delimiter)
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
            account=found.row.account if request.with_owners and found.row.object_ownership else "",
        )
        return self._resolved(ctx, operation, request, found, step)

    async def _list_versions(
        self, ctx: CallContext, operation: Operation, request: model.ListObjectVersions
    ) -> Resolved:
        found = await self.bucket(request.bucket)
        limit = naming.check_page_size(request.page_size)
        for parameter, text in (
            ("prefix", request.prefix),
            ("delimiter", request.delimiter),
            ("key-marker", request.key_marker),
        ):
            naming.check_text(parameter, text, model.KEY_BYTES_MAX)
        if request.version_id_marker and not request.key_marker:
            raise VERSION_MARKER_ALONE.error(parameter="version-id-marker", value=request.version_id_marker)
        check_version_id(request.version_id_marker)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        partition = found.row.partition
        position = b""
        if request.page_token:
            listing = page_tokens.versions_listing(partition, request.prefix, request.delimiter)
            position = page_tokens.open_page(self._sealer, listing, request.page_token)
        elif not request.version_id_marker:
            position = first_version_position(request.prefix, request.delimiter, request.key_marker)
        step = VersionStep(
            partition=partition,
            bucket=request.bucket,
            prefix=request.prefix,
            delimiter=request.delimiter,
            position=position,
            limit=limit,
            key_marker=request.key_marker,
            version_id_marker=request.version_id_marker,
            account=found.row.account if found.row.object_ownership else "",
        )
        return self._resolved(ctx, operation, request, found, step)

    # Multipart uploads

    async def _create_upload(
        self, ctx: CallContext, operation: Operation, request: model.CreateMultipartUpload
    ) -> Resolved:
        found = await self.bucket(request.bucket)
        _check_description(request)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        asked = await acl_asked.of_new_object(self._engine, ctx, found.row, request)
        plan, unencryptable = self._planned(ctx, request, found)
        stamped = msgspec.structs.replace(self.stamp(ctx, _without_key(request), found), acl=asked.acl)
        refused = asked.refused or unencryptable or self._refused_lock(request, found)
        resolved = self._resolved(ctx, operation, request, found, stamped, missing=refused, makes_object=True)
        if plan is None or refused is not None:
            return resolved
        self._authorizer.authorize(ctx, resolved.checks, resolved.guard)  # before anybody is asked for a key
        sealing = await self._seals.begin(ctx, plan, place_of(stamped))
        stamped = msgspec.structs.replace(stamped, encryption=sealing.encryption)
        return msgspec.structs.replace(resolved, request=stamped)

    async def _upload_part(self, ctx: CallContext, operation: Operation, request: model.UploadPart) -> Resolved:
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        naming.check_part_number(request.part_number)
        check_request_id(request.request_id)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        upload, missing = await self._open_upload(self.stamp(ctx, request, found))
        request, missing = self._encrypted_part(ctx, upload, found, missing)
        if missing is None and upload.record is not None:
            record = upload.record
            given = {*request.expected.digests, *request.expected.announced} - {model.CONTENT_MD5}
            missing = _caught(lambda: check_part(record, given))
            if missing is None and record.lock is not None and _lacks_digest(request):
                missing = locks.refused_unverified("Put Part")
        return self._resolved(ctx, operation, request, found, upload, missing=missing)

    async def _open_upload(self, stamped: Stamped) -> tuple[PartUpload, ServiceError | None]:
        """Return the upload of a part, and why there is none.

        With a request id the part may be a repeated one, of an upload that ended since: the transaction decides.
        """
        missing = record = None
        try:
            upload = page_tokens.open_upload_id(self._sealer, stamped.partition, stamped.request.upload_id)
            stamped = msgspec.structs.replace(stamped, upload=upload)
            record = await self._engine.read((stamped.partition,), find_upload, stamped)
        except ServiceError as error:
            may_be_a_repeat = bool(stamped.upload and stamped.request.request_id)
            missing = None if may_be_a_repeat else error
        return PartUpload(stamped, record), missing

    def _encrypted_part(
        self, ctx: CallContext, upload: PartUpload, found: Found, missing: ServiceError | None
    ) -> tuple[Any, ServiceError | None]:
        """Return the request of a part as its policy is to see it, encrypted as its upload is; and why it must not
        be stored.
        """
        request: model.UploadPart | model.UploadPartCopy = upload.stamped.request
        if upload.record is None:
            return request, missing
        encryption, customer = upload.record.encryption, _customer(request)
        if missing is None:
            arn = model.object_arn(request.bucket, request.key)
            missing = _caught(lambda: check_customer_key(ctx, customer, arn, found.row.encryption))
        if missing is None:
            missing = _caught(lambda: check_part_key(encryption, customer))
        return _as_encrypted(request, encryption), missing

    async def _upload(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Resolve the end of an upload."""
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        if isinstance(request, model.CompleteMultipartUpload):
            _check_completed_parts(request.parts)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        stamped, missing = self._with_upload(self.stamp(ctx, request, found))
        if isinstance(request, model.CompleteMultipartUpload) and missing is None:
            request, missing = await self._encrypted_completion(stamped)
            stamped = msgspec.structs.replace(stamped, request=_without_key(stamped.request))
        grows = not isinstance(request, model.AbortMultipartUpload)
        enclosed = None
        if isinstance(request, model.CompleteMultipartUpload):
            enclosed = await enclose(self._sender, self._engine, ctx, request.messages)
        if enclosed is None:
            granted = not grows and await self._began(ctx, found, stamped)
            return self._resolved(
                ctx, operation, request, found, stamped, missing=missing, grows=grows, granted=granted
            )
        stamped = msgspec.structs.replace(stamped, enclosed=enclosed)
        resolved = self._resolved(ctx, operation, request, found, stamped, missing=missing, grows=grows)
        return msgspec.structs.replace(resolved, partitions=(*resolved.partitions, *enclosed.partitions))

    async def _encrypted_completion(self, stamped: Stamped) -> tuple[Any, ServiceError | None]:
        """Return a completion as a policy is to see it, and why it must not be done: the customer's key that it brings
        is not the upload's, or it brings none although the upload asked for a checksum (API reference).
        """
        request: model.CompleteMultipartUpload = stamped.request
        customer = _customer(request)
        try:
            record: UploadRecord = await self._engine.read((stamped.partition,), find_upload, stamped)
        except ServiceError:
            return request, None  # it may be completed already: the transaction knows
        needs_key = customer is not None or request.needs_key or record.checksum not in ("", OWN)
        refused = _caught(lambda: check_part_key(record.encryption, customer)) if needs_key else None
        return _as_encrypted(request, record.encryption), refused

    async def _began(self, ctx: CallContext, found: Found, stamped: Stamped) -> bool:
        """Say whether a caller from elsewhere began an upload himself: then he may list its parts and abort it."""
        if ctx.principal.account == found.row.account or not stamped.upload:
            return False
        try:
            record: UploadRecord = await self._engine.read((stamped.partition,), find_upload, stamped)
        except ServiceError:
            return False
        return record.initiator == ctx.principal.arn

    def _with_upload(self, stamped: Stamped) -> tuple[Stamped, ServiceError | None]:
        try:
            upload = page_tokens.open_upload_id(self._sealer, stamped.partition, stamped.request.upload_id)
        except ServiceError as error:
            return stamped, error
        return msgspec.structs.replace(stamped, upload=upload), None

    async def _list_parts(self, ctx: CallContext, operation: Operation, request: model.ListParts) -> Resolved:
        found = await self.bucket(request.bucket)
        naming.check_key(request.key)
        limit = naming.check_page_size(request.page_size) + 1
        if not 0 <= request.part_number_marker <= model.MARKER_MAX:
            raise naming.out_of_range(
                "part-number-marker", request.part_number_marker, f"an integer between 0 and {model.MARKER_MAX}"
            )
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        stamped, missing = self._with_upload(self.stamp(ctx, request, found))
        after = request.part_number_marker.to_bytes(4, "big")
        if missing is None and request.page_token:
            listing = page_tokens.parts_listing(stamped.partition, stamped.upload)
            try:
                after = page_tokens.open_page(self._sealer, listing, request.page_token)
            except ServiceError as error:
                missing = error
        stamped = msgspec.structs.replace(stamped, after=after, limit=limit)
        granted = await self._began(ctx, found, stamped)
        return self._resolved(ctx, operation, request, found, stamped, missing=missing, granted=granted)

    async def _list_uploads(
        self, ctx: CallContext, operation: Operation, request: model.ListMultipartUploads
    ) -> Resolved:
        found = await self.bucket(request.bucket)
        limit = naming.check_page_size(request.page_size)
        for parameter, text in (
            ("prefix", request.prefix),
            ("delimiter", request.delimiter),
            ("key-marker", request.key_marker),
        ):
            naming.check_text(parameter, text, model.KEY_BYTES_MAX)
        if found is None:
            raise NO_SUCH_BUCKET.error(bucket=request.bucket)
        partition = found.row.partition
        missing = None
        position = b""
        try:
            if request.page_token:
                listing = page_tokens.uploads_listing(partition, request.prefix, request.delimiter)
                position = page_tokens.open_page(self._sealer, listing, request.page_token)
            else:
                position = self._uploads_position(partition, request)
        except ServiceError as error:
            missing = error
        step = ListStep(
            partition=partition,
            bucket=request.bucket,
            prefix=request.prefix,
            delimiter=request.delimiter,
            position=position,
            limit=limit,
        )
        return self._resolved(ctx, operation, request, found, step, missing=missing)

    def _uploads_position(self, partition: bytes, request: model.ListMultipartUploads) -> bytes:
        """Return where a listing of uploads begins: S3 heeds an upload's marker only beside that of its key."""
        upload = None
        if request.key_marker and request.upload_id_marker:
            try:
                upload = page_tokens.open_upload_id(self._sealer, partition, request.upload_id_marker)
            except ServiceError as error:
                raise INVALID_UPLOAD_ID_MARKER.error() from error
        return uploads_position(request.prefix, request.delimiter, request.key_marker, upload)


_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
"""What a location constraint of the first region names: S3 takes no others than AWS's own."""


_EU: Final = "EU"
_EU_REGION: Final = "eu-west-1"
"""S3's first region beyond the first one had another name at first, which it keeps."""


class _Source(msgspec.Struct, frozen=True):
    """What a copy takes: a stamped GetObject, its record, or why there is none."""

    stamped: Stamped
    missing: ServiceError | None
    record: ObjectRecord | None = None


def _constrained(region: str, constraint: str) -> str:
    """Return the region of a bucket that S3's endpoint of `region` is asked to make.

    Raises `InvalidLocationConstraint`, `IllegalLocationConstraintException`.
    """
    if region == FIRST_REGION:
        if constraint == FIRST_REGION or (constraint and constraint != _EU and not _REGION.fullmatch(constraint)):
            raise INVALID_LOCATION_CONSTRAINT.error(region=naming.shown(constraint))
        return _EU_REGION if constraint == _EU else constraint or FIRST_REGION
    if constraint != region and (constraint, region) != (_EU, _EU_REGION):
        raise ILLEGAL_LOCATION_CONSTRAINT.error(region=naming.shown(constraint or "unspecified"))
    return region


def _first_configurations(request: model.CreateBucket, defaults: model.BucketDefaults) -> tuple[tuple[str, bytes], ...]:
    """Return the configurations that a bucket is made with, as they are stored."""
    found: list[tuple[str, model.Configuration | None]] = []
    if request.tags:
        found.append((configurations.TAGGING, model.BucketTagging(dict(request.tags))))
    if request.object_ownership:
        found.append((configurations.OWNERSHIP_CONTROLS, model.OwnershipControls(request.object_ownership)))
    if request.locks_objects:
        found.append((configurations.VERSIONING, model.Versioning(model.VERSIONING_ENABLED)))
        found.append((configurations.OBJECT_LOCK, model.BucketLock()))
    for kind, value in found:
        configurations.check_configuration(request.bucket, kind, value)
    if not request.object_ownership and defaults.object_ownership == model.OBJECT_WRITER:
        found.append((configurations.OWNERSHIP_CONTROLS, None))  # the same as none at all
    elif not request.object_ownership and defaults.object_ownership != model.OWNERS_ENFORCED:
        found.append((configurations.OWNERSHIP_CONTROLS, model.OwnershipControls(defaults.object_ownership)))
    if not defaults.blocks_public_access:
        found.append((configurations.PUBLIC_ACCESS_BLOCK, None))
    if defaults.encryption is None:
        found.append((configurations.ENCRYPTION, None))
    return tuple((kind, configurations.encoded(value)) for kind, value in found)


def _named_rule(ctx: CallContext, rule: model.NotificationRule) -> model.NotificationRule:
    """Return a rule with its target's ARN, and with an id where it has none: the same one if it is set again."""
    target = rule.target
    if not target.startswith("arn:") and "://" not in target:
        for kind, service in (("queues", "sqs"), ("topics", "sns")):
            place = parse_resource_name(target, kind, ctx.principal.account, ctx.region)
            if place is not None:
                account, region, name = place
                target = str(Arn(service, region, account, name))
                break
    identity = hashlib.sha256(msgspec.msgpack.encode((target, rule.events, rule.prefix, rule.suffix)))
    return msgspec.structs.replace(rule, target=target, id=rule.id or identity.hexdigest()[:32])


def _named_rules(lifecycle: Lifecycle) -> Lifecycle:
    """Return rules of which each has an id: the same one if it is set again."""
    rules = tuple(
        rule
        if rule.id
        else msgspec.structs.replace(
            rule, id=hashlib.sha256(msgspec.msgpack.encode((place, rule))).hexdigest()[:LIFECYCLE_ID_CHARACTERS]
        )
        for place, rule in enumerate(lifecycle.rules)
    )
    return msgspec.structs.replace(lifecycle, rules=rules)


def _check_description(request: model.PutObject | model.CreateMultipartUpload | model.CopyObject) -> None:
    naming.check_key(request.key)
    if request.content_type:
        naming.check_content_type(request.content_type)
    if request.metadata:
        naming.check_metadata(request.metadata)
    if request.headers:
        naming.check_headers(request.headers)
    if request.tags:
        naming.check_tags(request.tags, "Object", model.OBJECT_TAGS_MAX)
    naming.check_storage_class(request.storage_class)
    if request.lock is not None:
        locks.check_date(request.lock.until_ms)


def _lacks_digest(request: Any) -> bool:
    """Say whether a request must tell a digest of its bytes, and does not."""
    if not isinstance(request, model.PutObject | model.UploadPart):
        return False
    return request.demands_digest and not request.expected.digests and not request.expected.announced


def _retained_until(request: Any) -> int:
    """Return until when a request asks for an object to be retained, 0 where it does not."""
    lock: model.ObjectLock | None = getattr(request, "lock", None)
    return 0 if lock is None else lock.until_ms


def _check_completed_parts(parts: tuple[model.CompletedPart, ...]) -> None:
    if not parts:
        raise INVALID_REQUEST.error(reason="You must specify at least one part")
    if len(parts) > model.PARTS_MAX:
        raise naming.out_of_range("parts", f"of {len(parts)} parts", f"at most {model.PARTS_MAX} parts")
    for part in parts:
        naming.check_part_number(part.part_number)


def _refused_reader(
    ctx: CallContext, encryption: model.Encryption | None, customer: model.CustomerKey | None
) -> ServiceError | None:
    """Return why a caller cannot read an object with the key that he brings, or does not."""
    if customer is None and (encryption is None or encryption.algorithm != model.CUSTOMER):
        return None
    return _caught(lambda: check_reader(ctx, encryption, customer))


def _customer(request: model.UploadPart | model.UploadPartCopy | model.CompleteMultipartUpload) -> Any:
    """Return the customer's key that a request of an upload brings, None where it brings none."""
    return None if request.encryption is None else request.encryption.customer


def _as_encrypted(request: Any, encryption: model.Encryption | None) -> Any:
    """Return a request of an upload as policies see it: it says what the upload said."""
    if encryption is None or encryption.algorithm == model.CUSTOMER:
        return request
    told = model.AskedEncryption(encryption.algorithm, encryption.kms_key_arn, customer=_customer(request))
    return msgspec.structs.replace(request, encryption=told)


def _without_key(request: Any) -> Any:
    """Return a request as a transaction may see it: without a customer's key."""
    if isinstance(request, model.CreateMultipartUpload | model.CompleteMultipartUpload):
        return msgspec.structs.replace(request, encryption=without_key(request.encryption))
    return msgspec.structs.replace(request, customer=None)


def _caught(check: Callable[[], object]) -> ServiceError | None:
    """Return the error that a check raises, for after the authorisation."""
    try:
        check()
    except ServiceError as error:
        return error
    return None
