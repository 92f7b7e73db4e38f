"""Random values, behind one port so that a seed replays a whole run.

Only the stateful objects (services) draw from it; transaction functions get what was drawn as fields of their request.
"""

import os
import random
import secrets
import threading
from typing import Protocol

POOL_BYTES = 4096
REQUEST_IDS_AT_ONCE = 64
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_KEY_PREFIXES = ("AKIA", "ASIA")
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A hexadecimal digit with its upper two bits as RFC 9562 sets those of a UUID's variant."""

_VARIANTS = bytes.maketrans("".join(_VARIANT).encode(), "".join(_VARIANT.values()).encode())
_UUID_FORM = b"00000000-0000-4000-0000-000000000000"
_UUID_PLACES = tuple(
    (at, place)
    for at, place in enumerate(place for place in range(36) if _UUID_FORM[place : place + 1] != b"-")
    if at not in (12, 16)
)
"""Where each digit stands, but for the version's and the variant's."""
_MANY = 16


class Randomness(Protocol):
    """A source of unpredictable bytes."""

    def token_bytes(self, length: int) -> bytes:
        """Return `length` random bytes."""
        ...


class SystemRandomness:
    """The operating system's generator, asked for `POOL_BYTES` at once.

    Each question gives the interpreter's lock away, and getting it back from the storage engine's thread costs a
    request more than the bytes. The pool is the thread's that made this; other threads ask each time, and a child
    process draws a pool of its own.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0
        self._thread = threading.get_ident()
        os.register_at_fork(after_in_child=self._forget)

    def token_bytes(self, length: int) -> bytes:
        """Return `length` bytes that nobody can predict."""
        if length > POOL_BYTES or threading.get_ident() != self._thread:
            return secrets.token_bytes(length)
        begin, end = self._used, self._used + length
        if end > len(self._pool):
            self._pool, begin, end = secrets.token_bytes(POOL_BYTES), 0, length
        self._used = end
        return self._pool[begin:end]

    def _forget(self) -> None:
        self._pool, self._used = b"", 0


class SeededRandomness:
    """A replayable generator for tests; never for a server."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - replayable on purpose

    def token_bytes(self, length: int) -> bytes:
        """Return the next `length` bytes of the seed's sequence."""
        return self._random.randbytes(length)


def message_id(source: Randomness) -> str:
    """Return a UUIDv4 text, the form of SQS message ids and AWS request ids."""
    return uuid4_text(source.token_bytes(16).hex())


class RequestIds:
    """Ids of requests, in the form of message ids: drawn and written many at once, at half the cost."""

    def __init__(self, source: Randomness) -> None:
        self._source = source
        self._ready: list[str] = []

    def new(self) -> str:
        """Return an id that was not given before."""
        if not self._ready:
            self._ready = uuid4_texts(self._source.token_bytes(16 * REQUEST_IDS_AT_ONCE).hex(), REQUEST_IDS_AT_ONCE)
        return self._ready.pop()


def uuid4_text(digits: str) -> str:
    """Return the UUIDv4 text of 32 random hexadecimal digits; a quarter of what `uuid.UUID` costs on each request."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


def uuid4_texts(digits: str, count: int) -> list[str]:
    """Return the UUIDv4 texts of `count` times 32 random hexadecimal digits, one after the other.

    Many are written digit by digit, each into all texts at once, at a third of what one after the other costs.
    """
    if count < _MANY:
        return [uuid4_text(digits[at : at + 32]) for at in range(0, 32 * count, 32)]
    drawn = digits.encode()
    texts = bytearray(_UUID_FORM * count)
    for at, place in _UUID_PLACES:
        texts[place::36] = drawn[at::32]
    texts[19::36] = drawn[16::32].translate(_VARIANTS)
    text = texts.decode()
    return [text[at : at + 36] for at in range(0, 36 * count, 36)]


def iam_id(source: Randomness, prefix: str) -> str:
    """Return an IAM unique id as long as AWS's: the four-letter prefix, and 16 base-32 characters for an access key
    (AKIA, ASIA), 17 for anything else (AIDA, AGPA, ANPA …).
    """
    assert len(prefix) == 4
    length = 16 if prefix in _KEY_PREFIXES else 17
    return prefix + "".join(_BASE32[byte & 31] for byte in source.token_bytes(length))
