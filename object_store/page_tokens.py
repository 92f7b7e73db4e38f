"""Page tokens and upload ids: what clients carry back to us, sealed.

A page token is the hash of the listing's parameters and the place to go on; with other parameters it is an error. An
upload id is the bucket's partition and the upload's number. Nobody can make or alter one.
"""

import hashlib

import msgspec

from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.object_store.errors import INVALID_CONTINUATION_TOKEN, NO_SUCH_UPLOAD
from cumulo.storage.engine import PARTITION_BYTES
from cumulo.storage.tuples import u64

_HASH_BYTES = 16
Parameters = tuple[str | bytes | int, ...]


def buckets_listing(account: str, prefix: str, region: str) -> Parameters:
    """Return what makes a listing of buckets this one."""
    return ("buckets", account, prefix, region)


def objects_listing(partition: bytes, prefix: str, delimiter: str) -> Parameters:
    """Return what makes a listing of objects this one."""
    return ("objects", partition, prefix, delimiter)


def configurations_listing(partition: bytes, kind: str) -> Parameters:
    """Return what makes a listing of configurations this one."""
    return ("configurations", partition, kind)


def versions_listing(partition: bytes, prefix: str, delimiter: str) -> Parameters:
    """Return what makes a listing of versions this one."""
    return ("versions", partition, prefix, delimiter)


def parts_listing(partition: bytes, upload: int) -> Parameters:
    """Return what makes a listing of parts this one."""
    return ("parts", partition, upload)


def uploads_listing(partition: bytes, prefix: str, delimiter: str) -> Parameters:
    """Return what makes a listing of uploads this one."""
    return ("uploads", partition, prefix, delimiter)


def seal_page(sealer: TokenSealer, parameters: Parameters, place: bytes) -> str:
    """Return the token with which the listing goes on."""
    return sealer.seal(TokenKind.PAGE, _hash(parameters) + place)


def open_page(sealer: TokenSealer, parameters: Parameters, token: str) -> bytes:
    """Return the place that a token names; raises `InvalidArgument` for a token that is not of this listing."""
    try:
        payload = sealer.open(TokenKind.PAGE, token)
    except InvalidToken as error:
        raise INVALID_CONTINUATION_TOKEN.error(parameter="page_token", value="(unreadable)") from error
    if payload[:_HASH_BYTES] != _hash(parameters):
        raise INVALID_CONTINUATION_TOKEN.error(parameter="page_token", value="of another listing")
    return payload[_HASH_BYTES:]


def seal_upload(sealer: TokenSealer, partition: bytes, upload: int) -> str:
    """Return an upload's id."""
    return sealer.seal(TokenKind.UPLOAD, partition + u64(upload))


def open_upload_id(sealer: TokenSealer, partition: bytes, upload_id: str) -> int:
    """Return an upload's number; raises `NoSuchUpload` for an id that is not one of this bucket's."""
    try:
        payload = sealer.open(TokenKind.UPLOAD, upload_id)
    except InvalidToken as error:
        raise NO_SUCH_UPLOAD.error() from error
    if len(payload) != PARTITION_BYTES + 8 or payload[:PARTITION_BYTES] != partition:
        raise NO_SUCH_UPLOAD.error()
    return int.from_bytes(payload[PARTITION_BYTES:], "big")


def _hash(parameters: Parameters) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(parameters)).digest()[:_HASH_BYTES]
