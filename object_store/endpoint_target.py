"""HTTP endpoints of notifications, which S3 itself does not have: an event is posted to a URL.

Owns what is posted and how answers are read. Where the server goes at all, the poster decides, as it does for the
endpoints of topics: no private addresses unless the settings allow them, and no redirects. Nothing signs the request:
who must know that it comes from here uses a URL that nobody else knows, or a topic.
"""

from collections.abc import Mapping
from typing import Protocol

from cumulo.core.ports import Delivery
from cumulo.gateway.outgoing_http import Forbidden, Unreachable
from cumulo.object_store.errors import EVENT_NOT_TAKEN

_LATER = frozenset((408, 425, 429))
"""Statuses below 500 that ask to come again."""


class Poster(Protocol):
    """What posts: `gateway.outgoing_http`."""

    async def refusal(self, url: str) -> str:
        """Return why nothing is posted to a URL, an empty text where it is."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Return the status of the answer. Raises `Unreachable` and `Forbidden`."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class EndpointTarget:
    """The `RemoteTarget` of URLs."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    async def check(self, target: str, source_arn: str, account: str) -> str:
        """Return why nothing is posted to a URL, an empty text where it is."""
        del source_arn, account
        return await self._poster.refusal(target)

    async def send(self, delivery: Delivery) -> bool:
        """Post an event; False where the endpoint refuses it for good. Raises where it may take it later."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Cumulo",
            "X-Cumulo-Delivery-Id": delivery.delivery_id,
            "X-Cumulo-Source-Arn": delivery.source_arn,
        }
        try:
            status = await self._poster.post(delivery.target_arn, headers, delivery.body)
        except Forbidden:
            return False
        except Unreachable as error:
            raise EVENT_NOT_TAKEN.error(target=delivery.target_arn, reason=str(error)) from error
        if status >= 500 or status in _LATER:
            raise EVENT_NOT_TAKEN.error(target=delivery.target_arn, reason=f"status {status}")
        return 200 <= status < 300

    async def close(self) -> None:
        """Close every connection."""
        await self._poster.close()
