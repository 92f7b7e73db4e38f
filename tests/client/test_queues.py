"""Queues and messages by the SDK against a real server: blocks, batches, listings, both flavours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cumulo.client import AsyncClient, Client, DeadLetterPolicy, Outgoing, Queue, errors
from cumulo.testing import Server


def take(queue: Queue, count: int = 1, **options):
    return list(queue.receive(0, count, **options))


def test_sent_message_is_received_with_what_belongs_to_it(queue: Queue):
    sent = queue.send({"n": 1}, attributes={"text": "a", "whole": 3, "part": 0.5, "raw": b"\0"})

    (message,) = take(queue)

    assert message.id == sent.message_id
    assert message.md5_of_body == sent.md5_of_body
    assert message.json() == {"n": 1}
    assert message.attributes == {"text": "a", "whole": 3, "part": 0.5, "raw": b"\0"}
    assert message.receive_count == 1
    assert message.sent <= message.first_received


@pytest.mark.parametrize(("body", "stored"), [(b"\xff", b"\xff"), ("ä", "ä".encode()), ([1, "b"], b'[1,"b"]')])
def test_body_is_bytes_text_or_json(queue: Queue, body, stored):
    queue.send(body)

    assert take(queue)[0].body == stored


def test_block_that_ends_well_deletes_the_message(queue: Queue):
    queue.send("a")

    for message in take(queue):
        with message:
            pass

    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (0, 0)


def test_block_that_raises_gives_the_message_back_at_once(queue: Queue):
    queue.send("a")

    with pytest.raises(KeyError), take(queue)[0]:
        raise KeyError("the handler failed")

    (again,) = take(queue)
    assert again.receive_count == 2


def test_block_may_release_or_delete_the_message_itself(queue: Queue):
    queue.send_batch(["a", "b"])

    for message in take(queue, 2):
        with message:
            if message.text == "a":
                message.delete()
            else:
                message.release()

    assert [it.text for it in take(queue, 2)] == ["b"]


def test_messages_that_were_not_handed_out_go_back_when_the_loop_is_left(queue: Queue):
    queue.send_batch(["a", "b", "c"])

    for message in queue.receive(0, 3):
        with message:
            break

    info = queue.info()
    assert (info.message_count, info.in_flight_count) == (2, 0)


def test_batch_names_the_items_that_were_refused_and_stores_the_others(client: Client, name: str):
    queue = client.queue(name, create=True, maximum_message_size=1024)

    with pytest.raises(errors.PartialFailure) as caught:
        queue.send_batch(["small", b"x" * 2000, Outgoing(body="also small", delay=900)])

    ((index, failure),) = caught.value.failures
    assert index == 1
    assert isinstance(failure, errors.InvalidArgument)
    info = queue.info()
    assert (info.message_count, info.delayed_count) == (1, 1)


def test_creating_a_queue_twice_is_no_error_unless_it_differs(client: Client, name: str):
    client.queue(name, create=True, visibility_timeout=7)
    client.queue(name, create=True, visibility_timeout=7)

    with pytest.raises(errors.AlreadyExists, match="QueueNameExists"):
        client.queue(name, create=True, visibility_timeout=8)


def test_attributes_are_set_and_reset(client: Client, queue: Queue, name: str):
    client.queue(f"{name}-dead", create=True)

    changed = queue.set(
        visibility_timeout=9, dead_letter_policy=DeadLetterPolicy(queue=f"{name}-dead", max_receive_count=3)
    )
    reset = queue.set(reset=("visibility_timeout_s", "dead_letter_policy"))

    assert changed.visibility_timeout_s == 9
    assert changed.dead_letter_policy is not None
    assert changed.dead_letter_policy.queue.endswith(f"/{name}-dead")
    assert (reset.visibility_timeout_s, reset.dead_letter_policy) == (30, None)


def test_purge_empties_and_delete_removes(queue: Queue):
    queue.send_batch(["a", "b"])

    queue.purge()
    count = queue.info().message_count
    queue.delete()

    assert count == 0
    with pytest.raises(errors.NotFound) as caught:
        queue.send("c")
    assert caught.value.code == "QueueDoesNotExist"
    assert caught.value.request_id


def test_listing_iterates_over_items_and_over_pages(client: Client, name: str):
    names = [f"{name}-{number}" for number in range(5)]
    for one in names:
        client.queue(one, create=True)

    listing = client.queues(name, page_size=2)

    assert [it.name for it in listing] == names
    pages = list(listing.pages())
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert next(listing.pages(pages[0].next_page_token)).items == pages[1].items


def test_long_poll_ends_when_a_message_comes(server: Server, queue: Queue):
    queue.send("late", delay=1)

    (message,) = queue.receive(20, 1)

    assert message.text == "late"


def test_second_delete_batch_is_harmless(queue: Queue):
    queue.send_batch(["a", "b"])
    messages = take(queue, 2)

    queue.delete_batch(messages)
    queue.delete_batch(messages)

    assert queue.info().in_flight_count == 0


async def async_life(server: Server, name: str) -> list[object]:
    async with server.async_client() as client:
        queue = await client.queue(name, create=True)
        await queue.send_batch(["a", "b"])
        seen: list[object] = []
        async for message in queue.receive(0, 2):
            async with message:
                seen.append(message.text)
        seen.extend([it.name async for it in client.queues(name)])
        try:
            await client.queue(f"{name}-none").info()
        except errors.NotFound as failure:
            seen.append(failure.code)
        return seen


def test_asynchronous_flavour_does_the_same(server: Server, name: str):
    import asyncio

    assert asyncio.run(async_life(server, name)) == ["a", "b", name, "QueueDoesNotExist"]


def test_both_flavours_have_the_same_methods():
    assert {it for it in dir(AsyncClient) if it[0] != "_"} == {it for it in dir(Client) if it[0] != "_"}


def test_messages_are_looked_at_by_position_and_stay(queue: Queue):
    queue.send_batch([Outgoing(body=str(n), attributes={"n": n}) for n in range(100)])
    queue.send_batch([str(n) for n in range(100, 150)])

    found = queue.peek(1_000)

    assert [it.text for it in found] == [str(n) for n in range(150)]
    assert found[7].attributes == {"n": 7}
    assert [it.text for it in queue.peek(2, after=found[9].position)] == ["10", "11"]
    assert queue.info().message_count == 150


def test_highest_priority_is_received_first_however_it_was_sent(queue: Queue):
    queue.send("plain")
    queue.send("low", priority=0)
    queue.send_batch(["also plain", Outgoing(body="high", priority=9)])
    with queue.send_stream() as stream:
        stream.send("higher than plain", priority=5)
        stream.send_all([Outgoing(body="middle", priority=6)])

    peeked = {it.text: it.priority for it in queue.peek()}
    received = [(it.text, it.priority) for it in take(queue, 10)]

    expected = [("high", 9), ("middle", 6), ("higher than plain", 5), ("plain", 4), ("also plain", 4), ("low", 0)]
    assert received == expected
    assert peeked == dict(expected)


def test_priority_out_of_range_is_refused(queue: Queue):
    with pytest.raises(errors.InvalidArgument, match="priority"):
        queue.send("a", priority=10)


def test_messages_are_scheduled_by_a_time_or_a_long_delay_however_they_are_sent(queue: Queue):
    later = datetime.now(UTC) + timedelta(days=300)
    queue.send("one", deliver_at=later)
    queue.send("two", delay=300 * 86_400)
    queue.send_batch([Outgoing(body="three", deliver_at=later.astimezone(timezone(timedelta(hours=5))))])
    with queue.send_stream() as stream:
        stream.send("four", deliver_at=later)
        stream.send_all([Outgoing(body="five", deliver_at=later)])
    queue.send("past", deliver_at=later - timedelta(days=301))
    queue.send("soon", deliver_at=datetime.now(UTC) + timedelta(milliseconds=200))

    (past,) = queue.receive_batch(wait=0, max=10)
    (soon,) = queue.receive_batch(wait=5, max=10)

    assert (past.text, soon.text) == ("past", "soon")
    assert queue.info().delayed_count == 5
    for when, delay in ((later + timedelta(days=100), None), (later, 1)):
        with pytest.raises(errors.InvalidArgument, match="deliver_at_ms"):
            queue.send("a", deliver_at=when, delay=delay)
    with pytest.raises(ValueError, match="time zone"):
        queue.send("a", deliver_at=datetime(2030, 1, 1))  # noqa: DTZ001 - what is refused


def test_look_finds_messages_by_id_and_says_where_they_stand(queue: Queue):
    sent = queue.send_batch(["one", "two", Outgoing(body="three", delay=900)])
    (taken,) = queue.receive_batch(wait=0, visibility_timeout=600)

    found = queue.peek(ids=[sent[2].message_id, sent[0].message_id])
    (ready,) = queue.peek(ids=[sent[1].message_id])

    assert [(it.text, it.state, it.receive_count) for it in found] == [("one", "IN_FLIGHT", 1), ("three", "DELAYED", 0)]
    held, delayed = found
    assert held.due is not None
    assert held.last_received is not None
    assert held.due - held.last_received == timedelta(seconds=600)
    assert delayed.due is not None
    assert abs((delayed.due - delayed.sent).total_seconds() - 900) < 1
    assert (ready.state, ready.due, ready.first_received) == ("READY", None, None)
    assert queue.peek(ids=["nobody"]) == []
    taken.delete()


def test_dead_letter_tells_its_history(client: Client, queue: Queue):
    dead = client.queue(f"{queue.name}-dead", create=True)
    queue.set(dead_letter_policy=DeadLetterPolicy(queue=dead.name, max_receive_count=2), visibility_timeout=0)
    queue.send("a")
    while not dead.info().message_count:
        queue.receive_batch(wait=0)

    (message,) = dead.peek()

    (hop,) = message.history
    assert hop.queue_arn == message.dead_letter_source_arn == queue.info().arn
    assert (hop.reason, hop.receive_count, hop.max_receive_count) == ("RECEIVED_TOO_OFTEN", 2, 2)
    assert hop.first_received is not None
    assert hop.last_received is not None
    assert hop.first_received <= hop.last_received <= hop.moved
    assert (message.receive_count, message.first_received) == (2, None)


def test_selected_messages_are_moved_by_id_by_look_and_by_receipt(client: Client, queue: Queue):
    other = client.queue(f"{queue.name}-other", create=True)
    sent = [it for first in (0, 65) for it in queue.send_batch([f"{n}" for n in range(first, first + 65)])]
    (taken,) = queue.receive_batch(wait=0)
    (looked_at,) = queue.peek(1, after=1)

    queue.move([taken, looked_at, *(it.message_id for it in sent[2:])], other)

    assert (queue.info().message_count, queue.info().in_flight_count) == (0, 0)
    there = other.peek(200)
    assert [it.message_id for it in there] == [it.message_id for it in sent]
    assert [it.text for it in there] == [f"{n}" for n in range(130)]
    assert {it.history[0].reason for it in there} == {"SELECTED"}
    assert there[0].history[0].receive_count == 1


def test_large_messages_are_moved_in_several_transactions(client: Client, queue: Queue):
    other = client.queue(f"{queue.name}-other", create=True)
    sent = [queue.send(b"x" * 900_000) for _ in range(5)]

    queue.move([it.message_id for it in sent], other.name)

    assert other.info().message_count == 5


def test_what_cannot_be_moved_is_named_and_the_rest_is_moved(client: Client, queue: Queue):
    other = client.queue(f"{queue.name}-other", create=True)
    ready, delayed = queue.send("ready"), queue.send("delayed", delay=60)

    with pytest.raises(errors.PartialFailure) as partly:
        queue.move([ready.message_id, delayed.message_id, "nobody"], other)

    kinds = {key: type(error) for key, error in partly.value.failures}
    assert kinds == {"nobody": errors.NotFound, delayed.message_id: errors.PreconditionFailed}
    assert [it.text for it in other.peek()] == ["ready"]
    with pytest.raises(errors.NotFound):
        other.move([ready.message_id], f"{queue.name}-not-there")


def test_groups_of_a_standard_queue_are_shown_and_dealt_with_fairly(queue: Queue):
    queue.send_batch([Outgoing(body=f"{place}", group="loud") for place in range(50)])
    held = take(queue, 40)
    with queue.send_stream() as stream:
        stream.send("x", group="quiet")

    fairness = queue.info().fairness
    (message,) = take(queue)

    assert len(held) == 40
    assert fairness is not None
    assert (fairness.noisy_groups, fairness.message_count, fairness.in_flight_count, fairness.delayed_count) == (
        1,
        1,
        0,
        0,
    )
    assert (message.text, message.group, message.sequence_number) == ("x", "quiet", "")
