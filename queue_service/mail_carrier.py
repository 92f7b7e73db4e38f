"""The carriers of e-mail and SMS: they write what SNS writes, record it, and hand mail to the operator's server.

SMS is recorded alone: nobody here has a telephone. Where no mail server is set, the same holds for e-mail, and a
developer finds the confirmation link in the record. Sources: SNS developer guide, "Subscribe an email address", "Email
message format"; the words are those of the mails that SNS sends.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from cumulo.gateway.outgoing_http import Forbidden, Unreachable
from cumulo.queue_service.delivery_policies import OF_MAIL, RetryPolicy
from cumulo.queue_service.endpoint_delivery import NotTaken, Parcel
from cumulo.queue_service.topic_envelopes import CONFIRMATION, NOTIFICATION

_SUBJECTS: Final = {
    NOTIFICATION: "AWS Notification Message",
    CONFIRMATION: "AWS Notification - Subscription Confirmation",
}
_SENDER: Final = "AWS Notifications"


class Mailer(Protocol):
    """What sends mail: `gateway.outgoing_mail`."""

    async def send(self, to: str, name: str, subject: str, body: str, kind: str) -> None:
        """Send a text. Raises `Unreachable` and `Forbidden`."""
        ...


class Record(Protocol):
    """Where messages are recorded: `outgoing_folder`."""

    async def write(self, parcel: Parcel, subject: str, body: str, sent_by: str) -> None:
        """Record a message."""
        ...


class _Recorded:
    """What both carriers share: there is one way out, and nothing that it refuses in advance."""

    def policy(self, topic: Mapping[str, str], subscription: Mapping[str, str]) -> RetryPolicy:
        """Return SNS's own policy, which nobody can change."""
        del topic, subscription
        return OF_MAIL

    async def refusal(self, endpoint: str) -> str:
        """Return that nothing is refused."""
        del endpoint
        return ""

    async def close(self) -> None:
        """End; there is nothing to do."""


class MailCarrier(_Recorded):
    """Sends mail through `mailer`, None where no server is set, and records it."""

    def __init__(self, record: Record, mailer: Mailer | None) -> None:
        self._record = record
        self._mailer = mailer

    def line(self, endpoint: str) -> str:
        """Return the line of the mail server."""
        del endpoint
        return "mail"

    async def carry(self, parcel: Parcel) -> None:
        """Send a mail, then record it: what is recorded as sent was."""
        subject, body = mail_of(parcel)
        if self._mailer is not None:
            kind = "json" if parcel.protocol == "email-json" else "plain"
            try:
                await self._mailer.send(parcel.endpoint, parcel.display_name or _SENDER, subject, body, kind)
            except Forbidden as error:
                raise NotTaken(str(error), again=False) from error
            except Unreachable as error:
                raise NotTaken(str(error), again=True) from error
        await _write(self._record, parcel, subject, body, "nobody" if self._mailer is None else "smtp")


class SmsCarrier(_Recorded):
    """Records short messages."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def line(self, endpoint: str) -> str:
        """Return the line of the record."""
        del endpoint
        return "sms"

    async def carry(self, parcel: Parcel) -> None:
        """Record a short message."""
        text = f"{parcel.display_name}> {parcel.text}" if parcel.display_name else parcel.text
        await _write(self._record, parcel, "", text, "nobody")


def mail_of(parcel: Parcel) -> tuple[str, str]:
    """Return subject and body of a mail."""
    subject = parcel.subject or _SUBJECTS[parcel.kind]
    if parcel.protocol == "email-json":
        return subject, parcel.body + "\n"
    if parcel.kind == CONFIRMATION:
        return subject, (
            f"You have chosen to subscribe to the topic:\n{parcel.topic_arn}\n\n"
            "To confirm this subscription, click or visit the link below (If this was in error no action is"
            f" necessary):\n{parcel.link}\n"
        )
    return subject, (
        f"{parcel.text}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the"
        f" link below to unsubscribe:\n{parcel.link}\n"
    )


async def _write(record: Record, parcel: Parcel, subject: str, body: str, sent_by: str) -> None:
    try:
        await record.write(parcel, subject, body, sent_by)
    except OSError as error:
        raise NotTaken(f"it cannot be recorded: {error.strerror}", again=True) from error
