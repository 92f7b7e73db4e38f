"""Accounts as S3 names them: by canonical user id, by e-mail address, with a name for people.

Owns the two indices that lead from those to an account. Promises that each account stands in the index of canonical
ids, those of folders of before the index, too, and that no two accounts have an e-mail address in common. Pure
functions of a transaction; decides nothing.
"""

import re

import msgspec

from cumulo.identity import directory, keys
from cumulo.identity.account_model import EMAIL_CHARACTERS_MAX
from cumulo.identity.errors import ENTITY_ALREADY_EXISTS
from cumulo.identity.names import invalid
from cumulo.identity.principal_model import canonical_id
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, Txn

ACCOUNTS_PER_COMMIT = 500
_EMAIL = re.compile(r"[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+")


class Owner(msgspec.Struct, frozen=True):
    """An account, its canonical id, and what people call it."""

    account: str
    canonical_id: str
    display_name: str = ""


def require_email(email: str) -> None:
    """Raise `ValidationError` for what is no e-mail address."""
    if email and (len(email) > EMAIL_CHARACTERS_MAX or not _EMAIL.fullmatch(email)):
        raise invalid("email", email, f"an e-mail address of at most {EMAIL_CHARACTERS_MAX} printable ASCII characters")


def add(txn: Txn, account: str, email: str) -> None:
    """Enter a new account; raises `EntityAlreadyExists` for the e-mail address of another one."""
    txn.put(keys.row(keys.CANONICAL_IDS, canonical_id(account)), account.encode())
    if email:
        key = keys.row(keys.ACCOUNT_EMAILS, keys.fold(email))
        if txn.get(key) is not None:
            raise ENTITY_ALREADY_EXISTS.error(what="Account", name=email)
        txn.put(key, account.encode())


def owner(txn: ReadTxn, account: str) -> Owner:
    """Return an account by its number, without a display name where there is none."""
    record = directory.account(txn, account)
    return Owner(account, canonical_id(account), "" if record is None else record.display_name)


def by_canonical_id(txn: ReadTxn, text: str) -> Owner | None:
    """Return the account of a canonical id, None for nobody's."""
    return _led_to(txn, keys.row(keys.CANONICAL_IDS, text))


def by_email(txn: ReadTxn, email: str) -> Owner | None:
    """Return the account of an e-mail address, None for nobody's."""
    return _led_to(txn, keys.row(keys.ACCOUNT_EMAILS, keys.fold(email))) if email.isascii() else None


def _led_to(txn: ReadTxn, key: bytes) -> Owner | None:
    account = txn.get(key)
    return None if account is None else owner(txn, account.decode())


def enter_all(txn: Txn, before: bytes) -> bytes:
    """Enter accounts of before the index, from the end on, those before the row key `before` (empty: all); return the
    last key where more may follow.
    """
    end = before or tuples.after(keys.ACCOUNTS)
    rows = txn.range(keys.ACCOUNTS, end, ACCOUNTS_PER_COMMIT, reverse=True)
    for key, _ in rows:
        account = str(tuples.decode(key[len(keys.ACCOUNTS) :])[0])
        txn.put(keys.row(keys.CANONICAL_IDS, canonical_id(account)), account.encode())
    return rows[-1][0] if len(rows) == ACCOUNTS_PER_COMMIT else b""
