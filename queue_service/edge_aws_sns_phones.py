"""The AWS edge of short messages to telephone numbers: SNS's shapes <-> `short_messages`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from cumulo.core.lazy import LazyModule
from cumulo.gateway.aws_service import AwsCall
from cumulo.queue_service import short_messages
from cumulo.queue_service.edge_aws_sns_messages import entry_of
from cumulo.queue_service.topic_attributes import wrong

aws_sns: Any = LazyModule("cumulo.queue_service.aws_sns")
Do = Callable[[AwsCall, Any], Awaitable[Any]]
"""Runs an operation of the service for a call."""


async def publish(do: Do, call: AwsCall) -> Any:
    """Publish to a telephone number."""
    it = call.request
    if it.TopicArn is not None or it.TargetArn is not None:
        raise wrong("PhoneNumber Reason: neither TopicArn nor TargetArn may stand beside it")
    entry = entry_of(it, "")
    text = entry.by_protocol.get(short_messages.SMS, entry.body)
    message_id = await do(call, short_messages.SendShortMessage(phone_number=it.PhoneNumber, text=text))
    return aws_sns.PublishResponse(MessageId=message_id)


async def _set(do: Do, call: AwsCall) -> Any:
    await do(call, short_messages.SetSmsAttributes(attributes=call.request.attributes))
    return aws_sns.SetSMSAttributesResponse()


async def _get(do: Do, call: AwsCall) -> Any:
    names = tuple(call.request.attributes or ())
    return aws_sns.GetSMSAttributesResponse(attributes=await do(call, short_messages.GetSmsAttributes(names=names)))


async def _check(do: Do, call: AwsCall) -> Any:
    asked = short_messages.CheckPhoneNumber(phone_number=call.request.phoneNumber)
    return aws_sns.CheckIfPhoneNumberIsOptedOutResponse(isOptedOut=await do(call, asked))


async def _list(do: Do, call: AwsCall) -> Any:
    numbers = await do(call, short_messages.ListOptedOutPhoneNumbers())
    return aws_sns.ListPhoneNumbersOptedOutResponse(phoneNumbers=list(numbers))


async def _opt_in(do: Do, call: AwsCall) -> Any:
    await do(call, short_messages.OptInPhoneNumber(phone_number=call.request.phoneNumber))
    return aws_sns.OptInPhoneNumberResponse()


HANDLERS: Final[Mapping[str, Callable[[Do, AwsCall], Awaitable[Any]]]] = {
    "SetSMSAttributes": _set,
    "GetSMSAttributes": _get,
    "CheckIfPhoneNumberIsOptedOut": _check,
    "ListPhoneNumbersOptedOut": _list,
    "OptInPhoneNumber": _opt_in,
}
