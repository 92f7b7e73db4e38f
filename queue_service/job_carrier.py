"""The carrier of jobs: each message of a topic becomes a job of the runner, once.

The job is submitted in the name of who made or last changed the subscription, with what he may do at the time. Which
job a message became is known by its id and the subscription's, so a delivery that is repeated makes no second one.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from cumulo.core.errors import ServiceError, Status
from cumulo.core.ports import JobMessage, JobSubmitter
from cumulo.queue_service.delivery_policies import RetryPolicy
from cumulo.queue_service.endpoint_delivery import NotTaken, Parcel
from cumulo.queue_service.mover import context_of
from cumulo.queue_service.topic_envelopes import shown_attributes, timestamp

OF_JOBS: Final = RetryPolicy(1, 0, 10, 0, 1, 300, "exponential", is_given=False)
"""Of what is no refusal of the job itself: over some ten minutes."""
LINE: Final = "jobs"
_IN_VAIN: Final = frozenset({Status.INVALID_ARGUMENT, Status.PERMISSION_DENIED, Status.NOT_FOUND})
_DIGEST_CHARACTERS: Final = 32


class JobCarrier:
    """Makes jobs of parcels."""

    def __init__(self, jobs: JobSubmitter) -> None:
        self._jobs = jobs

    def line(self, endpoint: str) -> str:
        """Return the line of the runner."""
        del endpoint
        return LINE

    def policy(self, topic: Mapping[str, str], subscription: Mapping[str, str]) -> RetryPolicy:
        """Return the one policy of jobs."""
        del topic, subscription
        return OF_JOBS

    async def refusal(self, endpoint: str) -> str:
        """Return that nothing is refused: templates are checked where they are written."""
        del endpoint
        return ""

    async def carry(self, parcel: Parcel) -> None:
        """Submit a parcel as a job."""
        attributes = {name: it["Value"] for name, it in shown_attributes(parcel.attributes).items()}
        subscription = hashlib.sha256(parcel.subscription_arn.encode()).hexdigest()[:_DIGEST_CHARACTERS]
        message = JobMessage(
            message=parcel.text,
            message_id=parcel.message_id,
            subject=parcel.subject,
            topic=parcel.topic_arn,
            published=timestamp(parcel.published_ms),
            attributes=json.dumps(attributes, ensure_ascii=False),
            deduplication_key=f"topic/{parcel.message_id}/{subscription}",
        )
        try:
            await self._jobs.submit(context_of(parcel.on_behalf_of), parcel.job_template, message)
        except ServiceError as error:
            raise NotTaken(str(error), again=error.row.grpc_status not in _IN_VAIN) from error

    async def close(self) -> None:
        """End; there is nothing to do."""
