"""Keeps the lease of one attempt by signs of life, and learns what the server wants of it.

Promises: the server hears of the command's start at once, and of the attempt every third of its lease from the claim to
the last word, while it is being cancelled, too. `lost` is final. A server that is silent loses no job whose command can
touch nothing outside its sandbox: it runs on, and its results are held back until the lease has been confirmed; a plain
process, which could, is given up when its lease may have ended.
"""

import asyncio
import contextlib
import logging
import time

from cumulo.client import AsyncClient, errors, model

CALL_S_MIN = 2.0
SILENCE_PAUSE_S = 0.5
"""Between two beats of which the first did not get through."""

_log = logging.getLogger("cumulo.worker")


class Heartbeats:
    """One attempt's lease. `claimed_at` is when the claim was asked for, by `time.monotonic`."""

    def __init__(self, client: AsyncClient, claim: model.Claim, lease_s: int, claimed_at: float) -> None:
        self._client = client
        self._claim = claim
        self._lease_s = lease_s
        self._ends = claimed_at + lease_s
        self._started = asyncio.Event()
        self.lost = asyncio.Event()
        """The attempt is not this worker's any more."""
        self.over = asyncio.Event()
        """The attempt is to end: its lease is lost, or somebody cancelled the job."""

    def command_started(self) -> None:
        """Let the server know, at once."""
        self._started.set()

    def why(self) -> str:
        """Return in a word why the attempt is to end."""
        return "LeaseLost" if self.lost.is_set() else "Cancelled"

    async def run(self) -> None:
        """Beat until the lease is lost."""
        told = False
        while not self.lost.is_set():
            if told:
                await asyncio.sleep(self._lease_s / 3)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._started.wait(), self._lease_s / 3)
            tells = self._started.is_set()
            told = await self.confirm() and tells

    async def confirm(self) -> bool:
        """Return whether the attempt is still this worker's by the server's own word, waiting for it if need be."""
        while not self.lost.is_set():
            if await self._beat():
                return True
            await asyncio.sleep(SILENCE_PAUSE_S)
        return False

    async def _beat(self) -> bool:
        """Give one sign of life; return whether the server took it."""
        claim = self._claim
        asked = time.monotonic()
        try:
            beat = await self._client.jobs.heartbeat(
                claim.job.id,
                claim.lease_token,
                started=self._started.is_set(),
                timeout=max(CALL_S_MIN, self._lease_s / 3),
            )
        except (errors.PreconditionFailed, errors.NotFound, errors.PermissionDenied, errors.Unauthenticated) as error:
            self._lose(str(error))
            return False
        except errors.CumuloError as error:
            _log.warning("a heartbeat did not get through", extra={"job": claim.job.id, "error": str(error)})
            if time.monotonic() >= self._ends and claim.job.spec.isolation == "none":
                self._lose("no heartbeat got through while it lasted")
            return False
        self._ends = asked + self._lease_s
        if beat.cancel_requested:
            self.over.set()
        return True

    def _lose(self, why: str) -> None:
        if not self.lost.is_set():
            _log.warning("the lease is lost", extra={"job": self._claim.job.id, "error": why})
        self.lost.set()
        self.over.set()
