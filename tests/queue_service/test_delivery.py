"""Deliveries from other rooms."""

import asyncio

import pytest

from cumulo.core.errors import ServiceError
from cumulo.core.ports import Delivery

QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
BUCKET = "arn:aws:s3:::inbox"
HERE, ELSEWHERE = "000000000000", "111111111111"


def policy(effect="Allow", principal='{"Service":"s3.amazonaws.com"}', source=BUCKET):
    return (
        f'{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},'
        f'"Action":"sqs:SendMessage","Resource":"{QUEUE}",'
        f'"Condition":{{"ArnEquals":{{"aws:SourceArn":"{source}"}}}}}}]}}'
    )


async def deliver(it, account=HERE, delivery_id="d-1", body=b"{}"):
    target = it.service.delivery_target
    delivery = Delivery(QUEUE, body, delivery_id, BUCKET, account)
    partitions = target.partitions(QUEUE)
    now_ms = it.clock.deadline_ms()
    delivery = await target.prepared(delivery, now_ms)
    return await it.engine.transact(partitions, lambda txn, _: target.deliver(txn, delivery, now_ms), None)


@pytest.mark.parametrize(
    ("text", "account", "allowed"),
    [
        ("", HERE, True),
        ("", ELSEWHERE, False),
        (policy(), ELSEWHERE, True),
        (policy(), HERE, True),
        (policy(source="arn:aws:s3:::other"), ELSEWHERE, False),
        (policy(principal='{"Service":"sns.amazonaws.com"}'), ELSEWHERE, False),
        (policy(effect="Deny"), HERE, False),
        (policy(effect="Deny", source="arn:aws:s3:::other"), HERE, True),
    ],
)
def test_who_may_deliver_is_the_policys_to_say(run, text, account, allowed):
    async def scenario(it):
        await it.create(policy=text)

        why_not = it.service.delivery_target.check(QUEUE, BUCKET, account)
        delivered = await deliver(it, account)

        assert (why_not == "") is delivered is allowed
        assert allowed or "sqs:SendMessage" in why_not
        assert (await it.counts())[0] == allowed

    run(scenario)


def test_delivery_is_a_message_once_however_often_it_is_repeated(run):
    async def scenario(it):
        await it.create()

        outcomes = [await deliver(it), await deliver(it), await deliver(it, delivery_id="d-2", body=b"other")]
        messages = await it.receive()

        assert outcomes == [True] * 3
        assert [message.body for message in messages] == [b"{}", b"other"]
        assert messages[0].message_id[14] == "5"

    run(scenario)


def test_delivery_wakes_who_waits(run, settle):
    async def scenario(it):
        await it.create()
        receiver = asyncio.ensure_future(it.receive(wait_s=20))
        while not it.service.parked:
            await settle()

        await deliver(it)
        await receiver

        assert [message.body for message in receiver.result()] == [b"{}"]

    run(scenario)


@pytest.mark.parametrize(
    "arn", [QUEUE, "arn:aws:sqs:us-east-1:000000000000:a b", "arn:aws:sns:us-east-1:0:t", "nonsense"]
)
def test_target_that_is_no_queue_is_told(run, arn):
    async def scenario(it):
        target = it.service.delivery_target

        assert target.check(arn, BUCKET, HERE) != ""
        assert target.partitions(arn) == ()

    run(scenario)


def test_delivery_to_a_queue_that_was_deleted_meanwhile_is_refused(run):
    async def scenario(it):
        await it.create()
        target = it.service.delivery_target
        partitions = target.partitions(QUEUE)
        await it.remove()
        delivery = await target.prepared(Delivery(QUEUE, b"{}", "d", BUCKET, HERE), 0)

        assert not await it.engine.transact(partitions, lambda txn, _: target.deliver(txn, delivery, 0), None)

    run(scenario)


def test_fifo_queue_takes_no_delivery(run):
    """A delivery has no group, as S3's notifications have none."""

    async def scenario(it):
        await it.create("jobs.fifo")
        target, arn = it.service.delivery_target, QUEUE + ".fifo"
        delivery = Delivery(arn, b"{}", "d-1", BUCKET, HERE)

        why_not = target.check(arn, BUCKET, HERE)
        taken = await it.engine.transact(target.partitions(arn), lambda txn, _: target.deliver(txn, delivery, 0), None)

        assert why_not == f"{arn} is a FIFO queue"
        assert not taken
        assert await it.counts("jobs.fifo") == (0, 0, 0)

    run(scenario)


def test_delivery_is_encrypted_as_the_queue_says(run):
    async def scenario(it):
        await it.create()
        body = b"what a bucket tells a queue, which stands nowhere in the clear"
        await deliver(it, body=body)
        partition = it.service.delivery_target.partitions(QUEUE)[-1]
        rows = await it.engine.read((partition,), lambda txn, _: txn.range(partition, partition + b"\xff", 100), None)

        assert not any(body in value for _, value in rows)
        assert [message.body for message in await it.receive()] == [body]

    run(scenario)


@pytest.mark.parametrize("change", [{"managed_sse_enabled": False}, {"kms_master_key_id": "k"}])
def test_delivery_that_was_prepared_before_the_encryption_changed_is_tried_again(run, change):
    async def scenario(it):
        await it.create()
        target, now_ms = it.service.delivery_target, it.clock.deadline_ms()
        delivery = Delivery(QUEUE, b"{}", "d-1", BUCKET, HERE)
        stale = await target.prepared(delivery, now_ms)
        await it.update(**change)

        for early in (stale, delivery):
            with pytest.raises(ServiceError) as refused:
                await it.engine.transact(
                    target.partitions(QUEUE), lambda txn, it: target.deliver(txn, it, now_ms), early
                )
            assert refused.value.row.retryable

        assert await it.counts() == (0, 0, 0)
        assert await deliver(it)

    run(scenario)
