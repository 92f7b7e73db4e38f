"""The policies of keys: the one that a key has when its maker gives none, that of a service's key, and what is refused.

A key's policy decides about it in its own account, too: without a statement that names the account, policies of its
users count for nothing (KMS developer guide, "Key policies in AWS KMS").
"""

import json
from typing import Final

from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy
from cumulo.key_service.errors import MALFORMED_POLICY
from cumulo.storage.engine import Engine

_USES: Final = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def default_policy(account: str) -> str:
    """Return the policy that leaves everything to the account's own policies, as KMS writes it."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]})


def service_policy(account: str, region: str, service: str) -> str:
    """Return the policy of a service's key: whoever may use the service uses the key through it, nobody else does."""
    through = {"kms:CallerAccount": account, "kms:ViaService": via(service, region)}
    use = {
        "Sid": f"Allow access through {service.upper()} for all principals in the account",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": _USES,
        "Resource": "*",
        "Condition": {"StringEquals": through},
    }
    look = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}", "Statement": [use, look]})


def via(service: str, region: str) -> str:
    """Return the value of `kms:ViaService`."""
    return f"{service}.{region}.amazonaws.com"


def to_store(text: str, engine: Engine) -> str:
    """Return a policy as it is stored; raises `MalformedPolicyDocumentException`."""
    try:
        return resource_policy.validate(text, DocumentKind.KEY, engine)
    except MalformedPolicy as error:
        raise MALFORMED_POLICY.error(reason=str(error)) from None


def guard_of(account: str, policy: str) -> Guard:
    """Return what protects a key."""
    return Guard(account, policy, needs_grant=True)
