"""All features of queues at once: whatever is combined, each message is in one queue as it was sent, or was deleted.

Messages with groups, priorities, delays and schedules go between queues that are encrypted in different ways, by
receives beyond their number, move tasks, selections and commits, while queues change their ways and the server is
started anew. A plain list of what was sent and not deleted stands beside it.
"""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model, move_model
from cumulo.queue_service.errors import MOVE_TASK_IS_RUNNING
from cumulo.queue_service.message_model import CommitDelete, CommitMessages, CommitSend
from cumulo.queue_service.model import DeadLetterPolicy
from cumulo.queue_service.move_model import SelectedMessage

STANDARD = ("plain", "managed", "kms", "dead")
FIFO = ("a.fifo", "b.fifo", "dead.fifo")
LARGE = b"x" * 70_000
"""In two pieces."""
BATCH = 10
ACTS = (
    *("send", "send", "send", "receive and delete", "receive and leave", "hold", "advance", "advance"),
    *("move ready", "move held", "commit", "move task", "encryption", "restart", "acknowledge"),
)


class Walk:
    """One random way through the features; `there` is what must be in the queues: the other fields by each body."""

    def __init__(self, it: Any, seed: int) -> None:
        self.it = it
        self.dice = random.Random(seed)
        self.there: dict[bytes, tuple[Any, ...]] = {}
        self.sent = 0

    async def begin(self) -> None:
        """Make the queues."""
        await self.it.create("dead", managed_sse_enabled=False)
        await self.it.create("dead.fifo", content_based_deduplication=True)
        ways: dict[str, dict[str, Any]] = {
            "plain": {"managed_sse_enabled": False},
            "managed": {},
            "kms": {"kms_master_key_id": "alias/a"},
        }
        for name, way in ways.items():
            await self.it.create(name, dead_letter_policy=DeadLetterPolicy("dead", 2), visibility_timeout_s=5, **way)
        for name in ("a.fifo", "b.fifo"):
            policy = DeadLetterPolicy("dead.fifo", 2)
            await self.it.create(
                name, dead_letter_policy=policy, visibility_timeout_s=5, content_based_deduplication=True
            )

    def entry(self, queue: str) -> message_model.SendEntry:
        """Return a new message for a queue, and expect it there."""
        dice = self.dice
        self.sent += 1
        body = b"%d " % self.sent + dice.choice((b"", b"", LARGE))
        more: dict[str, Any] = {"group_id": f"g{dice.randrange(4)}", "trace_header": f"Root={self.sent}"}
        if queue in STANDARD:
            more["group_id"] = dice.choice((None, more["group_id"]))
            more["priority"] = dice.choice((None, dice.randrange(10)))
            when = dice.randrange(5)
            if when == 0:
                more["delay_s"] = dice.choice((3, 2_000))
            elif when == 1:
                more["deliver_at_ms"] = self.it.clock.wall_ms() + dice.choice((-1_000, 4_000, 2_000_000))
        attributes = (message_model.MessageAttribute("number", "Number", b"%d" % self.sent),)
        self.there[body] = (more["group_id"] or "", more.get("priority"), more["trace_header"], attributes)
        return message_model.SendEntry(body, attributes, **more)

    def queue(self, of: tuple[str, ...] = STANDARD + FIFO) -> str:
        return self.dice.choice(of)

    def beside(self, queue: str) -> str:
        """Return another queue of the same kind."""
        return self.queue(tuple(name for name in (STANDARD if queue in STANDARD else FIFO) if name != queue))

    async def act(self, what: str) -> None:
        """Do one thing."""
        it, dice, queue = self.it, self.dice, self.queue()
        match what:
            case "send":
                entries = tuple(self.entry(queue) for _ in range(dice.randint(1, BATCH)))
                answers = await it.call("BatchSendMessages", message_model.SendMessages(queue=queue, entries=entries))
                assert all(isinstance(answer, message_model.SentMessage) for answer in answers)
            case "receive and delete" | "acknowledge":
                got = await it.receive(BATCH, queue=queue)
                handles = tuple(message.receipt_handle for message in got)
                if handles:
                    request = message_model.DeleteMessages(
                        queue=queue, receipt_handles=handles, exactly_once=what == "acknowledge"
                    )
                    assert await it.call("BatchDeleteMessages", request) == (None,) * len(handles)
                self.deleted(got)
            case "receive and leave":
                await it.receive(BATCH, queue=queue, visibility_timeout_s=dice.choice((0, 3)))
            case "hold":
                for message in await it.receive(BATCH, queue=queue):
                    for seconds in dice.sample((1, 4, 8, 0), 2):
                        await it.hold(message.receipt_handle, seconds or 2, queue=queue)
            case "advance":
                await it.advance(dice.choice((1, 4, 10, 2_000)))
            case "move ready":
                page = await it.call("PeekMessages", message_model.PeekMessages(queue=queue, max_messages=BATCH))
                selected = tuple(SelectedMessage(each.position, each.message_id) for each in page.messages)
                await self.move(queue, selected)
            case "move held":
                got = await it.receive(BATCH, queue=queue)
                await self.move(queue, tuple(SelectedMessage(receipt_handle=each.receipt_handle) for each in got))
            case "commit":
                got = await it.receive(3, queue=queue)
                targets = [self.queue() for _ in range(3)]
                sends = tuple(CommitSend(target, self.entry(target)) for target in targets)
                deletes = tuple(CommitDelete(queue, message.receipt_handle) for message in got)
                await it.call("CommitMessages", CommitMessages(sends=sends, deletes=deletes))
                self.deleted(got)
            case "move task":
                source, target = dice.choice(
                    (("dead", "kms"), ("dead", ""), ("dead.fifo", "b.fifo"), ("dead.fifo", ""))
                )
                await self.start_move_task(source, target)
            case "encryption":
                way: dict[str, Any] = dice.choice(({"managed_sse_enabled": True}, {"managed_sse_enabled": False}))
                way = dice.choice((way, {"kms_master_key_id": f"alias/{dice.randrange(3)}"}))
                await it.update(queue, **way)
            case "restart":
                await it.restart()

    async def move(self, queue: str, selected: tuple[SelectedMessage, ...]) -> None:
        if selected:
            request = move_model.MoveMessages(source=queue, destination=self.beside(queue), messages=selected)
            await self.it.call("MoveMessages", request)

    async def start_move_task(self, source: str, target: str) -> None:
        try:
            request = move_model.StartMessageMoveTask(source=source, destination=target)
            await self.it.call("StartMessageMoveTask", request)
        except ServiceError as error:
            assert error.row is MOVE_TASK_IS_RUNNING, error  # noqa: PT017

    def deleted(self, messages: list[message_model.Message]) -> None:
        for message in messages:
            del self.there[message.body]

    async def found(self) -> dict[bytes, tuple[Any, ...]]:
        """Return what is in the queues; each message is in one of them."""
        found: dict[bytes, tuple[Any, ...]] = {}
        for queue in STANDARD + FIFO:
            after = -1
            while after:
                request = message_model.PeekMessages(queue=queue, max_messages=100, after=max(after, 0))
                page = await self.it.call("PeekMessages", request)
                for it in page.messages:
                    assert it.body not in found, (queue, it.body)
                    priority = self.there.get(it.body, ("", None))[1]
                    assert it.priority == (4 if priority is None else priority)
                    found[it.body] = (it.group_id, priority, it.trace_header, it.attributes)
                after = page.next_position
        return found

    async def drain(self) -> None:
        """Receive and delete everything: nothing is stuck anywhere."""
        while self.there:
            before = len(self.there)
            for queue in STANDARD + FIFO:
                await self.empty(queue)
            if len(self.there) == before:
                await self.it.advance(2_000)

    async def empty(self, queue: str) -> None:
        while got := await self.it.receive(BATCH, queue=queue):
            for message in got:
                await self.it.delete(message.receipt_handle, queue=queue)
            self.deleted(got)


async def walk(make_stand: Any, folder: Any, seed: int, steps: int) -> None:
    it = make_stand(folder)
    await it.open()
    try:
        going = Walk(it, seed)
        await going.begin()
        for _ in range(steps):
            await going.act(going.dice.choice(ACTS))
        assert await going.found() == going.there
        assert await it.problems() == []
        await going.drain()
        assert await it.problems() == []
        for queue in STANDARD + FIFO:
            assert await it.counts(queue) == (0, 0, 0)
    finally:
        await it.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(5, 60))
def test_every_message_is_in_one_queue_as_it_was_sent_whatever_is_combined(make_stand, seed, steps):
    asyncio.run(walk(make_stand, None, seed, steps))


@pytest.mark.long
@pytest.mark.timeout(300)
def test_long_walks_end_well_on_disk_too(make_stand, tmp_path):
    for seed in range(12):
        asyncio.run(walk(make_stand, tmp_path / f"{seed}", seed, 300))
