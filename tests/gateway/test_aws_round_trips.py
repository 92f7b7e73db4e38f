"""What botocore writes we read, and what we write botocore reads: any operation, any values of its model."""

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cumulo.gateway import aws_codec
from cumulo.gateway.aws_model import OperationModel
from cumulo.gateway.aws_routes import BucketRoutes, PathRoutes, level_of
from cumulo.gateway.aws_shapes import payload_member
from cumulo.identity import aws_iam, aws_sts
from cumulo.object_store import aws_s3
from cumulo.queue_service import aws_sns, aws_sqs
from tests.gateway import botocore_side
from tests.gateway.botocore_side import generated

CASES = {
    "sqs": (lambda: aws_sqs, "json"),
    "sns": (lambda: aws_sns, "query"),
    "iam": (lambda: aws_iam, "query"),
    "sts": (lambda: aws_sts, "query"),
    "s3": (lambda: aws_s3, "rest-xml"),
    "batch": (lambda: generated("batch"), "rest-json"),
    "logs": (lambda: generated("logs"), "json"),
    "cloudwatch-json": (lambda: generated("cloudwatch"), "json"),
    "cloudwatch-query": (lambda: generated("cloudwatch"), "query"),
    "cloudwatch-cbor": (lambda: generated("cloudwatch"), "smithy-rpc-v2-cbor"),
}
EXAMPLES = 50
"""Of each service and direction in a run; runs differ by their seed, `HYPOTHESIS_PROFILE=thorough` takes more."""


def _case(name):
    load, protocol = CASES[name]
    return load().SERVICE, protocol, botocore_side.service_model(name.partition("-")[0])


def _operations(service, part):
    return st.sampled_from(sorted(name for name, it in service.operations.items() if part(it)))


def _is_routed(operation):
    """Say whether a request means this operation; S3 keeps two of the same form on hosts of their own."""
    return not operation.deprecated and operation.name not in {"ListDirectoryBuckets", "WriteGetObjectResponse"}


@pytest.mark.parametrize("name", CASES)
def test_what_botocore_sends_decodes_to_the_values_it_was_given(name):
    service, protocol, model = _case(name)

    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def run(data):
        operation = service.operations[data.draw(_operations(service, _is_routed))]
        shape = model.operation_model(operation.name).input_shape
        plain = {} if shape is None else data.draw(botocore_side.values(shape))
        assume(protocol != "query" or not botocore_side.empty_parts(plain))
        method, path, head, body = botocore_side.request_of(protocol, plain, model.operation_model(operation.name))

        payload = payload_member(operation.input)
        assume(payload is None or payload.shape.kind == "structure" or body)  # an empty text is no payload

        routed: OperationModel | None = operation
        if protocol == "rest-json":
            found = PathRoutes(service).route(method, path)
            assert found is not None
            routed, labels = found
            head = msgspec.structs.replace(head, labels=labels)
        elif protocol == "rest-xml":
            routed = BucketRoutes(service).route(
                method,
                level_of(has_bucket="Bucket" in head.labels, has_key="Key" in head.labels),
                query=head.query,
                headers=head.headers,
            )
        decoded = aws_codec.decode(operation, protocol, head, body)

        assert decoded == botocore_side.structure_of(operation.input, plain)
        assert routed is operation

    run()


@pytest.mark.parametrize("name", CASES)
def test_what_we_answer_parses_to_the_values_that_were_given(name):
    service, protocol, model = _case(name)

    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def run(data):
        operation = service.operations[
            data.draw(_operations(service, lambda it: not it.unwrapped and not it.deprecated))
        ]
        shape = model.operation_model(operation.name).output_shape
        plain = {} if shape is None else data.draw(botocore_side.values(shape))

        output = botocore_side.structure_of(operation.output, plain) if shape else None
        encoded = aws_codec.encode(service, operation, protocol, output, "request-1")

        # botocore takes a text payload that is not there for an empty one, and the other way round
        no_payload = payload_member(operation.output) is not None and not encoded.body
        if shape is not None and not operation.output_stream and not no_payload:
            result = botocore_side.parsed(protocol, encoded, model.operation_model(operation.name))
            assert result == botocore_side.without_empty(plain)

    run()


def test_every_answer_of_s3_with_members_in_its_body_has_a_root():
    _, _, model = _case("s3")
    rootless = []
    for name, operation in aws_s3.SERVICE.operations.items():
        shape = model.operation_model(name).output_shape
        if shape is None or "payload" in shape.serialization:
            continue
        in_body = [member for member in shape.members.values() if "location" not in member.serialization]
        if in_body and not operation.output_root:
            rootless.append(name)

    assert rootless == []
