"""How calls about short messages to telephone numbers are resolved: they are the caller's account's, of no topic."""

from collections.abc import Mapping
from typing import Any

from cumulo.core.context import CallContext
from cumulo.core.operations import Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import short_messages
from cumulo.queue_service.short_messages import StampedSettings
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topic_resolving import TopicDesk, TopicResolver, checks_of
from cumulo.storage.engine import ROOT


def _resolved(ctx: CallContext, operation: Operation, request: Any) -> Resolved:
    account = ctx.principal.account
    return Resolved(request, (ROOT,), checks_of(operation, TopicPlace(account, ctx.region, "")), Guard(account))


async def _send(
    _desk: TopicDesk, ctx: CallContext, operation: Operation, request: short_messages.SendShortMessage
) -> Resolved:
    short_messages.check_message(request)
    return _resolved(ctx, operation, request)


async def _set(
    _desk: TopicDesk, ctx: CallContext, operation: Operation, request: short_messages.SetSmsAttributes
) -> Resolved:
    short_messages.check_settings(request.attributes)
    return _resolved(ctx, operation, StampedSettings(ctx.principal.account, ctx.region, written=request.attributes))


async def _get(
    _desk: TopicDesk, ctx: CallContext, operation: Operation, request: short_messages.GetSmsAttributes
) -> Resolved:
    return _resolved(ctx, operation, StampedSettings(ctx.principal.account, ctx.region, names=request.names))


async def _of_number(
    _desk: TopicDesk,
    ctx: CallContext,
    operation: Operation,
    request: short_messages.CheckPhoneNumber | short_messages.OptInPhoneNumber,
) -> Resolved:
    short_messages.check_number(request.phone_number)
    return _resolved(ctx, operation, request)


async def _list(
    _desk: TopicDesk, ctx: CallContext, operation: Operation, request: short_messages.ListOptedOutPhoneNumbers
) -> Resolved:
    return _resolved(ctx, operation, request)


RESOLVERS: Mapping[str, TopicResolver] = {
    "SendShortMessage": _send,
    "SetSmsAttributes": _set,
    "GetSmsAttributes": _get,
    "CheckPhoneNumber": _of_number,
    "OptInPhoneNumber": _of_number,
    "ListOptedOutPhoneNumbers": _list,
}
