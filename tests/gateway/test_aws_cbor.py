"""RPC-v2-CBOR: the one tag that is taken, and what else a document may not hold."""

import pytest

from cumulo.gateway import aws_cbor, aws_codec
from cumulo.gateway.aws_model import MalformedInput, MissingMember, RequestHead
from tests.gateway.botocore_side import generated

cloudwatch = generated("cloudwatch")
OPERATION = cloudwatch.OPERATIONS["DeleteAlarms"]


def _decode(body):
    return aws_codec.decode(OPERATION, "smithy-rpc-v2-cbor", RequestHead(), body)


def _map(value: bytes, key: bytes = b"\x6aAlarmNames") -> bytes:
    return b"\xa1" + key + value


def test_a_map_of_definite_or_indefinite_length_is_read():
    assert _decode(_map(b"\x82\x61a\x61b")).AlarmNames == ["a", "b"]
    assert _decode(b"\xbf\x6aAlarmNames\x9f\x61a\xff\xff").AlarmNames == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x80",
        b"\x82\x01",
        _map(b"\x81\x61a") + b"\x00",
        _map(b"\x61a"),
        _map(b"\x81\x01"),
        _map(b"\x81\x61\xff"),
        b"\xa2\x6aAlarmNames\x80\x6aAlarmNames\x80",
        b"\xa2\x6aAlarmNames\x80\x01\x02",
        b"\xa2\x6aAlarmNames\x80\x61u" + b"\x81" * 10_000 + b"\x01",
        b"\xa2\x6aAlarmNames\x80\x61u\x9b" + b"\x7f" + b"\xff" * 7,
        b"\xa2\x6aAlarmNames\x80\x61u\x5b\x00\x00\x00\x7f" + b"\xff" * 4,
        b"\xa2\x6aAlarmNames\x80\x61u\xc1\xfb\x7f\xf0" + b"\x00" * 6,
        b"\xa2\x6aAlarmNames\x80\x61u\xc1\x61x",
        *(
            b"\xa2\x6aAlarmNames\x80\x61u" + tag
            for tag in (b"\xc0\x61x", b"\xc2\x41\x01", b"\xc3\x41\x01", b"\xc4\x82\x01\x01")
        ),
        *(
            b"\xa2\x6aAlarmNames\x80\x61u" + tag
            for tag in (b"\xd8\x1c\x81\xd8\x1d\x00", b"\xd8\x23\x61a", b"\xd9\x01\x02\x80")
        ),
    ],
)
def test_what_is_no_input_is_refused(body):
    with pytest.raises(MalformedInput):
        _decode(body)


def test_an_empty_body_is_an_empty_map():
    with pytest.raises(MissingMember, match="AlarmNames"):
        _decode(b"")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/service/GraniteServiceVersion20100801/operation/PutMetricData", "PutMetricData"),
        ("/service/x/operation", ""),
        ("/service/x/operation/y/z", ""),
        ("/", ""),
    ],
)
def test_the_path_names_the_operation(path, name):
    assert aws_cbor.operation_name(path) == name
