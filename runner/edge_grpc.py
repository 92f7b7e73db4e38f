"""The runner's gRPC edge: proto <-> model, nothing else."""

import enum
from collections.abc import AsyncGenerator, Callable
from typing import Any

import grpc

from cumulo.api.runner.v1 import runner_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.names import is_account_id, is_region, parse_arn, parse_resource_name, resource_name
from cumulo.gateway.rpc import RpcAdaptor, parser
from cumulo.runner import model
from cumulo.runner.service import Service
from cumulo.runner.specs import refused
from cumulo.runner.subject import job_arn

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["RunnerService"].full_name
NAME_CHARACTERS_MAX = 128
"""Above every job id (36 characters) and queue name (80)."""


def handlers(service: Service, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of every method of RunnerService."""

    def unary(
        operation: str, request: Any, decode: Callable[[Any, CallContext], Any], encode: Callable[[Any], Any]
    ) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            rpc.unary(service, SERVICE_NAME, operation, decode, encode),
            request_deserializer=parser(request.FromString),
            response_serializer=_serialize,
        )

    async def stream_logs(request: Any, ctx: CallContext) -> AsyncGenerator[Any, None]:
        wanted = _read_log(request, ctx)
        frames = (await service.call(ctx, "ReadJobLogs", wanted)).value
        async for frame in frames:
            yield _log_frame(frame)
            if not frame.chunks and not wanted.follow:
                return

    return grpc.method_handlers_generic_handler(
        SERVICE_NAME,
        {
            "SubmitJob": unary(
                "SubmitJob", pb.SubmitJobRequest, _submit, lambda job: pb.SubmitJobResponse(job=_job(job))
            ),
            "GetJob": unary("GetJob", pb.GetJobRequest, _get, lambda job: pb.GetJobResponse(job=_job(job))),
            "ListJobs": unary("ListJobs", pb.ListJobsRequest, _list, _page),
            "CancelJob": unary(
                "CancelJob", pb.CancelJobRequest, _cancel, lambda job: pb.CancelJobResponse(job=_job(job))
            ),
            "ClaimJob": unary("ClaimJob", pb.ClaimJobRequest, _claim, _claimed),
            "HeartbeatJob": unary("HeartbeatJob", pb.HeartbeatJobRequest, _heartbeat, _beat),
            "AppendJobLogs": unary(
                "AppendJobLogs",
                pb.AppendJobLogsRequest,
                _append,
                lambda number: pb.AppendJobLogsResponse(next_chunk_number=number),
            ),
            "CompleteJob": unary(
                "CompleteJob", pb.CompleteJobRequest, _complete, lambda job: pb.CompleteJobResponse(job=_job(job))
            ),
            "StreamJobLogs": grpc.unary_stream_rpc_method_handler(
                rpc.stream(SERVICE_NAME, "ReadJobLogs", stream_logs),
                request_deserializer=parser(pb.StreamJobLogsRequest.FromString),
                response_serializer=_serialize,
            ),
        },
    )


def _serialize(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded


# -- names


def _named(text: str, collection: str, service: str, ctx: CallContext, parameter: str) -> tuple[str, str, str]:
    """Return (account, region, name) of a full name, a short name or an ARN."""
    arn = parse_arn(text)
    if arn is not None and arn.service == service and is_account_id(arn.account) and is_region(arn.region):
        return arn.account, arn.region, arn.resource.removeprefix("job/")
    parts = parse_resource_name(text, collection, ctx.principal.account, ctx.region)
    if parts is None or not 1 <= len(parts[2]) <= NAME_CHARACTERS_MAX:
        raise refused(
            parameter, text, f"accounts/{{account}}/regions/{{region}}/{collection}/{{name}}, its last part, or an ARN"
        )
    return parts


def _job_place(text: str, ctx: CallContext, parameter: str = "name") -> dict[str, str]:
    account, region, job = _named(text, "jobs", "batch", ctx, parameter)
    return {"account": account, "region": region, "job": job}


def _queue_place(text: str, ctx: CallContext) -> dict[str, str]:
    account, region, queue = _named(text, "queues", "sqs", ctx, "queue")
    return {"account": account, "region": region, "queue": queue}


# -- proto -> model


def _spec(spec: Any) -> model.JobSpec:
    if spec.isolation not in (0, model.Isolation.SANDBOX, model.Isolation.NONE):
        raise refused("spec.isolation", spec.isolation, "ISOLATION_SANDBOX or ISOLATION_NONE")
    return model.JobSpec(
        name=spec.name,
        command=tuple(spec.command),
        environment=dict(spec.environment),
        inputs=tuple(model.Input(staged.source, staged.path) for staged in spec.inputs),
        outputs=tuple(model.Output(output.path, output.destination) for output in spec.outputs),
        timeout_s=spec.timeout_s or model.TIMEOUT_S_DEFAULT,
        memory_bytes=spec.memory_bytes or model.MEMORY_BYTES_DEFAULT,
        cpu_millis=spec.cpu_millis or model.CPU_MILLIS_DEFAULT,
        pids_max=spec.pids_max or model.PIDS_DEFAULT,
        isolation=model.Isolation(spec.isolation or model.Isolation.SANDBOX),
        max_attempts=spec.max_attempts or model.ATTEMPTS_DEFAULT,
    )


def _submit(request: Any, ctx: CallContext) -> model.SubmitJob:
    return model.SubmitJob(**_queue_place(request.queue, ctx), spec=_spec(request.spec), request_id=request.request_id)


def _get(request: Any, ctx: CallContext) -> model.GetJob:
    return model.GetJob(**_job_place(request.name, ctx))


def _list(request: Any, ctx: CallContext) -> model.ListJobs:
    account, region = ctx.principal.account, ctx.region
    if request.parent:
        match request.parent.split("/"):
            case ["accounts", account, "regions", region] if is_account_id(account) and is_region(region):
                pass
            case _:
                raise refused("parent", request.parent, "accounts/{account}/regions/{region}")
    queue = _queue_place(request.queue, ctx)["queue"] if request.queue else ""
    known = set(model.State)
    for state in request.states:
        if state not in known:
            raise refused("states", state, "the states of JobState but JOB_STATE_UNSPECIFIED")
    return model.ListJobs(
        account=account,
        region=region,
        queue=queue,
        states=tuple(sorted({model.State(state) for state in request.states})),
        page_size=request.page_size or model.PAGE_SIZE_DEFAULT,
        page_token=request.page_token,
    )


def _cancel(request: Any, ctx: CallContext) -> model.CancelJob:
    return model.CancelJob(**_job_place(request.name, ctx), reason=request.reason, request_id=request.request_id)


def _read_log(request: Any, ctx: CallContext) -> model.ReadLog:
    if request.attempt < 0 or request.from_chunk < 0:
        raise refused("attempt and from_chunk", (request.attempt, request.from_chunk), "0 or more")
    return model.ReadLog(
        **_job_place(request.name, ctx),
        attempt=request.attempt,
        from_chunk=request.from_chunk,
        follow=request.follow,
    )


def _claim(request: Any, ctx: CallContext) -> model.ClaimJob:
    lease_s = request.lease_s or model.LEASE_S_DEFAULT
    target = request.WhichOneof("target")
    if target == "job":
        account, region, job = _named(request.job, "jobs", "batch", ctx, "job")
        return model.ClaimJob(
            account=account,
            region=region,
            job=job,
            worker=request.worker,
            lease_s=lease_s,
            request_id=request.request_id,
        )
    if target is None:
        raise refused("target", "nothing", "a job or a trigger")
    trigger = request.trigger
    account, region, queue = _named(trigger.queue, "queues", "sqs", ctx, "queue")
    return model.ClaimJob(
        account=account,
        region=region,
        queue=queue,
        worker=request.worker,
        lease_s=lease_s,
        trigger=model.Trigger(spec=_spec(trigger.spec), deduplication_key=trigger.deduplication_key),
        request_id=request.request_id,
    )


def _heartbeat(request: Any, ctx: CallContext) -> model.Heartbeat:
    return model.Heartbeat(
        **_job_place(request.job, ctx, "job"),
        lease_token=request.lease_token,
        lease_s=request.lease_s,
        started=request.started,
    )


def _append(request: Any, ctx: CallContext) -> model.AppendLog:
    if request.stream not in set(model.LogStream):
        raise refused("stream", request.stream, "LOG_STREAM_STDOUT, LOG_STREAM_STDERR or LOG_STREAM_WORKER")
    if request.chunk_number < 0:
        raise refused("chunk_number", request.chunk_number, "0 or more")
    return model.AppendLog(
        **_job_place(request.job, ctx, "job"),
        attempt=request.attempt,
        lease_token=request.lease_token,
        chunk_number=request.chunk_number,
        stream=model.LogStream(request.stream),
        data=request.data,
    )


def _complete(request: Any, ctx: CallContext) -> model.CompleteJob:
    usage = request.usage
    return model.CompleteJob(
        **_job_place(request.job, ctx, "job"),
        attempt=request.attempt,
        lease_token=request.lease_token,
        exit_code=request.exit_code if request.HasField("exit_code") else None,
        reason=request.reason,
        outputs=tuple(model.OutputObject(output.object, output.size_bytes, output.etag) for output in request.outputs),
        usage=model.Usage(usage.cpu_ms, usage.wall_ms, usage.memory_peak_bytes),
        request_id=request.request_id,
    )


# -- model -> proto


def _number(value: enum.IntEnum) -> Any:
    """Return an enum's number; the model's are the proto's."""
    return int(value)


def _job(job: model.Job) -> Any:
    spec = job.spec
    return pb.Job(
        name=resource_name(job.account, job.region, "jobs", job.id),
        arn=job_arn(job.account, job.region, job.id),
        queue=resource_name(job.account, job.region, "queues", job.queue),
        spec=pb.JobSpec(
            name=spec.name,
            command=spec.command,
            environment=spec.environment,
            inputs=[pb.JobInput(source=staged.source, path=staged.path) for staged in spec.inputs],
            outputs=[pb.JobOutput(path=output.path, destination=output.destination) for output in spec.outputs],
            timeout_s=spec.timeout_s,
            memory_bytes=spec.memory_bytes,
            cpu_millis=spec.cpu_millis,
            pids_max=spec.pids_max,
            isolation=_number(spec.isolation),
            max_attempts=spec.max_attempts,
        ),
        state=_number(job.state),
        status_reason=job.status_reason,
        create_ms=job.create_ms,
        start_ms=job.start_ms,
        stop_ms=job.stop_ms,
        attempts=[_attempt(attempt, chunks) for attempt, chunks in zip(job.attempts, job.log_chunks, strict=True)],
        cancel_requested=job.cancel_requested,
        outputs=[
            pb.JobOutputObject(object=output.object, size_bytes=output.size_bytes, etag=output.etag)
            for output in job.outputs
        ],
        deduplication_key=job.deduplication_key,
    )


def _attempt(attempt: model.Attempt, chunks: int) -> Any:
    usage = attempt.usage
    return pb.JobAttempt(
        number=attempt.number,
        worker=attempt.worker,
        claim_ms=attempt.claim_ms,
        start_ms=attempt.start_ms,
        stop_ms=attempt.stop_ms,
        exit_code=attempt.exit_code,
        reason=attempt.reason,
        usage=pb.JobUsage(cpu_ms=usage.cpu_ms, wall_ms=usage.wall_ms, memory_peak_bytes=usage.memory_peak_bytes),
        log_chunks=chunks,
    )


def _page(page: model.JobPage) -> Any:
    return pb.ListJobsResponse(jobs=[_job(job) for job in page.jobs], next_page_token=page.next_page_token)


def _claimed(claim: model.Claim) -> Any:
    return pb.ClaimJobResponse(
        outcome=_number(claim.outcome),
        job=_job(claim.job),
        attempt=claim.attempt,
        lease_token=claim.lease_token,
        lease_expires_ms=claim.lease_expires_ms,
    )


def _beat(result: model.HeartbeatResult) -> Any:
    return pb.HeartbeatJobResponse(lease_expires_ms=result.lease_expires_ms, cancel_requested=result.cancel_requested)


def _log_frame(frame: model.LogFrame) -> Any:
    chunks = [
        pb.LogChunk(number=chunk.number, stream=_number(chunk.stream), data=chunk.data, write_ms=chunk.write_ms)
        for chunk in frame.chunks
    ]
    return pb.StreamJobLogsResponse(attempt=frame.attempt, chunks=chunks, state=_number(frame.state))
