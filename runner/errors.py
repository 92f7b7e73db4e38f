"""The runner's error catalogue; codes are AWS Batch's where Batch has one."""

from cumulo.core.errors import ErrorRow, Status

JOB_NOT_FOUND = ErrorRow("JobNotFound", 404, Status.NOT_FOUND, "The job {job} does not exist.")
QUEUE_NOT_FOUND = ErrorRow("JobQueueNotFound", 404, Status.NOT_FOUND, "The queue {queue} does not exist.")
QUEUE_REFUSES = ErrorRow(
    "ClientException",
    400,
    Status.INVALID_ARGUMENT,
    "The queue {queue} takes no jobs: {why}.",
)
CLIENT_EXCEPTION = ErrorRow(
    "ClientException", 400, Status.INVALID_ARGUMENT, "Value {value} for {parameter} is invalid: {allowed}."
)
LEASE_LOST = ErrorRow(
    "LeaseLost",
    409,
    Status.FAILED_PRECONDITION,
    "The lease of attempt {attempt} of job {job} has ended: {why}. Stop the attempt; its results are not taken.",
)
LOG_GAP = ErrorRow(
    "LogChunkOutOfOrder",
    409,
    Status.FAILED_PRECONDITION,
    "Log chunk {value} of attempt {attempt} was sent; {allowed} comes next.",
)
LOG_FULL = ErrorRow(
    "LogLimitExceeded",
    413,
    Status.RESOURCE_EXHAUSTED,
    "The log of attempt {attempt} of job {job} has reached its limit of {limit} bytes; the rest is not stored.",
)
