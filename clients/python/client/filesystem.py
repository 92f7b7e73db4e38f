"""Buckets as a file system of fsspec: `fsspec.open("cumulo://bucket/key")`, for pandas, dask, zarr and their like.

Owns what fsspec's words mean here: the first part of a path is the bucket, a folder is what keys have before a slash,
and exists as long as something lies in it. Promises what the SDK does: what is written appears at `close`, as a whole,
with bounded memory; what is read is of one and the same object. Needs the extra `fsspec`; nothing else imports it.

Where the server is, and who asks: the arguments of `Client`, its profiles and the environment.

With `version_aware`, which a path with `?versionId=…` turns on, such a path is that version of a file, as in s3fs; what
is opened is read of the version that was current then. Versions are read and deleted, never written.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.spec import AbstractFileSystem
from fsspec.utils import stringify_path

from cumulo.client._fsspec_file import CumuloFile, translated
from cumulo.client._sync.buckets import Bucket
from cumulo.client._sync.client import Client
from cumulo.client.errors import InvalidArgument, PreconditionFailed
from cumulo.client.model import ObjectInfo, ObjectVersion

DELETE_BATCH = 1_000
BLOCK_BYTES = 8 * 1024 * 1024
PRESIGN_S = 100
"""What fsspec's `sign` asks for where nobody says."""
VERSION_MARK = "?versionId="


class CumuloFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The buckets of a server. `target` and `options` are the arguments of `Client`."""

    protocol = "cumulo"
    root_marker = ""
    blocksize = BLOCK_BYTES

    def __init__(self, target: str | None = None, *, version_aware: bool = False, **options: Any) -> None:
        own = ("use_listings_cache", "listings_expiry_time", "max_paths", "skip_instance_cache", "asynchronous")
        super().__init__(**{name: options[name] for name in own if name in options})
        self.version_aware = version_aware
        self.client = Client(target, **{name: value for name, value in options.items() if name not in own})

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        return {"version_aware": True} if VERSION_MARK in path else {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        text = stringify_path(path)
        text = text.removeprefix("cumulo://")
        return text.lstrip("/").rstrip("/") if text.strip("/") else ""

    # Looking

    def ls(self, path: str, detail: bool = True, refresh: bool = False, versions: bool = False, **_: Any) -> list[Any]:
        """Return what lies in a folder, or the file of that name; with `versions` all that are kept of each file."""
        path = self._strip_protocol(path)
        if versions:
            with translated(path):
                return self._list_versions(path, detail=detail)
        found = None if refresh else self._listed(path)
        if found is None:
            with translated(path):
                found = self._list(path)
            if found or not path or "/" not in path:
                self.dircache[path] = found
            else:
                found = [self.file_info(path)]
        return found if detail else sorted(it["name"] for it in found)

    def _listed(self, path: str) -> list[dict[str, Any]] | None:
        """Return what was listed of a folder before, None where it is not known any more."""
        try:
            found: list[dict[str, Any]] = self.dircache[path]
        except KeyError:
            return None
        return found

    def _list(self, path: str) -> list[dict[str, Any]]:
        if not path:
            return [_folder(it.name, it.created) for it in self.client.buckets()]
        bucket, key = self._place(path)
        prefix = f"{key}/" if key else ""
        found: list[dict[str, Any]] = []
        for page in bucket.list(prefix, delimiter="/").pages():
            found += [_folder(f"{bucket.name}/{it.rstrip('/')}") for it in page.common_prefixes]
            found += [_entry(bucket.name, it) for it in page.items if it.key != prefix]
        return sorted(found, key=lambda it: str(it["name"]))

    def _list_versions(self, path: str, *, detail: bool) -> list[Any]:
        self._check_version_aware()
        bucket, key = self._place(path)
        prefix = f"{key}/" if key else ""
        found: list[dict[str, Any]] = []
        for page in bucket.versions(prefix, delimiter="/").pages():
            found += [_folder(f"{bucket.name}/{it.rstrip('/')}") for it in page.common_prefixes]
            for it in page.items:
                if it.key != prefix and not it.delete_marker:
                    entry = _entry(bucket.name, it)
                    found.append(entry | {"name": f"{entry['name']}{VERSION_MARK}{it.version_id}"})
        return found if detail else [it["name"] for it in found]

    def object_version_info(self, path: str, **_: Any) -> list[dict[str, Any]]:
        """Return what is known of each version that is kept of a file, the newest first."""
        self._check_version_aware()
        bucket, key, _version = self._version_place(path)
        found = []
        with translated(path):
            for it in bucket.versions(key):
                if it.key != key:  # of what a key begins, it comes first
                    break
                if not it.delete_marker:
                    found.append(_entry(bucket.name, it))
        return found

    def file_info(self, path: str, version_id: str | None = None) -> dict[str, Any]:
        """Return what is known of a file, or of one of its versions, asked of the server."""
        bucket, key, version = self._version_place(path, version_id)
        with translated(path):
            return _entry(bucket.name, bucket.head(key, version_id=version))

    def info(self, path: str, refresh: bool = False, version_id: str | None = None, **_: Any) -> dict[str, Any]:
        """Return what is known of a file, of one of its versions, or of a folder."""
        path = self._strip_protocol(path)
        if not path:
            return _folder("")
        bucket, key, version = self._version_place(path, version_id)
        if not key:
            with translated(path):
                return _folder(bucket.name, bucket.info().created)
        if version:
            return self.file_info(path, version_id)
        if not refresh and not self.version_aware:  # a listing does not tell which version is the current one
            for it in self._listed(self._parent(path)) or ():
                if it["name"] == path:
                    return dict(it)
        try:
            return self.file_info(path)
        except FileNotFoundError:
            with translated(path):
                for page in bucket.list(f"{key}/", page_size=1).pages():
                    if page.items:
                        return _folder(path)
                    break
            raise

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **options: Any
    ) -> Any:
        """Return every file below a folder: of one listing, where only files are asked for."""
        path = self._strip_protocol(path)
        if maxdepth is not None or withdirs or not path:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **options)
        bucket, key = self._place(path)
        with translated(path):
            objects = bucket.list(f"{key}/" if key else "")
            found = {it["name"]: it for it in (_entry(bucket.name, one) for one in objects) if it["type"] == "file"}
        if not found and key:
            with contextlib.suppress(FileNotFoundError):
                found = {path: self.file_info(path)}
        return found if detail else sorted(found)

    def created(self, path: str) -> datetime:
        """Return when a file was written."""
        return self.modified(path)

    def modified(self, path: str) -> datetime:
        """Return when a file was written."""
        found: datetime | None = self.info(path, refresh=True).get("LastModified")
        if found is None:
            raise IsADirectoryError(path)
        return found

    def ukey(self, path: str) -> str:
        """Return what tells versions of a file apart: its ETag."""
        return str(self.info(path, refresh=True)["ETag"])

    checksum = ukey

    def sign(self, path: str, expiration: int = PRESIGN_S, **options: Any) -> str:
        """Return a URL by which anybody may read a file for so many seconds."""
        bucket, key, version = self._version_place(path)
        return bucket.presign(key, options.get("method", "GET"), expiration, version_id=version)

    url = sign

    # Folders

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Make a bucket; folders in it need no making."""
        bucket, key = self._place(path)
        if key:
            if create_parents:
                self.makedirs(bucket.name, exist_ok=True)
            return
        with translated(path):
            bucket.create()
        self.invalidate_cache("")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a bucket, or take the one that is there."""
        bucket, key = self._place(path)
        with translated(path):
            bucket.create(exist_ok=exist_ok or bool(key))
        self.invalidate_cache("")

    def rmdir(self, path: str) -> None:
        """Delete a bucket that is empty; folders in it go with what lies in them."""
        bucket, key = self._place(path)
        if key:
            return
        try:
            with translated(path):
                bucket.remove()
        except PreconditionFailed as error:
            raise OSError(f"{path} is not empty") from error
        self.invalidate_cache("")

    # Files

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, version_id: str | None = None, **_: Any
    ) -> bytes:
        """Return a file's bytes, from `start` to before `end`."""
        bucket, key, version = self._version_place(path, version_id)
        with translated(path):
            if (start is None or start >= 0) and (end is None or end >= 0):
                return self._range(bucket, key, version, start or 0, end)
            size = bucket.head(key, version_id=version).size
            first, last, _step = slice(start, end).indices(size)
            return self._range(bucket, key, version, first, last)

    @staticmethod
    def _range(bucket: Bucket, key: str, version_id: str, start: int, end: int | None) -> bytes:
        if end is not None and end <= start:
            bucket.head(key, version_id=version_id)  # the file must be there nevertheless
            return b""
        if not start and end is None:
            return bucket.get(key, version_id=version_id)
        try:
            last = None if end is None else end - 1
            return bucket.get(key, first=start, last=last, version_id=version_id)
        except InvalidArgument as error:
            if error.code != "InvalidRange":
                raise
            return b""

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Write a file; with the mode `create` only one that is not there."""
        bucket, key = self.file_place(path)
        with translated(path, is_new=mode == "create"):
            bucket.put(key, value, if_none_match="*" if mode == "create" else None, **options)
        self.changed(path)

    def put_file(
        self, lpath: Any, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Write a local file, in parts side by side."""
        if os.path.isdir(lpath):  # noqa: PTH112 - fsspec gives texts
            self.makedirs(rpath, exist_ok=True)
            return
        bucket, key = self.file_place(rpath)
        callback.set_size(os.path.getsize(lpath))  # noqa: PTH202
        with translated(rpath, is_new=mode == "create"):
            condition = "*" if mode == "create" else None
            bucket.upload_file(lpath, key, if_none_match=condition, progress=callback.relative_update, **options)
        self.changed(rpath)

    def get_file(
        self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, version_id: str | None = None, **_: Any
    ) -> None:
        """Write a file to a local one, which appears once all of it has arrived, or to one that is open."""
        if not hasattr(lpath, "write") and self.isdir(rpath):
            os.makedirs(lpath, exist_ok=True)  # noqa: PTH103
            return
        bucket, key, version = self._version_place(rpath, version_id)
        with translated(rpath):
            if hasattr(lpath, "write"):
                with bucket.open(key, version_id=version) as reader:
                    callback.set_size(reader.size)
                    for piece in reader.chunks():
                        lpath.write(piece)
                        callback.relative_update(len(piece))
                return
            parent = os.path.dirname(lpath)  # noqa: PTH120
            if parent:
                os.makedirs(parent, exist_ok=True)  # noqa: PTH103
            callback.set_size(bucket.head(key, version_id=version).size)
            bucket.download_file(key, lpath, version_id=version, progress=callback.relative_update)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy a file, inside the server."""
        if self.isdir(path1):
            self.makedirs(path2, exist_ok=True)
            return
        source, key, version = self._version_place(path1)
        target, to = self.file_place(path2)
        with translated(path1):
            target.copy(key, to, source_bucket=source.name, source_version_id=version)
        self.changed(path2)

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **options: Any) -> None:
        """Move files; one inside its bucket only gets another name, unless its versions are kept."""
        if not recursive and isinstance(path1, str) and isinstance(path2, str) and not path2.endswith("/"):
            (source, key), (target, to) = self._place(path1), self._place(path2)
            is_inside = source.name == target.name and key and to and not self.isdir(path1) and not self.isdir(path2)
            if is_inside and (key == to or self._renamed(source, key, to)):
                return
        super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **options)

    def _renamed(self, bucket: Bucket, key: str, to: str) -> bool:
        """Give a file another name; say no where versions are kept, which stay with theirs."""
        try:
            with translated(f"{bucket.name}/{key}"):
                bucket.rename(key, to)
        except InvalidArgument as error:
            if error.code != "InvalidRequest" or not bucket.versioning():
                raise
            return False
        for one in (key, to):
            self.changed(f"{bucket.name}/{one}")
        return True

    def rm_file(self, path: str) -> None:
        """Delete a file, or for good one of its versions."""
        bucket, key, version = self._version_place(path)
        if not key:
            raise IsADirectoryError(path)
        with translated(path):
            bucket.delete(key, version_id=version)
        self.changed(path)

    _rm = rm_file

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, a thousand at a time; with `recursive` folders and buckets, too."""
        asked = [self._strip_protocol(one) for one in (path if isinstance(path, list) else [path])]
        if not recursive and (folders := [one for one in asked if not self.isfile(one) and self.isdir(one)]):
            raise IsADirectoryError(folders[0])
        versions = [one for one in asked if self._has_version(one)]
        for one in versions:
            self.rm_file(one)
        asked = [one for one in asked if one not in versions]
        paths = self.expand_path(asked, recursive=recursive, maxdepth=maxdepth) if asked else []
        keys: dict[str, list[str]] = {}
        for one in paths:
            bucket, key = self._place(one)
            if key:
                keys.setdefault(bucket.name, []).append(key)
        for name, of_bucket in keys.items():
            for first in range(0, len(of_bucket), DELETE_BATCH):
                with translated(name):
                    self.client.bucket(name).delete_batch(of_bucket[first : first + DELETE_BATCH])
        self.invalidate_cache()
        for one in paths:
            if one and "/" not in one and maxdepth is None:
                self.rmdir(one)

    def touch(self, path: str, truncate: bool = True, **options: Any) -> None:
        """Write an empty file, or leave one that is there as it is, where it is not to be emptied."""
        if truncate or not self.exists(path):
            self.pipe_file(path, b"", **options)
            return
        raise NotImplementedError("the time of a file that stays as it is cannot be set")

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget what was listed: all of it, or a folder and those above it."""
        if path is None:
            self.dircache.clear()
            return
        path = self._strip_protocol(path)
        while True:
            self.dircache.pop(path, None)
            if not path:
                return
            path = self._parent(path)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> CumuloFile:
        return CumuloFile(
            self,
            path,
            mode,
            block_size if isinstance(block_size, int) else self.blocksize,
            autocommit=autocommit,
            cache_options=cache_options,
            **options,
        )

    def expand_path(self, path: str | Sequence[str], *args: Any, **options: Any) -> list[str]:
        """Return the paths that patterns mean; what names a version is none, in spite of its question mark."""
        asked = [path] if isinstance(path, str) else list(path)
        versions = [self._strip_protocol(one) for one in asked if self._has_version(one)]
        others = [one for one in asked if not self._has_version(one)]
        found: list[str] = super().expand_path(others, *args, **options) if others or not versions else []
        return versions + found

    def _check_version_aware(self) -> None:
        if not self.version_aware:
            raise ValueError("versions need a file system that is version_aware")

    def _has_version(self, path: str) -> bool:
        return self.version_aware and VERSION_MARK in path

    def _version_place(self, path: str, version_id: str | None = None) -> tuple[Bucket, str, str]:
        """Return bucket, key and version of a path that is read; an empty version is the current one."""
        if version_id:
            self._check_version_aware()
        bucket, key = self._place(path)
        if not self._has_version(key):
            return bucket, key, version_id or ""
        key, _, named = key.partition(VERSION_MARK)
        if version_id not in (None, "", named):
            raise ValueError(f"{path} is not the version {version_id}")
        return bucket, key, named

    def _place(self, path: str) -> tuple[Bucket, str]:
        name, _, key = self._strip_protocol(path).partition("/")
        if not name:
            raise ValueError("a path begins with a bucket's name: cumulo://BUCKET/KEY")
        return self.client.bucket(name), key

    def file_place(self, path: str) -> tuple[Bucket, str]:
        """Return the bucket and the key of a file that is written."""
        bucket, key = self._place(path)
        if not key:
            raise IsADirectoryError(path)
        if self._has_version(key):
            raise ValueError(f"{path}: a version is read, not written")
        return bucket, key

    def version_place(self, path: str, version_id: str | None = None) -> tuple[Bucket, str, str]:
        """Return bucket, key and version of a file that is read."""
        bucket, key, version = self._version_place(path, version_id)
        if not key:
            raise IsADirectoryError(path)
        return bucket, key, version

    def changed(self, path: str) -> None:
        """Forget what was listed of the folders of a file that was written or deleted."""
        self.invalidate_cache(self._parent(path))

    @classmethod
    def _parent(cls, path: str) -> str:
        path = cls._strip_protocol(path)
        return path.rpartition("/")[0]


def _folder(name: str, created: datetime | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "size": 0, "type": "directory"}
    return found | ({"created": created} if created is not None else {})


def _entry(bucket: str, it: ObjectInfo | ObjectVersion) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": f"{bucket}/{it.key.rstrip('/')}",
        "size": it.size,
        "type": "directory" if it.key.endswith("/") else "file",
        "ETag": it.etag,
        "LastModified": it.modified,
        "mtime": it.modified.timestamp(),
    }
    if it.version_id:
        found["VersionId"] = it.version_id
    if isinstance(it, ObjectVersion):
        found["IsLatest"] = it.latest
    return found
