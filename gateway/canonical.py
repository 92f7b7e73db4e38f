"""One reading of a request's target and headers: what is signed, and what is served.

Owns AWS's canonical form of paths, queries and header values. Promises that two targets of one canonical form mean the
same thing, so that the signed request is the served one: a router reads the query by `query_pairs` and takes the path's
segments from the raw path, decoding each one by itself. An encoded slash stays encoded; nothing is decoded twice.

Rules: "Create a canonical request" in IAM's user guide; for S3 "Signature calculations for the authorization header".
"""

import re
from collections.abc import Iterable
from urllib.parse import quote_from_bytes, unquote_to_bytes

from cumulo.gateway.signature_errors import Refusal, SignatureError

QUERY_PAIRS_MAX = 1_000
"""The request head's 16 KiB bound the rest."""

QueryPair = tuple[bytes, bytes]

_UNRESERVED_AND_SLASH = re.compile(r"[A-Za-z0-9\-._~/]*").fullmatch
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_ENCODED_SLASH = re.compile(r"(%2[Ff])")
_BLANKS = re.compile(r"[ \t]+")


def s3_path(path: str) -> str:
    """Return S3's canonical form of a raw path: each octet encoded once, slashes and segments as they stand.

    `%2F` stays apart from `/`, which S3 itself does not promise: a client that signs the one and sends the other is
    refused. Raises `SignatureError` for a broken percent sign.
    """
    if _UNRESERVED_AND_SLASH(path):
        return path
    _check_percents(path)
    return "".join(
        "%2F" if index % 2 else quote_from_bytes(unquote_to_bytes(piece.encode("latin-1")), safe="/-._~")
        for index, piece in enumerate(_ENCODED_SLASH.split(path))
    )


def plain_path(path: str) -> str:
    """Return the canonical form of every other service: dot segments and empty ones out, then encoded once more."""
    if path == "/":
        return path
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in {"", "."}:
            segments.append(segment)
    slash = "/" if segments and path.endswith("/") else ""
    return "/" + quote_from_bytes("/".join(segments).encode("latin-1"), safe="/-._~") + slash


def is_normal(path: str) -> bool:
    """Tell whether a path has no segment that `plain_path` would drop: only then is the signed path the served one."""
    return path == "/" or not any(segment in {"", ".", ".."} for segment in path.removesuffix("/").split("/")[1:])


def query_pairs(query: str) -> list[QueryPair]:
    """Return a raw query's names and values, decoded, in the order of the text; `+` is a blank.

    Raises `SignatureError` for a broken percent sign, and for more than `QUERY_PAIRS_MAX` pairs.
    """
    if not query:
        return []
    _check_percents(query)
    pieces = query.replace("+", "%20").encode("latin-1").split(b"&", QUERY_PAIRS_MAX)
    if len(pieces) > QUERY_PAIRS_MAX:
        raise SignatureError(Refusal.URI_AMBIGUOUS, reason=f"more than {QUERY_PAIRS_MAX} parameters")
    pairs = []
    for piece in pieces:
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    return pairs


def check_unrepeated(pairs: Iterable[QueryPair]) -> None:
    """Raise `SignatureError` where a name comes twice: the canonical form is sorted and would hide their order."""
    seen: set[bytes] = set()
    for name, _ in pairs:
        if name in seen:
            reason = f"parameter {name.decode('utf-8', 'replace')} is given twice"
            raise SignatureError(Refusal.URI_AMBIGUOUS, reason=reason)
        seen.add(name)


def canonical_query(pairs: Iterable[QueryPair]) -> str:
    """Return the canonical form of decoded pairs: encoded, sorted by name and then value."""
    encoded = sorted(
        (quote_from_bytes(name, safe="-._~"), quote_from_bytes(value, safe="-._~")) for name, value in pairs
    )
    return "&".join(f"{name}={value}" for name, value in encoded)


def header_value(value: str) -> str:
    """Return a header value without outer blanks, each inner run of blanks as one."""
    value = value.strip(" \t")
    return _BLANKS.sub(" ", value) if "  " in value or "\t" in value else value


def _check_percents(text: str) -> None:
    broken = _BROKEN_PERCENT(text)
    if broken is not None:
        raise SignatureError(Refusal.URI_MALFORMED, value=text[broken.start() : broken.start() + 3])
