"""The client of the server's crash loop that uses what queues and topics have beyond plain ones.

    python -m tests.crash.places_work CLIENT SEED TARGET TOKEN_FILE LOG

A fair queue whose messages have groups and priorities; a dead-letter queue that move tasks empty into another, while it
is sent to; a log; a standard and a FIFO topic that keep what is published, with several queues and a native
subscription each, which is sought back and forth meanwhile. Calls are logged as in `server_work`, their operations with
`place_` before them. A schedule, which the loop makes, needs no client.
"""

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from cumulo.api.queue.v1 import log_pb2 as logs
from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.topics.v1 import topics_pb2 as topics
from tests.crash.ack_log import AckLog
from tests.crash.server_work import VISIBILITY_S, Caller, Lane, ServerGone, batch_outcome, body_of, name_in, work

PREFIX = "place_"
FAIR, MOVED_FROM, MOVED_TO = "places-fair", "places-from", "places-to"
TICKS, SCHEDULE = "places-ticks", "every-second"
LOG = "places-log"
TOPICS = ("places-news", "places-news.fifo")
SUBSCRIBERS = 3
"""Queues of each topic; one more is the native subscription."""
KEEP_S = 86_400
TENANTS = 4
TRIES_MAX = 5


def queue_of(topic: str, number: int) -> str:
    """Return the name of a topic's subscribed queue."""
    name, dot, kind = topic.partition(".")
    return f"{name}-{number}{dot}{kind}"


def subscription_of(topic: str) -> str:
    """Return the name of a topic's native subscription."""
    return f"topics/{topic}/subscriptions/reader"


async def send_fair(lane: Lane) -> None:
    """Send a batch of several tenants, at several priorities."""
    source = lane.random
    names = [lane.name() for _ in range(source.choice((1, 5, 20)))]
    entries = [
        queues.SendMessageEntry(
            body=body_of(name, source.randrange(500)),
            group_id=f"tenant-{min(source.randrange(TENANTS), source.randrange(TENANTS))}",
            priority=source.randrange(10),
        )
        for name in names
    ]
    request = queues.BatchSendMessagesRequest(queue=FAIR, entries=entries)
    what = {"queue": FAIR, "messages": dict.fromkeys(names, 0), "delay_s": 0}
    await lane.caller.call(f"{PREFIX}send", lane.caller.queue.BatchSendMessages, request, batch_outcome, **what)
    await asyncio.sleep(source.uniform(0, 0.02))


async def take_fair(lane: Lane) -> None:
    """Take some messages of the fair queue, and delete most."""
    await take(lane, FAIR)


async def send_to_move(lane: Lane) -> None:
    """Send to the queue that is emptied, or let it be emptied."""
    caller, source = lane.caller, lane.random
    if source.random() < 0.3:
        start = queues.StartMessageMoveTaskRequest(source=MOVED_FROM, destination=MOVED_TO)
        if source.random() < 0.5:
            start.max_messages_per_s = 100
        await caller.call(f"{PREFIX}move", caller.queue.StartMessageMoveTask, start)  # refused while one runs
    names = [lane.name() for _ in range(source.choice((1, 10)))]
    entries = [queues.SendMessageEntry(body=body_of(name, 10)) for name in names]
    request = queues.BatchSendMessagesRequest(queue=MOVED_FROM, entries=entries)
    what = {"queue": MOVED_FROM, "messages": dict.fromkeys(names, 0), "delay_s": 0}
    await caller.call(f"{PREFIX}send", caller.queue.BatchSendMessages, request, batch_outcome, **what)
    await asyncio.sleep(source.uniform(0, 0.03))


async def take_moved(lane: Lane) -> None:
    """Take some of what was moved, and delete most."""
    await take(lane, MOVED_TO)


async def take(lane: Lane, queue: str) -> None:
    """Receive from a queue, and delete most of what came."""
    caller, source = lane.caller, lane.random
    request = queues.ReceiveMessagesRequest(
        queue=queue, max_messages=source.choice((1, 10, 50)), wait_s=1, visibility_timeout_s=VISIBILITY_S
    )
    answer = await caller.call(
        f"{PREFIX}receive",
        caller.queue.ReceiveMessages,
        request,
        lambda it: {"names": [name_in(message.body) for message in it.messages]},
        queue=queue,
        visibility_s=VISIBILITY_S,
    )
    if answer is None:
        return
    doomed = {name_in(it.body): it.receipt_handle for it in answer.messages if source.random() < 0.8}
    if doomed:
        delete = queues.BatchDeleteMessagesRequest(queue=queue, receipt_handles=list(doomed.values()))
        method = caller.queue.BatchDeleteMessages
        await caller.call(f"{PREFIX}delete", method, delete, batch_outcome, names=list(doomed))


async def append(lane: Lane) -> None:
    """Append to the log, half of the time under an idempotency id."""
    caller, source = lane.caller, lane.random
    names = [lane.name() for _ in range(source.choice((1, 5, 30)))]
    entries = [logs.AppendEntry(body=name.encode(), key=name.rpartition("-")[0]) for name in names]
    request = logs.AppendRecordsRequest(log=LOG, entries=entries, request_id=lane.request_id())
    await caller.call(
        f"{PREFIX}append",
        caller.logs.AppendRecords,
        request,
        lambda it: {"first": it.first_position},
        names=names,
    )
    await asyncio.sleep(source.uniform(0, 0.02))


async def publish(lane: Lane) -> None:
    """Publish to a topic: to the FIFO one again and again under the same deduplication ids until it is acknowledged."""
    source = lane.random
    topic = source.choice(TOPICS)
    names = [lane.name() for _ in range(source.choice((1, 3, 10)))]
    tries = TRIES_MAX if topic.endswith(".fifo") else 1
    what = {"topic": topic, "names": names, "group": f"{lane.client.partition('.')[0]}-{lane.lane}"}
    for _ in range(tries):
        if await publish_again(lane.caller, what, lane.request_id()) is not None:
            break
        await asyncio.sleep(0.1)
    else:
        if topic.endswith(".fifo"):
            raise ServerGone  # whatever this publisher said now, nobody knew its place
    await asyncio.sleep(source.uniform(0, 0.03))


async def publish_again(caller: Caller, what: dict[str, Any], request_id: str) -> Any:
    """Publish what a call says."""
    fifo = what["topic"].endswith(".fifo")
    entries = [
        topics.PublishEntry(
            body=name.encode(),
            group_id=what["group"] if fifo else None,
            deduplication_id=name if fifo else None,
        )
        for name in what["names"]
    ]
    request = topics.PublishRequest(topic=what["topic"], entries=entries, request_id=request_id)
    return await caller.call(f"{PREFIX}publish", caller.topics.Publish, request, **what)


async def seek(lane: Lane) -> None:
    """Let a native subscription begin anew, from the beginning or the end, sometimes amid another seek."""
    caller, source = lane.caller, lane.random
    target: dict[str, Any] = {"end": True} if source.random() < 0.5 else {"time_ms": 0}
    request = topics.SeekSubscriptionRequest(
        subscription=subscription_of(source.choice(TOPICS)),
        request_id=str(uuid.UUID(int=source.getrandbits(128))),
        **target,
    )
    await caller.call(f"{PREFIX}seek", caller.topics.SeekSubscription, request)
    await asyncio.sleep(source.uniform(0, 0.2))


LANES = (
    (Lane, send_fair),
    (Lane, take_fair),
    (Lane, take_fair),
    (Lane, send_to_move),
    (Lane, take_moved),
    (Lane, append),
    (Lane, publish),
    (Lane, publish),
    (Lane, seek),
)


def main() -> None:
    """Run as the module docstring says."""
    client, seed, target, token_file, path = sys.argv[1:]
    log = AckLog.append_to(Path(path), client)
    token = json.loads(Path(token_file).read_text())["token"]
    asyncio.run(work(LANES, client, seed, target, token, log))


if __name__ == "__main__":
    main()
