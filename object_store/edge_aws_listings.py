"""Listings of objects and versions over S3's REST API.

Owns ListObjects, ListObjectsV2 and ListObjectVersions: their parameters, their paging and their documents. A page is
the room's; version 1 goes on behind a key where version 2 goes on with a token. Promises that a page of a thousand keys
costs less than a millisecond: whether anything in it must be encoded is asked once for the whole page.

Source: S3 API reference, ListObjects, ListObjectsV2, ListObjectVersions.
"""

import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.object_store import listing_model
from cumulo.object_store.edge_aws_acl import owner_element
from cumulo.object_store.edge_aws_errors import argument_error
from cumulo.object_store.edge_aws_headers import check_headers
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.errors import INVALID_CONTINUATION_TOKEN
from cumulo.object_store.listing import rolled_up
from cumulo.object_store.service import Service

_PLAIN: Final = re.compile(r"[A-Za-z0-9/_.-]*")
"""What neither XML nor a URL encodes."""
_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""XML 1.0, section 2.2."""
Encode = Callable[[str], str]
Owners = Mapping[str, str]
"""The elements of owners by their accounts, that of the bucket's under an empty text."""
_NOBODY: Final[Owners] = {"": ""}


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of listings."""

    async def list_objects(call: AwsCall) -> AwsAnswer:
        return await _list_objects(service, call)

    async def list_objects_v2(call: AwsCall) -> AwsAnswer:
        return await _list_objects_v2(service, call)

    async def list_object_versions(call: AwsCall) -> AwsAnswer:
        return await _list_object_versions(service, call)

    return {
        "ListObjects": list_objects,
        "ListObjectsV2": list_objects_v2,
        "ListObjectVersions": list_object_versions,
    }


async def _list_objects_v2(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    token, start_after = request.ContinuationToken, request.StartAfter or ""
    if not call.dialect.tells_start_after:
        if token == "":
            raise INVALID_CONTINUATION_TOKEN.error(parameter="page_token")
        if token is not None:
            start_after = ""  # behind a token S3 heeds no other beginning, and tells of none
    limit, encode = page_limit(request.MaxKeys, "maxKeys"), encoder(request.EncodingType)
    fetches = bool(request.FetchOwner)
    page = await _page(service, call, limit, start_after=start_after, page_token=token or "", with_owners=fetches)
    owners = await _owners(service, request.Bucket, page.objects) if fetches else _NOBODY
    following = page.next_page_token
    return document(
        "ListBucketResult",
        _head(request, encode)
        + (f"<StartAfter>{encode(start_after)}</StartAfter>" if start_after else "")
        + (f"<ContinuationToken>{escape(token)}</ContinuationToken>" if token is not None else "")
        + (f"<NextContinuationToken>{following}</NextContinuationToken>" if following else "")
        + f"<KeyCount>{len(page.objects) + len(page.common_prefixes)}</KeyCount>"
        + _paging(request, limit, encode, is_truncated=bool(following))
        + _objects(page.objects, owners, encode)
        + _prefixes(page.common_prefixes, encode),
        headers=await _region_header(service, request.Bucket),
    )


async def _list_objects(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    marker = request.Marker or ""
    limit, encode = page_limit(request.MaxKeys, "maxKeys"), encoder(request.EncodingType)
    # Here a marker within a common prefix stands for all of it, which a start-after does not.
    behind = rolled_up(marker, request.Prefix or "", request.Delimiter or "") or marker
    page = await _page(service, call, limit, start_after=behind, with_owners=True)
    is_truncated = bool(page.next_page_token)
    following = f"<NextMarker>{encode(page.last)}</NextMarker>" if is_truncated and request.Delimiter else ""
    return document(
        "ListBucketResult",
        # Version 1 does not encode the prefix; its clients do not decode it either.
        _head(request, encode if _NOT_IN_XML.search(request.Prefix or "") else escape)
        + f"<Marker>{encode(marker)}</Marker>"
        + following
        + _paging(request, limit, encode, is_truncated=is_truncated)
        + _objects(page.objects, await _owners(service, request.Bucket, page.objects), encode)
        + _prefixes(page.common_prefixes, encode),
        headers=await _region_header(service, request.Bucket),
    )


async def _list_object_versions(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    marker, version_marker = request.KeyMarker or "", request.VersionIdMarker
    if version_marker == "" and marker:
        raise argument_error("version-id-marker", "", "A version-id marker cannot be empty.")
    limit, encode = page_limit(request.MaxKeys, "maxKeys"), encoder(request.EncodingType)
    asked = listing_model.ListObjectVersions(
        bucket=request.Bucket,
        prefix=request.Prefix or "",
        delimiter=request.Delimiter or "",
        key_marker=marker,
        version_id_marker=version_marker or "",
        page_size=limit if request.MaxKeys is not None else 0,
        without_entries=not limit,
    )
    page: listing_model.VersionPage = (await service.call(call.ctx, "ListObjectVersions", asked)).value
    is_truncated = bool(page.next_page_token)
    following = ""
    if is_truncated:
        following = f"<NextKeyMarker>{encode(page.last_key)}</NextKeyMarker>"
        if page.last_version_id:
            following += f"<NextVersionIdMarker>{page.last_version_id}</NextVersionIdMarker>"
    return document(
        "ListVersionsResult",
        _head(request, encode)
        + f"<KeyMarker>{encode(marker)}</KeyMarker><VersionIdMarker>{escape(version_marker or '')}</VersionIdMarker>"
        + following
        + _paging(request, limit, encode, is_truncated=is_truncated)
        + _versions(page.versions, await _owners(service, request.Bucket, page.versions), encode)
        + _prefixes(page.common_prefixes, encode),
    )


# Parameters


def page_limit(asked: int | None, parameter: str) -> int:
    """Return how many rows a page may have: a thousand where its caller does not say; raises `InvalidArgument`."""
    if asked is None:
        return listing_model.PAGE_MAX
    if not 0 <= asked <= 0x7FFF_FFFF:
        raise argument_error(parameter, str(asked), f"Argument {parameter} must be an integer between 0 and 2147483647")
    return asked


def encoder(encoding_type: str | None) -> Encode:
    """Return how keys and their like are written."""
    if encoding_type is None:
        return escape
    if encoding_type != "url":
        raise argument_error("encoding-type", encoding_type, "Invalid Encoding Method specified in Request")
    return url_encoded


def url_encoded(text: str) -> str:
    """Return a text as S3 writes it for `encoding-type=url`; both ways to decode a URL read a blank from `%20`."""
    return text if _PLAIN.fullmatch(text) is not None else urllib.parse.quote(text, safe="/*")


async def _page(
    service: Service,
    call: AwsCall,
    limit: int,
    *,
    start_after: str = "",
    page_token: str = "",
    with_owners: bool = False,
) -> listing_model.ObjectPage:
    request = call.request
    asked = listing_model.ListObjects(
        bucket=request.Bucket,
        prefix=request.Prefix or "",
        delimiter=request.Delimiter or "",
        start_after=start_after,
        # Not told, it is no condition key either.
        page_size=limit if request.MaxKeys is not None else 0,
        page_token=page_token,
        without_entries=not limit,
        with_owners=with_owners,
    )
    page: listing_model.ObjectPage = (await service.call(call.ctx, "ListObjects", asked)).value
    return page


async def _owners(
    service: Service, bucket: str, found: Iterable[listing_model.ObjectSummary | listing_model.ObjectVersion]
) -> Owners:
    """Return the elements that name the owners of a page, each account looked up once."""
    return {account: await owner_element(service, bucket, account) for account in {"", *(one.owner for one in found)}}


async def _region_header(service: Service, bucket: str) -> tuple[tuple[str, str], ...]:
    """Return the header by which clients that asked another region learn the bucket's."""
    return (("x-amz-bucket-region", await service.region(bucket)),)


# Documents


def _head(request: Any, encode: Encode) -> str:
    return f"<Name>{escape(request.Bucket)}</Name><Prefix>{encode(request.Prefix or '')}</Prefix>"


def _paging(request: Any, limit: int, encode: Encode, *, is_truncated: bool) -> str:
    return (
        f"<MaxKeys>{min(limit, listing_model.PAGE_MAX)}</MaxKeys>"
        + (f"<Delimiter>{encode(request.Delimiter)}</Delimiter>" if request.Delimiter else "")
        + (f"<EncodingType>{request.EncodingType}</EncodingType>" if request.EncodingType else "")
        + f"<IsTruncated>{'true' if is_truncated else 'false'}</IsTruncated>"
    )


def _objects(found: list[listing_model.ObjectSummary], owners: Owners, encode: Encode) -> str:
    keys = [one.key for one in found]
    if _PLAIN.fullmatch("".join(keys)) is None:
        keys = list(map(encode, keys))
    rows: list[str] = []
    second, kind = -1, ("", "", "", "")
    before_etag = behind_etag = behind_size = ""
    for key, one in zip(keys, found, strict=True):
        # Neighbours mostly came within one second, and are of one kind.
        if second != one.last_modified_ms // 1000:
            second = one.last_modified_ms // 1000
            before_etag = f"</Key><LastModified>{_written(second)}</LastModified><ETag>&quot;"
        if kind != (one.checksum, one.checksum_type, one.storage_class, one.owner):
            kind = one.checksum, one.checksum_type, one.storage_class, one.owner
            behind_etag = (
                f"&quot;</ETag><ChecksumAlgorithm>{one.checksum.upper()}</ChecksumAlgorithm>"
                f"<ChecksumType>{one.checksum_type}</ChecksumType><Size>"
            )
            behind_size = f"</Size><StorageClass>{one.storage_class}</StorageClass>{owners[one.owner]}</Contents>"
        rows.append(f"<Contents><Key>{key}{before_etag}{one.etag}{behind_etag}{one.size_bytes}{behind_size}")
    return "".join(rows)


def _versions(found: list[listing_model.ObjectVersion], owners: Owners, encode: Encode) -> str:
    """Return the elements of versions and delete markers, in the one order in which they were listed."""
    rows: list[str] = []
    for one in found:
        common = (
            f"<Key>{encode(one.key)}</Key><VersionId>{one.version_id}</VersionId>"
            f"<IsLatest>{'true' if one.is_latest else 'false'}</IsLatest>"
            f"<LastModified>{_written(one.last_modified_ms // 1000)}</LastModified>"
        )
        if one.is_delete_marker:
            rows.append(f"<DeleteMarker>{common}{owners[one.owner]}</DeleteMarker>")
            continue
        rows.append(
            f"<Version>{common}<ETag>&quot;{one.etag}&quot;</ETag>"
            f"<ChecksumAlgorithm>{one.checksum.upper()}</ChecksumAlgorithm>"
            f"<ChecksumType>{one.checksum_type}</ChecksumType><Size>{one.size_bytes}</Size>"
            f"<StorageClass>{one.storage_class}</StorageClass>{owners[one.owner]}</Version>"
        )
    return "".join(rows)


@lru_cache(maxsize=4096)
def _written(second: int) -> str:
    """Return a second in S3's spelling; objects that came together share theirs."""
    return iso8601_of_s3(second * 1000)


def _prefixes(prefixes: list[str], encode: Encode) -> str:
    return "".join(f"<CommonPrefixes><Prefix>{encode(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
