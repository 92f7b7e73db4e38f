"""How listings of objects and of their versions are resolved: from a token or a marker to a place among the keys.

Owns the limits of what a listing is asked by. Reads no key: the service lists, over as many snapshots as it takes.
"""

from collections.abc import Mapping

from cumulo.core.context import CallContext
from cumulo.core.operations import Operation
from cumulo.identity.room import Resolved
from cumulo.object_store import listing_model, naming, object_model, page_tokens
from cumulo.object_store.errors import NO_SUCH_BUCKET, VERSION_MARKER_ALONE
from cumulo.object_store.listing import ListStep, first_position
from cumulo.object_store.resolving import Desk, Resolver
from cumulo.object_store.version_listing import VersionStep
from cumulo.object_store.version_listing import first_position as first_version_position
from cumulo.object_store.versions import check_version_id


async def _list_objects(
    desk: Desk, ctx: CallContext, operation: Operation, request: listing_model.ListObjects
) -> Resolved:
    found = await desk.bucket(request.bucket)
    limit = naming.check_page_size(request.page_size)
    for parameter, text in (
        ("prefix", request.prefix),
        ("delimiter", request.delimiter),
        ("start_after", request.start_after),
    ):
        naming.check_text(parameter, text, object_model.KEY_BYTES_MAX)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    partition = found.row.partition
    if request.page_token:
        listing = page_tokens.objects_listing(partition, request.prefix, request.delimiter)
        position = page_tokens.open_page(desk.sealer, listing, request.page_token)
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
    return desk.resolved(ctx, operation, request, found, step)


async def _list_versions(
    desk: Desk, ctx: CallContext, operation: Operation, request: listing_model.ListObjectVersions
) -> Resolved:
    found = await desk.bucket(request.bucket)
    limit = naming.check_page_size(request.page_size)
    for parameter, text in (
        ("prefix", request.prefix),
        ("delimiter", request.delimiter),
        ("key-marker", request.key_marker),
    ):
        naming.check_text(parameter, text, object_model.KEY_BYTES_MAX)
    if request.version_id_marker and not request.key_marker:
        raise VERSION_MARKER_ALONE.error(parameter="version-id-marker", value=request.version_id_marker)
    check_version_id(request.version_id_marker)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=request.bucket)
    partition = found.row.partition
    position = b""
    if request.page_token:
        listing = page_tokens.versions_listing(partition, request.prefix, request.delimiter)
        position = page_tokens.open_page(desk.sealer, listing, request.page_token)
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
    return desk.resolved(ctx, operation, request, found, step)


RESOLVERS: Mapping[str, Resolver] = {
    "ListObjects": _list_objects,
    "ListObjectVersions": _list_versions,
}
