"""What stands before S3's operations: the seam between the AWS edge and the room that owns the buckets.

Owns only shapes. A browser's preflight and a request to a website's host are no operation of S3: a front answers them
whole. Of every other request it hears with its answer, which it may give headers of its own, and the log of which it
may keep.
"""

from typing import Any, Protocol

import msgspec

from cumulo.core.context import CallContext
from cumulo.gateway.addressing import S3Address
from cumulo.gateway.http1 import Request, Response
from cumulo.gateway.signature_errors import AuthForm


class Visit(msgspec.Struct, frozen=True):
    """One request to a bucket, and what became known of it.

    `ctx` is None where the signature did not hold or was not looked at; `operation` is empty where none was found.
    `started` and `turned` are readings of the performance counter, at the head's arrival and at the answer's beginning.
    `error` is the code of a refusal. `asked` is the decoded input structure, None where it was not read.
    """

    request: Request
    address: S3Address
    request_id: str
    host_id: str
    ids: tuple[tuple[str, str], ...]
    form: AuthForm
    operation: str = ""
    ctx: CallContext | None = None
    started: float = 0.0
    turned: float = 0.0
    error: str = ""
    asked: Any = None


class BucketFront(Protocol):
    """What a room does for its buckets' visitors beside operations."""

    def hears_of(self, request: Request) -> bool:
        """Say whether `leave` has anything to do after a request, as far as its head tells and without a wait."""
        ...

    async def receive(self, visit: Visit) -> Response:
        """Answer a preflight, or a request to a website; raises `ServiceError` for S3's own refusals."""
        ...

    async def find(self, bucket: str) -> None:
        """Raise `NoSuchBucket` where there is no such bucket: that comes before what is wrong with a document."""
        ...

    async def leave(self, visit: Visit, response: Response) -> Response:
        """Return the answer as it goes out; raises nothing."""
        ...
