"""Objects over S3's REST API: put, get, head, delete, and their attributes.

Owns what these requests say in headers and query, and the headers that describe an object in their answers. Promises
that an ordinary small request costs a few microseconds here: headers are written by hand, where the generated
structures would look at forty members of which four are there. Decides nothing: conditions, ranges and digests are the
room's.

Source: S3 API reference, PutObject, GetObject, HeadObject, DeleteObject, DeleteObjects, GetObjectAttributes.
"""

import base64
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.encoded_words import header_text
from cumulo.object_store import body_model, listing_model, object_model, upload_model
from cumulo.object_store.acl import from_headers
from cumulo.object_store.checksums import OWN
from cumulo.object_store.downloads import InlineBody
from cumulo.object_store.edge_aws_encryption import asked_encryption, customer_key, encryption_headers
from cumulo.object_store.edge_aws_errors import (
    MALFORMED_XML,
    NO_ATTRIBUTES,
    argument_error,
    request_error,
)
from cumulo.object_store.edge_aws_headers import (
    asked_version,
    byte_range,
    check_headers,
    conditions,
    content_headers,
    etag,
    expected_content,
    http_date,
    metadata,
    version_header,
    write_conditions,
)
from cumulo.object_store.edge_aws_lifecycle import expiration_headers
from cumulo.object_store.edge_aws_locks import asked_lock, check_signed, lock_headers
from cumulo.object_store.edge_aws_restores import restore_header
from cumulo.object_store.edge_aws_tagging import tags_in_header
from cumulo.object_store.edge_aws_uploads import body_length, upload_body
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.errors import NO_SUCH_KEY, NOT_MODIFIED
from cumulo.object_store.service import Service

_OVERRIDES: Final = {
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
    "response-content-language": "content-language",
    "response-content-type": "content-type",
    "response-expires": "expires",
}
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ATTRIBUTES: Final = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
Headers = list[tuple[str, str]]


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of objects."""

    async def put_object(call: AwsCall) -> AwsAnswer:
        return await _put_object(service, call)

    async def get_object(call: AwsCall) -> AwsAnswer:
        return await _read(service, call, "GetObject", object_model.GetObject)

    async def head_object(call: AwsCall) -> AwsAnswer:
        return await _read(service, call, "HeadObject", object_model.HeadObject)

    async def delete_object(call: AwsCall) -> AwsAnswer:
        return await _delete_object(service, call)

    async def delete_objects(call: AwsCall) -> AwsAnswer:
        return await _delete_objects(service, call)

    async def get_object_attributes(call: AwsCall) -> AwsAnswer:
        return await _get_object_attributes(service, call)

    async def get_object_torrent(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        await service.call(call.ctx, "HeadObject", object_model.HeadObject(bucket=request.Bucket, key=request.Key))
        raise NO_SUCH_KEY.error(key=request.Key)  # nobody seeds anything here

    return {
        "PutObject": put_object,
        "GetObject": get_object,
        "HeadObject": head_object,
        "DeleteObject": delete_object,
        "DeleteObjects": delete_objects,
        "GetObjectAttributes": get_object_attributes,
        "GetObjectTorrent": get_object_torrent,
    }


# Writing


async def _put_object(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    if_match, if_none_match = write_conditions(call)
    asked = object_model.PutObject(
        bucket=request.Bucket,
        key=request.Key,
        content_type=headers.get("content-type", ""),
        metadata=metadata(call),
        if_match=if_match,
        if_none_match=if_none_match,
        expected=expected_content(call, body_length(call)),
        headers=content_headers(headers),
        storage_class=headers.get("x-amz-storage-class", ""),
        tags=tags_in_header(headers.get("x-amz-tagging")),
        acl=headers.get("x-amz-acl", ""),
        grants=from_headers(headers.get),
        encryption=asked_encryption(headers),
        write_offset=_write_offset(request.WriteOffsetBytes),
        lock=asked_lock(headers),
        demands_digest=True,
    )
    if asked.lock is not None:
        check_signed(call)
    stored: object_model.Object = (await service.call(call.ctx, "PutObject", asked, upload_body(call))).value
    answered = (
        ("etag", f'"{stored.etag}"'),
        *checksum_headers(stored),
        *version_header(stored.version_id),
        *expiration_headers(stored),
        *encryption_headers(stored.encryption, headers),
    )
    if asked.write_offset != body_model.UNKNOWN:
        answered += (("x-amz-object-size", str(stored.size_bytes)),)
    return AwsAnswer(headers=answered)


def _write_offset(asked: int | None) -> int:
    if asked is None:
        return body_model.UNKNOWN
    if asked < 0:
        raise argument_error("x-amz-write-offset-bytes", str(asked), "The write offset must not be negative.")
    return asked


async def _delete_object(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    asked = object_model.DeleteObject(
        bucket=request.Bucket,
        key=request.Key,
        if_match=etag(headers.get("if-match", "")),
        if_modified_ms=request.IfMatchLastModifiedTime,
        if_size_bytes=request.IfMatchSize,
        version_id=asked_version(request.VersionId),
        bypasses_governance=bool(request.BypassGovernanceRetention),
    )
    deleted: object_model.Deleted = (await service.call(call.ctx, "DeleteObject", asked)).value
    answered = version_header(deleted.version_id)
    if deleted.is_delete_marker:
        answered += (("x-amz-delete-marker", "true"),)
    return AwsAnswer(status=204, headers=answered)


async def _delete_objects(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    entries = delete_entries(request.Delete, bypasses_governance=bool(request.BypassGovernanceRetention))
    asked = object_model.BatchDeleteObjects(bucket=request.Bucket, entries=entries)
    results = (await service.call(call.ctx, "BatchDeleteObjects", asked)).value
    deleted, errors = [], []
    for entry, result in zip(entries, results, strict=True):
        version = f"<VersionId>{escape(entry.version_id)}</VersionId>" if entry.version_id else ""
        if isinstance(result, object_model.ItemError):
            errors.append(
                f"<Error><Key>{escape(entry.key)}</Key>{version}<Code>{result.code}</Code>"
                f"<Message>{escape(result.message)}</Message></Error>"
            )
        elif not request.Delete.Quiet:
            marker = ""
            if result.is_delete_marker:
                marker = (
                    "<DeleteMarker>true</DeleteMarker>"
                    f"<DeleteMarkerVersionId>{result.version_id}</DeleteMarkerVersionId>"
                )
            deleted.append(f"<Deleted><Key>{escape(entry.key)}</Key>{version}{marker}</Deleted>")
    return document("DeleteResult", "".join(deleted + errors))


def delete_entries(said: Any, *, bypasses_governance: bool) -> tuple[object_model.DeleteEntry, ...]:
    """Return what a document names to be deleted; raises `MalformedXML`."""
    if not 1 <= len(said.Objects) <= object_model.BATCH_DELETE_MAX:
        raise MALFORMED_XML.error()
    return tuple(
        object_model.DeleteEntry(
            one.Key,
            etag(one.ETag or ""),
            one.LastModifiedTime,
            one.Size,
            one.VersionId or "",
            bypasses_governance,
        )
        for one in said.Objects
    )


# Reading


async def _read(service: Service, call: AwsCall, operation: str, asking: Any) -> AwsAnswer:
    """Answer a GetObject or a HeadObject: both have the same headers, the latter without the bytes."""
    request, http = call.request, call.http
    headers = http.headers
    await check_headers(service, call, request.Bucket)
    overrides, version_id = None, ""
    if http.query:
        version_id = asked_version(request.VersionId)
        overrides = _overrides(call)
    try:
        result = await service.call(
            call.ctx,
            operation,
            asking(
                bucket=request.Bucket,
                key=request.Key,
                # The range of a resumed download holds only for the version that it began with.
                range=byte_range(headers.get("range")) if "if-range" not in headers else None,
                conditions=conditions(headers),
                part_number=_part_number(request.PartNumber),
                customer=customer_key(headers),
                version_id=version_id,
            ),
        )
    except ServiceError as error:
        if error.row is NOT_MODIFIED:
            return _not_modified(error)
        raise
    download: object_model.Download = result.value
    answered = described(download.object)
    answered += encryption_headers(download.object.encryption, headers)
    length = download.content_length
    if download.is_partial:
        if length:
            last = download.first_byte + length - 1
            answered.append(("content-range", f"bytes {download.first_byte}-{last}/{download.object.size_bytes}"))
        if download.parts_count:
            answered.append(("x-amz-mp-parts-count", str(download.parts_count)))
    if "x-amz-checksum-mode" in headers:
        # Of a range the checksum of the whole would only look like a wrong one; a part tells its own where the whole's
        # is made of them.
        shows_part = call.dialect.shows_parts or download.object.checksum_type == body_model.COMPOSITE
        if download.part_checksums and shows_part:
            answered += [("x-amz-checksum-" + name, value) for name, value in encoded(download.part_checksums).items()]
            answered.append(("x-amz-checksum-type", download.object.checksum_type))
        elif length == download.object.size_bytes:
            answered += checksum_headers(download.object)
    if overrides:
        answered = [one for one in answered if one[0] not in overrides] + list(overrides.items())
    status, body = 206 if download.is_partial else 200, result.body
    if isinstance(body, InlineBody):
        return AwsAnswer(status=status, headers=tuple(answered), content=body.content)
    return AwsAnswer(body=body, content_length=length, status=status, headers=tuple(answered))


def described(found: object_model.Object) -> Headers:
    """Return the headers that describe an object."""
    headers = [
        ("last-modified", http_date(found.last_modified_ms // 1000)),
        ("etag", f'"{found.etag}"'),
        ("accept-ranges", "bytes"),
        ("content-type", _as_sent(found.content_type)),
    ]
    for name, value in found.headers.items():
        headers.append((name, _as_sent(value)))
    for name, value in found.metadata.items():
        headers.append(("x-amz-meta-" + name, header_text(value)))
    if found.storage_class != object_model.STANDARD:
        headers.append(("x-amz-storage-class", found.storage_class))
    if found.tag_count:
        headers.append(("x-amz-tagging-count", str(found.tag_count)))
    headers += version_header(found.version_id)
    headers += expiration_headers(found)
    if found.replication_status:
        headers.append(("x-amz-replication-status", found.replication_status))
    if found.restore is not None:
        headers.append(restore_header(found.restore))
    if found.lock is not None:
        headers += lock_headers(found.lock)
    return headers


def _as_sent(text: str) -> str:
    """Return a content header byte for byte as it was sent; of a text that came another way, its UTF-8."""
    if _is_latin(text):
        return text
    return text.encode().decode("latin-1")


def checksum_headers(found: object_model.Object) -> Headers:
    """Return the headers of an object's checksums and their type."""
    headers = [("x-amz-checksum-" + name, value) for name, value in shown_checksums(found).items()]
    headers.append(("x-amz-checksum-type", found.checksum_type))
    return headers


def shown_checksums(found: object_model.Object) -> dict[str, str]:
    """Return an object's checksums as S3 writes them, by algorithm."""
    suffix = f"-{found.part_count}" if found.checksum_type == body_model.COMPOSITE else ""
    return {name: base64.b64encode(value).decode() + suffix for name, value in found.shown_checksums.items()}


def checksum_elements(checksums: Mapping[str, str]) -> str:
    """Return the elements of checksums that are written already."""
    return "".join(f"<Checksum{name.upper()}>{value}</Checksum{name.upper()}>" for name, value in checksums.items())


def _not_modified(error: ServiceError) -> AwsAnswer:
    modified = http_date(int(str(error.values["modified_ms"])) // 1000)
    return AwsAnswer(status=304, headers=(("etag", f'"{error.values["etag"]}"'), ("last-modified", modified)))


def _part_number(asked: int | None) -> int:
    if asked is None:
        return 0
    if not 1 <= asked <= upload_model.PARTS_MAX:
        raise argument_error("partNumber", str(asked), "Part number must be an integer between 1 and 10000, inclusive")
    return asked


def _overrides(call: AwsCall) -> dict[str, str]:
    """Return the headers that the query of a signed request sets in its answer."""
    if "response-" not in call.http.query:
        return {}
    found = {}
    for name, value in urllib.parse.parse_qsl(call.http.query, keep_blank_values=True):
        header = _OVERRIDES.get(name)
        if header is None:
            continue
        if not call.ctx.principal.account:
            raise request_error("Request specific response headers cannot be used for anonymous GET requests.")
        if _CONTROL_CHARACTERS.search(value) is not None or not _is_latin(value):
            raise argument_error(name, value, "Header value cannot be represented using ISO-8859-1.")
        found[header] = value
    return found


def _is_latin(text: str) -> bool:
    return not text or max(text) <= "\xff"


async def _get_object_attributes(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    if not headers.get("x-amz-object-attributes"):
        raise NO_ATTRIBUTES.error()
    wanted = {name.strip() for name in headers["x-amz-object-attributes"].split(",")}
    if not wanted <= set(_ATTRIBUTES):
        raise argument_error(
            "x-amz-object-attributes", headers["x-amz-object-attributes"], "Invalid attribute name specified."
        )
    limit = request.MaxParts if request.MaxParts is not None else listing_model.PAGE_MAX
    asked = object_model.GetObjectAttributes(
        bucket=request.Bucket,
        key=request.Key,
        part_number_marker=request.PartNumberMarker or 0,
        page_size=limit,
        conditions=conditions(headers),
        customer=customer_key(headers),
        version_id=asked_version(request.VersionId),
    )
    try:
        found: object_model.ObjectAttributes = (await service.call(call.ctx, "GetObjectAttributes", asked)).value
    except ServiceError as error:
        if error.row is NOT_MODIFIED:
            return _not_modified(error)
        raise
    it = found.object
    inner = []
    if "ETag" in wanted:
        inner.append(f"<ETag>{it.etag}</ETag>")
    if "Checksum" in wanted:
        checksums = shown_checksums(it) if call.dialect.shows_parts else encoded(it.shown_checksums)
        inner.append(
            f"<Checksum>{checksum_elements(checksums)}<ChecksumType>{it.checksum_type}</ChecksumType></Checksum>"
        )
    if "ObjectParts" in wanted and it.part_count:
        shows_parts = call.dialect.shows_parts or it.checksum_type == body_model.COMPOSITE
        inner.append(
            f"<ObjectParts><PartsCount>{it.part_count}</PartsCount>"
            f"{_parts(found, request.PartNumberMarker or 0, limit) if shows_parts else ''}</ObjectParts>"
        )
    if "StorageClass" in wanted:
        inner.append(f"<StorageClass>{it.storage_class}</StorageClass>")
    if "ObjectSize" in wanted:
        inner.append(f"<ObjectSize>{it.size_bytes}</ObjectSize>")
    return document(
        "GetObjectAttributesResponse",
        "".join(inner),
        headers=(("last-modified", http_date(it.last_modified_ms // 1000)), *version_header(it.version_id)),
    )


def _parts(found: object_model.ObjectAttributes, marker: int, limit: int) -> str:
    """Return a page of an object's parts, with the checksums that its upload chose."""
    parts = "".join(
        f"<Part><PartNumber>{part.part_number}</PartNumber><Size>{part.size_bytes}</Size>"
        f"{checksum_elements(encoded(part.checksums)) if found.object.checksums else ''}</Part>"
        for part in found.parts
    )
    return (
        f"<PartNumberMarker>{marker}</PartNumberMarker>"
        f"<NextPartNumberMarker>{found.last}</NextPartNumberMarker>"
        f"<MaxParts>{min(limit, listing_model.PAGE_MAX)}</MaxParts>"
        f"<IsTruncated>{str(found.is_truncated).lower()}</IsTruncated>{parts}"
    )


def encoded(checksums: Mapping[str, bytes]) -> dict[str, str]:
    """Return a part's checksum as S3 writes it: that which was chosen, else the one that every part has."""
    chosen = {name: value for name, value in checksums.items() if name != OWN} or checksums
    return {name: base64.b64encode(value).decode() for name, value in chosen.items()}
