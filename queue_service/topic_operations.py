"""The operation table of topics and subscriptions.

Every permission is about a topic, so `checks` takes its place; subscriptions are asked for by that of their topic,
which is how SNS does it.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from cumulo.core.context import CallContext
from cumulo.core.operations import Check, Checks, Kind, Operation, OperationTable, Result
from cumulo.queue_service import native_model, short_messages
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.native_subscriptions import change_subscription, get_native, make_subscription
from cumulo.queue_service.seeking import create_snapshot, delete_snapshot, list_snapshots, seek
from cumulo.queue_service.subscriptions import (
    confirm_subscription,
    get_subscription,
    list_by_topic,
    list_subscriptions,
    set_subscription_attribute,
    subscribe,
    unsubscribe,
)
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topics import (
    change_tags,
    create_topic,
    delete_topic,
    get_topic,
    list_tags,
    list_topics,
    replace_policy,
    update_topic,
)

CONTROL_WINDOW_MS = 86_400_000
OWNERS_ALONE = frozenset(
    ("CreateTopic", "ListTopics", "ListTopicTags", "TagTopic", "UntagTopic", "ListSubscriptions", "Unsubscribe")
)
"""What a topic's policy cannot allow to another account (SNS developer guide, "Access control use cases")."""
BY_TOKEN = "the token proves that the endpoint was reached"  # noqa: S105 - a reason


BY_LINK = "whoever has the link ends a subscription that was confirmed by one; of others the resolver asks for leave"


class Publisher(Protocol):
    """The part of the service that publishes."""

    async def publish(self, ctx: CallContext, resolved: Any) -> tuple[model.PublishAnswer, ...]:
        """Publish messages."""
        ...

    async def send_short_message(self, request: short_messages.SendShortMessage) -> str:
        """Record a short message; return its id."""
        ...


async def _publish(
    service: Publisher, ctx: CallContext, resolved: Any, body: AsyncIterator[memoryview] | None
) -> Result:
    del body
    return Result(await service.publish(ctx, resolved))


async def _send_short_message(
    service: Publisher, ctx: CallContext, resolved: Any, body: AsyncIterator[memoryview] | None
) -> Result:
    del ctx, body
    return Result(await service.send_short_message(resolved.request))


def _on_topic(action: str) -> Callable[[TopicPlace], Checks]:
    return lambda place: (Check(action, place.arn),)


def _on_all(action: str) -> Callable[[TopicPlace], Checks]:
    return lambda _place: (Check(action, "*"),)


def _row(
    request: type,
    kind: Kind,
    action: str,
    handler: Callable[..., Any],
    summary: str,
    *,
    checks: Callable[[TopicPlace], Checks] | None = None,
    more_actions: tuple[str, ...] = (),
    open_because: str = "",
) -> Operation:
    return Operation(
        name=request.__name__,
        kind=kind,
        request=request,
        permissions=(action, *more_actions),
        checks=checks or _on_topic(action),
        handler=handler,
        summary=summary,
        idempotency_window_ms=CONTROL_WINDOW_MS if kind is Kind.WRITE else 0,
        open_because=open_because,
    )


TABLE = OperationTable(
    "topics",
    (
        _row(
            model.CreateTopic,
            Kind.WRITE,
            "sns:CreateTopic",
            create_topic,
            "Makes a topic, or finds the one with the same attributes.",
            more_actions=("sns:TagResource",),
        ),
        _row(model.DeleteTopic, Kind.WRITE, "sns:DeleteTopic", delete_topic, "Deletes a topic and its subscriptions."),
        _row(model.GetTopic, Kind.READ, "sns:GetTopicAttributes", get_topic, "Answers a topic with its attributes."),
        _row(
            model.SetTopicAttribute,
            Kind.WRITE,
            "sns:SetTopicAttributes",
            update_topic,
            "Changes an attribute of a topic.",
        ),
        _row(
            model.ListTopics,
            Kind.READ,
            "sns:ListTopics",
            list_topics,
            "Lists the topics of an account and region by name.",
            checks=_on_all("sns:ListTopics"),
        ),
        _row(model.ListTopicTags, Kind.READ, "sns:ListTagsForResource", list_tags, "Answers the tags of a topic."),
        _row(model.TagTopic, Kind.WRITE, "sns:TagResource", change_tags, "Adds tags to a topic."),
        _row(model.UntagTopic, Kind.WRITE, "sns:UntagResource", change_tags, "Removes tags of a topic."),
        _row(
            model.AddTopicPermission,
            Kind.WRITE,
            "sns:AddPermission",
            replace_policy,
            "Adds a labelled statement to a topic's policy.",
        ),
        _row(
            model.RemoveTopicPermission,
            Kind.WRITE,
            "sns:RemovePermission",
            replace_policy,
            "Removes a labelled statement of a topic's policy.",
        ),
        _row(
            model.Subscribe,
            Kind.WRITE,
            "sns:Subscribe",
            subscribe,
            "Subscribes an endpoint to a topic, or finds its subscription.",
        ),
        _row(
            model.ConfirmSubscription,
            Kind.WRITE,
            "sns:ConfirmSubscription",
            confirm_subscription,
            "Confirms a subscription by the token that was sent to its endpoint.",
            open_because=BY_TOKEN,
        ),
        _row(
            model.Unsubscribe,
            Kind.WRITE,
            "sns:Unsubscribe",
            unsubscribe,
            "Ends a subscription.",
            open_because=BY_LINK,
        ),
        _row(
            model.GetSubscription,
            Kind.READ,
            "sns:GetSubscriptionAttributes",
            get_subscription,
            "Answers a subscription with its attributes.",
        ),
        _row(
            model.SetSubscriptionAttribute,
            Kind.WRITE,
            "sns:SetSubscriptionAttributes",
            set_subscription_attribute,
            "Changes an attribute of a subscription.",
        ),
        _row(
            model.ListSubscriptions,
            Kind.READ,
            "sns:ListSubscriptions",
            list_subscriptions,
            "Lists the subscriptions of an account and region.",
            checks=_on_all("sns:ListSubscriptions"),
        ),
        _row(
            model.ListSubscriptionsByTopic,
            Kind.READ,
            "sns:ListSubscriptionsByTopic",
            list_by_topic,
            "Lists the subscriptions of a topic.",
        ),
        _row(
            model.Publish,
            Kind.WAIT,
            "sns:Publish",
            _publish,
            "Publishes messages to every subscriber that wants them, durably.",
        ),
        _row(
            short_messages.SendShortMessage,
            Kind.WAIT,
            "sns:Publish",
            _send_short_message,
            "Records a short message to a telephone number.",
            checks=_on_all("sns:Publish"),
        ),
        _row(
            short_messages.SetSmsAttributes,
            Kind.WRITE,
            "sns:SetSMSAttributes",
            short_messages.set_settings,
            "Changes settings of short messages of an account and region.",
            checks=_on_all("sns:SetSMSAttributes"),
        ),
        _row(
            short_messages.GetSmsAttributes,
            Kind.READ,
            "sns:GetSMSAttributes",
            short_messages.get_settings,
            "Answers settings of short messages of an account and region.",
            checks=_on_all("sns:GetSMSAttributes"),
        ),
        _row(
            short_messages.CheckPhoneNumber,
            Kind.READ,
            "sns:CheckIfPhoneNumberIsOptedOut",
            short_messages.is_opted_out,
            "Answers whether a telephone number gets no short messages any more: none is.",
            checks=_on_all("sns:CheckIfPhoneNumberIsOptedOut"),
        ),
        _row(
            short_messages.ListOptedOutPhoneNumbers,
            Kind.READ,
            "sns:ListPhoneNumbersOptedOut",
            short_messages.list_opted_out,
            "Lists the telephone numbers that get no short messages any more: none.",
            checks=_on_all("sns:ListPhoneNumbersOptedOut"),
        ),
        _row(
            short_messages.OptInPhoneNumber,
            Kind.READ,
            "sns:OptInPhoneNumber",
            short_messages.opt_in,
            "Lets a telephone number get short messages again, which it does already.",
            checks=_on_all("sns:OptInPhoneNumber"),
        ),
        _row(
            native_model.PublishMessages,
            Kind.WAIT,
            "sns:Publish",
            _publish,
            "Publishes up to 100 messages together, durably.",
        ),
        _row(
            native_model.UpdateTopic,
            Kind.WRITE,
            "sns:SetTopicAttributes",
            update_topic,
            "Changes several attributes of a topic, and for how long it keeps messages.",
        ),
        _row(
            native_model.CreateSubscription,
            Kind.WRITE,
            "sns:Subscribe",
            make_subscription,
            "Makes a native subscription, or finds the one of its name.",
        ),
        _row(
            native_model.DescribeSubscription,
            Kind.READ,
            "sns:GetSubscriptionAttributes",
            get_native,
            "Answers a native subscription with its attributes and exact counts.",
        ),
        _row(
            native_model.UpdateSubscription,
            Kind.WRITE,
            "sns:SetSubscriptionAttributes",
            change_subscription,
            "Changes attributes of a native subscription.",
        ),
        _row(
            native_model.SeekSubscription,
            Kind.WRITE,
            "sns:SeekSubscription",
            seek,
            "Lets a native subscription begin anew, from a time, a snapshot or the end.",
        ),
        _row(
            native_model.CreateSnapshot,
            Kind.WRITE,
            "sns:CreateSnapshot",
            create_snapshot,
            "Remembers how far a native subscription has come.",
        ),
        _row(
            native_model.ListSnapshots,
            Kind.READ,
            "sns:ListSnapshots",
            list_snapshots,
            "Lists the snapshots of a topic by name.",
        ),
        _row(
            native_model.DeleteSnapshot,
            Kind.WRITE,
            "sns:DeleteSnapshot",
            delete_snapshot,
            "Forgets a snapshot.",
        ),
    ),
)
"""Every operation on topics and subscriptions."""
