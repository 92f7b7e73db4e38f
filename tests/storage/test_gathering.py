"""How long the writer waits for calls: real threads, and bounds that a test never reaches unless it is about them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from cumulo.storage import gathering
from cumulo.storage.gathering import ENOUGH_OPERATIONS, Gathering

FAR_S = 30.0
SOON_S = 0.01
COUNT_MAX = 512


@pytest.fixture(autouse=True)
def _far_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GATHER_LOOK_S", FAR_S)
    monkeypatch.setattr(gathering, "GATHER_MAX_S", 2 * FAR_S)
    monkeypatch.setattr(gathering, "FORGET_S", FAR_S)


def taking(line: "Gathering[str]", count_max: int = COUNT_MAX) -> "Callable[[], list[str]]":
    """Take in a thread of its own; the answer's function waits for it."""
    taken: Future[list[str]] = Future()
    threading.Thread(target=lambda: taken.set_result(line.take(count_max, FAR_S))).start()
    return lambda: taken.result(FAR_S / 2)


def test_a_lone_call_is_taken_at_once() -> None:
    line: Gathering[str] = Gathering()
    line.add("a")

    assert line.take(COUNT_MAX, FAR_S) == ["a"]
    line.answered(1, operations=3)
    line.add("b")
    assert line.take(COUNT_MAX, FAR_S) == ["b"]


def test_the_first_call_wakes_the_writer() -> None:
    line: Gathering[str] = Gathering()
    taken = taking(line)

    line.add("a")

    assert taken() == ["a"]


def test_the_writer_waits_for_those_whom_it_has_just_answered() -> None:
    line: Gathering[str] = Gathering()
    line.answered(3, operations=9)
    line.add("a")
    taken = taking(line)

    line.add("b")
    line.add("c")

    assert taken() == ["a", "b", "c"]


def test_the_writer_waits_for_those_who_were_answered_and_those_who_waited_meanwhile() -> None:
    line: Gathering[str] = Gathering()
    line.add("a")
    line.answered(2, operations=6)
    taken = taking(line)

    line.add("b")
    line.add("c")

    assert taken() == ["a", "b", "c"]


def test_the_wait_ends_where_the_event_loop_has_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GATHER_LOOK_S", SOON_S)
    monkeypatch.setattr(gathering, "BUSY_SHARE", 2.0)  # no thread computes for more than the whole time
    line: Gathering[str] = Gathering()
    line.answered(2, operations=6)
    line.add("a")

    assert line.take(COUNT_MAX, FAR_S) == ["a"]


def test_the_wait_goes_on_while_the_event_loop_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GATHER_LOOK_S", SOON_S)
    monkeypatch.setattr(gathering, "BUSY_SHARE", 0.0)  # every thread computes for at least nothing
    looked = threading.Event()
    line: Gathering[str] = Gathering()
    wait = line._wait  # the moment of the second wait cannot be seen from outside

    def seen(count: int, timeout_s: float) -> None:
        if timeout_s > SOON_S:
            looked.set()
        wait(count, timeout_s)

    monkeypatch.setattr(line, "_wait", seen)
    line.answered(2, operations=6)
    line.add("a")
    taken = taking(line)
    assert looked.wait(FAR_S)

    line.add("b")

    assert taken() == ["a", "b"]


def test_the_wait_is_bounded_although_the_event_loop_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GATHER_LOOK_S", SOON_S)
    monkeypatch.setattr(gathering, "GATHER_MAX_S", 2 * SOON_S)
    monkeypatch.setattr(gathering, "BUSY_SHARE", 0.0)
    line: Gathering[str] = Gathering()
    line.answered(2, operations=6)
    line.add("a")

    assert line.take(COUNT_MAX, FAR_S) == ["a"]


def test_nobody_is_expected_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "FORGET_S", 0.0)
    line: Gathering[str] = Gathering()
    line.answered(8, operations=24)
    taken = taking(line)

    line.add("a")

    assert taken() == ["a"]


def test_nobody_is_expected_where_functions_cost_more_than_their_commit() -> None:
    line: Gathering[str] = Gathering()
    line.answered(8, ENOUGH_OPERATIONS)
    line.add("a")

    assert line.take(COUNT_MAX, FAR_S) == ["a"]


def test_the_writer_waits_for_no_more_than_one_commit_takes() -> None:
    line: Gathering[str] = Gathering()
    line.answered(8, operations=24)
    for call in "abc":
        line.add(call)

    assert line.take(2, FAR_S) == ["a", "b"]
    assert len(line) == 1


def test_what_did_not_fit_stands_at_the_front_again() -> None:
    line: Gathering[str] = Gathering()
    line.add("c")

    line.put_back(["a", "b"])

    assert line.take(COUNT_MAX, FAR_S) == ["a", "b", "c"]


def test_closing_ends_every_wait() -> None:
    line: Gathering[str] = Gathering()
    line.answered(2, operations=6)
    line.add("a")
    taken = taking(line)

    line.close()

    assert taken() == ["a"]
    assert line.take(COUNT_MAX, FAR_S) == []
