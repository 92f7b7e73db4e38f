"""Schedules by the SDK and the command line, on a real server."""

from datetime import UTC, datetime, timedelta

import pytest

from cumulo.client import Client, Queue, errors


def test_schedule_sends_until_it_is_paused(queue: Queue):
    made = queue.schedules.create("tick", {"n": 1}, every=1, attributes={"colour": "blue"}, priority=9)

    messages = [message for _ in range(2) for message in queue.receive(20, 1)]
    paused = queue.schedules.pause("tick")
    resumed = queue.schedules.resume("tick")
    queue.schedules.delete("tick")

    assert [message.json() for message in messages] == [{"n": 1}, {"n": 1}]
    assert messages[0].attributes["colour"] == "blue"
    assert messages[0].attributes["cumulo.schedule"] == "tick"
    assert len({message.attributes["cumulo.scheduled-time"] for message in messages}) == 2
    assert (made.every_s, made.body, made.priority, made.state) == (1, b'{"n":1}', 9, "ACTIVE")
    assert (paused.state, paused.next, resumed.state) == ("PAUSED", None, "ACTIVE")
    assert paused.sent_count >= 2
    assert list(queue.schedules.list()) == []
    with pytest.raises(errors.NotFound):
        queue.schedules.get("tick")


def test_schedules_are_listed_retimed_and_rewritten(client: Client, name: str):
    queue = client.queue(f"{name}.fifo", create=True)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    queue.schedules.create("once", "a", at=at, group="g", skip_missed=True)
    queue.schedules.create("daily", "b", cron="0 9 * * *", time_zone="Europe/Berlin", group="g", paused=True)

    listed = list(queue.schedules.list(page_size=1))
    retimed = queue.schedules.retime("once", every=3_600)
    rewritten = queue.schedules.rewrite("daily", "c", group="h")

    assert [(it.name, it.state, it.body) for it in listed] == [("daily", "PAUSED", None), ("once", "ACTIVE", None)]
    assert (listed[1].at, listed[1].next, listed[1].skip_missed) == (at, at, True)
    assert (listed[0].cron, listed[0].time_zone) == ("0 9 * * *", "Europe/Berlin")
    assert (retimed.at, retimed.every_s, retimed.group) == (None, 3_600, "g")
    assert (rewritten.body, rewritten.group, rewritten.cron) == (b"c", "h", "0 9 * * *")


def test_what_is_wrong_with_a_schedule_is_said(queue: Queue):
    with pytest.raises(errors.InvalidArgument, match="cron") as refused:
        queue.schedules.create("bad", "x", cron="* * *")
    with pytest.raises(ValueError, match="one of them"):
        queue.schedules.create("bad", "x", cron="* * * * *", every=5)
    with pytest.raises(ValueError, match="time zone"):
        queue.schedules.create("bad", "x", at=datetime(2030, 1, 1))  # noqa: DTZ001 - that is what is refused
    queue.schedules.create("good", "x", every=3_600)
    with pytest.raises(errors.AlreadyExists):
        queue.schedules.create("good", "x", every=3_600)

    assert refused.value.parameter == "cron"
