# Generated from _async/copies.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""Copies inside the server: in one call, and of what is too large for one in parts side by side.

Promises: all of a copy is of one version of its source; nothing of it is visible before it is whole, and nothing is
left of one that failed, as far as the server can be reached.
"""

from functools import partial

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._sync.attributes import read_attributes
from cumulo.client._sync.connection import Connection
from cumulo.client._sync.uploads import PARTS_AT_ONCE, Progress, abort_upload, completed_parts
from cumulo.client._threads import Crew
from cumulo.client.errors import CumuloError, InvalidArgument

COPY_BYTES_MAX = 5 * 1024**3
"""What S3 copies in one call."""
COPY_DEADLINE_S = 3_600.0
"""Of one call, which may take 5 GiB."""
COPY_PART_BYTES = 128 * 1024**2
PARTS_MAX = 10_000
PART_BYTES_MIN = 5 * 1024**2


def copy_part_bytes(size: int, parts_above: int = COPY_BYTES_MAX) -> int:
    """Return how large the parts of a copy of `size` bytes are: they fit into an upload, and there are several."""
    wanted = min(COPY_PART_BYTES, max(parts_above, PART_BYTES_MIN))
    return max(wanted, -(-size // PARTS_MAX))


def part_sizes(size: int, parts_above: int = COPY_BYTES_MAX) -> list[int]:
    """Return the sizes of the parts of a copy of `size` bytes."""
    each = copy_part_bytes(size, parts_above)
    return [min(each, size - first) for first in range(0, size, each)]


class Copy:
    """One copy, as its request says it."""

    def __init__(self, connection: Connection, request: pb.CopyObjectRequest, progress: Progress | None) -> None:
        self._connection = connection
        self._request = request
        self._progress = progress
        self._parts: dict[int, str] = {}

    def run(self, parts_above: int, *, keep_parts: bool) -> model.ObjectInfo:
        """Copy; return the description of the copy."""
        if keep_parts or parts_above < COPY_BYTES_MAX:
            source = self._source()
            sizes = self._sizes(source) if keep_parts and source.part_count else []
            # Those of an object that was appended to may be too small for an upload, or hold no byte.
            if sizes and sizes[-1] and all(size >= PART_BYTES_MIN for size in sizes[:-1]):
                return self._in_parts(source, sizes)
            if source.size_bytes > parts_above:
                return self._in_parts(source, part_sizes(source.size_bytes, parts_above))
        try:
            response = self._connection.call(self._connection.lane.objects.CopyObject, self._request, COPY_DEADLINE_S)
        except InvalidArgument as refusal:
            # Asked only now, so that what is not so large costs one call.
            try:
                source = self._source()
            except CumuloError:
                raise refusal from None
            if source.size_bytes <= COPY_BYTES_MAX:
                raise
            return self._in_parts(source, part_sizes(source.size_bytes))
        self._tell(response.object.size_bytes)
        return _wire.object_info(response.object)

    def _source(self) -> pb.Object:
        asked = self._request
        response = self._connection.call(
            self._connection.lane.objects.HeadObject,
            pb.HeadObjectRequest(
                bucket=asked.source_bucket or asked.bucket,
                key=asked.source_key,
                if_match=asked.source_if_match,
                customer_key=asked.source_customer_key,
                version_id=asked.source_version_id,
            ),
        )
        return response.object

    def _sizes(self, source: pb.Object) -> list[int]:
        """Return the sizes of the parts of an object."""
        request = pb.GetObjectAttributesRequest(
            bucket=source.bucket,
            key=source.key,
            version_id=source.version_id,
            customer_key=self._request.source_customer_key,
            if_match=source.etag,
        )
        _, parts = read_attributes(self._connection, request)
        return [part.size_bytes for part in parts]

    def _in_parts(self, source: pb.Object, sizes: list[int]) -> model.ObjectInfo:
        asked = self._request
        described = asked if asked.replace_metadata else source
        response = self._connection.call(
            self._connection.lane.objects.CreateMultipartUpload,
            pb.CreateMultipartUploadRequest(
                bucket=asked.bucket,
                key=asked.key,
                content_type=described.content_type,
                metadata=described.metadata,
                headers=described.headers,
                tags=self._tags(source),
                storage_class=asked.storage_class,
                canned_acl=asked.canned_acl,
                encryption=asked.encryption if asked.HasField("encryption") else None,
                lock=asked.lock if asked.HasField("lock") else None,
                request_id=self._connection.request_id(),
            ),
        )
        crew = Crew(PARTS_AT_ONCE)
        try:
            first = 0
            for number, size in enumerate(sizes, 1):
                last = first + size - 1
                crew.start(partial(self._copy_part, response.upload_id, number, source, first, last))
                first = last + 1
            crew.finish()
            return self._complete(response.upload_id)
        except BaseException:
            crew.abandon()
            abort_upload(self._connection, asked.bucket, asked.key, response.upload_id)
            raise

    def _tags(self, source: pb.Object) -> dict[str, str]:
        asked = self._request
        if asked.replace_tags:
            return dict(asked.tags)
        if not source.tag_count:
            return {}
        response = self._connection.call(
            self._connection.lane.objects.GetObjectTagging,
            pb.GetObjectTaggingRequest(bucket=source.bucket, key=source.key, version_id=source.version_id),
        )
        return dict(response.tags)

    def _copy_part(self, upload_id: str, number: int, source: pb.Object, first: int, last: int) -> None:
        asked = self._request
        response = self._connection.call(
            self._connection.lane.objects.UploadPartCopy,
            pb.UploadPartCopyRequest(
                bucket=asked.bucket,
                key=asked.key,
                upload_id=upload_id,
                part_number=number,
                source_bucket=source.bucket,
                source_key=source.key,
                source_version_id=source.version_id,
                source_if_match=source.etag,
                range=pb.ByteRange(first=first, last=last),
                source_customer_key=asked.source_customer_key,
                customer_key=asked.encryption.customer_key,
                request_id=self._connection.request_id(),
            ),
            COPY_DEADLINE_S,
        )
        self._parts[number] = response.part.etag
        self._tell(last + 1 - first)

    def _complete(self, upload_id: str) -> model.ObjectInfo:
        asked = self._request
        response = self._connection.call(
            self._connection.lane.objects.CompleteMultipartUpload,
            pb.CompleteMultipartUploadRequest(
                bucket=asked.bucket,
                key=asked.key,
                upload_id=upload_id,
                parts=completed_parts(self._parts),
                if_match=asked.if_match,
                if_none_match=asked.if_none_match,
                request_id=self._connection.request_id(),
                customer_key=asked.encryption.customer_key,
            ),
        )
        return _wire.object_info(response.object)

    def _tell(self, count: int) -> None:
        if self._progress is not None:
            self._progress(count)
