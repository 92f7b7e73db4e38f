"""The parsers that read what strangers send, each as a function of bytes for a fuzzer.

A target returns, or raises what nobody may see: every refusal of the catalogue is caught here, so whatever comes out is
a bug. `SEEDS` are inputs that reach deep.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from cumulo.core.errors import ServiceError
from cumulo.gateway import addressing, aws_cbor, aws_chunked, aws_codec, aws_json, aws_query, canonical, http_head
from cumulo.gateway.aws_model import MalformedInput, MissingMember, RequestHead
from cumulo.gateway.http1 import Request, WholeBody
from cumulo.gateway.http_body import ChunkDecoder
from cumulo.gateway.http_head import Refused
from cumulo.gateway.post_form import read_post_form
from cumulo.gateway.post_policy import read_policy
from cumulo.gateway.presented import read_signature
from cumulo.gateway.signature_errors import SignatureError
from cumulo.identity.aws_iam import SERVICE as IAM
from cumulo.identity.policy.document import DocumentKind, parse_policy
from cumulo.identity.policy.malformed import MalformedPolicy
from cumulo.object_store import edge_documents, replication_rules
from cumulo.object_store.aws_s3 import SERVICE as S3
from cumulo.object_store.configuration_model import Configuration
from cumulo.object_store.configurations import OBJECT_LOCK, REPLICATION, check_configuration, encoded
from cumulo.object_store.edge_aws_locks import bucket_lock_of
from cumulo.object_store.edge_aws_multipart import completed_parts
from cumulo.object_store.edge_aws_objects import delete_entries
from cumulo.queue_service.aws_sqs import SERVICE as SQS

EXPECTED: tuple[type[Exception], ...] = (
    ServiceError,
    SignatureError,
    MalformedInput,
    MissingMember,
    MalformedPolicy,
    Refused,
)
Target = Callable[[bytes], object]

_DOCUMENTS = ("DeleteObjects", "CompleteMultipartUpload", "PutBucketNotificationConfiguration", "PutObjectTagging")
_HEAD = RequestHead({"Bucket": "bucket", "Key": "key"}, (("uploadId", "x"),), {})


def _request(method: str, target: str, lines: tuple[tuple[str, str], ...], body: bytes = b"") -> Request:
    return Request(
        method=method,
        target=target,
        headers=dict(lines),
        header_lines=lines,
        peer="127.0.0.1",
        secure=False,
        body=WholeBody(body),
    )


def _each(*readers: Callable[[], object]) -> None:
    """Read by each reader; raises the first refusal where all refuse."""
    refusals = []
    for reader in readers:
        try:
            reader()
        except EXPECTED as refusal:
            refusals.append(refusal)
    if len(refusals) == len(readers):
        raise refusals[0]


def _json(data: bytes) -> None:
    _each(*[partial(aws_json.decode, SQS.operations[name], data) for name in ("SendMessageBatch", "CreateQueue")])


def _query(data: bytes) -> None:
    operations = SQS.operations["SendMessageBatch"], IAM.operations["TagUser"]
    _each(*[partial(aws_query.decode, operation, RequestHead(), data) for operation in operations])


def _xml(data: bytes) -> None:
    _each(*[partial(aws_codec.decode, S3.operations[name], "rest-xml", _HEAD, data) for name in _DOCUMENTS])


def _of_s3(operation: str, data: bytes) -> Any:
    return aws_codec.decode(S3.operations[operation], "rest-xml", _HEAD, data)


def _kept(kind: str, value: Configuration) -> None:
    """Hold a configuration to what a write does with it, and to being given back as it was taken."""
    check_configuration("bucket", kind, value)
    encoded(value)
    assert edge_documents.parsed(kind, edge_documents.document(value)) == value, "what is given back is what was taken"


def _locks(data: bytes) -> None:
    _each(
        lambda: _of_s3("PutObjectRetention", data),
        lambda: _of_s3("PutObjectLegalHold", data),
        lambda: _kept(OBJECT_LOCK, bucket_lock_of(_of_s3("PutObjectLockConfiguration", data).ObjectLockConfiguration)),
    )


def _replication(data: bytes) -> None:
    said = _of_s3("PutBucketReplication", data).ReplicationConfiguration
    _kept(REPLICATION, said)
    _kept(REPLICATION, replication_rules.named(said))
    replication_rules.destinations(said)


def _deletes(data: bytes) -> None:
    delete_entries(_of_s3("DeleteObjects", data).Delete, bypasses_governance=False)


def _completion(data: bytes) -> None:
    completed_parts(_of_s3("CompleteMultipartUpload", data).MultipartUpload)


def _cbor(data: bytes) -> None:
    aws_cbor.decode(SQS.operations["SendMessageBatch"], data)


async def _all(pieces: AsyncIterator[memoryview]) -> int:
    return sum([len(piece) async for piece in pieces])


def _aws_chunks(data: bytes) -> None:
    names = frozenset({"x-amz-checksum-crc32"})
    asyncio.run(_all(aws_chunked.ChunkedDecoder(WholeBody(data), 5, names, None).pieces()))


def _transfer_chunks(data: bytes) -> None:
    whole, cut = ChunkDecoder(), ChunkDecoder()
    expected = whole.decode(data)
    content, rest = b"", b""
    for at in range(len(data)):
        piece, rest = cut.decode(rest + data[at : at + 1]) if not cut.ended else (b"", rest + data[at : at + 1])
        content += piece
    assert content == expected[0], "a body means the same however it arrives"


def _form(data: bytes) -> None:
    lines = (("content-type", "multipart/form-data; boundary=b"),)

    async def read() -> None:
        form = await read_post_form(_request("POST", "/bucket", lines, data))
        await _all(form.file)

    asyncio.run(read())


def _head(data: bytes) -> None:
    size = http_head.find_head(data)
    if size:
        http_head.read_head(data[:size])


def _signature(data: bytes) -> None:
    text = data.decode("latin-1")
    requests = (
        _request("GET", "/", (("authorization", text), ("x-amz-date", "20240102T030405Z"))),
        _request("GET", "/", (("authorization", "AWS4-HMAC-SHA256 " + text), ("date", text))),
        _request("GET", "/?" + text, ()),
    )
    _each(*[partial(read_signature, request) for request in requests])


def _target(data: bytes) -> None:
    path, _, query = data.decode("latin-1").partition("?")
    addressing.decoded_query(query)
    addressing.s3_address("bucket.s3.localhost", "/" + path, ("s3.localhost",))
    once = canonical.s3_path("/" + path)
    assert canonical.s3_path(once) == once, "what is canonical stays so"


def _policy(data: bytes) -> None:
    parse_policy(data.decode("utf-8", "surrogateescape"), DocumentKind.BUCKET)


TARGETS: Mapping[str, Target] = {
    "json": _json,
    "query": _query,
    "xml": _xml,
    "locks": _locks,
    "replication": _replication,
    "deletes": _deletes,
    "completion": _completion,
    "cbor": _cbor,
    "aws_chunks": _aws_chunks,
    "transfer_chunks": _transfer_chunks,
    "form": _form,
    "post_policy": lambda data: read_policy(data.decode("latin-1")),
    "policy": _policy,
    "signature": _signature,
    "target": _target,
    "head": _head,
}

_FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
)
_POLICY = (
    b'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*",'
    b'"Resource":"arn:aws:s3:::b/*"}]}'
)
_BUCKET_LOCK = (
    b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
    b"<Mode>COMPLIANCE</Mode><Days>7</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
)
_REPLICATION = (
    b"<ReplicationConfiguration><Role>arn:aws:iam::000000000000:role/r</Role><Rule><ID>a</ID><Priority>1</Priority>"
    b"<Filter><And><Prefix>p/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status>"
    b"<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination>"
    b"<Bucket>arn:aws:s3:::other</Bucket><StorageClass>STANDARD_IA</StorageClass></Destination></Rule>"
    b"</ReplicationConfiguration>"
)
SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "json": (b'{"QueueUrl":"u","Entries":[{"Id":"a","MessageBody":"b"}]}', b'{"QueueName":"a","tags":{"a":"b"}}'),
    "query": (
        b"QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a",
        b"UserName=a&Tags.member.1.Key=k&Tags.member.1.Value=v",
    ),
    "xml": (
        b"<Delete><Object><Key>k</Key></Object></Delete>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
        b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
    ),
    "locks": (
        _BUCKET_LOCK,
        b"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>",
        b"<LegalHold><Status>ON</Status></LegalHold>",
    ),
    "replication": (_REPLICATION,),
    "deletes": (
        (
            b"<Delete><Quiet>true</Quiet><Object><Key>k</Key><VersionId>null</VersionId></Object>"
            b"<Object><Key>l</Key><ETag>x</ETag><Size>1</Size>"
            b"<LastModifiedTime>Tue, 02 Jan 2024 03:04:05 GMT</LastModifiedTime></Object></Delete>"
        ),
    ),
    "completion": (
        (
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;x&quot;</ETag></Part><Part>"
            b"<PartNumber>2</PartNumber><ETag>y</ETag><ChecksumCRC32>NhCmhg==</ChecksumCRC32></Part>"
            b"</CompleteMultipartUpload>"
        ),
    ),
    "cbor": (b"\xa2\x68QueueUrl\x61u\x67Entries\x81\xa2\x62Id\x61a\x6bMessageBody\x61b", b"\xc1\xfb" + b"\x41" * 8),
    "aws_chunks": (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",),
    "transfer_chunks": (b"5\r\nhello\r\n0\r\n\r\n", b"a;b=c\r\n0123456789\r\n0\r\nx: y\r\n\r\n"),
    "form": (_FORM,),
    "post_policy": (b"eyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQwMDowMDowMFoiLCJjb25kaXRpb25zIjpbXX0=",),
    "policy": (_POLICY,),
    "signature": (
        b"AWS4-HMAC-SHA256 Credential=A/20240102/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
        b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20240102%2Fr%2Fs3%2Faws4_request&X-Amz-Date=x",
    ),
    "target": (b"a/b%2Fc?x=%20&y", b"../%2e%2e/%00"),
    "head": (b"GET /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n",),
}


def run(name: str, data: bytes) -> None:
    """Give some bytes to a target; raises only where there is a bug."""
    with contextlib.suppress(*EXPECTED):
        TARGETS[name](data)
