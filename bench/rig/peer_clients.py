"""The load on other brokers: client processes with the Python clients that their users have.

Each does what clients.py does to our server, by the same plan: connect, wait at the gate, work, report. `Plan.batch`
messages are under way at once: with one, a message is confirmed before the next is published, and acknowledged before
the next is delivered; with more, each client sends as many together as is its users' way. A consumer's message counts
as done when its acknowledgement, which no broker answers but Redis, is sent.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from rig.clients import CALL_S, POLL_WAIT_S, Client, Failed, Plan, Report, Shared
from rig.peers import GROUP, QUEUE, SUBJECT

DONE_LOOK_S = 0.02
GROUPS_UNDER_WAY = 8
"""Groups of JetStream's messages that wait for their answers, as many as frames of a stream of ours."""


def run(plan: Plan, shared: Shared, answer: Connection) -> None:
    """Be a client process."""
    try:
        answer.send(ROLES[plan.role](Client(plan, shared)))
    except BaseException as error:  # noqa: BLE001 - the parent shows it
        shared.gate.abort()
        answer.send(Failed(f"{type(error).__name__}: {error}"))


def _address(client: Client) -> tuple[str, int]:
    host, _, port = client.plan.target.rpartition(":")
    return host, int(port)


async def _all_done(client: Client) -> None:
    while not client.all_done:  # noqa: ASYNC110 - told by other processes
        await asyncio.sleep(DONE_LOOK_S)


# RabbitMQ


async def _rabbitmq_channel(client: Client) -> tuple[Any, Any]:
    import pika  # noqa: PLC0415 - the child's own import
    from pika.adapters.asyncio_connection import AsyncioConnection  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    opened, channel_opened = loop.create_future(), loop.create_future()
    host, port = _address(client)
    connection = AsyncioConnection(
        pika.ConnectionParameters(host, port),
        on_open_callback=opened.set_result,
        on_open_error_callback=lambda _, error: opened.set_exception(error),
    )
    await asyncio.wait_for(opened, CALL_S)
    connection.channel(on_open_callback=channel_opened.set_result)
    return connection, await asyncio.wait_for(channel_opened, CALL_S)


def _rabbitmq_produce(client: Client) -> Report:
    return asyncio.run(_rabbitmq_publish(client))


async def _rabbitmq_publish(client: Client) -> Report:
    import pika  # noqa: PLC0415 - as above

    connection, channel = await _rabbitmq_channel(client)
    loop = asyncio.get_running_loop()
    selected, done = loop.create_future(), loop.create_future()
    under_way: dict[int, float] = {}
    persistent = pika.BasicProperties(delivery_mode=2)
    number = 0

    def publish() -> None:
        nonlocal number
        number += 1
        under_way[number] = time.monotonic()
        channel.basic_publish(client.plan.exchange, QUEUE, client.body, persistent)

    def settled(frame: Any) -> None:
        if not isinstance(frame.method, pika.spec.Basic.Ack):
            done.set_exception(RuntimeError(f"not taken: {frame}"))
            return
        tag = frame.method.delivery_tag
        for one in [at for at in under_way if at <= tag] if frame.method.multiple else (tag,):
            client.did(1, under_way.pop(one))
        while client.in_time and len(under_way) < client.plan.batch:
            publish()
        if not under_way and not done.done():
            done.set_result(None)

    channel.confirm_delivery(settled, callback=selected.set_result)
    await selected
    started = await asyncio.to_thread(client.begin)
    for _ in range(client.plan.batch):
        publish()
    await asyncio.wait_for(done, client.plan.seconds + CALL_S)
    connection.close()
    return client.report(started)


def _rabbitmq_consume(client: Client) -> Report:
    return asyncio.run(_rabbitmq_deliver(client))


async def _rabbitmq_deliver(client: Client) -> Report:
    connection, channel = await _rabbitmq_channel(client)

    def delivered(_channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        began = time.monotonic()
        assert len(body) == client.plan.size_bytes, len(body)
        channel.basic_ack(method.delivery_tag)
        client.did(1, began)
        client.deleted(1)

    started = await asyncio.to_thread(client.begin)
    channel.basic_qos(prefetch_count=client.plan.batch)
    channel.basic_consume(QUEUE, delivered)
    await _all_done(client)
    connection.close()
    await asyncio.sleep(DONE_LOOK_S)
    return client.report(started)


# Redis


def _redis(client: Client) -> Any:
    from redis import Redis  # noqa: PLC0415 - the child's own import

    host, port = _address(client)
    connection = Redis(host, port, socket_timeout=CALL_S)
    connection.ping()
    return connection


def _redis_produce(client: Client) -> Report:
    with _redis(client) as connection:
        started = client.begin()
        while client.in_time:
            began = time.monotonic()
            pipeline = connection.pipeline(transaction=False)
            for _ in range(client.plan.batch):
                pipeline.xadd(QUEUE, {"body": client.body})
            pipeline.execute()
            client.did(client.plan.batch, began)
    return client.report(started)


def _redis_consume(client: Client) -> Report:
    with _redis(client) as connection:
        started = client.begin()
        name = str(client.plan.number)
        while not client.all_done:
            began = time.monotonic()
            asked = {QUEUE: ">"}
            read = connection.xreadgroup(GROUP, name, asked, count=client.plan.batch, block=POLL_WAIT_S * 1000)
            if not read:
                continue
            ((_, entries),) = read
            ids = [identifier for identifier, _ in entries]
            pipeline = connection.pipeline(transaction=False)
            pipeline.xack(QUEUE, GROUP, *ids)
            pipeline.xdel(QUEUE, *ids)
            assert pipeline.execute() == [len(ids)] * 2
            client.did(len(ids), began)
            client.deleted(len(ids))
    return client.report(started)


# NATS JetStream


async def _nats(client: Client) -> tuple[Any, Any]:
    from nats import connect  # noqa: PLC0415 - the child's own import

    connection = await connect(f"nats://{client.plan.target}", connect_timeout=CALL_S)
    stream = connection.jetstream(timeout=CALL_S, publish_async_max_pending=client.plan.batch * GROUPS_UNDER_WAY)
    return connection, stream


def _nats_produce(client: Client) -> Report:
    return asyncio.run(_nats_publish(client))


async def _nats_publish(client: Client) -> Report:
    connection, stream = await _nats(client)
    started = await asyncio.to_thread(client.begin)
    groups: deque[tuple[float, list[Any]]] = deque()
    while client.in_time or groups:
        if client.in_time and len(groups) < GROUPS_UNDER_WAY:
            answers = [await stream.publish_async(SUBJECT, client.body) for _ in range(client.plan.batch)]
            groups.append((time.monotonic(), answers))
        else:
            began, answers = groups.popleft()
            await asyncio.gather(*answers)
            client.did(len(answers), began)
    await connection.close()
    return client.report(started)


def _nats_consume(client: Client) -> Report:
    return asyncio.run(_nats_fetch(client))


async def _nats_fetch(client: Client) -> Report:
    connection, stream = await _nats(client)
    pull = await stream.pull_subscribe(SUBJECT, durable=GROUP, stream=QUEUE)
    started = await asyncio.to_thread(client.begin)
    while not client.all_done:
        began = time.monotonic()
        try:
            messages = await pull.fetch(client.plan.batch, timeout=POLL_WAIT_S)
        except TimeoutError:  # nothing came
            continue
        for message in messages:
            await message.ack()
        client.did(len(messages), began)
        client.deleted(len(messages))
    await connection.close()
    return client.report(started)


ROLES: dict[str, Callable[[Client], Report]] = {
    "rabbitmq_produce": _rabbitmq_produce,
    "rabbitmq_consume": _rabbitmq_consume,
    "redis_produce": _redis_produce,
    "redis_consume": _redis_consume,
    "nats_produce": _nats_produce,
    "nats_consume": _nats_consume,
}
