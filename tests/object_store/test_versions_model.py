"""Versions beside a plain model: a bucket is a state and, by key, a list of versions, the newest last.

The model knows S3's rules of versioning and nothing of rows. Due work is done, and the service restarted, at any point.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cumulo.core.errors import ServiceError
from cumulo.object_store import (
    bucket_model,
    configuration_model,
    copy_model,
    listing_model,
    object_model,
    tagging_model,
)

# Among them one that is another with a zero behind it, whose rows stand next to those of the former's versions.
KEYS = st.sampled_from(["a", "a\x00", "a/b", "b"])
SIZES = st.sampled_from([0, 1, 65_537])


class Version(msgspec.Struct, frozen=True):
    """`data` None makes it a delete marker; the id of the null version is `null`."""

    id: str
    data: bytes | None
    tags: tuple[str, ...] = ()


def machine(stand_in: Any, *, durable: bool) -> type[RuleBasedStateMachine]:
    class Versions(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.new_event_loop()
            self.folder = tempfile.TemporaryDirectory()
            self.stand = stand_in(Path(self.folder.name), durable=durable)
            self.state = ""
            self.versions: dict[str, list[Version]] = {}
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

        def add(self, key: str, told: str, data: bytes | None, tags: tuple[str, ...] = ()) -> None:
            """Let the model have a new version; `told` is the id that was answered."""
            stack = self.versions.setdefault(key, [])
            if self.state == "Enabled":
                assert len(told) == 32
                assert told.isalnum()
                assert all(told > one.id for one in stack if one.id != "null")
            else:
                assert told in ("", "null")
                told = "null"
                stack[:] = [one for one in stack if one.id != "null"]
            stack.append(Version(told, data, tags))

        def current(self, key: str) -> Version | None:
            """Return what a request without a version finds."""
            stack = self.versions.get(key)
            return stack[-1] if stack and stack[-1].data is not None else None

        def pick(self, key: str, place: int) -> str:
            """Return the id of some version, or one that none has."""
            stack = self.versions.get(key, [])
            return stack[place].id if place < len(stack) else "null"

        def find(self, key: str, id_: str) -> Version | None:
            return next((one for one in self.versions.get(key, []) if one.id == id_), None)

        @initialize()
        def open(self) -> None:
            self.do(self.stand.open())
            self.do(self.stand.make())

        @rule(state=st.sampled_from(["Enabled", "Suspended"]))
        def configure(self, state: str) -> None:
            value = configuration_model.Versioning(state)
            self.do(
                self.stand.call(
                    "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "versioning", value)
                )
            )
            self.state = state

        @rule(key=KEYS, size=SIZES, condition=st.sampled_from(["", "absent", "match"]))
        def put(self, key: str, size: int, condition: str) -> None:
            data, there = self.bytes_of(size), self.current(key)
            etag = "x" if there is None else self.do(self.stand.head(key)).etag
            more = {"": {}, "absent": {"if_none_match": "*"}, "match": {"if_match": etag}}[condition]

            answer = self.attempt(self.stand.put(key, data, **more))

            if condition == "absent" and there is not None:
                assert answer == "PreconditionFailed"
            elif condition == "match" and there is None:
                assert answer == "NoSuchKey"
            else:
                self.add(key, answer.version_id, data)

        @rule(key=KEYS, source=KEYS, place=st.integers(0, 4))
        def copy(self, key: str, source: str, place: int) -> None:
            id_ = self.pick(source, place)
            there = self.find(source, id_)
            request = copy_model.CopyObject(
                bucket="inbox", key=key, source=copy_model.CopySource("inbox", source, version_id=id_)
            )

            answer = self.attempt(self.stand.call("CopyObject", request))

            if there is None:
                assert answer == "NoSuchVersion"
            elif there.data is None:
                assert answer == "InvalidRequest"
            else:
                assert answer.source_version_id == (id_ if id_ != "null" else "")
                self.add(key, answer.version_id, there.data, there.tags)

        @rule(key=KEYS)
        def upload(self, key: str) -> None:
            upload_id = self.do(self.stand.begin(key))
            data = self.bytes_of(100)
            part = self.do(self.stand.part(key, upload_id, 1, data))
            self.add(key, self.do(self.stand.complete(key, upload_id, [part])).version_id, data)

        @rule(key=KEYS)
        def delete(self, key: str) -> None:
            answer = self.do(self.stand.delete(key))
            self.deleted(key, answer)

        def deleted(self, key: str, answer: object_model.Deleted) -> None:
            if not self.state:
                assert answer == object_model.Deleted()
                self.versions.pop(key, None)
                return
            assert answer.is_delete_marker
            self.add(key, answer.version_id, None)

        @rule(key=KEYS, place=st.integers(0, 4))
        def delete_version(self, key: str, place: int) -> None:
            id_ = self.pick(key, place)
            answer = self.do(self.stand.delete(key, version_id=id_))
            self.removed(key, id_, answer)

        def removed(self, key: str, id_: str, answer: object_model.Deleted) -> None:
            there = self.find(key, id_)
            assert answer == object_model.Deleted(id_, there is not None and there.data is None)
            if there is not None:
                self.versions[key].remove(there)

        @rule(picks=st.lists(st.tuples(KEYS, st.none() | st.integers(0, 4)), min_size=1, max_size=5))
        def batch_delete(self, picks: list[tuple[str, int | None]]) -> None:
            entries = tuple(
                object_model.DeleteEntry(key, version_id="" if place is None else self.pick(key, place))
                for key, place in picks
            )
            request = object_model.BatchDeleteObjects(bucket="inbox", entries=entries)

            for entry, answer in zip(entries, self.do(self.stand.call("BatchDeleteObjects", request)), strict=True):
                if entry.version_id:
                    self.removed(entry.key, entry.version_id, answer)
                else:
                    self.deleted(entry.key, answer)

        @rule(key=KEYS, place=st.integers(0, 4), tag=st.sampled_from(["x", "y"]))
        def tag(self, key: str, place: int, tag: str) -> None:
            id_ = self.pick(key, place)
            there = self.find(key, id_)

            answer = self.attempt(
                self.stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", key, {tag: ""}, id_))
            )

            if there is None or there.data is None:
                assert answer == ("NoSuchVersion" if there is None else "MethodNotAllowed")
                return
            stack = self.versions[key]
            stack[stack.index(there)] = msgspec.structs.replace(there, tags=(tag,))

        @rule(
            prefix=st.sampled_from(["", "a", "a/", "q"]), delimiter=st.sampled_from(["", "/"]), size=st.integers(1, 4)
        )
        def list_(self, prefix: str, delimiter: str, size: int) -> None:
            """Both ways of paging find the same."""
            expected = self.expected(prefix, delimiter)
            by_token: dict[str, Any] = {}
            by_marker: dict[str, Any] = {"key_marker": "", "version_id_marker": ""}
            for more in (by_token, by_marker):
                found: list[Any] = []
                while True:
                    page = self.do(
                        self.stand.call(
                            "ListObjectVersions",
                            listing_model.ListObjectVersions(
                                bucket="inbox", prefix=prefix, delimiter=delimiter, page_size=size, **more
                            ),
                        )
                    )
                    assert len(page.versions) + len(page.common_prefixes) <= size
                    found += [(one.key, one.version_id, one.is_latest, one.is_delete_marker) for one in page.versions]
                    found += page.common_prefixes
                    if not page.next_page_token:
                        break
                    if more is by_token:
                        by_token["page_token"] = page.next_page_token
                    else:
                        by_marker.update(key_marker=page.last_key, version_id_marker=page.last_version_id)
                rows = [row for row in found if isinstance(row, tuple)]
                assert rows == [row for row in expected if isinstance(row, tuple)]
                assert [row for row in found if isinstance(row, str)] == [
                    row for row in expected if isinstance(row, str)
                ]

        def expected(self, prefix: str, delimiter: str) -> list[Any]:
            rows: list[Any] = []
            for key in sorted(self.versions):
                if not key.startswith(prefix) or not self.versions[key]:
                    continue
                at = key.find(delimiter, len(prefix)) if delimiter else -1
                if at >= 0:
                    if key[: at + 1] not in rows:
                        rows.append(key[: at + 1])
                    continue
                newest = self.versions[key][-1]
                rows += [(key, one.id, one is newest, one.data is None) for one in reversed(self.versions[key])]
            return rows

        @rule()
        def restart(self) -> None:
            self.do(self.stand.restart())

        @rule()
        def advance(self) -> None:
            self.do(self.stand.advance(1))

        @invariant()
        def everything_is_there(self) -> None:
            if self.stand.engine is None:
                return
            for key, stack in self.versions.items():
                there = self.current(key)
                found = self.attempt(self.stand.get(key))
                assert found == ("NoSuchKey" if there is None else there.data)
                for one in stack:
                    found = self.attempt(self.stand.get(key, version_id=one.id))
                    assert found == ("MethodNotAllowed" if one.data is None else one.data)
                    if one.data is not None:
                        asked = tagging_model.GetObjectTagging("inbox", key, one.id)
                        assert tuple(self.do(self.stand.call("GetObjectTagging", asked)).tags) == one.tags
            assert self.do(self.stand.problems()) == []

        def teardown(self) -> None:
            if self.stand.engine is not None:
                self.empty_bucket_goes()
                self.do(self.stand.close())
            self.loop.close()
            self.folder.cleanup()

        def empty_bucket_goes(self) -> None:
            """A bucket with any version is not empty; without any it is."""
            any_left = any(self.versions.values())
            answer = self.attempt(self.stand.call("DeleteBucket", bucket_model.DeleteBucket("inbox")))
            assert answer == ("BucketNotEmpty" if any_left else None)

    return Versions


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "lmdb"])
def test_versions_agree_with_the_model(stand_in: Any, durable: bool) -> None:
    steps = settings(max_examples=10 if durable else 25, stateful_step_count=30)
    run_state_machine_as_test(machine(stand_in, durable=durable), settings=steps)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("durable", [False, True], ids=["memory", "lmdb"])
def test_versions_agree_with_the_model_for_long(stand_in: Any, durable: bool) -> None:
    steps = settings(max_examples=300, stateful_step_count=60)
    run_state_machine_as_test(machine(stand_in, durable=durable), settings=steps)
