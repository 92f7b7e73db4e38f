"""Page tokens of lists by name: sealed, and bound to what is listed."""

import hashlib

from cumulo.core.errors import INVALID_PAGE_TOKEN
from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer


def listing(*parts: str) -> bytes:
    """Return what a page token is bound to: whose things are listed, and how."""
    return hashlib.sha256("/".join(parts).encode()).digest()[:16]


def sealed(sealer: TokenSealer, listed: bytes, last: str) -> str:
    """Return the token of the page that begins behind the name `last`."""
    return sealer.seal(TokenKind.PAGE, listed + last.encode())


def opened(sealer: TokenSealer, listed: bytes, page_token: str) -> str:
    """Return the name behind which a page begins, empty for the first page; raises `InvalidPageToken`."""
    if not page_token:
        return ""
    try:
        payload = sealer.open(TokenKind.PAGE, page_token)
    except InvalidToken as error:
        raise INVALID_PAGE_TOKEN.error(allowed="it was not made by this server") from error
    if not payload.startswith(listed):
        raise INVALID_PAGE_TOKEN.error(allowed="parent and prefix must be those of the first page")
    return payload[len(listed) :].decode()
