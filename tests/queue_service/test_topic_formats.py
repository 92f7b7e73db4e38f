"""What topics and subscriptions look like on disk: a change here is a change of the data folder's format."""

import msgspec
import pytest

from cumulo.queue_service import topic_keys
from cumulo.queue_service.keys import Envelope
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.sealed_notices import SealedNotice
from cumulo.queue_service.topic_envelopes import StoredNotice
from cumulo.queue_service.topic_model import PublishEntry
from cumulo.storage import records

PARTITION = bytes(7) + b"\x05"


@pytest.mark.parametrize(
    ("record", "golden"),
    [
        (topic_keys.TopicName(1, PARTITION, "policy", 5), "9401c4080000000000000005a6706f6c69637905"),
        (
            topic_keys.TopicMeta(1, "0", "r", "news", 5, {"DisplayName": "News"}, PARTITION, PARTITION, 60, 7),
            "9a01a130a172a46e6577730581ab446973706c61794e616d65a44e657773c4080000000000000005c40800000000000000053c07",
        ),
        (topic_keys.TopicState(1, 1, 2, 3, 4, 5, 7), "9701010203040507"),
        (
            topic_keys.SubscriptionName(1, "arn", PARTITION, "http", "http://a/", True),
            "9601a361726ec4080000000000000005a468747470a9687474703a2f2f612fc3",
        ),
        (
            topic_keys.SubscriptionRow(
                1, "id", "http", "http://a/", "0", "arn", {"a": "b"}, True, True, PARTITION, 5, 6, b"n", "dead", b"c"
            ),
            "9f01a26964a468747470a9687474703a2f2f612fa130a361726e81a161a162c3c3c40800000000000000050506c4016ea464656164c40163",
        ),
        (topic_keys.Snapshot(1, 5, "s", 6), "940105a17306"),
        (
            topic_keys.Replay(1, 5, True, PARTITION, 6, topic_keys.Phase.COMPLETED),
            "960105c3c40800000000000000050602",
        ),
        (topic_keys.SmsSettings(1, {"a": "b"}), "920181a161a162"),
        (topic_keys.Farewell(1, "id", 5, 6, 7, True), "9601a26964050607c3"),
    ],
)
def test_records_on_disk_are_these_bytes(record, golden):
    assert records.encode(record).hex() == golden
    assert records.decoder(type(record)).decode(bytes.fromhex(golden)) == record


def test_messages_that_wait_for_an_endpoint_are_these_bytes():
    notice = StoredNotice(
        PublishEntry(body="b", subject="s", attributes=(MessageAttribute("n", "String", b"v"),)), "id", 5
    )

    golden = (
        "9487a4626f6479a162a77375626a656374a173ab62795f70726f746f636f6c80aa617474726962757465739194a16ea6"
        "537472696e67c40176c2a867726f75705f6964c0b064656475706c69636174696f6e5f6964c0ac74726163655f686561"
        "646572a0a2696405ac4e6f74696669636174696f6e"
    )
    assert msgspec.msgpack.encode(notice).hex() == golden
    older = msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(notice))[:3])
    assert msgspec.msgpack.decode(older, type=StoredNotice) == notice


def test_messages_that_wait_sealed_are_these_bytes():
    envelope = Envelope(wrapped=b"w", context_arn="arn")
    record = SealedNotice(message_id="id", published_ms=5, envelope=envelope, sealed=b"s")

    golden = "9601a2696405ac4e6f74696669636174696f6e9301c40177a361726ec40173"
    assert records.encode(record).hex() == golden
    assert records.decoder(SealedNotice).decode(bytes.fromhex(golden)) == record


def test_keys_on_disk_are_these_bytes():
    assert topic_keys.TOPIC.hex() == "02746f70696300"
    assert topic_keys.STATE.hex() == "02737461746500"
    assert (
        topic_keys.subscription_key(PARTITION, 3).hex()
        == "000000000000000502737562736372697074696f6e000000000000000003"
    )
    assert topic_keys.ended_key(PARTITION, 3).hex() == "000000000000000502656e646564000000000000000003"
    assert topic_keys.owner_of(PARTITION, 3).hex() == "00000000000000050000000000000003"
    assert topic_keys.id_key(PARTITION, "id").hex() == "00000000000000050269640002696400"
    assert topic_keys.name_key("0", "r", "news").hex() == "000000000000000002746f7069637300023000027200026e65777300"
    assert (
        topic_keys.subscription_name_key("0", "r", "id").hex()
        == "000000000000000002737562736372697074696f6e730002300002720002696400"
    )
    assert topic_keys.snapshot_key(PARTITION, "s").hex() == "000000000000000502736e617073686f7400027300"
    assert topic_keys.snapshot_name(topic_keys.snapshot_key(PARTITION, "s"), PARTITION) == "s"
    native = topic_keys.SubscriptionRow(id="s", protocol=topic_keys.NATIVE, owner="0")
    assert topic_keys.listed_key("r", PARTITION, native) == topic_keys.subscription_name_key(
        "0", "r", "s/0000000000000005"
    )
    assert (topic_keys.KEPT.hex(), topic_keys.REPLAY.hex()) == ("026b65707400", "027265706c617900")
    assert topic_keys.replay_key(PARTITION, 3).hex() == "0000000000000005027265706c6179000000000000000003"
    assert topic_keys.owner_in(topic_keys.owner_of(PARTITION, 3)) == (PARTITION, 3)
