"""Bodies at rest: what lies there is not what was sent, every way of encryption comes back, no key opens another."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ErrorRow, ServiceError, Status
from cumulo.core.ids import SeededRandomness
from cumulo.core.ports import DataKey
from cumulo.identity.principal_model import root_of
from cumulo.object_store import (
    body_model,
    configuration_model,
    copy_model,
    encryption,
    errors,
    invariants,
    keys,
    object_model,
    upload_model,
)
from cumulo.object_store.encryption_model import (
    AES256,
    AWS_KMS,
    CUSTOMER,
    DUAL_LAYER,
    AskedEncryption,
    BucketEncryption,
    CustomerKey,
)
from cumulo.storage import records
from cumulo.storage.engine import ROOT
from cumulo.storage.storage_keys import StorageKeys

MIB = 1024 * 1024
SIZES = (0, 1, 65_536, 65_537, MIB, 2 * MIB + 70_001)
CANARY = b"a canary that nobody must find "


def body(size: int) -> bytes:
    return (CANARY * (size // len(CANARY) + 1))[:size]


def customer(key: bytes = b"k" * 32) -> CustomerKey:
    digest = hashlib.md5(key, usedforsecurity=False).digest()
    return CustomerKey(AES256, base64.b64encode(key).decode(), base64.b64encode(digest).decode())


def under(key: CustomerKey) -> AskedEncryption:
    return AskedEncryption(customer=key)


OURS, OTHER = customer(), customer(b"o" * 32)
KMS = AskedEncryption(AWS_KMS, "key-1")
TWICE = AskedEncryption(DUAL_LAYER, "key-1")


class KeyRing:
    """A key service of two keys, whose wrapped data keys open by key and context alone."""

    def __init__(self) -> None:
        self.randomness = SeededRandomness(3)
        self.kept: dict[bytes, tuple[str, bytes, dict[str, str]]] = {}
        self.disabled: set[str] = set()
        self.asked = 0

    def _check(self, key_id: str) -> None:
        if key_id not in ("key-1", "key-2", "alias/aws/s3"):
            raise ErrorRow("NotFoundException", 400, Status.NOT_FOUND, "Invalid keyId {key}").error(key=key_id)
        if key_id in self.disabled:
            raise ErrorRow("DisabledException", 400, Status.FAILED_PRECONDITION, "{key} is disabled.").error(key=key_id)

    async def generate_data_key(self, ctx: CallContext, key_id: str, context: Any) -> DataKey:
        self.asked += 1
        self._check(key_id)
        plaintext, wrapped = self.randomness.token_bytes(32), self.randomness.token_bytes(64)
        self.kept[wrapped] = (key_id, plaintext, dict(context))
        return DataKey(f"arn:aws:kms:us-east-1:000000000000:key/{key_id}", plaintext, wrapped)

    async def open_data_key(self, ctx: CallContext, wrapped: bytes, context: Any) -> bytes:
        self.asked += 1
        key_id, plaintext, wanted = self.kept[wrapped]
        self._check(key_id)
        assert dict(context) == wanted
        return plaintext


async def read(stand: Any, key: str, **more: Any) -> bytes:
    request = object_model.GetObject(bucket="inbox", key=key, **more)
    result = await stand.service.call(stand.ctx, "GetObject", request)
    return b"".join([bytes(piece) async for piece in result.body])


async def stored_bytes(stand: Any) -> bytes:
    """Return everything that lies in the bucket's partition and among the blobs."""
    row = await bucket_row(stand)
    rows = await stand.engine.read(
        (row.partition,), lambda txn, _: txn.range(row.partition, row.partition + b"\xff", 10_000), None
    )
    files = [path.read_bytes() for path in stand.blobs.folder.glob("*/*/*")]
    return b"".join([value for _, value in rows] + files)


async def bucket_row(stand: Any) -> keys.BucketRow:
    found = await stand.engine.read((ROOT,), lambda txn, _: txn.get(keys.bucket_key("inbox")), None)
    return keys.decode_bucket(found)


async def change_record(stand: Any, source: str, target: str) -> None:
    """Put the record of one object, and its body's rows, in the place of another's record."""
    partition = (await bucket_row(stand)).partition

    def swap(txn: Any, _: None) -> None:
        txn.put(keys.object_key(partition, target), txn.get(keys.object_key(partition, source)))

    await stand.engine.transact((partition,), swap, None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "way", [None, AskedEncryption(AES256), KMS, TWICE, under(OURS)], ids=["default", "s3", "kms", "dsse", "c"]
)
def test_every_way_and_size_comes_back_whole_and_by_ranges(run: Any, way: AskedEncryption | None, size: int) -> None:
    data = body(size)
    key = way.customer if way is not None else None

    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await stand.restart()
        stored = await stand.put("k", data, encryption=way)

        assert CANARY not in await stored_bytes(stand)
        assert await read(stand, "k", customer=key) == data
        for first, last in ((0, 0), (65_535, 65_536), (MIB - 1, MIB), (size - 3, size - 1)):
            if 0 <= first <= last < size:
                part = await read(stand, "k", customer=key, range=object_model.ByteRange(first, last))
                assert part == data[first : last + 1]
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert (stored.etag == md5) == (way is None or way.algorithm == AES256)
        assert stored.encryption is not None
        assert stored.encryption.algorithm == (CUSTOMER if key else (way and way.algorithm) or AES256)

    run(scenario)


@pytest.mark.parametrize("way", [None, KMS, TWICE, under(OURS)], ids=["default", "kms", "dsse", "c"])
def test_parts_of_every_size_make_one_object_under_one_key(run: Any, way: AskedEncryption | None) -> None:
    sizes = (5 * MIB + 7, 5 * MIB, 11)
    key = way.customer if way is not None else None

    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await stand.restart()
        upload_id = await stand.begin("k", encryption=way)
        more = {} if key is None else {"encryption": under(key)}
        await stand.part("k", upload_id, 1, b"replaced", **more)
        parts = [await stand.part("k", upload_id, n + 1, body(size), **more) for n, size in enumerate(sizes)]
        assert await stand.problems() == []
        await stand.complete("k", upload_id, parts)
        whole = b"".join(map(body, sizes))

        assert CANARY not in await stored_bytes(stand)
        assert await read(stand, "k", customer=key) == whole
        first = sizes[0] - 5
        assert (
            await read(stand, "k", customer=key, range=object_model.ByteRange(first, first + 9))
            == whole[first : first + 10]
        )
        assert await read(stand, "k", customer=key, part_number=3) == body(11)
        await stand.delete("k")
        await stand.advance()
        assert stand.files() == set()

    run(scenario)


def test_replaced_and_aborted_bodies_leave_nothing(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for size in (10, 2 * MIB, 10):
            await stand.put("k", body(size))
        upload_id = await stand.begin("u")
        for number, size in ((1, 2 * MIB), (2, 10)):
            await stand.part("u", upload_id, number, body(size))
        await stand.abort("u", upload_id)
        assert await stand.problems() == []
        await stand.delete("k")
        await stand.advance()

        partition = (await bucket_row(stand)).partition
        prefix = partition + keys.FRAMES
        left = await stand.engine.read((partition,), lambda txn, _: txn.range(prefix, prefix + b"\xff", 10), None)
        assert (left, stand.files()) == ([], set())

    run(scenario)


@pytest.mark.parametrize("target", [None, KMS, TWICE, under(OTHER)], ids=["default", "kms", "dsse", "c"])
@pytest.mark.parametrize("source", [None, KMS, TWICE, under(OURS)], ids=["default", "kms", "dsse", "c"])
def test_copies_take_bodies_from_one_key_to_another(
    run: Any, source: AskedEncryption | None, target: AskedEncryption | None
) -> None:
    size = MIB + 5
    source_key = None if source is None else source.customer
    target_key = None if target is None else target.customer

    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await stand.restart()
        await stand.put("from", body(size), encryption=source)
        taken = copy_model.CopySource("inbox", "from", customer=source_key)
        await stand.call("CopyObject", copy_model.CopyObject(bucket="inbox", key="to", source=taken, encryption=target))
        upload_id = await stand.begin("parts", encryption=target)
        part_key = None if target_key is None else under(target_key)
        request = upload_model.UploadPartCopy(
            bucket="inbox", key="parts", upload_id=upload_id, part_number=1, source=taken, encryption=part_key
        )
        await stand.complete("parts", upload_id, [await stand.call("UploadPartCopy", request)])

        for key in ("to", "parts"):
            assert await read(stand, key, customer=target_key) == body(size)

    run(scenario)


def test_object_under_a_customers_key_is_for_its_bringer_alone(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"secret", encryption=under(OURS))
        await stand.put("plain", b"not")
        for operation, request in (
            ("GetObject", object_model.GetObject(bucket="inbox", key="k")),
            ("HeadObject", object_model.HeadObject(bucket="inbox", key="k")),
            ("GetObjectAttributes", object_model.GetObjectAttributes(bucket="inbox", key="k")),
        ):
            error = await refused(stand.call(operation, request))
            assert (error.row.code, error.message) == ("InvalidRequest", encryption.STORED_WITH_KEY)
            error = await refused(stand.call(operation, msgspec.structs.replace(request, customer=OTHER)))
            assert (error.row.code, error.message) == ("AccessDenied", errors.WRONG_CUSTOMER_KEY.message)
            vain = msgspec.structs.replace(request, key="plain", customer=OURS)
            error = await refused(stand.call(operation, vain))
            assert (error.row.code, error.message) == ("InvalidRequest", encryption.NOT_APPLICABLE)
            await stand.call(operation, msgspec.structs.replace(request, customer=OURS))
        copy = copy_model.CopyObject(bucket="inbox", key="to", source=copy_model.CopySource("inbox", "k"))
        assert (await refused(stand.call("CopyObject", copy))).message == encryption.STORED_WITH_KEY
        stored = await stored_bytes(stand)
        assert b"k" * 32 not in stored
        assert OURS.key.encode() not in stored
        assert OURS.key_md5.encode() not in stored

    run(scenario)


def test_parts_bring_the_key_of_their_upload(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("k", encryption=under(OURS))
        plain_id = await stand.begin("p")
        error = await refused(stand.part("k", upload_id, 1, b"x"))
        assert (error.row.code, error.message) == ("InvalidRequest", encryption.UPLOAD_IS_ENCRYPTED)
        error = await refused(stand.part("p", plain_id, 1, b"x", encryption=under(OURS)))
        assert (error.row.code, error.message) == ("InvalidRequest", encryption.UPLOAD_IS_ENCRYPTED)
        error = await refused(stand.part("k", upload_id, 1, b"x", encryption=under(OTHER)))
        assert error.row.code == "InvalidRequest"
        part = await stand.part("k", upload_id, 1, b"x", encryption=under(OURS))
        error = await refused(stand.complete("k", upload_id, [part], encryption=under(OTHER)))
        assert error.row.code == "InvalidRequest"
        await stand.complete("k", upload_id, [part])

    run(scenario)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (AskedEncryption("aes:kms"), "InvalidArgument"),
        (AskedEncryption(""), "InvalidArgument"),
        (AskedEncryption(AES256, "key-1"), "InvalidArgument"),
        (AskedEncryption(None, "key-1"), "InvalidArgument"),
        (AskedEncryption(AES256, context="e30="), "InvalidArgument"),
        (AskedEncryption(AES256, customer=OURS), "InvalidArgument"),
        (AskedEncryption(AWS_KMS, context="no base64"), "InvalidArgument"),
        (AskedEncryption(AWS_KMS, context=base64.b64encode(b'{"a": 1}').decode()), "InvalidArgument"),
        (
            AskedEncryption(AWS_KMS, context=base64.b64encode(b'{"a": "%s"}' % (b"x" * 5000)).decode()),
            "InvalidArgument",
        ),
        (AskedEncryption(AWS_KMS, "x" * 3000), "InvalidArgument"),
        (AskedEncryption(DUAL_LAYER, "x" * 3000), "InvalidArgument"),
        (AskedEncryption(AWS_KMS, "nobody's"), "KMS.NotFoundException"),
        (AskedEncryption(DUAL_LAYER, "nobody's"), "KMS.NotFoundException"),
        (under(CustomerKey("AES192", OURS.key, OURS.key_md5)), "InvalidEncryptionAlgorithmError"),
        (under(CustomerKey("", OURS.key, OURS.key_md5)), "InvalidArgument"),
        (under(CustomerKey(AES256, "", OURS.key_md5)), "InvalidArgument"),
        (under(CustomerKey(AES256, OURS.key, "")), "InvalidArgument"),
        (under(CustomerKey(AES256, OURS.key, OTHER.key_md5)), "InvalidArgument"),
        (under(CustomerKey(AES256, "%", "%")), "InvalidArgument"),
        (under(customer(b"short")), "InvalidArgument"),
    ],
)
def test_what_cannot_stand_together_is_refused_and_stores_nothing(
    run: Any, refused: Any, asked: AskedEncryption, code: str
) -> None:
    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await stand.restart()
        assert (await refused(stand.put("k", b"x", encryption=asked))).row.code == code
        assert (await refused(stand.begin("k", encryption=asked))).row.code == code
        await stand.put("from", b"x")
        copy = copy_model.CopyObject(
            bucket="inbox", key="k", source=copy_model.CopySource("inbox", "from"), encryption=asked
        )
        assert (await refused(stand.call("CopyObject", copy))).row.code == code
        assert [one.key for one in (await stand.list_()).objects] == ["from"]

    run(scenario)


def test_customers_key_comes_over_tls_or_from_this_machine(run: Any, refused: Any) -> None:
    far = CallContext(principal=root_of("000000000000"), request_id="r", source_ip="192.0.2.1")
    safe = msgspec.structs.replace(far, secure_transport=True)

    async def scenario(stand: Any) -> None:
        upload_id = await stand.begin("k", encryption=under(OURS))
        for ctx, allowed in ((far, False), (safe, True)):
            for operation, request in (
                ("PutObject", object_model.PutObject(bucket="inbox", key="k", encryption=under(OURS))),
                ("GetObject", object_model.GetObject(bucket="inbox", key="k", customer=OURS)),
                ("HeadObject", object_model.HeadObject(bucket="inbox", key="k", customer=OURS)),
                (
                    "UploadPart",
                    upload_model.UploadPart(
                        bucket="inbox", key="k", upload_id=upload_id, part_number=1, encryption=under(OURS)
                    ),
                ),
            ):
                if allowed:
                    await stand.call(operation, request, ctx=ctx)
                    continue
                await stand.put("k", b"x", encryption=under(OURS))
                error = await refused(stand.call(operation, request, ctx=ctx))
                assert (error.row.code, "secure connection" in error.message) == ("InvalidArgument", True)

    run(scenario)


def test_bucket_encrypts_as_it_is_told_and_deleting_brings_the_default_back(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        ring = stand.key_service = KeyRing()
        await stand.restart()
        get = configuration_model.GetBucketConfiguration("inbox", "encryption")
        assert await stand.call("GetBucketConfiguration", get) == BucketEncryption()
        told = BucketEncryption(AWS_KMS, "key-2", bucket_key=True, blocks_customer_keys=True)
        await stand.call(
            "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "encryption", told)
        )
        assert await stand.call("GetBucketConfiguration", get) == told
        first, second = await stand.put("a", b"1"), await stand.put("b", b"2")
        assert first.encryption is not None
        assert first.encryption.kms_key_arn.endswith("key-2")
        assert ring.asked == 1, "a bucket key serves more than one object"
        assert (await read(stand, "a"), await read(stand, "b")) == (b"1", b"2")
        assert second.etag != first.etag
        assert (await stand.put("c", b"3", encryption=AskedEncryption(AES256))).encryption.algorithm == AES256
        error = await refused(stand.put("d", b"4", encryption=under(OURS)))
        assert (error.row, "blocked upload requests" in error.message) == (ACCESS_DENIED, True)
        wrong = BucketEncryption(AES256, "key-1")
        error = await refused(
            stand.call(
                "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "encryption", wrong)
            )
        )
        assert error.row.code == "InvalidArgument"
        await stand.call(
            "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", "encryption")
        )
        assert await stand.call("GetBucketConfiguration", get) == BucketEncryption()
        assert (await stand.put("e", b"5")).encryption.algorithm == AES256

    run(scenario)


@pytest.mark.parametrize("size", [65_536, MIB + 5])
def test_two_layers_open_with_both_of_their_keys_only(run: Any, refused: Any, size: int) -> None:
    async def scenario(stand: Any) -> None:
        ring = stand.key_service = KeyRing()
        await stand.restart()
        told = BucketEncryption(DUAL_LAYER, "key-2", bucket_key=True)
        await stand.call(
            "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "encryption", told)
        )
        for key in ("a", "b"):
            stored = await stand.put(key, body(size))
            assert (stored.encryption.algorithm, stored.encryption.bucket_key) == (DUAL_LAYER, False)
        assert ring.asked == 2, "two layers share no data key"
        await stand.put("a", body(5), write_offset=size)
        await stand.call("RenameObject", copy_model.RenameObject(bucket="inbox", key="moved", source_key="b"))
        assert (await read(stand, "a"), await read(stand, "moved")) == (body(size) + body(5), body(size))
        row = await bucket_row(stand)
        assert await stand.engine.read((ROOT, row.partition), invariants.check_keys, stand.storage_keys) == []
        assert await stand.problems() == []

        ring.disabled.add("key-2")
        assert (await refused(read(stand, "a"))).row.code == "KMS.DisabledException"
        ring.disabled.clear()
        stand.storage_keys = StorageKeys({1: b"o" * 32})
        await stand.restart()
        assert "does not open under storage key 1" in (await refused(read(stand, "a"))).message
        problems = await stand.engine.read((ROOT, row.partition), invariants.check_keys, stand.storage_keys)
        assert len(problems) == 2

    run(scenario)


def test_server_may_leave_new_buckets_without_encryption(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("before", CANARY)
        await stand.store_plain()
        await stand.make("other")

        for bucket in ("inbox", "other"):
            get = configuration_model.GetBucketConfiguration(bucket, "encryption")
            error = await refused(stand.call("GetBucketConfiguration", get))
            assert error.row.code == "ServerSideEncryptionConfigurationNotFoundError"
            assert (await stand.put("after", b"x", bucket=bucket)).encryption is None
        assert (await stand.head("before")).encryption.algorithm == AES256
        assert await stand.get("before") == CANARY
        assert (await stand.put("k", b"x", encryption=AskedEncryption(AES256))).encryption.algorithm == AES256

    run(scenario)


def test_policy_can_deny_what_is_not_encrypted_as_it_wants(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await stand.restart()
        await stand.set_policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::inbox/*",
                "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": AWS_KMS}},
            }
        )
        for asked in (None, AskedEncryption(AES256), AskedEncryption("AES192"), under(OURS)):
            assert (await refused(stand.put("k", b"x", encryption=asked))).row is ACCESS_DENIED
        await stand.put("k", b"x", encryption=KMS)
        upload_id = await stand.begin("p", encryption=KMS)
        await stand.complete("p", upload_id, [await stand.part("p", upload_id, 1, b"x")])
        assert await stand.get("p") == b"x"

    run(scenario)


def test_key_service_is_asked_with_the_arn_and_its_refusals_are_told(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        ring = stand.key_service = KeyRing()
        await stand.restart()
        context = base64.b64encode(b'{"team": "blue"}').decode()
        await stand.put("k", b"x", encryption=AskedEncryption(AWS_KMS, "key-1", context))
        await stand.put("own", b"x", encryption=AskedEncryption(AWS_KMS))
        await stand.put("bucket", b"x", encryption=AskedEncryption(AWS_KMS, bucket_key=True))

        asked = [(key_id, wanted) for key_id, _, wanted in ring.kept.values()]
        arn = "arn:aws:s3:::inbox"
        assert asked == [
            ("key-1", {"team": "blue", "aws:s3:arn": f"{arn}/k"}),
            ("alias/aws/s3", {"aws:s3:arn": f"{arn}/own"}),
            ("alias/aws/s3", {"aws:s3:arn": arn}),
        ]
        ring.disabled.add("key-1")
        error = await refused(read(stand, "k"))
        assert (error.row.code, error.message) == ("KMS.DisabledException", "key-1 is disabled.")
        assert (await refused(stand.put("n", b"x", encryption=KMS))).row.code == "KMS.DisabledException"
        await stand.head("k")

    run(scenario)


def test_without_a_key_service_its_keys_are_refused(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(stand.put("k", b"x", encryption=KMS))).row.code == "NotImplemented"

    run(scenario)


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_record_does_not_open_in_the_place_of_another(run: Any, refused: Any, size: int) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("a", body(size))
        await stand.put("b", b"short")
        partition = (await bucket_row(stand)).partition
        before = await stand.engine.read((partition,), lambda txn, _: txn.get(keys.object_key(partition, "b")), None)
        await change_record(stand, "a", "b")

        error = await refused(stand.get("b"))
        assert "cannot be decrypted" in error.message
        await stand.engine.transact((partition,), lambda txn, _: txn.put(keys.object_key(partition, "b"), before), None)

    run(scenario)


def test_altered_inline_body_is_refused_and_found_by_the_check(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("a", CANARY)
        partition = (await bucket_row(stand)).partition

        def alter(txn: Any, _: None) -> bytes:
            record = keys.decode_object(txn.get(keys.object_key(partition, "a")))
            key = keys.body_key(partition, record.body)
            before: bytes = txn.get(key)
            txn.put(key, bytes((before[0] ^ 1,)) + before[1:])
            return before

        before = await stand.engine.transact((partition,), alter, None)
        assert "checksum" in (await refused(stand.get("a"))).message
        problems = await stand.engine.read((ROOT, partition), invariants.check_keys, stand.storage_keys)
        assert problems == ["bucket inbox: object 'a': its bytes do not open under its key"]

        def restore(txn: Any, _: None) -> None:
            record = keys.decode_object(txn.get(keys.object_key(partition, "a")))
            txn.put(keys.body_key(partition, record.body), before)

        await stand.engine.transact((partition,), restore, None)
        assert await stand.engine.read((ROOT, partition), invariants.check_keys, stand.storage_keys) == []

    run(scenario)


def test_new_storage_key_wraps_and_the_old_one_opens(run: Any, refused: Any) -> None:
    first, second = b"1" * 32, b"2" * 32

    async def scenario(stand: Any) -> None:
        stand.storage_keys = StorageKeys({1: first})
        await stand.restart()
        await stand.put("old", CANARY)
        upload_id = await stand.begin("parts")
        stand.storage_keys = StorageKeys({1: first, 2: second})
        await stand.restart()
        await stand.put("new", CANARY)
        await stand.complete("parts", upload_id, [await stand.part("parts", upload_id, 1, CANARY)])
        for key in ("old", "new", "parts"):
            assert await stand.get(key) == CANARY
        stand.storage_keys = StorageKeys({2: second})
        await stand.restart()

        assert await stand.get("new") == CANARY
        assert "storage key 1 is not there" in (await refused(stand.get("old"))).message
        partition = (await bucket_row(stand)).partition
        problems = await stand.engine.read((ROOT, partition), invariants.check_keys, stand.storage_keys)
        assert len(problems) == 2

    run(scenario)


def test_repeated_request_gets_the_first_answer_under_another_key(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for size in (5, 2 * MIB):
            more = {"request_id": f"r{size}", "encryption": under(OURS)}
            first = await stand.put("k", body(size), **more)
            again = await stand.put("k", body(size), **more)
            assert first == again
            assert await read(stand, "k", customer=OURS) == body(size)

    run(scenario)


def test_nothing_secret_shows_in_what_is_printed() -> None:
    plan = encryption.planned(under(OURS), None)
    assert plan is not None
    for shown in (repr(OURS), repr(under(OURS)), repr(plan), repr(DataKey("arn", b"k" * 32, b""))):
        assert "kkk" not in shown
        assert OURS.key not in shown


def test_transactions_see_no_customers_key() -> None:
    asked = encryption.without_key(under(OURS))
    assert asked is not None
    assert asked.customer == CustomerKey(AES256, "", OURS.key_md5)


def test_record_of_before_encryption_reads_as_plain() -> None:
    record = keys.ObjectRecord(size_bytes=1, etag="e")
    fields = msgspec.msgpack.decode(records.encode(record))
    assert keys.decode_object(msgspec.msgpack.encode(fields[:-1])) == record


def test_failed_put_leaves_no_blob(run: Any, refused: Any, tmp_path: Path) -> None:
    async def scenario(stand: Any) -> None:
        expected = body_model.ExpectedContent(digests={"sha256": b"0" * 32})
        with pytest.raises(ServiceError):
            await stand.put("k", body(2 * MIB), expected=expected)
        assert stand.files() == set()

    run(scenario)
