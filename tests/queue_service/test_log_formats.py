"""Bytes of logs on disk that others rely on."""

import pytest

from cumulo.queue_service import log_keys, message_model, open_log
from cumulo.storage import records

PARTITION = bytes(range(8))


def test_keys_on_disk_are_these_bytes():
    record = log_keys.record_key(PARTITION, 258)

    assert log_keys.name_key("000000000000", "us-east-1", "events") == (
        bytes(8) + b"\x02logs\x00\x02000000000000\x00\x02us-east-1\x00\x02events\x00"
    )
    assert log_keys.name_of(log_keys.name_key("000000000000", "us-east-1", "events")) == "events"
    assert (log_keys.META, log_keys.ENDS) == (b"\x02log\x00", b"\x02ends\x00")
    assert record == PARTITION + b"\x02records\x00" + bytes(6) + b"\x01\x02"
    assert log_keys.piece_key(record, 3) == record + b"\x03"
    assert log_keys.lane_key(PARTITION, 5, 258) == PARTITION + b"\x02lanes\x00\x05" + bytes(6) + b"\x01\x02"
    assert log_keys.group_key(PARTITION, "g") == PARTITION + b"\x02groups\x00\x02g\x00"
    assert log_keys.group_name(log_keys.group_key(PARTITION, "g"), PARTITION) == "g"


@pytest.mark.parametrize(
    ("record", "golden"),
    [
        (log_keys.LogName(1, b"\0" * 7 + b"\1", "p", 5), "9401c4080000000000000001a17005"),
        (log_keys.LogMeta(1, "0", "r", "n"), "9a01a130a172a16e01ce00093a8000000000"),
        (log_keys.LogEnds(1, 2, 3, 4, 5, 6, (7, 8), 9), "9801020304050692070809"),
        (
            log_keys.StoredRecord(1, 2, 3, "k", (message_model.MessageAttribute("n", "String", b"v"),), b"b", 4),
            "97010203a16b9194a16ea6537472696e67c40176c2c4016204",
        ),
        (
            log_keys.Group(1, 2, 3, (log_keys.Lane(4, "m", 5, 6),), (log_keys.Member("m", 7, 8),)),
            "95010203919404a16d0506" + "9193a16d0708",
        ),
    ],
)
def test_records_on_disk_are_these_bytes(record, golden):
    assert records.encode(record).hex() == golden
    assert records.decoder(type(record)).decode(bytes.fromhex(golden)) == record


def test_a_key_leads_to_the_same_lane_for_ever():
    assert [open_log.lane_of(key, 9, 16) for key in ("a", "b", "user-1", "grün", "")] == [3, 9, 4, 5, 9]
    assert [open_log.lane_of("", position, 3) for position in range(5)] == [0, 1, 2, 0, 1]
