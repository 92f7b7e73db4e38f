"""How a request says where its reply goes, and how a reply says what it answers: the names that both sides agree on.

The names are those of AWS's temporary-queue client where it has them, so that its requesters and responders, and
programs that follow the same custom by any client of SQS, can be spoken with.
"""

import re
import urllib.parse

RESPONSE_QUEUE = "ResponseQueueUrl"
"""Attribute of a request: URL or ARN of the queue that the reply goes to."""
CORRELATION_ID = "CorrelationId"
"""Attribute of a request that its reply brings back. AWS's client has none: it makes a queue for each request."""
VIRTUAL_QUEUE = "__AmazonSQSVirtualQueuesClient.QueueName"
"""Attribute of a reply to a virtual queue of AWS's client: its URL is that of the queue behind it, `#` and its name."""
REPLY_QUEUE_PREFIX = "__RequesterClientQueues__"
"""What the names of reply queues begin with, as by AWS's client: one policy serves both."""
_HOST = re.compile(r"(?:sqs\.|queue\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.")


def response_address(url: str, full_name: str, arn: str) -> str:
    """Return how a request names its reply queue: by a URL below the server's, or by ARN where none is known."""
    if not url:
        return arn
    _, account, _, _, _, name = full_name.split("/")
    return f"{url.rstrip('/')}/{account}/{name}"


def response_queue(address: str, region: str) -> tuple[str, str]:
    """Return the queue that a response address means, and the virtual queue on it, empty for none.

    `region` is the caller's, for a URL that names none. Raises `ValueError` for what is no address.
    """
    place, _, virtual = address.partition("#")
    if not place.startswith(("http://", "https://")):
        return place, virtual
    parts = urllib.parse.urlsplit(place)
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) < 2:
        raise ValueError(f"{address!r} is no queue's URL")
    named = _HOST.match(parts.hostname or "")
    account, name = segments[-2:]
    return f"accounts/{account}/regions/{named.group(1) if named else region}/queues/{name}", virtual
