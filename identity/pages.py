"""Page tokens of listings whose request is a structure with `page_size` and `page_token`: identity's, and others'.

A token holds where the listing goes on and a hash of everything that was asked, so that it fits no other listing; the
server's seal keeps anybody from making one.
"""

import hashlib
import hmac
from typing import Any

import msgspec

from cumulo.core.errors import INVALID_PAGE_TOKEN
from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.identity.model import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Listing, Page
from cumulo.identity.names import invalid

_HASH_BYTES = 16


def open_page(sealer: TokenSealer, account: str, request: Listing) -> Page:
    """Return where the listing of `request` goes on; raises `InvalidNextToken`, `ValidationError`."""
    if not 0 <= request.page_size <= PAGE_SIZE_MAX:
        raise invalid("page_size", request.page_size, f"1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
    return Page(request.page_size or PAGE_SIZE_DEFAULT, open_place(sealer, account, request).decode())


def seal_page(sealer: TokenSealer, account: str, request: Listing, last: str) -> str:
    """Return the token of the page behind `last`; an empty text behind the last page."""
    return seal_place(sealer, account, request, last.encode()) if last else ""


def open_place(sealer: TokenSealer, account: str, request: Any) -> bytes:
    """Return the place behind which the page of `request.page_token` begins, empty for the first page.

    Raises `InvalidNextToken`, also for the token of another listing.
    """
    if not request.page_token:
        return b""
    try:
        payload = sealer.open(TokenKind.PAGE, request.page_token)
    except InvalidToken:
        raise INVALID_PAGE_TOKEN.error(allowed="the next_page_token of the page before") from None
    if not hmac.compare_digest(payload[:_HASH_BYTES], _hash(account, request)):
        raise INVALID_PAGE_TOKEN.error(allowed="all other fields as they were for the page before")
    return payload[_HASH_BYTES:]


def seal_place(sealer: TokenSealer, account: str, request: Any, place: bytes) -> str:
    """Return the token of the page behind a place of the listing of `request`."""
    return sealer.seal(TokenKind.PAGE, _hash(account, request) + place)


def _hash(account: str, request: Any) -> bytes:
    same = msgspec.structs.replace(request, page_token="", page_size=0)  # a next page may be of another size
    asked = msgspec.msgpack.encode((type(request).__name__, account, same))
    return hashlib.sha256(asked).digest()[:_HASH_BYTES]
