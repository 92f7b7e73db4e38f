"""Resource policies, as rooms store them with a queue or a bucket: what was written, and what decides.

Owns the stored form. A policy is shown byte for byte as it was written, but users in it are decided by their unique
ids, so that a user who was deleted and made anew under the same name inherits nothing. Where the two differ, the stored
text is the deciding one, a separator that no JSON text can hold, and the written one; else it is the written text
alone.
"""

from collections.abc import Callable
from typing import Final

from cumulo.core.names import is_account_id, parse_arn
from cumulo.identity import directory, keys, names
from cumulo.identity.names import Named
from cumulo.identity.policy import DocumentKind, MalformedPolicy, parse_policy, show_principals, store_principals
from cumulo.identity.snapshots import read_now
from cumulo.storage.engine import Engine, ReadTxn

STORED_BYTES_MAX: Final = 60 * 1024
"""Both texts together must fit into one value of the engine."""
_SEPARATOR: Final = "\x00"


def validate(text: str, kind: DocumentKind, engine: Engine) -> str:
    """Return what to store for the policy `text` of a queue or a bucket, and to hand to the authoriser in its `Guard`.

    Raises `MalformedPolicy` (of `cumulo.identity.policy`), which each room turns into its own error: what the grammar
    refuses, what is too long, and a principal who does not exist.
    """
    parse_policy(text, kind)

    def unique_id_of(arn: str) -> str | None:
        return read_now(engine, keys.PARTITIONS, _id_of, arn) or None

    decided = store_principals(text, unique_id_of, _arn_lookup(engine))
    named = store_principals(text, lambda arn: arn, lambda _: "")  # the same spelling, nothing exchanged
    stored = text if decided == named else f"{decided}{_SEPARATOR}{text}"
    size = len(stored.encode())
    if size > STORED_BYTES_MAX:
        raise MalformedPolicy(f"The policy takes {size} bytes, white space included; at most {STORED_BYTES_MAX} do.")
    return stored


def shown(stored: str, engine: Engine) -> str:
    """Return the policy as it was written. Where a user in it is gone since, his place holds his id, as in IAM."""
    decided, separator, written = stored.partition(_SEPARATOR)
    if not separator:
        return stored
    as_of_now = show_principals(decided, _arn_lookup(engine))
    return written if as_of_now == show_principals(written, lambda _: None) else as_of_now


def decided_text(stored: str) -> str:
    """Return the text that decides."""
    return stored.partition(_SEPARATOR)[0]


def _arn_lookup(engine: Engine) -> Callable[[str], str | None]:
    def arn_of(user_id: str) -> str | None:
        return read_now(engine, keys.PARTITIONS, _arn_of, user_id) or None

    return arn_of


def _id_of(txn: ReadTxn, text: str) -> str:
    """Return the unique id of the user whom an ARN names today, path included; an empty text for nobody."""
    arn = parse_arn(text)
    if arn is None or not is_account_id(arn.account) or not arn.resource.startswith("user/"):
        return ""
    above, _, name = arn.resource.removeprefix("user/").rpartition("/")
    if not name.isascii():
        return ""
    target = directory.find(txn, names.USER, Named(arn.account, name, f"/{above}/" if above else "/"))
    return target.id if target.arn == text else ""


def _arn_of(txn: ReadTxn, user_id: str) -> str:
    record = directory.user(txn, user_id)
    return "" if record is None else names.arn(names.USER, record.account, record.path, record.name)
