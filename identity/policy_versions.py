"""Versions of managed policies: up to five, of which one, the default, counts.

Pure functions of a transaction; documents were parsed and accepted before. The default version's document stands where
evaluation reads it, in its policy's own row; the others stand apart and change places with it.
"""

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.identity import directory, keys
from cumulo.identity.errors import DEFAULT_VERSION, NO_SUCH_VERSION, TOO_MANY_VERSIONS
from cumulo.identity.keys import PolicyRecord
from cumulo.identity.model import Listed, Stamped, Target
from cumulo.identity.policies import document
from cumulo.identity.policy_model import (
    POLICY_VERSIONS_MAX,
    CreatePolicyVersion,
    DeletePolicyVersion,
    GetPolicyVersion,
    ListPolicyVersions,
    PolicyVersion,
    SetDefaultPolicyVersion,
)
from cumulo.storage.engine import ReadTxn, Txn


def create(txn: Txn, stamped: Stamped[CreatePolicyVersion]) -> PolicyVersion:
    """Add a version, which may count from now on; raises `NoSuchEntity`, `LimitExceeded`."""
    request, target = stamped.request, stamped.the_policy
    record = directory.require_policy(txn, target)
    versions = _versions(record)
    if len(versions) >= POLICY_VERSIONS_MAX:
        raise TOO_MANY_VERSIONS.error(limit=POLICY_VERSIONS_MAX)
    number = record.newest + 1
    _put_document(txn, target.id, number, request.document)
    record = msgspec.structs.replace(
        record, versions=(*versions, (number, stamped.now_ms)), newest=number, update_ms=stamped.now_ms
    )
    if request.is_default:
        record = _let_count(txn, target.id, record, number)
    directory.put_policy(txn, target.id, record)
    return PolicyVersion(_version_id(number), request.is_default, stamped.now_ms)


def get(txn: ReadTxn, stamped: Stamped[GetPolicyVersion]) -> PolicyVersion:
    """Return a version with its document; raises `NoSuchEntity`."""
    target = stamped.the_policy
    record = directory.require_policy(txn, target)
    number, create_ms = _require(record, target, stamped.request.version_id)
    if number == record.default:
        return PolicyVersion(
            _version_id(number), is_default=True, create_ms=create_ms, document=document(txn, target.id)
        )
    return PolicyVersion(
        _version_id(number), is_default=False, create_ms=create_ms, document=_document(txn, target.id, number)
    )


def list_versions(txn: ReadTxn, stamped: Stamped[ListPolicyVersions]) -> Listed[PolicyVersion]:
    """Return a page of versions, newest first; raises `NoSuchEntity`."""
    record, page = directory.require_policy(txn, stamped.the_policy), stamped.the_page
    rest = [it for it in reversed(_versions(record)) if not page.after or it[0] < int(page.after)]
    taken = tuple(PolicyVersion(_version_id(it), it == record.default, made) for it, made in rest[: page.size])
    return Listed(taken, str(rest[page.size - 1][0]) if len(rest) > page.size else "")


def set_default(txn: Txn, stamped: Stamped[SetDefaultPolicyVersion]) -> None:
    """Let another version count; raises `NoSuchEntity`."""
    target = stamped.the_policy
    record = directory.require_policy(txn, target)
    number, _ = _require(record, target, stamped.request.version_id)
    if number != record.default:
        directory.put_policy(txn, target.id, _let_count(txn, target.id, record, number))


def delete(txn: Txn, stamped: Stamped[DeletePolicyVersion]) -> None:
    """Remove a version that does not count; raises `NoSuchEntity`, `DeleteConflict`."""
    target = stamped.the_policy
    record = directory.require_policy(txn, target)
    number, _ = _require(record, target, stamped.request.version_id)
    if number == record.default:
        raise DEFAULT_VERSION.error()
    txn.delete(keys.row(keys.POLICY_VERSIONS, target.id, _version_id(number)))
    rest = tuple(version for version in _versions(record) if version[0] != number)
    directory.put_policy(txn, target.id, msgspec.structs.replace(record, versions=rest))


def _let_count(txn: Txn, policy_id: str, record: PolicyRecord, number: int) -> PolicyRecord:
    """Let the documents of the default and another version change places."""
    counted, other = document(txn, policy_id), _document(txn, policy_id, number)
    _put_document(txn, policy_id, record.default, counted)
    txn.put(keys.row(keys.POLICY_DOCUMENTS, policy_id), other.encode())
    txn.delete(keys.row(keys.POLICY_VERSIONS, policy_id, _version_id(number)))
    directory.changed(txn)
    return msgspec.structs.replace(record, default=number)


def _versions(record: PolicyRecord) -> tuple[tuple[int, int], ...]:
    return record.versions or ((record.default, record.create_ms),)


def _require(record: PolicyRecord, target: Target, version_id: str) -> tuple[int, int]:
    for version in _versions(record):
        if _version_id(version[0]) == version_id:
            return version
    raise _missing(target, version_id)


def _missing(target: Target, version_id: str) -> ServiceError:
    return NO_SUCH_VERSION.error(arn=target.arn, version=version_id)


def _document(txn: ReadTxn, policy_id: str, number: int) -> str:
    text = txn.get(keys.row(keys.POLICY_VERSIONS, policy_id, _version_id(number)))
    assert text is not None, policy_id
    return text.decode()


def _put_document(txn: Txn, policy_id: str, number: int, text: str) -> None:
    txn.put(keys.row(keys.POLICY_VERSIONS, policy_id, _version_id(number)), text.encode())


def _version_id(number: int) -> str:
    return f"v{number}"
