"""Native subscriptions as places to receive from, beside queues.

Owns how such a place is told and called; where its messages lie is `subscription_sources`', which a server loads when
somebody first receives from one.
"""

from cumulo.queue_service.queue_attributes import Place

SUBSCRIPTIONS = "subscriptions"
ARN = "arn:aws:sns:"


class SourcePlace(Place, frozen=True):
    """A native subscription where a queue can stand; `name` is its topic's, which says whether it is FIFO."""

    subscription: str = ""

    @property
    def arn(self) -> str:
        """The subscription's ARN."""
        return f"{ARN}{self.region}:{self.account}:{self.name}:{self.subscription}"


def is_source(text: str) -> bool:
    """Say whether a text that names something to receive from means a subscription, and not a queue."""
    return text.startswith(ARN) or f"/{SUBSCRIPTIONS}/" in text
