"""Conversions of messages that take a short way where they can: they say the same as the long way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.queue_service import message_model
from cumulo.queue_service.edge_grpc_messages import decode_entries, decode_entry, item_results
from cumulo.queue_service.errors import MESSAGE_TOO_LONG
from cumulo.queue_service.stamping import item_error

bodies = st.one_of(st.binary(max_size=4), st.sampled_from([b"x" * size for size in (1, 123, 124, 125, 126, 127, 128)]))
bare = st.builds(lambda body: pb.SendMessageEntry(body=body), bodies)
others = st.builds(
    pb.SendMessageEntry,
    body=bodies,
    delay_s=st.none() | st.integers(0, 1 << 30),
    priority=st.none() | st.integers(0, 9),
    group_id=st.none() | st.text(max_size=3),
    deduplication_id=st.none() | st.text(max_size=3),
    trace_header=st.text(max_size=3),
    deliver_at_ms=st.none() | st.integers(0, 1 << 40),
)


@given(st.lists(bare, max_size=5) | st.lists(bare | others, max_size=5), st.text(max_size=3), st.text(max_size=200))
def test_entries_of_a_batch_are_decoded_as_each_by_itself(entries, queue, request_id):
    request = pb.BatchSendMessagesRequest(queue=queue, entries=entries, request_id=request_id)
    without_entries = pb.BatchSendMessagesRequest(queue=queue, request_id=request_id)

    assert decode_entries(request, without_entries) == tuple(map(decode_entry, entries))


@pytest.mark.parametrize("size", [1, 125, 126, 127, 128, 129, 16_379, 16_380, 16_383, 16_384, 1 << 20])
def test_bodies_of_every_length_need_no_look_at_other_fields(size, monkeypatch):
    request = pb.BatchSendMessagesRequest(entries=[pb.SendMessageEntry(body=b"x" * size)] * 2)
    expected = (message_model.SendEntry(b"x" * size),) * 2

    monkeypatch.delattr("cumulo.queue_service.edge_grpc_messages.decode_entry")

    assert decode_entries(request, pb.BatchSendMessagesRequest()) == expected


@pytest.mark.parametrize("answer", [pb.BatchDeleteMessagesResponse, pb.MoveMessagesResponse])
def test_results_of_items_are_told_in_their_order(answer):
    failed = item_error(MESSAGE_TOO_LONG.error(limit=1))

    assert item_results(answer, [None] * 3) == answer(results=[pb.ItemResult()] * 3)
    assert item_results(answer, []) == answer()
    mixed = item_results(answer, [None, failed, message_model.AlreadyAcknowledged()])
    assert [(it.error.code, it.already_acknowledged) for it in mixed.results] == [
        ("", False),
        ("InvalidParameterValue", False),
        ("", True),
    ]
