"""The server's crash loop: a short run of it, and that its model sees what it is there to see."""

import asyncio
from typing import Any

import grpc
import pytest

from tests.crash.ack_log import Call, Outcome
from tests.crash.server_loop import FIFO_CLIENT, Loop, run
from tests.crash.server_model import Model, overtaken

FIFO = ("fifo_send", "fifo_receive", "fifo_delete")
SINGLE_POINTS = (
    "engine.before_commit=crash@90",
    "engine.after_commit=crash@90",
    "engine.rerun=crash@90",
    "engine.rerun=error@90",
    "due.before_deed=crash@12",
    "due.after_deed=crash@12",
)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_and_nothing_comes_twice_when_the_server_is_killed(tmp_path):
    model = run(2, 7, tmp_path)

    assert model.problems == []
    for op in ("send", "receive", "delete", "extend", "put", "create", "iam", "access_key", "submit", "claim", *FIFO):
        assert model.counted[op, Outcome.ACKED] > 0, op


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.parametrize("failpoint", SINGLE_POINTS)
def test_fifo_queues_keep_order_identity_and_what_was_acknowledged_when_the_server_dies_there(tmp_path, failpoint):
    """In the middle of sends, repeated sends, receives, deletes, and of timers for delays and leases."""
    loop = Loop(tmp_path, 1, clients=(FIFO_CLIENT,))
    loop.prepare()

    calls, said = loop._load(1, failpoint)
    with loop.server() as server:
        asyncio.run(check_fifo(loop, server, calls))
    loop._check_closed()

    assert ("ended the server" in said) is ("crash" in failpoint), said
    assert loop.model.problems == []
    acked = {call.op for call in calls if call.outcome is Outcome.ACKED}
    assert acked >= set(FIFO)


async def check_fifo(loop, server, calls):
    token = await asyncio.to_thread(loop._token, server)
    async with grpc.aio.insecure_channel(server.target) as channel:
        await loop._check_fifo(1, channel, token, calls)


@pytest.mark.long
def test_check_sees_what_was_acknowledged_and_is_not_there(tmp_path):
    loop = Loop(tmp_path, 1)
    loop.prepare()
    acked: dict[str, dict[str, Any]] = {
        "put": {"facts": {"object lane/k": "seed:10"}},
        "create": {"key": "shared/1", "made": "seed:10"},
        "iam": {"facts": {"user ghost": "there", "policy ghost": "{}", "member group-control1 ghost": "there"}},
    }
    calls = [Call(op, op, {"at": 1, **what}, Outcome.ACKED, {"at": 2}) for op, what in acked.items()]
    job = "accounts/000000000000/regions/us-east-1/jobs/00000000-0000-4000-8000-000000000000"
    calls.append(Call("submit", "submit", {"at": 1}, Outcome.ACKED, {"at": 2, "job": job}))

    with loop.server() as server:
        stray = server.data / "blobs" / "00" / "00" / "stray"
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.touch()
        asyncio.run(loop._check(1, server, [*calls, send("lost", 1)]))

    for said in (
        "message lost: acknowledged and lost",
        "object lane/k has ETag None",
        "shared/1: acknowledged and lost",
        "user ghost: found None",
        "policy ghost: found None",
        "member group-control1 ghost: found None",
        f"job {job}: NOT_FOUND",
        "1 jobs were submitted, 0 messages",
        "1 blobs lie on the disk",
    ):
        assert any(said in problem for problem in loop.model.problems), (said, loop.model.problems)


def send(name, at, *, outcome=Outcome.ACKED, delay_s=0):
    what = {"at": at, "messages": {name: 0}, "request_id": "", "delay_s": delay_s}
    return Call(f"send-{at}", "send", what, outcome, {"at": at + 5})


def receive(name, at, *, visibility_s=2):
    return Call(
        f"receive-{at}",
        "receive",
        {"at": at, "visibility_s": visibility_s},
        Outcome.ACKED,
        {"at": at + 5, "names": [name]},
    )


def delete(name, at, *, outcome=Outcome.ACKED):
    return Call(f"delete-{at}", "delete", {"at": at, "names": [name]}, outcome, {"at": at + 5})


def extend(name, at, timeout_s, *, outcome=Outcome.ACKED):
    what = {"at": at, "name": name, "visibility_timeout_s": timeout_s}
    return Call(f"extend-{at}", "extend", what, outcome, {"at": at + 5})


SEEN = [
    ([send("m", 0), receive("m", 10), receive("m", 2_011)], ""),
    ([send("m", 0), receive("m", 10), receive("m", 1_900)], "before the lease"),
    ([send("m", 0), receive("m", 10), extend("m", 20, 0), receive("m", 30)], ""),
    ([send("m", 0), receive("m", 10), extend("m", 20, 0, outcome=Outcome.UNKNOWN), receive("m", 30)], ""),
    ([send("m", 0), receive("m", 10), extend("m", 20, 9), receive("m", 2_500)], "before the lease"),
    ([send("m", 0), receive("m", 10), delete("m", 20), receive("m", 2_500)], "after its deletion"),
    ([send("m", 0), receive("m", 10), delete("m", 20, outcome=Outcome.UNKNOWN), receive("m", 2_500)], ""),
    ([send("m", 0, delay_s=1), receive("m", 500)], "before its delay"),
    ([send("m", 0, outcome=Outcome.REFUSED), receive("m", 10)], "refused or never made"),
    ([receive("m", 10)], "refused or never made"),
]


@pytest.mark.parametrize(("calls", "says"), SEEN)
def test_model_sees_what_must_not_be(calls, says):
    model = Model()

    model.absorb(calls)

    assert bool(model.problems) == bool(says), model.problems
    assert all(says in problem for problem in model.problems)


def test_model_says_which_messages_must_be_there_and_which_may():
    model = Model()

    model.absorb(
        [
            send("certain", 0),
            send("unclear", 1, outcome=Outcome.UNKNOWN),
            send("refused", 2, outcome=Outcome.REFUSED),
            send("deleted", 3),
            send("perhaps", 4),
            delete("deleted", 10),
            delete("perhaps", 11, outcome=Outcome.UNKNOWN),
        ]
    )

    assert model.expected_messages() == ({"certain"}, {"unclear", "perhaps"})


def test_fact_of_unknown_fate_is_old_or_new():
    model = Model()
    put = {"at": 0, "facts": {"object k": "a:1"}}
    overwrite = {"at": 1, "facts": {"object k": "b:1"}}

    model.absorb([Call("1", "put", put, Outcome.ACKED), Call("2", "put", overwrite, Outcome.UNKNOWN)])

    assert model.facts == {"object k": {"a:1", "b:1"}}


def test_refused_change_leaves_a_fact_alone():
    model = Model()
    put = {"at": 0, "facts": {"object k": "a:1"}}
    delete_it = {"at": 1, "facts": {"object k": None}}

    model.absorb([Call("1", "put", put, Outcome.ACKED), Call("2", "delete_object", delete_it, Outcome.REFUSED)])

    assert model.facts == {"object k": {"a:1"}}


def test_change_is_overtaken_by_a_later_one_of_the_same_fact_unless_that_was_refused():
    def put(key, at, outcome):
        return Call(f"{key}-{at}", "put", {"at": at, "facts": {f"object {key}": f"{at}:1"}}, outcome)

    first, same = put("k", 1, Outcome.UNKNOWN), put("k", 2, Outcome.UNKNOWN)
    refused, other = put("k", 3, Outcome.REFUSED), put("l", 4, Outcome.ACKED)
    calls = [first, same, refused, other]

    assert [overtaken(call, calls) for call in calls] == [True, False, False, False]
