"""Move tasks between queues under keys of the key service: who must be allowed which key, and what lies on disk."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cumulo.core.context import CallContext
from cumulo.key_service import model as key_model
from cumulo.queue_service import message_model, model
from cumulo.queue_service.keys import StoredMessage, decode_message, layout
from cumulo.queue_service.move_tasks import COMPLETED, FAILED, RUNNING
from tests.queue_service.conftest import ACCOUNT
from tests.queue_service.test_kms_data_keys import Asked, KeyedStand, keyed, refusal
from tests.queue_service.test_move_tasks import start, tasks

SECRET = "what a sender wrote, long enough that it stands nowhere by chance"


async def make(it: Any, *, suffix: str = "", bodies: tuple[str, ...] = (SECRET,), **attributes: Any) -> None:
    """A queue `jobs` with these attributes, whose messages are in its dead-letter queue `dead`."""
    await it.create("dead" + suffix, **attributes.pop("dead", {}))
    policy = model.DeadLetterPolicy("dead" + suffix, 1)
    await it.create("jobs" + suffix, dead_letter_policy=policy, visibility_timeout_s=0, **attributes)
    for number, body in enumerate(bodies):
        more = {"group_id": "g", "deduplication_id": str(number)} if suffix else {}
        await it.send(body.encode(), queue="jobs" + suffix, **more)
    while (await it.counts("jobs" + suffix)) != (0, 0, 0):
        await it.receive(10, "jobs" + suffix)
        await it.advance(0.001)


async def switch(it: Any, *keys: str, on: bool = False) -> None:
    for key in keys:
        await it.of_key(key_model.EnableKey(key_id=key) if on else key_model.DisableKey(key_id=key))


async def stored_in(it: Any, queue: str) -> list[StoredMessage]:
    partition = it.service.delivery_target.partitions(f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}")[-1]
    prefix = layout(partition, 1).message
    rows = await it.engine.read((partition,), lambda txn, _: txn.range(prefix, prefix + b"\xff" * 9, 100), None)
    return [decode_message(value) for _, value in rows]


async def bodies_in(it: Any, queue: str) -> list[str]:
    return [message.body.decode() for message in await it.receive(queue=queue)]


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_moved_message_is_under_the_key_of_the_queue_that_it_went_to_and_never_plain(tmp_path, suffix):
    async def scenario(it):
        first, second, third = [await it.key() for _ in range(3)]
        await make(it, suffix=suffix, kms_master_key_id=first, dead={"kms_master_key_id": second})
        await it.create("hospital" + suffix, kms_master_key_id=third)

        await start(it, "hospital" + suffix, source="dead" + suffix)
        await it.advance(0)

        assert [one.status for one in await tasks(it, source="dead" + suffix)] == [COMPLETED]
        files = b"".join(path.read_bytes() for path in (tmp_path / "engine").rglob("*") if path.is_file())
        assert b"hospital" in files
        assert SECRET.encode() not in files
        await it.restart()
        await switch(it, first, second)
        assert await bodies_in(it, "hospital" + suffix) == [SECRET]
        await it.restart()
        await switch(it, third)
        await it.advance(60)
        assert await refusal(it.receive(queue="hospital" + suffix)) == "KmsDisabled"

    keyed(scenario, tmp_path / "engine")


def test_each_message_that_goes_back_is_under_the_key_that_its_queue_has_now():
    async def scenario(it):
        first, second = await it.key(), await it.key()
        await make(it, kms_master_key_id=first)
        await it.update("jobs", kms_master_key_id=second)

        await start(it)
        await it.advance(0)

        await it.restart()
        await switch(it, first)
        assert await bodies_in(it, "jobs") == [SECRET]

    keyed(scenario)


@pytest.mark.parametrize("which", ["source", "destination"])
def test_task_is_refused_at_once_to_who_may_not_use_a_key(which):
    async def scenario(it):
        first, second = await it.key(), await it.key()
        await make(it, kms_master_key_id=first)
        await it.create("hospital", kms_master_key_id=second)
        await it.restart()
        await switch(it, first if which == "source" else second)

        assert await refusal(start(it, "hospital")) == "KmsDisabled"

        assert await tasks(it) == ()
        assert await it.counts("dead") == (1, 0, 0)

    keyed(scenario)


def test_key_that_is_turned_off_ends_a_task_with_its_error():
    async def scenario(it):
        key = await it.key()
        await make(it, bodies=tuple(str(n) for n in range(4)), kms_master_key_id=key)
        await start(it, rate=1)
        await it.advance(0)
        await switch(it, key)
        await it.advance(1)
        assert [(one.status, one.moved) for one in await tasks(it)] == [(RUNNING, 2)], "the data key is at hand"

        await it.restart()
        await it.advance(1)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.failure_reason) == (FAILED, 2, "KMS.DisabledException")
        assert (await it.counts("dead"))[0] == 2

    keyed(scenario)


def test_messages_before_the_one_whose_key_is_off_are_moved():
    async def scenario(it):
        first, second = await it.key(), await it.key()
        await make(it, kms_master_key_id=first)
        await it.update("jobs", kms_master_key_id=second)
        await it.send(b"the second", queue="jobs")
        while (await it.counts("jobs")) != (0, 0, 0):
            await it.receive(10, "jobs")
            await it.advance(0.001)
        await it.create("hospital")
        await it.restart()
        await switch(it, second)

        await start(it, "hospital")
        await it.advance(0)

        (task,) = await tasks(it)
        assert (task.status, task.moved, task.failure_reason) == (FAILED, 1, "KMS.DisabledException")
        assert await bodies_in(it, "hospital") == [SECRET]

    keyed(scenario)


def test_managed_key_seals_what_comes_from_a_key_of_kms_and_the_other_way_round():
    async def scenario(it):
        key = await it.key()
        await make(it, kms_master_key_id=key)
        await it.create("hospital", dead_letter_policy=model.DeadLetterPolicy("dead", 1), visibility_timeout_s=0)
        await start(it, "hospital")
        await it.advance(0)
        (there,) = await stored_in(it, "hospital")
        assert (there.envelope, bool(there.key_id)) == (None, True)
        await switch(it, key)
        await it.restart()
        assert await bodies_in(it, "hospital") == [SECRET]
        await it.receive(queue="hospital")
        await switch(it, key, on=True)
        await start(it, "jobs")
        await it.advance(0)

        (back,) = await stored_in(it, "jobs")
        assert back.envelope is not None
        assert await bodies_in(it, "jobs") == [SECRET]

    keyed(scenario)


def test_unencrypted_queue_keeps_a_message_sealed_as_it_was_and_plain_ones_are_sealed_under_a_key():
    async def scenario(it):
        key = await it.key()
        await make(it, kms_master_key_id=key)
        await it.create("open", managed_sse_enabled=False)
        await it.create("shut", kms_master_key_id=key)
        await start(it, "open")
        await it.advance(0)
        (there,) = await stored_in(it, "open")
        assert there.envelope is not None
        assert await bodies_in(it, "open") == [SECRET]

        await it.update("jobs", kms_master_key_id="", managed_sse_enabled=False)
        await it.send(b"plain", queue="jobs", attributes=(message_model.MessageAttribute("n", "String", b"v"),))
        while (await it.counts("jobs")) != (0, 0, 0):
            await it.receive(10, "jobs")
            await it.advance(0.001)
        assert [message.body for message in await stored_in(it, "dead")] == [b"plain"]
        await start(it, "shut")
        await it.advance(0)

        (sealed,) = await stored_in(it, "shut")
        assert (sealed.attributes, b"plain" in sealed.body, sealed.md5_of_body) == ((), False, "")
        (message,) = await it.receive(queue="shut")
        assert (message.body, message.attributes[0].value) == (b"plain", b"v")

    keyed(scenario)


class Meddler(Asked):
    """A key service beside which something happens once, when it has made a key."""

    deed: Callable[[], Awaitable[None]] | None = None

    async def generate_data_key(self, ctx: CallContext, key_id: str, context: Any) -> Any:
        made = await super().generate_data_key(ctx, key_id, context)
        deed, self.deed = self.deed, None
        if deed is not None:
            await deed()
        return made


class MeddledStand(KeyedStand):
    """Queues beside such a key service."""

    def make_key_service(self, authorizer: Any) -> Meddler:
        self.meddler = Meddler(super().make_key_service(authorizer).inner)
        return self.meddler


def test_queue_that_is_given_another_key_meanwhile_is_planned_anew():
    async def scenario() -> None:
        it = MeddledStand(None)
        await it.open()
        first, second = await it.key(), await it.key()
        await make(it, kms_master_key_id=first)
        await it.create("hospital", kms_master_key_id=first)
        await start(it, "hospital")
        await it.restart()

        async def meddle() -> None:
            await it.update("hospital", kms_master_key_id=second)

        it.meddler.deed = meddle
        await it.advance(0)

        assert [(one.status, one.moved) for one in await tasks(it)] == [(COMPLETED, 1)]
        await it.restart()
        await switch(it, first)
        assert await bodies_in(it, "hospital") == [SECRET]
        assert await it.problems() == []
        await it.close()

    asyncio.run(scenario())


def test_message_that_does_not_open_moves_as_it_is():
    async def scenario(it):
        key = await it.key()
        await make(it, kms_master_key_id=key)
        (stored,) = await stored_in(it, "dead")
        partition = it.service.delivery_target.partitions(f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead")[-1]
        place = layout(partition, 1).message

        def damage(txn: Any, _: None) -> None:
            ((row, value),) = txn.range(place, place + b"\xff" * 9, 100)
            txn.put(row, value.replace(stored.body, bytes(len(stored.body))))

        await it.engine.transact((partition,), damage, None)
        await it.create("hospital", kms_master_key_id=key)

        await start(it, "hospital")
        await it.advance(0)

        assert [(one.status, one.moved) for one in await tasks(it)] == [(COMPLETED, 1)]
        assert await refusal(it.receive(queue="hospital")) == "InternalError"

    keyed(scenario)


def test_key_service_is_asked_for_a_task_as_for_a_sender_and_a_receiver():
    async def scenario(it):
        key = await it.key()
        await make(it, bodies=tuple(str(n) for n in range(10)), kms_master_key_id=key)
        await it.create("hospital", kms_master_key_id=key)
        await it.restart()

        await start(it, "hospital")
        await it.advance(0)

        assert it.counts_of_keys == (1, 2)

    keyed(scenario)
