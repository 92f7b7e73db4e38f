"""What stands in the data folder of a real server, and what happens without its storage key."""

import os
import signal

import pytest

from cumulo.client import DeadLetterPolicy, Encryption, errors
from cumulo.testing import Server, ServerFailed
from tests.server.running import end_of

SECRET = "the body of a message that stands nowhere in the clear"
OWN_KEY = b"a key that nobody stores anywhere"[:32]
ATTRIBUTE = "an attribute of a message that stands nowhere in the clear"
PLAIN = "the body of a message of a queue that is not encrypted"


def holds(folder, text):
    """Say which files of the data folder hold a text."""
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def fill(client):
    client.queue("dead").create()
    policy = DeadLetterPolicy(queue="dead", max_receive_count=1)
    for name, attributes in (
        ("managed", {}),
        ("kms", {"kms_master_key_id": "alias/aws/sqs"}),
        ("moved", {"dead_letter_policy": policy}),
    ):
        client.queue(name).create(**attributes)
        client.queue(name).send(SECRET, attributes={"a": ATTRIBUTE})
        client.queue(name).send(SECRET * 3_000)
    for name in ("ordered.fifo",):
        client.queue(name).create()
        client.queue(name).send(SECRET, group="g", deduplication_id="d", attributes={"a": ATTRIBUTE})
    client.queue("plain").create(managed_sse=False)
    client.queue("plain").send(PLAIN)
    bucket = client.bucket("secrets", create=True)
    bucket.put("small", SECRET)
    bucket.put("large", SECRET * 20_000)
    bucket.put("own", SECRET * 20_000, encryption=Encryption(customer_key=OWN_KEY))
    list(client.queue("moved").receive(0, 10, visibility_timeout=0))
    assert not list(client.queue("moved").receive(0, 10))


def bodies(client, name):
    return sorted(message.text for message in client.queue(name).receive(0, 10))


def test_no_file_of_the_data_folder_holds_what_was_sent(folder, cumulo):
    with Server(folder) as server:
        with server.client() as client:
            fill(client)
        os.kill(server.pid, signal.SIGKILL)
        end_of(server)
        server.start()

        assert holds(folder, SECRET) == []
        assert holds(folder, ATTRIBUTE) == []
        assert holds(folder, PLAIN) == ["data.mdb"], "the search finds what is there"
        with server.client() as client:
            for name in ("managed", "kms", "dead"):
                assert bodies(client, name) == [SECRET, SECRET * 3_000]
            assert bodies(client, "ordered.fifo") == [SECRET]
            bucket = client.bucket("secrets")
            assert bucket.get("small") == SECRET.encode()
            assert bucket.get("large") == bucket.get("own", customer_key=OWN_KEY) == SECRET.encode() * 20_000
        output = server.output
    checked = cumulo("check", "--data", str(folder))

    assert SECRET not in output
    assert holds(folder, SECRET) == []
    assert holds(folder, OWN_KEY.decode()) == [], "a customer's key is stored nowhere"
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_start_without_the_right_storage_key_is_refused_and_loses_nothing(folder, cumulo):
    with Server(folder) as server, server.client() as client:
        client.queue("jobs").create()
        client.queue("jobs").send(SECRET)
    path = folder / "secrets" / "storage_keys" / "1.key"
    key = path.read_bytes()

    for wrong, says in ((None, "is missing"), (b"w" * 32, "is another key"), (b"", "does not hold 32 random bytes")):
        path.unlink(missing_ok=True)
        if wrong is not None:
            path.write_bytes(wrong)
            path.chmod(0o600)
        for words in (("serve", "--port", "0", "--grpc-port", "0"), ("check",)):
            done = cumulo(*words, "--data", str(folder))

            assert done.returncode != 0
            assert says in done.stderr
            assert str(path) in done.stderr
            assert len(done.stderr.splitlines()) == 1
            assert "wwww" not in done.stderr
        with pytest.raises(ServerFailed):
            Server(folder).start()

    path.write_bytes(key)
    with Server(folder) as server, server.client() as client:
        assert bodies(client, "jobs") == [SECRET]


def test_encryption_is_shown_and_changed_by_the_sdk_and_the_command_line(folder, cumulo):
    with Server(folder) as server:
        environment = server.environment()
        with server.client() as client:
            queue = client.queue("jobs")
            made = queue.create()
            changed = queue.set(kms_master_key_id="alias/aws/sqs", kms_data_key_reuse=60)
            back = queue.set(reset=("kms_master_key_id", "kms_data_key_reuse_s"))
            with pytest.raises(errors.InvalidArgument, match="one type of server-side encryption"):
                queue.set(kms_master_key_id="k", managed_sse=True)

        told = cumulo("queue", "set", "jobs", "--no-managed-sse", **environment)
        shown = cumulo("queue", "show", "jobs", "-o", "json", **environment)

    ways = [(it.managed_sse_enabled, it.kms_master_key_id, it.kms_data_key_reuse_s) for it in (made, changed, back)]
    assert ways == [(True, None, 300), (False, "alias/aws/sqs", 60), (True, None, 300)]
    assert told.returncode == 0, told.stderr
    assert '"managed_sse_enabled": false' in shown.stdout, shown.stdout + shown.stderr
