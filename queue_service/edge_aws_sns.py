"""The AWS edge of topics: SNS's operations <-> the model.

Knows AWS's shapes (`aws_sns`, generated) and the service's one door, `call`; authorises nothing. Attributes are texts
on both sides; what SNS adds to those that were given is added here. What is left out of the table (platform
applications, the sandbox of SMS, data protection) the gateway refuses by name.
"""

import functools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.lazy import LazyModule
from cumulo.core.operations import Result
from cumulo.gateway.aws_service import AwsCall, AwsService, Handler, InputErrors
from cumulo.gateway.http_body import BODY_TOO_LARGE
from cumulo.queue_service import edge_aws_sns_phones
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.archive_policies import ARCHIVE_POLICY
from cumulo.queue_service.delivery_policies import effective_of_subscription, effective_of_topic
from cumulo.queue_service.edge_aws_sns_messages import bytes_of, entry_of
from cumulo.queue_service.message_model import ItemError
from cumulo.queue_service.resolve_topics import default_policy
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_envelopes import timestamp
from cumulo.queue_service.topic_errors import (
    AUTHORIZATION_ERROR,
    BATCH_ENTRY_IDS_NOT_DISTINCT,
    BATCH_REQUEST_TOO_LONG,
    EMPTY_BATCH_REQUEST,
    INVALID_ACTION,
    INVALID_BATCH_ENTRY_ID,
    MALFORMED_INPUT,
    MESSAGE_TOO_LONG,
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
    VALIDATION_ERROR,
)

VERSION: Final = "2010-03-31"
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""A batch of 1 MiB, should every byte of it be percent-encoded, with room to spare."""
PENDING: Final = "PendingConfirmation"
_OF_ATTRIBUTES: Final = "delivery status means nothing"
_DEPARTURES: Final = {
    "CreateTopic": _OF_ATTRIBUTES,
    "SetTopicAttributes": _OF_ATTRIBUTES,
    "Subscribe": "`lambda`, `firehose` and `application` are refused by name, and so are private addresses",
    "Publish": "to a phone number it is recorded; to a device: refused by name",
    "SetSMSAttributes": "they are kept and shown, and mean nothing",
    "OptInPhoneNumber": "nobody can opt out",
}
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]+")
_ENTRY_ID_CHARACTERS_MAX = 80
aws_sns: Any = LazyModule("cumulo.queue_service.aws_sns")


class TopicDoor(Protocol):
    """The service, as the edge sees it."""

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


_Convert = Callable[[TopicDoor, AwsCall], Awaitable[Any]]


def edge(service: TopicDoor) -> AwsService:
    """Return SNS on this service."""
    return AwsService(
        name="sns",
        api_version=VERSION,
        target_prefix="",
        load=lambda: aws_sns.SERVICE,
        handlers={operation: _handler(service, convert) for operation, convert in HANDLERS.items()},
        input_errors=InputErrors(
            missing=VALIDATION_ERROR,
            malformed=MALFORMED_INPUT,
            unknown_operation=INVALID_ACTION,
            too_large=BODY_TOO_LARGE,
        ),
        body_bytes_max=BODY_BYTES_MAX,
        anonymous=True,
        links=("ConfirmSubscription", "Unsubscribe"),
        departures=_DEPARTURES,
    )


def _handler(service: TopicDoor, convert: _Convert) -> Handler:
    async def handle(call: AwsCall) -> Any:
        try:
            return await convert(service, call)
        except ServiceError as error:
            if error.row is not ACCESS_DENIED:
                raise
            # SNS spells its own actions in capitals, and names where it lists.
            everything = f"on resource: arn:aws:sns:{call.ctx.region}:{call.ctx.principal.account}:*"
            reason = str(error.values.get("reason", "")).replace(" sns:", " SNS:")
            reason = re.sub(r"on resource: \*(?= |$)", everything, reason)
            raise AUTHORIZATION_ERROR.error(**error.values | {"reason": reason}) from error

    return handle


async def _do(service: TopicDoor, call: AwsCall, request: Any) -> Any:
    return (await service.call(call.ctx, type(request).__name__, request)).value


def _of_phones(handle: Callable[[edge_aws_sns_phones.Do, AwsCall], Awaitable[Any]]) -> _Convert:
    return lambda service, call: handle(functools.partial(_do, service), call)


def _topic(call: AwsCall, arn: str | None) -> str:
    """Return the ARN of a topic of the caller's region, in which alone SNS finds it."""
    elements = (arn or "").split(":")
    if len(elements) < 6:
        raise wrong(f"TopicArn Reason: An ARN must have at least 6 elements, not {len(elements)}")
    if elements[3] != call.ctx.region and call.ctx.principal.account:
        raise wrong("TopicArn")
    return ":".join(elements)


# Topics


async def _create_topic(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    if ":" in it.Name or "/" in it.Name:
        raise wrong("Topic Name")
    request = model.CreateTopic(topic=it.Name, attributes=it.Attributes or {}, tags=_tags(it.Tags))
    place: model.TopicPlace = await _do(service, call, request)
    return aws_sns.CreateTopicResponse(TopicArn=place.arn)


async def _delete_topic(service: TopicDoor, call: AwsCall) -> Any:
    try:
        await _do(service, call, model.DeleteTopic(topic=_topic(call, call.request.TopicArn)))
    except ServiceError as error:
        if error.row.code != "NotFound":
            raise  # SNS says nothing where the topic is gone already


async def _get_topic_attributes(service: TopicDoor, call: AwsCall) -> Any:
    it: model.Topic = await _do(service, call, model.GetTopic(topic=_topic(call, call.request.TopicArn)))
    attributes = {
        "DisplayName": "",
        **it.attributes,
        "Owner": it.place.account,
        "Policy": it.policy or default_policy(it.place),
        "TopicArn": it.place.arn,
        "SubscriptionsConfirmed": str(it.confirmed),
        "SubscriptionsPending": str(it.pending),
        "SubscriptionsDeleted": str(it.deleted),
        "EffectiveDeliveryPolicy": json.dumps(effective_of_topic(it.attributes), separators=(",", ":")),
    }
    if it.place.fifo:
        attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "false"} | attributes
    if ARCHIVE_POLICY in attributes:
        attributes["BeginningArchiveTime"] = timestamp(it.kept_from_ms)
    return aws_sns.GetTopicAttributesResponse(Attributes=attributes)


async def _set_topic_attributes(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    request = model.SetTopicAttribute(
        topic=_topic(call, it.TopicArn), name=it.AttributeName, value=it.AttributeValue or ""
    )
    await _do(service, call, request)


async def _list_topics(service: TopicDoor, call: AwsCall) -> Any:
    page: model.TopicPage = await _do(service, call, model.ListTopics(page_token=call.request.NextToken or ""))
    return aws_sns.ListTopicsResponse(
        Topics=[aws_sns.Topic(TopicArn=place.arn) for place in page.topics], NextToken=page.next_page_token or None
    )


async def _list_tags(service: TopicDoor, call: AwsCall) -> Any:
    tags = await _do(service, call, model.ListTopicTags(topic=_topic(call, call.request.ResourceArn)))
    return aws_sns.ListTagsForResourceResponse(
        Tags=[aws_sns.Tag(Key=key, Value=value) for key, value in sorted(tags.items())]
    )


async def _tag(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    await _do(service, call, model.TagTopic(topic=_topic(call, it.ResourceArn), tags=_tags(it.Tags)))
    return aws_sns.TagResourceResponse()


async def _untag(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    await _do(service, call, model.UntagTopic(topic=_topic(call, it.ResourceArn), keys=tuple(it.TagKeys)))
    return aws_sns.UntagResourceResponse()


def _tags(tags: list[Any] | None) -> dict[str, str]:
    given = {tag.Key: tag.Value for tag in tags or ()}
    if len(given) != len(tags or ()):
        raise wrong("Duplicated keys are not allowed.")
    return given


async def _add_permission(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    request = model.AddTopicPermission(
        topic=_topic(call, it.TopicArn), label=it.Label, accounts=tuple(it.AWSAccountId), actions=tuple(it.ActionName)
    )
    await _do(service, call, request)


async def _remove_permission(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    await _do(service, call, model.RemoveTopicPermission(topic=_topic(call, it.TopicArn), label=it.Label))


# Subscriptions


async def _subscribe(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    request = model.Subscribe(
        topic=_topic(call, it.TopicArn),
        protocol=it.Protocol,
        endpoint=it.Endpoint or "",
        attributes=it.Attributes or {},
    )
    made: model.Subscription = await _do(service, call, request)
    arn = made.place.arn if made.confirmed or it.ReturnSubscriptionArn else "pending confirmation"
    return aws_sns.SubscribeResponse(SubscriptionArn=arn)


async def _confirm(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    elements = it.TopicArn.split(":")
    # A link bears no signature, and so names no region but in the ARN.
    if len(elements) < 6 or (elements[3] != call.ctx.region and call.ctx.principal.account):
        raise wrong("Topic")
    request = model.ConfirmSubscription(
        topic=it.TopicArn,
        token=it.Token,
        authenticate_on_unsubscribe=(it.AuthenticateOnUnsubscribe or "").lower() == "true",
    )
    made: model.Subscription = await _do(service, call, request)
    return aws_sns.ConfirmSubscriptionResponse(SubscriptionArn=made.place.arn)


async def _unsubscribe(service: TopicDoor, call: AwsCall) -> Any:
    if not call.request.SubscriptionArn:
        raise wrong("SubscriptionArn Reason: no value for required parameter")
    await _do(service, call, model.Unsubscribe(subscription=call.request.SubscriptionArn))


async def _get_subscription_attributes(service: TopicDoor, call: AwsCall) -> Any:
    it: model.Subscription = await _do(service, call, model.GetSubscription(subscription=call.request.SubscriptionArn))
    attributes = {
        "RawMessageDelivery": "false",
        **it.attributes,
        "SubscriptionArn": it.place.arn,
        "TopicArn": it.place.topic.arn,
        "Protocol": it.protocol,
        "Endpoint": it.endpoint,
        "Owner": it.owner,
        "PendingConfirmation": str(not it.confirmed).lower(),
        "ConfirmationWasAuthenticated": str(it.authenticated).lower(),
        "SubscriptionPrincipal": it.principal_arn,
    }
    if "FilterPolicy" in attributes:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    else:
        attributes.pop("FilterPolicyScope", None)
    if it.protocol in ("http", "https"):
        attributes["EffectiveDeliveryPolicy"] = json.dumps(
            effective_of_subscription(it.attributes), separators=(",", ":")
        )
    if it.replay_status:
        attributes["ReplayStatus"] = it.replay_status
    return aws_sns.GetSubscriptionAttributesResponse(Attributes=attributes)


async def _set_subscription_attributes(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    request = model.SetSubscriptionAttribute(
        subscription=it.SubscriptionArn, name=it.AttributeName, value=it.AttributeValue or ""
    )
    await _do(service, call, request)


async def _list_subscriptions(service: TopicDoor, call: AwsCall) -> Any:
    request = model.ListSubscriptions(page_token=call.request.NextToken or "")
    return _page(aws_sns.ListSubscriptionsResponse, await _do(service, call, request))


async def _list_by_topic(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    request = model.ListSubscriptionsByTopic(topic=_topic(call, it.TopicArn), page_token=it.NextToken or "")
    return _page(aws_sns.ListSubscriptionsByTopicResponse, await _do(service, call, request))


def _page(response: Any, page: model.SubscriptionPage) -> Any:
    return response(
        Subscriptions=[
            aws_sns.Subscription(
                SubscriptionArn=it.place.arn if it.confirmed else PENDING,
                Owner=it.owner,
                Protocol=it.protocol,
                Endpoint=it.endpoint,
                TopicArn=it.place.topic.arn,
            )
            for it in page.subscriptions
        ],
        NextToken=page.next_page_token or None,
    )


# Publishing


async def _publish(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    if it.PhoneNumber is not None:
        return await edge_aws_sns_phones.publish(functools.partial(_do, service), call)
    if (it.TopicArn is None) is (it.TargetArn is None):
        raise wrong("TopicArn or TargetArn Reason: no value for required parameter")
    if it.TargetArn and it.TargetArn.startswith("arn:") and ":endpoint/" in it.TargetArn:
        raise wrong("TargetArn Reason: No endpoint found for the target arn specified")
    topic = _topic(call, it.TargetArn if it.TopicArn is None else it.TopicArn)
    entry = entry_of(it, topic, trace_header=call.ctx.trace_header)
    request = model.Publish(topic=topic, entries=(entry,), bytes_together=bytes_of(it, entry))
    (answer,) = await _do(service, call, request)
    if isinstance(answer, ItemError):
        raise answer.cause
    return aws_sns.PublishResponse(MessageId=answer.message_id, SequenceNumber=answer.sequence_number or None)


async def _publish_batch(service: TopicDoor, call: AwsCall) -> Any:
    it = call.request
    asked = it.PublishBatchRequestEntries
    if not asked:
        raise EMPTY_BATCH_REQUEST.error()
    if len(asked) > model.BATCH_ENTRIES_MAX:
        raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error()
    topic = _topic(call, it.TopicArn)
    ids = [entry.Id for entry in asked]
    if len(set(ids)) != len(ids):
        raise BATCH_ENTRY_IDS_NOT_DISTINCT.error()
    for entry_id in ids:
        _check_entry_id(entry_id)
    trace_header = call.ctx.trace_header
    entries = tuple(entry_of(entry, topic, position, trace_header) for position, entry in enumerate(asked, 1))
    together = sum(map(bytes_of, asked, entries))
    try:
        answers = await _do(service, call, model.Publish(topic=topic, entries=entries, bytes_together=together))
    except ServiceError as error:
        if error.row is not MESSAGE_TOO_LONG:
            raise
        raise BATCH_REQUEST_TOO_LONG.error() from error
    succeeded, failed = [], []
    for entry_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, ItemError):
            failed.append(
                aws_sns.BatchResultErrorEntry(
                    Id=entry_id, Code=answer.code, Message=answer.message, SenderFault=answer.sender_fault
                )
            )
        else:
            succeeded.append(
                aws_sns.PublishBatchResultEntry(
                    Id=entry_id, MessageId=answer.message_id, SequenceNumber=answer.sequence_number or None
                )
            )
    return aws_sns.PublishBatchResponse(Successful=succeeded, Failed=failed)


def _check_entry_id(entry_id: str) -> None:
    if len(entry_id) > _ENTRY_ID_CHARACTERS_MAX:
        raise INVALID_BATCH_ENTRY_ID.error(
            text=f"The Id of a batch entry in the batch request is too long: {entry_id[:200]}"
        )
    if not _ENTRY_ID.fullmatch(entry_id):
        raise INVALID_BATCH_ENTRY_ID.error(
            text=f"The Id of a batch entry in the batch request contains an impermissible character: {entry_id}"
        )


HANDLERS: Final[Mapping[str, _Convert]] = {
    "CreateTopic": _create_topic,
    "DeleteTopic": _delete_topic,
    "GetTopicAttributes": _get_topic_attributes,
    "SetTopicAttributes": _set_topic_attributes,
    "ListTopics": _list_topics,
    "ListTagsForResource": _list_tags,
    "TagResource": _tag,
    "UntagResource": _untag,
    "AddPermission": _add_permission,
    "RemovePermission": _remove_permission,
    "Subscribe": _subscribe,
    "ConfirmSubscription": _confirm,
    "Unsubscribe": _unsubscribe,
    "GetSubscriptionAttributes": _get_subscription_attributes,
    "SetSubscriptionAttributes": _set_subscription_attributes,
    "ListSubscriptions": _list_subscriptions,
    "ListSubscriptionsByTopic": _list_by_topic,
    "Publish": _publish,
    "PublishBatch": _publish_batch,
    **{name: _of_phones(handle) for name, handle in edge_aws_sns_phones.HANDLERS.items()},
}
