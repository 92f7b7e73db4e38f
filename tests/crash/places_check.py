"""Holds what queues and topics have beyond plain ones, after a restart, against what was acknowledged.

a message of the fair queue, or of those between which messages are moved, is there once, in one of them; nothing
    that was deleted comes back, and no lease is broken (`Model`)
no instant of a schedule was sent for twice
what was appended to the log is there once, where the answer said, and a batch lies together
each published message is in all queues of its topic or in none, once; those of a FIFO topic in the order of
    their groups
a native subscription that is sought to the beginning gets everything that ever was published, once, in that order
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from cumulo.api.queue.v1 import log_pb2 as logs
from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.topics.v1 import topics_pb2 as topics
from cumulo.queue_service.schedule_model import INSTANT_ATTRIBUTE
from tests.crash.ack_log import AckLog, Call, Outcome, read_calls
from tests.crash.places_work import (
    FAIR,
    LOG,
    MOVED_FROM,
    MOVED_TO,
    PREFIX,
    SUBSCRIBERS,
    TICKS,
    TOPICS,
    publish_again,
    queue_of,
    subscription_of,
)
from tests.crash.server_check import _untimed
from tests.crash.server_model import Model
from tests.crash.server_work import CALL_S, LONGER_S, Caller, batch_outcome, name_in, now_ms

PLAIN = (FAIR, MOVED_FROM, MOVED_TO)
HELD_S = 120
DRAIN_S = LONGER_S + 20
KEPT_MESSAGES = 20
STEADY = 3
"""So often the subscribed queues must count the same, until all outboxes are taken to be empty."""


class PlacesHistory:
    """Everything that the logs say so far."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.model = Model(problems=problems)
        self.appended: dict[str, int | None] = {}
        """Name of a record -> its position, None where it was not said."""
        self.batches: list[list[str]] = []
        self.published: dict[str, dict[str, bool]] = {topic: {} for topic in TOPICS}
        """Topic -> names in the order in which each publisher sent them -> whether that was acknowledged."""
        self.delivered: dict[str, list[str]] = {topic: [] for topic in TOPICS}
        """Topic -> what its queues got, over all cycles."""
        self.ticks: set[str] = set()

    def absorb(self, calls: list[Call]) -> None:
        """Take in the calls of clients, in the order in which they were made."""
        mine = [replace(call, op=call.op.removeprefix(PREFIX)) for call in calls if call.op.startswith(PREFIX)]
        self.model.absorb(mine)
        for call in sorted(mine, key=lambda call: call.what["at"]):
            if call.outcome is Outcome.REFUSED:
                continue
            acked = call.outcome is Outcome.ACKED
            if call.op == "append":
                first = call.answer.get("first") if acked else None
                for at, name in enumerate(call.what["names"]):
                    self.appended[name] = None if first is None else first + at
                self.batches.append(call.what["names"])
            elif call.op == "publish":
                published = self.published[call.what["topic"]]
                for name in call.what["names"]:
                    published[name] = published.get(name, False) or acked


class PlacesCheck:
    """Looks at a server over `channel`; the check's own calls are logged, in a file of its own."""

    def __init__(self, history: PlacesHistory, channel: Any, token: str, log_path: Path, seed: str) -> None:
        self.history = history
        self.problems = history.problems
        self.caller = Caller(AckLog.append_to(log_path, f"places-check-{seed}"), channel, token)
        self.log_path = log_path
        self._read = 0

    async def everything(self, calls: list[Call]) -> None:
        """Take in the clients' calls, then look at every place."""
        unclear = [call for call in calls if call.op == f"{PREFIX}publish" and call.outcome is Outcome.UNKNOWN]
        self.history.absorb(calls)
        for call in unclear:
            if call.what["topic"].endswith(".fifo"):  # as its publisher would go on
                await publish_again(self.caller, _untimed(call.what), "")
        self._absorb()
        await self._plain()
        await self._log()
        await self._ticks()
        for topic in TOPICS:
            await self._topic(topic)
        self._absorb()

    def _absorb(self) -> None:
        calls = read_calls(self.log_path.read_bytes().splitlines(keepends=True))
        new, self._read = calls[self._read :], len(calls)
        self.history.absorb(new)

    async def _ask(self, method: Any, request: Any) -> Any:
        return await method(request, timeout=CALL_S, metadata=self.caller.metadata)

    # Queues

    async def _plain(self) -> None:
        """Hold the fair queue and those of move tasks against the model, and empty them as far as one can."""
        listed = queues.ListMessageMoveTasksRequest(source=MOVED_FROM)
        for task in (await self._ask(self.caller.queue.ListMessageMoveTasks, listed)).tasks:
            if task.status == queues.MESSAGE_MOVE_TASK_STATUS_RUNNING:
                cancel = queues.CancelMessageMoveTaskRequest(source=MOVED_FROM, task_id=task.task_id)
                # Refused where it came to its end in between.
                await self.caller.call("move_cancelled", self.caller.queue.CancelMessageMoveTask, cancel)
        names = [name_in(it.message.body) for queue in PLAIN for it in await self._peek(queue)]
        there = set(names)
        must, may = self.history.model.expected_messages()
        self.problems += [f"message {name}: acknowledged and lost" for name in sorted(must - there)]
        self.problems += [f"message {name}: there, but deleted or never sent" for name in sorted(there - must - may)]
        self.problems += [f"message {name}: it stands there twice" for name in there if names.count(name) > 1]
        self.history.model.settle_messages(there, now_ms())
        for queue in PLAIN:
            await self._drain(queue, KEPT_MESSAGES, f"{PREFIX}receive")

    async def _peek(self, queue: str) -> list[Any]:
        found: list[Any] = []
        request = queues.PeekMessagesRequest(queue=queue, max_messages=100)
        while True:
            page = await self._ask(self.caller.queue.PeekMessages, request)
            found += page.messages
            if not page.next_position:
                return found
            request.after_position = page.next_position

    async def _drain(self, queue: str, kept: int, op: str) -> list[Any]:
        """Receive and delete until few are left; return what came."""
        taken: list[Any] = []
        until = now_ms() + DRAIN_S * 1000
        while (left := await self._count(queue)) > kept:
            request = queues.ReceiveMessagesRequest(queue=queue, max_messages=100, visibility_timeout_s=HELD_S)
            method = self.caller.queue.ReceiveMessages
            answer = await self.caller.call(op, method, request, _names, queue=queue, visibility_s=HELD_S)
            if answer.messages:
                taken += answer.messages
                handles = [it.receipt_handle for it in answer.messages]
                delete = queues.BatchDeleteMessagesRequest(queue=queue, receipt_handles=handles)
                method = self.caller.queue.BatchDeleteMessages
                op_of_delete = op.replace("receive", "delete")
                names = _names(answer)["names"]
                await self.caller.call(op_of_delete, method, delete, batch_outcome, names=names)
            elif now_ms() > until:
                self.problems.append(f"queue {queue}: {left} messages do not come out")
                break
            else:
                await asyncio.sleep(0.1)
        return taken

    async def _count(self, queue: str) -> int:
        it = (await self._ask(self.caller.queue.GetQueue, queues.GetQueueRequest(name=queue))).queue
        return int(it.message_count + it.in_flight_count + it.delayed_count)

    # Logs and schedules

    async def _log(self) -> None:
        """Read the log from its beginning."""
        found: dict[str, int] = {}
        request = logs.ReadRecordsRequest(log=LOG, start=logs.LogStart(position=0), max_records=1000)
        while True:
            page = await self._ask(self.caller.logs.ReadRecords, request)
            for record in page.records:
                name = record.body.decode()
                if name in found:
                    self.problems.append(f"record {name}: it stands twice in the log")
                found[name] = record.position
            if page.next_position >= page.end_position:
                break
            request.start.position = page.next_position
        for name, position in self.history.appended.items():
            if position is not None and found.get(name) != position:
                self.problems.append(f"record {name}: acknowledged at {position} and lost, found {found.get(name)}")
        self.problems += [f"record {name}: never appended" for name in found.keys() - self.history.appended.keys()]
        for batch in self.history.batches:
            places = [found[name] for name in batch if name in found]
            if places and places != list(range(places[0], places[0] + len(batch))):
                self.problems.append(f"records {batch[0]} and on were appended together, and lie at {places}")

    async def _ticks(self) -> None:
        """Take what the schedule sent: no instant twice."""
        for message in await self._drain(TICKS, 0, "ticks_receive"):
            instant = message.attributes[INSTANT_ATTRIBUTE].string_value
            if instant in self.history.ticks:
                self.problems.append(f"schedule: {instant} was sent for twice")
            self.history.ticks.add(instant)

    # Topics

    async def _topic(self, topic: str) -> None:
        places = [queue_of(topic, number) for number in range(SUBSCRIBERS)]
        await self._settled(places)
        got = [[it.body.decode() for it in await self._drain(place, 0, "topic_receive")] for place in places]
        for place, names in zip(places[1:], got[1:], strict=True):
            for name in set(got[0]) ^ set(names):
                self.problems.append(f"message {name}: {places[0]} and {place} do not agree that it was published")
        self._look_at(topic, "its queues", got[0])
        for place, names in zip(places, got, strict=True):
            self._check_order(topic, place, names)
        delivered = self.history.delivered[topic]
        self.problems += [f"message {name}: delivered twice" for name in set(got[0]) & set(delivered)]
        delivered += got[0]
        sure = {name for name, acked in self.history.published[topic].items() if acked}
        self.problems += [f"message {name}: acknowledged and lost by {topic}" for name in sure - set(delivered)]
        await self._sought(topic)

    def _look_at(self, topic: str, where: str, names: list[str]) -> None:
        known = self.history.published[topic]
        self.problems += [f"message {name}: never published, in {where}" for name in set(names) - known.keys()]
        self.problems += [f"message {name}: twice in {where}" for name in set(names) if names.count(name) > 1]

    def _check_order(self, topic: str, where: str, names: list[str]) -> None:
        """Check that the messages of each publisher of a FIFO topic come in his order."""
        if not topic.endswith(".fifo"):
            return
        place = {name: at for at, name in enumerate(self.history.published[topic])}
        latest: dict[str, int] = {}
        for name in names:
            publisher = name.rpartition("-")[0].rpartition("-")[2]
            if place.get(name, 0) < latest.get(publisher, -1):
                self.problems.append(f"message {name}: out of the order of its group in {where}")
            latest[publisher] = place.get(name, 0)

    async def _settled(self, places: list[str]) -> None:
        """Wait until outboxes are empty: every queue counts the same, for a while."""
        until = now_ms() + DRAIN_S * 1000
        before: list[int] = []
        steady = 0
        while steady < STEADY and now_ms() < until:
            counts = [await self._count(place) for place in places]
            steady = steady + 1 if len(set(counts)) == 1 and counts == before else 0
            before = counts
            await asyncio.sleep(0.1)

    async def _sought(self, topic: str) -> None:
        """Seek a native subscription to the beginning, and take everything."""
        name = subscription_of(topic)
        seek = topics.SeekSubscriptionRequest(subscription=name, time_ms=0)
        await self._ask(self.caller.topics.SeekSubscription, seek)
        names: list[str] = []
        until = now_ms() + DRAIN_S * 1000
        described = topics.GetSubscriptionRequest(name=name)
        while now_ms() < until:
            pull = topics.PullRequest(subscription=name, max_messages=100, ack_deadline_s=HELD_S)
            messages = (await self._ask(self.caller.topics.Pull, pull)).messages
            names += [it.body.decode() for it in messages]
            if messages:
                handles = [it.receipt_handle for it in messages]
                ack = topics.AcknowledgeRequest(subscription=name, receipt_handles=handles)
                await self._ask(self.caller.topics.Acknowledge, ack)
                continue
            it = (await self._ask(self.caller.topics.GetSubscription, described)).subscription
            if not (it.is_replaying or it.message_count or it.in_flight_count):
                break
            await asyncio.sleep(0.05)
        self._look_at(topic, name, names)
        self._check_order(topic, name, names)
        for missing in set(self.history.delivered[topic]) ^ set(names):
            self.problems.append(f"message {missing}: the queues of {topic} and a replay of it do not agree on it")


def _names(answer: Any) -> dict[str, Any]:
    return {"names": [it.body.split(b" ")[0].decode() for it in answer.messages]}
