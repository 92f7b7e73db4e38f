"""Notifications of a bucket over S3's REST API.

Owns the document. Rules that lead to HTTP endpoints, which S3 does not have, stand in no document; writing one replaces
them, too, as it replaces all rules.

Source: S3 API reference, PutBucketNotificationConfiguration; user guide, "Amazon S3 Event Notifications".
"""

from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.object_store import notification_model
from cumulo.object_store.edge_aws_errors import CONFIGURATION_NOT_IMPLEMENTED, MALFORMED_XML, argument_error
from cumulo.object_store.edge_aws_headers import check_headers
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.outbox import service_of
from cumulo.object_store.service import Service

_SKIPS: Final = "x-amz-skip-destination-validation"
_ELEMENTS: Final = {"sns": ("TopicConfiguration", "Topic"), "sqs": ("QueueConfiguration", "Queue")}
"""By the service of a rule's target, in the order of S3's documents: the rule's element, and that of its target."""


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of notifications."""

    async def get_notification(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = notification_model.GetBucketNotification(bucket)
        found: notification_model.BucketNotification = (
            await service.call(call.ctx, "GetBucketNotification", asked)
        ).value
        inner = "".join(
            _rule_element(rule, *names)
            for of_service, names in _ELEMENTS.items()
            for rule in found.rules
            if service_of(rule.target) == of_service
        )
        bridge = "<EventBridgeConfiguration/>" if found.event_bridge else ""
        return document("NotificationConfiguration", inner + bridge)

    async def put_notification(call: AwsCall) -> AwsAnswer:
        bucket, configuration = call.request.Bucket, call.request.NotificationConfiguration
        await check_headers(service, call, bucket)
        if configuration.LambdaFunctionConfigurations:
            raise CONFIGURATION_NOT_IMPLEMENTED.error(what="Notifications to functions are")
        topics = [_rule(one, "Topic", one.TopicArn) for one in configuration.TopicConfigurations or ()]
        queues = [_rule(one, "Queue", one.QueueArn) for one in configuration.QueueConfigurations or ()]
        asked = notification_model.SetBucketNotification(
            bucket,
            (*topics, *queues),
            event_bridge=configuration.EventBridgeConfiguration is not None,
            skips_validation=call.http.headers.get(_SKIPS, "").lower() == "true",
        )
        await service.call(call.ctx, "SetBucketNotification", asked)
        return AwsAnswer()

    return {
        "GetBucketNotificationConfiguration": get_notification,
        "PutBucketNotificationConfiguration": put_notification,
    }


def _rule(one: Any, element: str, target: str) -> notification_model.NotificationRule:
    if not target.startswith("arn:"):
        raise argument_error(element, target, "The ARN could not be parsed")
    texts: dict[str, str] = {}
    key_filter = None if one.Filter is None else one.Filter.Key
    for rule in (key_filter.FilterRules or ()) if key_filter is not None else ():
        if rule.Name is None or rule.Value is None:
            raise MALFORMED_XML.error()
        name = rule.Name.lower()
        if name not in ("prefix", "suffix"):
            raise argument_error("FilterRule.Name", rule.Name, "filter rule name must be either prefix or suffix")
        if name in texts:
            raise argument_error("FilterRule.Name", name, f"Cannot specify more than one {name} rule in a filter.")
        texts[name] = rule.Value
    return notification_model.NotificationRule(
        target=target,
        events=tuple(one.Events),
        id=one.Id or "",
        prefix=texts.get("prefix", ""),
        suffix=texts.get("suffix", ""),
        empty_filters=tuple(name.capitalize() for name, text in texts.items() if not text),
    )


def _rule_element(rule: notification_model.NotificationRule, element: str, target: str) -> str:
    filters = "".join(
        f"<FilterRule><Name>{name}</Name><Value>{escape(text)}</Value></FilterRule>"
        for name, text in (("Prefix", rule.prefix), ("Suffix", rule.suffix))
        if text or name in rule.empty_filters
    )
    return (
        f"<{element}><Id>{escape(rule.id)}</Id><{target}>{escape(rule.target)}</{target}>"
        + "".join(f"<Event>{escape(event)}</Event>" for event in rule.events)
        + (f"<Filter><S3Key>{filters}</S3Key></Filter>" if filters else "")
        + f"</{element}>"
    )
