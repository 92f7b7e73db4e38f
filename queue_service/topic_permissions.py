"""Permissions by label: SNS's AddPermission and RemovePermission, which edit one statement of a topic's policy.

Pure functions from a policy's text to a policy's text. Source: Amazon SNS API reference, AddPermission.
"""

from typing import Any

import msgspec

from cumulo.core.names import is_account_id
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


def with_permission(text: str, arn: str, request: AddTopicPermission) -> str:
    """Return the policy `text` with a statement for the request; raises `InvalidParameter`."""
    if not request.accounts or not all(is_account_id(account) for account in request.accounts):
        raise wrong("Policy statement principal: it names accounts by their twelve digits")
    if not request.actions or not all(action in ACTIONS for action in request.actions):
        raise wrong("Policy statement action out of service scope!")
    policy = msgspec.json.decode(text)
    statements = _statements(policy)
    if any(it.get("Sid") == request.label for it in statements):
        raise wrong("Statement already exists")
    statements.append(
        {
            "Sid": request.label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_many([f"arn:aws:iam::{account}:root" for account in request.accounts])},
            "Action": _one_or_many([f"SNS:{action}" for action in request.actions]),
            "Resource": arn,
        }
    )
    return _written(policy, statements)


def without_permission(text: str, label: str) -> str:
    """Return the policy `text` without the statement of this label; SNS says nothing where there is none."""
    policy = msgspec.json.decode(text)
    return _written(policy, [it for it in _statements(policy) if it.get("Sid") != label])


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found = policy.get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _written(policy: dict[str, Any], statements: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(policy | {"Statement": statements}).decode()
