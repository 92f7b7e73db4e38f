"""How calls about a bucket's configurations are resolved, of all kinds of `configurations.KINDS`.

Owns the ids of lifecycle rules without one, and what a configuration asks of other buckets: that a log's target takes
it, that a replication's destinations keep versions, and that its role may be passed on. Knows no form of a
configuration: `configurations.py` checks it.
"""

import functools
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.names import parse_arn
from cumulo.core.operations import Check, Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.object_store import configuration_model, configurations, naming, page_tokens, replication_rules
from cumulo.object_store.buckets import versioning_of
from cumulo.object_store.errors import INVALID_ARGUMENT, INVALID_REQUEST, NO_SUCH_BUCKET
from cumulo.object_store.lifecycle_model import Lifecycle
from cumulo.object_store.logging_rules import check_target, is_logged
from cumulo.object_store.resolving import Desk, Resolver, caught, in_bucket
from cumulo.object_store.stamping import Stamped

LIFECYCLE_ID_CHARACTERS: Final = 48
"""Of the ids that S3 gives to rules without one."""


async def _configuration(desk: Desk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    kind = configurations.kind_of(request.kind)
    configurations.check_id(kind, request.id)
    if isinstance(request, configuration_model.SetBucketConfiguration):
        if not kind.is_kept:
            raise NOT_IMPLEMENTED.error(what=f"The {request.kind} configuration of a bucket")
        configurations.check_configuration(request.bucket, request.kind, request.value, request.id)
        if isinstance(request.value, Lifecycle):
            request = msgspec.structs.replace(request, value=_named_rules(request.value))
        elif request.kind == configurations.REPLICATION:
            rules: Any = request.value
            request = msgspec.structs.replace(request, value=replication_rules.named(rules))
    elif isinstance(request, configuration_model.DeleteBucketConfiguration):
        configurations.check_removal(request.kind)
    resolved = await in_bucket(desk, ctx, operation, request)
    if isinstance(request, configuration_model.SetBucketConfiguration) and request.kind == configurations.LOGGING:
        refused = await _refused_log(desk, request)
        return msgspec.structs.replace(resolved, missing=refused)
    if isinstance(request, configuration_model.SetBucketConfiguration) and request.kind == configurations.REPLICATION:
        # First, for what follows says something of other buckets.
        desk.authorizer.authorize(ctx, resolved.checks, resolved.guard)
        _check_passes_role(desk, ctx, request)
        return msgspec.structs.replace(resolved, missing=await _refused_replication(desk, request))
    if (
        isinstance(request, configuration_model.DeleteBucketConfiguration)
        and request.kind == configurations.ENCRYPTION
        and desk.defaults.encryption is not None
    ):
        # S3 brings its default back where others leave nothing.
        reset = msgspec.structs.replace(request, to_default=True)
        stamped: Stamped = msgspec.structs.replace(resolved.request, request=reset)
        return msgspec.structs.replace(resolved, request=stamped)
    return resolved


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


async def _refused_log(desk: Desk, request: configuration_model.SetBucketConfiguration) -> ServiceError | None:
    """Return why a bucket cannot take the log that a configuration sends it."""
    value: Any = request.value
    if not is_logged(value):
        return None
    source, enabled = await desk.find(request.bucket), value.LoggingEnabled
    is_name = caught(lambda: naming.check_bucket_name(enabled.TargetBucket)) is None
    target = await desk.find(enabled.TargetBucket) if is_name else None
    assert source is not None, "resolved just now"
    return caught(lambda: check_target(enabled, source.row, None if target is None else target.row))


def _check_passes_role(desk: Desk, ctx: CallContext, request: configuration_model.SetBucketConfiguration) -> None:
    """Raise `AccessDenied` where a caller must not hand the role of replication rules to S3: it may do what he may
    not.
    """
    value: Any = request.value
    role = parse_arn(value.Role)
    assert role is not None, "checked"
    check = Check("iam:PassRole", value.Role, {"iam:PassedToService": "s3.amazonaws.com"})
    desk.authorizer.authorize(ctx, (check,), Guard(role.account))


async def _refused_replication(desk: Desk, request: configuration_model.SetBucketConfiguration) -> ServiceError | None:
    """Return why versions of a bucket cannot go where a configuration sends them."""
    value: Any = request.value
    for name, account in replication_rules.destinations(value).items():
        refused = caught(functools.partial(naming.check_bucket_name, name))
        found = await desk.find(name) if refused is None else None
        if found is None:
            return INVALID_REQUEST.error(reason="Destination bucket must exist.")
        if account not in ("", found.row.account):
            return INVALID_REQUEST.error(reason="Destination bucket must be owned by the account specified.")
        if (
            await desk.engine.read((found.row.partition,), versioning_of, found)
            != configuration_model.VERSIONING_ENABLED
        ):
            return INVALID_REQUEST.error(reason="Destination bucket must have versioning enabled.")
    return None


async def _list_configurations(
    desk: Desk, ctx: CallContext, operation: Operation, request: configuration_model.ListBucketConfigurations
) -> Resolved:
    kind = configurations.kind_of(request.kind)
    if not kind.has_ids:
        raise INVALID_ARGUMENT.error(parameter="kind", value=request.kind, allowed="a kind with ids")
    limit = min(naming.check_page_size(request.page_size), configuration_model.CONFIGURATION_PAGE_MAX)
    found = await desk.bucket(request.bucket)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    after = b""
    if request.page_token:
        listing = page_tokens.configurations_listing(found.row.partition, request.kind)
        after = page_tokens.open_page(desk.sealer, listing, request.page_token)
    stamped = msgspec.structs.replace(desk.stamp(ctx, request, found), after=after, limit=limit)
    return desk.resolved(ctx, operation, request, found, stamped)


RESOLVERS: Mapping[str, Resolver] = {
    "GetBucketConfiguration": _configuration,
    "SetBucketConfiguration": _configuration,
    "DeleteBucketConfiguration": _configuration,
    "ListBucketConfigurations": _list_configurations,
}
