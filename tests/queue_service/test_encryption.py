"""Encryption at rest: what a sender wrote stands nowhere in the clear, and comes back to whoever may have it."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest

from cumulo.core.errors import ServiceError, Status
from cumulo.core.ids import SystemRandomness
from cumulo.queue_service import invariants, message_model, model, move_model, rewraps, stamping
from cumulo.queue_service.data_keys import DATA_KEYS_MAX
from cumulo.queue_service.keys import KEYS, META, decode_data_key, decode_message, layout
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import Lookup, follow
from cumulo.queue_service.sealing import Sealing
from cumulo.storage import records
from cumulo.storage.engine import ROOT
from cumulo.storage.storage_keys import StorageKeys
from tests.queue_service.conftest import ACCOUNT, FOREVER_MS

SECRET = b"the secret of the sender, long enough that it stands nowhere by chance"
ATTRIBUTES = (message_model.MessageAttribute("word", "String", b"another secret of the sender, as long as this"),)
TRACE = "Root=1-67891233-a-trace-header-that-nobody-else-shall-read"
WAYS = [{}, {"managed_sse_enabled": True}, {"kms_master_key_id": "alias/aws/sqs"}]


async def rows_of(it, name="jobs"):
    """Every row of a queue."""
    partition = await partition_of(it, name)
    return await it.engine.read((partition,), lambda txn, start: txn.range(start, start + b"\xff", 1_000), partition)


async def partition_of(it, name="jobs"):
    def find(txn, _):
        for partition in invariants.partitions(txn):
            meta = txn.get(partition + META)
            if meta is not None and name.encode() in meta:
                return partition
        raise AssertionError(name)

    everything = (ROOT, *await it.engine.read((ROOT,), lambda txn, _: invariants.partitions(txn), None))
    return await it.engine.read(everything, find, None)


async def change(it, change_rows, name="jobs"):
    """Change stored bytes behind the server's back, and forget what it remembers."""
    await it.engine.transact((await partition_of(it, name),), change_rows, None)
    await it.restart()


async def stored(it, name="jobs"):
    """The stored messages of a queue."""
    prefix = layout(await partition_of(it, name), 1).message
    return [decode_message(value) for key, value in await rows_of(it, name) if key.startswith(prefix)]


async def data_keys(it, name="jobs"):
    prefix = await partition_of(it, name) + KEYS
    return [decode_data_key(value) for key, value in await rows_of(it, name) if key.startswith(prefix)]


async def send_secret(it, queue="jobs", **more):
    (sent,) = await it.send(SECRET, queue=queue, attributes=ATTRIBUTES, trace_header=TRACE, **more)
    return sent


def is_whole(message):
    return (message.body, message.attributes, message.trace_header) == (SECRET, ATTRIBUTES, TRACE)


@pytest.mark.parametrize("name", ["jobs", "jobs.fifo"])
@pytest.mark.parametrize("way", WAYS)
def test_what_a_sender_wrote_stands_nowhere_and_comes_back(run, name, way):
    async def scenario(it):
        await it.create(name, **way)
        group = {"group_id": "g", "deduplication_id": "d"} if name.endswith(".fifo") else {}
        sent = await send_secret(it, name, **group)
        rows = await rows_of(it, name)

        await it.restart()
        (message,) = await it.receive(queue=name)
        peeked = (await it.call("PeekMessages", message_model.PeekMessages(queue=name))).messages

        for part in (SECRET, ATTRIBUTES[0].value, TRACE.encode(), sent.md5_of_body.encode()):
            assert not any(part in value for _, value in rows)
        assert is_whole(message)
        assert message.md5_of_body == sent.md5_of_body
        assert [(it.body, it.attributes, it.md5_of_body) for it in peeked] == [(SECRET, ATTRIBUTES, sent.md5_of_body)]

    run(scenario)


def test_queue_without_encryption_keeps_messages_as_they_are(run):
    async def scenario(it):
        await it.create(managed_sse_enabled=False)
        await send_secret(it)

        assert any(SECRET in value for _, value in await rows_of(it))
        assert await data_keys(it) == []
        assert is_whole((await it.receive())[0])

    run(scenario)


def test_change_of_encryption_is_for_messages_that_are_sent_afterwards(run):
    async def scenario(it):
        await it.create()
        for written in (
            {"managed_sse_enabled": False},
            {"kms_master_key_id": "key-1"},
            {"kms_master_key_id": "key-2"},
            {"kms_master_key_id": "key-1"},
            {"managed_sse_enabled": True},
        ):
            await send_secret(it)
            await it.update(**written)
        await send_secret(it)

        ids = [message.key_id for message in await stored(it)]
        await it.restart()
        messages = await it.receive()

        managed, none, first, second, third, last = ids
        assert none == b""
        assert managed == last
        assert first == third
        assert len({managed, first, second}) == 3
        assert {key.kms_master_key_id for key in await data_keys(it)} == {"", "key-1", "key-2"}
        assert [is_whole(message) for message in messages] == [True] * 6

    run(scenario)


def test_send_that_was_sealed_before_a_change_is_sealed_anew(run):
    """The name's row is read before the transaction; the encryption that is in force is the transaction's."""

    async def scenario(it):
        await it.create(managed_sse_enabled=False)
        resolve, raced = it.service.resolve, list[Any]()

        async def resolve_and_race(ctx, operation, request):
            resolved = await resolve(ctx, operation, request)
            if operation.name == "BatchSendMessages" and not raced:
                raced.append(await it.update(managed_sse_enabled=True))
            return resolved

        it.service.resolve = resolve_and_race
        await send_secret(it)

        assert raced
        assert not any(SECRET in value for _, value in await rows_of(it))
        assert len(await it.receive()) == 1

    run(scenario)


def test_message_key_is_derived_anew_every_period(run):
    async def scenario(it):
        await it.create(kms_data_key_reuse_s=60)
        for _ in range(4):
            await send_secret(it)
            await it.advance(30)

        periods = [message.key_period_ms for message in await stored(it)]
        await it.restart()

        assert len(set(periods)) in (2, 3)
        assert all(period % 60_000 == 0 for period in periods)
        assert len({message.body for message in await stored(it)}) == 4
        assert [is_whole(message) for message in await it.receive()] == [True] * 4

    run(scenario)


@pytest.mark.parametrize("suffix", ["", ".fifo"])
@pytest.mark.parametrize("target", [{"managed_sse_enabled": False}, {"kms_master_key_id": "theirs"}])
def test_dead_letter_takes_its_key_along_and_outlives_its_queue(run, suffix, target):
    async def scenario(it):
        dead, jobs = "dead" + suffix, "jobs" + suffix
        group = {"group_id": "g", "deduplication_id": "d"} if suffix else {}
        await it.create(dead, **target)
        policy = model.DeadLetterPolicy(dead, 1)
        await it.create(jobs, dead_letter_policy=policy, visibility_timeout_s=0)
        sent = await send_secret(it, jobs, **group)
        assert is_whole((await it.receive(queue=jobs))[0])
        assert await it.receive(queue=jobs) == []

        await it.remove(jobs)
        await it.restart()
        (message,) = await it.receive(queue=dead)

        assert is_whole(message)
        assert (message.message_id, message.md5_of_body) == (sent.message_id, sent.md5_of_body)
        assert not any(SECRET in value for _, value in await rows_of(it, dead))

    run(scenario)


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_moved_message_is_readable_under_its_new_id_in_a_queue_with_another_key(run, suffix):
    async def scenario(it):
        dead, jobs, other = "dead" + suffix, "jobs" + suffix, "other" + suffix
        group = {"group_id": "g", "deduplication_id": "d"} if suffix else {}
        await it.create(dead, kms_master_key_id="dead")
        await it.create(jobs, dead_letter_policy=model.DeadLetterPolicy(dead, 1), visibility_timeout_s=0)
        await it.create(other, kms_master_key_id="other")
        sent = await send_secret(it, jobs, **group)
        await it.receive(queue=jobs)
        await it.receive(queue=jobs)
        for source, destination in ((dead, other), (dead, other)):
            arn = f"arn:aws:sqs:us-east-1:000000000000:{destination}"
            await it.call("StartMessageMoveTask", move_model.StartMessageMoveTask(source=source, destination=arn))
            await it.advance(1)
        await it.remove(jobs)
        await it.remove(dead)
        await it.restart()

        (message,) = await it.receive(queue=other)

        assert is_whole(message)
        assert message.message_id != sent.message_id

    run(scenario)


def test_deleted_queue_takes_its_keys_with_it(run):
    async def scenario(it):
        await it.create()
        await it.update(kms_master_key_id="k")
        await send_secret(it)
        partition = await partition_of(it)

        await it.remove()

        rows = await it.engine.read(
            (partition,), lambda txn, _: txn.range(partition + KEYS, partition + KEYS + b"\xff", 10), None
        )
        assert rows == []

    run(scenario)


def test_content_is_deduplicated_by_the_digest_of_what_was_written(run):
    async def scenario(it):
        name = "jobs.fifo"
        await it.create(name, content_based_deduplication=True)
        first, again = await it.send(SECRET, SECRET, queue=name, group_id="g")

        (message,) = await it.receive(queue=name)

        assert first.message_id == again.message_id == message.message_id
        assert len(message.deduplication_id) == 64

    run(scenario)


@pytest.mark.parametrize("over", [0, 1])
def test_size_that_counts_is_that_of_what_was_written(run, over):
    async def scenario(it):
        await it.create(maximum_message_size_bytes=1024)

        (answer,) = await it.send(b"x" * (1024 + over))

        assert isinstance(answer, message_model.ItemError) is bool(over)

    run(scenario)


def test_message_of_the_largest_size_is_encrypted_whole(run):
    async def scenario(it):
        await it.create()
        body = SECRET * (model.MESSAGE_SIZE_BYTES_MAX // len(SECRET))
        await it.send(body)

        assert (await it.receive())[0].body == body

    run(scenario)


def test_queue_may_have_had_so_many_keys(run):
    async def scenario(it):
        await it.create()
        for number in range(1, DATA_KEYS_MAX):
            await it.update(kms_master_key_id=f"key-{number}")
        await it.update(kms_master_key_id="key-1")

        with pytest.raises(ServiceError) as refused:
            await it.update(kms_master_key_id="one-more")

        assert refused.value.row.code == "InvalidAttributeValue"
        assert str(DATA_KEYS_MAX) in refused.value.message
        assert (await it.queue()).kms_master_key_id == "key-1"

    run(scenario)


@pytest.mark.parametrize("key", ["a b", "ä", "x" * 2_049, "alias/a*"])
def test_kms_key_that_can_be_none_is_refused(run, key):
    async def scenario(it):
        with pytest.raises(ServiceError) as refused:
            await it.create(kms_master_key_id=key)

        assert refused.value.row.code == "InvalidAttributeValue"

    run(scenario)


@pytest.mark.parametrize(
    "key",
    [
        "alias/aws/sqs",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-east-1:111122223333:alias/ExampleAlias",
    ],
)
def test_kms_key_of_any_of_awss_forms_is_taken_and_shown(run, key):
    async def scenario(it):
        await it.create(kms_master_key_id=key)
        queue = await it.queue()

        assert (queue.kms_master_key_id, queue.managed_sse_enabled) == (key, False)

    run(scenario)


# Where something is broken


def flip(txn, key, value, at):
    txn.put(key, value[:at] + bytes((value[at] ^ 1,)) + value[at + 1 :])


def test_altered_message_is_refused_by_one_error_and_stays(make_stand, caplog):
    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create(visibility_timeout_s=0)
        await send_secret(it)
        await it.send(b"good")
        places = layout(await partition_of(it), 1)

        def alter(txn, _):
            key, value = txn.range(places.message, places.message + b"\xff", 1)[0]
            message = decode_message(value)
            txn.put(key, records.encode(msgspec.structs.replace(message, body=message.body[:-1] + b"!")))

        await change(it, alter)
        messages = await it.receive()
        with pytest.raises(ServiceError) as refused:
            await it.receive(1)
        with pytest.raises(ServiceError) as peek:
            await it.call("PeekMessages", message_model.PeekMessages(queue="jobs"))

        assert [message.body for message in messages] == [b"good"]
        for error in (refused.value, peek.value):
            assert (error.row.http_status, error.row.grpc_status) == (500, Status.DATA_LOSS)
            assert "its bytes were altered" in error.message
        assert sum(await it.counts()) == 2
        assert await it.problems() == []
        await it.close()

    with caplog.at_level(logging.ERROR, "cumulo.queue_service"):
        asyncio.run(scenario())

    assert "cannot be handed out" in caplog.text
    assert SECRET.decode() not in caplog.text


def test_message_does_not_open_in_the_place_of_another(make_stand):
    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create()
        await it.send(b"one", b"two")
        places = layout(await partition_of(it), 1)

        def swap(txn, _):
            (first, a), (second, b) = txn.range(places.message, places.message + b"\xff", 2)
            one, two = decode_message(a), decode_message(b)
            txn.put(first, records.encode(msgspec.structs.replace(one, body=two.body)))
            txn.put(second, records.encode(msgspec.structs.replace(two, body=one.body)))

        await change(it, swap)
        with pytest.raises(ServiceError, match="its bytes were altered"):
            await it.receive()
        await it.close()

    asyncio.run(scenario())


def test_lost_or_foreign_key_is_named_and_found_by_the_check(make_stand):
    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create(visibility_timeout_s=0)
        await send_secret(it)
        prefix = await partition_of(it) + KEYS
        everything = (ROOT, await partition_of(it))

        async def key_problems():
            return await it.engine.read(everything, invariants.check_keys, it.storage_keys)

        assert await key_problems() == []
        it.storage_keys = StorageKeys({1: b"x" * 32})
        await it.restart()
        for call in (it.receive(), send_secret(it)):
            with pytest.raises(ServiceError, match="does not open under storage key 1"):
                await call
        assert "does not open under storage key 1" in (await key_problems())[0]

        it.storage_keys = StorageKeys({2: b"r" * 32})
        await it.restart()
        with pytest.raises(ServiceError, match="storage key 1 is not there"):
            await it.receive()

        def lose(txn, _):
            txn.delete_range(prefix, prefix + b"\xff", 10)

        await change(it, lose)
        with pytest.raises(ServiceError, match="is not there"):
            await it.receive()
        found = await it.problems()
        assert any("message 1 is sealed with a key that is not there" in problem for problem in found)
        assert sum(await it.counts()) == 1
        await it.close()

    asyncio.run(scenario())


def test_nothing_secret_shows_in_what_is_printed(run):
    async def scenario(it):
        await it.create()
        await send_secret(it)
        (message,) = await stored(it)
        (key,) = await data_keys(it)

        shown = " ".join(map(repr, (it.service.seals, it.service.seals._sealings, it.storage_keys, key)))
        assert key.sealed.hex() not in shown
        assert repr(key.sealed) not in shown
        assert repr(b"r" * 32) not in shown
        assert SECRET.decode() not in repr(it.service.seals.open(await partition_of(it), message))

    run(scenario)


@pytest.mark.parametrize("length", [1, 150, 200, 1024, 65_400, 65_500, 70_000])
def test_record_of_a_batch_is_what_its_fields_encode_to(length):
    sealing = Sealing(b"k" * 32, SystemRandomness(), b"i" * 16, 1_700_000_000_000)
    entries = [message_model.SendEntry(bytes((at,)) * length) for at in range(1, 4)]

    messages, sent, invalid = stamping.stamp_entries(
        entries, b"seed" * 4, "AIDAEXAMPLE", 1_700_000_000_001, 1_700_000_000_002, sealing=sealing
    )

    assert not invalid
    for entry, message, answer in zip(entries, messages, sent, strict=True):
        record = decode_message(message.record)
        assert records.encode(record) == message.record
        assert (record.message_id, record.sender_id) == (answer.message_id, "AIDAEXAMPLE")
        assert (record.sent_ms, record.kept_from_ms) == (1_700_000_000_001, 1_700_000_000_002)
        written = sealing.open(record.message_id, record.body)
        assert (written.body, written.md5_of_body) == (entry.body, answer.md5_of_body)
    assert len({decode_message(message.record).body[:12] for message in messages}) == len(entries)


# A storage key that is added


async def wrapped_by(it, name="jobs"):
    """The storage keys that wrap a queue's data keys, its directory row's last."""
    found: Any = await it.engine.read((ROOT,), follow, Lookup(Place(ACCOUNT, "us-east-1", name)))
    return [key.storage_key for key in await data_keys(it, name)] + [found.row.data_key.storage_key]


def test_data_keys_are_wrapped_under_a_storage_key_that_is_added(make_stand, tmp_path):
    async def scenario():
        it = make_stand(tmp_path)
        await it.open()
        names = [f"q{number}" for number in range(rewraps.QUEUES_MAX + 3)]
        for name in names:
            await it.create(name)
        await it.update("q0", kms_master_key_id="alias/aws/sqs")
        sent = await send_secret(it, "q0")
        it.storage_keys = StorageKeys({1: b"r" * 32, 2: b"n" * 32})
        await it.restart()
        await it.create("young")

        await it.advance(0)
        await it.restart()  # amid the walk, which goes on
        for _ in range(5):
            await it.advance(1)

        assert await wrapped_by(it, "q0") == [2, 2, 2]
        assert [await wrapped_by(it, name) for name in (*names[1:], "young")] == [[2, 2]] * len(names)
        assert await it.problems() == []
        it.storage_keys = StorageKeys({2: b"n" * 32})
        await it.restart()
        (message,) = await it.receive(queue="q0")
        assert (message.message_id, is_whole(message)) == (sent.message_id, True)
        assert [entry for entry in await it.engine.take_due(FOREVER_MS, 1_000) if entry.kind == rewraps.REWRAP] == []
        await it.close()

    asyncio.run(scenario())


def test_queue_with_many_keys_is_gone_through_in_several_slices(make_stand, monkeypatch):
    async def scenario():
        monkeypatch.setattr(rewraps, "KEYS_MAX", 2)
        it = make_stand(None)
        await it.open()
        await it.create()
        for number in range(4):
            await it.update(kms_master_key_id=f"alias/k{number}")
        await it.create("other")
        it.storage_keys = StorageKeys({1: b"r" * 32, 2: b"n" * 32})
        await it.restart()

        for _ in range(9):
            await it.advance(1)

        assert await wrapped_by(it) == [2] * 6
        assert await wrapped_by(it, "other") == [2, 2]
        await it.close()

    asyncio.run(scenario())


def test_key_that_came_along_behind_the_walk_is_wrapped_in_the_next(make_stand):
    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create("a-dead")
        await it.create("jobs", dead_letter_policy=model.DeadLetterPolicy("a-dead", 1), visibility_timeout_s=0)
        await send_secret(it)
        await it.receive()
        it.storage_keys = StorageKeys({1: b"r" * 32, 2: b"n" * 32})
        await it.restart()
        transact = it.engine.transact

        async def once_moved(partitions, function, request, **more):
            if function is rewraps.write_slice:
                it.engine.transact = transact
                assert await it.receive() == []  # to the dead-letter queue, with its key as it was
            return await transact(partitions, function, request, **more)

        it.engine.transact = once_moved
        for _ in range(4):
            await it.advance(1)

        assert await wrapped_by(it, "a-dead") == [2, 2, 2]
        (message,) = await it.receive(queue="a-dead")
        assert is_whole(message)
        await it.close()

    asyncio.run(scenario())


def test_key_that_does_not_open_stops_nothing_and_is_left(make_stand, caplog):
    async def scenario():
        it = make_stand(None)
        await it.open()
        await it.create("first")
        await it.create("second")
        prefix = await partition_of(it, "first") + KEYS

        def alter(txn, _):
            ((key, raw),) = txn.range(prefix, prefix + b"\xff", 10)
            txn.put(key, records.encode(msgspec.structs.replace(decode_data_key(raw), sealed=bytes(60))))

        await change(it, alter, "first")
        it.storage_keys = StorageKeys({1: b"r" * 32, 2: b"n" * 32})
        await it.restart()
        for _ in range(4):
            await it.advance(1)

        assert await wrapped_by(it, "first") == [1, 1]
        assert await wrapped_by(it, "second") == [2, 2]
        assert "a data key cannot be wrapped anew" in caplog.text
        await it.close()

    asyncio.run(scenario())
