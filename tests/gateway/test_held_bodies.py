"""Bodies that are read whole share one amount of memory."""

import asyncio

import pytest

from cumulo.core.errors import REQUEST_TIMEOUT, ServiceError
from cumulo.gateway import held_bodies
from cumulo.gateway.held_bodies import SLOW_DOWN, HeldBodies
from cumulo.gateway.http1 import Body, WholeBody
from cumulo.gateway.http_body import BODY_TOO_LARGE


class Never(Body):
    """A body of which nothing comes."""

    content_length = None

    async def __anext__(self) -> memoryview:
        await asyncio.Event().wait()
        raise StopAsyncIteration


def row_of(work):
    with pytest.raises(ServiceError) as caught:
        asyncio.run(work)
    return caught.value.row


def test_body_that_finds_no_place_is_refused_and_may_come_again():
    bodies = HeldBodies(10)

    with bodies.place(WholeBody(b"12345678")) as first, bodies.place(WholeBody(b"123")) as second:
        assert asyncio.run(first.read(100)) == b"12345678"
        assert row_of(second.read(100)) is SLOW_DOWN
        assert bodies.bytes_left == 2
    with bodies.place(WholeBody(b"1234567890")) as third:
        assert asyncio.run(third.read(100)) == b"1234567890"
    assert bodies.bytes_left == 10


def test_body_takes_no_place_before_it_comes():
    bodies = HeldBodies(10)

    with bodies.place(WholeBody(b"1234567890")), bodies.place(WholeBody(b"1234567890")) as second:
        assert asyncio.run(second.read(100)) == b"1234567890"


def test_body_longer_than_its_reader_takes_gives_its_place_back():
    bodies = HeldBodies(10)

    with bodies.place(WholeBody(b"12345678")) as body:
        assert row_of(body.read(5)) is BODY_TOO_LARGE

    assert bodies.bytes_left == 10


def test_body_that_does_not_come_in_time_is_given_up(monkeypatch):
    monkeypatch.setattr(held_bodies, "READ_S_MAX", 0.01)

    with HeldBodies().place(Never()) as body:
        assert row_of(body.read(5)) is REQUEST_TIMEOUT
