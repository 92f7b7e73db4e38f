"""Buckets: made, found, listed, deleted, and their policies.

Names are the server's: two accounts never have a bucket of the same name. The directory row and the bucket's own
partition are written in one transaction; whatever works inside a bucket re-checks that its partition still has a
`Meta`.
"""

import msgspec

from cumulo.object_store import keys, model
from cumulo.object_store.errors import (
    BUCKET_ALREADY_EXISTS,
    BUCKET_ALREADY_OWNED_BY_YOU,
    BUCKET_NOT_EMPTY,
    NO_SUCH_BUCKET,
    NO_SUCH_BUCKET_POLICY,
)
from cumulo.object_store.keys import BucketRow, Counters, Meta
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn, new_partition


class Found(msgspec.Struct, frozen=True):
    """A bucket of the directory, with its policy as it is stored."""

    name: str
    row: BucketRow
    policy: str = ""


class Creation(msgspec.Struct, frozen=True):
    """A bucket to make, in a partition that nobody used yet."""

    name: str
    account: str
    region: str
    partition: bytes
    wall_ms: int


def allocate_partition(txn: Txn, _request: None) -> bytes:
    """Return a fresh partition, for a bucket that is made in the next transaction."""
    return new_partition(txn)


def find_bucket(txn: ReadTxn, name: str) -> Found | None:
    """Follow a bucket's name."""
    stored = txn.get(keys.bucket_key(name))
    if stored is None:
        return None
    row = keys.decode_bucket(stored)
    policy = txn.get(keys.policy_key(name)) if row.has_policy else None
    return Found(name, row, "" if policy is None else policy.decode())


def described(name: str, row: BucketRow) -> model.Bucket:
    """Return a bucket as callers see it."""
    return model.Bucket(name=name, account=row.account, region=row.region, create_ms=row.create_ms)


def create_bucket(txn: Txn, request: Creation) -> model.Bucket:
    """Make a bucket; raises `BucketAlreadyOwnedByYou` or `BucketAlreadyExists`."""
    found = txn.get(keys.bucket_key(request.name))
    if found is not None:
        owned = keys.decode_bucket(found).account == request.account
        raise (BUCKET_ALREADY_OWNED_BY_YOU if owned else BUCKET_ALREADY_EXISTS).error(bucket=request.name)
    row = BucketRow(
        partition=request.partition, account=request.account, region=request.region, create_ms=request.wall_ms
    )
    txn.put(keys.bucket_key(request.name), records.encode(row))
    txn.put(keys.account_key(request.account, request.name), b"")
    meta = Meta(name=request.name, account=request.account, region=request.region)
    txn.put(request.partition + keys.META, records.encode(meta))
    txn.put(request.partition + keys.COUNTERS, records.encode(Counters()))
    return described(request.name, row)


def get_bucket(txn: ReadTxn, stamped: Stamped) -> model.Bucket:
    """Return a bucket; raises `NoSuchBucket`."""
    return described(stamped.request.bucket, _row(txn, stamped.request.bucket))


def list_buckets(txn: ReadTxn, stamped: Stamped) -> list[model.Bucket]:
    """Return an account's buckets of a prefix, at most `limit`, behind the name in `after`.

    `request` is the account and the prefix.
    """
    account, prefix = stamped.request
    names = keys.account_prefix(account)
    first = keys.text_prefix(names, prefix)
    start = max(first, keys.account_key(account, stamped.after.decode()) + b"\x00") if stamped.after else first
    buckets = []
    for row_key, _ in txn.range(start, tuples.after(first), stamped.limit):
        name = keys.text_of(row_key, len(names))
        buckets.append(described(name, _row(txn, name)))
    return buckets


def delete_bucket(txn: Txn, stamped: Stamped) -> None:
    """Delete a bucket without objects and uploads; raises `NoSuchBucket` or `BucketNotEmpty`.

    Bodies that wait for their removal, and remembered answers, have due entries of their own and end with those.
    """
    name, partition = stamped.request.bucket, stamped.partition
    row = _row(txn, name)
    if row.partition != partition:
        raise NO_SUCH_BUCKET.error(bucket=name)
    counters = open_counters(txn, partition)
    if counters.objects or counters.uploads:
        raise BUCKET_NOT_EMPTY.error(bucket=name, objects=counters.objects, uploads=counters.uploads)
    txn.delete(keys.bucket_key(name))
    txn.delete(keys.account_key(row.account, name))
    if row.has_policy:
        txn.delete(keys.policy_key(name))
    txn.delete(partition + keys.META)
    txn.delete(partition + keys.COUNTERS)
    rules = partition + keys.RULES
    txn.delete_range(rules, tuples.after(rules), model.NOTIFICATION_RULES_MAX)


def get_policy(txn: ReadTxn, stamped: Stamped) -> str:
    """Return a bucket's policy as it is stored; raises `NoSuchBucketPolicy`."""
    name = stamped.request.bucket
    found = find_bucket(txn, name)
    if found is None:
        raise NO_SUCH_BUCKET.error(bucket=name)
    if not found.policy:
        raise NO_SUCH_BUCKET_POLICY.error(bucket=name)
    return found.policy


def set_policy(txn: Txn, stamped: Stamped) -> None:
    """Write a bucket's policy, or with an empty text remove it; `request` are the bucket and the text that
    `identity.resource_policy` gave.
    """
    name, policy = stamped.request
    row = _row(txn, name)
    if row.partition != stamped.partition:
        raise NO_SUCH_BUCKET.error(bucket=name)
    if policy:
        txn.put(keys.policy_key(name), policy.encode())
    elif row.has_policy:
        txn.delete(keys.policy_key(name))
    if row.has_policy != bool(policy):
        txn.put(keys.bucket_key(name), records.encode(msgspec.structs.replace(row, has_policy=bool(policy))))


def open_bucket(txn: ReadTxn, partition: bytes, name: str) -> Meta:
    """Return what a bucket's partition says of it; raises `NoSuchBucket` once it is deleted."""
    stored = txn.get(partition + keys.META)
    if stored is None:
        raise NO_SUCH_BUCKET.error(bucket=name)
    return keys.decode_meta(stored)


def open_counters(txn: ReadTxn, partition: bytes) -> Counters:
    """Return the counters of a bucket that exists."""
    stored = txn.get(partition + keys.COUNTERS)
    assert stored is not None, partition
    return keys.decode_counters(stored)


def save_counters(txn: Txn, partition: bytes, counters: Counters) -> None:
    """Write the counters."""
    assert counters.objects >= 0, counters
    assert counters.bytes >= 0, counters
    assert counters.uploads >= 0, counters
    txn.put(partition + keys.COUNTERS, records.encode(counters))


def _row(txn: ReadTxn, name: str) -> BucketRow:
    stored = txn.get(keys.bucket_key(name))
    if stored is None:
        raise NO_SUCH_BUCKET.error(bucket=name)
    return keys.decode_bucket(stored)
