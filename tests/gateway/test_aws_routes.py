"""Which operation a request to S3 means, and what it never means."""

from urllib.parse import parse_qsl

import pytest

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_routes import BucketRoutes, PathRoutes, level_of
from cumulo.object_store import aws_s3
from tests.gateway.botocore_side import generated

ROUTES = BucketRoutes(aws_s3.SERVICE)
COPY = {"x-amz-copy-source": "/b/k"}


def _route(method, target, headers=None):
    path, _, query = target.partition("?")
    bucket, _, key = path[1:].partition("/")
    operation = ROUTES.route(
        method,
        level_of(has_bucket=bool(bucket), has_key=bool(key)),
        query=parse_qsl(query, keep_blank_values=True),
        headers=headers or {},
    )
    return operation and operation.name


@pytest.mark.parametrize(
    ("method", "target", "headers", "name"),
    [
        ("GET", "/", {}, "ListBuckets"),
        ("GET", "/b", {}, "ListObjects"),
        ("GET", "/b?list-type=2&prefix=p", {}, "ListObjectsV2"),
        ("GET", "/b?list-type=1", {}, "ListObjects"),
        ("GET", "/b?unknown&x-id=ListObjects&id=5", {}, "ListObjects"),
        ("GET", "/b?uploads&prefix=p", {}, "ListMultipartUploads"),
        ("GET", "/b?versioning", {}, "GetBucketVersioning"),
        ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=a", {}, "GetBucketAnalyticsConfiguration"),
        ("PUT", "/b?analytics", {}, "PutBucketAnalyticsConfiguration"),
        ("PUT", "/b?lifecycle", {}, "PutBucketLifecycleConfiguration"),
        ("GET", "/b?notification=", {}, "GetBucketNotificationConfiguration"),
        ("POST", "/b?delete", {}, "DeleteObjects"),
        ("HEAD", "/b", {}, "HeadBucket"),
        ("GET", "/b/k?versionId=v&response-content-type=t", {}, "GetObject"),
        ("GET", "/b/k?partNumber=1", {}, "GetObject"),
        ("GET", "/b/k?uploadId=u", {}, "ListParts"),
        ("GET", "/b/k?attributes", {}, "GetObjectAttributes"),
        ("HEAD", "/b/k?partNumber=1", {}, "HeadObject"),
        ("PUT", "/b/k", {}, "PutObject"),
        ("PUT", "/b/k", COPY, "CopyObject"),
        ("PUT", "/b/k?uploadId=u&partNumber=1", {}, "UploadPart"),
        ("PUT", "/b/k?uploadId=u&partNumber=1", COPY, "UploadPartCopy"),
        ("PUT", "/b/k?tagging", COPY, "PutObjectTagging"),
        ("PUT", "/b/k?renameObject", {}, "RenameObject"),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload"),
        ("POST", "/b/k?select&select-type=2", {}, "SelectObjectContent"),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload"),
        ("DELETE", "/b/k?versionId=v", {}, "DeleteObject"),
    ],
)
def test_a_request_means_its_operation(method, target, headers, name):
    assert _route(method, target, headers) == name


@pytest.mark.parametrize("query", ["uploadId=u", "partNumber=1"])
def test_half_a_part_is_never_taken_for_a_whole_object(query):
    assert _route("PUT", f"/b/k?{query}") == "UploadPart"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("DELETE", "/b/k?policy"),
        ("DELETE", "/b?versions"),
        ("DELETE", "/b/k?acl"),
        ("PUT", "/b?location"),
        ("GET", "/b/k?versioning"),
        ("POST", "/b/k"),
        ("POST", "/b"),
        ("POST", "/"),
        ("DELETE", "/"),
        ("PATCH", "/b/k"),
    ],
)
def test_what_s3_does_not_have_is_no_operation(method, target):
    assert _route(method, target) is None


def test_two_sub_resources_conflict():
    with pytest.raises(ServiceError) as caught:
        _route("DELETE", "/b?policy&cors")

    assert caught.value.row.code == "InvalidArgument"
    assert caught.value.message == "Conflicting query string parameters: cors, policy."


@pytest.mark.parametrize(
    ("method", "path", "name", "labels"),
    [
        ("POST", "/v1/submitjob", "SubmitJob", {}),
        ("GET", "/v1/tags/arn%3Aaws%3Ax%2Fy%20z", "ListTagsForResource", {"resourceArn": "arn:aws:x/y z"}),
        ("DELETE", "/v1/tags/a", "UntagResource", {"resourceArn": "a"}),
    ],
)
def test_a_path_means_its_operation(method, path, name, labels):
    found = PathRoutes(generated("batch").SERVICE).route(method, path)

    assert found is not None
    assert (found[0].name, found[1]) == (name, labels)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1", "/v1/tags", "/v1/tags/", "/v1/tags/a/b", "/v1/tags/%ff", "/v2/submitjob"]
)
def test_a_path_that_fits_no_template_is_no_operation(path):
    assert PathRoutes(generated("batch").SERVICE).route("GET", path) is None
