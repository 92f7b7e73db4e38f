"""Renames over S3's REST API.

Owns what the headers of a rename mean. S3 has them for directory buckets, whose clients name the source by its key
(`old`), or by bucket and key (`/bucket/old`); both are understood.

Source: S3 API reference, RenameObject.
"""

import re
import urllib.parse
from typing import Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.object_store import copy_model
from cumulo.object_store.edge_aws_errors import argument_error
from cumulo.object_store.edge_aws_headers import check_headers, read_conditions
from cumulo.object_store.service import Service

_SOURCE: Final = "x-amz-rename-source"
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,64}")


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handler of renames."""

    async def rename_object(call: AwsCall) -> AwsAnswer:
        request, headers = call.request, call.http.headers
        await check_headers(service, call, request.Bucket)
        token = request.ClientToken or ""
        if token and _TOKEN.fullmatch(token) is None:
            raise argument_error("x-amz-client-token", token, "A client token has 1 to 64 visible ASCII characters.")
        asked = copy_model.RenameObject(
            bucket=request.Bucket,
            key=request.Key,
            source_key=renamed(headers.get(_SOURCE, ""), request.Bucket),
            source_conditions=read_conditions(headers, _SOURCE + "-"),
            conditions=read_conditions(headers, ""),
            request_id=token,
        )
        await service.call(call.ctx, "RenameObject", asked)
        return AwsAnswer()

    return {"RenameObject": rename_object}


def renamed(source: str, bucket: str) -> str:
    """Return the key that a rename's source names; raises `InvalidArgument`."""
    try:
        text = urllib.parse.unquote(source, encoding="utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise argument_error(_SOURCE, source, "Invalid rename source encoding.") from error
    if text.startswith(f"/{bucket}/"):
        text = text[len(bucket) + 2 :]
    elif text.startswith("/"):
        text = text[1:]
    if not text:
        raise argument_error(_SOURCE, source, "Rename source must mention the source key.")
    return text
