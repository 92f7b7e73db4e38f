"""Deliveries from other rooms to topics: the port by which a bucket's notification is published.

Who may publish is decided as it is for queues (`delivery.py`): a source of the topic's own account, unless the topic's
policy denies it; from another account, only whom the policy allows. The delivery's id is the publish's request id, so
that a repetition within ten minutes is no second message.
"""

import contextlib
from collections.abc import Callable

from cumulo.core.context import CallContext
from cumulo.core.errors import TOO_BUSY, ServiceError
from cumulo.core.names import parse_arn
from cumulo.core.ports import NO_TOPIC, Delivery
from cumulo.identity.authorizer import Guard
from cumulo.identity.policy import (
    NO_POLICIES,
    Outcome,
    PolicyCache,
    Principal,
    PrincipalKind,
    Request,
    decide,
    fold_keys,
    principal_keys,
)
from cumulo.identity.resource_policy import decided_text
from cumulo.queue_service.kms_data_keys import is_refusal_of_key, service_context
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.resolve_topics import ResolvedPublish
from cumulo.queue_service.topic_attributes import topic_place
from cumulo.queue_service.topic_errors import MESSAGE_TOO_LONG, TOPIC_NOT_FOUND
from cumulo.queue_service.topic_keys import TopicName
from cumulo.queue_service.topic_model import Publish, PublishEntry, TopicPlace
from cumulo.queue_service.topic_service import TopicService

ACTION = "sns:Publish"
SUBJECT = "Amazon S3 Notification"
"""What S3's notifications have for a subject, which e-mail shows."""
_ATTEMPTS = 5
"""At once, where subscriptions change meanwhile."""


class _Source:
    """A service that publishes, in the name of an account's resource."""

    arn = ""

    def __init__(self, account: str, service: str) -> None:
        self.account = account
        self.id = service


class TopicTarget:
    """The `RemoteTarget` of topics; `topics` returns their service, which is made at its first use."""

    def __init__(self, topics: Callable[[], TopicService]) -> None:
        self._topics = topics
        self._policies = PolicyCache()

    async def check(self, target: str, source_arn: str, account: str) -> str:
        """Return why a source may not publish to the topic, an empty text when it may."""
        place, found = await self._found(target)
        if place is None:
            return f"{target} is not the ARN of a topic"
        if place.fifo:
            return f"{target} is a FIFO topic"  # as of S3's notifications: there is no group to publish to
        if found is None:
            return NO_TOPIC
        return self.refusal(place, found.policy, source_arn, account)

    async def send(self, delivery: Delivery) -> bool:
        """Publish a message; False where the topic is gone, takes no message of this size, or its policy or
        its key refuses.
        """
        for _ in range(_ATTEMPTS):
            place, found = await self._found(delivery.target_arn)
            if place is None or found is None or place.fifo:
                return False
            if self.refusal(place, found.policy, delivery.source_arn, delivery.account):
                return False
            entry = PublishEntry(body=delivery.body.decode(), subject=SUBJECT, trace_header=delivery.trace_header)
            request = Publish(topic=place.arn, entries=(entry,), request_id=delivery.delivery_id)
            ctx = CallContext(
                principal=_Source(delivery.account, _service_of(delivery.source_arn)), request_id=delivery.delivery_id
            )
            asked = ResolvedPublish((place, request), (found.partition,), (), Guard(""), partition=found.partition)
            with contextlib.suppress(DirectoryChanged):
                try:
                    asker = service_context(delivery.source_arn, delivery.account, place.region)
                    await self._topics().publish(ctx, asked, asker)
                except ServiceError as error:
                    if error.row in (TOPIC_NOT_FOUND, MESSAGE_TOO_LONG) or is_refusal_of_key(error):
                        return False
                    raise
                return True
        raise TOO_BUSY.error(what="The number of changes to the topic at once", limit=_ATTEMPTS)

    async def close(self) -> None:
        """Nothing is held."""

    def refusal(self, place: TopicPlace, policy: str, source_arn: str, account: str) -> str:
        """Return why a topic of this policy takes nothing from a source, an empty text when it does."""
        name = _service_of(source_arn)
        principal = Principal(kind=PrincipalKind.SERVICE, name=name)
        keys = fold_keys(principal_keys(principal), {"aws:SourceArn": source_arn, "aws:SourceAccount": account})
        request = Request(principal, ACTION, place.arn, place.account, keys)
        outcome = decide(request, NO_POLICIES, self._policies.resource_policies(decided_text(policy))).outcome
        if outcome is Outcome.ALLOW or (outcome is Outcome.IMPLICIT_DENY and account == place.account):
            return ""
        why = "denies it" if outcome is Outcome.EXPLICIT_DENY else "does not allow it"
        return f"the policy of {place.arn} {why}: {name} for {source_arn} needs {ACTION}"

    async def _found(self, target: str) -> tuple[TopicPlace | None, TopicName | None]:
        with contextlib.suppress(ServiceError):
            place = topic_place(target, "", "")
            return place, await self._topics().desk.find(place)
        return None, None


def _service_of(source_arn: str) -> str:
    source = parse_arn(source_arn)
    return f"{source.service}.amazonaws.com" if source is not None else ""
