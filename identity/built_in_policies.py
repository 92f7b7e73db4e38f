"""The managed policies that AWS provides, as far as they speak of services that are here.

They belong to no account, nobody can change them, and every account may attach them. Ids, paths and documents are AWS's
("AWS managed policies for job functions" and the policy pages of the AWS Managed Policy Reference Guide), statements
about services that do not exist here left out. `ReadOnlyAccess` is thousands of actions in AWS; here it names those of
our services.
"""

import json
from typing import Final

from cumulo.identity.keys import PolicyRecord

ACCOUNT: Final = "aws"


def _document(*statements: tuple[str, str | list[str]]) -> str:
    """Return the text of a policy of (element, actions) on every resource."""
    listed = [{"Effect": "Allow", element: actions, "Resource": "*"} for element, actions in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": listed}, indent=4)


_READ_ONLY: Final = [
    "batch:Describe*",
    "batch:List*",
    "cloudwatch:Describe*",
    "cloudwatch:Get*",
    "cloudwatch:List*",
    "iam:Generate*",
    "iam:Get*",
    "iam:List*",
    "iam:Simulate*",
    "logs:Describe*",
    "logs:FilterLogEvents",
    "logs:Get*",
    "s3:DescribeJob",
    "s3:Get*",
    "s3:List*",
    "sns:Check*",
    "sns:Get*",
    "sns:List*",
    "sqs:Get*",
    "sqs:List*",
    "sqs:Receive*",
]

_POLICIES: Final = {
    "AdministratorAccess": (
        "ANPAIWMBCKSKIEE64ZLYK",
        "Provides full access to AWS services and resources.",
        _document(("Action", "*")),
    ),
    "PowerUserAccess": (
        "ANPAJYRXTHIB4FOVS3ZXS",
        "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
        _document(
            ("NotAction", ["iam:*", "organizations:*", "account:*"]),
            ("Action", ["account:GetAccountInformation", "iam:ListRoles", "organizations:DescribeOrganization"]),
        ),
    ),
    "ReadOnlyAccess": (
        "ANPAILL3HVNFSB6DCOWYQ",
        "Provides read-only access to AWS services and resources.",
        _document(("Action", _READ_ONLY)),
    ),
    "IAMFullAccess": (
        "ANPAI7XKCFMBPM3QQRRVQ",
        "Provides full access to IAM via the AWS Management Console.",
        _document(("Action", ["iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization"])),
    ),
    "IAMReadOnlyAccess": (
        "ANPAJKSO7NDY4T57MWDSQ",
        "Provides read only access to IAM via the AWS Management Console.",
        _document(
            (
                "Action",
                [
                    "iam:GenerateCredentialReport",
                    "iam:GenerateServiceLastAccessedDetails",
                    "iam:Get*",
                    "iam:List*",
                    "iam:SimulateCustomPolicy",
                    "iam:SimulatePrincipalPolicy",
                ],
            )
        ),
    ),
    "AmazonS3FullAccess": (
        "ANPAIFIR6V6BVTRAHWINE",
        "Provides full access to all buckets via the AWS Management Console.",
        _document(("Action", ["s3:*", "s3-object-lambda:*"])),
    ),
    "AmazonS3ReadOnlyAccess": (
        "ANPAIZTJ4DXE7G6AGAE6M",
        "Provides read only access to all buckets via the AWS Management Console.",
        _document(
            (
                "Action",
                [
                    "s3:Get*",
                    "s3:List*",
                    "s3:Describe*",
                    "s3-object-lambda:Get*",
                    "s3-object-lambda:List*",
                ],
            )
        ),
    ),
    "AmazonSQSFullAccess": (
        "ANPAI65L554VRJ33ECQS6",
        "Provides full access to Amazon SQS via the AWS Management Console.",
        _document(("Action", ["sqs:*"])),
    ),
    "AmazonSQSReadOnlyAccess": (
        "ANPAIUGSSQY362XGCM6KW",
        "Provides read only access to Amazon SQS via the AWS Management Console.",
        _document(
            (
                "Action",
                [
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ListDeadLetterSourceQueues",
                    "sqs:ListQueues",
                    "sqs:ListMessageMoveTasks",
                    "sqs:ListQueueTags",
                ],
            )
        ),
    ),
    "AmazonSNSFullAccess": (
        "ANPAJWEKLCXXUNT2SOLSG",
        "Provides full access to Amazon SNS via the AWS Management Console.",
        _document(("Action", ["sns:*"])),
    ),
    "AmazonSNSReadOnlyAccess": (
        "ANPAIZGQCQTFOFPMHSB6W",
        "Provides read only access to Amazon SNS via the AWS Management Console.",
        _document(("Action", ["sns:GetTopicAttributes", "sns:List*"])),
    ),
    "AWSBatchFullAccess": (
        "ANPAJ7K2KIWB3HZVK3CUO",
        "Provides full access for AWS Batch resources.",
        _document(("Action", ["batch:*", "cloudwatch:GetMetricStatistics", "logs:Describe*", "logs:Get*"])),
    ),
}
_MADE_MS: Final = 1_423_247_986_000
"""6 February 2015, when AWS brought out managed policies."""

RECORDS: Final = {
    policy_id: PolicyRecord(account=ACCOUNT, name=name, description=description, create_ms=_MADE_MS, update_ms=_MADE_MS)
    for name, (policy_id, description, _) in _POLICIES.items()
}
"""By id, in the form in which an account's own policies are stored."""
IDS: Final = {name: policy_id for name, (policy_id, _, _) in _POLICIES.items()}
DOCUMENTS: Final = {policy_id: document for policy_id, _, document in _POLICIES.values()}
