"""Outboxes: many subscribers, several slices under way, and disks that fail between them."""

import asyncio

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import topic_model as topics
from cumulo.storage import failpoints
from cumulo.storage.engine import EngineFailed
from tests.queue_service.test_topics import Topics

BATCH = 10
SUBSCRIBERS = {"": 150, ".fifo": 60}
"""Of a batch more slices than are under way at once."""
COMMITS = range(1, 7)


async def _set_up(news, suffix):
    it = news.it
    await news.create(f"news{suffix}")
    names = [f"q{number}{suffix}" for number in range(SUBSCRIBERS[suffix])]
    await asyncio.gather(*(it.create(name) for name in names))
    await asyncio.gather(*(news.subscribe(name, topic=f"news{suffix}", RawMessageDelivery="true") for name in names))
    return names


async def _publish_and_fail(news, suffix, bodies, point, commit):
    """Publish a batch while a disk fails at a commit; say whether that was answered."""
    entries = tuple(
        topics.PublishEntry(body=body, group_id="g", deduplication_id=body)
        if suffix
        else topics.PublishEntry(body=body)
        for body in bodies
    )
    failpoints.arm(f"{point}=error@{commit}")
    answered = False
    try:
        await news.call(topics.Publish(topic=f"news{suffix}", entries=entries))
        answered = True
        await news.it.advance(0.001)
    except (EngineFailed, ServiceError):
        pass
    finally:
        failpoints.disarm()
    return answered


@pytest.mark.parametrize("point", ["engine.before_commit", "engine.after_commit"])
@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_disk_that_fails_between_slices_neither_repeats_nor_loses_a_message(make_stand, tmp_path, suffix, point):
    async def scenario():
        it = make_stand(tmp_path / "engine")
        await it.open()
        news = Topics(it)
        names = await _set_up(news, suffix)
        expected: list[str] = []
        torn = 0
        for commit in COMMITS:
            bodies = [f"{commit}-{number}" for number in range(BATCH)]

            answered = await _publish_and_fail(news, suffix, bodies, point, commit)
            await it.restart()
            there = {(await it.counts(name))[0] for name in names}
            news = Topics(it)
            await it.advance(0.001)

            torn += len(there) > 1
            if answered or there != {len(expected)} or (await it.counts(names[0]))[0] > len(expected):
                expected += bodies
            assert {(await it.counts(name))[0] for name in names} == {len(expected)}
        assert torn > 0
        for name in names[:: len(names) // 5]:
            received = []
            while more := await it.receive(100, queue=name):
                received += [message.body.decode() for message in more]
                for message in more:
                    await it.delete(message.receipt_handle, queue=name)
            assert (received if suffix else sorted(received)) == (expected if suffix else sorted(expected))
        assert await it.problems() == await news.problems() == []
        await it.close()

    asyncio.run(scenario())
