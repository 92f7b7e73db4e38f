"""How calls about queues themselves are resolved: their attributes, policies, tags and lists."""

from collections.abc import Mapping

from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE, ServiceError
from cumulo.core.names import is_account_id, is_region
from cumulo.core.operations import Operation
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import model, permissions, queue_attributes
from cumulo.queue_service.keys import DataKey
from cumulo.queue_service.operations import TABLE
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import (
    StampedCreate,
    StampedGet,
    StampedList,
    StampedPolicy,
    StampedRemoval,
    StampedSources,
    StampedTags,
    StampedUpdate,
    allocate_partition,
)
from cumulo.queue_service.resolving import Desk, Resolver, checks_of, in_force, listing_of, page_size
from cumulo.storage.engine import ROOT


async def _create(desk: Desk, ctx: CallContext, operation: Operation, request: model.CreateQueue) -> Resolved:
    place = desk.place(ctx, request.queue)
    fields = queue_attributes.written(request.attributes, place)
    policy = queue_attributes.stored_policy(request.attributes.policy, desk.engine)
    allow = queue_attributes.checked_redrive_allow(request.attributes.redrive_allow_policy)
    queue_attributes.check_tags(request.tags, place.name)
    found = await desk.find(place)
    partition = found.row.partition if found else await desk.engine.transact((ROOT,), allocate_partition, None)
    data_key = None if found else _data_key(desk, place, partition, fields, managed=model.MANAGED_SSE)
    return Resolved(
        request=StampedCreate(
            place,
            partition,
            found is None,
            fields,
            policy,
            desk.clock.wall_ms(),
            request.tags,
            allow,
            data_key,
            desk.clock.deadline_ms(),
        ),
        partitions=(ROOT, partition),
        checks=checks_of(operation, place) + (checks_of(TABLE["TagQueue"], place) if request.tags else ()),
        guard=Guard(place.account, found.row.policy if found else ""),
    )


def _data_key(
    desk: Desk, place: Place, partition: bytes, fields: dict[str, object], *, managed: bool, kms_key: str = ""
) -> DataKey | None:
    """Return a key for a queue that is encrypted so now, and for which `fields` are to be written."""
    managed, kms_key = queue_attributes.encrypted_with(fields, managed=managed, key=kms_key)
    return desk.seals.new_key(place, partition, kms_key) if managed or kms_key else None


async def _get(
    desk: Desk,
    ctx: CallContext,
    operation: Operation,
    request: model.GetQueue | model.GetQueueUrl | model.ListQueueTags,
) -> Resolved:
    place = desk.place(ctx, request.queue)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    return Resolved(
        StampedGet(place, partition, desk.clock.deadline_ms() if isinstance(request, model.GetQueue) else 0),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
    )


async def _update(desk: Desk, ctx: CallContext, operation: Operation, request: model.UpdateQueue) -> Resolved:
    place = desk.place(ctx, request.queue)
    fields = queue_attributes.written(request.attributes, place)
    for name in request.defaults:
        fields |= queue_attributes.default(name)
    written_policy = "" if queue_attributes.POLICY in request.defaults else request.attributes.policy
    policy = queue_attributes.stored_policy(written_policy, desk.engine)
    written_allow = request.attributes.redrive_allow_policy
    if queue_attributes.REDRIVE_ALLOW in request.defaults:
        written_allow = ""
    allow = queue_attributes.checked_redrive_allow(written_allow)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition, now = found.row.partition, found.row.data_key
    kms_key = now.kms_master_key_id if now else ""
    data_key = _data_key(desk, place, partition, fields, managed=bool(now) and not kms_key, kms_key=kms_key)
    return Resolved(
        StampedUpdate(
            place, partition, fields, policy, desk.clock.wall_ms(), desk.clock.deadline_ms(), allow, data_key
        ),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
    )


async def _removal(
    desk: Desk, ctx: CallContext, operation: Operation, request: model.DeleteQueue | model.PurgeQueue
) -> Resolved:
    place = desk.place(ctx, request.queue)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    return Resolved(
        request=StampedRemoval(place, partition, desk.clock.deadline_ms(), getattr(request, "interval_s", 0)),
        partitions=(ROOT, partition),
        checks=checks_of(operation, place),
        guard=Guard(place.account, found.row.policy),
        grows=False,
    )


async def _tags(
    desk: Desk, ctx: CallContext, operation: Operation, request: model.TagQueue | model.UntagQueue
) -> Resolved:
    place = desk.place(ctx, request.queue)
    written, removed = (request.tags, ()) if isinstance(request, model.TagQueue) else ({}, request.keys)
    queue_attributes.check_tags(written, place.name)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    return Resolved(
        StampedTags(place, partition, written, removed),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
    )


async def _permission(
    desk: Desk, ctx: CallContext, operation: Operation, request: model.AddPermission | model.RemovePermission
) -> Resolved:
    place = desk.place(ctx, request.queue)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    checks = checks_of(operation, place)
    guard = in_force(ctx, operation, Guard(place.account, found.row.policy))
    # Before a word about what the policy says: the edit below answers which labels there are.
    desk.authorizer.authorize(ctx, checks, guard)
    text = resource_policy.shown(found.row.policy, desk.engine)
    stored, missing = "", None
    try:
        if isinstance(request, model.AddPermission):
            text = permissions.with_permission(text, place.arn, request)
        else:
            text = permissions.without_permission(text, request.label)
        stored = queue_attributes.stored_policy(text, desk.engine) or ""
    except ServiceError as error:
        missing = error  # unless the request is a repeated one, which has done that before
    return Resolved(
        StampedPolicy(place, found.row.partition, found.row.policy, stored, desk.clock.wall_ms()),
        (ROOT, found.row.partition),
        checks,
        guard,
        missing=missing,
    )


async def _sources(
    desk: Desk, ctx: CallContext, operation: Operation, request: model.ListDeadLetterSources
) -> Resolved:
    place = desk.place(ctx, request.queue)
    limit = page_size(request.page_size)
    last = desk.last_listed(listing_of(request, place.arn), request.page_token)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    return Resolved(
        StampedSources(place, last, limit),
        (ROOT,),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
    )


async def _list(desk: Desk, ctx: CallContext, operation: Operation, request: model.ListQueues) -> Resolved:
    account, region = parent_of(request.parent, ctx)
    if len(request.prefix) > model.QUEUE_NAME_CHARACTERS_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="prefix",
            value=f"of {len(request.prefix)} characters",
            allowed=f"at most {model.QUEUE_NAME_CHARACTERS_MAX} characters",
        )
    limit = page_size(request.page_size)
    last = desk.last_listed(listing_of(request, f"{account}/{region}"), request.page_token)
    return Resolved(
        request=StampedList(account, region, request.prefix, last, limit),
        partitions=(ROOT,),
        checks=checks_of(operation, Place(account, region, "")),
        guard=Guard(account),
    )


def parent_of(parent: str, ctx: CallContext) -> tuple[str, str]:
    """Return account and region of `accounts/{account}/regions/{region}`; of the caller where it is empty."""
    if not parent:
        return ctx.principal.account, ctx.region
    parts = parent.split("/")
    if (
        len(parts) != 4
        or parts[0] != "accounts"
        or parts[2] != "regions"
        or not is_account_id(parts[1])
        or not is_region(parts[3])
    ):
        raise INVALID_PARAMETER_VALUE.error(
            parameter="parent", value=repr(parent[:80]), allowed="it is accounts/{account}/regions/{region}"
        )
    return parts[1], parts[3]


RESOLVERS: Mapping[str, Resolver] = {
    "CreateQueue": _create,
    "GetQueue": _get,
    "GetQueueUrl": _get,
    "ListQueueTags": _get,
    "ListQueues": _list,
    "ListDeadLetterSources": _sources,
    "UpdateQueue": _update,
    "DeleteQueue": _removal,
    "PurgeQueue": _removal,
    "TagQueue": _tags,
    "UntagQueue": _tags,
    "AddPermission": _permission,
    "RemovePermission": _permission,
}
