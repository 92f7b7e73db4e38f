"""The SDK: ``Client`` and ``AsyncClient``, one typed interface to every service of a Cumulo server.

Both flavours are made from one source: `AsyncClient` on asyncio, `Client` on threads, with the same methods.
"""

from cumulo.client import errors, model
from cumulo.client._async.buckets import AsyncBucket, AsyncObjectWriter
from cumulo.client._async.client import AsyncClient
from cumulo.client._async.downloads import AsyncObjectReader
from cumulo.client._async.jobs import AsyncJob
from cumulo.client._async.log_consumer import AsyncLogConsumer
from cumulo.client._async.logs import AsyncLog
from cumulo.client._async.messages import AsyncMessage
from cumulo.client._async.queues import AsyncQueue
from cumulo.client._async.schedules import AsyncSchedules
from cumulo.client._async.topics import AsyncSubscription, AsyncTopic
from cumulo.client._async.transactions import AsyncTransaction
from cumulo.client._sync.buckets import Bucket, ObjectWriter
from cumulo.client._sync.client import Client
from cumulo.client._sync.downloads import ObjectReader
from cumulo.client._sync.jobs import Job
from cumulo.client._sync.log_consumer import LogConsumer
from cumulo.client._sync.logs import Log
from cumulo.client._sync.messages import Message
from cumulo.client._sync.queues import Queue
from cumulo.client._sync.schedules import Schedules
from cumulo.client._sync.topics import Subscription, Topic
from cumulo.client._sync.transactions import Transaction
from cumulo.client.errors import CumuloError
from cumulo.client.model import (
    DeadLetterPolicy,
    Enclosed,
    Encryption,
    EventHold,
    JobSpec,
    Notice,
    NotificationRule,
    ObjectLock,
    Outgoing,
    OutgoingRecord,
    Retention,
)

__all__ = [
    "AsyncBucket",
    "AsyncClient",
    "AsyncJob",
    "AsyncLog",
    "AsyncLogConsumer",
    "AsyncMessage",
    "AsyncObjectReader",
    "AsyncObjectWriter",
    "AsyncQueue",
    "AsyncSchedules",
    "AsyncSubscription",
    "AsyncTopic",
    "AsyncTransaction",
    "Bucket",
    "Client",
    "CumuloError",
    "DeadLetterPolicy",
    "Enclosed",
    "Encryption",
    "EventHold",
    "Job",
    "JobSpec",
    "Log",
    "LogConsumer",
    "Message",
    "Notice",
    "NotificationRule",
    "ObjectLock",
    "ObjectReader",
    "ObjectWriter",
    "Outgoing",
    "OutgoingRecord",
    "Queue",
    "Retention",
    "Schedules",
    "Subscription",
    "Topic",
    "Transaction",
    "errors",
    "model",
]
