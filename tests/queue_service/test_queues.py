"""Queues themselves: names, attributes, listing, purging, deleting."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, model, queue_attributes
from cumulo.queue_service.keys import CLEAR
from cumulo.queue_service.queue_attributes import Place

HERE = Place("000000000000", "us-east-1", "jobs")
POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage",'
    '"Resource":"arn:aws:sqs:us-east-1:000000000000:jobs"}]}'
)


async def refusal(work):
    with pytest.raises(ServiceError) as refused:
        await work
    return refused.value.row.code


def test_new_queue_has_the_defaults_of_sqs(run):
    async def scenario(it):
        queue = await it.create()

        assert queue.arn == "arn:aws:sqs:us-east-1:000000000000:jobs"
        assert queue.full_name == "accounts/000000000000/regions/us-east-1/queues/jobs"
        assert (queue.visibility_timeout_s, queue.delay_s, queue.receive_wait_s) == (30, 0, 0)
        assert (queue.message_retention_s, queue.maximum_message_size_bytes) == (345_600, 1_048_576)
        assert queue.create_ms == queue.update_ms == it.clock.wall_ms()

    run(scenario)


def test_making_a_queue_that_exists_finds_it_when_every_given_attribute_is_equal(run):
    async def scenario(it):
        first = await it.create(delay_s=5, policy=POLICY)
        it.clock.advance(1_000)

        assert await it.create() == first
        assert await it.create(delay_s=5, policy=POLICY) == first
        assert await refusal(it.create(delay_s=6)) == "QueueNameExists"
        assert await refusal(it.create(policy="")) == "QueueNameExists"

    run(scenario)


def test_queue_that_two_callers_make_at_once_is_one_queue(run):
    async def scenario(it):
        made = await asyncio.gather(*(it.create() for _ in range(5)))

        assert made == [made[0]] * 5

    run(scenario)


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("visibility_timeout_s", (-1, 43_201)),
        ("delay_s", (-1, 901)),
        ("message_retention_s", (59, 1_209_601)),
        ("maximum_message_size_bytes", (1_023, 1_048_577)),
        ("receive_wait_s", (-1, 21)),
        ("policy", ("{", '{"Statement":[]}')),
        ("dead_letter_policy", (model.DeadLetterPolicy("dead", 0), model.DeadLetterPolicy("dead", 1_001))),
        (
            "dead_letter_policy",
            (
                model.DeadLetterPolicy("nope", 5),
                model.DeadLetterPolicy("jobs", 5),
                model.DeadLetterPolicy("arn:aws:sqs:us-east-1:111111111111:dead", 5),
                model.DeadLetterPolicy("arn:aws:sqs:eu-west-1:000000000000:dead", 5),
            ),
        ),
    ],
)
def test_attribute_out_of_range_is_refused(run, attribute, values):
    async def scenario(it):
        await it.create("dead")
        await it.create("present")

        for value in values:
            assert await refusal(it.create(**{attribute: value})) == "InvalidAttributeValue"
            assert await refusal(it.update("present", **{attribute: value})) == "InvalidAttributeValue" or (
                attribute == "dead_letter_policy" and value.queue == "jobs"
            )

    run(scenario)


@pytest.mark.parametrize("name", ["", "a" * 81, "a b", "a/b", "ä", "a.b", "arn:aws:s3:::bucket", "accounts/1/queues/a"])
def test_bad_name_is_refused(run, name):
    async def scenario(it):
        assert await refusal(it.create(name)) in ("InvalidParameterValue", "MissingParameter")

    run(scenario)


@given(st.text())
def test_random_text_is_a_place_or_refused(text):
    place, refused = HERE, ""
    try:
        place = queue_attributes.place(text, HERE.account, HERE.region)
    except ServiceError as error:
        refused = error.row.code

    assert refused in ("", "InvalidParameterValue", "MissingParameter", "NotImplemented")
    assert queue_attributes.place(place.arn, "", "") == place


_ANY_INT = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(
    st.builds(
        model.QueueAttributes,
        visibility_timeout_s=_ANY_INT,
        delay_s=_ANY_INT,
        message_retention_s=_ANY_INT,
        maximum_message_size_bytes=_ANY_INT,
        receive_wait_s=_ANY_INT,
        dead_letter_policy=st.none() | st.builds(model.DeadLetterPolicy, st.text(), st.integers()),
        policy=st.none(),
    )
)
def test_random_attributes_are_taken_or_refused(attributes):
    fields: dict[str, object] = {}
    refused = ""
    try:
        fields = queue_attributes.written(attributes, HERE)
    except ServiceError as error:
        refused = error.row.code

    assert refused in ("", "InvalidAttributeValue", "InvalidParameterValue", "NotImplemented")
    assert None not in fields.values()


def test_update_changes_what_is_given_and_restores_defaults(run):
    async def scenario(it):
        await it.create("dead")
        await it.create(delay_s=5, policy=POLICY, dead_letter_policy=model.DeadLetterPolicy("dead", 3))
        it.clock.advance(1_000)

        changed = await it.update(visibility_timeout_s=7)
        restored = await it.call(
            "UpdateQueue",
            model.UpdateQueue(
                queue="jobs",
                attributes=model.QueueAttributes(receive_wait_s=3),
                defaults=("delay_s", "policy", "dead_letter_policy"),
            ),
        )

        assert (changed.delay_s, changed.visibility_timeout_s, changed.policy) == (5, 7, POLICY)
        assert (changed.dead_letter_name, changed.max_receive_count) == ("dead", 3)
        assert changed.update_ms == changed.create_ms + 1_000
        assert (restored.delay_s, restored.policy, restored.receive_wait_s) == (0, "", 3)
        assert (restored.dead_letter_name, restored.max_receive_count) == ("", 0)
        assert msgspec.structs.replace(await it.queue(), fairness=None) == restored

    run(scenario)


def test_unknown_attribute_to_restore_is_refused(run):
    async def scenario(it):
        await it.create()

        request = model.UpdateQueue(queue="jobs", attributes=model.QueueAttributes(), defaults=("colour",))

        assert await refusal(it.call("UpdateQueue", request)) == "InvalidAttributeValue"

    run(scenario)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("GetQueue", model.GetQueue(queue="nope")),
        ("UpdateQueue", model.UpdateQueue(queue="nope", attributes=model.QueueAttributes())),
        ("DeleteQueue", model.DeleteQueue(queue="nope")),
        ("PurgeQueue", model.PurgeQueue(queue="nope")),
        ("SendMessage", message_model.SendMessages(queue="nope", entries=(message_model.SendEntry(b"a"),))),
        (
            "SendMessage",
            message_model.SendMessages(queue="nope", entries=(message_model.SendEntry(b"a"),), request_id="r"),
        ),
        ("ReceiveMessages", message_model.ReceiveMessages(queue="nope", wait_s=20)),
        ("DeleteMessage", message_model.DeleteMessages(queue="nope", receipt_handles=("a",))),
        (
            "ChangeMessageVisibility",
            message_model.ChangeVisibilities(queue="nope", entries=(message_model.VisibilityChange("a", 1),)),
        ),
    ],
)
def test_unknown_queue_is_told(run, operation, request_):
    async def scenario(it):
        assert await refusal(it.call(operation, request_)) == "QueueDoesNotExist"

    run(scenario)


def test_queue_of_another_account_is_denied_whether_it_exists_or_not(run):
    async def scenario(it):
        await it.create()
        it.ctx = msgspec.structs.replace(
            it.ctx, principal=msgspec.structs.replace(it.ctx.principal, account="111111111111", id="111111111111")
        )

        for name in ("jobs", "nope"):
            full = f"accounts/000000000000/regions/us-east-1/queues/{name}"
            assert await refusal(it.queue(full)) == "AccessDenied"

    run(scenario)


def test_guard_of_a_queue_is_its_account_and_policy(run):
    async def scenario(it):
        queue = await it.create(policy=POLICY)

        guard = await it.service.guard(queue.arn)

        assert (guard.account, guard.policy) == (HERE.account, POLICY)
        assert await it.service.guard(queue.arn + "x") is None
        assert await it.service.guard("arn:aws:s3:::inbox") is None

    run(scenario)


def test_queues_are_listed_by_name_in_pages(run):
    async def scenario(it):
        for name in ("b-2", "a", "b-1", "c", "b"):
            await it.create(name)

        names, token = [], ""
        while True:
            page = await it.call("ListQueues", model.ListQueues(page_size=2, page_token=token))
            names.append([queue.name for queue in page.queues])
            token = page.next_page_token
            if not token:
                break
        prefixed = await it.call("ListQueues", model.ListQueues(prefix="b"))
        elsewhere = await it.call("ListQueues", model.ListQueues(parent="accounts/000000000000/regions/eu-west-1"))

        assert names == [["a", "b"], ["b-1", "b-2"], ["c"]]
        assert [queue.name for queue in prefixed.queues] == ["b", "b-1", "b-2"]
        assert elsewhere.queues == ()

    run(scenario)


def test_page_token_of_another_listing_is_refused(run):
    async def scenario(it):
        for name in ("a", "b"):
            await it.create(name)
        page = await it.call("ListQueues", model.ListQueues(page_size=1))

        for request in (
            model.ListQueues(parent="accounts/000000000000/regions/eu-west-1", page_token=page.next_page_token),
            model.ListQueues(page_size=1, prefix="a", page_token=page.next_page_token),
            model.ListQueues(page_size=1, page_token="nonsense"),
        ):
            assert await refusal(it.call("ListQueues", request)) == "InvalidNextToken"

    run(scenario)


@pytest.mark.parametrize(
    "wrong", [{"page_size": -1}, {"page_size": 1_001}, {"prefix": "a" * 81}, {"parent": "accounts/1/regions/x"}]
)
def test_listing_out_of_range_is_refused(run, wrong):
    async def scenario(it):
        assert await refusal(it.call("ListQueues", model.ListQueues(**wrong))) == "InvalidParameterValue"

    run(scenario)


def test_purge_empties_the_queue_at_once_and_clears_what_is_left_in_slices(run):
    async def scenario(it):
        await it.create()
        for _ in range(12):
            await it.send(*[b"x"] * 100)
        await it.send(b"later", delay_s=60)
        handle = (await it.receive(100))[0].receipt_handle

        await it.purge()
        counts = await it.counts()
        await it.send(b"new")
        await it.delete(handle)
        left = await it.engine.take_due(it.clock.deadline_ms(), 10)
        await it.advance(0)

        assert counts == (0, 0, 0)
        assert [entry.kind for entry in left] == [CLEAR]
        assert await it.engine.take_due(it.clock.deadline_ms(), 10) == []
        assert [message.body for message in await it.receive(10)] == [b"new"]

    run(scenario)


def test_deleted_queue_is_gone_with_its_messages_and_its_name_is_free(run):
    async def scenario(it):
        await it.create(delay_s=0)
        await it.send(b"a", b"b")
        handle = (await it.receive(1))[0].receipt_handle

        await it.remove()
        gone = await refusal(it.queue())
        await it.create(delay_s=1)
        await it.advance(100)

        assert gone == "QueueDoesNotExist"
        assert await it.counts() == (0, 0, 0)
        assert await refusal(it.delete(handle)) == "ReceiptHandleIsInvalid"
        assert await it.engine.take_due(it.clock.deadline_ms(), 10) == []

    run(scenario)


@pytest.mark.parametrize("then", ["deleted", "deleted and made anew", "deleted, and the server restarted"])
def test_a_repeated_creation_or_change_of_a_queue_that_is_gone_meanwhile_answers_as_the_first(run, then):
    async def scenario(it):
        statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:PurgeQueue", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await it.create("q" * 80)
        dead = model.DeadLetterPolicy(queue="q" * 80, max_receive_count=3)
        attributes = model.QueueAttributes(visibility_timeout_s=7, dead_letter_policy=dead, policy=policy)
        create = model.CreateQueue(queue="j" * 80, attributes=attributes, request_id="c")
        made = await it.call("CreateQueue", create)
        change = model.QueueAttributes(delay_s=900, policy=policy)
        update = model.UpdateQueue(queue="j" * 80, attributes=change, request_id="u")
        changed = await it.call("UpdateQueue", update)

        await it.call("DeleteQueue", model.DeleteQueue(queue="j" * 80))
        if "anew" in then:
            await it.create("j" * 80, visibility_timeout_s=8)
        if "restarted" in then:
            await it.restart()

        assert await it.call("CreateQueue", create) == made
        assert await it.call("UpdateQueue", update) == changed
        names = [queue.name for queue in (await it.call("ListQueues", model.ListQueues())).queues]
        assert names == (["j" * 80, "q" * 80] if "anew" in then else ["q" * 80]), "and no queue is made"

    run(scenario)


def test_repeated_request_ids_of_queues_answer_as_the_first(run):
    async def scenario(it):
        create = model.CreateQueue(queue="jobs", request_id="c")
        delete = model.DeleteQueue(queue="jobs", request_id="d")

        made = await it.call("CreateQueue", create)
        again = await it.call("CreateQueue", create)
        await it.call("DeleteQueue", delete)
        await it.call("DeleteQueue", delete)

        assert made == again
        assert (
            await refusal(it.call("DeleteQueue", model.DeleteQueue(queue="jobs", request_id="e")))
            == "QueueDoesNotExist"
        )

    run(scenario)
