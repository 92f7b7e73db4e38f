"""Replication beside a plain model: two buckets that send each other what is written in them, delete markers too.

The model knows what S3 says goes where, and no row. The service is restarted, also amid the copying, at any point.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from cumulo.object_store import listing_model, tagging_model
from tests.object_store.test_replication import replicate, settle, to, versioned
from tests.object_store.test_replication import rule as replication_rule

BUCKETS = ("inbox", "copies")
KEYS = st.sampled_from(["a", "a\x00", "b"])
PLACES = st.sampled_from([0, 1])
SIZES = st.sampled_from([0, 1, 65_537])


class Version(msgspec.Struct):
    """A version of a key, or with `data` None a delete marker; `goes` says that the other bucket is to have it, too,
    `change_goes` its tags: what is deleted first takes its change with it. A change `failed` where the other bucket's
    version was deleted; the next one brings it there again.
    """

    key: str
    id: str
    data: bytes | None
    tags: dict[str, str]
    goes: bool = True
    change_goes: bool = False
    failed: bool = False
    is_replica: bool = False


def machine(stand_in: Any, *, durable: bool) -> type[RuleBasedStateMachine]:
    class Replication(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.new_event_loop()
            self.folder = tempfile.TemporaryDirectory()
            self.stand = stand_in(Path(self.folder.name), durable=durable)
            self.held: tuple[list[Version], list[Version]] = ([], [])
            self.serial = 0

        def do(self, call: Any) -> Any:
            return self.loop.run_until_complete(call)

        @initialize(changes_go=st.booleans())
        def begin(self, *, changes_go: bool) -> None:
            self.changes_go = changes_go
            self.do(self.stand.open())
            self.do(self.stand.make())
            self.do(versioned(self.stand, *BUCKETS))
            asked = {"ReplicaModifications": {"Status": "Enabled" if changes_go else "Disabled"}}
            for source, target in (BUCKETS, BUCKETS[::-1]):
                row = replication_rule(Destination=to(target), SourceSelectionCriteria=asked)
                self.do(replicate(self.stand, row, bucket=source))

        @rule(place=PLACES, key=KEYS, size=SIZES, tagged=st.booleans())
        def put(self, place: int, key: str, size: int, *, tagged: bool) -> None:
            self.serial += 1
            data = (self.serial.to_bytes(4, "big") * (size // 4 + 1))[:size]
            tags = {"n": str(self.serial)} if tagged else {}
            stored = self.do(self.stand.put(key, data, BUCKETS[place], tags=tags))
            self.held[place].append(Version(key, stored.version_id, data, tags))

        @rule(place=PLACES, key=KEYS)
        def delete(self, place: int, key: str) -> None:
            deleted = self.do(self.stand.delete(key, BUCKETS[place]))
            self.held[place].append(Version(key, deleted.version_id, None, {}))

        @rule(place=PLACES, which=st.integers(0, 5))
        def delete_version(self, place: int, which: int) -> None:
            if which < len(self.held[place]):
                gone = self.held[place].pop(which)
                self.do(self.stand.delete(gone.key, BUCKETS[place], version_id=gone.id))

        @rule(place=PLACES, which=st.integers(0, 5))
        def tag(self, place: int, which: int) -> None:
            """Changes of both ends of one version at once are not tried: which of them wins is nobody's promise."""
            self.settle()
            if which < len(self.held[place]) and self.held[place][which].data is not None:
                changed = self.held[place][which]
                self.serial += 1
                changed.tags = {"n": str(self.serial)}
                request = tagging_model.SetObjectTagging(
                    BUCKETS[place], changed.key, changed.tags, version_id=changed.id
                )
                self.do(self.stand.call("SetObjectTagging", request))
                if not changed.is_replica or self.changes_go:
                    changed.goes, changed.change_goes, changed.failed = changed.failed, not changed.failed, False

        @rule()
        def restart_amid_the_copying(self) -> None:
            async def scenario() -> None:
                await self.stand.advance()
                await asyncio.sleep(0)
                await self.stand.restart()
                await self.stand.advance(61)

            self.do(scenario())
            self.settle()

        @rule()
        def settle(self) -> None:
            self.do(settle(self.stand))
            sent: tuple[list[Version], list[Version]] = ([], [])
            for place, versions in enumerate(self.held):
                for one in versions:
                    if one.change_goes:
                        there = [other for other in self.held[1 - place] if other.id == one.id]
                        one.change_goes, one.failed = False, not there
                        for other in there:
                            other.tags = one.tags
                    if one.goes:
                        one.goes = False
                        copied = Version(one.key, one.id, one.data, one.tags, goes=False, is_replica=True)
                        sent[1 - place].append(copied)
            for place in (0, 1):
                self.held[place].extend(sent[place])
                assert self.do(self.shown(BUCKETS[place])) == self.expected(place)

        def expected(self, place: int) -> dict[tuple[str, str], tuple[bytes | None, dict[str, str]]]:
            return {(one.key, one.id): (one.data, one.tags) for one in self.held[place]}

        async def shown(self, bucket: str) -> dict[tuple[str, str], tuple[bytes | None, dict[str, str]]]:
            page = await self.stand.call("ListObjectVersions", listing_model.ListObjectVersions(bucket=bucket))
            found: dict[tuple[str, str], tuple[bytes | None, dict[str, str]]] = {}
            for one in page.versions:
                if one.is_delete_marker:
                    found[one.key, one.version_id] = (None, {})
                    continue
                data = await self.stand.get(one.key, bucket=bucket, version_id=one.version_id)
                request = tagging_model.GetObjectTagging(bucket, one.key, version_id=one.version_id)
                tags = dict((await self.stand.call("GetObjectTagging", request)).tags)
                found[one.key, one.version_id] = (data, tags)
            return found

        def teardown(self) -> None:
            if self.stand.engine is not None:
                self.settle()
                problems = self.do(self.stand.problems())
                self.do(self.stand.close())
                assert problems == []
            self.loop.close()
            self.folder.cleanup()

    return Replication


@pytest.mark.parametrize("durable", [False, pytest.param(True, marks=pytest.mark.long)], ids=["memory", "lmdb"])
def test_two_buckets_send_each_other_what_is_written_in_them(stand_in: Any, *, durable: bool) -> None:
    steps = settings(max_examples=40 if not durable else 60, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(machine(stand_in, durable=durable), settings=steps)
