"""Statements of resource policies that are found by their label, as SQS's and SNS's AddPermission write them.

Pure functions of a decoded policy. The statements that somebody wrote by hand are kept as they are. Knows no service:
which actions there are, and what is refused in which words, is their callers'.
"""

from collections.abc import Sequence
from typing import Any

import msgspec


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a policy that was checked when it was stored: one, or a list."""
    found = policy.get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def is_labelled(statement: dict[str, Any], label: str) -> bool:
    """Say whether a statement bears the label."""
    return statement.get("Sid") == label


def sharing(label: str, accounts: Sequence[str], actions: Sequence[str], arn: str) -> dict[str, Any]:
    """Return the statement that lets accounts do actions, with their services' prefixes, on the resource `arn`."""
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_many([f"arn:aws:iam::{account}:root" for account in accounts])},
        "Action": _one_or_many(actions),
        "Resource": arn,
    }


def written(policy: dict[str, Any], with_statements: list[dict[str, Any]]) -> str:
    """Return the text of the policy with these statements in place of its own."""
    return msgspec.json.encode(policy | {"Statement": with_statements}).decode()


def _one_or_many(values: Sequence[str]) -> str | Sequence[str]:
    return values[0] if len(values) == 1 else values
