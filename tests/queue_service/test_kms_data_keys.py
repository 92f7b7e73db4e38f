"""Data keys of the key service on a manual clock: when it is asked, for whom, and what a refusal leaves behind."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.key_service import model as key_model
from cumulo.key_service import service as key_room
from cumulo.queue_service import model, rewraps
from cumulo.queue_service.keys import StoredMessage, decode_message, layout
from cumulo.queue_service.kms_data_keys import KEYS_REMEMBERED_MAX, OF_QUEUES, KmsDataKeys
from cumulo.storage.rewraps import is_done
from cumulo.storage.storage_keys import StorageKeys
from tests.queue_service.conftest import ACCOUNT, Stand, root_of

REUSE_S = 300
OTHER = "111122223333"
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
SECRET = b"what a sender wrote, long enough that it stands nowhere by chance"
WORKER = CallContext(
    principal=Principal(
        kind=PrincipalKind.ROLE_SESSION,
        account=ACCOUNT,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/w",
        id="AROAWORKER:w",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/worker",
        role_id="AROAWORKER",
    ),
    request_id="worker",
)


class Asked:
    """A key service that counts what it is asked."""

    def __init__(self, inner: key_room.DataKeys) -> None:
        self.inner = inner
        self.made = self.opened = 0

    async def generate_data_key(self, ctx: CallContext, key_id: str, context: Any) -> Any:
        self.made += 1
        return await self.inner.generate_data_key(ctx, key_id, context)

    async def open_data_key(self, ctx: CallContext, wrapped: bytes, context: Any) -> bytes:
        self.opened += 1
        return await self.inner.open_data_key(ctx, wrapped, context)


class KeyedStand(Stand):
    """Queues beside a key service."""

    def make_key_service(self, authorizer: Any) -> Asked:
        self.kms = key_room.Service(
            self.engine,
            authorizer,
            self.clock,
            self.randomness,
            sealer=self.sealer,
            storage_keys=self.storage_keys,
        )
        self.asked = Asked(key_room.DataKeys(self.kms, "sqs"))
        return self.asked

    async def key(self) -> str:
        return str((await self.of_key(key_model.CreateKey())).key_id)

    async def of_key(self, request: Any) -> Any:
        return (await self.kms.call(self.ctx, type(request).__name__, request)).value

    def called_by(self, ctx: CallContext) -> Any:
        """The same stand, called by somebody else."""
        other = KeyedStand.__new__(KeyedStand)
        other.__dict__ = {**self.__dict__, "ctx": ctx}
        return other

    def as_worker(self) -> Any:
        return self.called_by(WORKER)

    @property
    def counts_of_keys(self) -> tuple[int, int]:
        return self.asked.made, self.asked.opened

    async def stored(self) -> list[StoredMessage]:
        partition = self.service.delivery_target.partitions(ARN)[-1]
        prefix = layout(partition, 1).message
        rows = await self.engine.read((partition,), lambda txn, _: txn.range(prefix, prefix + b"\xff" * 9, 100), None)
        return [decode_message(value) for _, value in rows]


def keyed(scenario: Any, folder: Any = None) -> None:
    async def go() -> None:
        stand = KeyedStand(folder)
        await stand.open()
        try:
            await scenario(stand)
            assert await stand.problems() == []
        finally:
            await stand.close()

    asyncio.run(go())


def allow_all(principal: str, action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def refusal(work: Any) -> str:
    with pytest.raises(ServiceError) as refused:
        await work
    return refused.value.row.code


def test_key_service_is_asked_once_for_each_caller_and_reuse_period(tmp_path):
    async def scenario(it):
        await it.create(kms_master_key_id=await it.key(), visibility_timeout_s=0)
        worker = it.as_worker()

        for _ in range(5):
            await it.send(SECRET)
            assert {message.body for message in await it.receive()} == {SECRET}
        assert it.counts_of_keys == (1, 1)
        await worker.receive()
        await worker.send(SECRET)
        assert it.counts_of_keys == (2, 3)
        await it.advance(REUSE_S - 1)
        await it.send(SECRET)
        assert it.counts_of_keys == (2, 3)
        await it.advance(1)
        await it.send(SECRET)
        assert it.counts_of_keys == (3, 4)
        assert len({message.envelope.wrapped for message in await it.stored()}) == 3

    keyed(scenario, tmp_path / "engine")


def test_senders_at_the_same_time_share_one_question():
    async def scenario(it):
        await it.create(kms_master_key_id=await it.key())

        await asyncio.gather(*(it.send(SECRET) for _ in range(50)))

        assert it.counts_of_keys == (1, 1)

    keyed(scenario)


def test_reuse_period_is_the_queues_and_counts_at_once():
    async def scenario(it):
        key = await it.key()
        await it.create(kms_master_key_id=key, kms_data_key_reuse_s=86_400)
        await it.send(SECRET)
        await it.of_key(key_model.DisableKey(key_id=key))
        await it.advance(3_600)
        await it.send(SECRET)

        await it.update(kms_data_key_reuse_s=60)

        assert await refusal(it.send(SECRET)) == "KmsDisabled"

    keyed(scenario)


def test_key_of_the_queues_account_is_meant_whoever_sends():
    async def scenario(it):
        key = await it.key()
        policy = allow_all(f"arn:aws:iam::{OTHER}:root", "sqs:*", ARN)
        await it.create(kms_master_key_id=key, policy=policy)
        stranger = it.called_by(msgspec.structs.replace(it.ctx, principal=root_of(OTHER)))

        assert await refusal(stranger.send(SECRET, queue=ARN)) == "KmsAccessDenied"
        statement = json.loads(allow_all(f"arn:aws:iam::{OTHER}:root", "kms:*", "*"))["Statement"]
        both = json.loads(await it.of_key(key_model.GetKeyPolicy(key_id=key)))
        both["Statement"] += statement
        await it.of_key(key_model.PutKeyPolicy(key_id=key, policy=json.dumps(both)))
        await stranger.send(SECRET, queue=ARN)

        assert [message.body for message in await stranger.receive(queue=ARN)] == [SECRET]

    keyed(scenario)


def test_refused_receive_leaves_messages_and_their_counts_as_they_are():
    async def scenario(it):
        key = await it.key()
        await it.create("dead")
        policy = model.DeadLetterPolicy("dead", 2)
        await it.create(kms_master_key_id=key, dead_letter_policy=policy)
        await it.send(SECRET)
        await it.restart()
        await it.of_key(key_model.DisableKey(key_id=key))

        for _ in range(5):
            assert await refusal(it.receive()) == "KmsDisabled"

        assert await it.counts() == (1, 0, 0)
        await it.of_key(key_model.EnableKey(key_id=key))
        (message,) = await it.receive()
        assert (message.body, message.receive_count) == (SECRET, 1)

    keyed(scenario)


def test_messages_that_were_taken_and_cannot_be_read_are_put_back_at_once(settle):
    async def scenario(it):
        key = await it.key()
        await it.create(kms_master_key_id=key)
        await it.send(SECRET)
        await it.purge()
        await it.of_key(key_model.DisableKey(key_id=key))
        receiver = asyncio.ensure_future(it.as_worker().receive(wait_s=20))
        while not it.service.parked:
            await settle()

        await it.send(SECRET)  # under the data key that its sender has at hand

        assert await refusal(receiver) == "KmsDisabled"
        await settle()
        assert await it.counts() == (1, 0, 0)
        assert [message.body for message in await it.receive()] == [SECRET]

    keyed(scenario)


def test_message_needs_both_keys(tmp_path):
    async def scenario(it):
        await it.create(kms_master_key_id=await it.key())
        await it.send(SECRET)
        (stored,) = await it.stored()
        partition = it.service.delivery_target.partitions(ARN)[-1]

        without = msgspec.structs.replace(stored, envelope=None)
        with pytest.raises(ServiceError) as refused:
            it.service.seals.open(partition, without)
        assert refused.value.row.code == "InternalError"
        with pytest.raises(ServiceError):
            it.service.seals.open(partition, stored)
        elsewhere = msgspec.structs.replace(stored.envelope, context_arn=ARN + "2")
        moved = msgspec.structs.replace(stored, envelope=elsewhere)
        assert await refusal(it.service.seals.unwrapped(it.ctx, partition, moved, 0)) == "InternalError"

    keyed(scenario, tmp_path / "engine")


def test_new_storage_key_leaves_messages_under_keys_of_kms_readable():
    async def scenario(it):
        await it.create(kms_master_key_id=await it.key())
        await it.send(SECRET)
        it.storage_keys = StorageKeys({1: b"r" * 32, 2: b"s" * 32})
        await it.restart()
        for _ in range(3):
            await it.advance(1)
        assert await it.engine.read((b"\0" * 8,), lambda txn, _: is_done(txn, rewraps.WALK, 2), None)
        await it.restart()

        assert [message.body for message in await it.receive()] == [SECRET]

    keyed(scenario)


def test_what_is_remembered_is_bounded_and_shows_no_key():
    async def scenario(it):
        key = await it.key()
        keys = KmsDataKeys(it.asked, OF_QUEUES)

        made = await keys.current(it.ctx, ARN, key, REUSE_S, 0)
        for number in range(KEYS_REMEMBERED_MAX - 1):
            keys._current["", "", ARN, str(number)] = made
        await keys.current(it.ctx, f"{ARN}2", key, REUSE_S, 0)

        assert len(keys._current) == KEYS_REMEMBERED_MAX
        assert repr(made) == f"KmsDataKey({ARN})"
        assert str(made.plaintext) not in repr(keys.__dict__)

    keyed(scenario)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.booleans()),
        st.tuples(st.just("receive"), st.booleans()),
        st.tuples(st.sampled_from(("disable", "enable", "take")), st.integers(0, 1)),
        st.tuples(st.just("advance"), st.sampled_from((100, 150, 200))),
        st.tuples(st.just("restart"), st.none()),
    ),
    min_size=20,
    max_size=40,
)


class Model:
    """What a queue under two keys must answer: who has which data key at hand, and which keys are enabled."""

    def __init__(self) -> None:
        self.enabled = [True, True]
        self.key = self.now = 0
        self.made = 0
        self.messages: list[tuple[int, int, int]] = []  # the data key of each: its number, when it was made, its key
        self.forget()

    def forget(self) -> None:
        self.current: dict[Any, tuple[int, int, int]] = {}
        self.opened: dict[Any, int] = {}
        self.readers: dict[bool, int] = {}

    def fresh(self, at: int | None) -> bool:
        return at is not None and self.now - at < REUSE_S

    def sends(self, who: bool) -> bool:
        made = self.current.get((who, self.key))
        if made is None or not self.fresh(made[1]):
            if not self.enabled[self.key]:
                return False
            self.made += 1
            made = self.current[who, self.key] = (self.made, self.now, self.key)
            self.opened[who, made] = self.readers[who] = self.now
        self.messages.append(made)
        return True

    def opens(self, who: bool, data_key: tuple[int, int, int]) -> bool:
        if not self.fresh(self.opened.get((who, data_key))):
            if not self.enabled[data_key[2]]:
                return False
            self.opened[who, data_key] = self.readers[who] = self.now
        return True

    def receives(self, who: bool) -> list[int] | None:
        if not self.fresh(self.readers.get(who)) and self.messages and not self.opens(who, self.messages[0]):
            return None
        read = [place for place, it in enumerate(self.messages) if self.opens(who, it)]
        return None if self.messages and not read else read


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_what_is_sent_and_received_is_what_a_model_says(steps):
    async def scenario(it):
        keys, told = [await it.key(), await it.key()], Model()
        await it.create(kms_master_key_id=keys[0], visibility_timeout_s=0)
        for step, what in steps:
            by = it.as_worker() if what is True else it
            if step == "send" and len(told.messages) < 10:
                may = told.sends(what)
                body = str(len(told.messages) - 1).encode()
                if may:
                    await by.send(body)
                else:
                    assert await refusal(by.send(b"x")) == "KmsDisabled"
            elif step == "receive":
                expected = told.receives(what)
                if expected is None:
                    assert await refusal(by.receive()) == "KmsDisabled"
                else:
                    assert sorted(int(message.body) for message in await by.receive()) == expected
                await it.advance(0)
            elif step == "disable":
                told.enabled[what] = False
                await it.of_key(key_model.DisableKey(key_id=keys[what]))
            elif step == "enable":
                told.enabled[what] = True
                await it.of_key(key_model.EnableKey(key_id=keys[what]))
            elif step == "take":
                told.key = what
                await it.update(kms_master_key_id=keys[what])
            elif step == "advance":
                told.now += what
                await it.advance(what)
            elif step == "restart":
                told.forget()
                await it.restart()

    keyed(scenario)
