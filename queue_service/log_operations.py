"""The operation table of logs, on one page beside the queues' (`operations`).

`checks` takes the place that the request means (`log_attributes.LogPlace`): every permission is about the log, those of
its consumer groups, too. Actions bear the prefix of SQS, so that a policy which allows all of `sqs:` allows logs; their
resources are `arn:aws:sqs:{region}:{account}:log/{log}`. The streams of the gRPC edge are made of these operations.
"""

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from cumulo.core.context import CallContext
from cumulo.core.operations import Check, Checks, Kind, Operation, OperationTable, Result
from cumulo.queue_service import log_model as model
from cumulo.queue_service.log_attributes import LogPlace
from cumulo.queue_service.log_groups import commit, delete_group, leave, list_groups, seek
from cumulo.queue_service.log_records import append_records
from cumulo.queue_service.logs import LogNamed, create_log, delete_log, get_log, list_logs, update_log
from cumulo.queue_service.operations import CONTROL_WINDOW_MS, DATA_WINDOW_MS

LOG_OWNERS_ALONE = frozenset(("CreateLog", "UpdateLog", "DeleteLog", "ListLogs"))
"""What a log's policy cannot allow to another account, as with queues."""


class LogReader(Protocol):
    """The part of the service that waits."""

    async def read(self, ctx: CallContext, resolved: Any) -> model.RecordPage:
        """Read records, parked until there are some."""
        ...

    async def consume(self, ctx: CallContext, resolved: Any) -> model.Consumed:
        """Read as a member of a group, parked until there are records, or the lanes change."""
        ...


async def _read(service: LogReader, ctx: CallContext, resolved: Any, _: AsyncIterator[memoryview] | None) -> Result:
    return Result(await service.read(ctx, resolved))


async def _consume(service: LogReader, ctx: CallContext, resolved: Any, _: AsyncIterator[memoryview] | None) -> Result:
    return Result(await service.consume(ctx, resolved))


def _on_log(action: str) -> Callable[[LogPlace], Checks]:
    @functools.lru_cache(maxsize=1024)
    def checks(place: LogPlace) -> Checks:
        return (Check(action, place.arn),)

    return checks


def _row(
    name: str,
    kind: Kind,
    request: type,
    handler: Callable[..., Any],
    summary: str,
    result: Any = None,
    window_ms: int = 0,
    action: str = "",
) -> Operation:
    action = f"sqs:{action or name}"
    return Operation(
        name=name,
        kind=kind,
        request=request,
        permissions=(action,),
        checks=(lambda _place: (Check(action, "*"),)) if request is model.ListLogs else _on_log(action),
        handler=handler,
        result=result,
        idempotency_window_ms=window_ms,
        summary=summary,
    )


LOG_TABLE = OperationTable(
    "queue_service, logs",
    (
        _row(
            "CreateLog",
            Kind.WRITE,
            model.CreateLog,
            create_log,
            "Makes a log, or finds the one with the same attributes.",
            LogNamed,
            CONTROL_WINDOW_MS,
        ),
        _row("GetLog", Kind.READ, model.GetLog, get_log, "Answers a log with its attributes and its ends."),
        _row("ListLogs", Kind.READ, model.ListLogs, list_logs, "Lists the logs of an account and region by name."),
        _row(
            "UpdateLog",
            Kind.WRITE,
            model.UpdateLog,
            update_log,
            "Changes attributes of a log.",
            LogNamed,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "DeleteLog",
            Kind.WRITE,
            model.DeleteLog,
            delete_log,
            "Deletes a log, its records and its consumer groups.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "AppendRecords",
            Kind.WRITE,
            model.AppendRecords,
            append_records,
            "Appends up to 100 records in one transaction.",
            model.Appended,
            DATA_WINDOW_MS,
        ),
        _row(
            "ReadRecords",
            Kind.WAIT,
            model.ReadRecords,
            _read,
            "Reads records from a position, a time or the end, and waits for the first.",
        ),
        _row(
            "ConsumeRecords",
            Kind.WAIT,
            model.ConsumeRecords,
            _consume,
            "Reads on as a member of a consumer group, and waits for records or lanes.",
        ),
        _row(
            "CommitConsumerGroup",
            Kind.WRITE,
            model.CommitConsumerGroup,
            commit,
            "Notes how far a member has come in its lanes.",
            window_ms=DATA_WINDOW_MS,
            action="ConsumeRecords",
        ),
        _row(
            "LeaveConsumerGroup",
            Kind.WRITE,
            model.LeaveConsumerGroup,
            leave,
            "Ends a membership of a consumer group.",
            window_ms=DATA_WINDOW_MS,
            action="ConsumeRecords",
        ),
        _row(
            "ListConsumerGroups",
            Kind.READ,
            model.ListConsumerGroups,
            list_groups,
            "Lists the consumer groups of a log with their positions and lag.",
        ),
        _row(
            "SeekConsumerGroup",
            Kind.WRITE,
            model.SeekConsumerGroup,
            seek,
            "Sets where a consumer group goes on, forwards or back.",
            window_ms=CONTROL_WINDOW_MS,
        ),
        _row(
            "DeleteConsumerGroup",
            Kind.WRITE,
            model.DeleteConsumerGroup,
            delete_group,
            "Forgets a consumer group.",
            window_ms=CONTROL_WINDOW_MS,
        ),
    ),
)
"""Every operation of logs."""
