"""Lifecycle rules act: at midnight, by the rules that hold then, once, across restarts."""

import asyncio
from typing import Any

import msgspec
import pytest

from cumulo.core.errors import ServiceError
from cumulo.object_store import configuration_model, keys, tagging_model, upload_model
from cumulo.object_store.lifecycle_model import Lifecycle, LifecycleRule, RuleFilter, Transition
from cumulo.object_store.lifecycle_survey import SURVEYED_PER_TRANSACTION
from cumulo.object_store.notification_model import NotificationRule

DAY_S = 86_400
UNTIL_MIDNIGHT_S = 6_400
"""The manual clock begins at 22:13:20 UTC."""


def rule(prefix: str = "", **more: Any) -> LifecycleRule:
    return LifecycleRule(**{"filter": RuleFilter(prefix=prefix), **more})


async def set_rules(stand: Any, *rules: LifecycleRule, **more: Any) -> None:
    value = Lifecycle(rules, **more)
    await stand.call("SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "lifecycle", value))


async def remaining(stand: Any) -> list[str]:
    return [one.key for one in (await stand.list_()).objects]


async def classes(stand: Any) -> dict[str, str]:
    return {one.key: one.storage_class for one in (await stand.list_()).objects}


def test_object_expires_at_the_midnight_after_its_days(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule("tmp/", id="tidy", expiration_days=2))
        stored = await stand.put("tmp/a", b"x" * 100_000)
        await stand.put("kept", b"x")

        await stand.advance(2 * DAY_S + UNTIL_MIDNIGHT_S - 1)
        before = await remaining(stand)
        await stand.advance(1)

        assert before == ["kept", "tmp/a"]
        assert await remaining(stand) == ["kept"]
        assert stored.expiry is not None
        assert (stored.expiry.rule_id, stored.expiry.wall_ms % (DAY_S * 1000)) == ("tidy", 0)
        assert stored.expiry.wall_ms == stand.clock.wall_ms()
        assert await stand.due(keys.OBJECT_AGE) == 0

    run(scenario)


def test_expiry_is_told_of_objects_that_are_read(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        before = await stand.put("k", b"x")
        await set_rules(stand, rule(id="r", expiration_days=1), rule("k", id="later", expiration_days=3))

        head = await stand.head("k")

        assert before.expiry is None
        assert head.expiry is not None
        assert head.expiry.rule_id == "r"

    run(scenario)


def test_overwriting_begins_anew(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(expiration_days=1))
        await stand.put("k", b"1")
        await stand.advance(DAY_S)
        await stand.put("k", b"2")

        await stand.advance(UNTIL_MIDNIGHT_S)
        left = await remaining(stand)
        entries = await stand.due(keys.OBJECT_AGE)
        await stand.advance(DAY_S)

        assert (left, entries) == (["k"], 1)
        assert await remaining(stand) == []

    run(scenario)


def test_deleted_object_leaves_no_entry(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(expiration_days=1))
        await stand.put("k", b"1")
        await stand.delete("k")

        assert await stand.due(keys.OBJECT_AGE) == 0

    run(scenario)


def test_new_rules_reach_what_is_there_in_slices(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        count = 2 * SURVEYED_PER_TRANSACTION + 1
        for number in range(count):
            await stand.put(f"k{number:04}", b"")
        await set_rules(stand, rule(expiration_days=1))
        surveys = await stand.due(keys.BUCKET_SURVEY)
        await stand.advance()

        entries = await stand.due(keys.OBJECT_AGE)
        await stand.advance(2 * DAY_S)

        assert (surveys, entries) == (1, count)
        assert await remaining(stand) == []
        assert await stand.due(keys.BUCKET_SURVEY) == 0

    run(scenario)


def test_removed_rules_do_nothing_more(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(expiration_days=1))
        await stand.put("k", b"1")
        await stand.call(
            "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", "lifecycle")
        )

        await stand.advance(2 * DAY_S)

        assert await remaining(stand) == ["k"]
        assert await stand.due(keys.OBJECT_AGE) == 0

    run(scenario)


def test_survey_and_entries_survive_a_restart(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("old", b"1")
        await set_rules(stand, rule(expiration_days=1))
        await stand.put("new", b"1")
        await stand.restart()
        await stand.advance()
        await stand.restart()

        await stand.advance(2 * DAY_S)

        assert await remaining(stand) == []

    run(scenario)


@pytest.mark.parametrize(
    ("filter_", "left"),
    [
        (RuleFilter(tags={"a": "1"}), ["big", "plain", "small"]),
        (RuleFilter(tags={"a": "1", "b": "2"}, is_and=True), ["big", "plain", "small", "tagged"]),
        (RuleFilter(size_greater_than=2), ["plain", "small", "tagged"]),
        (RuleFilter(size_less_than=2), ["big", "small"]),
        (RuleFilter(size_greater_than=1, size_less_than=3, is_and=True), ["big", "plain", "tagged"]),
        (RuleFilter("p", size_less_than=2, is_and=True), ["big", "small", "tagged"]),
    ],
)
def test_filters_choose_by_prefix_tags_and_size(run: Any, filter_: RuleFilter, left: list[str]) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(filter=filter_, expiration_days=1))
        await stand.put("plain", b"1")
        await stand.put("tagged", b"1", tags={"a": "1"})
        await stand.put("small", b"12")
        await stand.put("big", b"123")

        await stand.advance(2 * DAY_S)

        assert await remaining(stand) == left

    run(scenario)


def test_tags_that_come_later_count_from_the_object_s_time(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(filter=RuleFilter(tags={"a": "1"}), expiration_days=1))
        await stand.put("k", b"1")
        await stand.advance(3 * DAY_S)
        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", "k", {"a": "1"}))

        await stand.advance()

        assert await remaining(stand) == []

    run(scenario)


def test_disabled_rules_do_nothing(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(is_enabled=False, expiration_days=1))
        await stand.put("k", b"1")

        await stand.advance(3 * DAY_S)

        assert await remaining(stand) == ["k"]

    run(scenario)


def test_date_of_the_past_ends_objects_at_once_and_one_to_come_later(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        midnight = stand.clock.wall_ms() // 86_400_000 * 86_400_000
        await stand.put("past", b"1")
        await stand.put("future", b"1")
        await set_rules(
            stand,
            rule("past", expiration_date_ms=midnight),
            rule("future", expiration_date_ms=midnight + 2 * 86_400_000),
        )

        await stand.advance()
        first = await remaining(stand)
        await stand.advance(2 * DAY_S)

        assert first == ["future"]
        assert await remaining(stand) == []

    run(scenario)


def test_object_goes_from_class_to_class_and_expires(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        steps = (Transition("GLACIER_IR", 1), Transition("DEEP_ARCHIVE", 10))
        await set_rules(stand, rule(transitions=steps, expiration_days=20))
        await stand.put("k", b"x" * 131_072)
        await stand.put("small", b"x")
        seen = []

        for days in (0, 2, 9, 10):
            await stand.advance(days * DAY_S)
            seen.append(await classes(stand))

        assert seen[0] == {"k": "STANDARD", "small": "STANDARD"}
        assert seen[1] == {"k": "GLACIER_IR", "small": "STANDARD"}
        assert seen[2] == {"k": "DEEP_ARCHIVE", "small": "STANDARD"}
        assert seen[3] == {}

    run(scenario)


@pytest.mark.parametrize(
    ("minimum_size", "filter_", "expected"),
    [
        ("all_storage_classes_128K", RuleFilter(""), "STANDARD"),
        ("varies_by_storage_class", RuleFilter(""), "DEEP_ARCHIVE"),
        ("all_storage_classes_128K", RuleFilter(size_greater_than=0), "DEEP_ARCHIVE"),
    ],
)
def test_small_objects_go_where_the_configuration_lets_them(
    run: Any, minimum_size: str, filter_: RuleFilter, expected: str
) -> None:
    async def scenario(stand: Any) -> None:
        one = rule(filter=filter_, transitions=(Transition("DEEP_ARCHIVE", 1),))
        await set_rules(stand, one, minimum_size=minimum_size)
        await stand.put("k", b"x")

        await stand.advance(2 * DAY_S)

        assert await classes(stand) == {"k": expected}

    run(scenario)


def test_objects_never_go_to_a_warmer_class(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await set_rules(stand, rule(filter=RuleFilter(size_greater_than=0), transitions=(Transition("GLACIER_IR", 1),)))
        await stand.put("k", b"x", storage_class="GLACIER")

        await stand.advance(2 * DAY_S)

        assert await classes(stand) == {"k": "GLACIER"}

    run(scenario)


def test_expiry_and_transition_tell_the_queue(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
        await stand.notify_me(
            NotificationRule(target=queue, events=("s3:LifecycleExpiration:*", "s3:LifecycleTransition"))
        )
        one = rule(filter=RuleFilter(size_greater_than=0), transitions=(Transition("GLACIER", 1),), expiration_days=3)
        await set_rules(stand, one)
        await stand.put("k", b"x")

        await stand.advance(2 * DAY_S)
        await stand.advance(2 * DAY_S)

        records = [record for body in await stand.messages() for record in msgspec.json.decode(body).get("Records", ())]
        assert sorted(record["eventName"] for record in records) == [
            "LifecycleExpiration:Delete",
            "LifecycleTransition",
        ]
        assert {record["requestParameters"]["sourceIPAddress"] for record in records} == {"s3.amazonaws.com"}
        assert {record["userIdentity"]["principalId"] for record in records} == {"s3.amazonaws.com"}

    run(scenario)


def test_upload_ends_by_rule_or_after_a_week(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.begin("old/k")
        await set_rules(stand, rule("old/", id="r", abort_days=1), rule("long/", id="l", abort_days=30))
        await stand.begin("old/new")
        await stand.begin("long/k")
        await stand.begin("other")
        ending = await stand.service.ending("inbox", "old/k")
        listed = []

        for days in (0, 2, 7, 22):
            await stand.advance(days * DAY_S)
            page = await stand.call("ListMultipartUploads", upload_model.ListMultipartUploads(bucket="inbox"))
            listed.append([one.key for one in page.uploads])

        assert ending.rule_id == "r"
        assert listed == [["long/k", "old/k", "old/new", "other"], ["long/k", "other"], ["long/k"], []]

    run(scenario)


def test_only_rules_with_the_key_s_prefix_are_asked(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        rules = [rule("a" * length, id=f"a{length}", expiration_days=length + 1) for length in range(1, 500)]
        rules += [rule(f"b{number:03}", id=f"b{number}", expiration_days=1) for number in range(500)]
        await set_rules(stand, *rules)

        deep = await stand.put("a" * 450 + "b", b"x")
        flat = await stand.put("b123/x", b"x")
        none = await stand.put("c", b"x")

        assert deep.expiry.rule_id == "a1"
        assert flat.expiry.rule_id == "b123"
        assert none.expiry is None

    run(scenario)


def test_rules_without_ids_get_the_same_ones_each_time(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        asked = configuration_model.GetBucketConfiguration("inbox", "lifecycle")
        await set_rules(stand, rule("a", expiration_days=1), rule("b", expiration_days=1))
        first = await stand.call("GetBucketConfiguration", asked)
        await set_rules(stand, rule("a", expiration_days=1), rule("b", expiration_days=1))

        again = await stand.call("GetBucketConfiguration", asked)

        assert first == again
        assert len({one.id for one in first.rules}) == 2
        assert all(len(one.id) == 48 for one in first.rules)

    run(scenario)


@pytest.mark.parametrize(
    ("rules", "code", "words"),
    [
        ([rule(id="x" * 256, expiration_days=1)], "InvalidArgument", "ID length should not exceed"),
        ([rule(id="x", expiration_days=1)] * 2, "InvalidArgument", "Rule ID must be unique"),
        ([rule(id=str(n), expiration_days=1) for n in range(1001)], "InvalidRequest", "allowed limit of 1000"),
        ([], "MalformedXML", ""),
        ([rule()], "InvalidRequest", "At least one action"),
        ([rule(expiration_days=0)], "InvalidArgument", "'Days' for Expiration action must be a positive integer"),
        ([rule(expiration_days=1, expires_markers=True)], "MalformedXML", ""),
        ([rule(expiration_date_ms=1)], "InvalidArgument", "'Date' must be at midnight GMT"),
        ([rule("x" * 1025, expiration_days=1)], "InvalidArgument", "maximum size of a prefix"),
        ([rule(filter=RuleFilter("a", {"b": "c"}), expiration_days=1)], "MalformedXML", ""),
        ([rule(filter=RuleFilter(is_and=True), expiration_days=1)], "MalformedXML", ""),
        (
            [rule(filter=RuleFilter(size_greater_than=5, size_less_than=5, is_and=True), expiration_days=1)],
            "InvalidRequest",
            "has to be a value greater than",
        ),
        ([rule(filter=RuleFilter(size_less_than=0), expiration_days=1)], "InvalidRequest", "between 1 and"),
        ([rule(filter=RuleFilter(tags={"a": "b"}), abort_days=1)], "InvalidRequest", "cannot be specified with Tags"),
        ([rule(filter=RuleFilter(tags={"a": "b"}), expires_markers=True)], "InvalidRequest", "with Tags"),
        ([rule(filter=RuleFilter(size_less_than=9), abort_days=1)], "InvalidRequest", "with Object Size"),
        ([rule(abort_days=0)], "InvalidArgument", "'DaysAfterInitiation'"),
        ([rule(noncurrent_days=0)], "InvalidArgument", "'NoncurrentDays' for NoncurrentVersionExpiration"),
        ([rule(noncurrent_days=1, newer_versions=0)], "InvalidArgument", "must be a positive integer"),
        ([rule(noncurrent_days=1, newer_versions=101)], "InvalidArgument", "less than or equal to 100"),
        ([rule(transitions=(Transition("STANDARD", 1),))], "MalformedXML", ""),
        ([rule(transitions=(Transition("GLACIER"),))], "MalformedXML", ""),
        ([rule(transitions=(Transition("GLACIER", -1),))], "InvalidArgument", "nonnegative"),
        ([rule(transitions=(Transition("STANDARD_IA", 29),))], "InvalidArgument", "greater than or equal to 30"),
        (
            [rule(transitions=(Transition("GLACIER", 1), Transition("GLACIER", 2)))],
            "InvalidRequest",
            "'StorageClass' must be different",
        ),
        (
            [rule(transitions=(Transition("GLACIER", 1), Transition("DEEP_ARCHIVE", None, 0)))],
            "InvalidRequest",
            "Found mixed 'Date' and 'Days' based Transition",
        ),
        (
            [rule(transitions=(Transition("DEEP_ARCHIVE", 1), Transition("GLACIER", 9)))],
            "InvalidArgument",
            "must be greater than",
        ),
        (
            [rule(transitions=(Transition("STANDARD_IA", 30), Transition("GLACIER", 59)))],
            "InvalidArgument",
            "30 days more than",
        ),
        ([rule(transitions=(Transition("GLACIER", 5),), expiration_days=5)], "InvalidArgument", "Expiration action"),
        (
            [rule(transitions=(Transition("GLACIER", 5),), expiration_date_ms=0)],
            "InvalidRequest",
            "based Expiration and Transition",
        ),
        (
            [rule(expiration_days=1), rule(filter=RuleFilter("a", is_rule_prefix=True), expiration_days=1)],
            "InvalidRequest",
            "Base level prefix",
        ),
    ],
)
def test_refused_rules(rules: list[LifecycleRule], code: str, words: str, tmp_path: Any, stand_in: Any) -> None:
    async def whole() -> tuple[str, str]:
        stand = stand_in(tmp_path, durable=False)
        await stand.open()
        try:
            await stand.make()
            with pytest.raises(ServiceError) as caught:
                await set_rules(stand, *rules)
            return caught.value.row.code, caught.value.message
        finally:
            await stand.close()

    found, message = asyncio.run(whole())

    assert found == code
    assert words in message
