"""The runner's operation table: the room on one page.

Checks read the arns that the service resolved: a worker's calls need `batch:ClaimJob` on the queue that the job belongs
to, since to take a queue's messages and to run its jobs is one right; reading and cancelling are rights on the job.
"""

from cumulo.core.operations import Check, Checks, Kind, Operation, OperationTable
from cumulo.runner import jobs, logs, model
from cumulo.runner.subject import Subject

DATA_WINDOW_MS = 10 * 60_000
CONTROL_WINDOW_MS = 24 * 3_600_000


def _submit(subject: Subject) -> Checks:
    return (Check("batch:SubmitJob", subject.queue_arn), Check("sqs:SendMessage", subject.queue_arn))


def _claim(subject: Subject) -> Checks:
    return (Check("batch:ClaimJob", subject.queue_arn),)


def _describe(subject: Subject) -> Checks:
    return (Check("batch:DescribeJobs", subject.job_arn),)


def _list(subject: Subject) -> Checks:
    del subject
    return (Check("batch:ListJobs", "*"),)


def _cancel(subject: Subject) -> Checks:
    return (Check("batch:CancelJob", subject.job_arn),)


def _logs(subject: Subject) -> Checks:
    return (Check("batch:GetJobLogs", subject.job_arn),)


TABLE = OperationTable(
    "runner",
    (
        Operation(
            name="SubmitJob",
            kind=Kind.WRITE,
            request=model.SubmitJob,
            permissions=("batch:SubmitJob", "sqs:SendMessage"),
            checks=_submit,
            handler=jobs.submit,
            result=str,
            idempotency_window_ms=CONTROL_WINDOW_MS,
            summary="Store a job and send its message, in one transaction.",
        ),
        Operation(
            name="GetJob",
            kind=Kind.READ,
            request=model.GetJob,
            permissions=("batch:DescribeJobs",),
            checks=_describe,
            handler=jobs.get_job,
            summary="Look at a job, its attempts and outputs.",
        ),
        Operation(
            name="ListJobs",
            kind=Kind.WAIT,
            request=model.ListJobs,
            permissions=("batch:ListJobs",),
            checks=_list,
            handler=lambda service, ctx, resolved, body: service.list_page(ctx, resolved, body),
            summary="List jobs, newest first.",
        ),
        Operation(
            name="CancelJob",
            kind=Kind.WRITE,
            request=model.CancelJob,
            permissions=("batch:CancelJob",),
            checks=_cancel,
            handler=jobs.cancel,
            result=str,
            idempotency_window_ms=CONTROL_WINDOW_MS,
            summary="Cancel a job; a running one stops at its worker's next heartbeat.",
        ),
        Operation(
            name="ReadJobLogs",
            kind=Kind.WAIT,
            request=model.ReadLog,
            permissions=("batch:GetJobLogs",),
            checks=_logs,
            handler=lambda service, ctx, resolved, body: service.read_logs(ctx, resolved, body),
            summary="Read an attempt's log, live with `follow`.",
        ),
        Operation(
            name="ClaimJob",
            kind=Kind.WRITE,
            request=model.ClaimJob,
            permissions=("batch:ClaimJob",),
            checks=_claim,
            handler=jobs.claim,
            summary="For workers: take a job, or make one of a message and take it.",
        ),
        Operation(
            name="HeartbeatJob",
            kind=Kind.WRITE,
            request=model.Heartbeat,
            permissions=("batch:ClaimJob",),
            checks=_claim,
            handler=jobs.heartbeat,
            summary="For workers: extend the lease, learn of a cancellation.",
        ),
        Operation(
            name="AppendJobLogs",
            kind=Kind.WRITE,
            request=model.AppendLog,
            permissions=("batch:ClaimJob",),
            checks=_claim,
            handler=logs.append,
            summary="For workers: store a piece of the log.",
        ),
        Operation(
            name="CompleteJob",
            kind=Kind.WRITE,
            request=model.CompleteJob,
            permissions=("batch:ClaimJob",),
            checks=_claim,
            handler=jobs.complete,
            result=str,
            idempotency_window_ms=DATA_WINDOW_MS,
            summary="For workers: end the attempt, after its outputs were stored.",
        ),
    ),
)
