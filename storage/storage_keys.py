"""The storage keys of a data folder, and the key hierarchy that hangs from them.

    storage key     a file of `secrets/storage_keys/`, named by its number; backups do not hold it
    master key      derived from a storage key for a scope (a service, an account, a key id); stored nowhere
    data key        random; a room keeps it wrapped under a master key, beside the data that it encrypts

The highest number wraps new data keys, every number opens what it wrapped: a key is rotated by putting the next file
there. Promises that a wrapped key opens only for the scope and the record for which it was wrapped; that a storage key
which is missing, or is not the one that wrapped a folder's data keys, is found out at the start, before anything is
served; that no key appears in a message or in `repr`. Does not know what data keys encrypt.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.core.ids import Randomness
from cumulo.storage import tuples
from cumulo.storage.data_folder import DataFolder, DataFolderRefused
from cumulo.storage.durable import make_directory, write_file
from cumulo.storage.engine import ROOT, Engine, ReadTxn, Txn

KEY_BYTES = 32
NONCE_BYTES = 12
STORAGE_KEYS_MAX = 255
MASTERS_REMEMBERED_MAX = 1_024
"""Ciphers of master keys; one that fell out costs 5 µs."""
DIRECTORY = "storage_keys"
_FILE_NAME = re.compile(r"([1-9][0-9]{0,2})\.key")
_FINGERPRINTS = ROOT + tuples.encode(("storage_keys",))
"""(storage key id) -> what tells a storage key from any other, and gives nothing of it away."""
_FINGERPRINT = b"cumulo storage key fingerprint"
_MASTER = b"cumulo master key "

Scope = tuple[str, ...]
"""Whose master key: the service, the account, and what else tells master keys apart."""


class KeyUnreadable(Exception):
    """A wrapped key does not open: it was altered, is of another record, or its storage key is not there."""


class WrappedKey(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A data key, encrypted under a master key of the storage key of that number."""

    storage_key: int
    sealed: bytes


class StorageKeys:
    """The storage keys of a server by their numbers, 1 to 255; the highest wraps."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        assert keys
        assert all(0 < number <= STORAGE_KEYS_MAX for number in keys), sorted(keys)
        if any(len(key) != KEY_BYTES or not any(key) for key in keys.values()):
            raise ValueError(f"a storage key must be {KEY_BYTES} random bytes")
        self._keys = dict(keys)
        self.current = max(keys)
        """The number of the key that wraps."""
        self._masters: dict[tuple[int, Scope], AESGCM] = {}

    def __repr__(self) -> str:
        return f"StorageKeys({sorted(self._keys)})"

    @property
    def has_older(self) -> bool:
        """Whether there may be something that another key than the current one wraps."""
        return len(self._keys) > 1

    def wrap(self, randomness: Randomness, data_key: bytes, scope: Scope, record: bytes) -> WrappedKey:
        """Return a data key wrapped for the record that will hold it, under the scope's master key."""
        nonce = randomness.token_bytes(NONCE_BYTES)
        sealed = nonce + self._master(self.current, scope).encrypt(nonce, data_key, record)
        return WrappedKey(self.current, sealed)

    def unwrap(self, wrapped: WrappedKey, scope: Scope, record: bytes) -> bytes:
        """Return the data key that was wrapped for `record`; raises `KeyUnreadable`."""
        if wrapped.storage_key not in self._keys:
            raise KeyUnreadable(f"storage key {wrapped.storage_key} is not there")
        nonce, text = wrapped.sealed[:NONCE_BYTES], wrapped.sealed[NONCE_BYTES:]
        try:
            return self._master(wrapped.storage_key, scope).decrypt(nonce, text, record)
        except (InvalidTag, ValueError):
            raise KeyUnreadable(f"the data key does not open under storage key {wrapped.storage_key}") from None

    def fingerprints(self) -> dict[int, bytes]:
        """Return what the engine records of each key."""
        return {number: hmac.digest(key, _FINGERPRINT, hashlib.sha256) for number, key in self._keys.items()}

    def _master(self, number: int, scope: Scope) -> AESGCM:
        found = self._masters.get((number, scope))
        if found is None:
            # HKDF's expand step (RFC 5869) of one block: a storage key is uniformly random, so nothing is extracted.
            info = _MASTER + tuples.encode(scope) + b"\x01"
            found = AESGCM(hmac.digest(self._keys[number], info, hashlib.sha256))
            if len(self._masters) >= MASTERS_REMEMBERED_MAX:
                self._masters.clear()
            self._masters[number, scope] = found
        return found


def fingerprints_in(txn: ReadTxn, _: None) -> dict[int, bytes]:
    """Return the fingerprints of every storage key that a server of this folder has had."""
    rows = txn.range(_FINGERPRINTS, tuples.after(_FINGERPRINTS), STORAGE_KEYS_MAX)
    return {int.from_bytes(key[-8:], "big"): value for key, value in rows}


def _record(txn: Txn, fingerprints: dict[int, bytes]) -> None:
    for number, fingerprint in fingerprints.items():
        txn.put(_FINGERPRINTS + tuples.u64(number), fingerprint)


async def open_storage_keys(folder: DataFolder, engine: Engine) -> StorageKeys:
    """Return the folder's storage keys, the first made at its first start; raises `DataFolderRefused`.

    `engine` is the folder's, and remembers which storage keys there must be.
    """
    known: dict[int, bytes] = await engine.read((ROOT,), fingerprints_in, None)
    directory = folder.secrets / DIRECTORY
    try:
        files = _read_files(folder, directory)
        if not files and not known:
            make_directory(directory)
            files = {1: secrets.token_bytes(KEY_BYTES)}
            write_file(directory / "1.key", files[1])
    except OSError as error:
        raise folder.unusable(error) from error
    for number in known.keys() - files.keys():
        raise DataFolderRefused(
            f"data folder {folder.path}: {directory / f'{number}.key'} is missing, and what is encrypted at rest cannot"
            " be read without it; put the file back (backups do not hold it)"
        )
    keys = StorageKeys(files)
    found = keys.fingerprints()
    for number, fingerprint in known.items():
        if not hmac.compare_digest(found[number], fingerprint):
            raise DataFolderRefused(
                f"data folder {folder.path}: {directory / f'{number}.key'} is another key than the one under which data"
                " is encrypted here; put the right file back"
            )
    if found != known:
        await engine.transact((ROOT,), _record, found, grows=False)
    return keys


def _read_files(folder: DataFolder, directory: Path) -> dict[int, bytes]:
    if not directory.exists():
        return {}
    files = {}
    for path in (directory, *sorted(directory.iterdir())):
        if path.stat().st_mode & 0o077:
            raise DataFolderRefused(f"data folder {folder.path}: {path} can be read by others; run `chmod go= {path}`")
        named = _FILE_NAME.fullmatch(path.name)
        if named and 0 < int(named[1]) <= STORAGE_KEYS_MAX:
            content = path.read_bytes()
            if len(content) != KEY_BYTES or not any(content):
                raise DataFolderRefused(
                    f"data folder {folder.path}: {path} does not hold {KEY_BYTES} random bytes; put the right file back"
                )
            files[int(named[1])] = content
    return files
