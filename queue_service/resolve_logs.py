"""How calls about logs are resolved: names followed, requests checked and stamped, before anybody is authorised."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE
from cumulo.core.operations import Checks, Operation
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import log_attributes, log_model, page_tokens, queue_attributes
from cumulo.queue_service.errors import LOG_DOES_NOT_EXIST
from cumulo.queue_service.log_attributes import LogPlace, check_range
from cumulo.queue_service.log_groups import (
    StampedCommit,
    StampedConsume,
    StampedGroup,
    StampedGroups,
    StampedLeave,
    StampedSeek,
)
from cumulo.queue_service.log_keys import LogName
from cumulo.queue_service.log_operations import LOG_OWNERS_ALONE
from cumulo.queue_service.log_records import StampedAppend, StampedRead
from cumulo.queue_service.logs import (
    StampedCreateLog,
    StampedDeleteLog,
    StampedGetLog,
    StampedListLogs,
    StampedUpdateLog,
    follow_log,
)
from cumulo.queue_service.queues import allocate_partition
from cumulo.queue_service.resolve_queues import parent_of
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.remembered import Remembered


class LogDesk:
    """What resolvers of logs share."""

    def __init__(self, engine: Engine, clock: Clock, sealer: TokenSealer) -> None:
        self.engine = engine
        self.clock = clock
        self.sealer = sealer
        self._followed = Remembered(engine, (ROOT,), follow_log)

    async def find(self, place: LogPlace) -> LogName | None:
        """Return where a log's name leads now, None where there is none."""
        found: LogName | None = await self._followed.read(place)
        return found


class ResolvedLook(Resolved, frozen=True):
    """A read, and how long it may wait."""

    wait_s: int = 0


async def resolve(desk: LogDesk, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    """Follow the log's name, check the request and stamp it."""
    if isinstance(request, log_model.ListLogs):
        return _list(desk, ctx, operation, request)
    place = log_attributes.place(request.log, ctx.principal.account, ctx.region)
    if (check := _CHECKS.get(type(request))) is not None:
        check(request)
    found = await desk.find(place)
    if isinstance(request, log_model.CreateLog):
        resolved = await _create(desk, operation, place, request, found)
    elif found is None:
        resolved = Resolved(
            request=None,
            partitions=(ROOT,),
            checks=_checks_of(operation, place),
            guard=Guard(place.account),
            missing=LOG_DOES_NOT_EXIST.error(log=place.name),
        )
    else:
        resolved = _RESOLVERS[type(request)](desk, operation, place, request, found)
    if place.account != ctx.principal.account and operation.name in LOG_OWNERS_ALONE:
        return replace(resolved, guard=Guard(place.account))
    return resolved


async def _create(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.CreateLog, found: LogName | None
) -> Resolved:
    fields = log_attributes.written(request.attributes)
    policy = queue_attributes.stored_policy(request.attributes.policy, desk.engine)
    partition = found.partition if found else await desk.engine.transact((ROOT,), allocate_partition, None)
    return Resolved(
        StampedCreateLog(place, partition, found is None, fields, policy, desk.clock.wall_ms()),
        (ROOT, partition),
        _checks_of(operation, place),
        Guard(place.account, found.policy if found else ""),
    )


def _get(_desk: LogDesk, operation: Operation, place: LogPlace, _: log_model.GetLog, found: LogName) -> Resolved:
    stamped = StampedGetLog(place, found.partition)
    return _resolved(operation, place, found, stamped, (ROOT, found.partition))


def _update(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.UpdateLog, found: LogName
) -> Resolved:
    fields = log_attributes.written(request.attributes)
    for name in request.defaults:
        fields |= log_attributes.default(name)
    text = "" if log_attributes.POLICY in request.defaults else request.attributes.policy
    policy = queue_attributes.stored_policy(text, desk.engine)
    stamped = StampedUpdateLog(place, found.partition, fields, policy, desk.clock.wall_ms(), desk.clock.deadline_ms())
    return _resolved(operation, place, found, stamped, (ROOT, found.partition))


def _delete(desk: LogDesk, operation: Operation, place: LogPlace, _: log_model.DeleteLog, found: LogName) -> Resolved:
    stamped = StampedDeleteLog(place, found.partition, desk.clock.deadline_ms())
    return _resolved(operation, place, found, stamped, (ROOT, found.partition), grows=False)


def _append(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.AppendRecords, found: LogName
) -> Resolved:
    stamped = StampedAppend(
        place.name,
        found.partition,
        request.entries,
        request.expected_position,
        desk.clock.wall_ms(),
        desk.clock.deadline_ms(),
    )
    return _resolved(operation, place, found, stamped)


def _read(
    _desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.ReadRecords, found: LogName
) -> Resolved:
    stamped = StampedRead(
        place.name, found.partition, request.start, request.max_records, request.bytes_max, request.lane
    )
    return ResolvedLook(
        stamped,
        (found.partition,),
        _checks_of(operation, place),
        Guard(place.account, found.policy),
        wait_s=request.wait_s,
    )


def _consume(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.ConsumeRecords, found: LogName
) -> Resolved:
    stamped = StampedConsume(
        place.name,
        found.partition,
        request.group,
        request.member,
        request.cursors,
        request.released,
        request.start,
        request.max_records,
        log_model.READ_BYTES_MAX,
        request.lease_s * 1000,
        desk.clock.wall_ms(),
        desk.clock.deadline_ms(),
    )
    return ResolvedLook(
        stamped,
        (found.partition,),
        _checks_of(operation, place),
        Guard(place.account, found.policy),
        wait_s=request.wait_s,
    )


def _commit(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.CommitConsumerGroup, found: LogName
) -> Resolved:
    stamped = StampedCommit(
        place.name, found.partition, request.group, request.member, request.cursors, desk.clock.deadline_ms()
    )
    return _resolved(operation, place, found, stamped, grows=False)


def _leave(
    _desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.LeaveConsumerGroup, found: LogName
) -> Resolved:
    stamped = StampedLeave(place.name, found.partition, request.group, request.member)
    return _resolved(operation, place, found, stamped, grows=False)


def _seek(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.SeekConsumerGroup, found: LogName
) -> Resolved:
    stamped = StampedSeek(place.name, found.partition, request.group, request.start, desk.clock.wall_ms())
    return _resolved(operation, place, found, stamped)


def _delete_group(
    _desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.DeleteConsumerGroup, found: LogName
) -> Resolved:
    stamped = StampedGroup(place.name, found.partition, request.group)
    return _resolved(operation, place, found, stamped, grows=False)


def _groups(
    desk: LogDesk, operation: Operation, place: LogPlace, request: log_model.ListConsumerGroups, found: LogName
) -> Resolved:
    last = page_tokens.opened(desk.sealer, listing_of_groups(found.partition), request.page_token)
    limit = request.page_size or log_model.GROUPS_MAX
    stamped = StampedGroups(place.name, found.partition, last, limit, desk.clock.deadline_ms())
    return _resolved(operation, place, found, stamped)


def _list(desk: LogDesk, ctx: CallContext, operation: Operation, request: log_model.ListLogs) -> Resolved:
    account, region = parent_of(request.parent, ctx)
    if len(request.prefix) > log_model.LOG_NAME_CHARACTERS_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="prefix",
            value=f"of {len(request.prefix)} characters",
            allowed=f"at most {log_model.LOG_NAME_CHARACTERS_MAX} characters",
        )
    check_range("page_size", request.page_size, 0, log_model.LOGS_PAGE_MAX)
    limit = request.page_size or log_model.LOGS_PAGE_MAX
    last = page_tokens.opened(desk.sealer, listing_of_logs(account, region, request), request.page_token)
    return Resolved(
        StampedListLogs(account, region, request.prefix, last, limit),
        (ROOT,),
        _checks_of(operation, LogPlace(account, region, "")),
        Guard(account),
    )


def _resolved(
    operation: Operation,
    place: LogPlace,
    found: LogName,
    stamped: Any,
    partitions: tuple[bytes, ...] = (),
    *,
    grows: bool = True,
) -> Resolved:
    """Return a request on a log that is there; without `partitions` it is about the log's own alone."""
    return Resolved(
        stamped,
        partitions or (found.partition,),
        _checks_of(operation, place),
        Guard(place.account, found.policy),
        grows=grows,
    )


def _checks_of(operation: Operation, place: LogPlace) -> Checks:
    assert operation.checks is not None
    return operation.checks(place)


def _check_read(request: log_model.ReadRecords) -> None:
    log_attributes.check_start(request.start)
    check_range("max_records", request.max_records, 1, log_model.READ_RECORDS_MAX)
    check_range("wait_s", request.wait_s, 0, log_model.READ_WAIT_S_MAX)
    if request.lane is not None:
        check_range("lane", request.lane, 0, log_model.LANES_MAX - 1)


def _check_append(request: log_model.AppendRecords) -> None:
    log_attributes.check_entries(request.entries)
    if request.expected_position is not None:
        check_range("expected_position", request.expected_position, 0, log_model.POSITION_MAX)


def _check_consume(request: log_model.ConsumeRecords) -> None:
    log_attributes.check_group(request.group)
    log_attributes.check_member(request.member)
    log_attributes.check_cursors("cursors", request.cursors)
    log_attributes.check_cursors("released", request.released)
    log_attributes.check_start(request.start)
    check_range("max_records", request.max_records, 1, log_model.READ_RECORDS_MAX)
    check_range("wait_s", request.wait_s, 0, log_model.READ_WAIT_S_MAX)
    check_range("lease_s", request.lease_s, log_model.LEASE_S_MIN, log_model.LEASE_S_MAX)


def _check_commit(request: log_model.CommitConsumerGroup) -> None:
    log_attributes.check_group(request.group)
    log_attributes.check_member(request.member)
    log_attributes.check_cursors("cursors", request.cursors)


def _check_leave(request: log_model.LeaveConsumerGroup) -> None:
    log_attributes.check_group(request.group)
    log_attributes.check_member(request.member)


def _check_seek(request: log_model.SeekConsumerGroup) -> None:
    log_attributes.check_group(request.group)
    log_attributes.check_start(request.start)


_CHECKS: Mapping[type, Callable[[Any], None]] = {
    log_model.AppendRecords: _check_append,
    log_model.ReadRecords: _check_read,
    log_model.ConsumeRecords: _check_consume,
    log_model.CommitConsumerGroup: _check_commit,
    log_model.LeaveConsumerGroup: _check_leave,
    log_model.SeekConsumerGroup: _check_seek,
    log_model.DeleteConsumerGroup: lambda it: log_attributes.check_group(it.group),
    log_model.ListConsumerGroups: lambda it: check_range("page_size", it.page_size, 0, log_model.GROUPS_MAX),
}
"""What is wrong with a request whatever the log is."""

_RESOLVERS: Mapping[type, Callable[[LogDesk, Operation, LogPlace, Any, LogName], Resolved]] = {
    log_model.GetLog: _get,
    log_model.UpdateLog: _update,
    log_model.DeleteLog: _delete,
    log_model.AppendRecords: _append,
    log_model.ReadRecords: _read,
    log_model.ConsumeRecords: _consume,
    log_model.CommitConsumerGroup: _commit,
    log_model.LeaveConsumerGroup: _leave,
    log_model.SeekConsumerGroup: _seek,
    log_model.DeleteConsumerGroup: _delete_group,
    log_model.ListConsumerGroups: _groups,
}


def listing_of_logs(account: str, region: str, request: log_model.ListLogs) -> bytes:
    """Return what a page token of a list of logs is bound to."""
    return page_tokens.listing("logs", account, region, request.prefix)


def listing_of_groups(partition: bytes) -> bytes:
    """Return what a page token of a list of consumer groups is bound to."""
    return page_tokens.listing("groups", partition.hex())
