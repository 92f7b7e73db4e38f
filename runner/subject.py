"""What a runner request is about, in the terms that permissions are given in."""

import msgspec

from cumulo.core.names import Arn


class Subject(msgspec.Struct, frozen=True):
    """A job's ARN and its queue's; a call about a job that does not exist has the job's ARN for both."""

    job_arn: str = ""
    queue_arn: str = ""


def queue_arn(account: str, region: str, queue: str) -> str:
    """Return a queue's ARN."""
    return str(Arn("sqs", region, account, queue))


def job_arn(account: str, region: str, job: str) -> str:
    """Return a job's ARN, AWS Batch's form."""
    return str(Arn("batch", region, account, f"job/{job}"))
