"""Proofs of an access key: an HMAC over a time and a nonce, so that the secret itself never travels.

Owns the form of the proof, the window of its time and the memory of the nonces that were taken. Promises that a proof
is good once: outside the window its time refuses it, within it its nonce does, and what a former process has seen is
refused by its time, too, because stamps from before this one's start are not taken. Does not know whose secret it is.
"""

import hashlib
import hmac
from typing import Final

from cumulo.core.errors import TOO_BUSY
from cumulo.identity.errors import REQUEST_EXPIRED
from cumulo.identity.token_model import PROOF_SKEW_MS_MAX

PROOF_BYTES: Final = 32
NONCES_MAX: Final = 100_000
NONCES_PER_KEY_MAX: Final = 10_000
"""No single key can fill the memory of the nonces and so keep all others out."""
_SLOT_MS: Final = 60_000


def text_to_sign(access_key_id: str, timestamp_ms: int, nonce: bytes, ttl_s: int) -> bytes:
    """Return the canonical text of a proof, as the proto of IssueToken states it."""
    return f"cumulo-token-v1\n{access_key_id}\n{timestamp_ms}\n{nonce.hex()}\n{ttl_s}".encode()


def prove(secret: str, access_key_id: str, timestamp_ms: int, nonce: bytes, ttl_s: int) -> bytes:
    """Return the proof that somebody who knows `secret` makes."""
    return hmac.digest(secret.encode(), text_to_sign(access_key_id, timestamp_ms, nonce, ttl_s), hashlib.sha256)


class ProofTimes:
    """Which times and nonces may still be taken; `started_ms` is the wall time of the server's start."""

    def __init__(self, started_ms: int) -> None:
        self._started_ms = started_ms
        self._slots: dict[int, dict[str, set[bytes]]] = {}
        """Nonces by the minute of their proof's time, then by key: a minute is forgotten as a whole."""
        self._taken = 0

    def check(self, timestamp_ms: int, now_ms: int) -> None:
        """Refuse a time outside the window; raises `RequestExpired`. Says nothing that depends on the key."""
        if abs(now_ms - timestamp_ms) > PROOF_SKEW_MS_MAX:
            raise REQUEST_EXPIRED.error(
                reason=f"its time is more than {PROOF_SKEW_MS_MAX // 60_000} minutes off", server_ms=now_ms
            )
        if timestamp_ms < self._started_ms:
            raise REQUEST_EXPIRED.error(reason="it was made before the server's start", server_ms=now_ms)

    def take(self, access_key_id: str, timestamp_ms: int, nonce: bytes, now_ms: int) -> None:
        """Remember the nonce of a proof that verified; raises `RequestExpired` where it was taken before.

        Only verified proofs get here, so nobody without a key can fill the memory. Raises `ServiceUnavailable` at its
        bound: to forget one too early would let it be used again.
        """
        horizon = (now_ms - PROOF_SKEW_MS_MAX) // _SLOT_MS
        for slot in [slot for slot in self._slots if slot < horizon]:
            self._taken -= sum(map(len, self._slots.pop(slot).values()))
        if any(nonce in by_key.get(access_key_id, ()) for by_key in self._slots.values()):
            raise REQUEST_EXPIRED.error(reason="it was used before", server_ms=now_ms)
        of_key = sum(len(by_key.get(access_key_id, ())) for by_key in self._slots.values())
        if of_key >= NONCES_PER_KEY_MAX:
            raise TOO_BUSY.error(what="the memory of proofs of this access key", limit=NONCES_PER_KEY_MAX)
        if self._taken >= NONCES_MAX:
            raise TOO_BUSY.error(what="the memory of proofs", limit=NONCES_MAX)
        self._slots.setdefault(timestamp_ms // _SLOT_MS, {}).setdefault(access_key_id, set()).add(nonce)
        self._taken += 1
