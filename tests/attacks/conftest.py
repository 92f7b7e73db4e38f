"""One durable server that every attack is made upon, and what it holds: a bucket, a queue, a user with a key."""

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from cumulo.testing import Server
from tests.attacks.attacker import Attacker

BUCKET = "kept"
QUEUE = "kept-queue"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server; it writes its log at the level at which it says most."""
    with Server(tmp_path_factory.mktemp("attacks") / "data", settings={"log_level": "debug"}) as server:
        yield server


@pytest.fixture(scope="session")
def root(server: Server) -> Attacker:
    """The owner of all that there is."""
    owner = Attacker(server)
    assert owner.ask("PUT", f"/{BUCKET}").status == 200
    assert owner.ask("PUT", f"/{BUCKET}/object", body=b"as it was").status == 200
    assert owner.call("sqs", "CreateQueue", QueueName=QUEUE).status == 200
    return owner


@pytest.fixture(scope="module")
def unchanged(root: Attacker) -> Iterator[None]:
    """What there was before the attacks of a module is there after them, and nothing else."""
    before = root.state()
    yield
    assert root.state() == before


@pytest.fixture
def make_user(root: Attacker) -> Any:
    """Return a maker of users who may do everything; each comes with his key."""

    def make(name: str) -> Attacker:
        assert root.call("iam", "CreateUser", UserName=name).status == 200
        everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        made = root.call("iam", "PutUserPolicy", UserName=name, PolicyName="all", PolicyDocument=everything)
        assert made.status == 200, made
        return with_key(root, name)

    return make


def with_key(root: Attacker, name: str) -> Attacker:
    answer = etree.fromstring(root.call("iam", "CreateAccessKey", UserName=name).body)
    return root.whose(str(answer.findtext(".//{*}AccessKeyId")), str(answer.findtext(".//{*}SecretAccessKey")))
