"""Tags of buckets and objects over S3's REST API.

Source: S3 API reference, PutObjectTagging, PutBucketTagging; user guide, "Categorizing your objects using tags".
"""

import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.object_store import configuration_model, tagging_model
from cumulo.object_store.edge_aws_errors import argument_error
from cumulo.object_store.edge_aws_headers import asked_version, broken_escape, check_headers, version_header
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.errors import INVALID_TAG
from cumulo.object_store.service import Service

_TAGGING: Final = "x-amz-tagging"


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of tags."""

    async def get_object_tagging(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        asked = tagging_model.GetObjectTagging(request.Bucket, request.Key, asked_version(request.VersionId))
        found: tagging_model.ObjectTags = (await service.call(call.ctx, "GetObjectTagging", asked)).value
        return _document(found.tags, found.version_id)

    async def put_object_tagging(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        tags = tags_of(request.Tagging.TagSet or [])
        asked = tagging_model.SetObjectTagging(request.Bucket, request.Key, tags, asked_version(request.VersionId))
        version_id = (await service.call(call.ctx, "SetObjectTagging", asked)).value
        return AwsAnswer(headers=version_header(version_id))

    async def delete_object_tagging(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        asked = tagging_model.DeleteObjectTagging(request.Bucket, request.Key, asked_version(request.VersionId))
        version_id = (await service.call(call.ctx, "DeleteObjectTagging", asked)).value
        return AwsAnswer(status=204, headers=version_header(version_id))

    async def get_bucket_tagging(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.GetBucketConfiguration(bucket, "tagging")
        found: tagging_model.BucketTagging = (await service.call(call.ctx, "GetBucketConfiguration", asked)).value
        return _document(found.tags)

    async def put_bucket_tagging(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        value = tagging_model.BucketTagging(tags_of(call.request.Tagging.TagSet or []))
        await service.call(
            call.ctx, "SetBucketConfiguration", configuration_model.SetBucketConfiguration(bucket, "tagging", value)
        )
        return AwsAnswer(status=204)

    async def delete_bucket_tagging(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        await service.call(
            call.ctx, "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration(bucket, "tagging")
        )
        return AwsAnswer(status=204)

    return {
        "GetObjectTagging": get_object_tagging,
        "PutObjectTagging": put_object_tagging,
        "DeleteObjectTagging": delete_object_tagging,
        "GetBucketTagging": get_bucket_tagging,
        "PutBucketTagging": put_bucket_tagging,
        "DeleteBucketTagging": delete_bucket_tagging,
    }


def tags_in_header(text: str | None) -> Mapping[str, str]:
    """Return the tags that a write brings in a header: the query part of a URL. Raises `InvalidArgument`."""
    if not text:
        return {}
    try:
        # A name without a value is a tag with an empty one.
        pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        pairs = [("", "")]
    tags = dict(pairs)
    # What is empty between two `&` is nothing, a lone `=` a tag without a name.
    if "" in tags or len(tags) < len(pairs) or "," in text or broken_escape(text):
        raise argument_error(
            _TAGGING,
            text,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag"
            " name duplicates.",
        )
    return tags


def tags_of(tag_set: list[Any]) -> dict[str, str]:
    """Return the tags of a document; raises `InvalidTag` where one is named twice."""
    tags: dict[str, str] = {}
    for tag in tag_set:
        if tag.Key in tags:
            raise INVALID_TAG.error(reason="Cannot provide multiple Tags with the same key", key=tag.Key)
        tags[tag.Key] = tag.Value
    return tags


def tag_elements(tags: Mapping[str, str]) -> str:
    """Return the elements of a set of tags, by key."""
    rows = "".join(
        f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>" for key, value in sorted(tags.items())
    )
    return f"<TagSet>{rows}</TagSet>"


def _document(tags: Mapping[str, str], version_id: str = "") -> AwsAnswer:
    return document("Tagging", tag_elements(tags), headers=version_header(version_id))
