"""A browser's form that posts a file (S3's POST Object).

Owns what the fields mean and how a browser is answered. The gateway has read the form, verified its signature and held
it to its policy: what comes here are its fields and the file as a stream.

Source: S3 API reference, "POST Object".
"""

import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from cumulo.core.lazy import LazyModule
from cumulo.gateway import aws_xml
from cumulo.gateway.aws_model import MalformedInput
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler, PostedForm
from cumulo.gateway.aws_shapes import from_plain
from cumulo.object_store import body_model, object_model
from cumulo.object_store.acl import from_headers
from cumulo.object_store.edge_aws_encryption import asked_encryption, encryption_headers
from cumulo.object_store.edge_aws_errors import MALFORMED_XML, argument_error, request_error
from cumulo.object_store.edge_aws_headers import (
    CHECKSUMS,
    content_headers,
    expected_digests,
    refuse_not_built,
    version_header,
)
from cumulo.object_store.edge_aws_locks import asked_lock
from cumulo.object_store.edge_aws_objects import checksum_headers
from cumulo.object_store.edge_aws_tagging import tags_of
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.service import Service

OPERATION: Final = "PostObject"
"""The one operation of S3's REST API that AWS's service description does not have."""
_aws_s3 = LazyModule("cumulo.object_store.aws_s3")
_META: Final = "x-amz-meta-"
_ABOUT_CHECKSUMS: Final = frozenset(("x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"))
_URL: Final = re.compile(r"https?://[\x21-\x7e]+")


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handler of forms; `call.request` is a `PostedForm`."""

    async def post_object(call: AwsCall) -> AwsAnswer:
        return await _post_object(service, call)

    return {OPERATION: post_object}


async def _post_object(service: Service, call: AwsCall) -> AwsAnswer:
    form: PostedForm = call.request
    fields = form.fields
    refuse_not_built(fields)
    key = fields.get("key", "")
    if not key:
        raise argument_error(
            "key",
            "",
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
        )
    _check_checksums(fields)
    asked = object_model.PutObject(
        bucket=form.Bucket,
        key=key,
        content_type=_latin(fields.get("content-type", "")),
        metadata={name[len(_META) :]: value for name, value in fields.items() if name.startswith(_META)},
        expected=body_model.ExpectedContent(digests=expected_digests(fields)),
        headers={name: _latin(value) for name, value in content_headers(fields).items()},
        storage_class=fields.get("x-amz-storage-class", ""),
        tags=_tags(fields.get("tagging")),
        acl=fields.get("acl", fields.get("x-amz-acl", "")),
        grants=from_headers(fields.get),
        is_form=True,
        encryption=asked_encryption(fields),
        lock=asked_lock(fields),
    )
    stored: object_model.Object = (await service.call(call.ctx, "PutObject", asked, call.body)).value
    return _answer(call, fields, stored)


def _check_checksums(fields: Mapping[str, str]) -> None:
    """Raise `InvalidRequest` for a form whose only checksum is of no algorithm that S3 knows."""
    named = {name for name in fields if name.startswith("x-amz-checksum-")} - _ABOUT_CHECKSUMS
    if named and named.isdisjoint(CHECKSUMS):
        raise request_error("The algorithm type you specified in x-amz-checksum- header is invalid.")


def _answer(call: AwsCall, fields: Mapping[str, str], stored: object_model.Object) -> AwsAnswer:
    location = f"{call.base_url}{call.http.path.rstrip('/')}/{urllib.parse.quote(stored.key)}"
    quoted = f'"{stored.etag}"'
    encryption = encryption_headers(stored.encryption, fields)
    headers = (
        ("etag", quoted),
        ("location", location),
        *checksum_headers(stored),
        *version_header(stored.version_id),
        *encryption,
    )
    redirect = fields.get("success_action_redirect", fields.get("redirect", ""))
    if _URL.fullmatch(redirect) is not None:
        separator = "&" if "?" in redirect else "?"
        told = urllib.parse.urlencode({"bucket": stored.bucket, "key": stored.key, "etag": quoted})
        return AwsAnswer(status=303, headers=(("location", f"{redirect}{separator}{told}"), headers[0]))
    # What is none of the three is as good as none (API reference).
    match fields.get("success_action_status", ""):
        case "200":
            return AwsAnswer(status=200, headers=headers)
        case "201":
            return document(
                "PostResponse",
                f"<Location>{escape(location)}</Location><Bucket>{escape(stored.bucket)}</Bucket>"
                f"<Key>{escape(stored.key)}</Key><ETag>&quot;{stored.etag}&quot;</ETag>",
                status=201,
                headers=headers,
                namespace="",
            )
    return AwsAnswer(status=204, headers=headers)


def _latin(text: str) -> str:
    """Return a content header as S3 keeps it: a blank stands for each character that ISO 8859-1 does not have."""
    return "".join(character if character <= "\xff" else " " for character in text)


def _tags(text: str | None) -> dict[str, str]:
    """Return the tags of a form: a document in a field, of which any other than `Tagging` has none. Raises
    `MalformedXML` or `InvalidTag`.
    """
    if text is None:
        return {}
    try:
        root = aws_xml.parse(text.encode())
        if aws_xml.local_name(root) != "Tagging":
            return {}
        values = aws_xml.read_values(root, "Tagging", _aws_s3.Tagging)
        tagging = from_plain("xml", values, _aws_s3.Tagging, strict=False)
    except MalformedInput as error:
        raise MALFORMED_XML.error() from error
    return tags_of(tagging.TagSet or [])
