"""The client of the server's crash loop that uses FIFO queues: producers that repeat what may be lost, and consumers.

    python -m tests.crash.fifo_work CLIENT SEED TARGET TOKEN_FILE LOG

A group belongs to one producer, who sends to it one message after the other, each again and again under its
deduplication id until it is acknowledged: so it is known in which order a group's messages are. What was acknowledged
is sometimes sent again, too; the answer must be the first one's. Groups outlive the cycles. Calls are logged as in
`server_work`, their operations with `fifo_` before them.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from cumulo.api.queue.v1 import queue_pb2 as queues
from tests.crash.ack_log import AckLog
from tests.crash.server_work import (
    LONGER_S,
    VISIBILITY_S,
    Caller,
    Lane,
    ServerGone,
    batch_outcome,
    body_of,
    name_in,
    work,
)

DELAYS_S = {"crash.fifo": 0, "crash-late.fifo": 1}
"""The queues, and how long each delays its messages."""
GROUPS_PER_PRODUCER = 8
TRIES_MAX = 5


async def send(lane: Lane) -> None:
    """Send one message, or some in a batch to all groups of this producer; sometimes again what was acknowledged."""
    source = lane.random
    queue = source.choice(list(DELAYS_S))
    producer = f"{lane.client.partition('.')[0]}-{lane.lane}"
    messages, groups = {}, {}
    for _ in range(source.choice((1, 1, 4, 10))):
        name = lane.name()
        messages[name] = source.randrange(1_500)
        groups[name] = f"{producer}-{source.randrange(GROUPS_PER_PRODUCER)}"
    what = {"queue": queue, "messages": messages, "groups": groups, "delay_s": DELAYS_S[queue]}
    for _ in range(TRIES_MAX):
        if await send_again(lane.caller, what) is not None:
            break
        await asyncio.sleep(0.1)
    else:
        lane.caller.wrong(f"{queue}: {list(messages)} were not taken in {TRIES_MAX} tries")
        raise ServerGone  # whatever this producer sent now, nobody knew its place
    if source.random() < 0.1:
        await send_again(lane.caller, what)
    await asyncio.sleep(source.uniform(0, 0.02))


async def send_again(caller: Caller, what: dict[str, Any]) -> Any:
    """Send what a call says, under its deduplication ids, which are the messages' names."""
    queue, groups = what["queue"], what["groups"]
    entries = [
        {"body": body_of(name, padding), "group_id": groups[name], "deduplication_id": name}
        for name, padding in what["messages"].items()
    ]
    if len(entries) == 1:
        alone = queues.SendMessageRequest(queue=queue, **entries[0])
        return await caller.call(
            "fifo_send",
            caller.queue.SendMessage,
            alone,
            lambda answer: {"sent": [[answer.message_id, answer.sequence_number]]},
            **what,
        )
    batch = queues.BatchSendMessagesRequest(queue=queue, entries=[queues.SendMessageEntry(**it) for it in entries])
    return await caller.call("fifo_send", caller.queue.BatchSendMessages, batch, _batch_sent, **what)


def _batch_sent(answer: Any) -> dict[str, Any]:
    sent = [[result.sent.message_id, result.sent.sequence_number] for result in answer.results]
    return {"sent": sent, **batch_outcome(answer)}


async def take(caller: Caller, queue: str, visibility_s: int, max_messages: int, wait_s: int = 1) -> Any:
    """Receive, and log what came."""
    request = queues.ReceiveMessagesRequest(
        queue=queue, max_messages=max_messages, wait_s=wait_s, visibility_timeout_s=visibility_s
    )
    return await caller.call(
        "fifo_receive",
        caller.queue.ReceiveMessages,
        request,
        lambda answer: {
            "names": [name_in(message.body) for message in answer.messages],
            "seen": [[it.group_id, it.message_id, it.sequence_number] for it in answer.messages],
        },
        queue=queue,
        visibility_s=visibility_s,
    )


async def delete(caller: Caller, queue: str, doomed: dict[str, str]) -> None:
    """Delete received messages, by their names and handles."""
    request = queues.BatchDeleteMessagesRequest(queue=queue, receipt_handles=list(doomed.values()))
    await caller.call(
        "fifo_delete", caller.queue.BatchDeleteMessages, request, batch_outcome, queue=queue, names=list(doomed)
    )


async def receive(lane: Lane) -> None:
    """Take some messages, then delete most, give some back, hold some longer, and forget the rest. Where the visibility
    timeout was 0 the receipts have expired, and nothing may be deleted by them.
    """
    caller, source = lane.caller, lane.random
    queue = source.choice(list(DELAYS_S))
    visibility_s = 0 if source.random() < 0.1 else VISIBILITY_S
    answer = await take(caller, queue, visibility_s, source.choice((1, 3, 10)), wait_s=source.choice((0, 1)))
    if answer is None:
        return
    doomed = {}
    for message in answer.messages:
        name = name_in(message.body)
        draw = source.random()
        if draw < 0.94:
            doomed[name] = message.receipt_handle
        elif draw < 0.98:
            timeout_s = 0 if draw < 0.97 else LONGER_S
            request = queues.ChangeMessageVisibilityRequest(
                queue=queue, receipt_handle=message.receipt_handle, visibility_timeout_s=timeout_s
            )
            method = caller.queue.ChangeMessageVisibility
            await caller.call("fifo_extend", method, request, queue=queue, name=name, visibility_timeout_s=timeout_s)
    if doomed:
        await delete(caller, queue, doomed)
    else:
        await asyncio.sleep(source.uniform(0, 0.02))


LANES = ((Lane, send), (Lane, send), (Lane, receive), (Lane, receive), (Lane, receive))


def main() -> None:
    """Run as the module docstring says."""
    client, seed, target, token_file, path = sys.argv[1:]
    log = AckLog.append_to(Path(path), client)
    token = json.loads(Path(token_file).read_text())["token"]
    asyncio.run(work(LANES, client, seed, target, token, log))


if __name__ == "__main__":
    main()
