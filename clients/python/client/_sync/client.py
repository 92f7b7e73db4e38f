# Generated from _async/client.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""The client: one connection, and the services on it."""

from functools import partial
from types import TracebackType
from typing import Any, Self

from cumulo.api.objects.v1 import objects_pb2
from cumulo.api.queue.v1 import log_pb2, queue_pb2
from cumulo.api.topics.v1 import topics_pb2
from cumulo.client import _wire, model
from cumulo.client._sync.buckets import Bucket
from cumulo.client._sync.connection import DEADLINE_S, TOKEN_LIFE_S, Connection
from cumulo.client._sync.identity import Identity
from cumulo.client._sync.jobs import Jobs
from cumulo.client._sync.keys import Keys
from cumulo.client._sync.leases import LeaseKeeper
from cumulo.client._sync.logs import Log
from cumulo.client._sync.pages import Pager
from cumulo.client._sync.queues import Queue
from cumulo.client._sync.requests import Requests
from cumulo.client._sync.topics import Topic
from cumulo.client._sync.transactions import Transaction
from cumulo.client.configuration import configure
from cumulo.client.model import Page


class Client:
    """A client of one server, with one access key.

    What is not given comes from the `profile` (`cumulo iam login` writes one), from `CUMULO_TARGET`,
    `CUMULO_ACCESS_KEY_ID`, `CUMULO_SECRET_ACCESS_KEY`, `CUMULO_REGION`, `CUMULO_TLS_CA`, `CUMULO_URL`, then
    `cumulo.toml`, then `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`. `url` is the
    HTTP endpoint; only presigned URLs need it. `timeout` is the deadline in seconds of each call that names none. With
    `retries`, a call that failed for a passing reason is made again until its deadline, where that is safe.
    `token_life_s` is how long a bearer token holds; it is renewed before.

    The secret never travels: it signs a proof that is traded for a token. Use the client as a context manager, or close
    it. It connects at the first call.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        url: str | None = None,
        profile: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        region: str | None = None,
        tls_ca: str | None = None,
        timeout: float = DEADLINE_S,
        retries: bool = True,
        token_life_s: int = TOKEN_LIFE_S,
    ) -> None:
        configuration = configure(
            target,
            url=url,
            profile=profile,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            region=region,
            tls_ca=tls_ca,
        )
        self._connection = Connection(configuration, timeout=timeout, retries=retries, token_life_s=token_life_s)
        self._keeper = LeaseKeeper(self._connection)
        self._requests = Requests(self._connection)
        self.iam = Identity(self._connection)
        self.jobs = Jobs(self._connection)
        self.keys = Keys(self._connection)

    def __repr__(self) -> str:
        it = self._connection.configuration
        return f"Client({it.target!r}, access_key_id={it.access_key_id!r})"

    @property
    def target(self) -> str:
        """Host and port of the server."""
        return self._connection.configuration.target

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop extending messages, delete the reply queue if there is one, and close the connections; calls that are
        still running end.
        """
        self._keeper.close()
        self._requests.close()
        self._connection.close()
        self._requests.join()

    # Queues

    def queue(self, name: str, *, create: bool = False, **attributes: Any) -> Queue:
        """Return a queue by name, short name or ARN; one whose name ends in `.fifo` is a FIFO queue.

        With `create` it is made, with the attributes that `Queue.set` knows, when it is awaited (in the flavour on
        threads: at once). One that exists with the same attributes is taken as it is, one with others is
        `AlreadyExists`.
        """
        queue = Queue(self._connection, self._keeper, self._requests, name)
        if create:
            queue.prepare_by(partial(queue.create, **attributes))
        return queue

    def queues(self, prefix: str = "", *, page_size: int | None = None) -> Pager[model.QueueInfo]:
        """List queues in order of their names, without attributes."""

        def fetch(page_token: str) -> Page[model.QueueInfo]:
            response = self._connection.call(
                self._connection.lane.queue.ListQueues,
                queue_pb2.ListQueuesRequest(prefix=prefix, page_size=page_size or 0, page_token=page_token),
            )
            return Page([_wire.queue_info(it, listed=True) for it in response.queues], response.next_page_token)

        return Pager(fetch)

    def transaction(self) -> Transaction:
        """Collect messages to send and received messages to delete, in any queues of one account, and commit them.

        A context manager: at its end all of it happens, or nothing; nothing where the block raises. So a message is
        taken from one queue and what is made of it is sent to others exactly once, whatever crashes meanwhile.
        """
        return Transaction(self._connection)

    # Logs

    def log(self, name: str, *, create: bool = False, **attributes: Any) -> Log:
        """Return a log by name, short name or ARN.

        With `create` it is made, with the attributes that `Log.create` knows, when it is awaited (in the flavour
        on threads: at once). One that exists with the same attributes is taken as it is, one with others is
        `AlreadyExists`.
        """
        log = Log(self._connection, name)
        if create:
            log.prepare_by(partial(log.create, **attributes))
        return log

    def logs(self, prefix: str = "", *, page_size: int | None = None) -> Pager[model.LogInfo]:
        """List logs in order of their names, without attributes."""

        def fetch(page_token: str) -> Page[model.LogInfo]:
            response = self._connection.call(
                self._connection.lane.log.ListLogs,
                log_pb2.ListLogsRequest(prefix=prefix, page_size=page_size or 0, page_token=page_token),
            )
            return Page([_wire.log_info(it, listed=True) for it in response.logs], response.next_page_token)

        return Pager(fetch)

    # Topics

    def topic(self, name: str, *, create: bool = False, **attributes: Any) -> Topic:
        """Return a topic by name, short name or ARN; one whose name ends in `.fifo` is a FIFO topic.

        With `create` it is made, with the attributes that `Topic.create` knows, when it is awaited (in the flavour
        on threads: at once). One that exists with the same attributes is taken as it is, one with others is refused.
        """
        topic = Topic(self._connection, self._keeper, self._requests, name)
        if create:
            topic.prepare_by(partial(topic.create, **attributes))
        return topic

    def topics(self, *, page_size: int | None = None) -> Pager[model.TopicInfo]:
        """List the topics of the caller's account and region in order of their names, without attributes."""

        def fetch(page_token: str) -> Page[model.TopicInfo]:
            response = self._connection.call(
                self._connection.lane.topics.ListTopics,
                topics_pb2.ListTopicsRequest(page_size=page_size or 0, page_token=page_token),
            )
            return Page([_wire.topic_info(it, listed=True) for it in response.topics], response.next_page_token)

        return Pager(fetch)

    # Buckets

    def bucket(self, name: str, *, create: bool = False) -> Bucket:
        """Return a bucket by name or ARN.

        With `create` it is made, unless the caller's account has it, when it is awaited (in the flavour on threads: at
        once).
        """
        bucket = Bucket(self._connection, name)
        if create:
            bucket.prepare_by(partial(bucket.create, exist_ok=True))
        return bucket

    def buckets(self, prefix: str = "", *, page_size: int | None = None) -> Pager[model.BucketInfo]:
        """List the caller's account's buckets in order of their names."""

        def fetch(page_token: str) -> Page[model.BucketInfo]:
            response = self._connection.call(
                self._connection.lane.objects.ListBuckets,
                objects_pb2.ListBucketsRequest(prefix=prefix, page_size=page_size or 0, page_token=page_token),
            )
            return Page([_wire.bucket_info(it) for it in response.buckets], response.next_page_token)

        return Pager(fetch)
