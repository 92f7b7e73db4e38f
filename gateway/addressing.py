"""What a request is addressed to: the AWS service, and for S3 the bucket and the key.

Owns the reading of host, path and query. Promises: the raw path is decoded exactly once, so that what was signed is
what is served; a key is data, whatever dots, slashes or NULs are in it. Knows no service: what there is comes in a
`ServiceDirectory`.
"""

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import unquote, unquote_to_bytes

import msgspec

from cumulo.core.errors import ErrorRow, Status
from cumulo.gateway.canonical import query_pairs
from cumulo.gateway.http1 import Request

INVALID_URI = ErrorRow("InvalidURI", 400, Status.INVALID_ARGUMENT, "Couldn't parse the specified URI.")
WEBSITE_LABEL = ".s3-website"
HOST_CHARACTERS_REMEMBERED_MAX = 255
"""No name of DNS is longer."""
CREDENTIAL_CHARACTERS_REMEMBERED_MAX = 512
"""Of our own: no credential that `presented` takes is longer, as it is sent in a query."""
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_HEADER_CREDENTIAL = re.compile(r"Credential=([^,\s]+)").search
_QUERY_CREDENTIAL = re.compile(r"[?&]X-Amz-Credential=([^&]+)").search


class S3Address(msgspec.Struct, frozen=True):
    """A bucket and a key as the URL names them; each may be empty. `website` says that the host is the bucket's
    website.
    """

    bucket: str
    key: str
    virtual_host: bool = False
    website: bool = False


def s3_address(host: str, path: str, domains: Sequence[str], sites: Collection[str] = ()) -> S3Address:
    """Return what a URL names: by the first label of a host below one of `domains`, or by the path's first segment.

    Raises `InvalidURI` where the path is no percent-encoded UTF-8.
    """
    text = decoded(path)
    if bucket := website_of_host(host, domains, sites):
        return S3Address(bucket, text[1:], virtual_host=True, website=True)
    if bucket := bucket_of_host(host, domains):
        return S3Address(bucket, text[1:], virtual_host=True)
    bucket, _, key = text[1:].partition("/")
    return S3Address(bucket, key)


def bucket_of_host(host: str, domains: Sequence[str]) -> str:
    """Return the labels in front of the longest of `domains` that the host ends in; empty where there are none."""
    if len(host) > HOST_CHARACTERS_REMEMBERED_MAX:
        return _bucket_of_host.__wrapped__(host, tuple(domains))
    return _bucket_of_host(host, tuple(domains))


@functools.lru_cache(maxsize=1024)
def _bucket_of_host(host: str, domains: tuple[str, ...]) -> str:
    name = hostname(host)
    for domain in sorted(domains, key=len, reverse=True):
        if name == domain:
            return ""
        if name.endswith("." + domain):
            return name[: -len(domain) - 1]
    return ""


def website_of_host(host: str, domains: Sequence[str], sites: Collection[str] = ()) -> str:
    """Return the bucket whose website a host is; empty where it is none.

    As AWS names them, `bucket.s3-website-region.domain` and `bucket.s3-website.region.domain`, and without a region:
    `bucket.s3-website.domain`. The domain is one of `domains`, or what follows `s3.` in one. A host of `sites` is the
    website of the bucket of its own name.
    """
    if sites and (name := hostname(host)) in sites:
        return name
    return _website_of_host(host, tuple(domains)) if WEBSITE_LABEL in host else ""


@functools.lru_cache(maxsize=1024)
def _website_of_host(host: str, domains: tuple[str, ...]) -> str:
    bucket, mark, rest = hostname(host).rpartition(WEBSITE_LABEL)
    if not mark or not bucket or rest[:1] not in ("-", "."):
        return ""
    bases = {*domains, *(domain.removeprefix("s3.") for domain in domains)}
    below_region = rest[1:].partition(".")[2]
    if below_region in bases or (rest[0] == "." and rest[1:] in bases):
        return bucket
    return ""


def hostname(host: str) -> str:
    """Return a Host header without its port, in lower case."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.endswith("]")):
        name = host
    return name.lower()


def decoded(text: str) -> str:
    """Return percent-encoded text decoded once; raises `InvalidURI`."""
    if "%" not in text and text.isascii():
        return text
    if _BROKEN_PERCENT(text):
        raise INVALID_URI.error()
    return _utf8(unquote_to_bytes(text.encode("latin-1")))


def decoded_query(query: str) -> tuple[tuple[str, str], ...]:
    """Return a query string's names and values in their order; raises `InvalidURI` and `SignatureError`."""
    return tuple((_utf8(name), _utf8(value)) for name, value in query_pairs(query)) if query else ()


def scope_service(request: Request) -> str:
    """Return the service that the credential scope of a signature names, empty where there is none to be read.

    Believes nothing: it only decides in which words a bad signature is refused.
    """
    credential = _HEADER_CREDENTIAL(request.headers.get("authorization", ""))
    if credential is None and "X-Amz-Credential=" in request.target:
        credential = _QUERY_CREDENTIAL(request.target)
    if credential is None:
        return ""
    text = credential[1]
    return _scope_word(text) if len(text) <= CREDENTIAL_CHARACTERS_REMEMBERED_MAX else ""


@functools.lru_cache(maxsize=1024)
def _scope_word(credential: str) -> str:
    words = unquote(credential).split("/")
    return words[3] if len(words) == 5 else ""


class ServiceDirectory:
    """The services of a server by what a request may name them with; `rows` are (service, target prefix, API version),
    each of the last two empty where the service has none. `links` are the services of query actions that stand in links
    without a version.
    """

    def __init__(self, rows: Sequence[tuple[str, str, str]], links: Mapping[str, str] = MappingProxyType({})) -> None:
        self._names = frozenset(name for name, _, _ in rows)
        self._by_target = {target: name for name, target, _ in rows if target}
        self._by_version = {version: name for name, _, version in rows if version}
        self._links = links

    def of_head(self, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> str:
        """Return the service of a request that names none in a signature: by its target, by its query's action and
        version, or by the first label of its host. Empty where none of them tells.
        """
        target = headers.get("x-amz-target", "")
        if target:
            return self._by_target.get(target.partition(".")[0], "")
        named = dict(query)
        if "Action" in named:
            of_link = self._links.get(named["Action"], "") if "Version" not in named else ""
            if service := self._by_version.get(named.get("Version", "")) or of_link:
                return service
        label, _, domain = hostname(headers.get("host", "")).partition(".")
        # A bucket may be called like a service; no service is below one called s3, or beside a website.
        return label if label in self._names and not domain.startswith(("s3.", "s3-website")) else ""


def _utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise INVALID_URI.error() from error
