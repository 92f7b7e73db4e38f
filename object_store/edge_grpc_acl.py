"""Access control lists over gRPC: the contract's grants and the room's."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.gateway.rpc import UnaryRow
from cumulo.object_store import acl_model


def rows(bucket_name: Callable[[str], str]) -> Mapping[str, UnaryRow]:
    """Return the calls about lists; `bucket_name` reads what a request calls a bucket."""
    return {
        "GetBucketAcl": (
            pb.GetBucketAclRequest,
            lambda request, _: acl_model.GetBucketAcl(bucket_name(request.bucket)),
            lambda it: pb.GetBucketAclResponse(acl=_encode(it)),
        ),
        "SetBucketAcl": (
            pb.SetBucketAclRequest,
            lambda request, _: acl_model.SetBucketAcl(
                bucket_name(request.bucket),
                request.canned_acl,
                decode(request.grants),
                request_id=request.request_id,
            ),
            lambda _: pb.SetBucketAclResponse(),
        ),
        "GetObjectAcl": (
            pb.GetObjectAclRequest,
            lambda request, _: acl_model.GetObjectAcl(bucket_name(request.bucket), request.key, request.version_id),
            lambda it: pb.GetObjectAclResponse(
                acl=_encode(it), version_id=it.version_id if isinstance(it, acl_model.VersionAcl) else ""
            ),
        ),
        "SetObjectAcl": (
            pb.SetObjectAclRequest,
            lambda request, _: acl_model.SetObjectAcl(
                bucket_name(request.bucket),
                request.key,
                request.canned_acl,
                decode(request.grants),
                version_id=request.version_id,
                request_id=request.request_id,
            ),
            lambda version_id: pb.SetObjectAclResponse(version_id=version_id),
        ),
    }


def _encode(it: acl_model.Acl) -> pb.AccessControlList:
    grants = [pb.Grant(grantee=grant.grantee, permission=grant.permission) for grant in it.grants]
    return pb.AccessControlList(owner=it.owner, grants=grants)


def decode(grants: Iterable[Any]) -> tuple[acl_model.AskedGrant, ...]:
    """Return the grants that a request asks for."""
    return tuple(acl_model.AskedGrant(grant.grantee, grant.permission) for grant in grants)
