"""A server that is killed around appends, commits of a group and trims of logs: what was acknowledged is there, in
order, once; committed positions never go back.
"""

from pathlib import Path

import msgspec
import pytest

from cumulo.client import Client
from cumulo.client.errors import CumuloError
from cumulo.testing import Server
from tests.crash.test_move_tasks import problems

ROUNDS_MAX = 2_000
"""More than any failpoint below lets happen."""
KEPT = 20
"""Records that the short log keeps, so that its trims are deeds of the due index."""
LARGE = "x" * 100_000
KILLS = (
    "engine.before_commit=crash@25",
    "engine.after_commit=crash@40",
    "engine.rerun=crash@30",
    "engine.rerun=error@30;engine.before_commit=crash@60",
    "due.before_deed=crash@1",
    "due.after_deed=crash@1",
    "engine.after_commit=crash@77",
)


class Told(msgspec.Struct):
    """What the client knows: each batch with the position that was acknowledged, and the commits."""

    batches: list[tuple[list[str], int | None]] = []
    committed: int = 0
    tried: int = 0
    short: int = 0


def work_until_killed(client: Client, told: Told) -> None:
    """Append to both logs and consume one of them, one call after the other, and note what was acknowledged."""
    log, short = client.log("events"), client.log("short")
    with log.consumer("g", lease=5) as consumer:
        records = iter(consumer)
        for number in range(ROUNDS_MAX):
            batch = [f"{len(told.batches)}-{n}" + (LARGE if number % 10 == n == 0 else "") for n in range(3)]
            told.batches.append((batch, None))
            told.batches[-1] = (batch, log.append_batch(batch).first_position)
            short.append_batch(batch)
            told.short += 3
            for _ in range(2):
                told.tried = next(records).position + 1
            consumer.commit()
            told.committed = told.tried


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("lanes", [1, 3])
def test_logs_keep_what_was_acknowledged_when_the_server_is_killed_at_any_point(tmp_path: Path, lanes: int) -> None:
    data = tmp_path / "data"
    told = Told()
    with Server(data) as server, server.client() as client:
        client.log("events", create=True, lane_count=1)
        client.log("short", create=True, lane_count=lanes, retention_records=KEPT)

    for failpoints in KILLS:
        with Server(data, environment={"CUMULO_FAILPOINTS": failpoints}) as server:
            with server.client(retries=False, timeout=5) as client, pytest.raises(CumuloError):
                work_until_killed(client, told)
            server.kill()
        assert problems(data) == []

        with Server(data) as server, server.client() as client:
            check(client, told)
            server.kill()
    assert problems(data) == []
    assert told.committed > 0
    assert told.short > KEPT


def check(client: Client, told: Told) -> None:
    """Compare what there is with what was told."""
    found = [record.text for record in client.log("events").tail(from_position=0, idle_timeout=0)]
    expected: list[str] = []
    for index, (batch, position) in enumerate(told.batches):
        there = found[len(expected) : len(expected) + 3] == batch
        assert position is None or (there and position == len(expected)), (index, position)
        if there:
            told.batches[index] = (batch, len(expected))  # certain from now on
            expected += batch
    told.batches = [it for it in told.batches if it[1] is not None]
    assert found == expected
    position = next((group.lanes[0].position for group in client.log("events").groups()), 0)
    assert told.committed <= position <= max(told.tried, told.committed)
    told.committed = told.tried = position
