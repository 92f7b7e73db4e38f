"""Lifecycle rules in buckets that keep versions: what becomes of those that are not current, and of delete markers."""

import asyncio
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.object_store import configuration_model, keys, listing_model
from cumulo.object_store.lifecycle_model import Lifecycle, LifecycleRule, NoncurrentTransition, RuleFilter, Transition
from cumulo.object_store.notification_model import NotificationRule

DAY_S = 86_400
DAY_MS = DAY_S * 1000


def rule(prefix: str = "", **more: Any) -> LifecycleRule:
    return LifecycleRule(**{"filter": RuleFilter(prefix=prefix), **more})


async def set_rules(stand: Any, *rules: LifecycleRule) -> None:
    await stand.call(
        "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "lifecycle", Lifecycle(rules))
    )


async def version(stand: Any, status: str = "Enabled") -> None:
    await stand.call(
        "SetBucketConfiguration",
        configuration_model.SetBucketConfiguration("inbox", "versioning", configuration_model.Versioning(status)),
    )


async def versions(stand: Any) -> list[Any]:
    page = await stand.call("ListObjectVersions", listing_model.ListObjectVersions(bucket="inbox"))
    return list(page.versions)


async def shown(stand: Any) -> str:
    """The versions of all keys, newest first: `c` current, `n` not current, `m` a delete marker."""
    return "".join("m" if one.is_delete_marker else "c" if one.is_latest else "n" for one in await versions(stand))


def test_expiry_of_a_current_version_leaves_a_delete_marker(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await set_rules(stand, rule(expiration_days=1))
        await stand.put("k", b"1")

        await stand.advance(2 * DAY_S)

        assert await shown(stand) == "mn"

    run(scenario)


def test_versions_that_are_not_current_go_after_their_days(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await set_rules(stand, rule(noncurrent_days=2))
        await stand.put("k", b"1")
        await stand.advance(5 * DAY_S)
        await stand.put("k", b"2")
        await stand.advance(DAY_S)
        before = await shown(stand)
        await stand.restart()

        await stand.advance(2 * DAY_S)

        assert before == "cn"
        assert await shown(stand) == "c"

    run(scenario)


def test_newer_versions_are_kept_and_an_older_one_goes_when_it_has_enough_of_them(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await set_rules(stand, rule(noncurrent_days=1, newer_versions=2))
        for number in range(3):
            await stand.put("k", b"%d" % number)
        await stand.advance(9 * DAY_S)
        kept = await shown(stand)
        await stand.put("k", b"more")
        await stand.advance()

        assert kept == "cnn"
        assert await shown(stand) == "cnn"

    run(scenario)


def test_new_rules_reach_versions_that_are_there(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        for number in range(5):
            await stand.put("k", b"%d" % number)
        await stand.delete("gone")
        await stand.advance(9 * DAY_S)
        await set_rules(stand, rule(noncurrent_days=1, newer_versions=1, expires_markers=True))

        await stand.advance()

        assert await shown(stand) == "cn"

    run(scenario)


def test_versions_that_are_not_current_go_to_colder_classes(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        steps = (NoncurrentTransition("GLACIER_IR", 1), NoncurrentTransition("DEEP_ARCHIVE", 5))
        await set_rules(
            stand, rule(filter=RuleFilter(size_greater_than=0), noncurrent_transitions=steps, noncurrent_days=9)
        )
        await stand.put("k", b"old")
        await stand.put("k", b"new")
        seen = []
        for days in (2, 5, 5):
            await stand.advance(days * DAY_S)
            seen.append([one.storage_class for one in await versions(stand)])

        assert seen == [["STANDARD", "GLACIER_IR"], ["STANDARD", "DEEP_ARCHIVE"], ["STANDARD"]]

    run(scenario)


def test_delete_marker_goes_once_nothing_is_left_beneath_it(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await set_rules(stand, rule(expires_markers=True))
        stored = await stand.put("k", b"1")
        await stand.delete("k")
        await stand.advance(9 * DAY_S)
        kept = await shown(stand)
        await stand.delete("k", version_id=stored.version_id)

        await stand.advance()

        assert kept == "mn"
        assert await shown(stand) == ""

    run(scenario)


def test_lonely_delete_marker_expires_as_objects_do(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await set_rules(stand, rule(expiration_days=3, noncurrent_days=1))
        await stand.put("k", b"1")
        await stand.delete("k")
        await stand.advance(2 * DAY_S)
        lonely = await shown(stand)

        await stand.advance(2 * DAY_S)

        assert lonely == "m"
        assert await shown(stand) == ""

    run(scenario)


def test_version_that_is_current_again_is_no_longer_counted_as_replaced(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await set_rules(stand, rule(noncurrent_days=1))
        await stand.put("k", b"1")
        second = await stand.put("k", b"2")
        await stand.delete("k", version_id=second.version_id)

        await stand.advance(9 * DAY_S)

        assert await shown(stand) == "c"
        assert await stand.due(keys.OBJECT_AGE) == 0

    run(scenario)


def test_object_from_before_versioning_is_a_version_too(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"1")
        await version(stand)
        await set_rules(stand, rule(transitions=(Transition("GLACIER", 1),), filter=RuleFilter(size_greater_than=0)))
        await stand.advance(2 * DAY_S)
        moved = [one.storage_class for one in await versions(stand)]
        await set_rules(stand, rule(noncurrent_days=1))
        await stand.put("k", b"2")

        await stand.advance(2 * DAY_S)

        assert moved == ["GLACIER"]
        assert await shown(stand) == "c"

    run(scenario)


def test_suspended_bucket_replaces_the_null_version_by_a_null_marker(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await version(stand)
        await stand.put("k", b"1")
        await version(stand, "Suspended")
        await stand.put("k", b"2")
        await set_rules(stand, rule(expiration_days=1))

        await stand.advance(2 * DAY_S)

        assert [(one.version_id == "null", one.is_delete_marker) for one in await versions(stand)] == [
            (True, True),
            (False, False),
        ]

    run(scenario)


def test_events_of_rules_bear_the_version(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
        await version(stand)
        await stand.notify_me(NotificationRule(target=queue, events=("s3:LifecycleExpiration:*",)))
        await set_rules(stand, rule(expiration_days=1, noncurrent_days=1))
        stored = await stand.put("k", b"1")
        for _ in range(3):
            await stand.advance(2 * DAY_S)

        decoded = [msgspec.json.decode(body) for body in await stand.messages()]
        told = [
            (record["eventName"], record["s3"]["object"].get("versionId"))
            for body in decoded
            for record in body.get("Records", ())
        ]
        assert ("LifecycleExpiration:Delete", stored.version_id) in told
        assert sorted(name for name, _ in told) == [
            "LifecycleExpiration:Delete",
            "LifecycleExpiration:Delete",
            "LifecycleExpiration:DeleteMarkerCreated",
        ]

    run(scenario)


class Version(NamedTuple):
    is_marker: bool
    modified_ms: int
    replaced_ms: int


class Model:
    """What rules leave of a bucket with versioning, worked out by asking every version at every midnight."""

    def __init__(self) -> None:
        self.rule = rule(expiration_days=1_000)
        self.objects: dict[str, list[Version]] = {}

    def add(self, key: str, is_marker: bool, now_ms: int) -> None:
        before = self.objects.setdefault(key, [])
        if before:
            before[0] = before[0]._replace(replaced_ms=now_ms)
        before.insert(0, Version(is_marker, now_ms, 0))

    def age(self, now_ms: int) -> None:
        for key, found in list(self.objects.items()):
            while self._age(key, found, now_ms):
                pass
            if not found:
                del self.objects[key]

    def _age(self, key: str, found: list[Version], now_ms: int) -> bool:
        asked = self.rule
        if asked.noncurrent_days is not None:
            for place in range(len(found) - 1, 0, -1):
                is_due = midnight(found[place].replaced_ms, asked.noncurrent_days) <= now_ms
                if is_due and place - 1 >= (asked.newer_versions or 0):
                    del found[place]
                    return True
        if not found:
            return False
        newest = found[0]
        expires = asked.expiration_days is not None and midnight(newest.modified_ms, asked.expiration_days) <= now_ms
        if not newest.is_marker and expires:
            self.add(key, True, now_ms)
            return True
        if newest.is_marker and len(found) == 1 and (expires or asked.expires_markers):
            del found[0]
            return True
        return False


def midnight(begin_ms: int, days: int) -> int:
    return -(-(begin_ms + days * DAY_MS) // DAY_MS) * DAY_MS


KEYS = st.sampled_from(["a", "b"])
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("days"), st.integers(1, 3)),
    st.tuples(st.just("hours"), st.integers(1, 23)),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(
        st.just("rule"),
        st.builds(
            lambda days, markers, noncurrent, newer: rule(
                expiration_days=None if markers else days,
                expires_markers=markers,
                noncurrent_days=noncurrent,
                newer_versions=newer if noncurrent is not None else None,
            ),
            st.integers(1, 4),
            st.sampled_from([None, True]),
            st.sampled_from([None, 1, 2, 3]),
            st.sampled_from([None, 1, 2]),
        ).filter(lambda it: it.noncurrent_days or it.expiration_days or it.expires_markers),
    ),
)


def test_rules_leave_what_the_model_leaves(stand_in: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(st.lists(STEPS, max_size=25))
    @settings(max_examples=60, deadline=None)
    def agree(steps: list[Any]) -> None:
        asyncio.run(whole(stand_in(tmp_path_factory.mktemp("model"), durable=False), steps))

    agree()


async def whole(stand: Any, steps: list[Any]) -> None:
    await stand.open()
    try:
        await stand.make()
        await version(stand)
        await play(stand, steps)
        assert await stand.problems() == []
    finally:
        await stand.close()


async def play(stand: Any, steps: list[Any]) -> None:
    expected = Model()
    await set_rules(stand, expected.rule)
    for name, what in steps:
        now_ms = stand.clock.wall_ms()
        match name:
            case "put":
                await stand.put(what, b"x")
                expected.add(what, False, now_ms)
            case "delete":
                await stand.delete(what)
                expected.add(what, True, now_ms)
            case "rule":
                expected.rule = what
                await set_rules(stand, what)
            case "restart":
                await stand.restart()
            case "hours":
                await stand.advance(what * 3600)
            case "days":
                for _ in range(what):
                    await stand.advance(DAY_S)
                    await stand.advance()
                    expected.age(stand.clock.wall_ms())
        await stand.advance()
        expected.age(stand.clock.wall_ms())
        found: dict[str, list[bool]] = {}
        for one in await versions(stand):
            found.setdefault(one.key, []).append(one.is_delete_marker)
        assert found == {key: [it.is_marker for it in kept] for key, kept in sorted(expected.objects.items())}
