"""Hands mail to the operator's SMTP server, through the standard library, in a thread.

Promises: TLS certificates are verified, credentials never leave without TLS, and what an address or a subject holds can
add no header and no command. Knows no service.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from cumulo.core.lazy import LazyModule
from cumulo.gateway.outgoing_http import Forbidden, Unreachable

TIMEOUT_S: Final = 15
THREADS: Final = 8
"""Of its own, so that a slow mail server holds up nothing else that the process does in threads."""
PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_FOR_NOW: Final = range(400, 500)
"""Replies of SMTP after which another attempt may fare better (RFC 5321, 4.2.1)."""
smtplib: Any = LazyModule("smtplib")
ssl: Any = LazyModule("ssl")
email_message: Any = LazyModule("email.message")
email_errors: Any = LazyModule("email.errors")
headerregistry: Any = LazyModule("email.headerregistry")


class MailServer(msgspec.Struct, frozen=True):
    """Where mail is handed in. `tls` is `starttls`, `tls` or `none`; `port` 0 takes the usual one. The password is read
    from its file for each message, so that it can be changed.
    """

    host: str
    port: int
    tls: str
    user: str
    password_file: str
    sender: str

    def __repr__(self) -> str:
        return f"MailServer({self.host})"


class OutgoingMail:
    """Hands mail in at a server. `context` replaces the system's authorities (an `ssl.SSLContext`)."""

    def __init__(self, server: MailServer, context: Any = None) -> None:
        self._server = server
        self._context = context
        self._threads: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"OutgoingMail({self._server!r})"

    async def send(self, to: str, name: str, subject: str, body: str, kind: str) -> None:
        """Send a text of a kind (`plain`, `json`) from `name`. Raises `Unreachable` and `Forbidden`."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "mail")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._send, to, name, subject, body, kind)

    def _send(self, to: str, name: str, subject: str, body: str, kind: str) -> None:
        server = self._server
        try:
            message = email_message.EmailMessage()
            message["From"] = headerregistry.Address(" ".join(name.split()), addr_spec=server.sender)
            message["To"] = headerregistry.Address(addr_spec=to)
            message["Subject"] = " ".join(subject.split())
            message.set_content(body, subtype=kind)
        except (ValueError, IndexError, email_errors.MessageError) as error:  # the parser of addresses raises each
            raise Forbidden(f"no mail can be written to it: {error}") from error
        try:
            with self._connected() as smtp:
                if server.user:
                    smtp.login(server.user, Path(server.password_file).read_text().strip())
                smtp.send_message(message, server.sender, [to])
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise _failure(code, "the mail server refused the address") from error
        except smtplib.SMTPAuthenticationError as error:
            raise Unreachable("the mail server refused smtp_user and its password") from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, f"the mail server answered {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(f"the mail server: {type(error).__name__}: {error}"[:300]) from error

    def _connected(self) -> Any:
        server = self._server
        port = server.port or PORTS[server.tls]
        if server.tls == "none":
            return smtplib.SMTP(server.host, port, timeout=TIMEOUT_S)
        context = self._context or ssl.create_default_context()
        if server.tls == "tls":
            return smtplib.SMTP_SSL(server.host, port, timeout=TIMEOUT_S, context=context)
        smtp = smtplib.SMTP(server.host, port, timeout=TIMEOUT_S)
        try:
            smtp.starttls(context=context)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _failure(code: int, reason: str) -> Exception:
    return Unreachable(reason) if code in _FOR_NOW else Forbidden(reason)
