"""That the history of FIFO queues sees what it is there to see."""

import pytest

from tests.crash.ack_log import Call, Outcome
from tests.crash.fifo_history import FifoHistory

QUEUE = "crash.fifo"


def send(name, at, number, *, outcome=Outcome.ACKED, group="g", delay_s=0, message_id=None):
    what = {"at": at, "queue": QUEUE, "messages": {name: 0}, "groups": {name: group}, "delay_s": delay_s}
    answer = {"at": at + 5, "sent": [[message_id or f"id-{name}", str(number)]]}
    return Call(f"send-{at}", "fifo_send", what, outcome, answer if outcome is Outcome.ACKED else {})


def receive(at, *messages, visibility_s=2, group="g", suffix=""):
    """Receive the messages of these numbers, whose names are letters in their order."""
    names = ["_abcdefgh"[number] for number in messages]
    seen = [[group, f"id-{name}{suffix}", str(number)] for name, number in zip(names, messages, strict=True)]
    what = {"at": at, "queue": QUEUE, "visibility_s": visibility_s}
    return Call(f"receive-{at}", "fifo_receive", what, Outcome.ACKED, {"at": at + 5, "names": names, "seen": seen})


def delete(name, at, *, outcome=Outcome.ACKED, failed=()):
    what = {"at": at, "queue": QUEUE, "names": [name]}
    return Call(f"delete-{at}", "fifo_delete", what, outcome, {"at": at + 5, "failed": list(failed)})


THREE = [send("a", 0, 1), send("b", 10, 2), send("c", 20, 3)]
SEEN = [
    ([*THREE, receive(30, 1, 2, 3)], ""),
    ([*THREE, receive(30, 1), delete("a", 40), receive(50, 2, 3)], ""),
    ([*THREE, receive(30, 1), receive(50, 2)], "before a of its group was deleted"),
    ([*THREE, receive(30, 2, 1)], "before a of its group was deleted"),
    ([*THREE, receive(30, 1, 2, 3), delete("b", 40), receive(2_100, 1, 3)], ""),
    ([*THREE, receive(30, 1, 2, 3), delete("b", 40), receive(2_100, 1), receive(2_200, 3)], "before a"),
    ([*THREE, receive(30, 1), delete("a", 40, failed=[0]), receive(50, 2)], "before a of its group was deleted"),
    ([*THREE, receive(30, 1), delete("a", 40, outcome=Outcome.UNKNOWN), receive(50, 2)], ""),
    ([*THREE, receive(30, 1), delete("a", 40, outcome=Outcome.REFUSED), receive(50, 2)], "before a"),
    ([*THREE, receive(30, 1), delete("a", 40), receive(2_100, 1)], "after its deletion"),
    ([*THREE, receive(30, 1), receive(1_900, 1)], "before the lease"),
    ([*THREE, receive(30, 1), receive(2_100, 1)], ""),
    ([*THREE, receive(30, 1, 2, visibility_s=0), receive(40, 1, 2, 3)], ""),
    ([send("a", 0, 1), send("b", 10, 2, group="other"), receive(20, 2, group="other")], ""),
    ([send("a", 0, 1), receive(20, 1, group="other")], "received from other"),
    ([send("a", 0, 1, delay_s=1), receive(500, 1)], "before its delay"),
    ([send("a", 0, 1, outcome=Outcome.UNKNOWN), send("a", 10, 1), receive(20, 1)], ""),
    ([send("a", 0, 1), send("a", 10, 1)], ""),
    ([send("a", 0, 1), send("a", 10, 1, message_id="another")], "has it as another"),
    ([send("a", 0, 1), send("a", 10, 2)], "has it as id-a 2"),
    ([send("a", 0, 1), receive(20, 1, suffix="-other")], "has it as id-a-other"),
    ([send("a", 0, 2), send("b", 10, 1)], "not in the order of its group"),
    ([send("a", 0, 1, outcome=Outcome.REFUSED), receive(20, 1)], "refused or never made"),
]


@pytest.mark.parametrize(("calls", "says"), SEEN)
def test_history_sees_what_must_not_be(calls, says):
    history = FifoHistory()

    history.absorb(calls)

    assert bool(history.problems) == bool(says), history.problems
    assert all(says in problem for problem in history.problems)


def test_history_says_which_messages_of_a_queue_must_be_there_and_which_may():
    history = FifoHistory()

    history.absorb(
        [
            send("a", 0, 1),
            send("b", 10, 2),
            send("c", 20, 3, outcome=Outcome.UNKNOWN),
            send("d", 30, 4, outcome=Outcome.REFUSED),
            receive(40, 1),
            delete("a", 50),
        ]
    )

    assert history.expected(QUEUE) == ({"b"}, {"c"})
    assert history.expected("other.fifo") == (set(), set())
