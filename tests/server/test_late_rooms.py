"""What a server makes at its first use: made once, begun before it answers, drained with the house."""

import asyncio

import pytest

from cumulo.server.late_rooms import LateRoom
from cumulo.storage.engine import Due

KIND = "late.deed"


class LateExample:
    """A room that notes what it is told."""

    def __init__(self):
        self.told = []

    def begin(self):
        self.told.append("begin")

    def close(self):
        self.told.append("close")

    async def drain(self):
        self.told.append("drain")

    async def guard(self, arn):
        self.told.append(arn)

    def due_handlers(self):
        async def handle(entries):
            self.told += entries

        return {KIND: handle}


@pytest.fixture
def late():
    return LateRoom(LateExample, (KIND,))


def test_room_is_made_at_its_first_use_and_only_then(late):
    asyncio.run(late.start())
    before = late.made
    assert before is None

    room = late()

    assert late() is room is late.made
    assert room.told == ["begin"]


def test_due_entry_makes_the_room_that_does_its_deed(late):
    entry = Due(1, KIND, b"key", b"")
    handlers = late.due_handlers()
    before = late.made
    assert before is None

    asyncio.run(handlers[KIND]([entry]))

    assert late().told == ["begin", entry]


def test_question_about_a_policy_makes_the_room(late):
    asyncio.run(late.guard("arn"))

    assert late.made.told == ["begin", "arn"]


def test_room_that_was_used_is_drained_with_the_house(late):
    late()

    asyncio.run(late.drain())

    assert late.made.told == ["begin", "drain"]


def test_room_that_nobody_used_is_not_made_to_be_drained(late):
    asyncio.run(late.drain())

    before = late.made
    assert before is None


def test_room_that_is_first_needed_while_the_server_drains_is_closed_from_its_start(late):
    asyncio.run(late.drain())

    assert late().told == ["close"]
