# Generated from _async/buckets.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""A bucket: its objects, its policy, its notifications."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, overload

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._partial_file import PartialFile
from cumulo.client._presigning import EXPIRES_S, presigned
from cumulo.client._stretched_file import STRETCH_BYTES
from cumulo.client._sync.attributes import read_attributes
from cumulo.client._sync.connection import Connection
from cumulo.client._sync.copies import COPY_BYTES_MAX, Copy
from cumulo.client._sync.downloads import ObjectReader, read_request
from cumulo.client._sync.file_downloads import Source, download_stretches
from cumulo.client._sync.pages import Pager
from cumulo.client._sync.synchronizing import sync_from_folder, sync_to_folder
from cumulo.client._sync.uploads import Progress, Upload
from cumulo.client._threads import Handle, RawStream, run_blocking
from cumulo.client.errors import AlreadyExists, NotFound
from cumulo.client.etags import PART_BYTES
from cumulo.client.model import Page

Data = bytes | bytearray | memoryview | str
_NO_LOCK = "NoSuchObjectLockConfiguration"


class ObjectWriter(RawStream):
    """An object being written, as a binary file. It becomes visible when it is closed, as a whole.

    A `with` block that raises leaves nothing behind. `info` describes the object once it is closed.
    """

    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self._upload = upload
        self._written = 0
        self._aborted = False
        self.info: model.ObjectInfo | None = None

    def write(self, data: Any, /) -> int:
        """Take all of `data`; waits while enough parts are under way."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        view = memoryview(data).cast("B")
        self._upload.write(view)
        self._written += len(view)
        return len(view)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._written

    def writable(self) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Make the object durable and visible."""
        if self.closed:
            return
        if not self._aborted:
            try:
                self.info = self._upload.commit()
            except BaseException:
                self.abort()
                raise
        super().close()

    def abort(self) -> None:
        """Leave nothing behind."""
        if self.closed or self._aborted:
            return
        self._aborted = True
        self._upload.abort()
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        """Forget a file that was never closed: nobody said that it is whole, so it must not become visible."""
        self._aborted = True


class Bucket(Handle):
    """A bucket by name or ARN; nothing is asked of the server until a call needs it."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    def __repr__(self) -> str:
        return f"Bucket({self._name!r})"

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self._name

    # Objects

    def put(
        self,
        key: str,
        data: Data | BinaryIO | Iterable[bytes],
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        messages: Iterable[model.Enclosed] = (),
        encryption: model.Encryption | None = None,
        lock: model.ObjectLock | None = None,
        headers: Mapping[str, str] | None = None,
        storage_class: str = "",
        tags: Mapping[str, str] | None = None,
        canned_acl: str = "",
        progress: Progress | None = None,
        resume: bool = False,
    ) -> model.ObjectInfo:
        """Store an object: bytes, text (as UTF-8), a binary file or an iterable of bytes; large ones in parts.

        `if_match` stores only over the object with this ETag, `if_none_match="*"` only where there is none; raises
        `PreconditionFailed` else. Up to 10 `messages` are stored with it in one commit: all of it, or nothing.
        `encryption` says how it is encrypted at rest, where it is not left to the bucket, and `lock` what protects it
        against deletion. `headers` are what HTTP answers say of it (`cache-control`, `content-disposition` and the
        like), `canned_acl` gives it an access control list, as `public-read`. `resume` goes on with an upload in parts
        to this key that was left, as it was described then, and leaves its own where it fails.
        """
        upload = self._upload(
            key,
            content_type,
            metadata,
            if_match,
            if_none_match,
            progress,
            messages,
            encryption,
            lock=lock,
            headers=headers,
            storage_class=storage_class,
            tags=tags,
            canned_acl=canned_acl,
            resume=resume,
        )
        whole = data.encode() if isinstance(data, str) else data
        if isinstance(whole, (bytes, bytearray, memoryview)) and len(whole) <= PART_BYTES:
            return upload.put_whole(whole)
        try:
            if isinstance(whole, (bytes, bytearray, memoryview)):
                upload.write(whole)
            elif hasattr(whole, "read"):
                while piece := run_blocking(whole.read, PART_BYTES):
                    upload.write(piece)
            else:
                for piece in whole:
                    upload.write(piece)
            return upload.commit()
        except BaseException:
            upload.abort()
            raise

    def append(
        self,
        key: str,
        data: Data,
        *,
        offset: int,
        if_match: str | None = None,
        encryption: model.Encryption | None = None,
        progress: Progress | None = None,
    ) -> model.ObjectInfo:
        """Put bytes, or text as UTF-8, behind an object of the length `offset`, all of them or none; at 0 there may be
        none yet. What describes the object stays. At most 5 GiB a call, 10,000 calls an object.

        Raises `PreconditionFailed` (`InvalidWriteOffset`) where the object has another length.
        """
        whole = data.encode() if isinstance(data, str) else data
        upload = self._upload(key, "", None, if_match, None, progress, (), encryption)
        return upload.put_whole(whole, offset)

    def _upload(
        self,
        key: str,
        content_type: str,
        metadata: Mapping[str, str] | None,
        if_match: str | None,
        if_none_match: str | None,
        progress: Progress | None,
        messages: Iterable[model.Enclosed],
        encryption: model.Encryption | None,
        *,
        lock: model.ObjectLock | None = None,
        headers: Mapping[str, str] | None = None,
        storage_class: str = "",
        tags: Mapping[str, str] | None = None,
        canned_acl: str = "",
        resume: bool = False,
    ) -> Upload:
        return Upload(
            self._connection,
            self._name,
            key,
            content_type=content_type,
            metadata=metadata,
            if_match=if_match or "",
            if_none_match=if_none_match or "",
            messages=messages,
            encryption=encryption,
            lock=lock,
            headers=headers,
            storage_class=storage_class,
            tags=tags,
            canned_acl=canned_acl,
            progress=progress,
            resume=resume,
        )

    def get(
        self,
        key: str,
        *,
        first: int | None = None,
        last: int | None = None,
        suffix: int | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        customer_key: bytes = b"",
        version_id: str = "",
    ) -> bytes:
        """Return an object's bytes: all, those from offset `first` to `last` (included), or the last `suffix` ones.
        `customer_key` is for one that was stored under a key of the caller's own; `version_id` asks for that version.

        Raises `NotFound`, `NotModified`, `PreconditionFailed` (of a delete marker with the code `MethodNotAllowed`),
        `InvalidArgument` (`InvalidRange`).
        """
        request = read_request(
            self._name,
            key,
            first=first,
            last=last,
            suffix=suffix,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            customer_key=customer_key,
            version_id=version_id,
        )
        with ObjectReader(self._connection, request).open() as reader:
            return reader.read()

    def head(
        self,
        key: str,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        customer_key: bytes = b"",
        version_id: str = "",
    ) -> model.ObjectInfo:
        """Return the description of an object, or of one of its versions, without its bytes."""
        fields = _wire.conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
        request = pb.HeadObjectRequest(
            bucket=self._name, key=key, customer_key=customer_key, version_id=version_id, **fields
        )
        response = self._connection.call(self._connection.lane.objects.HeadObject, request)
        return _wire.object_info(response.object)

    def attributes(self, key: str, *, customer_key: bytes = b"", version_id: str = "") -> model.ObjectAttributes:
        """Return the checksums of an object, or of one of its versions, and of each of its parts."""
        request = pb.GetObjectAttributesRequest(
            bucket=self._name, key=key, version_id=version_id, customer_key=customer_key
        )
        return _wire.object_attributes(*read_attributes(self._connection, request))

    def restore(
        self,
        key: str,
        days: int,
        *,
        tier: Literal["Bulk", "Standard", "Expedited"] = "Standard",
        version_id: str = "",
    ) -> bool:
        """Ask for a copy of an archived object that can be read for `days` days; `head` tells by `restore` when it is
        there. Returns whether there is one already, which then stays so long. Raises `PreconditionFailed`
        (`InvalidObjectState` for an object that is not archived, `RestoreAlreadyInProgress` while one as fast is under
        way).
        """
        response = self._connection.call(
            self._connection.lane.objects.RestoreObject,
            pb.RestoreObjectRequest(
                bucket=self._name,
                key=key,
                days=days,
                tier=tier,
                version_id=version_id,
                request_id=self._connection.request_id(),
            ),
        )
        return response.restored

    def copy(
        self,
        source: str,
        key: str,
        *,
        source_bucket: str = "",
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        source_if_match: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        encryption: model.Encryption | None = None,
        source_customer_key: bytes = b"",
        source_version_id: str = "",
        lock: model.ObjectLock | None = None,
        headers: Mapping[str, str] | None = None,
        storage_class: str = "",
        tags: Mapping[str, str] | None = None,
        canned_acl: str = "",
        parts_above: int = COPY_BYTES_MAX,
        keep_parts: bool = False,
        progress: Progress | None = None,
    ) -> model.ObjectInfo:
        """Copy the object `source`, of this bucket or of `source_bucket`, to `key` of this one, inside the server.

        The copy is described as its source is, unless `content_type`, `metadata` or `headers` are given: then by these
        alone; `tags` are given instead of the source's. `encryption` is the copy's; `source_customer_key` reads a
        source that needs one. With `source_version_id` that version is copied; onto its own key this makes it the
        current one again. `lock`, `storage_class` and `canned_acl` are the copy's; the source's are not copied. An
        object of more than `parts_above` bytes, by default 5 GiB, is copied in parts, several at a time; `keep_parts`
        copies one that was uploaded in parts in the same ones, so that the copy has its ETag. `progress` is told of
        bytes that are durable. Raises `NotFound`, `PreconditionFailed`.
        """
        replaces = content_type is not None or metadata is not None or headers is not None
        request = pb.CopyObjectRequest(
            bucket=self._name,
            key=key,
            source_bucket=source_bucket,
            source_key=source,
            source_if_match=source_if_match or "",
            if_match=if_match or "",
            if_none_match=if_none_match or "",
            replace_metadata=replaces,
            content_type=content_type or "",
            metadata=metadata,
            request_id=self._connection.request_id(),
            encryption=_wire.encryption(encryption),
            source_customer_key=source_customer_key,
            source_version_id=source_version_id,
            lock=_wire.object_lock(lock),
            headers=headers,
            storage_class=storage_class,
            replace_tags=tags is not None,
            tags=tags,
            canned_acl=canned_acl,
        )
        copy = Copy(self._connection, request, progress)
        return copy.run(min(parts_above, COPY_BYTES_MAX), keep_parts=keep_parts)

    def rename(
        self,
        source: str,
        key: str,
        *,
        source_if_match: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> None:
        """Give the object `source` the key `key`, in one commit and at once, whatever its size; what has that key is
        replaced. Raises `NotFound`, `PreconditionFailed`.
        """
        self._connection.call(
            self._connection.lane.objects.RenameObject,
            pb.RenameObjectRequest(
                bucket=self._name,
                key=key,
                source_key=source,
                source_if_match=source_if_match or "",
                if_match=if_match or "",
                if_none_match=if_none_match or "",
                request_id=self._connection.request_id(),
            ),
        )

    def delete(
        self,
        key: str,
        *,
        if_match: str | None = None,
        if_modified: datetime | None = None,
        if_size: int | None = None,
        version_id: str = "",
        bypass_governance: bool = False,
    ) -> model.Deleted:
        """Delete an object; deleting one that is not there succeeds. Where versions are kept a delete marker hides it;
        with `version_id` that version, or that marker, goes for good. Raises `PermissionDenied` for a locked version;
        `bypass_governance` deletes it, too, where it is retained in governance mode and the caller may do that.
        `if_match`, `if_modified` and `if_size` delete only an object with that ETag, time of modification (in whole
        seconds) or size; raises `PreconditionFailed` else.
        """
        response = self._connection.call(
            self._connection.lane.objects.DeleteObject,
            pb.DeleteObjectRequest(
                bucket=self._name,
                key=key,
                if_match=if_match or "",
                if_modified_ms=None if if_modified is None else _wire.milliseconds(if_modified),
                if_size_bytes=if_size,
                version_id=version_id,
                request_id=self._connection.request_id(),
                bypass_governance=bypass_governance,
            ),
        )
        return _wire.deleted(response)

    def delete_batch(
        self, what: Sequence[str | model.ObjectVersion], *, bypass_governance: bool = False
    ) -> Sequence[model.Deleted]:
        """Delete up to 1000 objects by their keys, or versions as `versions` lists them, one by one, not all or none;
        raises `PartialFailure`. `bypass_governance` as in `delete`.
        """
        response = self._connection.call(
            self._connection.lane.objects.BatchDeleteObjects,
            pb.BatchDeleteObjectsRequest(
                bucket=self._name,
                entries=[_wire.delete_entry(it, bypass_governance=bypass_governance) for it in what],
                request_id=self._connection.request_id(),
            ),
        )
        _wire.raise_failed([it if isinstance(it, str) else it.key for it in what], response.results)
        return tuple(map(_wire.deleted, response.results))

    def list(
        self,
        prefix: str = "",
        *,
        delimiter: str = "",
        start_after: str = "",
        page_size: int | None = None,
        fetch_owner: bool = False,
    ) -> Pager[model.ObjectInfo]:
        """List objects in order of their keys.

        With a `delimiter`, keys that go on behind it are rolled up into the `common_prefixes` of `pages()`.
        `fetch_owner` asks whose each one is: where the bucket's access control lists act, that may be another account.
        """

        def fetch(page_token: str) -> Page[model.ObjectInfo]:
            response = self._connection.call(
                self._connection.lane.objects.ListObjects,
                pb.ListObjectsRequest(
                    bucket=self._name,
                    prefix=prefix,
                    delimiter=delimiter,
                    start_after=start_after,
                    page_size=page_size or 0,
                    page_token=page_token,
                    fetch_owner=fetch_owner,
                ),
            )
            objects = [_wire.listed_object(it) for it in response.objects]
            return Page(objects, response.next_page_token, response.common_prefixes)

        return Pager(fetch)

    def versions(
        self,
        prefix: str = "",
        *,
        delimiter: str = "",
        start_after: str = "",
        start_after_version_id: str = "",
        page_size: int | None = None,
    ) -> Pager[model.ObjectVersion]:
        """List versions and delete markers in order of their keys, of each key the newest first; of a bucket that never
        kept versions its objects, with the version id `null`.

        `start_after` begins behind all versions of a key, with `start_after_version_id` behind this one of it.
        """

        def fetch(page_token: str) -> Page[model.ObjectVersion]:
            response = self._connection.call(
                self._connection.lane.objects.ListObjectVersions,
                pb.ListObjectVersionsRequest(
                    bucket=self._name,
                    prefix=prefix,
                    delimiter=delimiter,
                    start_after=start_after,
                    start_after_version_id=start_after_version_id,
                    page_size=page_size or 0,
                    page_token=page_token,
                ),
            )
            versions = [_wire.object_version(it) for it in response.versions]
            return Page(versions, response.next_page_token, response.common_prefixes)

        return Pager(fetch)

    def tags(self, key: str, *, version_id: str = "") -> Mapping[str, str]:
        """Return an object's tags, or those of one of its versions."""
        request = pb.GetObjectTaggingRequest(bucket=self._name, key=key, version_id=version_id)
        response = self._connection.call(self._connection.lane.objects.GetObjectTagging, request)
        return dict(response.tags)

    def set_tags(self, key: str, tags: Mapping[str, str], *, version_id: str = "") -> None:
        """Give an object, or one of its versions, these tags instead of those that it has; at most 10."""
        request = pb.SetObjectTaggingRequest(
            bucket=self._name, key=key, tags=tags, version_id=version_id, request_id=self._connection.request_id()
        )
        self._connection.call(self._connection.lane.objects.SetObjectTagging, request)

    def delete_tags(self, key: str, *, version_id: str = "") -> None:
        """Remove an object's tags, or those of one of its versions."""
        request = pb.DeleteObjectTaggingRequest(
            bucket=self._name, key=key, version_id=version_id, request_id=self._connection.request_id()
        )
        self._connection.call(self._connection.lane.objects.DeleteObjectTagging, request)

    def retention(self, key: str, *, version_id: str = "") -> model.Retention | None:
        """Return until when an object, or one of its versions, is retained, None where nobody retains it."""
        request = pb.GetObjectRetentionRequest(bucket=self._name, key=key, version_id=version_id)
        try:
            response = self._connection.call(self._connection.lane.objects.GetObjectRetention, request)
        except NotFound as failure:
            if failure.code != _NO_LOCK:
                raise
            return None
        return _wire.object_retention(response)

    def set_retention(
        self, key: str, retention: model.Retention | None, *, version_id: str = "", bypass_governance: bool = False
    ) -> None:
        """Retain an object, or one of its versions, or with None no longer. A retention that holds can be prolonged,
        and its event hold be released; raises `PermissionDenied` for anything else, unless it is in governance mode,
        `bypass_governance` is set and the caller may do that.
        """
        request = pb.SetObjectRetentionRequest(
            bucket=self._name,
            key=key,
            version_id=version_id,
            mode="" if retention is None else retention.mode,
            retain_until_ms=0 if retention is None else _wire.retain_until_ms(retention),
            event_hold=None if retention is None else _wire.event_hold(retention),
            bypass_governance=bypass_governance,
            request_id=self._connection.request_id(),
        )
        self._connection.call(self._connection.lane.objects.SetObjectRetention, request)

    def legal_hold(self, key: str, *, version_id: str = "") -> bool:
        """Return whether an object, or one of its versions, is held."""
        request = pb.GetObjectLegalHoldRequest(bucket=self._name, key=key, version_id=version_id)
        try:
            response = self._connection.call(self._connection.lane.objects.GetObjectLegalHold, request)
        except NotFound as failure:
            if failure.code != _NO_LOCK:
                raise
            return False
        return response.legal_hold == _wire.legal_hold(held=True)

    def set_legal_hold(self, key: str, *, held: bool = True, version_id: str = "") -> None:
        """Hold an object, or one of its versions, so that nobody deletes it, or with `held=False` let it go."""
        request = pb.SetObjectLegalHoldRequest(
            bucket=self._name,
            key=key,
            version_id=version_id,
            legal_hold=_wire.legal_hold(held=held),
            request_id=self._connection.request_id(),
        )
        self._connection.call(self._connection.lane.objects.SetObjectLegalHold, request)

    @overload
    def open(self, key: str, mode: Literal["r", "rb"] = "rb", **options: Any) -> ObjectReader: ...

    @overload
    def open(self, key: str, mode: Literal["w", "wb", "x", "xb"], **options: Any) -> ObjectWriter: ...

    def open(
        self,
        key: str,
        mode: Literal["r", "rb", "w", "wb", "x", "xb"] = "rb",
        **options: Any,
    ) -> ObjectReader | ObjectWriter:
        """Open an object as a binary file: to read (`rb`), to write over (`wb`), to write where there is none (`xb`).

        `options` are those of `get` and `put`. What is written becomes visible at `close`, as a whole; a `with` block
        that raises leaves nothing behind.
        """
        if mode in ("r", "rb"):
            return ObjectReader(self._connection, read_request(self._name, key, **options)).open()
        if mode in ("x", "xb"):
            options["if_none_match"] = "*"
        elif mode not in ("w", "wb"):
            raise ValueError(f"mode {mode!r}: it must be rb, wb or xb")
        fields = {
            "content_type": "",
            "metadata": None,
            "if_match": None,
            "if_none_match": None,
            "progress": None,
            "messages": (),
            "encryption": None,
        } | options
        return ObjectWriter(self._upload(key, **fields))

    def upload_file(
        self,
        path: str | os.PathLike[str],
        key: str | None = None,
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        messages: Iterable[model.Enclosed] = (),
        encryption: model.Encryption | None = None,
        lock: model.ObjectLock | None = None,
        headers: Mapping[str, str] | None = None,
        storage_class: str = "",
        tags: Mapping[str, str] | None = None,
        canned_acl: str = "",
        progress: Progress | None = None,
        resume: bool = False,
    ) -> model.ObjectInfo:
        """Store a file under `key`, by default its name; as `put` does, with large parts side by side."""
        path = Path(path)
        with run_blocking(path.open, "rb", buffering=0) as file:
            return self.put(
                path.name if key is None else key,
                file,
                content_type=content_type,
                metadata=metadata,
                if_match=if_match,
                if_none_match=if_none_match,
                messages=messages,
                encryption=encryption,
                lock=lock,
                headers=headers,
                storage_class=storage_class,
                tags=tags,
                canned_acl=canned_acl,
                progress=progress,
                resume=resume,
            )

    def download_file(
        self,
        key: str,
        path: str | os.PathLike[str],
        *,
        customer_key: bytes = b"",
        version_id: str = "",
        progress: Progress | None = None,
        resume: bool = False,
    ) -> model.ObjectInfo:
        """Write an object, or one of its versions, to the file `path`, which appears, or is replaced, once all of it
        has arrived.

        Large ones arrive in stretches side by side, of one and the same version. `resume` keeps what arrived where it
        fails, beside the file, and fetches only the rest of the same version next time.
        """
        path = Path(path)
        with self.open(key, customer_key=customer_key, version_id=version_id) as reader:
            info = reader.info
            if not resume and reader.size <= STRETCH_BYTES:
                with run_blocking(PartialFile, path) as file:
                    for piece in reader.chunks():
                        run_blocking(file.write, piece)
                        if progress is not None:
                            progress(len(piece))
                return info
        source = Source(self._connection, self._name, info, customer_key, version_id)
        download_stretches(source, path, progress, resume=resume)
        return info

    def sync_from(
        self,
        folder: str | os.PathLike[str],
        prefix: str = "",
        *,
        delete: bool = False,
        progress: Progress | None = None,
    ) -> model.Synced:
        """Make what is under `prefix` like a local folder; what is alike by size and ETag is not sent. With `delete`
        what only the bucket has is removed in the end.
        """
        return sync_from_folder(self, Path(folder), prefix, progress, delete=delete)

    def sync_to(
        self,
        folder: str | os.PathLike[str],
        prefix: str = "",
        *,
        delete: bool = False,
        progress: Progress | None = None,
    ) -> model.Synced:
        """Make a local folder like what is under `prefix`, as `sync_from` does the other way. Raises `ValueError` for a
        key that would lead out of the folder.
        """
        return sync_to_folder(self, Path(folder), prefix, progress, delete=delete)

    def presign(
        self, key: str, method: Literal["GET", "PUT"] = "GET", expires: int = EXPIRES_S, *, version_id: str = ""
    ) -> str:
        """Return a URL with which anybody may get or put the object for `expires` (1 to 604800) seconds, or get one of
        its versions.

        It carries a signature of the client's access key, and allows what that key may do when it is used. Nothing is
        asked of the server. Raises `InvalidSetting` where the client does not know the HTTP endpoint (`url`).
        """
        now = datetime.now(UTC)
        return presigned(self._connection.configuration, method, self._name, key, expires, now, version_id)

    # The bucket itself

    def info(self) -> model.BucketInfo:
        """Return the bucket's description; raises `NotFound`."""
        response = self._connection.call(self._connection.lane.objects.GetBucket, pb.GetBucketRequest(name=self._name))
        return _wire.bucket_info(response.bucket)

    def create(
        self,
        *,
        region: str = "",
        object_lock: bool = False,
        object_ownership: Literal["", "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"] = "",
        tags: Mapping[str, str] | None = None,
        canned_acl: str = "",
        exist_ok: bool = False,
    ) -> model.BucketInfo:
        """Make the bucket; `exist_ok` takes one that the caller's account has as it is. With `object_lock` its objects
        can be locked and their versions are kept, both for good; by `object_ownership` access control lists act, or do
        not. Raises `AlreadyExists`.
        """
        request = pb.CreateBucketRequest(
            bucket=pb.Bucket(name=self._name, region=region),
            request_id=self._connection.request_id(),
            object_lock=object_lock,
            object_ownership=object_ownership,
            tags=tags,
            canned_acl=canned_acl,
        )
        try:
            response = self._connection.call(self._connection.lane.objects.CreateBucket, request)
        except AlreadyExists as failure:
            if not exist_ok or failure.code != "BucketAlreadyOwnedByYou":
                raise
            return self.info()
        return _wire.bucket_info(response.bucket)

    def remove(self) -> None:
        """Delete the bucket; raises `PreconditionFailed` while there is an object or an upload in it."""
        self._connection.call(
            self._connection.lane.objects.DeleteBucket,
            pb.DeleteBucketRequest(name=self._name, request_id=self._connection.request_id()),
        )

    def policy(self) -> str:
        """Return the JSON text of the bucket's policy; raises `NotFound`."""
        response = self._connection.call(
            self._connection.lane.objects.GetBucketPolicy, pb.GetBucketPolicyRequest(bucket=self._name)
        )
        return response.policy

    def set_policy(self, policy: str | Mapping[str, Any]) -> None:
        """Write the bucket's policy, in IAM's language."""
        self._connection.call(
            self._connection.lane.objects.SetBucketPolicy,
            pb.SetBucketPolicyRequest(
                bucket=self._name, policy=_wire.document_text(policy), request_id=self._connection.request_id()
            ),
        )

    def policy_is_public(self) -> bool:
        """Return whether the bucket's policy gives anything to the public; raises `NotFound` where there is none."""
        response = self._connection.call(
            self._connection.lane.objects.GetBucketPolicyStatus, pb.GetBucketPolicyStatusRequest(bucket=self._name)
        )
        return response.public

    def delete_policy(self) -> None:
        """Remove the bucket's policy."""
        self._connection.call(
            self._connection.lane.objects.DeleteBucketPolicy,
            pb.DeleteBucketPolicyRequest(bucket=self._name, request_id=self._connection.request_id()),
        )

    def versioning(self) -> str:
        """Return whether the bucket keeps the versions of its objects: `Enabled`, `Suspended`, or empty: never yet."""
        response = self._connection.call(
            self._connection.lane.objects.GetBucketVersioning, pb.GetBucketVersioningRequest(bucket=self._name)
        )
        return response.status

    def set_versioning(self, status: Literal["Enabled", "Suspended"] = "Enabled") -> None:
        """Let the bucket keep the versions of its objects, or suspend that: what is kept stays, and what is written
        then is the version `null`.
        """
        self._connection.call(
            self._connection.lane.objects.SetBucketVersioning,
            pb.SetBucketVersioningRequest(bucket=self._name, status=status, request_id=self._connection.request_id()),
        )

    def acl(self, key: str = "", *, version_id: str = "") -> model.AccessControlList:
        """Return the access control list of the bucket, of an object in it, or of one of the object's versions."""
        objects = self._connection.lane.objects
        if key:
            of_object = pb.GetObjectAclRequest(bucket=self._name, key=key, version_id=version_id)
            return _wire.access_control_list((self._connection.call(objects.GetObjectAcl, of_object)).acl)
        response = self._connection.call(objects.GetBucketAcl, pb.GetBucketAclRequest(bucket=self._name))
        return _wire.access_control_list(response.acl)

    def set_acl(
        self, canned: str = "", *, grants: Iterable[model.Grant] = (), key: str = "", version_id: str = ""
    ) -> None:
        """Replace the access control list of the bucket, or of an object or version in it: by a `canned` one, as
        `public-read`, or by `grants`. The bucket's object ownership must let lists act, and its public access block
        what is public.
        """
        objects = self._connection.lane.objects
        given = [pb.Grant(grantee=grant.grantee, permission=grant.permission) for grant in grants]
        request_id = self._connection.request_id()
        if key:
            of_object = pb.SetObjectAclRequest(
                bucket=self._name,
                key=key,
                canned_acl=canned,
                grants=given,
                version_id=version_id,
                request_id=request_id,
            )
            self._connection.call(objects.SetObjectAcl, of_object)
        else:
            of_bucket = pb.SetBucketAclRequest(
                bucket=self._name, canned_acl=canned, grants=given, request_id=request_id
            )
            self._connection.call(objects.SetBucketAcl, of_bucket)

    def notifications(self) -> tuple[model.NotificationRule, ...]:
        """Return the notification rules."""
        response = self._connection.call(
            self._connection.lane.objects.GetBucketNotification,
            pb.GetBucketNotificationRequest(bucket=self._name),
        )
        return tuple(map(_wire.notification_rule, response.rules))

    def event_bridge(self) -> bool:
        """Return whether all events go out in EventBridge's form, to the target of the server's setting."""
        response = self._connection.call(
            self._connection.lane.objects.GetBucketNotification,
            pb.GetBucketNotificationRequest(bucket=self._name),
        )
        return response.event_bridge

    def set_notifications(
        self,
        rules: Iterable[model.NotificationRule],
        *,
        event_bridge: bool = False,
        skip_destination_validation: bool = False,
    ) -> tuple[model.NotificationRule, ...]:
        """Replace all notification rules; none turns notifications off. Returns the rules with their ids.

        `event_bridge` lets all events go out in EventBridge's form, too. `skip_destination_validation` takes targets
        that are not there yet, and sends them no test event.
        """
        response = self._connection.call(
            self._connection.lane.objects.SetBucketNotification,
            pb.SetBucketNotificationRequest(
                bucket=self._name,
                rules=map(_wire.notification_message, rules),
                event_bridge=event_bridge,
                skip_destination_validation=skip_destination_validation,
                request_id=self._connection.request_id(),
            ),
        )
        return tuple(map(_wire.notification_rule, response.rules))

    def configuration(self, kind: str, config_id: str = "") -> dict[str, Any] | None:
        """Return one of the bucket's configurations in the shape of S3's own API, None where there is none and S3
        answers so; raises `NotFound` where S3 does.

        `kind` is `accelerate`, `analytics`, `cors`, `encryption`, `intelligent_tiering`, `inventory`, `lifecycle`,
        `logging`, `metrics`, `object_lock`, `ownership_controls`, `public_access_block`, `quota`, `replication`,
        `request_payment`, `tagging` or `website`; `config_id` says which one where a bucket has many.
        """
        request = pb.GetBucketConfigurationRequest(bucket=self._name, kind=kind, id=config_id)
        response = self._connection.call(self._connection.lane.objects.GetBucketConfiguration, request)
        return _wire.configuration(response.document) if response.document else None

    def set_configuration(self, kind: str, value: str | Mapping[str, Any], config_id: str = "") -> None:
        """Write one of the bucket's configurations: what `configuration` returns, or its JSON text."""
        self._connection.call(
            self._connection.lane.objects.SetBucketConfiguration,
            pb.SetBucketConfigurationRequest(
                bucket=self._name,
                kind=kind,
                id=config_id,
                document=_wire.document_text(value),
                request_id=self._connection.request_id(),
            ),
        )

    def delete_configuration(self, kind: str, config_id: str = "") -> None:
        """Remove one of the bucket's configurations; not even a default is left."""
        self._connection.call(
            self._connection.lane.objects.DeleteBucketConfiguration,
            pb.DeleteBucketConfigurationRequest(
                bucket=self._name, kind=kind, id=config_id, request_id=self._connection.request_id()
            ),
        )

    def configurations(self, kind: str, *, page_size: int | None = None) -> Pager[dict[str, Any]]:
        """List the bucket's configurations of a kind that has ids, in order of these."""

        def fetch(page_token: str) -> Page[dict[str, Any]]:
            request = pb.ListBucketConfigurationsRequest(
                bucket=self._name, kind=kind, page_size=page_size or 0, page_token=page_token
            )
            response = self._connection.call(self._connection.lane.objects.ListBucketConfigurations, request)
            return Page(list(map(_wire.configuration, response.documents)), response.next_page_token)

        return Pager(fetch)

    def encryption(self) -> model.BucketEncryption:
        """Return how the bucket encrypts what comes to it without a word of it; raises `NotFound` where it does not."""
        return _wire.bucket_encryption(self.configuration("encryption"))

    def set_encryption(
        self,
        algorithm: str = "AES256",
        *,
        kms_key_id: str = "",
        bucket_key: bool = False,
        blocks_customer_keys: bool = False,
    ) -> None:
        """Have the bucket encrypt what comes to it without a word of it: `AES256`, by keys of the server, or `aws:kms`,
        by a key of its key service (`kms_key_id`: id, ARN or alias; its own for objects by default).

        What is stored already stays as it is. With `bucket_key` one data key serves several objects for five minutes;
        `blocks_customer_keys` refuses writes under keys of their callers.
        """
        value = model.BucketEncryption(
            algorithm=algorithm,
            kms_key_id=kms_key_id,
            bucket_key=bucket_key,
            blocks_customer_keys=blocks_customer_keys,
        )
        self.set_configuration("encryption", _wire.encryption_document(value))

    def quota(self) -> model.BucketQuota:
        """Return what the bucket may hold."""
        return _wire.bucket_quota(self.configuration("quota"))

    def set_quota(self, *, bytes_max: int = 0, objects_max: int = 0) -> None:
        """Limit what the bucket may hold, 0 for no limit; beyond it `LimitExceeded` (`QuotaExceeded`) is raised."""
        self.set_configuration("quota", {"bytes_max": bytes_max, "objects_max": objects_max})

    def uploads(self, prefix: str = "", *, page_size: int | None = None) -> Pager[model.MultipartUploadInfo]:
        """List the uploads in parts that are neither completed nor aborted."""

        def fetch(page_token: str) -> Page[model.MultipartUploadInfo]:
            response = self._connection.call(
                self._connection.lane.objects.ListMultipartUploads,
                pb.ListMultipartUploadsRequest(
                    bucket=self._name, prefix=prefix, page_size=page_size or 0, page_token=page_token
                ),
            )
            uploads = [
                model.MultipartUploadInfo(key=it.key, upload_id=it.upload_id, created=_wire.time_of(it.create_ms))
                for it in response.uploads
            ]
            return Page(uploads, response.next_page_token)

        return Pager(fetch)

    def abort_upload(self, key: str, upload_id: str) -> None:
        """End an upload in parts and drop its parts."""
        self._connection.call(
            self._connection.lane.objects.AbortMultipartUpload,
            pb.AbortMultipartUploadRequest(
                bucket=self._name, key=key, upload_id=upload_id, request_id=self._connection.request_id()
            ),
        )
