"""The carrier of http and https: posts documents as SNS does.

Sources: SNS developer guide, "Parsing Amazon SNS message formats" and "Amazon SNS message delivery retries": what an
endpoint answers with 2xx is taken; 5xx, 429 and no answer are tried again; everything else, redirects among it, is not.
"""

from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from cumulo.gateway.outgoing_http import Forbidden, Unreachable
from cumulo.queue_service.delivery_policies import RetryPolicy, in_force
from cumulo.queue_service.endpoint_delivery import NotTaken, Parcel
from cumulo.queue_service.topic_envelopes import NOTIFICATION

USER_AGENT: Final = "Amazon Simple Notification Service Agent"
"""SNS's own, by which endpoints tell its requests."""
_TOO_MANY_REQUESTS = 429


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


class HttpCarrier:
    """Brings parcels to HTTP endpoints."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def line(self, endpoint: str) -> str:
        """Return the host and port of an endpoint."""
        return urlsplit(endpoint).netloc.rpartition("@")[2].lower()

    def policy(self, topic: Mapping[str, str], subscription: Mapping[str, str]) -> RetryPolicy:
        """Return the delivery policy that is in force."""
        return in_force(topic, subscription)

    async def refusal(self, endpoint: str) -> str:
        """Return why nothing is posted to an endpoint."""
        return await self._poster.refusal(endpoint)

    async def carry(self, parcel: Parcel) -> None:
        """Post a parcel."""
        headers = {
            "Content-Type": parcel.content_type,
            "User-Agent": USER_AGENT,
            "Connection": "Keep-Alive",
            "Accept-Encoding": "gzip,deflate",
            "x-amz-sns-message-type": parcel.kind,
            "x-amz-sns-message-id": parcel.message_id,
            "x-amz-sns-topic-arn": parcel.topic_arn,
        }
        if parcel.kind == NOTIFICATION:
            headers["x-amz-sns-subscription-arn"] = parcel.subscription_arn
        if parcel.raw:
            headers["x-amz-sns-rawdelivery"] = "true"
        try:
            status = await self._poster.post(parcel.endpoint, headers, parcel.body.encode())
        except Forbidden as error:
            raise NotTaken(str(error), again=False) from error
        except Unreachable as error:
            raise NotTaken(str(error), again=True) from error
        if not 200 <= status < 300:
            what = f"it answered {status}"
            if 300 <= status < 400:
                what += "; redirects are not followed"
            raise NotTaken(what, again=status >= 500 or status == _TOO_MANY_REQUESTS)

    async def close(self) -> None:
        """Close every connection."""
        await self._poster.close()
