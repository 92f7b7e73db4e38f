"""S3's documents: what a hostile one cannot do, and what an answer looks like to the letter."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.gateway import aws_codec
from cumulo.gateway.aws_model import MalformedInput, MissingMember, RequestHead
from cumulo.gateway.aws_xml import COLUMNS_FROM, XML_BYTES_MAX
from cumulo.object_store import aws_s3

BUCKET = RequestHead(labels={"Bucket": "b"})
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def _decode(name, document, head=BUCKET):
    return aws_codec.decode(aws_s3.OPERATIONS[name], "rest-xml", head, document.encode())


def _encode(name, output):
    return aws_codec.encode(aws_s3.SERVICE, aws_s3.OPERATIONS[name], "rest-xml", output, "r-1")


@pytest.mark.parametrize("namespace", [NAMESPACE, "", 'xmlns="http://elsewhere/"'])
def test_a_document_is_read_whatever_its_namespace(namespace):
    document = f"""<?xml version="1.0"?><!-- c --><Delete {namespace}>
        <Object><Key>a&amp;b&#x20;</Key></Object><Object><Key> c</Key><VersionId>v</VersionId></Object>
        <Quiet> true </Quiet></Delete>"""

    request = _decode("DeleteObjects", document)

    assert request.Delete == aws_s3.Delete(
        Objects=[aws_s3.ObjectIdentifier(Key="a&b "), aws_s3.ObjectIdentifier(Key=" c", VersionId="v")], Quiet=True
    )


def test_the_type_of_a_grantee_is_an_attribute_both_ways():
    grantee = aws_s3.Grantee(Type="CanonicalUser", ID="id", DisplayName="d")
    owner = aws_s3.Owner(ID="id")
    output = aws_s3.GetBucketAclOutput(Owner=owner, Grants=[aws_s3.Grant(Grantee=grantee, Permission="FULL_CONTROL")])

    document = _encode("GetBucketAcl", output).body.decode()

    assert document == (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<AccessControlPolicy {NAMESPACE}><Owner><ID>id</ID></Owner>'
        '<AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:type="CanonicalUser"><DisplayName>d</DisplayName><ID>id</ID></Grantee>'
        "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"
    )
    request = _decode("PutBucketAcl", document)
    assert request.AccessControlPolicy == aws_s3.AccessControlPolicy(Owner=owner, Grants=output.Grants)


LAUGHS = "".join("<!ENTITY l%d '%s'>" % (level, f"&l{level - 1};" * 10) for level in range(1, 15))  # noqa: UP031
BOMB = f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]>'


@pytest.mark.parametrize(
    "document",
    [
        "",
        " ",
        "<",
        "text",
        "<Delete>",
        "<Delete/><Delete/>",
        "<Deleted/>",
        "<Delete><Object><Key>k</Key><Nonsense/></Object></Delete>",
        "<Delete><Object><Key>k</Key><Key>l</Key></Object></Delete>",
        "<Delete><Object><Key><b/></Key></Object></Delete>",
        "<Delete>text<Object><Key>k</Key></Object></Delete>",
        "<Delete><Object><Key>k</Key></Object>text</Delete>",
        "<Delete><Object><Key>k</Key><Size>x</Size></Object></Delete>",
        "<Delete><Object><Key>k</Key></Object><Quiet>perhaps</Quiet></Delete>",
        "<Delete><Object><Key>k</Key><LastModifiedTime>soon</LastModifiedTime></Object></Delete>",
        "<Delete><Object><Key>&unknown;</Key></Object></Delete>",
        "<Delete><Object><Key>\x00</Key></Object></Delete>",
        "<!DOCTYPE Delete><Delete><Object><Key>k</Key></Object></Delete>",
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd"><Delete><Object><Key>k</Key></Object></Delete>',
        BOMB + "<Delete><Object><Key>&l14;</Key></Object></Delete>",
        "<Delete>" + "<Object>" * 10_000 + "</Object>" * 10_000 + "</Delete>",
        "<Delete><Object><Key>" + "k" * XML_BYTES_MAX + "</Key></Object></Delete>",
    ],
)
def test_what_is_no_document_of_the_operation_is_malformed(document):
    body = document.encode()
    if not body:
        with pytest.raises(MissingMember):
            _decode("DeleteObjects", document)
        return

    with pytest.raises(MalformedInput):
        _decode("DeleteObjects", document)


def test_other_encodings_and_broken_utf8_hide_nothing():
    doctype = '<!DOCTYPE d [<!ENTITY x "y">]><Delete><Object><Key>&x;</Key></Object></Delete>'

    for body in (doctype.encode("utf-16"), b"<Delete><Object><Key>\xff</Key></Object></Delete>"):
        with pytest.raises(MalformedInput):
            aws_codec.decode(aws_s3.OPERATIONS["DeleteObjects"], "rest-xml", BUCKET, body)


def test_what_an_element_lacks_is_named_with_its_place():
    with pytest.raises(MissingMember) as caught:
        _decode("DeleteObjects", "<Delete><Object><Key>k</Key></Object><Object/></Delete>")

    assert caught.value.path == "Delete.Objects.2.Key"


def test_a_listing_is_written_to_the_letter():
    output = aws_s3.ListObjectsV2Output(
        Name="b",
        Prefix="",
        KeyCount=2,
        MaxKeys=2,
        IsTruncated=False,
        Contents=[
            aws_s3.Object(Key="a<&>\"'\r\x01\ufffe\u00e9", LastModified=1_700_000_000_999, ETag='"e"', Size=5),
            aws_s3.Object(
                Key="b", Owner=aws_s3.Owner(ID="i"), RestoreStatus=aws_s3.RestoreStatus(IsRestoreInProgress=True)
            ),
        ],
        CommonPrefixes=[aws_s3.CommonPrefix(Prefix="p/")],
    )

    encoded = _encode("ListObjectsV2", output)

    assert (encoded.status, encoded.content_type) == (200, "application/xml")
    assert encoded.body.decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult {NAMESPACE}><IsTruncated>false</IsTruncated>'
        "<Contents><Key>a&lt;&amp;&gt;&quot;'&#xD;&#x1;&#xFFFE;\u00e9</Key>"
        "<LastModified>2023-11-14T22:13:20.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>5</Size></Contents>"
        "<Contents><Key>b</Key><Owner><ID>i</ID></Owner><RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress>"
        "</RestoreStatus></Contents><Name>b</Name><Prefix></Prefix><MaxKeys>2</MaxKeys>"
        "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><KeyCount>2</KeyCount></ListBucketResult>"
    )


OBJECTS = st.builds(
    aws_s3.Object,
    Key=st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    LastModified=st.integers(0, 4_000_000_000_000),
    ETag=st.sampled_from(['"e"', "e", "<"]),
    Size=st.integers(0, 2**62),
)
FORMS = st.sampled_from(
    [
        {},
        {"Key": None},
        {"StorageClass": "STANDARD"},
        {"Owner": aws_s3.Owner(ID="<i>")},
        {"RestoreStatus": aws_s3.RestoreStatus(IsRestoreInProgress=True, RestoreExpiryDate=0)},
        {"ChecksumAlgorithm": ["CRC32", "SHA1"]},
    ]
)


@given(st.lists(OBJECTS, min_size=COLUMNS_FROM, max_size=COLUMNS_FROM + 2), FORMS, st.booleans())
def test_a_long_list_is_written_as_its_items_are_one_by_one(objects, form, mixed):
    objects = [msgspec.structs.replace(it, **form) if number or not mixed else it for number, it in enumerate(objects)]
    one_by_one = [_encode("ListObjectsV2", aws_s3.ListObjectsV2Output(Contents=[it])).body for it in objects]

    together = _encode("ListObjectsV2", aws_s3.ListObjectsV2Output(Contents=objects)).body

    items = [body[body.index(b"<Contents>") : -len(b"</ListBucketResult>")] for body in one_by_one]
    assert together[together.index(b"<Contents>") : -len(b"</ListBucketResult>")] == b"".join(items)


@pytest.mark.parametrize(("region", "text"), [("eu-west-1", "eu-west-1"), (None, "")])
def test_a_buckets_location_is_the_roots_own_text(region, text):
    encoded = _encode("GetBucketLocation", aws_s3.GetBucketLocationOutput(LocationConstraint=region))

    root = f"<LocationConstraint {NAMESPACE}>{text}</LocationConstraint>"
    assert encoded.body.decode() == f'<?xml version="1.0" encoding="UTF-8"?>\n{root}'


def test_a_policy_is_its_own_body_both_ways():
    policy = '{"Statement": []}'

    encoded = _encode("GetBucketPolicy", aws_s3.GetBucketPolicyOutput(Policy=policy))

    assert (encoded.content_type, encoded.body.decode()) == ("application/json", policy)
    assert _decode("PutBucketPolicy", policy).Policy == policy
    with pytest.raises(MalformedInput):
        aws_codec.decode(aws_s3.OPERATIONS["PutBucketPolicy"], "rest-xml", BUCKET, b"\xff")


def test_headers_carry_members_metadata_and_no_broken_line():
    head = RequestHead(
        labels={"Bucket": "b", "Key": "k"},
        headers={"content-length": "5", "x-amz-meta-a": "1", "x-amz-meta-b-c": "2", "if-none-match": "*", "host": "h"},
    )
    output = aws_s3.HeadObjectOutput(
        ETag='"e"',
        ContentLength=5,
        LastModified=0,
        Metadata={"a": "1", "b": "\u00e9", "c": "x\r\nSet-Cookie: y"},
        DeleteMarker=False,
    )

    request = aws_codec.decode(aws_s3.OPERATIONS["PutObject"], "rest-xml", head)
    encoded = _encode("HeadObject", output)

    assert request == aws_s3.PutObjectRequest(
        Bucket="b", Key="k", ContentLength=5, IfNoneMatch="*", Metadata={"a": "1", "b-c": "2"}
    )
    assert dict(encoded.headers) == {
        "x-amz-delete-marker": "false",
        "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
        "Content-Length": "5",
        "ETag": '"e"',
        "x-amz-meta-a": "1",
        "x-amz-meta-b": "=?UTF-8?B?w6k=?=",
        "x-amz-meta-c": "=?UTF-8?Q?x=0D=0ASet-Cookie:_y?=",
    }
    assert encoded.body == b""


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("ListObjectsV2", RequestHead(labels={"Bucket": "b"}, query=[("max-keys", "x")])),
        ("ListObjectsV2", RequestHead(labels={"Bucket": "b"}, query=[("max-keys", "1"), ("max-keys", "2")])),
        ("ListObjectsV2", RequestHead(labels={"Bucket": "b"}, query=[("max-keys", "9999999999")])),
        (
            "PutObject",
            RequestHead(
                labels={"Bucket": "b", "Key": "k"}, headers={"x-amz-object-lock-retain-until-date": "yesterday"}
            ),
        ),
    ],
)
def test_a_wrong_value_in_the_head_is_malformed_by_name(name, head):
    with pytest.raises(MalformedInput) as caught:
        aws_codec.decode(aws_s3.OPERATIONS[name], "rest-xml", head)

    assert caught.value.member


def test_condition_whose_date_is_none_is_as_if_it_were_not_there():
    said = {"if-modified-since": "yesterday", "if-unmodified-since": "", "expires": "soon", "range": "bytes=0-1"}

    request = _decode("HeadObject", "", RequestHead(labels={"Bucket": "b", "Key": "k"}, headers=said))

    assert request == aws_s3.HeadObjectRequest(Bucket="b", Key="k", Range="bytes=0-1")


def test_an_operation_without_its_key_lacks_a_member():
    with pytest.raises(MissingMember, match="Key"):
        aws_codec.decode(aws_s3.OPERATIONS["GetObject"], "rest-xml", BUCKET)
