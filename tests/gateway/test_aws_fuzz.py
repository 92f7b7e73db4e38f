"""Whatever bytes come, a decoder gives a structure or says what was wrong: nothing else escapes it."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cumulo.gateway import aws_codec
from cumulo.gateway.aws_model import MalformedInput, MissingMember, RequestHead, Structure
from cumulo.identity import aws_iam
from cumulo.object_store import aws_s3
from cumulo.queue_service import aws_sqs
from tests.gateway.botocore_side import generated

HEAD = RequestHead(labels={"Bucket": "b", "Key": "k"}, headers={"content-length": "1"})
SEEDS = {
    "json": (
        lambda: aws_sqs.OPERATIONS["SendMessageBatch"],
        (
            b'{"QueueUrl":"http://h/q","Entries":[{"Id":"1","MessageBody":"a:\\u003a","DelaySeconds":1,"MessageAttributes":'
            b'{"n":{"DataType":"Binary","BinaryValue":"YQ=="}}},{"Id":"2","MessageBody":"{}"}],"Unknown":[1e5,null,true]}'
        ),
    ),
    "query": (
        lambda: aws_iam.OPERATIONS["CreateRole"],
        (
            b"Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D&MaxSessionDuration=5&Tags.member.1.Key=a"
            b"&Tags.member.1.Value=b&Tags.member.2.Key=c+d&Tags.member.2.Value=%C3%A9"
        ),
    ),
    "rest-xml": (
        lambda: aws_s3.OPERATIONS["PutBucketLifecycleConfiguration"],
        (
            b'<?xml version="1.0"?><LifecycleConfiguration xmlns="http://x/"><Rule><ID>a</ID><Status>Enabled</Status><Filter>'
            b"<And><Prefix>p&amp;</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Expiration><Days>5</Days>"
            b"<Date>2026-01-01T00:00:00Z</Date></Expiration></Rule><!-- c --></LifecycleConfiguration>"
        ),
    ),
    "rest-json": (
        lambda: generated("batch").OPERATIONS["SubmitJob"],
        b'{"jobName":"j","jobQueue":"q","jobDefinition":"d","arrayProperties":{"size":5},"parameters":{"a":"b"}}',
    ),
    "smithy-rpc-v2-cbor": (
        lambda: generated("cloudwatch").OPERATIONS["PutMetricData"],
        (
            b"\xa2\x69Namespace\x61n\x6aMetricData\x81\xa3\x6aMetricName\x61m\x65Value\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00"
            b"\x69Timestamp\xc1\x1a\x60\x00\x00\x00"
        ),
    ),
}


@st.composite
def _mutated(draw, seed: bytes):
    """Return a document with up to four pieces cut out, doubled or overwritten."""
    document = seed
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(document)))
        end = draw(st.integers(begin, min(begin + 20, len(document))))
        piece = draw(st.one_of(st.just(b""), st.just(document[begin:end] * 2), st.binary(max_size=6)))
        document = document[:begin] + piece + document[end:]
    return document


@pytest.mark.parametrize("protocol", SEEDS)
def test_any_bytes_decode_or_are_refused(protocol):
    load, seed = SEEDS[protocol]
    operation = load()

    @settings(max_examples=200)
    @given(st.one_of(_mutated(seed), st.binary(max_size=40)))
    @example(seed)
    def run(document):
        try:
            decoded = aws_codec.decode(operation, protocol, HEAD, document)
        except (MalformedInput, MissingMember):
            assert document != seed
        else:
            assert isinstance(decoded, Structure)

    run()
