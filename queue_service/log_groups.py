"""Consumer groups of a log: who reads which lane, and how far each lane was handled.

Members share the lanes: each lane is held by one member at a time, under a token that no other holding had. A member
holds while his lease runs, which every look for records makes longer; what he holds too much when others join he is
asked to release, and loses when he does not within his lease. Only the holder commits, by his token, so a member who
was taken for dead can move nothing. Pure functions; times come in with the requests.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from cumulo.queue_service.errors import (
    CONSUMER_GROUP_DOES_NOT_EXIST,
    LANE_NOT_HELD,
    LOG_POSITION_BEHIND_COMMIT,
    LOG_POSITION_OUT_OF_RANGE,
    TOO_MANY_CONSUMER_GROUPS,
    TOO_MANY_GROUP_MEMBERS,
)
from cumulo.queue_service.log_keys import (
    ENDS,
    GROUPS,
    Group,
    Lane,
    LogEnds,
    LogMeta,
    Member,
    decode_group,
    group_key,
    group_name,
)
from cumulo.queue_service.log_model import (
    GROUPS_MAX,
    MEMBERS_MAX,
    ConsumerGroup,
    GroupLane,
    HeldLane,
    LaneCursor,
    LogRecord,
    Start,
)
from cumulo.queue_service.log_records import starting_at
from cumulo.queue_service.open_log import lag, look, read_lane
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import after

TOKENS_PER_GROUP = 1 << 32
LIST_LANES_MAX = 1_000
"""Lanes that one page of groups shows: the lag of each is a look of its own."""


class StampedConsume(msgspec.Struct, frozen=True):
    """A member's look for records: as `ConsumeRecords`, stamped."""

    log: str
    partition: bytes
    group: str
    member: str
    cursors: tuple[LaneCursor, ...]
    released: tuple[LaneCursor, ...]
    start: Start
    max_records: int
    bytes_max: int
    lease_ms: int
    wall_ms: int
    deadline_ms: int


class Shared(msgspec.Struct, frozen=True):
    """What a look of a member found. `is_due` says that the group must change first: nothing was looked at.

    `next_change_ms` is when another member's lease, or patience with him, ends: 0 for never.
    """

    lanes: tuple[HeldLane, ...] = ()
    records: tuple[LogRecord, ...] = ()
    is_due: bool = False
    next_change_ms: int = 0


class StampedCommit(msgspec.Struct, frozen=True):
    """Positions to commit."""

    log: str
    partition: bytes
    group: str
    member: str
    cursors: tuple[LaneCursor, ...]
    deadline_ms: int


class StampedLeave(msgspec.Struct, frozen=True):
    """A membership to end."""

    log: str
    partition: bytes
    group: str
    member: str


class StampedSeek(msgspec.Struct, frozen=True):
    """A group to set to another place, or to make there."""

    log: str
    partition: bytes
    group: str
    start: Start
    wall_ms: int


class StampedGroups(msgspec.Struct, frozen=True):
    """A page of groups, from behind the name `last`; without `limit` as many as one function may look at."""

    log: str
    partition: bytes
    last: str
    limit: int
    deadline_ms: int


class StampedGroup(msgspec.Struct, frozen=True):
    """A group to delete."""

    log: str
    partition: bytes
    group: str


def look_for_records(txn: ReadTxn, request: StampedConsume) -> Shared:
    """Return what a member may read now, unless the group must change first; a read function."""
    group = _find(txn, request.partition, request.group)
    if group is None or _shared_out(group, request) != group:
        return Shared(is_due=True)
    return _look(txn, request, group)


def share(txn: Txn, request: StampedConsume) -> Shared:
    """Make the member one of the group, share the lanes out anew, and return what he may read then."""
    meta, ends = look(txn, request.partition, request.log)
    group = _find(txn, request.partition, request.group)
    if group is None and request.cursors:
        raise CONSUMER_GROUP_DOES_NOT_EXIST.error(group=request.group)  # it was deleted under its member
    if group is None:
        position = starting_at(txn, request.partition, ends, request.start)
        group = _made(txn, request.partition, meta, ends, position, request.wall_ms)
    changed = _shared_out(group, request)
    key = group_key(request.partition, request.group)
    if changed.lanes != group.lanes:
        txn.notify(key)
    txn.put(key, records.encode(changed))
    return _look(txn, request, changed)


def commit(txn: Txn, request: StampedCommit) -> None:
    """Note how far a member has come, all lanes or none; raises `LaneNotHeld`, and for a position that cannot be."""
    _, ends = look(txn, request.partition, request.log)
    group = _existing(txn, request.partition, request.group)
    lanes = list(group.lanes)
    for cursor in request.cursors:
        held = lanes[cursor.lane] if cursor.lane < len(lanes) else Lane()
        if held.member != request.member or held.token != cursor.token or not held.member:
            raise LANE_NOT_HELD.error(lane=cursor.lane, member=request.member)
        if cursor.position > ends.next:
            raise LOG_POSITION_OUT_OF_RANGE.error(parameter="position", value=cursor.position, next_position=ends.next)
        if cursor.position < held.position:
            raise LOG_POSITION_BEHIND_COMMIT.error(value=cursor.position, committed=held.position)
        lanes[cursor.lane] = replace(held, position=cursor.position)
    members = tuple(
        replace(it, expires_ms=max(it.expires_ms, request.deadline_ms + it.lease_ms)) if it.id == request.member else it
        for it in group.members
    )
    changed = replace(group, lanes=tuple(lanes), members=members)
    txn.put(group_key(request.partition, request.group), records.encode(changed))


def leave(txn: Txn, request: StampedLeave) -> None:
    """End a membership; somebody who is no member does no harm."""
    look(txn, request.partition, request.log)
    group = _existing(txn, request.partition, request.group)
    members = tuple(it for it in group.members if it.id != request.member)
    if len(members) == len(group.members):
        return
    key = group_key(request.partition, request.group)
    changed = replace(group, lanes=_freed(group.lanes, {it.id for it in members}), members=members)
    txn.put(key, records.encode(changed))
    txn.notify(key)


def seek(txn: Txn, request: StampedSeek) -> None:
    """Set where a group goes on in all lanes. Members go on from there: what they hold gets new tokens."""
    meta, ends = look(txn, request.partition, request.log)
    position = starting_at(txn, request.partition, ends, request.start)
    group = _find(txn, request.partition, request.group)
    if group is None:
        group = _made(txn, request.partition, meta, ends, position, request.wall_ms)
    lanes, token = [], group.next_token
    for lane in group.lanes:
        lanes.append(replace(lane, position=position, token=token if lane.member else 0))
        token += bool(lane.member)
    key = group_key(request.partition, request.group)
    txn.put(key, records.encode(replace(group, lanes=tuple(lanes), next_token=token)))
    txn.notify(key)


def delete_group(txn: Txn, request: StampedGroup) -> None:
    """Forget a group; its members find out at their next call."""
    look(txn, request.partition, request.log)
    _existing(txn, request.partition, request.group)
    key = group_key(request.partition, request.group)
    txn.delete(key)
    txn.notify(key)


def list_groups(txn: ReadTxn, request: StampedGroups) -> list[ConsumerGroup]:
    """Return groups by name with the lag of each lane; a read function."""
    partition = request.partition
    meta, ends = look(txn, partition, request.log)
    limit = min(request.limit, LIST_LANES_MAX // meta.lane_count)
    base = partition + GROUPS
    start = group_key(partition, request.last) + b"\0" if request.last else base
    listed = []
    for key, value in txn.range(start, after(base), limit):
        group = decode_group(value)
        lanes = tuple(
            GroupLane(number, max(it.position, ends.first), it.member, lag(txn, partition, ends, number, it.position))
            for number, it in enumerate(group.lanes)
        )
        members = sum(it.expires_ms > request.deadline_ms for it in group.members)
        listed.append(ConsumerGroup(group_name(key, partition), group.create_ms, members, lanes))
    return listed


def page_groups(lane_count: int, asked: int) -> int:
    """Return how many groups a page holds at most."""
    return min(asked, LIST_LANES_MAX // lane_count)


def _find(txn: ReadTxn, partition: bytes, name: str) -> Group | None:
    raw = txn.get(group_key(partition, name))
    return None if raw is None else decode_group(raw)


def _existing(txn: ReadTxn, partition: bytes, name: str) -> Group:
    group = _find(txn, partition, name)
    if group is None:
        raise CONSUMER_GROUP_DOES_NOT_EXIST.error(group=name)
    return group


def _made(txn: Txn, partition: bytes, meta: LogMeta, ends: LogEnds, position: int, wall_ms: int) -> Group:
    """Return a new group; the caller writes it. Its tokens are none that a group of this log ever gave out."""
    base = partition + GROUPS
    if len(txn.range(base, after(base), GROUPS_MAX)) >= GROUPS_MAX:
        raise TOO_MANY_CONSUMER_GROUPS.error(limit=GROUPS_MAX)
    number = ends.groups_made + 1
    txn.put(partition + ENDS, records.encode(replace(ends, groups_made=number)))
    return Group(
        create_ms=wall_ms, next_token=number * TOKENS_PER_GROUP, lanes=(Lane(position=position),) * meta.lane_count
    )


def _shared_out(group: Group, request: StampedConsume) -> Group:
    """Return the group with the member in it and every lane where it belongs; an equal one where nothing changes."""
    now_ms, me = request.deadline_ms, request.member
    members = _with_member([it for it in group.members if it.expires_ms > now_ms or it.id == me], request)
    shares = dict(_shares([it.id for it in members], len(group.lanes)))
    lanes = list(_freed(group.lanes, shares.keys()))
    for given in request.released:
        if given.lane < len(lanes) and lanes[given.lane].member == me and lanes[given.lane].token == given.token:
            lanes[given.lane] = Lane(position=lanes[given.lane].position)
    lanes = [Lane(position=it.position) if 0 < it.release_by_ms <= now_ms else it for it in lanes]
    token = group.next_token
    missing = shares[me] - sum(it.member == me for it in lanes)
    for number, lane in enumerate(lanes):
        if missing > 0 and not lane.member:
            lanes[number] = Lane(lane.position, me, token)
            token += 1
            missing -= 1
    leases_ms = {it.id: it.lease_ms for it in members}
    held = dict.fromkeys(shares, 0)
    for number, lane in enumerate(lanes):
        if lane.member:
            held[lane.member] += 1
            is_over = held[lane.member] > shares[lane.member]
            by_ms = (lane.release_by_ms or now_ms + leases_ms[lane.member]) if is_over else 0
            lanes[number] = replace(lane, release_by_ms=by_ms)
    return replace(group, next_token=token, lanes=tuple(lanes), members=tuple(members))


def _with_member(members: list[Member], request: StampedConsume) -> list[Member]:
    """Return the members with the one who asks; his lease is made longer only once a third of it is over, so that not
    every look for records is a change.
    """
    lease_ms, now_ms = request.lease_ms, request.deadline_ms
    fresh = Member(request.member, now_ms + lease_ms, lease_ms)
    for place, it in enumerate(members):
        if it.id == request.member:
            if it.lease_ms != lease_ms or it.expires_ms - now_ms < lease_ms * 2 // 3:
                members[place] = fresh
            return members
    if len(members) >= MEMBERS_MAX:
        raise TOO_MANY_GROUP_MEMBERS.error(limit=MEMBERS_MAX)
    return [*members, fresh]


def _shares(members: list[str], lane_count: int) -> Iterable[tuple[str, int]]:
    """Yield how many lanes each member is to hold: the same for all, one more for those who joined first."""
    each, more = divmod(lane_count, len(members))
    return ((member, each + (place < more)) for place, member in enumerate(members))


def _freed(lanes: tuple[Lane, ...], members: Iterable[str]) -> tuple[Lane, ...]:
    """Return the lanes, those of nobody in `members` free."""
    there = set(members)
    return tuple(it if not it.member or it.member in there else Lane(position=it.position) for it in lanes)


def _look(txn: ReadTxn, request: StampedConsume, group: Group) -> Shared:
    """Read what the member may: nothing more of lanes that he is asked to release."""
    meta, ends = look(txn, request.partition, request.log)
    known = {(it.lane, it.token): it.position for it in request.cursors}
    held = tuple(
        HeldLane(number, it.token, it.position, bool(it.release_by_ms))
        for number, it in enumerate(group.lanes)
        if it.member == request.member
    )
    # The lane that is furthest behind comes first, so that small looks come to each; and each has its share of what is
    # left, so that one with a backlog does not keep the others waiting.
    reading = sorted((known.get((it.lane, it.token), it.position), it.lane) for it in held if not it.release)
    found: list[LogRecord] = []
    left_bytes = request.bytes_max
    for place, (position, lane) in enumerate(reading):
        sharers = len(reading) - place
        count = -(-(request.max_records - len(found)) // sharers)
        if count <= 0 or left_bytes <= 0:
            break
        start = min(max(position, ends.first), ends.next)
        taken = read_lane(txn, request.partition, meta.lane_count, lane, start, ends.next, count, left_bytes // sharers)
        left_bytes -= sum(len(it.body) for it in taken)
        found += taken
    others = [it.expires_ms for it in group.members if it.id != request.member]
    others += [it.release_by_ms for it in group.lanes if it.release_by_ms]
    return Shared(held, tuple(found), next_change_ms=min(others, default=0))
