"""Logs by the SDK against a real server: appending, reading, tailing, and consumer groups."""

import asyncio
import socket
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from cumulo.client import Client, Log, OutgoingRecord, errors
from cumulo.testing import Server


@pytest.fixture
def log(client: Client, name: str) -> Log:
    return client.log(name, create=True)


def texts(records: Any) -> list[str]:
    return [record.text for record in records]


def test_log_is_made_changed_listed_and_deleted(client: Client, name: str):
    log = client.log(name, create=True, lane_count=2, retention=60)
    changed = log.set(retention_records=5, reset=("retention_s",))
    listed = list(client.logs(name))

    assert (changed.lane_count, changed.retention_s, changed.retention_records) == (2, 604_800, 5)
    assert [(it.name, it.arn) for it in listed] == [(name, changed.arn)]
    assert changed.arn.endswith(f":log/{name}")
    assert (changed.first_position, changed.next_position, changed.size_bytes, changed.last_append) == (0, 0, 0, None)
    with pytest.raises(errors.AlreadyExists):
        client.log(name, create=True, lane_count=3)
    client.log(changed.arn).delete()
    with pytest.raises(errors.NotFound):
        log.info()


def test_records_are_appended_and_read_from_anywhere(log: Log):
    first = log.append({"n": 1}, key="k", attributes={"s": "text", "i": 5, "b": b"\0"})
    time.sleep(0.002)
    second = log.append_batch([b"two", OutgoingRecord(body="three", key="k")])

    (one, two, three) = log.read()

    assert (first.first_position, second.first_position, second.count) == (0, 1, 2)
    assert (one.json(), one.key, one.attributes) == ({"n": 1}, "k", {"s": "text", "i": 5, "b": b"\0"})
    assert (one.position, one.time, three.text, three.key) == (0, first.time, "three", "k")
    assert texts(log.read(1, from_position=1)) == ["two"]
    assert texts(log.read(from_time=first.time + timedelta(milliseconds=1))) == ["two", "three"]
    assert log.read(from_end=True) == []
    assert two.lane == 0
    with pytest.raises(errors.InvalidArgument):
        log.read(from_position=4)
    with pytest.raises(ValueError, match="several"):
        log.read(from_position=1, from_end=True)


def test_an_append_at_a_position_that_is_taken_is_refused(log: Log):
    log.append("a", expected_position=0)

    with pytest.raises(errors.PreconditionFailed) as caught:
        log.append("b", expected_position=0)

    assert (caught.value.code, caught.value.details["next_position"]) == ("LogPositionMismatch", "1")


def test_a_read_waits_for_the_first_record(log: Log):
    def append_later():
        time.sleep(0.2)
        log.append("late")

    threading.Thread(target=append_later).start()
    began = time.monotonic()

    assert texts(log.read(from_end=True, wait=20)) == ["late"]
    assert time.monotonic() - began < 10


def test_tail_shows_what_is_there_and_what_comes(log: Log):
    log.append_batch(str(n) for n in range(3))

    def append_later():
        time.sleep(0.2)
        log.append_batch(str(n) for n in range(3, 6))

    threading.Thread(target=append_later).start()

    assert texts(log.tail(from_position=1, idle_timeout=1)) == ["1", "2", "3", "4", "5"]
    assert texts(log.tail(idle_timeout=0)) == []


def test_tail_takes_more_than_a_page(log: Log):
    with log.append_stream() as stream:
        stream.append_all(str(n) for n in range(2_500))

    assert texts(log.tail(from_position=0, idle_timeout=0)) == [str(n) for n in range(2_500)]


def test_append_stream_keeps_the_order_and_says_positions(log: Log):
    with log.append_stream(window=150) as stream:
        pending = [stream.append(str(n), key="k") for n in range(1_000)]
        stream.flush()

        assert all(it.done for it in pending)
    assert [it.position for it in pending] == list(range(1_000))
    assert texts(log.read(1_000)) == [str(n) for n in range(1_000)]


def test_append_stream_ends_at_what_is_refused_and_appends_nothing_behind_it(log: Log):
    def fill():
        with log.append_stream(window=5) as stream:
            for n in range(100):
                stream.append(str(n), key="k" * (300 if n == 30 else 1))

    with pytest.raises(errors.InvalidArgument) as caught:
        fill()

    assert caught.value.code == "RecordTooLong"
    there = texts(log.read())
    assert there == [str(n) for n in range(len(there))]
    assert len(there) <= 30


def test_append_stream_to_a_log_that_does_not_exist_raises(client: Client, name: str):
    def fill():
        with client.log(name).append_stream() as stream:
            stream.append_all(str(n) for n in range(1_000))

    with pytest.raises(errors.NotFound):
        fill()


def test_consumer_goes_on_where_its_group_committed(log: Log):
    log.append_batch(str(n) for n in range(6))

    with log.consumer("g", idle_timeout=0) as consumer:
        for record in consumer:
            if record.position == 3:
                break
            consumer.commit()
    with log.consumer("g", idle_timeout=0) as consumer:
        rest = texts(consumer)
        consumer.commit()

    assert rest == ["3", "4", "5"]
    (group,) = log.groups()
    assert (group.name, group.lag, group.member_count) == ("g", 0, 0)


def test_group_begins_where_its_first_member_says_and_is_sought(log: Log):
    log.append_batch(str(n) for n in range(6))

    def read_all(group: str, **start: Any) -> list[str]:
        with log.consumer(group, idle_timeout=0, **start) as consumer:
            found = texts(consumer)
            consumer.commit()
        return found

    assert read_all("end", from_end=True) == []
    assert read_all("four", from_position=4) == ["4", "5"]
    assert read_all("four", from_position=0) == []
    log.seek("four", from_position=5)
    assert read_all("four") == ["5"]
    log.seek("four")
    assert read_all("four") == [str(n) for n in range(6)]
    log.delete_group("four")
    assert [group.name for group in log.groups()] == ["end"]


def test_members_share_lanes_and_hand_them_over(client: Client, name: str):
    log = client.log(name, create=True, lane_count=4)
    log.append_batch(OutgoingRecord(body=str(n), key=f"k{n % 16}") for n in range(100))

    with log.consumer("g", idle_timeout=0) as one:
        records = iter(one)
        seen = [int(next(records).text) for _ in range(60)]
        assert list(one.lanes) == [0, 1, 2, 3]
        with log.consumer("g", idle_timeout=0) as two:
            assert list(two.lanes) == []
            one.commit()
            one._look_at = 0.0  # as after a third of the lease
            seen += map(int, texts(records))
            others = [int(text) for text in texts(two)]
            assert (one.lanes, two.lanes) == ((0, 1), (2, 3))
            assert sorted(seen + others) == list(range(100))

            log.append_batch(OutgoingRecord(body=str(n), key=f"k{n % 16}") for n in range(100, 200))
            seen += map(int, texts(one))
            others += map(int, texts(two))
            one.commit()
            two.commit()

    assert sorted(seen + others) == list(range(200))
    (group,) = log.groups()
    assert group.lag == 0


def test_a_consumer_reads_more_than_one_look_brings(log: Log):
    with log.append_stream() as stream:
        stream.append_all(str(n) for n in range(1_700))

    with log.consumer("g", idle_timeout=0) as consumer:
        found = texts(consumer)

    assert found == [str(n) for n in range(1_700)]


def test_a_member_who_lost_his_lane_is_told_at_his_commit(log: Log):
    log.append_batch(str(n) for n in range(3))

    with log.consumer("g", idle_timeout=0) as consumer:
        records = iter(consumer)
        assert next(records).text == "0"
        log.seek("g", from_position=1)

        with pytest.raises(errors.PreconditionFailed) as caught:
            consumer.commit()
        assert caught.value.code == "LaneNotHeld"
        assert texts(records) == ["1", "2"]
        consumer.commit()
    (group,) = log.groups()
    assert group.lag == 0


def test_the_asynchronous_flavour_does_the_same(server: Server, name: str):
    async def scenario() -> None:
        async with server.async_client() as client:
            log = await client.log(name, create=True)
            async with log.append_stream() as stream:
                await stream.append_all(str(n) for n in range(250))
            seen = []
            async with log.consumer("g", idle_timeout=0) as consumer:
                async for record in consumer:
                    seen.append(record.text)
                    if len(seen) % 50 == 0:
                        await consumer.commit()
            assert seen == [str(n) for n in range(250)]

            async def tail() -> list[str]:
                found = []
                async for record in log.tail():
                    found.append(record.text)
                    if len(found) == 3:
                        break
                return found

            tailing = asyncio.create_task(tail())
            await asyncio.sleep(0.2)
            await log.append_batch(["a", "b", "c"])
            assert await asyncio.wait_for(tailing, 10) == ["a", "b", "c"]
            assert [it.lag async for it in log.groups()] == [3]
            assert [it.name async for it in client.logs(name)] == [name]

    asyncio.run(scenario())


@pytest.mark.long
def test_appends_and_consumers_go_on_after_the_server_was_killed(tmp_path):
    server = Server(tmp_path / "data", settings={"grpc_port": free_port()})
    with server, server.client() as client:
        log = client.log("events", create=True)
        with log.append_stream(window=300) as stream:
            stream.append_all(str(n) for n in range(1_500))
            server.kill()
            server.start()
            stream.append_all(str(n) for n in range(1_500, 3_000))
        seen = []
        with log.consumer("g", idle_timeout=0) as consumer:
            for record in consumer:
                seen.append(int(record.text))
                if len(seen) in (700, 1_400):
                    consumer.commit()
                    server.kill()
                    server.start()
        committed = next(iter(log.groups())).lanes[0].position

        assert texts(log.tail(from_position=0, idle_timeout=0)) == [str(n) for n in range(3_000)]
    assert seen == list(range(3_000))
    assert committed == 1_400


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
