"""Bodies over S3's REST API: in chunks, with trailers, in many parts at once, cut off; large ones come back whole."""

import base64
import hashlib
import io
import socket
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.object_store.aws_door import Door, door

__all__ = ["door"]

MIB = 1024 * 1024
BODY = bytes(range(256)) * 4 * 1024 * 12
"""12 MiB."""


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_stream_with_a_checksum(door: Door, algorithm: str) -> None:
    s3 = door.client()

    put = s3.put_object(Bucket="inbox", Key="key", Body=io.BytesIO(BODY[: 3 * MIB]), ChecksumAlgorithm=algorithm)

    assert s3.get_object(Bucket="inbox", Key="key")["Body"].read() == BODY[: 3 * MIB]
    head = s3.head_object(Bucket="inbox", Key="key", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    assert "ContentEncoding" not in head


def _chunked(door: Door, body: bytes, trailer: str, *, announced: str = "x-amz-checksum-crc32") -> tuple[int, str]:
    headers = {
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(body)),
        "x-amz-trailer": announced,
    }
    framed = f"{len(body):x}\r\n".encode() + body + f"\r\n0\r\n{trailer}\r\n\r\n".encode()
    answer = door.ask("PUT", "/inbox/key", headers, framed, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    return answer.status, "" if answer.status == 200 else answer.xml["Error"]["Code"]


def _crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def test_trailer_is_verified_and_kept(door: Door) -> None:
    assert _chunked(door, b"body", f"x-amz-checksum-crc32:{_crc32(b'body')}") == (200, "")

    answer = door.ask("HEAD", "/inbox/key", {"x-amz-checksum-mode": "ENABLED"})
    assert answer.headers["x-amz-checksum-crc32"] == _crc32(b"body")
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        (f"x-amz-checksum-crc32:{_crc32(b'other')}", "BadDigest"),
        ("x-amz-checksum-crc32:AAAA", "InvalidRequest"),
        (f"x-amz-checksum-sha1:{_crc32(b'body')}", "MalformedTrailerError"),
    ],
)
def test_trailer_that_does_not_hold_leaves_nothing(door: Door, trailer: str, code: str) -> None:
    assert _chunked(door, b"body", trailer) == (400, code)

    assert door.ask("HEAD", "/inbox/key").status == 404


def test_transfer_in_many_parts_at_once(door: Door) -> None:
    s3 = door.client()
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=3)

    s3.upload_fileobj(io.BytesIO(BODY), "inbox", "key", Config=config, ExtraArgs={"ContentType": "a/b"})
    into = io.BytesIO()
    s3.download_fileobj("inbox", "key", into, Config=config)

    assert hashlib.sha256(into.getvalue()).digest() == hashlib.sha256(BODY).digest()
    head = s3.head_object(Bucket="inbox", Key="key")
    assert (head["ContentLength"], head["ContentType"]) == (len(BODY), "a/b")
    assert head["ETag"].endswith('-3"')
    s3.copy({"Bucket": "inbox", "Key": "key"}, "inbox", "copy", Config=config)
    got = s3.get_object(Bucket="inbox", Key="copy", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert got["Body"].read() == BODY[5 * MIB - 2 : 5 * MIB + 2]


def test_body_that_is_cut_off_leaves_nothing(door: Door) -> None:
    url = door.client().generate_presigned_url("put_object", {"Bucket": "inbox", "Key": "key"})
    target = url.removeprefix(f"http://127.0.0.1:{door.port}")

    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as connection:
        head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{door.port}\r\nContent-Length: 100\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 50)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)

    assert door.ask("HEAD", "/inbox/key").status == 404


def test_presigned_urls_put_and_get(door: Door) -> None:
    s3 = door.client(signature_version="s3v4")
    here = f"http://127.0.0.1:{door.port}"
    where = {"Bucket": "inbox", "Key": "a b/ü"}
    put = s3.generate_presigned_url("put_object", where).removeprefix(here)
    get = s3.generate_presigned_url("get_object", where | {"ResponseContentType": "a/b"}).removeprefix(here)

    assert door.ask("PUT", put, body=b"body", key=None).status == 200

    answer = door.ask("GET", get, key=None)
    assert (answer.body, answer.headers["content-type"]) == (b"body", "a/b")
    assert door.ask("GET", get.replace("a%2Fb", "a%2Fc"), key=None).error[:2] == (403, "SignatureDoesNotMatch")


def test_bucket_of_another_account_is_not_written(door: Door) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        door.client("AKIAOTHER").put_object(Bucket="inbox", Key="key", Body=b"body")

    assert door.ask("HEAD", "/inbox/key").status == 404
