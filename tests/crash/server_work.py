"""The clients of the server's crash loop: processes that put load on every service and log each call.

    python -m tests.crash.server_work ROLE CLIENT SEED TARGET TOKEN_FILE LOG

They use the generated stubs, so that nothing is repeated behind their back. A call is logged before it is made and
after it was answered (`ack_log`), with the monotonic clock's milliseconds `at`. What a call changes is told as *facts*:
a name and the value that it has once the call is done, None for "not there". A client ends when its server is gone.
"""

import asyncio
import contextlib
import functools
import hashlib
import itertools
import json
import random
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from cumulo.api.identity.v1 import identity_pb2 as iam
from cumulo.api.identity.v1.identity_pb2_grpc import IdentityServiceStub
from cumulo.api.objects.v1 import objects_pb2 as objects
from cumulo.api.objects.v1.objects_pb2_grpc import ObjectServiceStub
from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.queue.v1.log_pb2_grpc import LogServiceStub
from cumulo.api.queue.v1.queue_pb2_grpc import QueueServiceStub
from cumulo.api.runner.v1 import runner_pb2 as jobs
from cumulo.api.runner.v1.runner_pb2_grpc import RunnerServiceStub
from cumulo.api.topics.v1.topics_pb2_grpc import TopicServiceStub
from tests.crash.ack_log import AckLog, Outcome

QUEUE, DEAD_LETTERS, JOB_QUEUE = "crash", "crash-dead", "crash-jobs"
BUCKET = "crash-bucket"
VISIBILITY_S = 2
LONGER_S = 4
JOB_LEASE_S = 5
RECEIVES_MAX = 6
CALL_S = 20.0
WORK_S = 30.0
FRAME_BYTES = 1024 * 1024
PART_BYTES = 5 * 1024 * 1024
LAST_PART_BYTES = 100_000
KEYS_PER_LANE = 8
SIZES = (0, 1, 1_000, 65_536, 65_537, 300_000, 1_048_577)
POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s"}]}'
)

REFUSALS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)
"""After these it certainly did not happen; after any other it may have."""


def now_ms() -> int:
    """Return the clock that all clients and the check share."""
    return time.monotonic_ns() // 1_000_000


class ServerGone(Exception):
    """The server was killed."""


def body_of(name: str, padding: int) -> bytes:
    """Return the body of a message; it says itself how long it is."""
    return f"{name} {padding} ".encode() + b"x" * padding


def name_in(body: bytes) -> str:
    """Return a message's name; raises ValueError where the body is not whole."""
    name, padding = body[:200].split(b" ")[:2]
    if body != body_of(name.decode(), int(padding)):
        raise ValueError(f"a message is not whole: {body[:60]!r}")
    return name.decode()


def bytes_of(content: str) -> bytes:
    """Return an object's bytes from its description: `seed:size`, for parts joined by `+`."""
    pieces = []
    for piece in content.split("+"):
        seed, _, size = piece.partition(":")
        pieces.append(random.Random(seed).randbytes(int(size)))
    return b"".join(pieces)


@functools.lru_cache(10_000)
def etag_of(content: str) -> str:
    """Return the ETag that S3's rules give such an object."""
    digests = [hashlib.md5(bytes_of(piece), usedforsecurity=False) for piece in content.split("+")]
    if len(digests) == 1:
        return digests[0].hexdigest()
    whole = hashlib.md5(b"".join(digest.digest() for digest in digests), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(digests)}"


class Caller:
    """Calls with a log line before and after."""

    def __init__(self, log: AckLog, channel: Any, token: str) -> None:
        self.log = log
        self.metadata = (("authorization", f"Bearer {token}"),)
        self.queue = QueueServiceStub(channel)
        self.objects = ObjectServiceStub(channel)
        self.iam = IdentityServiceStub(channel)
        self.runner = RunnerServiceStub(channel)
        self.logs = LogServiceStub(channel)
        self.topics = TopicServiceStub(channel)

    async def call(
        self,
        op: str,
        method: Callable[..., Awaitable[Any]],
        request: Any,
        tell: Callable[[Any], dict[str, Any]] = lambda _: {},
        **what: Any,
    ) -> Any:
        """Make a call; return its answer, or None where it was refused or its fate is unknown."""
        call = self.log.begin(op, at=now_ms(), **what)
        try:
            answer = await method(request, timeout=CALL_S, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            outcome = Outcome.REFUSED if error.code() in REFUSALS else Outcome.UNKNOWN
            self.log.end(call, outcome, at=now_ms(), status=error.code().name, details=str(error.details())[:200])
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise ServerGone from error
            return None
        except asyncio.CancelledError as error:
            # Nobody here cancels: gRPC does so to an upload whose connection breaks while a frame is being written.
            self.log.end(call, Outcome.UNKNOWN, at=now_ms())
            raise ServerGone from error
        self.log.end(call, Outcome.ACKED, at=now_ms(), **tell(answer))
        return answer

    async def upload(self, op: str, method: Any, head: Any, content: str, frame: Any, **what: Any) -> Any:
        """Make an upload: head, data frames, commit."""
        body = bytes_of(content)

        async def frames() -> AsyncIterator[Any]:
            yield frame(head=head)
            for at in range(0, len(body), FRAME_BYTES):
                yield frame(data=body[at : at + FRAME_BYTES])
            yield frame(commit=objects.UploadCommit())

        return await self.call(op, method, frames(), **what)

    def wrong(self, text: str) -> None:
        """Log something that must never be."""
        self.log.end(self.log.begin("violation", at=now_ms(), text=text), Outcome.ACKED)


class Lane:
    """One stream of calls, each begun after the one before was answered."""

    def __init__(self, caller: Caller, client: str, lane: int, source: random.Random) -> None:
        self.caller = caller
        self.client = client
        self.lane = lane
        self.random = source
        self.numbers = itertools.count(1)

    def name(self) -> str:
        """Return a name that nobody else has."""
        return f"{self.client.replace('.', '-')}-{self.lane}-{next(self.numbers)}"

    def request_id(self) -> str:
        """Return an idempotency id for every other call."""
        return str(uuid.UUID(int=self.random.getrandbits(128))) if self.random.random() < 0.5 else ""


# Queues


async def send(lane: Lane) -> None:
    """Send one message, or some in a batch."""
    caller, source = lane.caller, lane.random
    count = source.choice((1, 1, 1, 5, 20))
    delay_s = source.choice((0, 0, 0, 1))
    messages = {lane.name(): 70_000 if source.random() < 0.01 else source.randrange(1_500) for _ in range(count)}
    request_id = lane.request_id()
    what: dict[str, Any] = {"messages": messages, "request_id": request_id, "delay_s": delay_s}
    if count == 1:
        await caller.call("send", caller.queue.SendMessage, send_request(what), **what)
    else:
        await caller.call("send", caller.queue.BatchSendMessages, batch_request(what), batch_outcome, **what)
    await asyncio.sleep(source.uniform(0, 0.01))


def send_request(what: dict[str, Any]) -> Any:
    """Return the request of a logged unary send."""
    ((name, padding),) = what["messages"].items()
    return queues.SendMessageRequest(
        queue=QUEUE, body=body_of(name, padding), delay_s=what["delay_s"], request_id=what["request_id"]
    )


def batch_request(what: dict[str, Any]) -> Any:
    """Return the request of a logged batch."""
    entries = [
        queues.SendMessageEntry(body=body_of(name, padding), delay_s=what["delay_s"])
        for name, padding in what["messages"].items()
    ]
    return queues.BatchSendMessagesRequest(queue=QUEUE, entries=entries, request_id=what["request_id"])


def batch_outcome(answer: Any) -> dict[str, Any]:
    """Return the places of refused entries."""
    return {"failed": [at for at, result in enumerate(answer.results) if result.HasField("error")]}


async def receive(lane: Lane) -> None:
    """Take some messages, then delete most, give some back, hold some longer, and forget the rest."""
    caller, source = lane.caller, lane.random
    answer = await take(caller, QUEUE, VISIBILITY_S, max_messages=source.choice((1, 10, 50)))
    if answer is None:
        return
    doomed = {}
    for message in answer.messages:
        name = name_in(message.body)
        draw = source.random()
        if draw < 0.7:
            doomed[name] = message.receipt_handle
        elif draw < 0.85:
            timeout_s = 0 if draw < 0.8 else LONGER_S
            request = queues.ChangeMessageVisibilityRequest(
                queue=QUEUE, receipt_handle=message.receipt_handle, visibility_timeout_s=timeout_s
            )
            await caller.call(
                "extend", caller.queue.ChangeMessageVisibility, request, name=name, visibility_timeout_s=timeout_s
            )
    await delete(lane, doomed)


async def take(caller: Caller, queue: str, visibility_s: int, max_messages: int, wait_s: int = 1) -> Any:
    """Receive, and log what came."""
    request = queues.ReceiveMessagesRequest(
        queue=queue, max_messages=max_messages, wait_s=wait_s, visibility_timeout_s=visibility_s
    )
    return await caller.call(
        "receive",
        caller.queue.ReceiveMessages,
        request,
        lambda answer: {"names": [name_in(message.body) for message in answer.messages]},
        queue=queue,
        visibility_s=visibility_s,
    )


async def delete(lane: Lane, doomed: dict[str, str]) -> None:
    """Delete received messages, in a batch or one by one."""
    caller = lane.caller
    if not doomed:
        return
    if len(doomed) > 1 and lane.random.random() < 0.7:
        batch = queues.BatchDeleteMessagesRequest(
            queue=QUEUE, receipt_handles=list(doomed.values()), request_id=lane.request_id()
        )
        await caller.call("delete", caller.queue.BatchDeleteMessages, batch, batch_outcome, names=list(doomed))
        return
    for name, handle in doomed.items():
        request = queues.DeleteMessageRequest(queue=QUEUE, receipt_handle=handle, request_id=lane.request_id())
        await caller.call("delete", caller.queue.DeleteMessage, request, names=[name])


# Objects: each lane owns its keys, and so knows what is there


class Keys(Lane):
    """A lane that remembers what its keys hold; None where it is not sure."""

    def __init__(self, caller: Caller, client: str, lane: int, source: random.Random) -> None:
        super().__init__(caller, client, lane, source)
        self.held: dict[str, str | None] = {}

    async def look(self, key: str) -> str:
        """Return the ETag that a key has, empty where there is no object."""
        etag = self.held.get(key)
        if etag is None:
            request = objects.HeadObjectRequest(bucket=BUCKET, key=key)
            answer = await self.caller.call("head", self.caller.objects.HeadObject, request)
            etag = answer.object.etag if answer is not None else ""
        return etag

    def learn(self, key: str, content: str | None, answer: Any) -> None:
        """Remember what a call did."""
        if answer is None:
            self.held[key] = None
        else:
            self.held[key] = etag_of(content) if content else ""


async def change_object(lane: Lane) -> None:
    """Put, overwrite, put under a condition, delete, or upload in parts."""
    assert isinstance(lane, Keys)
    caller, source = lane.caller, lane.random
    key = f"lane-{lane.client.partition('.')[0]}-{lane.lane}/{source.randrange(KEYS_PER_LANE)}"
    etag = await lane.look(key)
    draw = source.random()
    content = f"{lane.name()}:{source.choice(SIZES)}"
    facts = {f"object {key}": content}
    if draw < 0.2:
        request = objects.DeleteObjectRequest(bucket=BUCKET, key=key, request_id=lane.request_id())
        gone = await caller.call("delete_object", caller.objects.DeleteObject, request, facts={f"object {key}": None})
        lane.learn(key, None, gone)
    elif draw < 0.28:
        await upload_in_parts(lane, key)
    elif draw < 0.4:
        await must_refuse(lane, key, etag, content)
    else:
        head: dict[str, Any] = {"bucket": BUCKET, "key": key, "request_id": lane.request_id()}
        if draw > 0.8:
            head |= {"if_match": etag} if etag else {"if_none_match": "*"}
        put = await caller.upload(
            "put",
            caller.objects.PutObject,
            objects.PutObjectHead(**head),
            content,
            objects.PutObjectRequest,
            facts=facts,
            sent=head,
        )
        lane.learn(key, content, put)


async def must_refuse(lane: Keys, key: str, etag: str, content: str) -> None:
    """Put under a condition that does not hold."""
    caller = lane.caller
    wrong: dict[str, Any] = {"if_none_match": "*"} if etag else {"if_match": "0" * 32}
    head = objects.PutObjectHead(bucket=BUCKET, key=key, **wrong)
    method = caller.objects.PutObject
    answer = await caller.upload("put_refused", method, head, content, objects.PutObjectRequest)
    if answer is not None:
        caller.wrong(f"{key}: {wrong} held although the object's ETag is {etag or 'none'}")


async def upload_in_parts(lane: Keys, key: str) -> None:
    """Open an upload, send two parts, then complete it, abort it, or leave it."""
    caller, source = lane.caller, lane.random
    request = objects.CreateMultipartUploadRequest(bucket=BUCKET, key=key)
    opened = await caller.call("open_upload", caller.objects.CreateMultipartUpload, request, key=key)
    if opened is None:
        return
    upload_id = opened.upload_id
    contents = [f"{lane.name()}:{PART_BYTES}", f"{lane.name()}:{LAST_PART_BYTES}"]
    for number, content in enumerate(contents, 1):
        head = objects.UploadPartHead(bucket=BUCKET, key=key, upload_id=upload_id, part_number=number)
        method = caller.objects.UploadPart
        if await caller.upload("part", method, head, content, objects.UploadPartRequest, key=key) is None:
            return
    draw = source.random()
    if draw < 0.2:
        abort = objects.AbortMultipartUploadRequest(bucket=BUCKET, key=key, upload_id=upload_id)
        await caller.call("abort_upload", caller.objects.AbortMultipartUpload, abort, upload_id=upload_id)
    elif draw < 0.9:
        complete = objects.CompleteMultipartUploadRequest(
            bucket=BUCKET,
            key=key,
            upload_id=upload_id,
            parts=[
                objects.CompletedPart(part_number=number, etag=etag_of(content))
                for number, content in enumerate(contents, 1)
            ],
            request_id=lane.request_id(),
        )
        whole = "+".join(contents)
        method = caller.objects.CompleteMultipartUpload
        done = await caller.call(
            "complete_upload", method, complete, facts={f"object {key}": whole}, upload_id=upload_id
        )
        lane.learn(key, whole, done)


async def contend(lane: Lane) -> None:
    """Create a key that others try to create, too: one may win."""
    caller = lane.caller
    key = f"shared-{lane.client.partition('.')[2]}/{next(lane.numbers)}"
    content = f"{lane.client}-{lane.lane}-{key}:{lane.random.choice((10, 70_000))}"
    head = objects.PutObjectHead(bucket=BUCKET, key=key, if_none_match="*")
    method = caller.objects.PutObject
    await caller.upload("create", method, head, content, objects.PutObjectRequest, key=key, made=content)
    await asyncio.sleep(lane.random.uniform(0, 0.05))


# Identity


async def change_identity(lane: Lane) -> None:
    """Make a user with a policy, a key and a group; take some of it away again."""
    caller, source = lane.caller, lane.random
    user = lane.name()
    call, stub = caller.call, caller.iam
    created = iam.CreateUserRequest(user=iam.User(name=user), request_id=lane.request_id())
    if await call("iam", stub.CreateUser, created, facts={f"user {user}": "there"}) is None:
        return
    document = POLICY % user
    policy = iam.PutUserPolicyRequest(user=user, policy_name="own", document=document, request_id=lane.request_id())
    await call("iam", stub.PutUserPolicy, policy, facts={f"policy {user}": document})
    key = await call(
        "access_key",
        stub.CreateAccessKey,
        iam.CreateAccessKeyRequest(user=user),
        lambda it: {"id": it.access_key.access_key_id, "secret": it.secret_access_key},
        user=user,
    )
    group = f"group-{lane.client.partition('.')[0]}"
    request = iam.AddUserToGroupRequest(group=group, user=user, request_id=lane.request_id())
    await call("iam", stub.AddUserToGroup, request, facts={f"member {group} {user}": "there"})
    draw = source.random()
    if key is not None and draw < 0.3:
        off = iam.UpdateAccessKeyRequest(
            name=key.access_key.name, status=iam.ACCESS_KEY_STATUS_INACTIVE, request_id=lane.request_id()
        )
        await call("iam", stub.UpdateAccessKey, off, facts={f"key {key.access_key.access_key_id}": "inactive"})
    elif key is not None and draw < 0.7:
        await take_away(lane, user, group, key.access_key)
    await asyncio.sleep(source.uniform(0, 0.02))


async def take_away(lane: Lane, user: str, group: str, key: Any) -> None:
    """Delete what a user has, then the user."""
    call, stub = lane.caller.call, lane.caller.iam
    steps: tuple[tuple[Any, Any, dict[str, None]], ...] = (
        (stub.DeleteAccessKey, iam.DeleteAccessKeyRequest(name=key.name), {f"key {key.access_key_id}": None}),
        (
            stub.RemoveUserFromGroup,
            iam.RemoveUserFromGroupRequest(group=group, user=user),
            {f"member {group} {user}": None},
        ),
        (stub.DeleteUserPolicy, iam.DeleteUserPolicyRequest(user=user, policy_name="own"), {f"policy {user}": None}),
        (stub.DeleteUser, iam.DeleteUserRequest(name=user), {f"user {user}": None}),
    )
    for method, request, facts in steps:
        request.request_id = lane.request_id()
        if await call("iam", method, request, facts=facts) is None:
            return


# Jobs


class Jobs(Lane):
    """A lane of one worker; the jobs of its client are known to all its lanes."""

    submitted: list[str]


def submit_request(what: dict[str, Any]) -> Any:
    """Return the request of a logged submit."""
    spec = jobs.JobSpec(name=what["spec_name"], command=["true"], max_attempts=2)
    return jobs.SubmitJobRequest(queue=JOB_QUEUE, spec=spec, request_id=what["request_id"])


async def work_on_jobs(lane: Lane) -> None:
    """Submit a job, and take one as a worker would: claim, heartbeat, log, complete; some are cancelled or dropped."""
    assert isinstance(lane, Jobs)
    caller, source = lane.caller, lane.random
    what = {"spec_name": lane.name(), "request_id": str(uuid.UUID(int=source.getrandbits(128)))}
    answer = await caller.call(
        "submit", caller.runner.SubmitJob, submit_request(what), lambda it: {"job": it.job.name}, **what
    )
    if answer is not None:
        lane.submitted.append(answer.job.name)
    if not lane.submitted:
        return
    job = source.choice(lane.submitted[-20:])
    if source.random() < 0.1:
        await caller.call("cancel", caller.runner.CancelJob, jobs.CancelJobRequest(name=job), job=job)
        return
    claimed = await caller.call(
        "claim",
        caller.runner.ClaimJob,
        jobs.ClaimJobRequest(job=job, worker=f"{lane.client}/{lane.lane}", lease_s=JOB_LEASE_S),
        lambda it: {"claimed": it.outcome == jobs.CLAIM_OUTCOME_CLAIMED, "attempt": it.attempt},
        job=job,
    )
    if claimed is None or claimed.outcome != jobs.CLAIM_OUTCOME_CLAIMED or source.random() < 0.1:
        return
    lease: dict[str, Any] = {"job": job, "lease_token": claimed.lease_token}
    started = jobs.HeartbeatJobRequest(started=True, **lease)
    await caller.call("heartbeat", caller.runner.HeartbeatJob, started, job=job)
    attempt = claimed.attempt
    for chunk in range(2):
        line = jobs.AppendJobLogsRequest(
            attempt=attempt, chunk_number=chunk, stream=jobs.LOG_STREAM_STDOUT, data=b"line\n", **lease
        )
        await caller.call("log", caller.runner.AppendJobLogs, line, job=job, attempt=attempt, chunks=chunk + 1)
    exit_code = source.choice((0, 0, 0, 1))
    complete = jobs.CompleteJobRequest(attempt=attempt, exit_code=exit_code, **lease)
    await caller.call("complete", caller.runner.CompleteJob, complete, job=job, attempt=attempt, exit_code=exit_code)
    stale = jobs.CompleteJobRequest(attempt=attempt, exit_code=1 - min(exit_code, 1), **lease)
    if source.random() < 0.2 and await caller.call("stale", caller.runner.CompleteJob, stale, job=job) is not None:
        caller.wrong(f"{job}: an attempt that was over was completed again, with another exit code")


Lanes = tuple[tuple[type[Lane], Callable[[Lane], Awaitable[None]]], ...]
ROLES: dict[str, Lanes] = {
    "queue": ((Lane, send), (Lane, send), (Lane, receive), (Lane, receive), (Lane, receive)),
    "objects": ((Keys, change_object), (Keys, change_object), (Keys, change_object), (Lane, contend)),
    "control": ((Lane, change_identity), (Jobs, work_on_jobs), (Jobs, work_on_jobs), (Lane, contend)),
}


async def work(lanes: Lanes, client: str, seed: str, target: str, token: str, log: AckLog) -> None:
    """Put load on the server until it is gone."""
    async with grpc.aio.insecure_channel(target) as channel:
        caller = Caller(log, channel, token)
        submitted: list[str] = []
        until = time.monotonic() + WORK_S

        async def go_on(number: int, kind: type[Lane], act: Callable[[Lane], Awaitable[None]]) -> None:
            lane = kind(caller, client, number, random.Random(f"{seed}/{number}"))
            if isinstance(lane, Jobs):
                lane.submitted = submitted
            with contextlib.suppress(ServerGone):
                while time.monotonic() < until:
                    await act(lane)

        await asyncio.gather(*(go_on(number, kind, act) for number, (kind, act) in enumerate(lanes)))


def main() -> None:
    """Run as the module docstring says."""
    role, client, seed, target, token_file, path = sys.argv[1:]
    log = AckLog.append_to(Path(path), client)
    token = json.loads(Path(token_file).read_text())["token"]
    asyncio.run(work(ROLES[role], client, seed, target, token, log))


if __name__ == "__main__":
    main()
