"""Topics under keys of the key service of a real server: what waits inside them, on disk and across restarts."""

import pytest

from cumulo.client import errors
from cumulo.testing import Server

SECRET = "what a publisher wrote, long enough that it stands nowhere by chance"


def is_on_disk(folder, text):
    return any(text.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_waits_in_a_topic_is_sealed_on_disk_and_waits_for_its_key(tmp_path):
    folder = tmp_path / "data"
    with Server(folder) as server:
        kms, sns = server.boto3("kms"), server.boto3("sns")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "true", "KmsMasterKeyId": key}
        topic = sns.create_topic(Name="news.fifo", Attributes=fifo)["TopicArn"]
        with server.client() as client:
            news = client.topic("news.fifo")
            news.set(keep=3_600)
            news.subscribe("s")
            sns.publish(TopicArn=topic, Message=SECRET, Subject="a subject of some length", MessageGroupId="g")
            (message,) = news.subscription("s").pull(1, wait=10)
            assert message.body == SECRET.encode()
            message.release()
        server.stop()
        assert is_on_disk(folder, "news.fifo")
        assert not is_on_disk(folder, SECRET)
        assert not is_on_disk(folder, "a subject of some length")
        server.start()
        server.boto3("kms").disable_key(KeyId=key)
        with server.client() as client:
            subscription = client.topic("news.fifo").subscription("s")
            with pytest.raises(errors.CumuloError) as caught:
                subscription.pull(1)
            assert caught.value.code == "KMSDisabled"
            server.boto3("kms").enable_key(KeyId=key)
            assert [it.body for it in subscription.pull(1, wait=10)] == [SECRET.encode()]
