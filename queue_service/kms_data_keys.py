"""Data keys of the key service, as queues and topics under a key of KMS use them: made, opened, remembered for a while.

Each is asked for in its caller's name, with the ARN of queue or topic as encryption context, and serves that caller
alone, there, for its reuse period: so long a key that is disabled meanwhile acts, as in SQS and SNS. Who makes one must
be able to open it, too: both try that before they use one. What the key service refuses is said in their words.

Owns what is remembered, in memory alone; a plain key appears in no `repr`, log or error. Knows no message. Sources: SQS
developer guide, "Encryption at rest in Amazon SQS" and "Amazon SQS Key management"; SNS developer guide, "Managing
Amazon SNS encryption keys and costs".
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ErrorRow, ServiceError
from cumulo.core.names import parse_arn
from cumulo.core.ports import KeyService
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service.errors import KEY_SERVICE_ERRORS, KEY_SERVICE_ERRORS_OF_TOPICS
from cumulo.queue_service.keys import Envelope
from cumulo.storage.storage_keys import KeyUnreadable

KEYS_REMEMBERED_MAX: Final = 4_096
"""Data keys that are remembered, of some 500 bytes; one that fell out costs a question to the key service."""
_SOURCE: Final = "aws:SourceArn"


class KmsDataKey(msgspec.Struct, frozen=True):
    """A data key at hand; `made_ms` is the deadline clock's time at which the key service was asked."""

    plaintext: bytes
    envelope: Envelope
    made_ms: int

    def __repr__(self) -> str:
        return f"KmsDataKey({self.envelope.context_arn})"

    def serves(self, reuse_s: int, now_ms: int) -> bool:
        """Say whether it may be used still."""
        return now_ms - self.made_ms < reuse_s * 1000


class Dialect(msgspec.Struct, frozen=True):
    """What is another of queues than of topics: the name of the encryption context, and the errors, by the key
    service's codes.
    """

    context_key: str
    errors: Mapping[str, ErrorRow]


OF_QUEUES: Final = Dialect("aws:sqs:arn", KEY_SERVICE_ERRORS)
OF_TOPICS: Final = Dialect("aws:sns:topicArn", KEY_SERVICE_ERRORS_OF_TOPICS)
_REFUSALS: Final = (*KEY_SERVICE_ERRORS.values(), *KEY_SERVICE_ERRORS_OF_TOPICS.values())


class KmsDataKeys:
    """Asks the key service, and remembers what it answered."""

    def __init__(self, key_service: KeyService, dialect: Dialect) -> None:
        self._key_service = key_service
        self._dialect = dialect
        self._current: dict[tuple[str, str, str, str], KmsDataKey] = {}
        self._opened: dict[tuple[str, str, bytes], KmsDataKey] = {}
        self._readers: dict[tuple[str, str, str], KmsDataKey] = {}
        self._asked: dict[tuple[object, ...], asyncio.Task[KmsDataKey]] = {}

    async def current(self, ctx: CallContext, resource_arn: str, key_id: str, reuse_s: int, now_ms: int) -> KmsDataKey:
        """Return the data key under which a caller's messages to a queue or topic are sealed now.

        `key_id` is what the owner wrote: ids and aliases are of the resource's own account and region. Raises what
        forbids the key's use, as the dialect says it.
        """
        name = (*_asker(ctx), resource_arn, key_id)
        known = self._current.get(name)
        if known is not None and known.serves(reuse_s, now_ms):
            return known
        made = await self._once(name, self._made(ctx, resource_arn, key_id, now_ms))
        _remember(self._current, name, made)
        _remember(self._opened, (*_asker(ctx), made.envelope.wrapped), made)
        _remember(self._readers, (*_asker(ctx), resource_arn), made)
        return made

    async def opened(self, ctx: CallContext, envelope: Envelope, reuse_s: int, now_ms: int) -> bytes:
        """Return the plain data key of an envelope; raises what forbids it, and `KeyUnreadable` where it is not
        what was wrapped.
        """
        name = (*_asker(ctx), envelope.wrapped)
        known = self._opened.get(name)
        if known is None or not known.serves(reuse_s, now_ms) or known.envelope != envelope:
            known = await self._once((*name, envelope.context_arn), self._unwrapped(ctx, envelope, now_ms))
            _remember(self._opened, name, known)
            _remember(self._readers, (*_asker(ctx), envelope.context_arn), known)
        return known.plaintext

    def has_opened(self, ctx: CallContext, resource_arn: str, reuse_s: int, now_ms: int) -> bool:
        """Say whether a caller has opened a data key of a queue of late."""
        known = self._readers.get((*_asker(ctx), resource_arn))
        return known is not None and known.serves(reuse_s, now_ms)

    async def _once(self, name: tuple[object, ...], asking: Coroutine[Any, Any, KmsDataKey]) -> KmsDataKey:
        """Ask once for all who want the same at the same time."""
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.ensure_future(asking)
            task.add_done_callback(lambda done: self._answered(name, done))
        else:
            asking.close()
        return await asyncio.shield(task)

    def _answered(self, name: tuple[object, ...], done: "asyncio.Task[KmsDataKey]") -> None:
        del self._asked[name]
        if not done.cancelled():
            done.exception()  # who waits for it is told, if he is there still

    def _worded(self, error: ServiceError) -> ServiceError:
        row = self._dialect.errors.get(error.row.code)
        return error if row is None else row.error(reason=error.message)

    async def _made(self, ctx: CallContext, resource_arn: str, key_id: str, now_ms: int) -> KmsDataKey:
        try:
            context = {self._dialect.context_key: resource_arn}
            made = await self._key_service.generate_data_key(ctx, _qualified(key_id, resource_arn), context)
            plaintext = await self._key_service.open_data_key(ctx, made.wrapped, context)
        except ServiceError as error:
            raise self._worded(error) from error
        assert plaintext == made.plaintext
        return KmsDataKey(plaintext, Envelope(wrapped=made.wrapped, context_arn=resource_arn), now_ms)

    async def _unwrapped(self, ctx: CallContext, envelope: Envelope, now_ms: int) -> KmsDataKey:
        # The key is named by what is opened: the queue's region counts, wherever the message lies now.
        arn = parse_arn(envelope.context_arn)
        if arn is not None and arn.region != ctx.region:
            ctx = msgspec.structs.replace(ctx, region=arn.region)
        try:
            context = {self._dialect.context_key: envelope.context_arn}
            plaintext = await self._key_service.open_data_key(ctx, envelope.wrapped, context)
        except ServiceError as error:
            if error.row.code == "InvalidCiphertextException":
                raise KeyUnreadable("the key that the key service wrapped was altered") from error
            raise self._worded(error) from error
        return KmsDataKey(plaintext, envelope, now_ms)


def is_refusal_of_key(error: ServiceError) -> bool:
    """Say whether the key service refuses a key, and will again until somebody changes the key or its policy."""
    return error.row in _REFUSALS and not error.row.retryable


def service_context(source_arn: str, account: str, region: str) -> CallContext:
    """Return the context of a question that the service of `source_arn` asks, such as `sns.amazonaws.com` of a topic:
    `account` owns the source, `region` is that of the key.
    """
    source = parse_arn(source_arn)
    name = f"{source.service}.amazonaws.com" if source is not None else ""
    return CallContext(
        principal=Principal(kind=PrincipalKind.SERVICE, name=name, arn=name),
        request_id="",
        region=region,
        condition_keys={_SOURCE: source_arn, "aws:SourceAccount": account},
    )


def _asker(ctx: CallContext) -> tuple[str, str]:
    """Return for whom a data key is remembered: a service has one for each source that it speaks for."""
    if getattr(ctx.principal, "kind", None) is PrincipalKind.SERVICE:
        return ctx.principal.arn, str(ctx.condition_keys[_SOURCE])
    return ctx.principal.arn, ""


def _qualified(key_id: str, resource_arn: str) -> str:
    """Return a key's ARN for what the owner of a queue or topic wrote."""
    if key_id.startswith("arn:"):
        return key_id
    _, partition, _, region, account, _ = resource_arn.split(":", 5)
    kind = "" if key_id.startswith("alias/") else "key/"
    return f"arn:{partition}:kms:{region}:{account}:{kind}{key_id}"


def _remember(kept: dict[Any, KmsDataKey], name: object, made: KmsDataKey) -> None:
    kept.pop(name, None)
    kept[name] = made
    if len(kept) > KEYS_REMEMBERED_MAX:
        del kept[next(iter(kept))]
