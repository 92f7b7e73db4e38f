"""Uploads: one stream for what is small, parts side by side for what is large.

Promises: bounded memory (a part for each of the streams under way, and one being filled); every byte is covered by a
CRC-64/NVME that the server compares before anything becomes visible; nothing is visible before `commit`, and nothing
is left of an upload after `abort`.
"""

import contextlib
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._checksums import crc64nvme
from cumulo.client._tasks import Crew, run_blocking
from cumulo.client.errors import CumuloError
from cumulo.client.etags import part_bytes

FRAME_BYTES = 1024 * 1024
"""The contract's largest frame."""
PARTS_AT_ONCE = 4
TRANSFER_BYTES_PER_S_MIN = 256 * 1024
"""A transfer's deadline is a call's own, plus its size at this rate."""

Progress = Callable[[int], object]
"""Is told how many bytes more were handed to the network, a negative number when a part starts anew. May be called from
other threads."""


def transfer_deadline_s(base_s: float, size: int) -> float:
    """Return the deadline of a transfer of `size` bytes."""
    return base_s + size / TRANSFER_BYTES_PER_S_MIN


class AsyncUpload:
    """One object being written: `write` what comes, then `commit` or `abort`."""

    def __init__(
        self,
        connection: AsyncConnection,
        bucket: str,
        key: str,
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
        if_match: str = "",
        if_none_match: str = "",
        messages: Iterable[model.Enclosed] = (),
        encryption: model.Encryption | None = None,
        lock: model.ObjectLock | None = None,
        headers: Mapping[str, str] | None = None,
        storage_class: str = "",
        tags: Mapping[str, str] | None = None,
        canned_acl: str = "",
        progress: Progress | None = None,
        resume: bool = False,
    ) -> None:
        self._connection = connection
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._metadata = dict(metadata or {})
        self._if_match = if_match
        self._if_none_match = if_none_match
        self._messages = [_wire.enclosed_message(it) for it in messages]
        self._encryption = _wire.encryption(encryption)
        self._lock = _wire.object_lock(lock)
        self._described: dict[str, Any] = {
            "headers": headers,
            "storage_class": storage_class,
            "tags": tags,
            "canned_acl": canned_acl,
        }
        self._customer_key = b"" if encryption is None else encryption.customer_key
        self._progress = progress
        self._resume = resume
        self._known: dict[int, tuple[str, int]] = {}
        self._filling = bytearray()
        self._upload_id = ""
        self._part_count = 0
        self._crew: Crew | None = None
        self._parts: dict[int, str] = {}
        self._parts_lock = threading.Lock()

    @property
    def part_bytes(self) -> int:
        """The size of the part that is being filled."""
        return part_bytes(self._part_count)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take more bytes; waits while enough parts are under way. Raises what a part before ran into."""
        view = memoryview(data).cast("B")
        while len(view):
            room = self.part_bytes - len(self._filling)
            if room <= 0:
                await self._start_part()
                continue
            self._filling += view[:room]
            view = view[room:]

    async def commit(self) -> model.ObjectInfo:
        """Make the object durable and visible."""
        if self._crew is None:
            return await self.put_whole(self._filling)
        if self._filling:
            await self._start_part()
        await self._crew.finish()
        response = await self._connection.call(
            self._connection.lane.objects.CompleteMultipartUpload,
            pb.CompleteMultipartUploadRequest(
                bucket=self._bucket,
                key=self._key,
                upload_id=self._upload_id,
                parts=completed_parts(self._parts),
                if_match=self._if_match,
                if_none_match=self._if_none_match,
                request_id=self._connection.request_id(),
                messages=self._messages,
                customer_key=self._customer_key,
            ),
        )
        return _wire.stored_object(response)

    async def abort(self) -> None:
        """Leave nothing behind, as far as the server can be reached; an upload that was left behind expires. One that
        is to be resumed is left as it is.
        """
        self._filling = bytearray()
        if self._crew is None:
            return
        await self._crew.abandon()
        if self._resume:
            return
        await abort_upload(self._connection, self._bucket, self._key, self._upload_id)

    async def put_whole(
        self, data: bytes | bytearray | memoryview, write_offset: int | None = None
    ) -> model.ObjectInfo:
        """Store an object in one stream, or put the bytes behind one of the length `write_offset`."""
        head = pb.PutObjectHead(
            bucket=self._bucket,
            key=self._key,
            content_type=self._content_type,
            metadata=self._metadata,
            if_match=self._if_match,
            if_none_match=self._if_none_match,
            expected=pb.ExpectedContent(content_length=len(data)),
            request_id=self._connection.request_id(),
            messages=self._messages,
            write_offset=write_offset,
            encryption=self._encryption,
            lock=self._lock,
            **self._described,
        )
        response = await self._connection.call_streaming(
            self._connection.lane.objects.PutObject,
            _Frames(pb.PutObjectRequest, head, memoryview(data), self._progress),
            transfer_deadline_s(self._connection.timeout, len(data)),
        )
        return _wire.stored_object(response)

    async def _start_part(self) -> None:
        """Send what was filled as the next part, beside the others."""
        if self._crew is None and self._resume:
            await self._find_open()
        if self._crew is None:
            response = await self._connection.call(
                self._connection.lane.objects.CreateMultipartUpload,
                pb.CreateMultipartUploadRequest(
                    bucket=self._bucket,
                    key=self._key,
                    content_type=self._content_type,
                    metadata=self._metadata,
                    request_id=self._connection.request_id(),
                    encryption=self._encryption,
                    lock=self._lock,
                    **self._described,
                ),
            )
            self._upload_id = response.upload_id
            self._crew = Crew(PARTS_AT_ONCE)
        self._part_count += 1
        data, self._filling = self._filling, bytearray()
        if await self._is_there(self._part_count, data):
            return
        await self._crew.start(partial(self._send_part, self._part_count, data))

    async def _find_open(self) -> None:
        """Go on with the newest upload to this key that nobody ended, and learn which parts it has."""
        found, token = "", ""
        while True:
            uploads = await self._connection.call(
                self._connection.lane.objects.ListMultipartUploads,
                pb.ListMultipartUploadsRequest(bucket=self._bucket, prefix=self._key, page_token=token),
            )
            for it in uploads.uploads:
                found = it.upload_id if it.key == self._key else found
            token = uploads.next_page_token
            if not token or (uploads.uploads and uploads.uploads[-1].key != self._key):
                break
        if not found:
            return
        self._upload_id, self._crew, token = found, Crew(PARTS_AT_ONCE), ""
        while True:
            page = await self._connection.call(
                self._connection.lane.objects.ListParts,
                pb.ListPartsRequest(bucket=self._bucket, key=self._key, upload_id=found, page_token=token),
            )
            self._known |= {it.part_number: (it.etag, it.size_bytes) for it in page.parts}
            token = page.next_page_token
            if not token:
                return

    async def _is_there(self, number: int, data: bytearray) -> bool:
        """Say whether the upload has a part already; an ETag that is no MD5, as under keys of KMS, is none of ours."""
        etag, size = self._known.get(number, ("", 0))
        if size != len(data) or not etag:
            return False
        digest = await run_blocking(hashlib.md5, data, usedforsecurity=False)
        if digest.hexdigest() != etag:
            return False
        with self._parts_lock:
            self._parts[number] = etag
        if self._progress is not None:
            self._progress(len(data))
        return True

    async def _send_part(self, number: int, data: bytearray) -> None:
        head = pb.UploadPartHead(
            bucket=self._bucket,
            key=self._key,
            upload_id=self._upload_id,
            part_number=number,
            expected=pb.ExpectedContent(content_length=len(data)),
            customer_key=self._customer_key,
        )
        response = await self._connection.call_streaming(
            self._connection.lane.objects.UploadPart,
            _Frames(pb.UploadPartRequest, head, memoryview(data), self._progress),
            transfer_deadline_s(self._connection.timeout, len(data)),
        )
        with self._parts_lock:
            self._parts[number] = response.part.etag


def completed_parts(etags: Mapping[int, str]) -> list[pb.CompletedPart]:
    """Return parts as a completion names them, in their order; `etags` are by number."""
    return [pb.CompletedPart(part_number=number, etag=etags[number]) for number in sorted(etags)]


async def abort_upload(connection: AsyncConnection, bucket: str, key: str, upload_id: str) -> None:
    """End an upload, as far as the server can be reached; one that is left behind expires."""
    request = pb.AbortMultipartUploadRequest(
        bucket=bucket, key=key, upload_id=upload_id, request_id=connection.request_id()
    )
    with contextlib.suppress(CumuloError):
        await connection.call(connection.lane.objects.AbortMultipartUpload, request)


class _Frames:
    """The frames of one body, made anew for each attempt to send it."""

    def __init__(self, request: type[Any], head: Any, data: memoryview, progress: Progress | None) -> None:
        self._request = request
        self._head = head
        self._data = data
        self._progress = progress
        self._told = 0

    async def __call__(self) -> AsyncIterator[Any]:
        """Yield head, data and commit."""
        if self._told and self._progress is not None:
            self._progress(-self._told)
            self._told = 0
        yield self._request(head=self._head)
        for start in range(0, len(self._data), FRAME_BYTES):
            piece = bytes(self._data[start : start + FRAME_BYTES])
            yield self._request(data=piece)
            if self._progress is not None:
                self._told += len(piece)
                self._progress(len(piece))
        yield self._request(commit=_commit(self._data))


def _commit(data: memoryview) -> pb.UploadCommit:
    return pb.UploadCommit(expected=pb.ExpectedContent(content_length=len(data), crc64nvme=crc64nvme(data)))
