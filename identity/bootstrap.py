"""The first start: the first account, its root's access key, and the key that signs tokens.

Promises that there is no default credential: the root key is random, it is written to a file that only the server's
user can read before the commit that makes it valid (a crash between the two leaves a file of no worth, which the next
start replaces), and it is handed back once, for the banner.
"""

import os
from pathlib import Path

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.ids import Randomness, iam_id
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.identity import access_keys, directory, keys, owners, signing_keys
from cumulo.identity.credentials import seal_secret
from cumulo.identity.keys import AccountRecord
from cumulo.identity.model import NewKey
from cumulo.identity.principal_model import canonical_id
from cumulo.identity.sealing import SecretBox
from cumulo.identity.signing_keys import NewSigningKey
from cumulo.identity.tokens import new_secret
from cumulo.storage import failpoints
from cumulo.storage.engine import Engine, Txn


class RootCredentials(msgspec.Struct, frozen=True):
    """The root access key of the first account; also the form of the `root_credentials` file."""

    account: str
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"RootCredentials({self.access_key_id})"


class FirstStart(msgspec.Struct, frozen=True):
    """What the first commit of an engine holds."""

    root_key: NewKey
    signing_key: NewSigningKey


async def bootstrap(
    engine: Engine, *, clock: Clock, randomness: Randomness, box: SecretBox, credentials_file: Path | None
) -> RootCredentials | None:
    """Make the first account if there is none, and return its root's credentials; None at every later start.

    `credentials_file` is replaced (mode 0600) before the commit; None for a server that keeps nothing. Raises `OSError`
    where it cannot be written, and then nothing was made.
    """
    if await engine.read(keys.PARTITIONS, directory.account, FIRST_ACCOUNT) is not None:
        await _enter_accounts(engine)
        return None
    secret, key_id = new_secret(randomness), iam_id(randomness, "AKIA")
    sealed = seal_secret(box, randomness, secret, FIRST_ACCOUNT, FIRST_ACCOUNT, key_id)
    made = RootCredentials(FIRST_ACCOUNT, key_id, secret)
    signing_key = new_signing_key(randomness, box, clock)
    if credentials_file is not None:
        _write(credentials_file, msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    if failpoints.armed:
        failpoints.hit("bootstrap.before_commit")
    await engine.transact(keys.PARTITIONS, first_start, FirstStart(NewKey(key_id, sealed), signing_key))
    if failpoints.armed:
        failpoints.hit("bootstrap.after_commit")
    return made


def first_start(txn: Txn, start: FirstStart) -> None:
    """Make the first account, its root's key and the first signing key, in one commit."""
    now_ms = start.signing_key.now_ms
    directory.put_account(txn, FIRST_ACCOUNT, AccountRecord(display_name="first account", create_ms=now_ms))
    owners.add(txn, FIRST_ACCOUNT, "")
    access_keys.add_root_key(txn, FIRST_ACCOUNT, start.root_key, now_ms)
    signing_keys.add(txn, start.signing_key)


async def _enter_accounts(engine: Engine) -> None:
    """Enter the accounts of a folder of before there were canonical ids. The first account, which has the lowest
    number, comes last, so that what was broken off is repeated.
    """
    if await engine.read(keys.PARTITIONS, owners.by_canonical_id, canonical_id(FIRST_ACCOUNT)) is None:
        before = b""
        while before := await engine.transact(keys.PARTITIONS, owners.enter_all, before):
            pass


def new_signing_key(randomness: Randomness, box: SecretBox, clock: Clock) -> NewSigningKey:
    """Return a new signing key, sealed."""
    key_id = randomness.token_bytes(signing_keys.KEY_ID_BYTES).hex()
    seed = randomness.token_bytes(signing_keys.SEED_BYTES)
    sealed = box.seal(randomness, seed, keys.sealed_for("signing_key", key_id))
    return NewSigningKey(key_id, sealed, clock.wall_ms(), clock.deadline_ms())


def _write(path: Path, content: bytes) -> None:
    """Replace `path` by a file of mode 0600, durably, never readable by others in between."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if failpoints.armed:
        failpoints.hit("bootstrap.before_credentials_file")
    draft.replace(path)
    if failpoints.armed:
        failpoints.hit("bootstrap.after_credentials_file")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
