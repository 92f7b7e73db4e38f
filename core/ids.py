"""Random values, behind one port so that a seed replays a whole run.

Only the stateful objects (services) draw from it; transaction functions get what was drawn as fields of their request.
"""

import random
import secrets
import uuid
from typing import Protocol

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Randomness(Protocol):
    """A source of unpredictable bytes."""

    def token_bytes(self, length: int) -> bytes:
        """Return `length` random bytes."""
        ...


class SystemRandomness:
    """The operating system's generator."""

    def token_bytes(self, length: int) -> bytes:
        """Return `length` bytes that nobody can predict."""
        return secrets.token_bytes(length)


class SeededRandomness:
    """A replayable generator for tests; never for a server."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - replayable on purpose

    def token_bytes(self, length: int) -> bytes:
        """Return the next `length` bytes of the seed's sequence."""
        return self._random.randbytes(length)


def message_id(source: Randomness) -> str:
    """Return a UUIDv4 text, the form of SQS message ids and AWS request ids."""
    return str(uuid.UUID(bytes=source.token_bytes(16), version=4))


def iam_id(source: Randomness, prefix: str) -> str:
    """Return an IAM unique id: the four-letter prefix (AKIA, AIDA, AGPA, ANPA …) and 16 base-32 characters."""
    assert len(prefix) == 4
    return prefix + "".join(_BASE32[byte & 31] for byte in source.token_bytes(16))
