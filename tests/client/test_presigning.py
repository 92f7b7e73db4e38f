"""URLs that carry their own signature: what is signed, and that a real server takes them and no others."""

import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cumulo.client import AsyncClient, Bucket
from cumulo.client._presigning import presigned
from cumulo.client.configuration import Configuration
from cumulo.core.settings import InvalidSetting
from cumulo.testing import Server

NOW = datetime(2013, 5, 24, tzinfo=UTC)


def where(url: str, **fields: str) -> Configuration:
    known = {
        "target": "127.0.0.1:1",
        "url": url,
        "region": "us-east-1",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "tls_ca": "",
    }
    return Configuration(**(known | fields))


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("key", ["a", "a folder/ü+%2F?&=~", "../x//y"])
def test_url_is_the_one_that_botocore_makes(monkeypatch: pytest.MonkeyPatch, method: str, key: str):
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    ours = presigned(where("http://127.0.0.1:4566"), method, "bucket", key, 60, NOW)

    request = AWSRequest(method, ours.split("?")[0])
    it = where("")
    S3SigV4QueryAuth(Credentials(it.access_key_id, it.secret_access_key), "s3", "us-east-1", 60).add_auth(request)

    assert parse_qsl(urlsplit(ours).query) == parse_qsl(urlsplit(request.url).query)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:80/", "http://localhost"),
        ("https://s3.example:443", "https://s3.example"),
        ("https://s3.example:80", "https://s3.example:80"),
        ("http://[::1]:4566", "http://[::1]:4566"),
    ],
)
def test_host_is_written_as_clients_send_it(url: str, host: str):
    assert presigned(where(url), "GET", "arn:aws:s3:::b", "k", 1, NOW).startswith(f"{host}/b/k?")


@pytest.mark.parametrize(
    ("method", "key", "expires"), [("POST", "k", 1), ("GET", "", 1), ("GET", "k", 0), ("GET", "k", 604_801)]
)
def test_what_cannot_be_signed_is_refused(method: str, key: str, expires: int):
    with pytest.raises(ValueError, match=r"must be|missing"):
        presigned(where("http://h"), method, "b", key, expires, NOW)


@pytest.mark.parametrize("url", ["", "localhost:4566", "ftp://h", "http://h/path"])
def test_endpoint_that_is_not_known_is_an_error(url: str):
    with pytest.raises(InvalidSetting, match="url"):
        presigned(where(url), "GET", "b", "k", 1, NOW)


def ask(url: str, method: str = "GET", body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, method=method, data=body)) as answer:
        content: bytes = answer.read()
        return content


def test_object_is_put_and_got_by_whoever_has_the_url(server: Server, name: str):
    with server.client() as client:
        bucket: Bucket = client.bucket(name, create=True)

        ask(bucket.presign("a folder/ü", "PUT", expires=60), "PUT", b"hello")

        assert ask(bucket.presign("a folder/ü")) == b"hello"
        assert bucket.get("a folder/ü") == b"hello"


def test_url_for_one_method_or_key_opens_no_other(server: Server, bucket: Bucket):
    bucket.put("k", "hello")
    url = bucket.presign("k")

    for wrong, method in ((url, "PUT"), (url.replace("/k?", "/other?"), "GET"), (url[:-1] + "g", "GET")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask(wrong, method, b"" if method == "PUT" else None)


def test_both_flavours_presign_without_waiting(server: Server, name: str):
    client: AsyncClient = server.async_client()

    assert client.bucket(name).presign("k").startswith(f"{server.url}/{name}/k?")
