"""Buckets: made, found, listed and deleted.

Names are the server's: two accounts never have a bucket of the same name. The directory row and the bucket's own
partition are written in one transaction; whatever works inside a bucket re-checks that its partition still has a
`Meta`.
"""

from typing import Any

import msgspec

from cumulo.core.errors import ACCESS_DENIED
from cumulo.object_store import (
    acl,
    acl_model,
    bucket_model,
    configuration_model,
    keys,
    listing_model,
    lock_model,
    notification_model,
)
from cumulo.object_store.errors import (
    BUCKET_ALREADY_EXISTS,
    BUCKET_ALREADY_OWNED_BY_YOU,
    BUCKET_NOT_EMPTY,
    NO_SUCH_BUCKET,
    VERSIONS_NOT_EMPTY,
)
from cumulo.object_store.keys import BucketRow, Counters, Meta
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records, tuples
from cumulo.storage.engine import PARTITION_BYTES, Due, ReadTxn, Txn, new_partition

CLEARED_AT_ONCE = 800
"""Rows of one subspace that go in one transaction; more are cleared through the due index."""


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
    configurations: tuple[tuple[str, bytes], ...] = ()
    """Kinds and encoded ConfigurationRecords to begin with."""
    row: BucketRow = BucketRow()
    """How it is configured: what access needs to know of that."""
    may_exist: bool = False
    """S3 in us-east-1: one's own bucket may be made again."""
    keeps_list: bool = False
    """That does not change its access control list: with another one, the bucket is refused."""


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


def described(name: str, row: BucketRow) -> bucket_model.Bucket:
    """Return a bucket as callers see it."""
    return bucket_model.Bucket(name=name, account=row.account, region=row.region, create_ms=row.create_ms)


def create_bucket(txn: Txn, request: Creation) -> bucket_model.Bucket:
    """Make a bucket; raises `BucketAlreadyOwnedByYou` or `BucketAlreadyExists`."""
    found = txn.get(keys.bucket_key(request.name))
    if found is not None:
        there = keys.decode_bucket(found)
        owned = there.account == request.account
        if owned and request.may_exist and there.region == request.region:
            if there.object_ownership:  # S3 resets the access control list, and nothing else
                asked = request.row.acl
                if request.keeps_list and asked != there.acl:
                    raise BUCKET_ALREADY_EXISTS.error(bucket=request.name)
                if asked is not None and acl.is_public(asked.grants) and not there.takes_public_acls:
                    raise ACCESS_DENIED.error(reason="Access Denied")
                replace_row(txn, request.name, acl=asked)
            return described(request.name, there)
        raise (BUCKET_ALREADY_OWNED_BY_YOU if owned else BUCKET_ALREADY_EXISTS).error(bucket=request.name)
    row = msgspec.structs.replace(
        request.row,
        partition=request.partition,
        account=request.account,
        region=request.region,
        create_ms=request.wall_ms,
    )
    txn.put(keys.bucket_key(request.name), records.encode(row))
    txn.put(keys.account_key(request.account, request.name), b"")
    meta = Meta(name=request.name, account=request.account, region=request.region)
    if request.row.locks_objects:
        meta = msgspec.structs.replace(
            meta, versioning=configuration_model.VERSIONING_ENABLED, lock=lock_model.BucketLock()
        )
    txn.put(request.partition + keys.META, records.encode(meta))
    txn.put(request.partition + keys.COUNTERS, records.encode(Counters()))
    for kind, value in request.configurations:
        txn.put(keys.configuration_key(request.partition, kind), value)
    return described(request.name, row)


def get_bucket(txn: ReadTxn, stamped: Stamped) -> bucket_model.Bucket:
    """Return a bucket; raises `NoSuchBucket`."""
    return described(stamped.request.bucket, row_of(txn, stamped.request.bucket))


class ListedBuckets(msgspec.Struct, frozen=True):
    """A page of buckets; `last` is the last name that was looked at, empty where nothing is left."""

    buckets: list[bucket_model.Bucket]
    last: str = ""


def list_buckets(txn: ReadTxn, stamped: Stamped) -> ListedBuckets:
    """Return an account's buckets of a prefix and a region (empty: any), at most `limit`, behind the name in `after`.

    `request` is the account, the prefix and the region. At most a thousand names are looked at.
    """
    account, prefix, region = stamped.request
    names = keys.account_prefix(account)
    first = keys.text_prefix(names, prefix)
    start = max(first, keys.account_key(account, stamped.after.decode()) + b"\x00") if stamped.after else first
    looked_at = listing_model.PAGE_MAX if region else stamped.limit
    rows = txn.range(start, tuples.after(first), looked_at + 1)
    buckets: list[bucket_model.Bucket] = []
    name = ""
    for place, (row_key, _) in enumerate(rows):
        if len(buckets) == stamped.limit or place == looked_at:
            return ListedBuckets(buckets, name)
        name = keys.text_of(row_key, len(names))
        bucket = described(name, row_of(txn, name))
        if region in ("", bucket.region):
            buckets.append(bucket)
    return ListedBuckets(buckets)


def delete_bucket(txn: Txn, stamped: Stamped) -> None:
    """Delete a bucket without objects, versions and uploads; raises `NoSuchBucket` or `BucketNotEmpty`.

    Bodies that wait for their removal, and remembered answers, have due entries of their own and end with those.
    """
    name, partition = stamped.request.bucket, stamped.partition
    row = row_of(txn, name)
    if row.partition != partition:
        raise NO_SUCH_BUCKET.error(bucket=name)
    counters = open_counters(txn, partition)
    if counters.objects or counters.versions or counters.uploads:
        raise (VERSIONS_NOT_EMPTY if row.is_versioned else BUCKET_NOT_EMPTY).error(
            bucket=name, objects=counters.objects, versions=counters.versions, uploads=counters.uploads
        )
    txn.delete(keys.bucket_key(name))
    txn.delete(keys.account_key(row.account, name))
    if row.has_policy:
        txn.delete(keys.policy_key(name))
    if row.is_logged:
        txn.delete(keys.logged_key(name))
    txn.delete(partition + keys.META)
    txn.delete(partition + keys.COUNTERS)
    rules = partition + keys.RULES
    txn.delete_range(rules, tuples.after(rules), notification_model.NOTIFICATION_RULES_MAX)
    if clear_configurations(txn, partition, CLEARED_AT_ONCE):
        txn.due(stamped.now_ms, keys.BUCKET_CLEAR, partition)


def clear_configurations(txn: Txn, partition: bytes, limit: int) -> bool:
    """Remove up to `limit` rows of a deleted bucket's configurations, its log and its outbox of replication; say
    whether more may be left.
    """
    for subspace in (keys.CONFIGURATIONS, keys.CONFIGURATION_SLICES, keys.ACCESS_LINES, keys.REPLICAS):
        prefix = partition + subspace
        if txn.delete_range(prefix, tuples.after(prefix), limit) == limit:
            return True
    return False


def clear_deleted(txn: Txn, entry: Due) -> bool:
    """Remove what a deleted bucket left, as far as one transaction goes: the deed of `bucket.clear`. Says whether it
    must go on.
    """
    partition = entry.key[:PARTITION_BYTES]
    if clear_configurations(txn, partition, CLEARED_AT_ONCE):
        return True
    txn.undue(entry.at_ms, entry.kind, entry.key)
    return False


def versioning_of(txn: ReadTxn, found: Found) -> str:
    """Return whether a bucket keeps versions, empty where it never did; raises `NoSuchBucket`."""
    return open_bucket(txn, found.row.partition, found.name).versioning


def get_location(txn: ReadTxn, stamped: Stamped) -> str:
    """Return a bucket's region, as its maker called it; raises `NoSuchBucket`."""
    row = row_of(txn, stamped.request.bucket)
    return row.location or row.region


def get_acl(txn: ReadTxn, stamped: Stamped) -> acl_model.Acl:
    """Return a bucket's access control list; raises `NoSuchBucket`."""
    row = row_of(txn, stamped.request.bucket)
    return acl_model.Acl(*acl.read(row.acl, row.account))


def set_acl(txn: Txn, stamped: Stamped) -> None:
    """Replace a bucket's access control list; raises `NoSuchBucket`. Where lists are off there is nothing to write."""
    request: acl_model.SetBucketAcl = stamped.request
    row = row_of(txn, request.bucket)
    if row.object_ownership:
        grants = acl.canned(request.acl, row.account, row.account) if stamped.grants is None else stamped.grants
        replace_row(txn, request.bucket, acl=acl.kept(row.account, grants, row.account))


def replace_row(txn: Txn, name: str, **changes: Any) -> None:
    """Change what a bucket's directory row says, where it says anything else."""
    row = row_of(txn, name)
    changed = msgspec.structs.replace(row, **changes)
    if changed != row:
        txn.put(keys.bucket_key(name), records.encode(changed))


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
    assert counters.versions >= 0, counters
    txn.put(partition + keys.COUNTERS, records.encode(counters))


def row_of(txn: ReadTxn, name: str) -> BucketRow:
    """Return a bucket's directory row; raises `NoSuchBucket`."""
    stored = txn.get(keys.bucket_key(name))
    if stored is None:
        raise NO_SUCH_BUCKET.error(bucket=name)
    return keys.decode_bucket(stored)
