"""Holds a restarted server against the model: everything acknowledged is there, whole, and nothing twice.

Uses the same logged calls as the clients, so that what the check itself does is part of the proof.
"""

import asyncio
import hashlib
import json
import random
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc

from cumulo.api.identity.v1 import identity_pb2 as iam
from cumulo.api.objects.v1 import objects_pb2 as objects
from cumulo.api.queue.v1 import queue_pb2 as queues
from cumulo.api.runner.v1 import runner_pb2 as jobs
from cumulo.client import Client, errors
from cumulo.testing import Server
from tests.crash.ack_log import AckLog, Call, Outcome, read_calls
from tests.crash.server_model import Model, overtaken
from tests.crash.server_work import (
    BUCKET,
    CALL_S,
    DEAD_LETTERS,
    JOB_QUEUE,
    LONGER_S,
    QUEUE,
    Caller,
    batch_outcome,
    batch_request,
    bytes_of,
    etag_of,
    name_in,
    now_ms,
    send_request,
    submit_request,
)

HELD_S = 120
"""The lease under which the check takes messages: nobody else may see them meanwhile."""
DRAIN_S = LONGER_S + 8
KEPT_MESSAGES = 30
"""Messages that stay for the next cycle."""
REPEATED = 5
"""Acknowledged sends that are made again with their request id."""
LOOKED_AT = 40
"""Facts that did not change since the last look, and are looked at all the same."""
SWEEP_S = 10.0
INLINE_BYTES_MAX = 65_536


class Check:
    """Looks at a server over `channel`; the check's own calls are logged, in a file of its own."""

    def __init__(self, model: Model, server: Server, channel: Any, token: str, log_path: Path, seed: str) -> None:
        self.model = model
        self.server = server
        self.token = token
        self.caller = Caller(AckLog.append_to(log_path, f"check-{seed}"), channel, token)
        self.log_path = log_path
        self.random = random.Random(seed)
        self.problems = model.problems
        self._read = 0

    async def everything(self, calls: list[Call]) -> None:
        """Take in the clients' calls, then look at every service."""
        self.problems += await asyncio.to_thread(self._invariants)
        self.model.absorb(calls)
        await self._repeat(calls)
        await self._objects()
        await self._contended()
        await self._identity()
        await self._jobs()
        await self._messages()
        await self._blobs()
        self.problems += await asyncio.to_thread(self._invariants)

    def _invariants(self) -> list[str]:
        """Ask the server to check everything that must hold on its disk."""
        headers = {"authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.server.url + "/_cumulo/check", method="POST", headers=headers)
        with urllib.request.urlopen(request, timeout=CALL_S) as response:
            problems: list[str] = json.load(response)["problems"]
            return problems

    def _absorb(self) -> None:
        """Take in what the check itself has called since the last time."""
        calls = read_calls(self.log_path.read_bytes().splitlines(keepends=True))
        new, self._read = calls[self._read :], len(calls)
        self.model.absorb(new)

    # What was asked with a request id and may not have happened is asked again: it must succeed, and happen once

    async def _repeat(self, calls: list[Call]) -> None:
        unclear = [call for call in calls if call.outcome is Outcome.UNKNOWN and not overtaken(call, calls)]
        sends = [call for call in calls if call.op == "send" and call.outcome is Outcome.ACKED]
        again = [*unclear, *self.random.sample(sends, min(REPEATED, len(sends)))]
        for call in again:
            answer: Any = True
            if call.op == "send" and call.what["request_id"]:
                answer = await self._send_again(call)
            elif call.op == "submit":
                request = submit_request(call.what)
                method = self.caller.runner.SubmitJob
                answer = await self.caller.call(
                    "submit", method, request, lambda it: {"job": it.job.name}, **_untimed(call.what)
                )
            elif call.op == "put" and call.what["sent"]["request_id"]:
                (content,) = call.what["facts"].values()
                answer = await self.caller.upload(
                    "put",
                    self.caller.objects.PutObject,
                    objects.PutObjectHead(**call.what["sent"]),
                    content,
                    objects.PutObjectRequest,
                    **_untimed(call.what),
                )
            if answer is None:
                self.problems.append(f"{call.call}: {call.op} was refused when it was repeated with its request id")
        self._absorb()

    async def _send_again(self, call: Call) -> Any:
        what = _untimed(call.what)
        if len(what["messages"]) == 1:
            return await self.caller.call("send", self.caller.queue.SendMessage, send_request(what), **what)
        method = self.caller.queue.BatchSendMessages
        return await self.caller.call("send", method, batch_request(what), batch_outcome, **what)

    # Objects

    async def _objects(self) -> None:
        listed = {one.key: one async for one in self._listing()}
        known = {name.partition(" ")[2]: name for name in self.model.facts if name.startswith("object ")}
        for key in listed.keys() - known.keys() - self.model.created.keys():
            self.problems.append(f"object {key} is there, but nobody put it")
        for key, name in known.items():
            possible = self.model.facts[name]
            etag = listed[key].etag if key in listed else None
            matching = [value for value in possible if (etag_of(value) if value is not None else None) == etag]
            if not matching:
                contents = " or ".join(sorted(str(value) for value in possible))
                self.problems.append(f"object {key} has ETag {etag}, expected {contents}")
                continue
            self.model.settle(name, matching[0])
            await self._object(key, matching[0])

    async def _object(self, key: str, content: str | None) -> None:
        """Read an object whole, and a range of it."""
        expected = None if content is None else bytes_of(content)
        found = await self._get(objects.GetObjectRequest(bucket=BUCKET, key=key))
        if found is None or expected is None:
            if found is not expected:
                self.problems.append(f"object {key}: listed otherwise than it can be read")
            return
        if found != expected:
            digest = hashlib.md5(found, usedforsecurity=False).hexdigest()
            self.problems.append(f"object {key}: {len(found)} bytes of MD5 {digest} instead of {content}")
        if len(expected) > 2:
            first = self.random.randrange(len(expected) - 1)
            ranged = objects.GetObjectRequest(bucket=BUCKET, key=key, byte_range=objects.ByteRange(first=first))
            if await self._get(ranged) != expected[first:]:
                self.problems.append(f"object {key}: its range from {first} is not what it was put as")

    async def _get(self, request: Any) -> bytes | None:
        found = bytearray()
        try:
            async for frame in self.caller.objects.GetObject(request, timeout=CALL_S, metadata=self.caller.metadata):
                found += frame.data
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                self.problems.append(f"object {request.key}: {error.code().name} {error.details()}")
            return None
        return bytes(found)

    async def _listing(self) -> AsyncIterator[Any]:
        request = objects.ListObjectsRequest(bucket=BUCKET, page_size=100)
        while True:
            page = await self.caller.objects.ListObjects(request, timeout=CALL_S, metadata=self.caller.metadata)
            for one in page.objects:
                yield one
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def _contended(self) -> None:
        """Of all who tried to create a key at most one succeeded, and what it created is there."""
        for key, tries in self.model.created.items():
            winners = [content for content, outcome in tries if outcome is Outcome.ACKED]
            unclear = [content for content, outcome in tries if outcome is Outcome.UNKNOWN]
            if len(winners) > 1:
                self.problems.append(f"{key}: created by {len(winners)}, each only if it was not there")
            found = await self._get(objects.GetObjectRequest(bucket=BUCKET, key=key))
            allowed = winners or unclear
            if found is None and winners:
                self.problems.append(f"{key}: acknowledged and lost")
            elif found is not None and found not in [bytes_of(content) for content in allowed]:
                self.problems.append(f"{key}: holds what nobody created successfully")
            request = objects.DeleteObjectRequest(bucket=BUCKET, key=key)
            method = self.caller.objects.DeleteObject
            await self.caller.call("delete_object", method, request, facts={f"object {key}": None})
        self._absorb()
        self.model.created.clear()

    # Identity

    async def _identity(self) -> None:
        users = {user.name.rpartition("/")[2] async for user in self._users()}
        members: dict[str, set[str]] = {}
        names = [name for name in self.model.facts if name.split(" ")[0] in ("user", "policy", "member", "key")]
        old = [name for name in names if name not in self.model.touched]
        looked_at = self.model.touched.intersection(names) | set(self.random.sample(old, min(LOOKED_AT, len(old))))
        for name in sorted(looked_at):
            kind, *words = name.split(" ")
            found: str | None
            if kind == "user":
                found = "there" if words[0] in users else None
            elif kind == "policy":
                found = await self._policy(words[0])
            elif kind == "member":
                group, user = words
                if group not in members:
                    members[group] = await self._members(group)
                found = "there" if user in members[group] else None
            else:
                found = await asyncio.to_thread(self._key, words[0])
            if found not in self.model.facts[name]:
                self.problems.append(f"{name}: found {found}, expected {self.model.facts[name]}")
            self.model.settle(name, found)
        self.model.touched.clear()

    async def _users(self) -> AsyncIterator[Any]:
        request = iam.ListUsersRequest(page_size=100)
        while True:
            page = await self.caller.iam.ListUsers(request, timeout=CALL_S, metadata=self.caller.metadata)
            for user in page.users:
                yield user
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def _policy(self, user: str) -> str | None:
        request = iam.GetUserPolicyRequest(user=user, policy_name="own")
        try:
            answer = await self.caller.iam.GetUserPolicy(request, timeout=CALL_S, metadata=self.caller.metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise
        return str(answer.document)

    async def _members(self, group: str) -> set[str]:
        request = iam.GetGroupRequest(name=group, page_size=100)
        found: set[str] = set()
        while True:
            page = await self.caller.iam.GetGroup(request, timeout=CALL_S, metadata=self.caller.metadata)
            found |= {name.rpartition("/")[2] for name in page.users}
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    def _key(self, access_key_id: str) -> str | None:
        """Say whether a key gives a token: active, or not; gone and inactive look alike from outside."""
        _, secret = self.model.secrets[access_key_id]
        with Client(self.server.target, access_key_id=access_key_id, secret_access_key=secret) as client:
            try:
                client.iam.issue_token()
            except errors.Unauthenticated:
                allowed = self.model.facts[f"key {access_key_id}"] - {"active"}
                return next(iter(allowed), "refused")
        return "active"

    # Jobs

    async def _jobs(self) -> None:
        for job in self.model.jobs.values():
            request = jobs.GetJobRequest(name=job.name)
            try:
                answer = await self.caller.runner.GetJob(request, timeout=CALL_S, metadata=self.caller.metadata)
            except grpc.aio.AioRpcError as error:
                self.problems.append(f"job {job.name}: {error.code().name} {error.details()}")
                continue
            found = answer.job
            state = jobs.JobState.Name(found.state).removeprefix("JOB_STATE_")
            attempts = {attempt.number: attempt for attempt in found.attempts}
            for number, chunks in job.attempts.items():
                if number not in attempts:
                    self.problems.append(f"job {job.name}: attempt {number} was acknowledged and is not there")
                elif attempts[number].log_chunks < chunks:
                    self.problems.append(f"job {job.name}: {chunks} chunks of its log were acknowledged")
            for number, exit_code in job.completed.items():
                if number in attempts and attempts[number].exit_code != exit_code:
                    self.problems.append(f"job {job.name}: attempt {number} ended with another exit code")
            if 0 in job.completed.values() and state != "SUCCEEDED" and not job.cancelled:
                self.problems.append(f"job {job.name}: its success was acknowledged, it is {state}")
            if job.final and state != job.final:
                self.problems.append(f"job {job.name}: it was {job.final} and is {state}")
            if state in ("SUCCEEDED", "FAILED"):
                job.final = state
        queue = await self._counts(JOB_QUEUE)
        if queue.message_count != len(self.model.jobs):
            self.problems.append(
                f"{len(self.model.jobs)} jobs were submitted, {queue.message_count} messages tell of them"
            )

    # Messages: all of them are taken, which is the only way to see that each is there once

    async def _counts(self, queue: str) -> Any:
        request = queues.GetQueueRequest(name=queue)
        return (await self.caller.queue.GetQueue(request, timeout=CALL_S, metadata=self.caller.metadata)).queue

    async def _messages(self) -> None:
        taken: dict[str, dict[str, str]] = {QUEUE: {}, DEAD_LETTERS: {}}
        until = now_ms() + DRAIN_S * 1000
        while True:
            for queue, handles in taken.items():
                while some := await self._take(queue):
                    handles.update(some)
            counts = {queue: await self._counts(queue) for queue in taken}
            if all(
                counts[queue].message_count == counts[queue].delayed_count == 0
                and counts[queue].in_flight_count == len(taken[queue])
                for queue in taken
            ):
                break
            if now_ms() > until:
                for queue, it in counts.items():
                    self.problems.append(
                        f"queue {queue}: {it.message_count} ready, {it.in_flight_count} in flight, "
                        f"{it.delayed_count} delayed, but {len(taken[queue])} could be taken"
                    )
                break
            await asyncio.sleep(0.1)
        self._absorb()
        there = set().union(*taken.values())
        must, may = self.model.expected_messages()
        self.problems += [f"message {name}: acknowledged and lost" for name in sorted(must - there)]
        self.problems += [f"message {name}: there, but it was deleted or never sent" for name in there - must - may]
        for name in taken[QUEUE].keys() & taken[DEAD_LETTERS].keys():
            self.problems.append(f"message {name}: stands in the queue and in its dead-letter queue")
        self.model.settle_messages(there, now_ms())
        for queue, handles in taken.items():
            await self._leave_some(queue, handles)
        self._absorb()

    async def _take(self, queue: str) -> dict[str, str]:
        request = queues.ReceiveMessagesRequest(queue=queue, max_messages=100, wait_s=0, visibility_timeout_s=HELD_S)
        answer = await self.caller.call(
            "receive",
            self.caller.queue.ReceiveMessages,
            request,
            lambda it: {"names": [name_in(message.body) for message in it.messages]},
            queue=queue,
            visibility_s=HELD_S,
        )
        return {name_in(message.body): message.receipt_handle for message in answer.messages} if answer else {}

    async def _leave_some(self, queue: str, handles: dict[str, str]) -> None:
        """Give some messages back for the next cycle and delete the others."""
        names = list(handles)
        kept = names[:KEPT_MESSAGES] if queue == QUEUE else []
        for name in kept:
            change = queues.ChangeMessageVisibilityRequest(
                queue=queue, receipt_handle=handles[name], visibility_timeout_s=0
            )
            method = self.caller.queue.ChangeMessageVisibility
            await self.caller.call("extend", method, change, name=name, visibility_timeout_s=0)
        doomed = names[len(kept) :]
        for at in range(0, len(doomed), 100):
            some = doomed[at : at + 100]
            request = queues.BatchDeleteMessagesRequest(queue=queue, receipt_handles=[handles[name] for name in some])
            method = self.caller.queue.BatchDeleteMessages
            await self.caller.call("delete", method, request, batch_outcome, names=some)

    # Blobs: as many files as bodies that need one; what a crash left behind is swept

    async def _blobs(self) -> None:
        expected = 0
        for name, values in self.model.facts.items():
            if name.startswith("object "):
                (content,) = values
                if content is not None:
                    sizes = [int(part.partition(":")[2]) for part in content.split("+")]
                    expected += sum(size > INLINE_BYTES_MAX for size in sizes)
        expected += await self._parts()
        until = now_ms() + SWEEP_S * 1000
        while True:
            found = sum(path.is_file() for path in (self.server.data / "blobs").rglob("*"))
            if found == expected or now_ms() > until:
                break
            await asyncio.sleep(0.1)
        if found != expected:
            self.problems.append(f"{found} blobs lie on the disk, the objects and open uploads need {expected}")

    async def _parts(self) -> int:
        metadata = self.caller.metadata
        request = objects.ListMultipartUploadsRequest(bucket=BUCKET, page_size=1000)
        uploads = (await self.caller.objects.ListMultipartUploads(request, timeout=CALL_S, metadata=metadata)).uploads
        parts = 0
        for upload in uploads:
            place = {"bucket": BUCKET, "key": upload.key, "upload_id": upload.upload_id}
            if self.random.random() < 0.5:
                abort = objects.AbortMultipartUploadRequest(**place)
                await self.caller.objects.AbortMultipartUpload(abort, timeout=CALL_S, metadata=metadata)
            else:
                wanted = objects.ListPartsRequest(**place)
                parts += len((await self.caller.objects.ListParts(wanted, timeout=CALL_S, metadata=metadata)).parts)
        return parts


def _untimed(what: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked, to be asked again now."""
    return {name: value for name, value in what.items() if name != "at"}
