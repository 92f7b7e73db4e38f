"""Deliveries to endpoints: empties the queues of the subscriptions that are not of SQS.

A due entry says that messages lie in a queue; it is put off, not removed, while the queue waits for its visit
(`Lines`) or has it: so what a crash interrupts is begun again when the entry is due. A visit takes some messages under
a lease, hands each to the carrier of its protocol, and deletes what was taken. What was not is hidden until its next
attempt: the queue's own receive count is the attempt, its visibility timeout the delay. After the last attempt, and
where another is of no use, a message goes to the subscription's dead-letter queue, or is dropped and counted.

Promises: at least once; a message is deleted after it was taken, or with its arrival in the dead-letter queue. Idle
subscriptions have no task and no timer. Does not know how a carrier reaches anybody.
"""

import asyncio
import contextlib
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.ids import Randomness
from cumulo.core.tokens import TokenSealer
from cumulo.queue_service import kinds, publishing
from cumulo.queue_service.delivery_lines import Lines, Visit
from cumulo.queue_service.delivery_policies import RetryPolicy
from cumulo.queue_service.entrances import DELIVER
from cumulo.queue_service.leases import StampedChange, StampedDelete
from cumulo.queue_service.message_model import MessageAttributes
from cumulo.queue_service.messages import Demand, LeasedMessage, StampedReceive
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.receipts import TOKEN_BYTES, Receipt
from cumulo.queue_service.resolve_subscriptions import confirmation_token
from cumulo.queue_service.sealed_notices import WAIT_MS, NotOpened, opened
from cumulo.queue_service.topic_envelopes import CONFIRMATION, NOTIFICATION, Notice, Signer, StoredNotice
from cumulo.queue_service.topic_keys import (
    JOB_TEMPLATE,
    SubscriptionRow,
    TopicMeta,
    decode_subscription,
    owner_in,
    subscription_key,
)
from cumulo.queue_service.topic_model import SubscriptionPlace, TopicPlace
from cumulo.queue_service.topics import meta_of
from cumulo.storage import failpoints
from cumulo.storage.engine import Due, Engine, ReadTxn, Txn

AT_ONCE: Final = 8
"""Messages that one visit takes and hands over at the same time."""
LEASE_S: Final = 30
"""Longer than a carrier takes."""
HOLD_MS: Final = 30_000
"""For how long a due entry is put off while its queue waits or is visited: after a crash delivery goes on then."""
DRAIN_S: Final = 3
"""How long a server that ends waits for endpoints that do not answer."""
FLIGHT_MAX: Final = 1 << 40
"""None: messages that wait for their next attempt are in flight, and hold up no others."""
REMEMBERED_MAX: Final = 10_000
"""Queues of which is known how many attempts this second has had; messages whose signature is kept."""
NOTICES_MAX: Final = 256
_log = logging.getLogger("cumulo.topics")


class Parcel(msgspec.Struct, frozen=True):
    """What a carrier brings to an endpoint. `body` is the whole document, or the message alone where it is `raw`;
    `text`, `subject` and `attributes` are the message's, `display_name` is the topic's. `link` confirms or ends the
    subscription. Of one whose messages become jobs there are the template, and in whose name they do.
    """

    kind: str
    protocol: str
    endpoint: str
    message_id: str
    topic_arn: str
    subscription_arn: str
    body: str
    text: str
    subject: str
    link: str
    raw: bool
    content_type: str
    display_name: str
    published_ms: int
    attributes: MessageAttributes = ()
    job_template: str = ""
    on_behalf_of: bytes = b""


class NotTaken(Exception):
    """An endpoint did not take a message; `again` says whether another attempt may fare better."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


class Carrier(Protocol):
    """Brings parcels to the endpoints of a protocol."""

    def line(self, endpoint: str) -> str:
        """Return the line in which an endpoint stands: those that are slow together share one."""
        ...

    def policy(self, topic: Mapping[str, str], subscription: Mapping[str, str]) -> RetryPolicy:
        """Return how deliveries are retried, by the attributes of topic and subscription."""
        ...

    async def refusal(self, endpoint: str) -> str:
        """Return why nothing is ever brought to an endpoint, an empty text where it is."""
        ...

    async def carry(self, parcel: Parcel) -> None:
        """Bring a parcel; it was taken when this returns. Raises `NotTaken`."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


class Target(msgspec.Struct, frozen=True):
    """The subscription that a queue belongs to, and its topic."""

    meta: TopicMeta
    partition: bytes
    number: int
    row: SubscriptionRow

    @property
    def place(self) -> SubscriptionPlace:
        """Where the subscription stands."""
        return SubscriptionPlace(TopicPlace(self.meta.account, self.meta.region, self.meta.name), self.row.id)


# Transaction functions


class StampedHold(msgspec.Struct, frozen=True):
    """Due entries to put off."""

    entries: tuple[Due, ...]
    until_ms: int


class StampedRest(msgspec.Struct, frozen=True):
    """The end of a visit, after which some messages are deleted and some hidden for a while. The due entry stands at
    `held_ms`; no attempt before `not_before_ms`.
    """

    queue: bytes
    owner: bytes
    held_ms: int
    not_before_ms: int
    now_ms: int
    conclusion: "Conclusion | None" = None


class Conclusion(msgspec.Struct, frozen=True):
    """What became of the messages of a visit, but for those that went to a dead-letter queue."""

    delete: StampedDelete
    hide: StampedChange


class StampedBurial(msgspec.Struct, frozen=True):
    """A message that goes to a dead-letter queue."""

    queue: bytes
    delete: StampedDelete
    delivery: QueueDelivery


def hold(txn: Txn, request: StampedHold) -> tuple[str, ...]:
    """Put due entries off; return for each the protocol and endpoint of its subscription, set apart by a space, or an
    empty text where it has ended, or somebody has the entry already.
    """
    found = []
    for entry in request.entries:
        target = target_of(txn, entry.payload)
        if not txn.undue(entry.at_ms, entry.kind, entry.key) or target is None:
            found.append("")
            continue
        txn.due(request.until_ms, entry.kind, entry.key, entry.payload)
        found.append(f"{target.row.protocol} {target.row.endpoint}")
    return tuple(found)


def target_of(txn: ReadTxn, owner: bytes) -> Target | None:
    """Return the subscription of `topic_keys.owner_of`, None where it or its topic has ended; a read function."""
    partition, number = owner_in(owner)
    raw, meta = txn.get(subscription_key(partition, number)), meta_of(txn, partition)
    return None if raw is None or meta is None else Target(meta, partition, number, decode_subscription(raw))


def bury(txn: Txn, request: StampedBurial) -> bool:
    """Move a message to a dead-letter queue, unless somebody else has it by now; False where it is too large there."""
    if find_queue(txn, request.queue) is None or kinds.delete_messages(txn, request.delete).refused:
        return True
    return not publishing.deliver(txn, (request.delivery,))


def rest(txn: Txn, request: StampedRest) -> bool:
    """Note what became of the messages of a visit and end it, and say so; False where there are more to take now. The
    due entry is put off to when there will be something to do. Where the subscription has ended there is nothing left.
    """
    if request.conclusion is not None and find_queue(txn, request.queue) is not None:
        if request.conclusion.delete.receipts:
            kinds.delete_messages(txn, request.conclusion.delete)
        if request.conclusion.hide.receipts:
            kinds.change_visibilities(txn, request.conclusion.hide)
    queue = find_queue(txn, request.queue)
    at_ms = 0
    if queue is not None and queue.ready:
        at_ms = request.not_before_ms
        if at_ms <= request.now_ms:
            return False
    elif queue is not None and queue.wake_ms:
        at_ms = max(queue.wake_ms, request.not_before_ms, request.now_ms + 1)
    txn.undue(request.held_ms, DELIVER, request.queue)
    if at_ms:
        txn.due(at_ms, DELIVER, request.queue, request.owner)
    return True


# The deliverer


class _Waiting:
    """A queue that waits for a visit or has one. `again`: there was news since the visit began."""

    __slots__ = ("again", "held_ms", "owner")

    def __init__(self, owner: bytes, held_ms: int) -> None:
        self.owner = owner
        self.held_ms = held_ms
        self.again = False


DeadLetterRoute = Callable[[Target, Notice, StoredNotice], Awaitable[QueueDelivery | None]]
"""Returns how a message reaches its subscription's dead-letter queue, None where it has none that takes it."""


class EndpointDelivery:
    """Delivers to the endpoints of the protocols in `carriers`.

    `base_url` says where clients reach this server; `dead_letter` finds dead-letter queues; `seals` open what
    is sealed.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        signer: Signer,
        carriers: Mapping[str, Carrier],
        base_url: Callable[[], str],
        dead_letter: DeadLetterRoute,
        seals: NoticeSeals | None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._randomness = randomness
        self._sealer = sealer
        self._signer = signer
        self._carriers = carriers
        self._base_url = base_url
        self._dead_letter = dead_letter
        self._seals = seals
        self._lines = Lines()
        self._waiting: dict[bytes, _Waiting] = {}
        self._visits: set[asyncio.Task[None]] = set()
        self._seconds: OrderedDict[bytes, tuple[int, int]] = OrderedDict()
        self._notices: OrderedDict[tuple[bytes, str], Notice] = OrderedDict()
        self._is_closed = False
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """How often an attempt came out as what, by protocol: delivered, failed, dead_lettered, dropped."""

    async def carry_text(self, protocol: str, endpoint: str, text: str, message_id: str, published_ms: int) -> None:
        """Bring a text that is no topic's to an endpoint, once and at once; raises `NotTaken`."""
        parcel = Parcel(
            kind=NOTIFICATION,
            protocol=protocol,
            endpoint=endpoint,
            message_id=message_id,
            topic_arn="",
            subscription_arn="",
            body=text,
            text=text,
            subject="",
            link="",
            raw=False,
            content_type="",
            display_name="",
            published_ms=published_ms,
        )
        await self._carriers[protocol].carry(parcel)

    async def refusal(self, protocol: str, endpoint: str) -> str:
        """Return why nothing is ever delivered to an endpoint, an empty text where it is."""
        return "" if protocol not in self._carriers else await self._carriers[protocol].refusal(endpoint)

    async def on_due(self, entries: list[Due]) -> None:
        """Let the queues of some due entries be visited: the deed of `topic.deliver`."""
        partitions = dict.fromkeys(
            partition for entry in entries for partition in (entry.key, owner_in(entry.payload)[0])
        )
        until_ms = self._clock.deadline_ms() + HOLD_MS
        stamped = StampedHold(tuple(entries), until_ms)
        found: tuple[str, ...] = await self._engine.transact(tuple(partitions), hold, stamped, grows=False)
        for entry, where in zip(entries, found, strict=True):
            known = self._waiting.get(entry.key)
            if where and known is not None:
                known.held_ms = until_ms
                known.again = True
            elif where and where.partition(" ")[0] in self._carriers and not self._is_closed:
                self._waiting[entry.key] = _Waiting(entry.payload, until_ms)
                self._lines.add(self._line(*where.split(" ", 1)), entry.key)
        self._visit_some()

    async def settle(self) -> None:
        """Wait until no visit is under way and none is due."""
        while self._visits:
            await asyncio.wait(tuple(self._visits))

    def close(self) -> None:
        """Begin no visits from now on."""
        self._is_closed = True

    async def drain(self) -> None:
        """Close, end the visits that are under way, and release the carriers. What takes longer is broken off: its
        messages come again.
        """
        self.close()
        await finished(self._visits)
        for carrier in {id(it): it for it in self._carriers.values()}.values():
            await carrier.close()

    def _line(self, protocol: str, endpoint: str) -> str:
        return self._carriers[protocol].line(endpoint)

    def _visit_some(self) -> None:
        while not self._is_closed and (visit := self._lines.take()) is not None:
            task = asyncio.create_task(self._visit(visit, self._waiting[visit.queue]), name="delivery to an endpoint")
            self._visits.add(task)
            task.add_done_callback(self._visits.discard)

    async def _visit(self, visit: Visit, waiting: _Waiting) -> None:
        """Visit a queue once; if there is more to do, it goes to the end of its line."""
        waiting.again = False
        is_over = True
        try:
            is_over = await self._visit_once(visit, waiting)
        except Exception as error:  # noqa: BLE001 - its due entry is there still: it will be tried again
            _log.warning("a delivery failed, will be tried again", extra={"reason": str(error)}, exc_info=error)
        finally:
            self._lines.end(visit)
            if is_over and not waiting.again:
                del self._waiting[visit.queue]
            else:
                self._lines.add(visit.line, visit.queue)
            self._visit_some()

    async def _visit_once(self, visit: Visit, waiting: _Waiting) -> bool:
        queue, now_ms = visit.queue, self._clock.deadline_ms()
        target = await self._engine.read((waiting.owner[:8],), target_of, waiting.owner)
        not_before_ms, conclusion = 0, None
        if target is not None:
            carrier = self._carriers[target.row.protocol]
            policy = carrier.policy(target.meta.attributes, target.row.attributes)
            count, not_before_ms = self._allowance(queue, policy, now_ms)
            if count:
                conclusion = await self._deliver_some(
                    visit, target, carrier, policy, 1 if self._lines.is_ailing(visit.line) else count
                )
        if self._is_closed:
            not_before_ms = max(not_before_ms, now_ms + 1)
        stamped = StampedRest(
            queue, waiting.owner, waiting.held_ms, not_before_ms, self._clock.deadline_ms(), conclusion
        )
        is_over: bool = await self._engine.transact((queue,), rest, stamped, grows=False)
        return is_over

    def _allowance(self, queue: bytes, policy: RetryPolicy, now_ms: int) -> tuple[int, int]:
        """Return how many attempts this second allows a queue still, and when the next may be made where none."""
        if not policy.max_per_s:
            return AT_ONCE, 0
        second, used = self._seconds.get(queue, (0, 0))
        left = policy.max_per_s - (used if second == now_ms // 1000 else 0)
        return min(left, AT_ONCE), 0 if left > AT_ONCE else (now_ms // 1000 + 1) * 1000

    def _use(self, queue: bytes, count: int, now_ms: int) -> None:
        second, used = self._seconds.pop(queue, (0, 0))
        self._seconds[queue] = (now_ms // 1000, count + (used if second == now_ms // 1000 else 0))
        if len(self._seconds) > REMEMBERED_MAX:
            self._seconds.popitem(last=False)

    async def _deliver_some(
        self, visit: Visit, target: Target, carrier: Carrier, policy: RetryPolicy, count: int
    ) -> Conclusion | None:
        queue, now_ms = visit.queue, self._clock.deadline_ms()
        token = self._randomness.token_bytes(TOKEN_BYTES)
        demand = Demand(count, LEASE_S, token)
        stamped = StampedReceive(target.meta.name, queue, (demand,), b"", now_ms, in_flight_max=FLIGHT_MAX)
        received = await self._engine.transact((queue,), _receive, stamped)
        if received is None:
            return None
        messages = received.taken[0]
        if policy.max_per_s:
            self._use(queue, len(messages), now_ms)
        if failpoints.armed:
            failpoints.hit("topic.before_carrying")
        fates = await asyncio.gather(*(self._attempt(visit, target, carrier, policy, it) for it in messages))
        if failpoints.armed:
            failpoints.hit("topic.after_carrying")
        done, hidden, delays_s = [], [], []
        for message, fate in zip(messages, fates, strict=True):
            receipt = Receipt(
                0, received.generation, message.seq, message.lease_at, message.token or token, message.lane
            )
            if fate is None:
                done.append(receipt)
            elif isinstance(fate, int):
                hidden.append(receipt)
                delays_s.append(fate)
            else:
                await self._bury(queue, target, receipt, fate)
        now_ms = self._clock.deadline_ms()
        delete = StampedDelete(target.meta.name, queue, tuple(done), now_ms)
        hide = StampedChange(target.meta.name, queue, tuple(hidden), tuple(delays_s), now_ms)
        return Conclusion(delete, hide)

    async def _attempt(
        self,
        visit: Visit,
        target: Target,
        carrier: Carrier,
        policy: RetryPolicy,
        message: LeasedMessage,
    ) -> int | QueueDelivery | None:
        """Try to deliver a message. Return None where it is over and done with, in how many seconds to try again, or
        how it reaches a dead-letter queue.
        """
        protocol = target.row.protocol
        try:
            stored = (await opened(self._seals, message.stored.body, self._clock.deadline_ms())).notice
        except NotOpened as error:
            return self._wait(protocol, policy, message, error)
        if (stored.kind == CONFIRMATION) is target.row.confirmed:
            return None  # confirmed meanwhile; or messages of a time at which it was
        delay_s = None
        try:
            await carrier.carry(self._parcel(target, stored, policy))
        except NotTaken as error:
            self._lines.note(visit.line, taken=not error.again)
            self.outcomes[protocol, "failed"] += 1
            delay_s = self._delay_s(policy, message.receive_count) if error.again else None
            about = {
                "subscription": target.place.arn,
                "message_id": stored.message_id,
                "attempt": message.receive_count,
                "reason": str(error),
                "next_attempt_s": delay_s,
            }
            _log.log(
                logging.INFO if delay_s is not None else logging.WARNING, "an endpoint took no message", extra=about
            )
        else:
            self._lines.note(visit.line, taken=True)
            self.outcomes[protocol, "delivered"] += 1
            return None
        if delay_s is not None:
            return delay_s
        buried = None
        if stored.kind == NOTIFICATION:
            buried = await self._dead_letter(target, self._notice(target, stored), stored)
        if buried is None:
            self.outcomes[protocol, "dropped"] += 1
        return buried

    def _wait(self, protocol: str, policy: RetryPolicy, message: LeasedMessage, error: NotOpened) -> int:
        """Return in how many seconds to try again to open a message. That was an attempt as any other, but for the last
        one: what nobody can read cannot be worded for a dead-letter queue, so it waits on, as long as it is kept.
        """
        self.outcomes[protocol, "failed"] += 1
        delay_s = self._delay_s(policy, message.receive_count)
        if delay_s is None:
            delay_s = max(policy.greatest_s, WAIT_MS // 1000)
        about = {"attempt": message.receive_count, "next_attempt_s": delay_s}
        _log.warning("a topic's message waits for its key: %s", error, extra=about)
        return delay_s

    async def _bury(self, queue: bytes, target: Target, receipt: Receipt, delivery: QueueDelivery) -> None:
        delete = StampedDelete(target.meta.name, queue, (receipt,), self._clock.deadline_ms(), must_be_there=True)
        stamped = StampedBurial(queue, delete, delivery)
        with contextlib.suppress(DirectoryChanged):  # its visibility timeout ends, and its queue is sought anew
            is_buried = await self._engine.transact((queue, delivery.send.partition), bury, stamped)
            self.outcomes[target.row.protocol, "dead_lettered" if is_buried else "dropped"] += 1

    async def tell(self, target: Target, stored: StoredNotice, attempt: int) -> int | None:
        """Try once to tell an endpoint something that lies in no queue. Return in how many seconds to try again, None
        where it was told, or never will be.
        """
        carrier = self._carriers.get(target.row.protocol)
        if carrier is None:
            return None
        policy = carrier.policy(target.meta.attributes, target.row.attributes)
        try:
            await carrier.carry(self._parcel(target, stored, policy))
        except NotTaken as error:
            return self._delay_s(policy, attempt) if error.again else None
        return None

    def _delay_s(self, policy: RetryPolicy, attempt: int) -> int | None:
        draw = int.from_bytes(self._randomness.token_bytes(4), "big") / 2**32
        return policy.drawn_delay_s(attempt, draw)

    def _parcel(self, target: Target, stored: StoredNotice, policy: RetryPolicy) -> Parcel:
        row, place = target.row, target.place
        raw = row.attributes.get("RawMessageDelivery") == "true" and stored.kind == NOTIFICATION
        notice = self._notice(target, stored)
        if stored.kind == NOTIFICATION:
            text, link = notice.text(row.protocol), notice.unsubscribe_url(place.arn)
            body = text if raw else notice.document(row.protocol, place.arn)
        else:
            token = confirmation_token(self._sealer, target.partition, target.number, row.nonce)
            text, link, body = notice.asking(stored.kind, place.arn, token)
        return Parcel(
            kind=stored.kind,
            protocol=row.protocol,
            endpoint=row.endpoint,
            message_id=stored.message_id,
            topic_arn=place.topic.arn,
            subscription_arn=place.arn,
            body=body,
            text=text,
            subject=stored.entry.subject,
            link=link,
            raw=raw,
            content_type=policy.content_type,
            display_name=target.meta.attributes.get("DisplayName", ""),
            published_ms=stored.published_ms,
            attributes=stored.entry.attributes,
            job_template=row.attributes.get(JOB_TEMPLATE, ""),
            on_behalf_of=row.on_behalf_of,
        )

    def _notice(self, target: Target, stored: StoredNotice) -> Notice:
        """Return the message's documents; those of a message that many get share a signature."""
        key = (target.partition, stored.message_id)
        notice = self._notices.pop(key, None)
        if notice is None:
            version = target.meta.attributes.get("SignatureVersion", "1")
            notice = Notice(
                target.place.topic,
                stored.entry,
                stored.message_id,
                stored.published_ms,
                "",
                version,
                self._base_url(),
                self._signer,
            )
        self._notices[key] = notice
        if len(self._notices) > NOTICES_MAX:
            self._notices.popitem(last=False)
        return notice


async def finished(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Wait for tasks for as long as a server that ends may; then cancel those that are left."""
    if waited := tuple(tasks):
        _, left = await asyncio.wait(waited, timeout=DRAIN_S)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)


def _receive(txn: Txn, request: StampedReceive) -> Any:
    """Take messages; None where the subscription has ended meanwhile."""
    return None if find_queue(txn, request.partition) is None else kinds.receive_messages(txn, request)
