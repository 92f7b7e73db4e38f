"""Permissions by label: SNS's AddPermission and RemovePermission, which edit one statement of a topic's policy.

Pure functions from a policy's text to a policy's text. Source: Amazon SNS API reference, AddPermission.
"""

import msgspec

from cumulo.core.names import is_account_id
from cumulo.queue_service.policy_statements import is_labelled, sharing, statements, written
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_model import AddTopicPermission

ACTIONS = frozenset(
    (
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
        "Receive",
    )
)
_IN_SCOPE = frozenset(f"sns:{action}".lower() for action in ACTIONS)


def check_scope(text: str) -> None:
    """Raise where a well-formed policy is about actions that are none of a topic's. Patterns are let pass."""
    for statement in statements(msgspec.json.decode(text)):
        actions = statement.get("Action", [])
        for action in [actions] if isinstance(actions, str) else actions:
            if "*" not in action and "?" not in action and action.lower() not in _IN_SCOPE:
                raise wrong("Policy statement action out of service scope!")


def with_permission(text: str, arn: str, request: AddTopicPermission) -> str:
    """Return the policy `text` with a statement for the request; raises `InvalidParameter`."""
    if not request.accounts or not all(is_account_id(account) for account in request.accounts):
        raise wrong("Policy statement principal: it names accounts by their twelve digits")
    if not request.actions or not all(action in ACTIONS for action in request.actions):
        raise wrong("Policy statement action out of service scope!")
    policy = msgspec.json.decode(text)
    found = statements(policy)
    if any(is_labelled(it, request.label) for it in found):
        raise wrong("Statement already exists")
    actions = [f"SNS:{action}" for action in request.actions]
    return written(policy, [*found, sharing(request.label, request.accounts, actions, arn)])


def without_permission(text: str, label: str) -> str:
    """Return the policy `text` without the statement of this label; SNS says nothing where there is none."""
    policy = msgspec.json.decode(text)
    return written(policy, [it for it in statements(policy) if not is_labelled(it, label)])
