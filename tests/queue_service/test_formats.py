"""Bytes and rules that others rely on: keys and records on disk, message attributes, the operation table."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.queue_service import (
    acknowledgements,
    fair_keys,
    fifo_keys,
    keys,
    message_attributes,
    message_model,
    move_model,
    rewraps,
    schedules,
)
from cumulo.queue_service.errors import Refusal, Refused
from cumulo.queue_service.operations import TABLE
from cumulo.storage import records
from cumulo.storage.rewraps import Walk

PARTITION = bytes(range(8))


def test_keys_on_disk_are_these_bytes():
    layout = keys.layout(PARTITION, 258)
    content = PARTITION + b"\x02content\x00\x16\x01\x02"

    assert keys.name_key("000000000000", "us-east-1", "jobs") == (
        bytes(8) + b"\x02queues\x00\x02000000000000\x00\x02us-east-1\x00\x02jobs\x00"
    )
    assert keys.name_of(keys.name_key("000000000000", "us-east-1", "jobs")) == "jobs"
    assert (keys.META, keys.COUNTERS) == (b"\x02meta\x00", b"\x02counters\x00")
    assert schedules.schedule_key(PARTITION, "a") == PARTITION + b"\x02schedules\x00\x02a\x00"
    assert bytes(8) + b"\x02queue_rewraps\x00" == rewraps.WALK
    assert acknowledgements.period_key(PARTITION, 258) == PARTITION + b"\x02acks\x00" + bytes(6) + b"\x01\x02"
    assert layout == keys.Layout(
        content,
        content + b"m",
        content + b"r\x80",
        content + b"d",
        content + b"l",
        content + b"h",
        content + b"x",
        content + b"r",
    )


def test_keys_of_fifo_content_are_these_bytes():
    layout = fifo_keys.fifo_layout(PARTITION, 258)
    content = PARTITION + b"\x02content\x00\x16\x01\x02"

    assert fifo_keys.FIFO == b"\x02fifo\x00"
    assert layout == fifo_keys.FifoLayout(
        content,
        content + b"m",
        content + b"n",
        content + b"g",
        content + b"o",
        content + b"r\x80",
        content + b"d",
        content + b"l",
        content + b"e",
    )
    assert fifo_keys.duplicate_row("", "id") == b"k\x02\x00\x02id\x00"
    assert fifo_keys.attempt_row("id") == b"a\x02id\x00"


def test_keys_of_groups_in_standard_content_are_these_bytes():
    layout = fair_keys.fair_layout(PARTITION, 258)
    content = PARTITION + b"\x02content\x00\x16\x01\x02"
    rank = b"\x7f" + bytes(7) + b"\x05"

    assert fair_keys.FAIR == b"\x02fair\x00"
    assert layout == fair_keys.FairLayout(
        content,
        content + b"g",
        content + b"o",
        content + b"q",
        content + b"n",
        content + b"a",
        content + b"t",
        content + b"p",
    )
    assert keys.place_part("a", -1) == keys.dated_value(-1, "a") == b"o\x02a\x00\x7f"
    assert fair_keys.front_of(rank, None) == b"q" + rank
    assert fair_keys.front_of(rank, 3) == b"n\x80" + bytes(7) + b"\x03" + rank


@pytest.mark.parametrize("priority", range(10))
def test_scheduled_messages_count_to_the_lane_of_their_priority(priority):
    lane = keys.MIDDLE_LANE + keys.lane_of(priority)

    assert keys.base_of(bytes((lane,))) == keys.base_of(bytes((lane + keys.SCHEDULED,))) == bytes((lane,))


def test_message_that_waits_for_its_first_receive_takes_no_bytes_of_state():
    assert fifo_keys.encoded_state(fifo_keys.FifoState()) == b""
    assert fifo_keys.state_of(b"") == fifo_keys.FifoState()


@pytest.mark.parametrize(
    ("record", "golden"),
    [
        (
            keys.QueueName(1, b"\0" * 7 + b"\1", "", 20, "dead", 5),
            "9a01c4080000000000000001a014a46465616405a0c0cd012cc2",
        ),
        (keys.Counters(1, 1, 2, 3, 4, 5, 6, 7), "980101020304050607"),
        (
            keys.Lease(1, b"t" * 16, 1, 2, 3, 4, 5, 6, 7, True, -20, "g"),
            "9c01c4107474747474747474747474747474747401020304050607c3eca167",
        ),
        (
            keys.StoredMessage(
                1, "id", "md5", 1, 2, "me", (message_model.MessageAttribute("n", "String", b"v"),), "", b"b"
            ),
            "dc001401a26964a36d64350102a26d659194a16ea6537472696e67c40176c2a0c40162a000a0a00400c40000a090c0",
        ),
        (
            keys.StoredMessage(1, history=(move_model.Hop(1, "arn", 2, 3, 4, 5, 6),)),
            "dc001401a0a00000a090a0c400a000a0a00400c40000a0919701a361726e0203040506c0",
        ),
        (keys.Tags(1, {"k": "v"}), "920181a16ba176"),
        (keys.Idleness(1, 2, 3), "930102" + "03"),
        (
            keys.MoveTasks(1, (keys.MoveTask(1, "id", "RUNNING", "arn", 5, 3, 2, 1, "why", 4, 6, b"c", 9, b"o"),)),
            "9201919e01a26964a752554e4e494e47a361726e05030201a37768790406c4016309c4016f",
        ),
        (
            keys.Meta(1, "0", "r", "n"),
            (
                "dc001c01a130a172a16e011e00ce00054600ce0010000000a0000000a000c2c2a57175657565a87065725175657565a000"
                "c2a0cd012cc4000000"
            ),
        ),
        (Walk(1, 2, 5, b"n", b"k", 3), "96010205c4016ec4016b03"),
        (keys.DataKey(1, b"i", "0", "r", "k", 2, b"s"), "9701c40169a130a172a16b02c40173"),
        (fair_keys.FairCounters(1, 2, 3, 4, 5, 6, 7, 8), "980102030405060708"),
        (fair_keys.Group(1, 2, 3, 4, True, 5, b"q", 6, 7, 8, 9, 10), "9c01020304c305c40171060708" + "090a"),
        (fifo_keys.FifoCounters(1, 2, 3, 4), "9401020304"),
        (acknowledgements.Acknowledged(1, (5, 300)), "92019205cd012c"),
        (
            schedules.ScheduleRow(
                1,
                "0 9 * * *",
                "UTC",
                60,
                7,
                8,
                b"b",
                (message_model.MessageAttribute("n", "String", b"v"),),
                "g",
                9,
                True,
                "ACTIVE",
                "why",
                1,
                2,
                3,
                "id",
                4,
                5,
                6,
                b"c",
            ),
            (
                "dc001801a9302039202a202a202aa35554433c0708c401629194a16ea6537472696e67c40176c2a16709c3a6414354495645"
                "a3776879010203a26964040506c40163c40000c0"
            ),
        ),
        (fifo_keys.Group(1, "g", 2), "9301a16702"),
        (fifo_keys.FifoState(1, 2, 5, b"t", 6, 7, 8, 9), "98010205c40174060708" + "09"),
        (fifo_keys.Duplicate(1, "id", 2, 3), "9401a26964" + "0203"),
        (fifo_keys.Attempt(1, b"t", 2, 3, ((4, 5),)), "9501c40174" + "0203" + "91920405"),
    ],
)
def test_records_on_disk_are_these_bytes(record, golden):
    assert records.encode(record).hex() == golden
    assert records.decoder(type(record)).decode(bytes.fromhex(golden)) == record


def test_message_that_was_stored_before_receives_were_added_up_is_read():
    before = bytes.fromhex("9a01a26964a36d64350102a26d659194a16ea6537472696e67c40176c2a0c40162a0")

    assert keys.decode_message(before).received_before == 0
    assert keys.decode_message(before).priority == 4
    assert keys.decode_message(before).history == ()


def test_lease_that_was_stored_before_there_were_lanes_is_in_the_middle():
    before = bytes.fromhex("9a01c4107474747474747474747474747474747401020304050607c3")

    assert keys.decode_lease(before).lane == 0


def test_lanes_of_priorities_are_these_bytes():
    layout = keys.layout(PARTITION, 258)
    seq = bytes(8)

    bytes_of_lanes = [layout.ready_at(keys.lane_of(priority), seq)[-9] for priority in range(10)]

    assert bytes_of_lanes == [0x90, 0x8C, 0x88, 0x84, 0x80, 0x7C, 0x78, 0x74, 0x70, 0x6C]
    assert keys.dated_value(0, "") == b""
    for lane in (-20, 0, 16):
        assert layout.ready_of_dated(keys.dated_value(lane, ""), b"12345678") == layout.ready_at(lane, b"12345678")


def test_attributes_have_the_md5_that_sqs_computes():
    """In the order of names; each part with its length in four bytes, the value behind 1 for text and 2 for bytes."""
    attributes = (
        message_model.MessageAttribute("b", "Binary", b"\x00\x01", binary=True),
        message_model.MessageAttribute("a", "String", b"x"),
    )
    parts = (b"a", b"String"), b"\1", (b"x", b"b", b"Binary"), b"\2", (b"\0\1",)
    encoded = b"".join(
        part if isinstance(part, bytes) else b"".join(len(it).to_bytes(4, "big") + it for it in part) for part in parts
    )

    assert message_attributes.md5(attributes) == hashlib.md5(encoded).hexdigest()
    assert message_attributes.md5(()) == ""


@pytest.mark.parametrize(
    "attribute",
    [
        message_model.MessageAttribute("", "String", b"x"),
        message_model.MessageAttribute("a" * 257, "String", b"x"),
        message_model.MessageAttribute(".a", "String", b"x"),
        message_model.MessageAttribute("a.", "String", b"x"),
        message_model.MessageAttribute("a..b", "String", b"x"),
        message_model.MessageAttribute("AWS.a", "String", b"x"),
        message_model.MessageAttribute("amazon.a", "String", b"x"),
        message_model.MessageAttribute("a", "", b"x"),
        message_model.MessageAttribute("a", "Text", b"x"),
        message_model.MessageAttribute("a", "String." + "x" * 250, b"x"),
        message_model.MessageAttribute("a", "String", b""),
        message_model.MessageAttribute("a", "String", b"\x00"),
        message_model.MessageAttribute("a", "String", b"\xff"),
        message_model.MessageAttribute("a", "String", b"x", binary=True),
        message_model.MessageAttribute("a", "Binary", b"x"),
        message_model.MessageAttribute("a", "Number", b"ten"),
        message_model.MessageAttribute("a", "Number", b"1" * 65),
    ],
)
def test_attribute_that_breaks_a_rule_is_refused(attribute):
    with pytest.raises(ServiceError) as refused:
        message_attributes.check((attribute,))

    assert refused.value.row.code == "InvalidParameterValue"


@pytest.mark.parametrize(
    "attribute",
    [
        message_model.MessageAttribute("a.b-c_D9", "String.my label", "grün \U0001f600\t\r\n".encode()),
        message_model.MessageAttribute("a", "Number.int", b"-12.5e+10"),
        message_model.MessageAttribute("a", "Binary.png", b"\x00\xff", binary=True),
    ],
)
def test_attribute_within_the_rules_is_taken(attribute):
    message_attributes.check((attribute,))


def test_more_than_ten_attributes_and_a_name_twice_are_refused():
    eleven = tuple(message_model.MessageAttribute(f"n{number}", "String", b"x") for number in range(11))

    for attributes in (eleven, (eleven[0], eleven[0])):
        with pytest.raises(ServiceError):
            message_attributes.check(attributes)
    message_attributes.check(eleven[:10])


@given(
    st.lists(st.builds(message_model.MessageAttribute, st.text(), st.text(), st.binary(), st.booleans()), max_size=12)
)
def test_random_attributes_are_taken_or_refused(attributes):
    refused = ""
    try:
        message_attributes.check(tuple(attributes))
    except ServiceError as error:
        refused = error.row.code

    assert refused in ("", "InvalidParameterValue")


@pytest.mark.parametrize("reason", list(Refusal))
def test_every_refusal_has_an_error(reason):
    assert Refused(0, reason, 5).error().row.grpc_status


def test_every_operation_checks_a_permission_of_sqs_and_where_it_takes_subscriptions_one_of_sns():
    assert all(row.permissions[0].startswith("sqs:") for row in TABLE)
    assert {action.partition(":")[0] for row in TABLE for action in row.permissions} == {"sqs", "sns"}
    assert all(row.summary for row in TABLE)
