"""Holds a restarted server's FIFO queues against their history: what is there, in which order, and that it comes out.

First what was sent is sent again under its deduplication ids: it must be what it was before the kill. Then each queue
is looked at without taking anything, and at last emptied by receives, all but a few messages for the next cycle.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

from cumulo.api.queue.v1 import queue_pb2 as queues
from tests.crash.ack_log import AckLog, Call, Outcome, read_calls
from tests.crash.fifo_history import PREFIX, FifoHistory
from tests.crash.fifo_work import DELAYS_S, delete, send_again, take
from tests.crash.server_work import CALL_S, LONGER_S, Caller, name_in, now_ms

HELD_S = 120
DRAIN_S = LONGER_S + 8
KEPT_MESSAGES = 20
REPEATED = 5
"""Acknowledged sends that are made again."""


class FifoCheck:
    """Looks at a server over `channel`; the check's own calls are logged, in a file of its own."""

    def __init__(self, history: FifoHistory, channel: Any, token: str, log_path: Path, seed: str) -> None:
        self.history = history
        self.caller = Caller(AckLog.append_to(log_path, f"fifo-check-{seed}"), channel, token)
        self.log_path = log_path
        self.random = random.Random(seed)
        self._read = 0

    async def everything(self, calls: list[Call]) -> None:
        """Take in the clients' calls, then look at every queue."""
        self.history.absorb(calls)
        await self._repeat([call for call in calls if call.op == f"{PREFIX}send"])
        there = [name for queue in DELAYS_S for name in await self._look(queue)]
        self.history.model.settle_messages(set(there), now_ms())
        for queue in DELAYS_S:
            await self._drain(queue)
        self._absorb()

    def _absorb(self) -> None:
        calls = read_calls(self.log_path.read_bytes().splitlines(keepends=True))
        new, self._read = calls[self._read :], len(calls)
        self.history.absorb(new)

    async def _repeat(self, sends: list[Call]) -> None:
        """Repeat what is unclear, in the order in which it was sent, as the producers would, and some of the rest."""
        unclear = [call for call in sends if call.outcome is Outcome.UNKNOWN]
        acked = [call for call in sends if call.outcome is Outcome.ACKED]
        for call in [*unclear, *self.random.sample(acked, min(REPEATED, len(acked)))]:
            what = {name: value for name, value in call.what.items() if name != "at"}
            if await send_again(self.caller, what) is None:
                self.history.problems.append(f"{call.call}: refused when it was sent again")
        self._absorb()

    async def _look(self, queue: str) -> list[str]:
        """Return what is in a queue: every message once, in the order of its group."""
        problems = self.history.problems
        names: list[str] = []
        request = queues.PeekMessagesRequest(queue=queue, max_messages=100)
        while True:
            page = await self.caller.queue.PeekMessages(request, timeout=CALL_S, metadata=self.caller.metadata)
            for peeked in page.messages:
                name = name_in(peeked.message.body)
                names.append(name)
                if name in self.history.identities:
                    it = peeked.message
                    self.history.identify(name, it.message_id, it.sequence_number, f"a look at {queue}")
            if not page.next_position:
                break
            request.after_position = page.next_position
        there = set(names)
        must, may = self.history.expected(queue)
        problems += [f"message {name}: acknowledged and lost from {queue}" for name in sorted(must - there)]
        problems += [f"message {name}: in {queue}, but deleted or never sent" for name in sorted(there - must - may)]
        if len(there) != len(names):
            problems.append(f"{queue}: {len(names) - len(there)} messages stand there twice")
        return names

    async def _drain(self, queue: str) -> None:
        """Receive and delete until few are left, or sometimes none: no group may stay blocked."""
        kept = self.random.choice((0, KEPT_MESSAGES))
        until = now_ms() + DRAIN_S * 1000
        while (left := await self._count(queue)) > kept:
            answer = await take(self.caller, queue, HELD_S, max_messages=100, wait_s=0)
            if answer is not None and answer.messages:
                handles = {name_in(message.body): message.receipt_handle for message in answer.messages}
                await delete(self.caller, queue, handles)
            elif now_ms() > until:
                self.history.problems.append(f"queue {queue}: {left} messages do not come out")
                break
            else:
                await asyncio.sleep(0.1)

    async def _count(self, queue: str) -> int:
        request = queues.GetQueueRequest(name=queue)
        it = (await self.caller.queue.GetQueue(request, timeout=CALL_S, metadata=self.caller.metadata)).queue
        return int(it.message_count + it.in_flight_count + it.delayed_count)
