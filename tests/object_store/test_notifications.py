"""Notifications: rules, events in AWS's form, the outbox over restarts and failures."""

import logging
from typing import Any

import msgspec
import pytest

from cumulo.core.errors import TOO_BUSY
from cumulo.object_store import keys
from cumulo.object_store.notification_model import NotificationRule

MIB = 1024 * 1024
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
CREATED = "s3:ObjectCreated:*"


def rule(**more: Any) -> NotificationRule:
    return NotificationRule(**{"target": QUEUE, "events": (CREATED,), **more})


async def events(stand: Any) -> list[dict[str, Any]]:
    """The records of all delivered events, test events left out."""
    decoded = [msgspec.json.decode(body) for body in await stand.messages()]
    return [record for body in decoded for record in body.get("Records", ())]


def test_put_tells_the_queue_in_awss_words(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(rule(id="mine", prefix="in/", suffix=".txt"))

        stored = await stand.put("in/a b+ü.txt", b"hello")
        await stand.put("in/other.jpg", b"hello")
        await stand.put("out/other.txt", b"hello")
        await stand.advance()

        (event,) = await events(stand)
        assert (event["eventVersion"], event["eventSource"], event["awsRegion"]) == ("2.1", "aws:s3", "us-east-1")
        assert event["eventName"] == "ObjectCreated:Put"
        assert event["eventTime"] == "2023-11-14T22:13:20.000Z"
        assert event["requestParameters"] == {"sourceIPAddress": "127.0.0.1"}
        assert event["s3"]["configurationId"] == "mine"
        assert event["s3"]["bucket"]["name"] == "inbox"
        assert event["s3"]["bucket"]["arn"] == "arn:aws:s3:::inbox"
        told = event["s3"]["object"]
        assert (told["key"], told["size"], told["eTag"]) == ("in/a+b%2B%C3%BC.txt", 5, stored.etag)
        assert await stand.due(keys.OBJECT_NOTIFY) == 0

    run(scenario)


def test_sequencers_of_a_key_grow(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(rule(events=(CREATED, "s3:ObjectRemoved:*")))

        await stand.put("k", b"1")
        await stand.delete("k")
        await stand.delete("k")
        await stand.put("k", b"2" * 100_000)
        await stand.advance()

        told = sorted(await events(stand), key=lambda event: event["s3"]["object"]["sequencer"])
        assert [event["eventName"] for event in told] == [
            "ObjectCreated:Put",
            "ObjectRemoved:Delete",
            "ObjectCreated:Put",
        ]
        assert "size" not in told[1]["s3"]["object"]

    run(scenario)


def test_completed_upload_and_batch_delete_tell_too(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(
            rule(id="c", events=("s3:ObjectCreated:CompleteMultipartUpload",)),
            rule(id="d", events=("s3:ObjectRemoved:Delete",)),
        )
        upload_id = await stand.begin("k")
        part = await stand.part("k", upload_id, 1, b"x")
        await stand.complete("k", upload_id, [part])
        await stand.complete("k", upload_id, [part])
        from cumulo.object_store import object_model

        entries = (object_model.DeleteEntry("k"), object_model.DeleteEntry("k"))
        await stand.call("BatchDeleteObjects", object_model.BatchDeleteObjects(bucket="inbox", entries=entries))
        await stand.advance()

        names = sorted(event["eventName"] for event in await events(stand))
        assert names == ["ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:Delete", "ObjectRemoved:Delete"]

    run(scenario)


def test_batch_delete_tells_of_each_key_that_was_not_there(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        from cumulo.object_store import object_model

        await stand.notify_me(rule(events=("s3:ObjectRemoved:*",)))
        await stand.put("k", b"x")
        entries = tuple(object_model.DeleteEntry(key) for key in ("k", "gone", "lost"))
        await stand.call("BatchDeleteObjects", object_model.BatchDeleteObjects(bucket="inbox", entries=entries))
        await stand.advance()

        told = sorted(await events(stand), key=lambda event: event["s3"]["object"]["sequencer"])
        assert [event["s3"]["object"]["key"] for event in told] == ["k", "gone", "lost"]
        assert all(set(event["s3"]["object"]) == {"key", "sequencer"} for event in told)
        assert len({event["s3"]["object"]["sequencer"] for event in told}) == 3

    run(scenario)


def test_event_survives_a_restart_before_its_delivery(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(rule())
        await stand.put("k", b"1")

        await stand.restart()
        await stand.advance()

        assert len(await events(stand)) == 1

    run(scenario)


def test_refused_change_tells_nobody(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"1")
        await stand.notify_me(rule(events=(CREATED, "s3:ObjectRemoved:*")))

        await refused(stand.put("k", b"2", if_none_match="*"))
        await refused(stand.delete("k", if_match="other"))
        await stand.advance()

        assert await events(stand) == []

    run(scenario)


def test_configuring_sends_a_test_event(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(rule())
        await stand.advance()

        (body,) = await stand.messages()
        assert msgspec.json.decode(body)["Event"] == "s3:TestEvent"
        assert msgspec.json.decode(body)["Bucket"] == "inbox"

    run(scenario)


def test_failing_target_is_tried_again_later_and_later(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(rule())
        await stand.advance()
        stand.inbox.failing = TOO_BUSY.error(what="the queue", limit=1)
        with caplog.at_level(logging.CRITICAL):
            await stand.put("k", b"1")
            for seconds in (0, 1, 2, 4):
                await stand.advance(seconds)
            assert await events(stand) == []
            stand.inbox.failing = None

            await stand.advance(7)
            assert await events(stand) == []
            await stand.advance(1)

        assert len(await events(stand)) == 1

    run(scenario)


def test_event_whose_target_is_gone_is_dropped_with_a_log_line(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(rule())
        await stand.advance()
        await stand.put("k", b"1")
        stand.inbox.gone.add(QUEUE)

        with caplog.at_level(logging.WARNING):
            await stand.advance()

        assert await stand.due(keys.OBJECT_NOTIFY) == 0
        assert "dropped" in caplog.text

    run(scenario)


def test_rules_are_kept_and_named(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        from cumulo.object_store import notification_model

        notified = await stand.notify_me(
            NotificationRule(target="jobs", events=(CREATED,), prefix="a"),
            NotificationRule(
                target="accounts/000000000000/regions/eu-west-1/queues/far", events=(CREATED,), prefix="b", id="far"
            ),
        )

        rules = notified.rules
        assert [one.target for one in rules] == [QUEUE, "arn:aws:sqs:eu-west-1:000000000000:far"]
        assert rules[0].id
        assert rules[1].id == "far"
        assert await stand.call("GetBucketNotification", notification_model.GetBucketNotification("inbox")) == notified
        await stand.notify_me()
        assert (
            await stand.call("GetBucketNotification", notification_model.GetBucketNotification("inbox"))
        ).rules == ()

    run(scenario)


@pytest.mark.parametrize(
    "rules",
    [
        [rule(events=())],
        [rule(events=("s3:Nothing",))],
        [rule(id="x" * 256)],
        [rule(prefix="p" * 1025)],
        [rule(id="same", prefix="a"), rule(id="same", prefix="b")],
        [rule(prefix="a"), rule(prefix="ab")],
        [rule(suffix=".txt"), rule(events=("s3:ObjectCreated:Put",), prefix="a")],
        [rule(prefix=f"{n:03}") for n in range(101)],
        [rule(target="arn:aws:sns:us-east-1:000000000000:topic")],
        [rule(target="arn:aws:sqs:us-east-1:000000000000:gone")],
        [rule(target="a/b")],
    ],
)
def test_rules_that_s3_refuses_are_refused(run: Any, refused: Any, rules: list[NotificationRule]) -> None:
    async def scenario(stand: Any) -> None:
        stand.inbox.gone.add("arn:aws:sqs:us-east-1:000000000000:gone")

        assert (await refused(stand.notify_me(*rules))).row.code == "InvalidArgument"

        assert await stand.due(keys.OBJECT_NOTIFY) == 0

    run(scenario)


def test_hundred_rules_that_do_not_overlap_are_taken(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.notify_me(*(rule(prefix=f"{n:03}" + "p" * 1000) for n in range(100)))
        await stand.put("099" + "p" * 1000, b"")
        await stand.advance()

        assert len(await events(stand)) == 1

    run(scenario)


def test_event_arrives_in_a_real_queue_once(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        from cumulo.identity.authorizer import Authorizer
        from cumulo.queue_service import message_model
        from cumulo.queue_service import model as queue_model
        from cumulo.queue_service.service import Service as Queues
        from cumulo.storage.storage_keys import StorageKeys

        authorizer = Authorizer(stand.engine, stand.clock)
        sealer, storage_keys = stand.service._sealer, StorageKeys({1: b"k" * 32})
        queues = Queues(stand.engine, authorizer, stand.clock, stand.randomness, sealer, storage_keys)
        await queues.start()
        stand.service.targets = {"sqs": queues.delivery_target}
        create = queue_model.CreateQueue(queue="jobs", attributes=queue_model.QueueAttributes())
        await queues.call(stand.ctx, "CreateQueue", create)
        await stand.notify_me(rule())
        await stand.put("k", b"1")
        entries = [entry for entry in await stand.engine.take_due(1 << 62, 10) if entry.kind == keys.OBJECT_NOTIFY]

        # The same entries twice, as after a crash between the delivery and whatever follows it.
        await stand.service.due_handlers()[keys.OBJECT_NOTIFY](entries)
        await stand.service.due_handlers()[keys.OBJECT_NOTIFY](entries)

        receive = message_model.ReceiveMessages(queue="jobs", max_messages=10)
        bodies = [message.body for message in (await queues.call(stand.ctx, "ReceiveMessages", receive)).value]
        assert sorted(next(iter(msgspec.json.decode(body))) for body in bodies) == ["Records", "Service"]
        await queues.drain()

    run(scenario)


async def told_of(stand: Any, *rules: NotificationRule, **more: Any) -> Any:
    from cumulo.object_store import notification_model

    return await stand.call("SetBucketNotification", notification_model.SetBucketNotification("inbox", rules, **more))


def test_tags_and_lists_of_objects_tell_in_the_later_versions_of_the_structure(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        from cumulo.object_store import acl_model, configuration_model, tagging_model

        owners = acl_model.OwnershipControls("ObjectWriter")
        controls = configuration_model.SetBucketConfiguration("inbox", "ownership_controls", owners)
        await stand.call("SetBucketConfiguration", controls)
        await stand.put("k", b"12345")
        await stand.notify_me(rule(events=("s3:ObjectTagging:*", "s3:ObjectAcl:Put")))
        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", "k", {"a": "b"}))
        await stand.call("DeleteObjectTagging", tagging_model.DeleteObjectTagging("inbox", "k"))
        await stand.call("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", "bucket-owner-read"))
        await stand.advance()

        told = await events(stand)
        names = sorted(event["eventName"] for event in told)
        assert names == ["ObjectAcl:Put", "ObjectTagging:Delete", "ObjectTagging:Put"]
        assert {event["eventVersion"] for event in told} == {"2.3"}
        assert all({*event["s3"]["object"]} == {"key", "eTag"} for event in told)

    run(scenario)


def test_event_bridge_gets_every_event_in_its_own_words(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        stand.service.event_bus = QUEUE
        await told_of(stand, event_bridge=True)

        stored = await stand.put("a b+ü", b"hello")
        await stand.delete("a b+ü")
        await stand.advance()

        told = [msgspec.json.decode(body) for body in await stand.messages()]
        made, gone = sorted(told, key=lambda it: it["detail"]["object"]["sequencer"])
        assert (made["source"], made["detail-type"], made["account"]) == ("aws.s3", "Object Created", "000000000000")
        assert made["resources"] == ["arn:aws:s3:::inbox"]
        assert made["time"] == "2023-11-14T22:13:20Z"
        assert made["detail"]["reason"] == "PutObject"
        thing = made["detail"]["object"]
        assert (thing["key"], thing["size"], thing["etag"]) == ("a b+ü", 5, stored.etag)
        assert (gone["detail-type"], gone["detail"]["deletion-type"]) == ("Object Deleted", "Permanently Deleted")
        assert made["id"] != gone["id"]

    run(scenario)


def test_event_bridge_without_a_bus_gets_nothing(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        from cumulo.object_store import notification_model

        await told_of(stand, event_bridge=True)
        await stand.put("k", b"1")
        await stand.advance()

        assert await stand.messages() == []
        assert await stand.due(keys.OBJECT_NOTIFY) == 0
        assert (
            await stand.call("GetBucketNotification", notification_model.GetBucketNotification("inbox"))
        ).event_bridge

    run(scenario)


def test_refusals_of_rules_are_said_in_s3s_words(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        stand.inbox.gone.add(QUEUE)
        error = await refused(stand.notify_me(rule()))
        assert error.message == "Unable to validate the following destination configurations"
        assert error.values["ArgumentName1"] == f"{QUEUE}, null"
        assert error.values["ArgumentValue1"] == "it is gone"

        await told_of(stand, rule(), skips_validation=True)
        error = await refused(stand.notify_me(rule(events=("s3:Nothing",))))
        assert error.message == "A specified event is not supported for notifications."
        error = await refused(stand.notify_me(rule(), rule(id="other")))
        assert error.message.startswith("Configurations overlap.")
        error = await refused(stand.notify_me(rule(prefix="a"), rule(prefix="ab", id="other")))
        assert error.message.startswith("Configuration is ambiguously defined.")

    run(scenario)
