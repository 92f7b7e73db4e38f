"""A file of the file system of fsspec: read by ranges of one and the same object, written to appear at `close`."""

import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile

from cumulo.client._sync.buckets import ObjectWriter
from cumulo.client.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, PreconditionFailed

if TYPE_CHECKING:
    from cumulo.client.filesystem import CumuloFileSystem


class CumuloFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file that is read, written (`wb`, `xb`), or appended to (`ab`). `version_id` is the version that is read, or
    was written, where the file system is aware of them.
    """

    fs: "CumuloFileSystem"
    closed: bool
    _options = ("content_type", "metadata", "if_match", "if_none_match", "messages", "progress")

    def __init__(
        self,
        fs: "CumuloFileSystem",
        path: str,
        mode: str,
        block_size: int,
        *,
        cache_type: str = "readahead",
        version_id: str | None = None,
        **options: Any,
    ) -> None:
        self.version_id = ""
        if mode == "rb":
            self._bucket, self._key, self.version_id = fs.version_place(path, version_id)
        elif version_id:
            raise ValueError(f"{path}: a version is read, not written")
        else:
            self._bucket, self._key = fs.file_place(path)
        self._upload_options = {name: options.pop(name) for name in self._options if name in options}
        self._writer: ObjectWriter | None = None
        self._end = 0
        self._etag = ""
        if mode == "rb":
            found = fs.file_info(path, version_id)
            options.setdefault("size", found["size"])
            self._etag = found["ETag"]
            if fs.version_aware:
                self.version_id = found.get("VersionId", "")
        super().__init__(fs, path, mode, block_size, cache_type=cache_type, **options)
        if mode == "ab":
            with contextlib.suppress(FileNotFoundError):
                found = fs.file_info(path)
                self._end, self._etag = found["size"], found["ETag"]
            self.loc = self._end

    def _fetch_range(self, start: int, end: int) -> bytes:
        with translated(self.path):
            if end <= start:
                return b""
            version = self.version_id
            return self._bucket.get(self._key, first=start, last=end - 1, if_match=self._etag, version_id=version)

    def _initiate_upload(self) -> None:
        if self.mode == "ab":
            return
        if self.mode == "xb":
            self._upload_options["if_none_match"] = "*"
        self._writer = self._bucket.open(self._key, "wb", **self._upload_options)

    def _upload_chunk(self, final: bool = False) -> bool:
        data = self.buffer.getvalue()
        with translated(self.path, is_new=self.mode == "xb"):
            if self._writer is not None:
                self._writer.write(data)
            elif data or not self._end:
                self._append(data)
            if final and self.autocommit and self._writer is not None:
                self._finish(self._writer)
        if final and self.autocommit:
            self.fs.changed(self.path)
        return True

    def _append(self, data: bytes) -> None:
        try:
            self._end = self._bucket.append(self._key, data, offset=self._end).size
        except InvalidArgument as error:
            if error.code != "InvalidRequest" or not self._bucket.versioning():
                raise
            self._writer = self._begun_anew()
            self._writer.write(data)

    def _begun_anew(self) -> ObjectWriter:
        """Begin a new version with what the file holds: where versions are kept, none is appended to."""
        if not self._etag:
            return self._bucket.open(self._key, "wb", if_none_match="*")
        with self._bucket.open(self._key, if_match=self._etag) as reader:
            kept = {"content_type": reader.info.content_type, "metadata": reader.info.metadata}
            writer = self._bucket.open(self._key, "wb", if_match=self._etag, **kept)
            try:
                for piece in reader.chunks():
                    writer.write(piece)
            except BaseException:
                writer.abort()
                raise
        return writer

    def commit(self) -> None:
        """Make the file visible: the end of a transaction."""
        if self._writer is not None:
            with translated(self.path, is_new=self.mode == "xb"):
                self._finish(self._writer)
        self.fs.changed(self.path)

    def _finish(self, writer: ObjectWriter) -> None:
        writer.close()
        if writer.info is not None and self.fs.version_aware:
            self.version_id = writer.info.version_id

    def discard(self) -> None:
        """Leave nothing behind: a transaction that failed."""
        if self._writer is not None:
            self._writer.abort()
        self.buffer = io.BytesIO()

    def __exit__(self, *details: object) -> None:
        """Close the file, or leave nothing of what a block wrote that raised."""
        may_discard = self.mode != "ab" or self._writer is not None
        if details[0] is not None and self.writable() and may_discard and not self.closed:
            self.discard()
            self.closed = True
            return
        self.close()


@contextlib.contextmanager
def translated(path: str, *, is_new: bool = False) -> Iterator[None]:
    """Raise what Python's files raise; `is_new` says that a failed condition means that the file is there."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(path) from error
    except PermissionDenied as error:
        raise PermissionError(f"{path}: {error}") from error
    except AlreadyExists as error:
        raise FileExistsError(path) from error
    except PreconditionFailed as error:
        if is_new:
            raise FileExistsError(path) from error
        raise
