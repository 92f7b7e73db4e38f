"""The places beyond the engine's transactions that buckets' notifications go to: topics and HTTP endpoints.

Each is made at its first use: most servers have neither. Knows which settings hold for them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cumulo.core.lazy import LazyModule, LazyPart
from cumulo.core.ports import Delivery, RemoteTarget
from cumulo.core.settings import Settings
from cumulo.object_store.notification_model import ENDPOINT_SCHEMES

if TYPE_CHECKING:
    from cumulo.gateway import outgoing_http
    from cumulo.object_store import endpoint_target
    from cumulo.queue_service import topic_target
    from cumulo.queue_service.topic_service import TopicService
    from cumulo.server import topic_wiring
else:
    outgoing_http = LazyModule("cumulo.gateway.outgoing_http")
    endpoint_target = LazyModule("cumulo.object_store.endpoint_target")
    topic_target = LazyModule("cumulo.queue_service.topic_target")
    topic_wiring = LazyModule("cumulo.server.topic_wiring")


class LateTarget:
    """A `RemoteTarget` that is made when somebody first asks it."""

    def __init__(self, make: Callable[[], RemoteTarget]) -> None:
        self._target = LazyPart(make)

    async def check(self, target: str, source_arn: str, account: str) -> str:
        """Return why a source may not deliver there, an empty text when it may."""
        return await self._target().check(target, source_arn, account)

    async def send(self, delivery: Delivery) -> bool:
        """Hand a message over; False where it will never be taken."""
        return await self._target().send(delivery)

    async def close(self) -> None:
        """Close the target, if it was made."""
        if self._target.made is not None:
            await self._target.made.close()


def event_targets(settings: Settings, topics: "Callable[[], TopicService]") -> dict[str, RemoteTarget]:
    """Return the targets, by the service of their ARNs, or the schemes of their URLs."""
    endpoints = LateTarget(
        lambda: endpoint_target.EndpointTarget(outgoing_http.OutgoingHttp(topic_wiring.private_addresses(settings)))
    )
    targets: dict[str, RemoteTarget] = {"sns": LateTarget(lambda: topic_target.TopicTarget(topics))}
    for scheme in ENDPOINT_SCHEMES:
        targets[scheme] = endpoints
    return targets
