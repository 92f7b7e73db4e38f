"""The room's AWS edge: Amazon S3's REST API, a table of handlers by operation.

Each page of it (`edge_aws_*.py`) turns S3's shapes into the room's requests and its results into S3's answers; nothing
is decided here but what only the wire knows. What stands in no page is refused by name.
"""

import functools
from typing import Any, Final

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_model import ServiceModel
from cumulo.gateway.aws_service import AwsCall, AwsService, Handler, RefusalWithHeaders
from cumulo.object_store import (
    edge_aws_acl,
    edge_aws_buckets,
    edge_aws_configurations,
    edge_aws_copies,
    edge_aws_forms,
    edge_aws_lifecycle,
    edge_aws_listings,
    edge_aws_locks,
    edge_aws_multipart,
    edge_aws_notifications,
    edge_aws_objects,
    edge_aws_renames,
    edge_aws_restores,
    edge_aws_shapes,
    edge_aws_tagging,
)
from cumulo.object_store.edge_aws_dialects import DIALECTS
from cumulo.object_store.edge_aws_documents import check_document
from cumulo.object_store.edge_aws_errors import INPUT_ERRORS, SECOND_TO_BUCKETS, add_elements, refusal_headers
from cumulo.object_store.edge_aws_front import Front, no_bucket
from cumulo.object_store.service import Service

BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of a document: a completion of 10,000 parts with a checksum each takes about 3 MB."""
_PAGES: Final = (
    edge_aws_objects,
    edge_aws_listings,
    edge_aws_multipart,
    edge_aws_copies,
    edge_aws_buckets,
    edge_aws_configurations,
    edge_aws_shapes,
    edge_aws_lifecycle,
    edge_aws_notifications,
    edge_aws_renames,
    edge_aws_restores,
    edge_aws_tagging,
    edge_aws_acl,
    edge_aws_locks,
    edge_aws_forms,
)


def edge(service: Service, dialect: str = "aws") -> AwsService:
    """Return Amazon S3 as the room serves it, in one of `edge_aws_dialects.DIALECTS`."""
    handlers: dict[str, Handler] = {}
    for page in _PAGES:
        handlers |= {name: _guarded(service, handler) for name, handler in page.handlers(service).items()}
    return AwsService(
        name="s3",
        api_version="2006-03-01",
        target_prefix="",
        load=_load,
        handlers=handlers,
        input_errors=INPUT_ERRORS,
        body_bytes_max=BODY_BYTES_MAX,
        front=Front(service),
        dialect=DIALECTS[dialect],
    )


def _guarded(service: Service, handler: Handler) -> Handler:
    """Return a handler that gets documents only as their sender meant them, and whose errors bear S3's elements."""

    async def answer(call: AwsCall) -> Any:
        try:
            check_document(call)
            return await handler(call)
        except ServiceError as caught:
            error = await _first(service, call, caught)
            add_elements(error, call)
            headers = refusal_headers(error, denies_markers=call.dialect.denies_markers)
            if headers:
                raise RefusalWithHeaders(error, headers) from error
            raise error from caught.__cause__

    return answer


async def _first(service: Service, call: AwsCall, error: ServiceError) -> ServiceError:
    """Return what S3 says first: that there is no such bucket, before what a request to it lacks. `Front.find` does the
    same for what was wrong before there was a handler.
    """
    bucket = getattr(call.request, "Bucket", "")
    if error.row not in SECOND_TO_BUCKETS or not bucket or call.operation == "CreateBucket":
        return error
    return await no_bucket(service, bucket) or error


@functools.cache
def _load() -> ServiceModel:
    from cumulo.object_store.aws_s3 import SERVICE  # noqa: PLC0415 - imported at the first call: see AwsService

    return SERVICE
