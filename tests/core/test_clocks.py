"""The two clocks: the wall may jump, the deadline clock never goes back."""

import time

import pytest

from cumulo.core.clocks import ONE_HOUR_MS, ManualClock, SystemClock

WALL_MS = 1_800_000_000_000


class Machine:
    """The system's clocks under a test's hand."""

    def __init__(self, monkeypatch):
        self.wall_ms = WALL_MS
        self.boot_ms = 50_000
        monkeypatch.setattr(time, "time_ns", lambda: self.wall_ms * 1_000_000)
        monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: self.boot_ms * 1_000_000)


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


@pytest.mark.parametrize(
    ("recorded_ms", "starts_at_ms"),
    [
        (0, WALL_MS),
        (WALL_MS - 5, WALL_MS),
        (WALL_MS + 5, WALL_MS + 5),
        (WALL_MS + ONE_HOUR_MS, WALL_MS + ONE_HOUR_MS),
        (WALL_MS + ONE_HOUR_MS + 1, WALL_MS + ONE_HOUR_MS),
        (WALL_MS * 2, WALL_MS + ONE_HOUR_MS),
    ],
)
def test_deadline_clock_starts_at_the_wall_or_what_was_recorded_capped_at_one_hour_ahead(
    machine, recorded_ms, starts_at_ms
):
    assert SystemClock(recorded_ms).deadline_ms() == starts_at_ms


@pytest.mark.parametrize("jump_ms", [-ONE_HOUR_MS, ONE_HOUR_MS])
def test_jump_of_the_system_clock_moves_no_deadline(machine, jump_ms):
    clock = SystemClock()

    machine.wall_ms += jump_ms
    machine.boot_ms += 10

    assert clock.deadline_ms() == WALL_MS + 10
    assert clock.wall_ms() == WALL_MS + jump_ms


def test_manual_clock_moves_by_hand_alone():
    clock = ManualClock(100)

    clock.advance(5)

    assert (clock.wall_ms(), clock.deadline_ms()) == (105, 105)
    with pytest.raises(AssertionError):
        clock.advance(-1)
