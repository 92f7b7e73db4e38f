"""Runs under kombu with its SQS transport: a fanout exchange is a topic, and each bound queue a queue of SQS."""

import os
import sys
from urllib.parse import urlsplit

from kombu import Connection, Exchange, Queue

PLACE = urlsplit(os.environ["AWS_ENDPOINT_URL"])
OPTIONS = {
    "region": os.environ["AWS_REGION"],
    "is_secure": False,
    "wait_time_seconds": 1,
    "polling_interval": 0.1,
    "supports_fanout": True,
}


def fanout(prefix: str) -> None:
    """Publish to an exchange whose two queues are consumed, and print what each of them got."""
    exchange = Exchange(f"{prefix}-news", type="fanout")
    got: dict[str, list[int]] = {}
    with Connection(f"sqs://{PLACE.hostname}:{PLACE.port}", transport_options=OPTIONS) as connection:
        channel = connection.channel()
        queues = [Queue(f"{prefix}-{name}", exchange) for name in ("a", "b")]
        for queue in queues:  # a queue subscribes when it is consumed
            connection.Consumer(queue, channel=channel, callbacks=[taker(got.setdefault(queue.name, []))]).consume()
        with connection.Producer(channel) as producer:
            for number in range(3):
                producer.publish({"number": number}, exchange=exchange, routing_key="")
        while any(len(numbers) < 3 for numbers in got.values()):
            connection.drain_events(timeout=20)
    for name, numbers in got.items():
        print(name.rpartition("-")[2], sorted(numbers))


def taker(numbers: list[int]):
    """Return a callback that notes the number in each message."""

    def take(body, message) -> None:
        numbers.append(body["number"])
        message.ack()

    return take


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
