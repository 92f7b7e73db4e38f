"""Access control lists and expected owners over S3's REST API, as boto3 with several accounts and as bytes."""

import json
from typing import Any

import botocore
import pytest
from botocore.client import ClientError

from cumulo.identity.principal_model import canonical_id
from cumulo.object_store.edge_aws import edge
from tests.object_store.aws_door import ACCOUNT, OTHER_ACCOUNT, Door, door

__all__ = ["door"]

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
OWN, OTHER = canonical_id(ACCOUNT), canonical_id(OTHER_ACCOUNT)


GRANTEE = '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">'


def listed(owner: str, grants: str) -> str:
    """Return a list as a document."""
    return (
        f"<AccessControlPolicy><Owner><ID>{owner}</ID></Owner><AccessControlList>{grants}</AccessControlList>"
        "</AccessControlPolicy>"
    )


def refused(call: Any, **members: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.fixture
def lists(door: Door) -> Door:
    """The door of a server whose bucket `lists` lets them act, and be public."""
    door.run(door.stand.account(OTHER_ACCOUNT, "Other & Co", "other@example.com"))
    s3 = door.client()
    s3.create_bucket(Bucket="lists", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="lists")
    return door


def grants(acl: dict[str, Any]) -> set[tuple[str, str]]:
    return {(it["Grantee"].get("ID") or it["Grantee"]["URI"], it["Permission"]) for it in acl["Grants"]}


def test_canned_lists_are_shown_as_their_grants(lists: Door) -> None:
    s3 = lists.client()
    s3.put_object(Bucket="lists", Key="k", Body=b"body", ACL="public-read")
    s3.put_bucket_acl(Bucket="lists", ACL="log-delivery-write")

    found = s3.get_object_acl(Bucket="lists", Key="k")
    assert found["Owner"]["ID"] == OWN
    assert grants(found) == {(OWN, "FULL_CONTROL"), (ALL_USERS, "READ")}
    log_delivery = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    assert grants(s3.get_bucket_acl(Bucket="lists")) == {
        (OWN, "FULL_CONTROL"),
        (log_delivery, "WRITE"),
        (log_delivery, "READ_ACP"),
    }


def test_listings_name_the_owner_of_each_object(lists: Door) -> None:
    s3, other = lists.client(), lists.client("AKIAOTHER")
    s3.put_bucket_acl(Bucket="lists", GrantWrite=f'id="{OTHER}"')
    s3.put_bucket_versioning(Bucket="lists", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="lists", Key="a", Body=b"1")
    s3.put_object(Bucket="lists", Key="b/own", Body=b"1", ACL="public-read")
    other.put_object(Bucket="lists", Key="b/theirs", Body=b"1")
    other.put_object(Bucket="lists", Key="c", Body=b"1", StorageClass="STANDARD_IA")
    expected = [("a", OWN), ("b/own", OWN), ("b/theirs", OTHER), ("c", OTHER)]

    def owners(found: dict[str, Any], name: str = "Contents") -> list[tuple[str, str]]:
        return [(it["Key"], it["Owner"]["ID"]) for it in found[name]]

    assert owners(s3.list_objects(Bucket="lists")) == expected
    assert owners(s3.list_objects_v2(Bucket="lists", FetchOwner=True)) == expected
    assert owners(s3.list_objects_v2(Bucket="lists", FetchOwner=True, Delimiter="/")) == [("a", OWN), ("c", OTHER)]
    assert owners(s3.list_object_versions(Bucket="lists"), "Versions") == expected
    assert all("Owner" not in it for it in s3.list_objects_v2(Bucket="lists")["Contents"])
    s3.put_bucket_acl(Bucket="lists", ACL="private")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket="lists", OwnershipControls=enforced)
    assert {owner for _, owner in owners(s3.list_objects(Bucket="lists"))} == {OWN}


def test_grants_by_header_reach_the_accounts_that_they_name(lists: Door) -> None:
    s3, other = lists.client(), lists.client("AKIAOTHER")
    s3.put_object(
        Bucket="lists",
        Key="k",
        Body=b"body",
        GrantRead=f'id="{OTHER}"',
        GrantReadACP='emailAddress="OTHER@example.com"',
    )

    assert other.get_object(Bucket="lists", Key="k")["Body"].read() == b"body"
    found = other.get_object_acl(Bucket="lists", Key="k")
    assert [it["Grantee"].get("DisplayName") for it in found["Grants"]] == ["Other & Co", "Other & Co"]
    assert refused(other.put_object_acl, Bucket="lists", Key="k", ACL="private") == (403, "AccessDenied")


def test_a_document_of_grants_replaces_the_list(lists: Door) -> None:
    s3, other = lists.client(), lists.client("AKIAOTHER")
    grantee = {"Type": "AmazonCustomerByEmail", "EmailAddress": "other@example.com"}
    policy = {"Owner": {"ID": OWN}, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}

    s3.put_bucket_acl(Bucket="lists", AccessControlPolicy=policy)

    assert grants(other.get_bucket_acl(Bucket="lists")) == {(OTHER, "FULL_CONTROL")}
    other.put_object(Bucket="lists", Key="theirs", Body=b"1")
    assert refused(s3.get_object, Bucket="lists", Key="theirs") == (403, "AccessDenied")
    s3.delete_object(Bucket="lists", Key="theirs")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<AccessControlPolicy><AccessControlList/></AccessControlPolicy>", "MalformedACLError"),
        (listed(OWN, "<Grant><Permission>READ</Permission></Grant>"), "MalformedACLError"),
        (
            listed(OWN, f"<Grant>{GRANTEE}<URI>urn:friends</URI></Grantee><Permission>READ</Permission></Grant>"),
            "InvalidArgument",
        ),
        (
            listed(OWN, f"<Grant>{GRANTEE}<URI>{ALL_USERS}</URI></Grantee><Permission>ALL</Permission></Grant>"),
            "MalformedACLError",
        ),
        (listed(OTHER, ""), "AccessDenied"),
        ("<AccessControlPolicy>", "MalformedXML"),
        ("", "MissingSecurityHeader"),
        (
            listed(
                OWN, f"<Grant>{GRANTEE}<URI>{ALL_USERS}</URI></Grantee><Permission>READ</Permission></Grant>"
            ).replace('type="', 'type="un'),
            "MalformedACLError",
        ),
    ],
)
def test_a_document_that_is_no_list_of_the_owner_is_refused(lists: Door, document: str, code: str) -> None:
    answer = lists.ask("PUT", "/lists?acl", body=document.encode())

    assert answer.error[1] == code


def test_a_document_beside_a_header_is_refused(lists: Door) -> None:
    answer = lists.ask("PUT", "/lists?acl", {"x-amz-acl": "private"}, listed(OWN, "").encode())

    assert answer.error[:2] == (400, "UnexpectedContent")


@pytest.mark.parametrize("target", ["/lists?acl", "/lists/k?acl"])
def test_a_list_that_is_nowhere_is_missed_by_its_header(lists: Door, target: str) -> None:
    lists.client().put_object(Bucket="lists", Key="k")
    answer = lists.ask("PUT", target)

    assert answer.error == (400, "MissingSecurityHeader", "Your request was missing a required header")
    assert answer.xml["Error"]["MissingHeaderName"] == "x-amz-acl"


def test_a_header_that_grants_nothing_leaves_the_list_as_it_is(lists: Door) -> None:
    answer = lists.ask("PUT", "/lists?acl", {"x-amz-grant-read": ""})

    assert answer.error == (400, "MissingSecurityHeader", "Your request was missing a required header")
    assert grants(lists.client().get_bucket_acl(Bucket="lists")) == {(OWN, "FULL_CONTROL")}


def test_a_canned_list_beside_grants_is_refused_whatever_they_say(lists: Door) -> None:
    answer = lists.ask("PUT", "/lists?acl", {"x-amz-acl": "private", "x-amz-grant-read": "somebody"})

    assert answer.error == (400, "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")


def test_a_public_object_is_read_without_a_signature_and_a_private_one_is_not(lists: Door) -> None:
    s3 = lists.client()
    s3.put_object(Bucket="lists", Key="open", Body=b"body", ACL="public-read")
    s3.put_object(Bucket="lists", Key="shut", Body=b"body")

    assert lists.ask("GET", "/lists/open", key=None).body == b"body"
    assert lists.ask("GET", "/lists/shut", key=None).error[:2] == (403, "AccessDenied")
    # 404 is for those who may list.
    assert lists.ask("GET", "/lists/gone", key=None).error[:2] == (403, "AccessDenied")
    s3.put_bucket_acl(Bucket="lists", ACL="public-read")
    assert lists.ask("GET", "/lists/gone", key=None).error[:2] == (404, "NoSuchKey")


def test_a_copy_needs_the_right_to_read_its_source(lists: Door) -> None:
    s3, other = lists.client(), lists.client("AKIAOTHER")
    s3.put_bucket_acl(Bucket="lists", ACL="public-read-write")
    s3.put_object(Bucket="lists", Key="open", Body=b"1", ACL="public-read")
    s3.put_object(Bucket="lists", Key="shut", Body=b"2")

    other.copy_object(Bucket="lists", Key="copy", CopySource="lists/open", ACL="public-read")

    assert refused(other.copy_object, Bucket="lists", Key="copy", CopySource="lists/shut") == (403, "AccessDenied")
    assert other.get_object_acl(Bucket="lists", Key="copy")["Owner"]["ID"] == OTHER


def test_cross_account_access_needs_both_sides(door: Door) -> None:
    s3, other = door.client(), door.client("AKIAOTHER")
    s3.put_object(Bucket="inbox", Key="k", Body=b"body")
    assert refused(other.get_object, Bucket="inbox", Key="k") == (403, "AccessDenied")

    allow = {"Effect": "Allow", "Principal": {"AWS": OTHER_ACCOUNT}, "Action": "s3:*"}
    allow["Resource"] = ["arn:aws:s3:::inbox", "arn:aws:s3:::inbox/*"]
    s3.put_bucket_policy(Bucket="inbox", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))

    assert other.get_object(Bucket="inbox", Key="k")["Body"].read() == b"body"
    other.put_object(Bucket="inbox", Key="theirs", Body=b"1")
    assert s3.get_object_acl(Bucket="inbox", Key="theirs")["Owner"]["ID"] == OWN


def test_policies_ask_for_the_tags_of_what_is_stored(door: Door) -> None:
    s3, other = door.client(), door.client("AKIAOTHER")
    s3.put_object(Bucket="inbox", Key="open", Body=b"1", Tagging="Class=open")
    s3.put_object(Bucket="inbox", Key="shut", Body=b"2", Tagging="Class=shut")
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER_ACCOUNT},
        "Action": ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"],
        "Resource": "arn:aws:s3:::inbox/*",
        "Condition": {"StringEquals": {"s3:ExistingObjectTag/class": "open"}},
    }
    s3.put_bucket_policy(Bucket="inbox", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))

    assert other.get_object(Bucket="inbox", Key="open")["Body"].read() == b"1"
    assert other.get_object_tagging(Bucket="inbox", Key="open")["TagSet"] == [{"Key": "Class", "Value": "open"}]
    for call in (other.get_object, other.head_object, other.get_object_tagging):
        assert refused(call, Bucket="inbox", Key="shut")[0] == 403
    tags = {"TagSet": [{"Key": "Class", "Value": "open"}]}
    assert refused(other.put_object_tagging, Bucket="inbox", Key="shut", Tagging=tags) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("condition", "allowed", "denied"),
    [
        ({"StringEquals": {"s3:authType": "REST-HEADER"}}, {}, None),
        ({"NumericLessThan": {"s3:signatureAge": "60000"}}, {}, None),
        ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, {}, None),
        ({"StringEquals": {"s3:ResourceAccount": ACCOUNT}}, {}, None),
        ({"Null": {"s3:TlsVersion": "true"}}, {}, None),
        ({"StringLike": {"aws:Referer": "https://example.com/*"}}, {"referer": "https://example.com/a"}, {}),
        ({"StringEquals": {"s3:if-none-match": "*"}}, {"if-none-match": "*"}, {}),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}, None),
        ({"StringEquals": {"s3:x-amz-storage-class": "GLACIER"}}, {"x-amz-storage-class": "GLACIER"}, {}),
        (
            {"StringEquals": {"s3:x-amz-website-redirect-location": "/a"}},
            {"x-amz-website-redirect-location": "/a"},
            {"x-amz-website-redirect-location": "/b"},
        ),
        ({"StringEquals": {"s3:RequestObjectTag/a": "1"}}, {"x-amz-tagging": "a=1"}, {"x-amz-tagging": "a=2"}),
    ],
)
def test_policies_ask_how_a_write_came_and_what_it_says(
    door: Door, condition: dict[str, Any], allowed: dict[str, str], denied: dict[str, str] | None
) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER_ACCOUNT},
        "Action": ["s3:PutObject", "s3:PutObjectTagging"],
        "Resource": "arn:aws:s3:::inbox/*",
        "Condition": condition,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    door.client().put_bucket_policy(Bucket="inbox", Policy=policy)

    assert door.ask("PUT", "/inbox/k", allowed, b"body", key="AKIAOTHER").status == 200
    if denied is not None:
        assert door.ask("PUT", "/inbox/other", denied, b"body", key="AKIAOTHER").error[:2] == (
            403,
            "AccessDenied",
        )


def test_a_policy_asks_for_the_directive_that_a_copy_names(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"body")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::inbox/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-metadata-directive": "COPY"}},
    }
    s3.put_bucket_policy(Bucket="inbox", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))

    s3.copy_object(Bucket="inbox", Key="new", CopySource="inbox/k", MetadataDirective="COPY")

    assert refused(s3.copy_object, Bucket="inbox", Key="new", CopySource="inbox/k") == (403, "AccessDenied")


def test_whether_a_bucket_is_public_is_told_of_policy_and_list(lists: Door) -> None:
    s3 = lists.client()
    assert refused(s3.get_bucket_policy_status, Bucket="inbox") == (404, "NoSuchBucketPolicy")
    assert not s3.get_bucket_policy_status(Bucket="lists")["PolicyStatus"]["IsPublic"]

    s3.put_bucket_acl(Bucket="lists", ACL="authenticated-read")

    assert s3.get_bucket_policy_status(Bucket="lists")["PolicyStatus"]["IsPublic"]


def _bucket_calls() -> list[str]:
    """Return the operations on a bucket or an object that S3's edge answers, as boto3 calls them."""
    service = botocore.session.get_session().get_service_model("s3")
    offered = edge(object.__new__(_Unused)).handlers  # type: ignore[arg-type]
    found = []
    for name in service.operation_names:
        shape = service.operation_model(name).input_shape
        if name in offered and shape is not None and "ExpectedBucketOwner" in shape.members:
            found.append(name)
    return sorted(found)


class _Unused:
    """Stands for a service that no call reaches."""


def test_a_bucket_of_another_than_the_expected_owner_is_refused_by_every_operation(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"body")
    answers = {}
    for name in _bucket_calls():
        shape = s3.meta.service_model.operation_model(name).input_shape
        members = _least(shape) | {"Bucket": "inbox", "ExpectedBucketOwner": OTHER_ACCOUNT}
        if "Key" in shape.members:
            members["Key"] = "k"
        answers[name] = refused(getattr(s3, botocore.xform_name(name)), **members)[0]

    assert {name: status for name, status in answers.items() if status != 403} == {}
    assert len(answers) > 70


def _least(shape: Any) -> dict[str, Any]:
    """Return the members that a shape requires, with values that are well-formed."""
    return {name: _value(shape.members[name]) for name in shape.required_members}


def _value(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return _least(shape)
        case "list":
            return [_value(shape.member)]
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "timestamp":
            return 0
        case "blob":
            return b""
    return shape.enum[0] if shape.enum else "inbox/k" if shape.name == "CopySource" else "x"


def test_who_began_an_upload_in_the_bucket_of_others_may_list_its_parts_and_abort_it(lists: Door) -> None:
    s3, other = lists.client(), lists.client("AKIAOTHER")
    s3.put_bucket_acl(Bucket="lists", ACL="public-read-write")
    mine, theirs = (
        {"Bucket": "lists", "Key": "k", "UploadId": one.create_multipart_upload(Bucket="lists", Key="k")["UploadId"]}
        for one in (other, s3)
    )
    other.upload_part(**mine, PartNumber=1, Body=b"body")

    assert [part["Size"] for part in other.list_parts(**mine)["Parts"]] == [4]
    assert refused(other.list_parts, **theirs) == (403, "AccessDenied")
    assert refused(other.abort_multipart_upload, **theirs) == (403, "AccessDenied")
    other.abort_multipart_upload(**mine)
    assert [upload["UploadId"] for upload in s3.list_multipart_uploads(Bucket="lists")["Uploads"]] == [
        theirs["UploadId"]
    ]


@pytest.mark.parametrize(
    ("owner", "grantee", "argument"),
    [
        (OWN, {"Type": "Group", "URI": "urn:friends"}, ("Group/URI", "urn:friends", "Invalid group uri")),
        (OWN, {"Type": "CanonicalUser", "ID": "nobody"}, ("CanonicalUser/ID", "nobody", "Invalid id")),
        ("nobody", {"Type": "CanonicalUser", "ID": OWN}, ("CanonicalUser/ID", "nobody", "Invalid id")),
    ],
)
def test_a_document_is_refused_by_the_name_of_who_is_unknown(
    lists: Door, owner: str, grantee: dict[str, str], argument: tuple[str, str, str]
) -> None:
    policy = {"Owner": {"ID": owner}, "Grants": [{"Grantee": grantee, "Permission": "READ"}]}

    for bucket in ("lists", "inbox"):  # where lists act, and where they are off
        with pytest.raises(ClientError) as error:
            lists.client().put_bucket_acl(Bucket=bucket, AccessControlPolicy=policy)

        said = error.value.response["Error"]
        assert (said["Code"], said["ArgumentName"], said["ArgumentValue"], said["Message"]) == (
            "InvalidArgument",
            *argument,
        )


@pytest.mark.parametrize(
    ("grant", "argument"),
    [
        ('uri="urn:friends"', ("uri", "urn:friends", "Invalid group uri")),
        ('id="nobody"', ("id", "nobody", "Invalid id")),
        ('friend="a"', ("x-amz-grant-read", 'friend="a"', "Argument format not recognized")),
    ],
)
def test_a_header_is_refused_by_the_name_of_who_is_unknown(
    lists: Door, grant: str, argument: tuple[str, str, str]
) -> None:
    error = lists.ask("PUT", "/lists?acl", {"x-amz-grant-read": grant}).xml["Error"]

    assert (error["ArgumentName"], error["ArgumentValue"], error["Message"]) == argument
