"""Permissions by label: SQS's AddPermission and RemovePermission, which edit one statement of a queue's policy.

Pure functions from a policy's text to a policy's text. The statements of a policy that somebody wrote by hand are kept
as they are; only white space is lost. Source: SQS API reference, AddPermission.
"""

import re

import msgspec

from cumulo.core.errors import INVALID_PARAMETER_VALUE, ServiceError
from cumulo.core.names import is_account_id
from cumulo.queue_service.errors import TOO_MANY_ACTIONS, TOO_MANY_PERMISSIONS
from cumulo.queue_service.model import AddPermission
from cumulo.queue_service.policy_statements import is_labelled, sharing, statements, written

ACTIONS = frozenset(
    (
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    )
)
"""What can be shared with other accounts; all else belongs to the owner."""
_OWNERS_ACTIONS = frozenset(
    (
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    )
)
ACTIONS_MAX = 7
STATEMENTS_MAX = 20
"""SQS developer guide, "Amazon SQS policy quotas", as the one before."""
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LABEL_RULE = "Label can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
_VERSION = "2008-10-17"


def with_permission(text: str, arn: str, request: AddPermission) -> str:
    """Return the policy `text` (empty for none) with a statement for the request; raises `InvalidParameterValue` and
    `OverLimit`.
    """
    _check(request)
    policy = msgspec.json.decode(text) if text else {"Version": _VERSION, "Id": f"{arn}/SQSDefaultPolicy"}
    found = statements(policy)
    if any(is_labelled(it, request.label) for it in found):
        raise _invalid("Label", request.label, "Already exists")
    if len(found) >= STATEMENTS_MAX:
        raise TOO_MANY_PERMISSIONS.error(statements=len(found) + 1, limit=STATEMENTS_MAX)
    actions = [f"SQS:{action}" for action in request.actions]
    return written(policy, [*found, sharing(request.label, request.accounts, actions, arn)])


def without_permission(text: str, label: str) -> str:
    """Return the policy `text` without the statement of this label, empty where none is left."""
    policy = msgspec.json.decode(text) if text else {}
    found = statements(policy)
    left = [it for it in found if not is_labelled(it, label)]
    if len(left) == len(found):
        raise _invalid("Label", label, "can't find label")
    return written(policy, left) if left else ""


def _check(request: AddPermission) -> None:
    if not _LABEL.fullmatch(request.label):
        raise _invalid("Label", request.label[:80], _LABEL_RULE)
    for account in request.accounts:
        if not is_account_id(account):
            raise _invalid("PrincipalId", account[:80], "Unable to verify")
    for action in request.actions:
        if action in _OWNERS_ACTIONS:
            raise _invalid("ActionName", f"SQS:{action}", "Only the queue owner is allowed to invoke this action")
        if action not in ACTIONS:
            raise _invalid(
                "ActionName", f"SQS:{action[:80]}", "Please refer to the appropriate WSDL for a list of valid actions"
            )
    if len(request.actions) > ACTIONS_MAX:
        raise TOO_MANY_ACTIONS.error(actions=len(request.actions), limit=ACTIONS_MAX)


def _invalid(parameter: str, value: str, allowed: str) -> ServiceError:
    return INVALID_PARAMETER_VALUE.error(parameter=parameter, value=value, allowed=allowed)
