"""What is known about a call besides its request: who, whence, when it must be done.

Edges build a context once per call (or per stream); rooms pass it on unread except for authorisation and audit.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from cumulo.core.names import DEFAULT_REGION


class Principal(Protocol):
    """The part of an authenticated caller that rooms below identity may read."""

    @property
    def account(self) -> str:
        """The twelve-digit account id; empty for an anonymous caller."""
        ...

    @property
    def arn(self) -> str:
        """The caller's ARN; empty for an anonymous caller."""
        ...

    @property
    def id(self) -> str:
        """The unique id that survives a rename (AIDA…), or the account id for its root."""
        ...


class AnonymousPrincipal:
    """A caller without credentials, or one who proves himself by his request."""

    account = ""
    arn = ""
    id = ""


class CallContext(msgspec.Struct, frozen=True, kw_only=True):
    """One call's circumstances, all set by the server; nothing here is taken from a header that a client could forge.

    `source_ip` is the peer's address, empty over a local socket. `condition_keys` are ready to use in policies; the
    authoriser adds those about the principal. `expires_ms` is the wall time at which the caller's credential ends (0:
    does not expire). `requester_pays`: the caller agrees to pay for a request to another account's bucket, by
    S3's header; over gRPC nobody is asked. `trace_header` is X-Ray's, for the messages that tell of the call.
    """

    principal: Principal
    request_id: str
    region: str = DEFAULT_REGION
    source_ip: str = ""
    secure_transport: bool = False
    user_agent: str = ""
    expires_ms: int = 0
    condition_keys: Mapping[str, str | tuple[str, ...]] = {}
    requester_pays: bool = False
    trace_header: str = ""
