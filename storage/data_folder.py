"""The data folder: everything that a server keeps, claimed by one server at a time.

Owns the folder's form: `FORMAT`, `LOCK`, `engine/`, `blobs/`, `tmp/`, `secrets/`, and `outgoing/` once something is
recorded there. Promises that a folder which is not ours, was written by a newer version, or is in use, is left
untouched and refused in one line that names the path and the remedy; that `secrets/` is readable by its owner alone;
that a secret never appears in a message. Does not know what the engine or the blobs hold.
"""

import fcntl
import os
import secrets
import shutil
from pathlib import Path

import lmdb
import msgspec

from cumulo.storage import failpoints
from cumulo.storage.durable import make_directory, sync_directory, write_file

MAJOR = 1
"""Grows when older programs can no longer read the folder at all."""
MINOR = 1
"""Grows with each release that has a new record field or key: an older program that rewrote a newer record would drop
its new fields. 1: what AWS's protocols keep (headers, checksums and tags of objects, tags of queues, policy versions).
"""
SERVER_KEY_BYTES = 32

_NAME = "cumulo data folder"
_FORMAT, _LOCK = "FORMAT", "LOCK"
_DIRECTORIES = ("engine", "blobs", "tmp", "secrets")
_BEFORE_FORMAT = {_LOCK, _FORMAT + ".new", *_DIRECTORIES}
"""What a first start that was cut off may leave."""


class DataFolderRefused(RuntimeError):
    """The folder cannot be used; the message names it and says what to do."""


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """The content of `FORMAT`. `lmdb` is the version of LMDB whose file format the engine was made with."""

    kind: str
    major: int
    minor: int
    lmdb: str


def lmdb_version() -> str:
    """Return the version of the LMDB library whose files we write."""
    version: tuple[int, int, int] = lmdb.version(lib_version=1)
    return ".".join(map(str, version))


class DataFolder:
    """The data folder at `path`, made if missing, locked until `close` or the end of the process.

    `server_key` are the 32 secret bytes under which secrets are encrypted and tokens sealed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.engine = self.path / "engine"
        self.blobs = self.path / "blobs"
        self.tmp = self.path / "tmp"
        self.secrets = self.path / "secrets"
        self.outgoing = self.path / "outgoing"
        try:
            self._refuse_foreign()
            make_directory(self.path)
            self._lock = self._claim()
        except OSError as error:
            raise self.unusable(error) from error
        try:
            self._prepare()
        except OSError as error:
            self.close()
            raise self.unusable(error) from error
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"DataFolder({str(self.path)!r})"

    def close(self) -> None:
        """Let another server have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def unusable(self, error: OSError) -> DataFolderRefused:
        """Return the refusal of a path of the folder that cannot be used."""
        return DataFolderRefused(
            f"data folder {self.path}: {error.strerror} ({error.filename or self.path});"
            " give the server's user that path with read and write access, or choose another with --data"
        )

    def _refuse_foreign(self) -> None:
        """Refuse before anything is written into a folder that is not ours."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise DataFolderRefused(f"data folder {self.path} is a file; choose a folder with --data")
        names = {entry.name for entry in self.path.iterdir()}
        if _FORMAT in names:
            return
        foreign = sorted(names - _BEFORE_FORMAT)
        if foreign or (self.engine / "data.mdb").exists():
            raise DataFolderRefused(
                f"data folder {self.path} has no {_FORMAT} file but holds {foreign[0] if foreign else 'an engine'};"
                " choose an empty folder with --data"
            )

    def _claim(self) -> int:
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise DataFolderRefused(
                f"data folder {self.path} is in use by process {holder or 'unknown'};"
                " stop that server, or choose another folder with --data"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor

    def _prepare(self) -> None:
        format_path = self.path / _FORMAT
        made = format_path.exists()
        current = made and self._check_format(format_path.read_bytes()).minor == MINOR
        for name in _DIRECTORIES:
            make_directory(self.path / name)
        self.server_key = self._load_server_key(may_make=not made)
        if not current:  # the mark comes before the first record of its form
            if failpoints.armed:
                failpoints.hit("data_folder.before_format")
            mark = Format(_NAME, MAJOR, MINOR, lmdb_version())
            write_file(format_path, msgspec.json.format(msgspec.json.encode(mark)) + b"\n")
        sync_directory(self.path)
        sync_directory(self.path.parent)
        for leftover in self.tmp.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()

    def _check_format(self, content: bytes) -> Format:
        try:
            found = msgspec.json.decode(content, type=Format)
        except msgspec.DecodeError as error:
            raise DataFolderRefused(
                f"data folder {self.path}: {_FORMAT} cannot be read ({error}); restore that file from a backup"
            ) from error
        if found.kind != _NAME:
            raise DataFolderRefused(f"data folder {self.path} belongs to {found.kind!r}; choose another with --data")
        if found.major != MAJOR:
            raise DataFolderRefused(
                f"data folder {self.path} has format {found.major}.{found.minor}, this version reads {MAJOR}.{MINOR};"
                f" run a version of cumulo whose format is {found.major}"
            )
        if found.minor > MINOR:
            raise DataFolderRefused(
                f"data folder {self.path} was written by a newer version (format {found.major}.{found.minor}, this one"
                f" writes {MAJOR}.{MINOR}) whose records this one would damage; run the newer version"
            )
        if found.lmdb.partition(".")[0] != lmdb_version().partition(".")[0]:
            raise DataFolderRefused(
                f"data folder {self.path} was made with LMDB {found.lmdb}, this version has LMDB {lmdb_version()};"
                " restore a backup into a new folder"
            )
        return found

    def _load_server_key(self, *, may_make: bool) -> bytes:
        path = self.secrets / "server.key"
        for private in (self.secrets, path):
            if private.exists() and private.stat().st_mode & 0o077:
                raise DataFolderRefused(
                    f"data folder {self.path}: {private} can be read by others; run `chmod go= {private}`"
                )
        if not path.exists():
            if not may_make:
                raise DataFolderRefused(
                    f"data folder {self.path}: {path} is missing, and stored secrets cannot be read without it;"
                    " put the file back (backups do not hold it)"
                )
            write_file(path, secrets.token_bytes(SERVER_KEY_BYTES))
        key = path.read_bytes()
        if len(key) != SERVER_KEY_BYTES:
            raise DataFolderRefused(
                f"data folder {self.path}: {path} has {len(key)} bytes instead of {SERVER_KEY_BYTES};"
                " put the right file back"
            )
        return key
