"""The brokers that people would else use, as Debian brings them, each with the most durability that it offers.

Owns how each is found and started on one machine, on a folder of its own and on free ports of 127.0.0.1, and how its
queue is made. RabbitMQ's quorum queues and Redis with `appendfsync always` write to the disk before they answer; NATS
JetStream does so only every two minutes.
"""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rig.programs import environment, free_port, running

REQUIREMENTS = Path(__file__).parents[1] / "peers-requirements.txt"
QUEUE = "peers"
GROUP = "consumers"
SUBJECT = "peers.load"
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The program itself; the one on the path changes to a user of its own, who may not see our folder."""


class Peer(NamedTuple):
    """A broker that runs: its process id, and where it listens."""

    pid: int
    target: str


class Kind(NamedTuple):
    """A broker that may be at hand. `client` is the prefix of its clients' roles (peer_clients.py)."""

    name: str
    client: str
    package: str
    programs: tuple[str | Path, ...]
    start: Callable[[Path], contextlib.AbstractContextManager[Peer]]

    @property
    def missing(self) -> str:
        """Return what to install, or nothing where all is there."""
        return "" if all(shutil.which(program) for program in self.programs) else self.package


def import_clients() -> None:
    """Let this process, and those that it spawns, import the clients that the list names."""
    (packages,) = environment(REQUIREMENTS).glob("lib/python*/site-packages")
    sys.path.append(str(packages))


@contextlib.contextmanager
def rabbitmq(folder: Path) -> Iterator[Peer]:
    """Run RabbitMQ with one quorum queue. Its nodes find each other by a daemon, of which it gets one of its own."""
    import pika  # noqa: PLC0415 - `import_clients` comes first

    names_port, port = free_port(), free_port()
    (folder / "plugins").write_text("[].")
    settings = {
        "HOME": str(folder),  # where the cookie lies
        "ERL_EPMD_PORT": str(names_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "bench@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the server, so that its process id is the server's
    }
    epmd = ["epmd", "-port", str(names_port), "-address", "127.0.0.1"]
    with running(epmd, {}, names_port), running([RABBITMQ], settings, port) as pid:
        with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)) as connection:
            connection.channel().queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        yield Peer(pid, f"127.0.0.1:{port}")


def fan_out(peer: Peer, exchange: str, queues: int) -> None:
    """Make a fanout exchange of RabbitMQ's that leads to so many quorum queues."""
    import pika  # noqa: PLC0415 - as above

    host, _, port = peer.target.rpartition(":")
    with pika.BlockingConnection(pika.ConnectionParameters(host, int(port))) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "fanout", durable=True)
        for number in range(queues):
            name = f"{exchange}-{number}"
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
            channel.queue_bind(name, exchange)


def empty(peer: Peer, exchange: str, queues: int) -> None:
    """Empty the queues of such an exchange."""
    import pika  # noqa: PLC0415 - as above

    host, _, port = peer.target.rpartition(":")
    with pika.BlockingConnection(pika.ConnectionParameters(host, int(port))) as connection:
        channel = connection.channel()
        for number in range(queues):
            channel.queue_purge(f"{exchange}-{number}")


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Peer]:
    """Run Redis with one stream and its consumer group."""
    from redis import Redis  # noqa: PLC0415 - as above

    port = free_port()
    words = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    words += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    with running(words, {}, port) as pid:
        with Redis("127.0.0.1", port) as client:
            client.xgroup_create(QUEUE, GROUP, "0", mkstream=True)
        yield Peer(pid, f"127.0.0.1:{port}")


@contextlib.contextmanager
def nats(folder: Path) -> Iterator[Peer]:
    """Run NATS with one stream of JetStream, whose messages go when they are acknowledged, and its consumer."""
    port = free_port()
    words = ["nats-server", "--addr", "127.0.0.1", "--port", str(port), "--jetstream", "--store_dir", str(folder)]
    with running(words, {}, port) as pid:
        peer = Peer(pid, f"127.0.0.1:{port}")
        asyncio.run(_make_stream(peer))
        yield peer


async def _make_stream(peer: Peer) -> None:
    from nats import connect  # noqa: PLC0415 - as above
    from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType  # noqa: PLC0415 - as above

    connection = await connect(f"nats://{peer.target}")
    stream = connection.jetstream()
    await stream.add_stream(
        name=QUEUE, subjects=[SUBJECT], storage=StorageType.FILE, retention=RetentionPolicy.WORK_QUEUE
    )
    await stream.add_consumer(QUEUE, ConsumerConfig(durable_name=GROUP, ack_policy=AckPolicy.EXPLICIT))
    await connection.close()


KINDS = (
    Kind("RabbitMQ quorum", "rabbitmq", "rabbitmq-server", (RABBITMQ, "epmd"), rabbitmq),
    Kind("Redis stream", "redis", "redis-server", ("redis-server",), redis),
    Kind("NATS JetStream", "nats", "nats-server", ("nats-server",), nats),
)
