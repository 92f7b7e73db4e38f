"""Consumer groups of logs: sharing lanes, committing, standing in for members who are gone, seeking."""

import asyncio

import pytest

from cumulo.core.errors import ServiceError
from cumulo.queue_service import log_groups, log_model
from cumulo.queue_service.log_model import AppendEntry, From, LaneCursor, Start

LEASE_S = 30


class Member:
    """A member of a group that remembers what it holds, as a client does."""

    def __init__(self, it, name, group="g", log="events", lease_s=LEASE_S):
        self.it, self.name, self.group, self.log, self.lease_s = it, name, group, log, lease_s
        self.positions: dict[int, int] = {}
        self.tokens: dict[int, int] = {}
        self.release: tuple[int, ...] = ()

    async def poll(self, **more):
        """Look for records, giving up what was asked for; return their bodies."""
        released = tuple(LaneCursor(lane, self.tokens[lane]) for lane in self.release)
        request = log_model.ConsumeRecords(
            log=self.log,
            group=self.group,
            member=self.name,
            cursors=tuple(
                LaneCursor(lane, token, self.positions[lane])
                for lane, token in self.tokens.items()
                if lane not in self.release
            ),
            released=released,
            lease_s=self.lease_s,
            **more,
        )
        consumed = await self.it.call("ConsumeRecords", request)
        for held in consumed.lanes:
            if self.tokens.get(held.lane) != held.token:
                self.positions[held.lane] = held.position
        self.tokens = {held.lane: held.token for held in consumed.lanes}
        self.release = tuple(held.lane for held in consumed.lanes if held.release)
        for record in consumed.records:
            assert record.lane in self.tokens
            self.positions[record.lane] = record.position + 1
        return [record.body for record in consumed.records]

    async def commit(self, **positions):
        """Commit as far as this has come, or what is named."""
        cursors = tuple(
            LaneCursor(lane, token, positions.get(f"lane{lane}", self.positions[lane]))
            for lane, token in self.tokens.items()
        )
        request = log_model.CommitConsumerGroup(log=self.log, group=self.group, member=self.name, cursors=cursors)
        await self.it.call("CommitConsumerGroup", request)

    async def leave(self):
        request = log_model.LeaveConsumerGroup(log=self.log, group=self.group, member=self.name)
        await self.it.call("LeaveConsumerGroup", request)

    @property
    def lanes(self):
        return sorted(self.tokens)


async def create(it, lane_count=1, log="events", **attributes):
    given = log_model.LogAttributes(lane_count=lane_count, **attributes)
    await it.call("CreateLog", log_model.CreateLog(log=log, attributes=given))


async def append(it, *bodies, key="", log="events"):
    entries = tuple(AppendEntry(body, key) for body in bodies)
    await it.call("AppendRecords", log_model.AppendRecords(log=log, entries=entries))


async def seek(it, start, group="g"):
    await it.call("SeekConsumerGroup", log_model.SeekConsumerGroup(log="events", group=group, start=start))


async def groups(it, **more):
    return await it.call("ListConsumerGroups", log_model.ListConsumerGroups(log="events", **more))


async def group(it, name="g"):
    (found,) = (one for one in (await groups(it)).groups if one.name == name)
    return found


async def refusal(coroutine):
    with pytest.raises(ServiceError) as refused:
        await coroutine
    return refused.value.row.code


def test_a_group_reads_on_where_it_committed(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a", b"b", b"c")
        one = Member(it, "one")
        assert await one.poll(max_records=2) == [b"a", b"b"]
        await one.commit()
        assert await one.poll() == [b"c"]
        await one.leave()
        await it.restart()

        assert await Member(it, "two").poll() == [b"c"]
        assert (await group(it)).lanes == (log_model.GroupLane(0, 2, "two", 1),)

    run(scenario)


def test_groups_do_not_know_of_each_other(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")

        for name in ("g", "h"):
            member = Member(it, "m", name)
            assert await member.poll() == [b"a"]
            await member.commit()

    run(scenario)


def test_members_share_the_lanes_and_each_lane_keeps_its_order(run):
    async def scenario(it):
        await create(it, 4)
        for n in range(40):
            await append(it, b"%d" % n, key=f"key-{n % 8}")
        one, two = Member(it, "one"), Member(it, "two")
        assert sorted(map(int, await one.poll())) == list(range(40))
        assert one.lanes == [0, 1, 2, 3]

        assert await two.poll() == []
        assert two.lanes == []
        assert await one.poll() == []
        assert one.release == (2, 3)
        await one.commit()
        await one.poll()
        assert (one.lanes, await two.poll(), two.lanes) == ([0, 1], [], [2, 3])

        for n in range(40, 80):
            await append(it, b"%d" % n, key=f"key-{n % 8}")
        found = [*await one.poll(), *await two.poll()]
        assert sorted(map(int, found)) == list(range(40, 80))
        for key in range(8):
            of_key = [n for n in map(int, found) if n % 8 == key]
            assert of_key == sorted(of_key)

    run(scenario)


def test_the_lanes_of_a_member_who_leaves_are_free_at_once(run):
    async def scenario(it):
        await create(it, 2)
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        await two.poll()
        await one.leave()

        await two.poll()

        assert two.lanes == [0, 1]
        await one.leave()

    run(scenario)


def test_a_member_who_is_not_heard_of_loses_his_lanes_and_cannot_commit(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a", b"b")
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        assert await two.poll() == []

        await it.advance(LEASE_S - 1)
        assert await two.poll() == []
        await it.advance(1)
        assert await two.poll() == [b"a", b"b"]

        assert await refusal(one.commit()) == "LaneNotHeld"
        await two.commit()
        assert (await group(it)).lanes == (log_model.GroupLane(0, 2, "two", 0),)
        assert await one.poll() == []
        assert one.lanes == []

    run(scenario)


def test_a_member_whom_nobody_replaced_may_commit_after_his_lease(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        one = Member(it, "one")
        await one.poll()
        await it.advance(10 * LEASE_S)

        await one.commit()

        assert (await group(it)).lag == 0
        assert (await group(it)).member_count == 1

    run(scenario)


def test_looks_and_commits_make_the_lease_longer(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        for n in range(10):
            await it.advance(LEASE_S - 5)
            await (one.poll() if n % 2 else one.commit())
            await two.poll()

        assert one.lanes == [0]
        await one.commit()

    run(scenario)


def test_a_lane_that_is_not_released_in_time_is_taken(run):
    async def scenario(it):
        await create(it, 2)
        await append(it, b"a", b"b")
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        tokens = dict(one.tokens)
        await two.poll()
        for _ in range(3):
            await it.advance(LEASE_S / 3)
            await two.poll()
            await one.poll()
            one.release = ()  # it does not listen
        await two.poll()

        assert two.lanes == [1]
        one.tokens = tokens
        assert await refusal(one.commit()) == "LaneNotHeld"
        assert [lane.position for lane in (await group(it)).lanes] == [0, 0]

    run(scenario)


def test_no_more_is_read_of_a_lane_that_is_to_be_released(run):
    async def scenario(it):
        await create(it, 2)
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        await two.poll()
        await append(it, b"0", b"1")

        assert await one.poll() == [b"0"]
        assert one.release == (1,)
        await one.poll()
        assert await two.poll() == [b"1"]

    run(scenario)


def test_a_wait_ends_once_to_ask_for_a_lane(run, settle):
    async def scenario(it):
        await create(it, 2)
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        waiting = asyncio.ensure_future(one.poll(wait_s=20))
        await settle()
        await two.poll()
        await waiting
        assert one.release == (1,)

        cursors = (LaneCursor(0, one.tokens[0], 0), LaneCursor(1, one.tokens[1], 0, True))
        request = log_model.ConsumeRecords(log="events", group="g", member="one", cursors=cursors, wait_s=20)
        waiting = asyncio.ensure_future(it.call("ConsumeRecords", request))
        await settle()

        assert not waiting.done()
        await it.restart()
        assert len((await waiting).lanes) == 2

    run(scenario)


def test_a_member_who_asks_to_release_nothing_keeps_it_when_the_other_leaves(run):
    async def scenario(it):
        await create(it, 2)
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        await two.poll()
        await one.poll()
        assert one.release == (1,)
        await two.leave()
        one.release = ()

        await one.poll()

        assert (one.lanes, one.release) == ([0, 1], ())

    run(scenario)


def test_members_beyond_the_lanes_stand_by(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        one, two, three = (Member(it, name) for name in ("one", "two", "three"))
        assert [await member.poll() for member in (one, two, three)] == [[b"a"], [], []]
        assert (await group(it)).member_count == 3
        await one.leave()

        assert await three.poll() == []
        assert await two.poll() == [b"a"]

    run(scenario)


def test_small_looks_come_to_every_lane(run):
    async def scenario(it):
        await create(it, 4)
        await append(it, *(b"%d" % n for n in range(40)))
        one = Member(it, "one")
        lanes = set()
        for _ in range(16):
            (body,) = await one.poll(max_records=1)
            lanes.add(int(body) % 4)

        assert lanes == {0, 1, 2, 3}

    run(scenario)


def test_a_look_is_bounded_in_bytes_over_all_lanes(run):
    async def scenario(it):
        await create(it, 8)
        for _ in range(16):
            await append(it, bytes(1_000_000))
        one = Member(it, "one")

        sizes = [len(await one.poll(max_records=1_000)) for _ in range(16)]

        assert max(sizes) <= 2
        assert sum(sizes) == 16

    run(scenario)


def test_a_member_who_waits_is_woken_by_records_and_by_lanes(run, settle):
    async def scenario(it):
        await create(it)
        one, two = Member(it, "one"), Member(it, "two")
        await one.poll()
        await two.poll()
        waiting = [asyncio.ensure_future(member.poll(wait_s=20)) for member in (one, two)]
        await settle()
        await append(it, b"a")
        assert await waiting[0] == [b"a"]
        await settle()
        assert not waiting[1].done()

        await one.leave()

        assert await waiting[1] == [b"a"]
        assert two.lanes == [0]

    run(scenario)


def test_a_member_who_waits_takes_over_when_another_lease_ends(run, settle):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        await Member(it, "one", lease_s=5).poll()
        two = Member(it, "two")
        await two.poll()
        waiting = asyncio.ensure_future(two.poll(wait_s=20))
        await settle()
        it.clock.advance(4_990)
        await append(it, b"b")
        await settle()
        assert not waiting.done()
        it.clock.advance(10)

        assert await asyncio.wait_for(waiting, 1) == [b"a", b"b"]

    run(scenario)


def test_a_new_group_begins_where_its_first_member_says(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        it.clock.advance(5)
        await append(it, b"b")

        assert await Member(it, "m", "end").poll(start=Start(From.END)) == []
        assert await Member(it, "m", "time").poll(start=Start(From.TIME, it.clock.wall_ms())) == [b"b"]
        assert await Member(it, "m", "position").poll(start=Start(From.POSITION, 1)) == [b"b"]
        assert await Member(it, "m", "oldest").poll() == [b"a", b"b"]
        later = Member(it, "n", "end")
        assert await later.poll() == []
        assert await refusal(Member(it, "m", "no").poll(start=Start(From.POSITION, 3))) == "LogPositionOutOfRange"

    run(scenario)


def test_seeking_replays_to_members_who_are_there(run, settle):
    async def scenario(it):
        await create(it, 2)
        await append(it, b"a", b"b", b"c", b"d")
        one = Member(it, "one")
        await one.poll()
        await one.commit()
        waiting = asyncio.ensure_future(one.poll(wait_s=20))
        await settle()
        stale = dict(one.tokens)

        await seek(it, Start(From.POSITION, 2))

        assert sorted(await waiting) == [b"c", b"d"]
        tokens, one.tokens = one.tokens, stale
        assert await refusal(one.commit()) == "LaneNotHeld"
        one.tokens = tokens
        await one.commit()
        assert [lane.position for lane in (await group(it)).lanes] == [3, 4]
        await seek(it, Start(From.END))
        assert await one.poll() == []
        assert (await group(it)).lag == 0
        assert await refusal(seek(it, Start(From.POSITION, 5))) == "LogPositionOutOfRange"

    run(scenario)


def test_seeking_to_a_time_makes_a_group_where_there_is_none(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        it.clock.advance(1_000)
        await append(it, b"b")

        await seek(it, Start(From.TIME, it.clock.wall_ms() - 1), "new")

        assert (await group(it, "new")).lanes == (log_model.GroupLane(0, 1, "", 1),)
        assert await Member(it, "m", "new").poll(start=Start()) == [b"b"]

    run(scenario)


def test_a_commit_may_not_go_back_nor_behind_the_end(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a", b"b")
        one = Member(it, "one")
        await one.poll()
        await one.commit(lane0=1)

        assert await refusal(one.commit(lane0=0)) == "LogPositionBehindCommit"
        assert await refusal(one.commit(lane0=3)) == "LogPositionOutOfRange"
        await one.commit(lane0=1)
        assert (await group(it)).lag == 1

    run(scenario)


def test_a_commit_of_several_lanes_is_done_whole_or_not_at_all(run):
    async def scenario(it):
        await create(it, 2)
        await append(it, b"a", b"b")
        one = Member(it, "one")
        await one.poll()
        one.tokens[1] += 1

        assert await refusal(one.commit()) == "LaneNotHeld"
        assert [lane.position for lane in (await group(it)).lanes] == [0, 0]

    run(scenario)


def test_lag_counts_the_records_of_each_lane_that_wait(run):
    async def scenario(it):
        await create(it, 3, retention_records=20)
        await seek(it, Start())
        expected = [0, 0, 0]
        for n in range(30):
            key = f"key-{n * n % 7}"
            await append(it, b"x", key=key)
        await it.advance(2)
        page = await it.call("ReadRecords", log_model.ReadRecords(log="events"))
        for record in page.records:
            expected[record.lane] += 1

        found = await group(it)

        assert [lane.lag for lane in found.lanes] == expected
        assert found.lag == 20
        await seek(it, Start(From.POSITION, 25))
        assert (await group(it)).lag == 5

    run(scenario)


def test_a_group_that_is_deleted_is_forgotten_and_its_members_are_told(run, settle):
    async def scenario(it):
        await create(it)
        await append(it, b"a")
        one = Member(it, "one")
        await one.poll()
        await one.commit()
        waiting = asyncio.ensure_future(one.poll(wait_s=20))
        await settle()

        await it.call("DeleteConsumerGroup", log_model.DeleteConsumerGroup(log="events", group="g"))

        assert await refusal(waiting) == "ConsumerGroupDoesNotExist"
        assert (await groups(it)).groups == ()
        assert await refusal(one.commit()) == "ConsumerGroupDoesNotExist"
        assert await Member(it, "two").poll() == [b"a"]

    run(scenario)


def test_groups_are_listed_by_name_in_pages(run):
    async def scenario(it):
        await create(it, 64)
        names = [f"group-{n:02}" for n in range(40)]
        for name in names:
            await seek(it, Start(), name)
        found, token = [], ""
        while True:
            page = await groups(it, page_token=token)
            assert len(page.groups) <= log_groups.LIST_LANES_MAX // 64
            found += [one.name for one in page.groups]
            token = page.next_page_token
            if not token:
                break

        assert found == names
        assert len((await groups(it, page_size=3)).groups) == 3
        assert await refusal(groups(it, page_token="nonsense")) == "InvalidNextToken"

    run(scenario)


def test_what_cannot_be_is_refused_by_name(run):
    async def scenario(it):
        await create(it)
        one = Member(it, "one")
        await one.poll()
        cursor = LaneCursor(0, one.tokens[0], 0)

        def consume(**more):
            request = {"log": "events", "group": "g", "member": "m"} | more
            return it.call("ConsumeRecords", log_model.ConsumeRecords(**request))

        def commit(*cursors, **more):
            request = {"log": "events", "group": "g", "member": "one", "cursors": cursors} | more
            return it.call("CommitConsumerGroup", log_model.CommitConsumerGroup(**request))

        for coroutine, code in (
            (consume(group=""), "MissingParameter"),
            (consume(member=""), "MissingParameter"),
            (consume(group="a/b"), "InvalidParameterValue"),
            (consume(group="x" * 81), "InvalidParameterValue"),
            (consume(member="x" * 65), "InvalidParameterValue"),
            (consume(max_records=0), "InvalidParameterValue"),
            (consume(max_records=1_001), "InvalidParameterValue"),
            (consume(wait_s=21), "InvalidParameterValue"),
            (consume(lease_s=4), "InvalidParameterValue"),
            (consume(lease_s=43_201), "InvalidParameterValue"),
            (consume(cursors=(cursor, cursor)), "InvalidParameterValue"),
            (consume(cursors=(LaneCursor(64, 1, 0),)), "InvalidParameterValue"),
            (consume(cursors=(LaneCursor(0, -1, 0),)), "InvalidParameterValue"),
            (consume(released=(LaneCursor(0, 1, -1),)), "InvalidParameterValue"),
            (consume(log="nobody"), "LogDoesNotExist"),
            (commit(LaneCursor(0, 2, 0)), "LaneNotHeld"),
            (commit(LaneCursor(1, 1, 0)), "LaneNotHeld"),
            (commit(cursor, member="m"), "LaneNotHeld"),
            (commit(cursor, group="h"), "ConsumerGroupDoesNotExist"),
            (Member(it, "m", "h").leave(), "ConsumerGroupDoesNotExist"),
            (seek(it, Start(From.POSITION, -1)), "InvalidParameterValue"),
            (groups(it, page_size=101), "InvalidParameterValue"),
        ):
            assert await refusal(coroutine) == code

    run(scenario)


def test_groups_and_members_are_bounded(run, monkeypatch):
    monkeypatch.setattr(log_groups, "GROUPS_MAX", 3)
    monkeypatch.setattr(log_groups, "MEMBERS_MAX", 2)

    async def scenario(it):
        await create(it)
        for n in range(3):
            await seek(it, Start(), f"g{n}")
        await Member(it, "a", "g1").poll()
        await Member(it, "b", "g1").poll()

        assert await refusal(seek(it, Start(), "more")) == "TooManyConsumerGroups"
        assert await refusal(Member(it, "c", "g1").poll()) == "TooManyGroupMembers"
        await it.advance(LEASE_S)
        await Member(it, "c", "g1").poll()

    run(scenario)
