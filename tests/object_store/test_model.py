"""The room beside a plain model: whatever is done to a bucket, a dict of objects and a dict of uploads agree with it.

The model knows S3's rules and nothing of blobs, manifests, counters or garbage. Due work is done, and the service
restarted, at any point.
"""

import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cumulo.core.errors import ServiceError
from cumulo.object_store import bucket_model, copy_model, object_model, upload_model

KEYS = st.sampled_from(["a", "a/b", "a/b/c", "b", "b/x", "é\x00", "z/"])
# Sizes on both sides of the border between engine and blobs, and of a block.
SIZES = st.sampled_from([0, 1, 100, 65_536, 65_537, 300_000, 1_048_577])
LARGE = upload_model.PART_BYTES_MIN


class Stored(msgspec.Struct, frozen=True):
    """An object; `parts` are the digests of what it was stored and appended in."""

    data: bytes
    etag: str
    parts: tuple[bytes, ...]


class Open(msgspec.Struct):
    key: str
    upload_id: str
    parts: dict[int, bytes] = msgspec.field(default_factory=dict)


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def whole(data: bytes) -> Stored:
    return Stored(data, md5(data), (hashlib.md5(data).digest(),))


def in_parts(data: bytes, parts: tuple[bytes, ...]) -> Stored:
    return Stored(data, f"{md5(b''.join(parts))}-{len(parts)}", parts)


def joined(bodies: list[bytes]) -> Stored:
    return in_parts(b"".join(bodies), tuple(hashlib.md5(data).digest() for data in bodies))


def machine(stand_in: Any, *, durable: bool) -> type[RuleBasedStateMachine]:
    class Buckets(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.new_event_loop()
            self.folder = tempfile.TemporaryDirectory()
            self.stand = stand_in(Path(self.folder.name), durable=durable)
            self.objects: dict[str, Stored] = {}
            self.uploads: list[Open] = []
            self.serial = 0

        def do(self, call: Any) -> Any:
            return self.loop.run_until_complete(call)

        def attempt(self, call: Any) -> Any:
            """Return the answer, or the code of the refusal."""
            try:
                return self.do(call)
            except ServiceError as error:
                return error.row.code

        def bytes_of(self, size: int) -> bytes:
            self.serial += 1
            return (self.serial.to_bytes(4, "big") * (size // 4 + 1))[:size]

        @initialize()
        def open(self) -> None:
            self.do(self.stand.open())
            self.do(self.stand.make())

        @rule(key=KEYS, size=SIZES, condition=st.sampled_from(["", "absent", "match", "differ", "any"]))
        def put(self, key: str, size: int, condition: str) -> None:
            data, there = self.bytes_of(size), self.objects.get(key)
            more = {
                "": {},
                "absent": {"if_none_match": "*"},
                "match": {"if_match": there.etag if there else "x"},
                "differ": {"if_match": "x"},
                "any": {"if_match": "*"},
            }[condition]
            if condition == "absent":
                refusal = "PreconditionFailed" if there else ""
            elif condition:
                refusal = "NoSuchKey" if there is None else "PreconditionFailed" if condition == "differ" else ""
            else:
                refusal = ""

            answer = self.attempt(self.stand.put(key, data, **more))

            if refusal:
                assert answer == refusal
            else:
                assert answer.etag == md5(data)
                self.objects[key] = whole(data)

        @rule(key=KEYS, size=SIZES, where=st.sampled_from(["end", "end", "end", "start", "behind"]))
        def append(self, key: str, size: int, where: str) -> None:
            data, there = self.bytes_of(size), self.objects.get(key)
            length = len(there.data) if there else 0
            offset = {"end": length, "start": 0, "behind": length + 1}[where]

            answer = self.attempt(self.stand.put(key, data, write_offset=offset))

            if offset != length:
                assert answer == "InvalidWriteOffset"
                return
            became = whole(data)
            if there is not None:
                became = in_parts(there.data + data, (*there.parts, hashlib.md5(data).digest()))
            assert (answer.etag, answer.size_bytes) == (became.etag, len(became.data))
            self.objects[key] = became

        @rule(key=KEYS, source=KEYS, condition=st.sampled_from(["", "", "absent", "match", "differ"]))
        def rename(self, key: str, source: str, condition: str) -> None:
            there, replaced = self.objects.get(source), self.objects.get(key)
            etag = "x" if there is None else there.etag
            request = copy_model.RenameObject(
                bucket="inbox",
                key=key,
                source_key=source,
                source_conditions=object_model.Conditions(if_match={"match": etag, "differ": "y"}.get(condition, "")),
                conditions=object_model.Conditions(if_none_match="*" if condition == "absent" else ""),
            )

            answer = self.attempt(self.stand.call("RenameObject", request))

            if key == source or key.endswith("/") or source.endswith("/"):
                assert answer == "InvalidRequest"
            elif there is None:
                assert answer == "NoSuchKey"
            elif condition == "differ" or (condition == "absent" and replaced is not None):
                assert answer == "PreconditionFailed"
            else:
                assert answer is None
                self.objects[key] = self.objects.pop(source)

        @rule(key=KEYS, start=st.integers(-400_000, 400_000), length=st.none() | st.integers(0, 300_000))
        def read_range(self, key: str, start: int, length: int | None) -> None:
            there = self.objects.get(key)
            last = None if length is None or start < 0 else start + length

            answer = self.attempt(self.stand.get(key, object_model.ByteRange(start, last)))

            if there is None:
                assert answer == "NoSuchKey"
            elif start >= len(there.data) or not there.data:
                assert answer == "InvalidRange"
            else:
                assert answer == (there.data[start:] if last is None else there.data[start : last + 1])

        @rule(key=KEYS, source=KEYS, replaces=st.booleans())
        def copy(self, key: str, source: str, replaces: bool) -> None:
            there = self.objects.get(source)
            request = copy_model.CopyObject(
                bucket="inbox", key=key, source=copy_model.CopySource("inbox", source), replaces_metadata=replaces
            )

            answer = self.attempt(self.stand.call("CopyObject", request))

            if there is None:
                assert answer == "NoSuchKey"
            elif key == source and not replaces:
                assert answer == "InvalidRequest"
            else:
                assert answer.etag == md5(there.data)
                self.objects[key] = whole(there.data)

        @rule(key=KEYS, conditional=st.booleans())
        def delete(self, key: str, conditional: bool) -> None:
            there = self.objects.get(key)

            answer = self.attempt(self.stand.delete(key, if_match="x" if conditional else ""))

            if conditional:
                assert answer == ("NoSuchKey" if there is None else "PreconditionFailed")
            else:
                assert answer == object_model.Deleted()
                self.objects.pop(key, None)

        @rule(keys=st.lists(KEYS, min_size=1, max_size=5))
        def batch_delete(self, keys: list[str]) -> None:
            entries = tuple(object_model.DeleteEntry(key) for key in keys)
            request = object_model.BatchDeleteObjects(bucket="inbox", entries=entries)

            assert self.do(self.stand.call("BatchDeleteObjects", request)) == (object_model.Deleted(),) * len(keys)

            for key in keys:
                self.objects.pop(key, None)

        @rule(key=KEYS)
        def begin(self, key: str) -> None:
            if len(self.uploads) < 3:
                self.uploads.append(Open(key, self.do(self.stand.begin(key))))

        @rule(pick=st.integers(0, 2), number=st.integers(1, 3), size=st.sampled_from([0, 10, 70_000, LARGE]))
        def part(self, pick: int, number: int, size: int) -> None:
            if pick < len(self.uploads):
                upload, data = self.uploads[pick], self.bytes_of(size)
                answer = self.do(self.stand.part(upload.key, upload.upload_id, number, data))
                assert answer.etag == md5(data)
                upload.parts[number] = data

        @rule(pick=st.integers(0, 2), number=st.integers(1, 3), source=KEYS)
        def copy_part(self, pick: int, number: int, source: str) -> None:
            there = self.objects.get(source)
            if pick < len(self.uploads) and there is not None:
                upload = self.uploads[pick]
                request = upload_model.UploadPartCopy(
                    bucket="inbox",
                    key=upload.key,
                    upload_id=upload.upload_id,
                    part_number=number,
                    source=copy_model.CopySource("inbox", source),
                )
                assert self.do(self.stand.call("UploadPartCopy", request)).etag == md5(there.data)
                upload.parts[number] = there.data

        @rule(pick=st.integers(0, 2), numbers=st.lists(st.integers(1, 3), min_size=1, max_size=3))
        def complete(self, pick: int, numbers: list[int]) -> None:
            if pick >= len(self.uploads):
                return
            upload = self.uploads[pick]
            wanted = tuple(upload_model.CompletedPart(n, md5(upload.parts.get(n, b"?"))) for n in numbers)
            request = upload_model.CompleteMultipartUpload(
                bucket="inbox", key=upload.key, upload_id=upload.upload_id, parts=wanted
            )
            refusal = ""
            for place, n in enumerate(numbers):
                if place and n <= numbers[place - 1]:
                    refusal = "InvalidPartOrder"
                elif n not in upload.parts:
                    refusal = "InvalidPart"
                if refusal:
                    break
            if not refusal and any(len(upload.parts[n]) < LARGE for n in numbers[:-1]):
                refusal = "EntityTooSmall"

            answer = self.attempt(self.stand.call("CompleteMultipartUpload", request))

            if refusal:
                assert answer == refusal
                return
            became = joined([upload.parts[n] for n in numbers])
            assert answer.etag == became.etag
            self.objects[upload.key] = became
            self.uploads.remove(upload)
            assert self.do(self.stand.call("CompleteMultipartUpload", request)) == answer

        @rule(key=KEYS, last=st.sampled_from([1, 70_000, LARGE]))
        def whole_upload(self, key: str, last: int) -> None:
            upload_id = self.do(self.stand.begin(key))
            bodies = [self.bytes_of(LARGE), self.bytes_of(LARGE + 1), self.bytes_of(last)]
            parts = [self.do(self.stand.part(key, upload_id, n, data)) for n, data in enumerate(bodies, 1)]
            self.do(self.stand.complete(key, upload_id, parts))
            self.objects[key] = joined(bodies)

        @rule(pick=st.integers(0, 2))
        def abort(self, pick: int) -> None:
            if pick < len(self.uploads):
                upload = self.uploads.pop(pick)
                self.do(self.stand.abort(upload.key, upload.upload_id))
                assert self.attempt(self.stand.part(upload.key, upload.upload_id, 1, b"")) == "NoSuchUpload"

        @rule(
            prefix=st.sampled_from(["", "a", "a/", "é", "q"]),
            delimiter=st.sampled_from(["", "/"]),
            page=st.integers(1, 4),
        )
        def list_(self, prefix: str, delimiter: str, page: int) -> None:
            found, token = [], ""
            while True:
                got = self.do(self.stand.list_(prefix=prefix, delimiter=delimiter, page_size=page, page_token=token))
                found += [it.key for it in got.objects] + got.common_prefixes
                if not (token := got.next_page_token):
                    break
            wanted = set()
            for key in self.objects:
                if key.startswith(prefix):
                    at = key.find(delimiter, len(prefix)) if delimiter else -1
                    wanted.add(key if at < 0 else key[: at + 1])
            assert sorted(found) == sorted(wanted)

        @rule()
        def restart(self) -> None:
            self.do(self.stand.restart())

        @rule(seconds=st.sampled_from([0, 1, 7200]))
        def advance(self, seconds: int) -> None:
            self.do(self.stand.advance(seconds))

        @rule()
        def expire_uploads(self) -> None:
            self.do(self.stand.advance(upload_model.UPLOAD_KEPT_MS / 1000))
            self.uploads.clear()

        @invariant()
        def everything_is_there(self) -> None:
            if self.stand.engine is None:
                return
            assert self.do(self.stand.problems(blobs=False)) == []
            assert {it.key for it in self.do(self.stand.list_()).objects} == set(self.objects)

        def teardown(self) -> None:
            if self.stand.engine is not None:
                self.check_to_the_end()
            self.loop.close()
            self.folder.cleanup()

        def check_to_the_end(self) -> None:
            for key, there in self.objects.items():
                assert self.do(self.stand.get(key)) == there.data
                assert self.do(self.stand.head(key)).etag == there.etag
            self.do(self.stand.swept())
            self.do(self.stand.advance(2))
            assert self.do(self.stand.problems()) == []
            for key in self.objects:
                self.do(self.stand.delete(key))
            for upload in self.uploads:
                self.do(self.stand.abort(upload.key, upload.upload_id))
            self.do(self.stand.advance())
            assert self.stand.files() == set()
            self.do(self.stand.call("DeleteBucket", bucket_model.DeleteBucket("inbox")))
            self.do(self.stand.advance(7200))
            left = self.do(self.stand.engine.take_due(1 << 62, 100))
            assert left == []
            self.do(self.stand.close())

    return Buckets


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "lmdb"])
def test_room_agrees_with_the_model(stand_in: Any, durable: bool) -> None:
    steps = settings(max_examples=15 if durable else 25, stateful_step_count=25)
    run_state_machine_as_test(machine(stand_in, durable=durable), settings=steps)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("durable", [False, True], ids=["memory", "lmdb"])
def test_room_agrees_with_the_model_for_long(stand_in: Any, durable: bool) -> None:
    steps = settings(max_examples=300, stateful_step_count=60)
    run_state_machine_as_test(machine(stand_in, durable=durable), settings=steps)
