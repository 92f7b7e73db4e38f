"""The AWS edge of the room: SQS's operations <-> the model.

Knows AWS's shapes (`aws_sqs`, generated) and the service's one door, `call`; authorises nothing. Queue URLs lead to
queues here, ids of batch entries to their answers, and refusals into AWS's words.

A queue URL is taken whatever host and scheme stand in it; the account in it is the queue's, its region is the caller's.
"""

import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.names import is_account_id, resource_name
from cumulo.core.operations import Result
from cumulo.gateway.aws_service import AwsCall, AwsService, Handler
from cumulo.queue_service import message_model, model
from cumulo.queue_service.edge_aws_attributes import TAG_KEYS_LENGTH, check_tags, from_wire, to_wire
from cumulo.queue_service.edge_aws_errors import (
    BATCH_ENTRY_IDS_NOT_DISTINCT,
    EMPTY_BATCH_REQUEST,
    INPUT_ERRORS,
    INVALID_ADDRESS,
    INVALID_BATCH_ENTRY_ID,
    MISSING_REQUIRED_PARAMETER,
    about_message,
    in_aws_words,
    invalid_parameters,
    invalid_value,
    is_query,
    shown,
)
from cumulo.queue_service.edge_aws_messages import (
    aws_sqs,
    check_id,
    entry_of,
    md5_of_system_attributes,
    selection_of,
    size_bytes,
)
from cumulo.queue_service.edge_aws_move_tasks import MOVE_TASK_HANDLERS
from cumulo.queue_service.errors import (
    BATCH_REQUEST_TOO_LONG,
    QUEUE_DOES_NOT_EXIST,
    RECEIPT_HANDLE_SUPERSEDED,
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
)
from cumulo.queue_service.queue_attributes import NAME_PATTERN

BODY_BYTES_MAX = 16 * 1024 * 1024
"""A batch of 1 MiB, should every byte of it be written as an escape (`\\u0001`, `%25`) with room to spare."""
BATCH_ENTRIES_MAX = 10
RECEIVE_MESSAGES_MAX = 10
PURGE_INTERVAL_S = 60
URL_CHARACTERS_MAX = 2_048
"""Ours: what is remembered of URLs must not grow with them."""
_HOST_ALONE = re.compile(r"https?://[^/]+/?")
_QUEUE_URL = re.compile(r"(https?://[^/]*)?/([^?]*/)?(?P<account>[0-9]{12})/(?P<name>[^/?]*)/?")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_QUEUE_NAME = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"


class QueueDoor(Protocol):
    """The service, as the edge sees it."""

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


_Convert = Callable[[QueueDoor, AwsCall], Awaitable[Any]]


def edge(service: QueueDoor) -> AwsService:
    """Return SQS on this room."""
    return AwsService(
        name="sqs",
        api_version="2012-11-05",
        target_prefix="AmazonSQS",
        load=lambda: aws_sqs.SERVICE,
        handlers={operation: _handler(service, convert) for operation, convert in HANDLERS.items()},
        input_errors=INPUT_ERRORS,
        body_bytes_max=BODY_BYTES_MAX,
        path_member="QueueUrl",
        anonymous=True,
        json_names={"Messages": "messages", "QueueUrls": "queueUrls"},
    )


def _handler(service: QueueDoor, convert: _Convert) -> Handler:
    async def handle(call: AwsCall) -> Any:
        try:
            return await convert(service, call)
        except ServiceError as error:
            raise in_aws_words(error, call) from error

    return handle


# Which queue


def _queue(call: AwsCall) -> str:
    """Return the full name of the queue that a call's `QueueUrl` means."""
    url = call.request.QueueUrl
    if len(url) > URL_CHARACTERS_MAX:
        raise INVALID_ADDRESS.error(address=shown(url))
    if not is_query(call) and _HOST_ALONE.fullmatch(url):  # in a query it would be sent to that host
        raise QUEUE_DOES_NOT_EXIST.error(queue=shown(url))
    return _queue_of(url, call.ctx.principal.account, call.ctx.region)


@functools.lru_cache(maxsize=4096)
def _queue_of(url: str, account: str, region: str) -> str:
    """Return the full name of the queue of a URL: `.../{account}/{name}`, whatever stands before.

    `queue/{region}/{account}/{name}`, a path alone and the plain name of a queue of the caller's own `account` are
    understood, too, as in AWS, but no ARN.
    Raises `InvalidAddress` for what is no queue URL, and `QueueDoesNotExist` for a name that no queue can have.
    """
    if not url:
        raise MISSING_REQUIRED_PARAMETER.error(parameter="QueueUrl")
    place = _QUEUE_URL.fullmatch(url)
    if place is None:
        if account and NAME_PATTERN.fullmatch(url):
            return resource_name(account, region, "queues", url)
        raise INVALID_ADDRESS.error(address=shown(url))
    return _named(place["name"], place["account"], region)


def _named(name: str, account: str, region: str) -> str:
    if not NAME_PATTERN.fullmatch(name):
        raise QUEUE_DOES_NOT_EXIST.error(queue=name)
    return resource_name(account, region, "queues", name)


def _url(call: AwsCall, queue: model.Queue) -> str:
    return f"{call.base_url}/{queue.account}/{queue.name}"


def _check_endpoint(call: AwsCall) -> None:
    """Refuse an operation that is no queue's and was sent to a queue's URL; JSON may be sent to any path."""
    if is_query(call) and call.http.path != "/":
        raise INPUT_ERRORS.unknown_operation.error(operation=call.operation)


async def _do(service: QueueDoor, call: AwsCall, operation: str, request: Any) -> Any:
    return (await service.call(call.ctx, operation, request)).value


# Queues


async def _create_queue(service: QueueDoor, call: AwsCall) -> Any:
    _check_endpoint(call)
    it = call.request
    name, written = it.QueueName, it.Attributes or {}
    if not name:
        raise invalid_parameters("Queue name cannot be empty")
    fifo = model.is_fifo(name)
    if not NAME_PATTERN.fullmatch(name) or (fifo and written.get("FifoQueue", "").lower() != "true"):
        raise invalid_parameters(_QUEUE_NAME)
    if it.tags:
        check_tags(it.tags)
    request = model.CreateQueue(queue=name, attributes=from_wire(written, fifo=fifo, creating=True), tags=it.tags or {})
    return aws_sqs.CreateQueueResult(QueueUrl=_url(call, await _do(service, call, "CreateQueue", request)))


async def _get_queue_url(service: QueueDoor, call: AwsCall) -> Any:
    it = call.request
    owner = it.QueueOwnerAWSAccountId or call.ctx.principal.account
    if not is_account_id(owner):
        raise QUEUE_DOES_NOT_EXIST.error(queue=it.QueueName)
    request = model.GetQueueUrl(queue=_named(it.QueueName, owner, call.ctx.region))
    return aws_sqs.GetQueueUrlResult(QueueUrl=_url(call, await _do(service, call, "GetQueueUrl", request)))


async def _list_queues(service: QueueDoor, call: AwsCall) -> Any:
    _check_endpoint(call)
    it = call.request
    page = await _do(
        service,
        call,
        "ListQueues",
        model.ListQueues(prefix=it.QueueNamePrefix or "", page_size=_page_size(it), page_token=it.NextToken or ""),
    )
    urls = [_url(call, queue) for queue in page.queues]
    return aws_sqs.ListQueuesResult(QueueUrls=urls or None, NextToken=_next_token(it, page))


async def _list_dead_letter_sources(service: QueueDoor, call: AwsCall) -> Any:
    it = call.request
    page = await _do(
        service,
        call,
        "ListDeadLetterSources",
        model.ListDeadLetterSources(queue=_queue(call), page_size=_page_size(it), page_token=it.NextToken or ""),
    )
    urls = [_url(call, queue) for queue in page.queues]
    return aws_sqs.ListDeadLetterSourceQueuesResult(queueUrls=urls, NextToken=_next_token(it, page))


def _page_size(request: Any) -> int:
    asked: int | None = request.MaxResults
    if asked is None and request.NextToken:
        raise invalid_parameters("MaxResults is a mandatory parameter when you provide a value for NextToken.")
    if asked is not None and not 1 <= asked <= model.LIST_PAGE_MAX:
        raise invalid_value("MaxResults", asked, f"MaxResults must be an integer between 1 and {model.LIST_PAGE_MAX}.")
    return asked or 0


def _next_token(request: Any, page: model.QueuePage) -> str | None:
    """Return the token of the next page: as in AWS only for who asked for pages."""
    return page.next_page_token or None if request.MaxResults is not None else None


async def _get_queue_attributes(service: QueueDoor, call: AwsCall) -> Any:
    names = call.request.AttributeNames or []
    queue = await _do(service, call, "GetQueue", model.GetQueue(queue=_queue(call)))
    return aws_sqs.GetQueueAttributesResult(Attributes=to_wire(queue, names) or None)


async def _set_queue_attributes(service: QueueDoor, call: AwsCall) -> None:
    written = call.request.Attributes
    if not written:
        raise MISSING_REQUIRED_PARAMETER.error(parameter="Attribute.Name")
    queue = _queue(call)
    request = model.UpdateQueue(queue=queue, attributes=from_wire(written, fifo=model.is_fifo(queue)))
    await _do(service, call, "UpdateQueue", request)


async def _delete_queue(service: QueueDoor, call: AwsCall) -> None:
    await _do(service, call, "DeleteQueue", model.DeleteQueue(queue=_queue(call)))


async def _purge_queue(service: QueueDoor, call: AwsCall) -> None:
    await _do(service, call, "PurgeQueue", model.PurgeQueue(queue=_queue(call), interval_s=PURGE_INTERVAL_S))


async def _list_queue_tags(service: QueueDoor, call: AwsCall) -> Any:
    tags = await _do(service, call, "ListQueueTags", model.ListQueueTags(queue=_queue(call)))
    return aws_sqs.ListQueueTagsResult(Tags=tags or None)


async def _tag_queue(service: QueueDoor, call: AwsCall) -> None:
    check_tags(call.request.Tags)
    await _do(service, call, "TagQueue", model.TagQueue(queue=_queue(call), tags=call.request.Tags))


async def _untag_queue(service: QueueDoor, call: AwsCall) -> None:
    keys = call.request.TagKeys
    if not all(keys) or not keys:
        raise invalid_parameters(TAG_KEYS_LENGTH)
    await _do(service, call, "UntagQueue", model.UntagQueue(queue=_queue(call), keys=tuple(keys)))


async def _add_permission(service: QueueDoor, call: AwsCall) -> None:
    it = call.request
    if not it.Actions:
        raise MISSING_REQUIRED_PARAMETER.error(parameter="Actions")
    if not it.AWSAccountIds:
        raise invalid_value("PrincipalId", [], "Unable to verify.")
    request = model.AddPermission(
        queue=_queue(call), label=it.Label, accounts=tuple(it.AWSAccountIds), actions=tuple(it.Actions)
    )
    await _do(service, call, "AddPermission", request)


async def _remove_permission(service: QueueDoor, call: AwsCall) -> None:
    await _do(service, call, "RemovePermission", model.RemovePermission(queue=_queue(call), label=call.request.Label))


# Messages


async def _send_message(service: QueueDoor, call: AwsCall) -> Any:
    it = call.request
    queue = _queue(call)
    entry = entry_of(it, call.ctx.trace_header, fifo=model.is_fifo(queue))
    sent = await _do(service, call, "SendMessage", message_model.SendMessages(queue=queue, entries=(entry,)))
    return aws_sqs.SendMessageResult(
        MD5OfMessageBody=sent.md5_of_body,
        MessageId=sent.message_id,
        MD5OfMessageAttributes=sent.md5_of_attributes or None,
        MD5OfMessageSystemAttributes=md5_of_system_attributes(it),
        SequenceNumber=sent.sequence_number or None,
    )


async def _receive_message(service: QueueDoor, call: AwsCall) -> Any:
    it = call.request
    max_messages, wait_s, timeout_s = it.MaxNumberOfMessages, it.WaitTimeSeconds, it.VisibilityTimeout
    if max_messages is None:
        max_messages = 1
    elif not 1 <= max_messages <= RECEIVE_MESSAGES_MAX:
        raise invalid_value(
            "MaxNumberOfMessages", max_messages, f"Must be between 1 and {RECEIVE_MESSAGES_MAX}, if provided."
        )
    if wait_s is not None and not 0 <= wait_s <= model.RECEIVE_WAIT_S_MAX:
        raise invalid_value("WaitTimeSeconds", wait_s, f"Must be >= 0 and <= {model.RECEIVE_WAIT_S_MAX}, if provided.")
    if timeout_s is not None:
        _check_timeout(timeout_s)
    check_id("ReceiveRequestAttemptId", it.ReceiveRequestAttemptId)
    selection = selection_of(it)
    if wait_s != 0:
        call.http.park()  # a message that somebody gone had taken would be hidden until its visibility timeout ends
    request = message_model.ReceiveMessages(
        queue=_queue(call),
        max_messages=max_messages,
        wait_s=wait_s,
        visibility_timeout_s=timeout_s,
        attempt_id=it.ReceiveRequestAttemptId or "",
    )
    messages = await _do(service, call, "ReceiveMessages", request)
    return aws_sqs.ReceiveMessageResult(Messages=[selection.to_wire(one) for one in messages] or None)


async def _delete_message(service: QueueDoor, call: AwsCall) -> None:
    request = message_model.DeleteMessages(queue=_queue(call), receipt_handles=(call.request.ReceiptHandle,))
    try:
        await _do(service, call, "DeleteMessage", request)
    except ServiceError as error:
        if error.row is not RECEIPT_HANDLE_SUPERSEDED:
            raise
        # "Otherwise, the request succeeds, but the message will not be deleted" (SQS API reference, DeleteMessage).


async def _change_message_visibility(service: QueueDoor, call: AwsCall) -> None:
    it = call.request
    _check_timeout(it.VisibilityTimeout)
    change = message_model.VisibilityChange(it.ReceiptHandle, it.VisibilityTimeout)
    request = message_model.ChangeVisibilities(queue=_queue(call), entries=(change,))
    await _do(service, call, "ChangeMessageVisibility", request)


def _check_timeout(timeout_s: int) -> None:
    if not 0 <= timeout_s <= model.VISIBILITY_TIMEOUT_S_MAX:
        raise invalid_value(
            "VisibilityTimeout",
            timeout_s,
            f"Must be >= 0 and <= {model.VISIBILITY_TIMEOUT_S_MAX}, if provided.",
        )


# Batches


class _Batch:
    """The entries of a batch, those that may go on, and the refusals of the others."""

    def __init__(self, call: AwsCall, entry_name: str) -> None:
        entries: Sequence[Any] = call.request.Entries
        if not entries:
            raise EMPTY_BATCH_REQUEST.error(entry=entry_name)
        if len(entries) > BATCH_ENTRIES_MAX:
            raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=BATCH_ENTRIES_MAX, entries=len(entries))
        seen: set[str] = set()
        for entry in entries:
            if not _ENTRY_ID.fullmatch(entry.Id):
                raise INVALID_BATCH_ENTRY_ID.error()
            if entry.Id in seen:
                raise BATCH_ENTRY_IDS_NOT_DISTINCT.error(id=entry.Id)
            seen.add(entry.Id)
        self._entries = entries
        # JSON leaves out a list without entries; in XML a flat list without entries is nothing by itself.
        self._nothing: Any = [] if is_query(call) else msgspec.UNSET
        self.valid: list[Any] = []
        self._errors: dict[str, ServiceError] = {}

    def parse(self, parse: Callable[[Any], Any]) -> list[Any]:
        """Return the entries in the room's form; those that are refused are noted and left out."""
        parsed = []
        for entry in self._entries:
            try:
                parsed.append(parse(entry))
                self.valid.append(entry)
            except ServiceError as error:
                self._errors[entry.Id] = error
        return parsed

    def successful(self, results: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Return the entries that are done, each with its result; note the refusals of the others."""
        done = []
        for entry, result in zip(self.valid, results, strict=True):
            if isinstance(result, message_model.ItemError):
                self._errors[entry.Id] = about_message(
                    result.cause, getattr(entry, "ReceiptHandle", ""), getattr(entry, "VisibilityTimeout", 0)
                )
            else:
                done.append((entry, result))
        return done

    def answer(self, shape: Any, successful: list[Any]) -> Any:
        """Return the batch's answer."""
        failed = [
            aws_sqs.BatchResultErrorEntry(
                Id=entry.Id,
                SenderFault=not error.row.retryable,
                Code=error.row.query_code or error.row.code,
                Message=error.message,
            )
            for entry in self._entries
            if (error := self._errors.get(entry.Id)) is not None
        ]
        return shape(Successful=successful or self._nothing, Failed=failed or self._nothing)


async def _send_message_batch(service: QueueDoor, call: AwsCall) -> Any:
    batch = _Batch(call, "SendMessageBatchRequestEntry")
    queue, trace_header = _queue(call), call.ctx.trace_header
    fifo = model.is_fifo(queue)
    entries = batch.parse(lambda entry: entry_of(entry, trace_header, fifo=fifo))
    total_bytes = sum(map(size_bytes, entries))
    if total_bytes > message_model.BATCH_BYTES_MAX:
        raise BATCH_REQUEST_TOO_LONG.error(limit=message_model.BATCH_BYTES_MAX, size=total_bytes)
    results: Sequence[Any] = ()
    if entries:
        request = message_model.SendMessages(queue=queue, entries=tuple(entries), entries_max=BATCH_ENTRIES_MAX)
        results = await _do(service, call, "BatchSendMessages", request)
    return batch.answer(
        aws_sqs.SendMessageBatchResult,
        [
            aws_sqs.SendMessageBatchResultEntry(
                Id=entry.Id,
                MessageId=sent.message_id,
                MD5OfMessageBody=sent.md5_of_body,
                MD5OfMessageAttributes=sent.md5_of_attributes or None,
                MD5OfMessageSystemAttributes=md5_of_system_attributes(entry),
                SequenceNumber=sent.sequence_number or None,
            )
            for entry, sent in batch.successful(results)
        ],
    )


async def _delete_message_batch(service: QueueDoor, call: AwsCall) -> Any:
    batch = _Batch(call, "DeleteMessageBatchRequestEntry")
    handles = batch.parse(lambda entry: entry.ReceiptHandle)
    request = message_model.DeleteMessages(
        queue=_queue(call), receipt_handles=tuple(handles), entries_max=BATCH_ENTRIES_MAX
    )
    results = await _do(service, call, "BatchDeleteMessages", request)
    results = [None if _is_superseded(result) else result for result in results]
    done = [aws_sqs.DeleteMessageBatchResultEntry(Id=entry.Id) for entry, _ in batch.successful(results)]
    return batch.answer(aws_sqs.DeleteMessageBatchResult, done)


def _is_superseded(result: Any) -> bool:
    return isinstance(result, message_model.ItemError) and result.cause.row is RECEIPT_HANDLE_SUPERSEDED


async def _change_message_visibility_batch(service: QueueDoor, call: AwsCall) -> Any:
    batch = _Batch(call, "ChangeMessageVisibilityBatchRequestEntry")
    queue = _queue(call)
    changes = batch.parse(_visibility_change)
    results: Sequence[Any] = ()
    if changes:
        request = message_model.ChangeVisibilities(queue=queue, entries=tuple(changes), entries_max=BATCH_ENTRIES_MAX)
        results = await _do(service, call, "BatchChangeMessageVisibility", request)
    done = [aws_sqs.ChangeMessageVisibilityBatchResultEntry(Id=entry.Id) for entry, _ in batch.successful(results)]
    return batch.answer(aws_sqs.ChangeMessageVisibilityBatchResult, done)


def _visibility_change(entry: Any) -> message_model.VisibilityChange:
    if entry.VisibilityTimeout is None:
        raise MISSING_REQUIRED_PARAMETER.error(parameter="VisibilityTimeout")
    _check_timeout(entry.VisibilityTimeout)
    return message_model.VisibilityChange(entry.ReceiptHandle, entry.VisibilityTimeout)


HANDLERS: Mapping[str, _Convert] = {
    "CreateQueue": _create_queue,
    "GetQueueUrl": _get_queue_url,
    "ListQueues": _list_queues,
    "ListDeadLetterSourceQueues": _list_dead_letter_sources,
    "GetQueueAttributes": _get_queue_attributes,
    "SetQueueAttributes": _set_queue_attributes,
    "DeleteQueue": _delete_queue,
    "PurgeQueue": _purge_queue,
    "ListQueueTags": _list_queue_tags,
    "TagQueue": _tag_queue,
    "UntagQueue": _untag_queue,
    "AddPermission": _add_permission,
    "RemovePermission": _remove_permission,
    "SendMessage": _send_message,
    "SendMessageBatch": _send_message_batch,
    "ReceiveMessage": _receive_message,
    "DeleteMessage": _delete_message,
    "DeleteMessageBatch": _delete_message_batch,
    "ChangeMessageVisibility": _change_message_visibility,
    "ChangeMessageVisibilityBatch": _change_message_visibility_batch,
    **MOVE_TASK_HANDLERS,
}
"""AWS's operations that are done, each with its way through the room."""
