"""Copies over S3's REST API: of an object, and of a range of one into a part.

Owns what the headers of a copy mean. The source's path is data and is decoded once, as the URL of a request is.

Source: S3 API reference, CopyObject, UploadPartCopy.
"""

import re
import urllib.parse
from typing import Final

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.object_store import copy_model, object_model, upload_model
from cumulo.object_store.acl import from_headers
from cumulo.object_store.edge_aws_encryption import (
    asked_encryption,
    encryption_headers,
    part_encryption,
    source_key,
)
from cumulo.object_store.edge_aws_errors import argument_error, header_error
from cumulo.object_store.edge_aws_headers import (
    asked_version,
    broken_escape,
    check_headers,
    check_owner,
    content_headers,
    metadata,
    read_conditions,
    version_header,
    write_conditions,
)
from cumulo.object_store.edge_aws_lifecycle import expiration_headers
from cumulo.object_store.edge_aws_locks import asked_lock
from cumulo.object_store.edge_aws_objects import checksum_elements, encoded, shown_checksums
from cumulo.object_store.edge_aws_tagging import tags_in_header
from cumulo.object_store.edge_aws_xml import document
from cumulo.object_store.naming import check_bucket_name
from cumulo.object_store.service import Service

_SOURCE: Final = "x-amz-copy-source"
_SOURCE_VERSION: Final = "x-amz-copy-source-version-id"
_RANGE: Final = re.compile(r"bytes=(\d{1,19})-(\d{1,19})")
_DIRECTIVES: Final = ("COPY", "REPLACE")


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of copies."""

    async def copy_object(call: AwsCall) -> AwsAnswer:
        return await _copy_object(service, call)

    async def upload_part_copy(call: AwsCall) -> AwsAnswer:
        return await _upload_part_copy(service, call)

    return {"CopyObject": copy_object, "UploadPartCopy": upload_part_copy}


async def _copy_object(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    if_match, if_none_match = write_conditions(call)
    asked = copy_model.CopyObject(
        bucket=request.Bucket,
        key=request.Key,
        source=await _source(service, call),
        replaces_metadata=_replaces(call, "x-amz-metadata-directive"),
        metadata_directive=headers.get("x-amz-metadata-directive", ""),
        content_type=headers.get("content-type", ""),
        metadata=metadata(call),
        headers=content_headers(headers),
        replaces_tags=_replaces(call, "x-amz-tagging-directive"),
        tags=tags_in_header(headers.get("x-amz-tagging")),
        storage_class=headers.get("x-amz-storage-class", ""),
        checksum=headers.get("x-amz-checksum-algorithm", "").lower(),
        acl=headers.get("x-amz-acl", ""),
        grants=from_headers(headers.get),
        if_match=if_match,
        if_none_match=if_none_match,
        encryption=asked_encryption(headers),
        lock=asked_lock(headers),
    )
    copied: object_model.Object = (await service.call(call.ctx, "CopyObject", asked)).value
    return document(
        "CopyObjectResult",
        f"<LastModified>{iso8601_of_s3(copied.last_modified_ms)}</LastModified>"
        f"<ETag>&quot;{copied.etag}&quot;</ETag><ChecksumType>{copied.checksum_type}</ChecksumType>{checksum_elements(shown_checksums(copied))}",
        headers=(
            *version_header(copied.version_id),
            *version_header(copied.source_version_id, _SOURCE_VERSION),
            *expiration_headers(copied),
            *encryption_headers(copied.encryption, headers),
        ),
    )


async def _upload_part_copy(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    asked = upload_model.UploadPartCopy(
        bucket=request.Bucket,
        key=request.Key,
        upload_id=request.UploadId,
        part_number=request.PartNumber,
        source=await _source(service, call),
        encryption=part_encryption(call.http.headers),
    )
    part: object_model.Part = (await service.call(call.ctx, "UploadPartCopy", asked)).value
    return document(
        "CopyPartResult",
        f"<LastModified>{iso8601_of_s3(part.last_modified_ms)}</LastModified><ETag>&quot;{part.etag}&quot;</ETag>"
        # Without an algorithm S3 keeps a checksum of its own, and tells it of whole objects only.
        + checksum_elements(encoded({name: value for name, value in part.checksums.items() if name == part.algorithm})),
        headers=(
            *version_header(part.source_version_id, _SOURCE_VERSION),
            *encryption_headers(part.encryption, call.http.headers),
        ),
    )


async def _source(service: Service, call: AwsCall) -> copy_model.CopySource:
    headers = call.http.headers
    bucket, key, version_id = parsed_source(headers.get(_SOURCE, ""))
    await check_owner(service, bucket, headers.get("x-amz-source-expected-bucket-owner"))
    return copy_model.CopySource(
        bucket,
        key,
        read_conditions(headers, "x-amz-copy-source-"),
        _range(headers.get("x-amz-copy-source-range")),
        customer=source_key(headers),
        version_id=version_id,
    )


def parsed_source(source: str) -> tuple[str, str, str]:
    """Return the bucket, the key and the version that a copy's source names: `/bucket/key` or `bucket/key`,
    percent-encoded, and `?versionId=` behind it.
    """
    path, _, query = source.partition("?")
    version_id = ""
    if query:
        if not query.startswith("versionId="):
            raise argument_error(_SOURCE, source, "Unsupported copy source parameter.")
        version_id = asked_version(query.removeprefix("versionId="))
    if broken_escape(path):
        raise argument_error(_SOURCE, source, "Invalid copy source encoding.")
    if path.startswith("arn:"):
        raise header_error(_SOURCE)
    try:
        # A form's encoding: SDKs of old send a blank as a plus.
        text = urllib.parse.unquote(path.replace("+", " "), encoding="utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise argument_error(_SOURCE, source, "Invalid copy source encoding.") from error
    bucket, _, key = text.removeprefix("/").partition("/")
    if not bucket:
        raise argument_error(
            _SOURCE, source, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        )
    try:
        check_bucket_name(bucket)
    except ServiceError as error:
        raise argument_error(_SOURCE, source, "Invalid copy source bucket name") from error
    if not key:
        raise argument_error(_SOURCE, _SOURCE, "Invalid copy source object key")
    return bucket, key, version_id


def _range(text: str | None) -> object_model.ByteRange | None:
    if text is None:
        return None
    matched = _RANGE.fullmatch(text)
    if matched is None or int(matched[1]) > int(matched[2]):
        raise argument_error(
            "x-amz-copy-source-range",
            text,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the"
            " zero-based offsets of the first and last bytes to copy",
        )
    return object_model.ByteRange(int(matched[1]), int(matched[2]))


def _replaces(call: AwsCall, header: str) -> bool:
    directive = call.http.headers.get(header, "COPY")
    if directive not in _DIRECTIVES:
        what = "metadata" if "metadata" in header else "tagging"
        raise argument_error(header, directive, f"Unknown {what} directive.")
    return directive == "REPLACE"
