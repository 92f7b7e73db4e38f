"""Multipart uploads over S3's REST API.

A completion's answer leaves in one write, when it is known: it takes one transaction, so nothing has to keep the
connection alive meanwhile, and a client that takes a cut-off 200 for success never sees one.

Source: S3 API reference, CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload, ListParts,
ListMultipartUploads.
"""

from typing import Any

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.object_store import body_model, listing_model, object_model, upload_model
from cumulo.object_store.acl import from_headers
from cumulo.object_store.edge_aws_acl import initiator_element, owner_element
from cumulo.object_store.edge_aws_encryption import (
    NOT_ECHOED,
    asked_encryption,
    encryption_headers,
    part_encryption,
)
from cumulo.object_store.edge_aws_errors import MALFORMED_XML, argument_error, request_error
from cumulo.object_store.edge_aws_headers import (
    CHECKSUMS,
    check_headers,
    checksum_value,
    content_headers,
    etag,
    expected_content,
    metadata,
    version_header,
    whole_checksums,
    write_conditions,
)
from cumulo.object_store.edge_aws_lifecycle import abort_headers, expiration_headers
from cumulo.object_store.edge_aws_listings import encoder, page_limit
from cumulo.object_store.edge_aws_locks import asked_lock
from cumulo.object_store.edge_aws_objects import checksum_elements, encoded, shown_checksums
from cumulo.object_store.edge_aws_tagging import tags_in_header
from cumulo.object_store.edge_aws_uploads import body_length, upload_body
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.errors import INVALID_PART_CHECKSUM
from cumulo.object_store.service import Service


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of multipart uploads."""

    async def create_multipart_upload(call: AwsCall) -> AwsAnswer:
        return await _create(service, call)

    async def upload_part(call: AwsCall) -> AwsAnswer:
        return await _upload_part(service, call)

    async def complete_multipart_upload(call: AwsCall) -> AwsAnswer:
        return await _complete(service, call)

    async def abort_multipart_upload(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        asked = upload_model.AbortMultipartUpload(bucket=request.Bucket, key=request.Key, upload_id=request.UploadId)
        await service.call(call.ctx, "AbortMultipartUpload", asked)
        return AwsAnswer(status=204)

    async def list_parts(call: AwsCall) -> AwsAnswer:
        return await _list_parts(service, call)

    async def list_multipart_uploads(call: AwsCall) -> AwsAnswer:
        return await _list_uploads(service, call)

    return {
        "CreateMultipartUpload": create_multipart_upload,
        "UploadPart": upload_part,
        "CompleteMultipartUpload": complete_multipart_upload,
        "AbortMultipartUpload": abort_multipart_upload,
        "ListParts": list_parts,
        "ListMultipartUploads": list_multipart_uploads,
    }


async def _create(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    checksum = headers.get("x-amz-checksum-algorithm", "")
    checksum_type = headers.get("x-amz-checksum-type", "").upper()
    asked = upload_model.CreateMultipartUpload(
        bucket=request.Bucket,
        key=request.Key,
        content_type=headers.get("content-type", ""),
        metadata=metadata(call),
        headers=content_headers(headers),
        storage_class=headers.get("x-amz-storage-class", ""),
        tags=tags_in_header(headers.get("x-amz-tagging")),
        acl=headers.get("x-amz-acl", ""),
        grants=from_headers(headers.get),
        checksum=checksum.lower(),
        checksum_type=checksum_type,
        encryption=asked_encryption(headers),
        lock=asked_lock(headers),
    )
    opened: upload_model.CreatedUpload = (await service.call(call.ctx, "CreateMultipartUpload", asked)).value
    answered = [*encryption_headers(opened.encryption, headers)]
    if checksum:
        default = body_model.FULL_OBJECT if checksum.lower() == "crc64nvme" else body_model.COMPOSITE
        answered += [
            ("x-amz-checksum-algorithm", checksum.upper()),
            ("x-amz-checksum-type", checksum_type or default),
        ]
    return document(
        "InitiateMultipartUploadResult",
        f"<Bucket>{escape(request.Bucket)}</Bucket><Key>{escape(request.Key)}</Key><UploadId>{opened.upload_id}</UploadId>",
        headers=(*answered, *await abort_headers(service, request.Bucket, request.Key)),
    )


async def _upload_part(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    asked = upload_model.UploadPart(
        bucket=request.Bucket,
        key=request.Key,
        upload_id=request.UploadId,
        part_number=request.PartNumber,
        expected=expected_content(call, body_length(call)),
        encryption=part_encryption(call.http.headers),
        demands_digest=True,
    )
    part: object_model.Part = (await service.call(call.ctx, "UploadPart", asked, upload_body(call))).value
    checksums = encoded(part.checksums or {"crc64nvme": part.crc64nvme.to_bytes(8, "big")})
    answered = [("x-amz-checksum-" + name, value) for name, value in checksums.items()]
    encryption = encryption_headers(part.encryption, call.http.headers)
    return AwsAnswer(headers=(("etag", f'"{part.etag}"'), *answered, *encryption))


async def _complete(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    parts = completed_parts(request.MultipartUpload)
    if_match, if_none_match = write_conditions(call)
    size_bytes = request.MpuObjectSize
    if size_bytes is not None and size_bytes < 0:
        raise request_error(f"Value for x-amz-mp-object-size header is less than zero: '{size_bytes}'")
    asked = upload_model.CompleteMultipartUpload(
        bucket=request.Bucket,
        key=request.Key,
        upload_id=request.UploadId,
        parts=parts,
        if_match=if_match,
        if_none_match=if_none_match,
        checksums=whole_checksums(headers),
        checksum_type=headers.get("x-amz-checksum-type", ""),
        object_size_bytes=body_model.UNKNOWN if size_bytes is None else size_bytes,
        encryption=part_encryption(headers),
        needs_key=call.dialect.completion_needs_key,
        etags_suffice=call.dialect.etags_suffice,
    )
    stored: object_model.Object = (await service.call(call.ctx, "CompleteMultipartUpload", asked)).value
    location = f"{call.base_url}{call.http.path}"
    return document(
        "CompleteMultipartUploadResult",
        f"<Location>{escape(location)}</Location><Bucket>{escape(request.Bucket)}</Bucket>"
        f"<Key>{escape(request.Key)}</Key><ETag>&quot;{stored.etag}&quot;</ETag>"
        f"{checksum_elements(shown_checksums(stored))}<ChecksumType>{stored.checksum_type}</ChecksumType>",
        headers=(
            *version_header(stored.version_id),
            *expiration_headers(stored),
            *encryption_headers(stored.encryption, headers if asked.needs_key else NOT_ECHOED),
        ),
    )


def completed_parts(said: Any) -> tuple[upload_model.CompletedPart, ...]:
    """Return the parts that a document names, none where there is no document: that is for after the upload was found.

    Raises `MalformedXML`, `InvalidArgument` for a checksum that is none and for several.
    """
    if said is None:
        return ()
    parts = said.Parts
    if not parts or len(parts) > upload_model.PARTS_MAX:
        raise MALFORMED_XML.error()
    return tuple([_completed(part) for part in parts])


def _completed(part: Any) -> upload_model.CompletedPart:
    if part.PartNumber is None or part.ETag is None:
        raise MALFORMED_XML.error()
    said = {
        name: value for name in CHECKSUMS.values() if (value := getattr(part, f"Checksum{name.upper()}")) is not None
    }
    if len(said) > 1:
        shown = "".join(f"{name.upper()}:{value};" for name, value in said.items())
        raise INVALID_PART_CHECKSUM.error(parameter="Checksum", value=shown)
    checksums = {}
    for name, value in said.items():
        try:
            checksums[name] = checksum_value(f"x-amz-checksum-{name}", value)
        except ServiceError as error:
            raise INVALID_PART_CHECKSUM.error(parameter="Checksum", value=value) from error
    return upload_model.CompletedPart(part.PartNumber, etag(part.ETag), checksums)


def _checksum_elements(part: object_model.Part, algorithm: str) -> str:
    """Return the checksum of an upload's algorithm; that which S3 keeps without one it tells of whole objects only."""
    name = algorithm.lower()
    return checksum_elements(encoded({name: part.checksums[name]})) if name in part.checksums else ""


async def _list_parts(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    limit, marker = page_limit(request.MaxParts, "max-parts"), request.PartNumberMarker or 0
    if not 0 <= marker <= 0x7FFF_FFFF:
        raise argument_error(
            "part-number-marker", str(marker), "Argument part-number-marker must be an integer between 0 and 2147483647"
        )
    asked = upload_model.ListParts(
        bucket=request.Bucket,
        key=request.Key,
        upload_id=request.UploadId,
        page_size=limit,
        part_number_marker=min(marker, upload_model.PARTS_MAX),
        without_entries=not limit,
    )
    page: upload_model.PartPage = (await service.call(call.ctx, "ListParts", asked)).value
    upload = page.upload
    following = page.last or (page.parts[-1].part_number if page.parts else 0)
    parts = "".join(
        f"<Part><PartNumber>{part.part_number}</PartNumber>"
        f"<LastModified>{iso8601_of_s3(part.last_modified_ms)}</LastModified><ETag>&quot;{part.etag}&quot;</ETag>"
        f"<Size>{part.size_bytes}</Size>{_checksum_elements(part, upload.checksum)}</Part>"
        for part in page.parts
    )
    checksum = (
        f"<ChecksumAlgorithm>{upload.checksum.upper()}</ChecksumAlgorithm><ChecksumType>{upload.checksum_type}</ChecksumType>"
        if upload.checksum
        else ""
    )
    people = await _people(service, request.Bucket, upload)
    return document(
        "ListPartsResult",
        f"<Bucket>{escape(request.Bucket)}</Bucket><Key>{escape(request.Key)}</Key>"
        f"<UploadId>{escape(request.UploadId)}</UploadId>{people}"
        f"<StorageClass>{upload.storage_class}</StorageClass><PartNumberMarker>{marker}</PartNumberMarker>"
        f"<NextPartNumberMarker>{following}</NextPartNumberMarker>"
        f"<MaxParts>{min(limit, listing_model.PAGE_MAX)}</MaxParts>"
        f"<IsTruncated>{str(bool(page.last)).lower()}</IsTruncated>{checksum}{parts}",
        headers=await abort_headers(service, request.Bucket, request.Key, upload.create_ms),
    )


async def _list_uploads(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    await check_headers(service, call, request.Bucket)
    limit, encode = page_limit(request.MaxUploads, "max-uploads"), encoder(request.EncodingType)
    key_marker = request.KeyMarker or ""
    # Without a key marker, S3 ignores that of the upload.
    upload_id_marker = (request.UploadIdMarker or "") if key_marker else ""
    prefix, delimiter = request.Prefix or "", request.Delimiter or ""
    asked = upload_model.ListMultipartUploads(
        bucket=request.Bucket,
        prefix=prefix,
        page_size=limit,
        delimiter=delimiter,
        key_marker=key_marker,
        upload_id_marker=upload_id_marker,
        without_entries=not limit,
    )
    page: upload_model.UploadPage = (await service.call(call.ctx, "ListMultipartUploads", asked)).value
    rows = [
        f"<Upload><Key>{encode(one.key)}</Key><UploadId>{one.upload_id}</UploadId>"
        f"{await _people(service, request.Bucket, one)}"
        f"<StorageClass>{one.storage_class}</StorageClass><Initiated>{iso8601_of_s3(one.create_ms)}</Initiated>"
        + (
            f"<ChecksumAlgorithm>{one.checksum.upper()}</ChecksumAlgorithm><ChecksumType>{one.checksum_type}</ChecksumType>"
            if one.checksum
            else ""
        )
        + "</Upload>"
        for one in page.uploads
    ]
    prefixes = "".join(
        f"<CommonPrefixes><Prefix>{encode(one)}</Prefix></CommonPrefixes>" for one in page.common_prefixes
    )
    is_truncated = bool(page.next_page_token)
    last_key, last_upload_id = page.last_key, page.last_upload_id
    if not is_truncated:  # of what is listed whole S3 names the last upload, too
        last_key, last_upload_id = (page.uploads[-1].key, page.uploads[-1].upload_id) if page.uploads else ("", "")
    return document(
        "ListMultipartUploadsResult",
        f"<Bucket>{escape(request.Bucket)}</Bucket><KeyMarker>{encode(key_marker)}</KeyMarker>"
        f"<UploadIdMarker>{escape(upload_id_marker)}</UploadIdMarker>"
        f"<NextKeyMarker>{encode(last_key)}</NextKeyMarker>"
        f"<NextUploadIdMarker>{last_upload_id}</NextUploadIdMarker>"
        + (f"<Prefix>{encode(prefix)}</Prefix>" if prefix else "")
        + (f"<Delimiter>{encode(delimiter)}</Delimiter>" if delimiter else "")
        + (f"<EncodingType>{request.EncodingType}</EncodingType>" if request.EncodingType else "")
        + f"<MaxUploads>{min(limit, listing_model.PAGE_MAX)}</MaxUploads>"
        f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{''.join(rows)}{prefixes}",
    )


async def _people(service: Service, bucket: str, upload: upload_model.Upload) -> str:
    """Return the elements of who began an upload and of whose the object will be."""
    return await initiator_element(service, upload.initiator) + await owner_element(service, bucket, upload.owner)
