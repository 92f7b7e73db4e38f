"""Aliases: other names of keys, which may lead elsewhere tomorrow. Pure functions of a transaction."""

import msgspec

from cumulo.key_service import keys, model
from cumulo.key_service.errors import ALIAS_NOT_FOUND, ALREADY_EXISTS, AWS_MANAGED, INVALID_STATE, LIMIT_EXCEEDED
from cumulo.key_service.keys import AliasRecord
from cumulo.key_service.materials import PENDING, arn_of, existing
from cumulo.key_service.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import after


def find_alias(txn: ReadTxn, place: tuple[str, str, str]) -> AliasRecord | None:
    """Return the record of an alias (account, region, name), or None."""
    raw = txn.get(keys.alias_key(*place))
    return None if raw is None else keys.decode_alias(raw)


def create_alias(txn: Txn, stamped: Stamped) -> None:
    """Name a key; raises `AlreadyExistsException`, `NotFoundException`, `LimitExceededException`."""
    request: model.CreateAlias = stamped.request
    _require_target(txn, stamped)
    place = keys.alias_key(stamped.account, stamped.region, request.alias)
    if txn.get(place) is not None:
        raise ALREADY_EXISTS.error(arn=model.alias_arn(stamped.account, stamped.region, request.alias))
    txn.put(place, records.encode(AliasRecord(key=stamped.key, create_ms=stamped.wall_ms, update_ms=stamped.wall_ms)))
    txn.put(keys.NAMED + stamped.key + request.alias.encode(), b"")


def update_alias(txn: Txn, stamped: Stamped) -> None:
    """Lead an alias to another key; raises as `create_alias`."""
    request: model.UpdateAlias = stamped.request
    _require_target(txn, stamped)
    record = _existing_alias(txn, stamped)
    changed = msgspec.structs.replace(record, key=stamped.key, update_ms=stamped.wall_ms)
    txn.delete(keys.NAMED + record.key + request.alias.encode())
    txn.put(keys.alias_key(stamped.account, stamped.region, request.alias), records.encode(changed))
    txn.put(keys.NAMED + stamped.key + request.alias.encode(), b"")


def delete_alias(txn: Txn, stamped: Stamped) -> None:
    """Delete an alias; raises `NotFoundException`."""
    record = _existing_alias(txn, stamped)
    txn.delete(keys.alias_key(stamped.account, stamped.region, stamped.request.alias))
    txn.delete(keys.NAMED + record.key + stamped.request.alias.encode())


def list_aliases(txn: ReadTxn, stamped: Stamped) -> list[model.Alias]:
    """Return a page of aliases by name, one more than the page has: of a key, or of account and region."""
    if stamped.key:
        existing(txn, stamped)
        prefix = keys.NAMED + stamped.key
    else:
        prefix = keys.aliases_prefix(stamped.account, stamped.region)
    found: list[model.Alias] = []
    for row, raw in txn.range(prefix + stamped.after, after(prefix), stamped.limit + 2):
        name = row[len(prefix) :].decode()
        if name == stamped.after.decode() or len(found) > stamped.limit:
            continue
        record = keys.decode_alias(raw) if raw else find_alias(txn, (stamped.account, stamped.region, name))
        assert record is not None, name
        arn = model.alias_arn(stamped.account, stamped.region, name)
        found.append(model.Alias(name, arn, keys.shown_id(record.key), record.create_ms, record.update_ms))
    return found


def _existing_alias(txn: ReadTxn, stamped: Stamped) -> AliasRecord:
    record = find_alias(txn, (stamped.account, stamped.region, stamped.request.alias))
    if record is None:
        raise ALIAS_NOT_FOUND.error(arn=model.alias_arn(stamped.account, stamped.region, stamped.request.alias))
    return record


def _require_target(txn: ReadTxn, stamped: Stamped) -> None:
    """Refuse a key that cannot be named."""
    record = existing(txn, stamped)
    if record.service:
        raise AWS_MANAGED.error(arn=arn_of(stamped.key, record))
    if record.deletion_ms:
        raise INVALID_STATE.error(arn=arn_of(stamped.key, record), state=PENDING)
    prefix = keys.NAMED + stamped.key
    if len(list(txn.range(prefix, after(prefix), model.ALIASES_MAX))) == model.ALIASES_MAX:
        raise LIMIT_EXCEEDED.error(what="The number of aliases of a key", limit=model.ALIASES_MAX)
