"""Sessions, and keys that were taken away (rows 14-16): refused at the very next request, over both edges."""

import hashlib
import statistics
import time
from typing import Any

import grpc
import pytest
from lxml import etree

from cumulo.client.errors import CumuloError
from tests.attacks.attacker import Attacker
from tests.attacks.calls import CALLS
from tests.attacks.conftest import with_key

pytestmark = pytest.mark.usefixtures("unchanged")
UNKNOWN = {
    "s3": (403, "InvalidAccessKeyId"),
    "query": (403, "InvalidClientTokenId"),
    "json": (403, "UnrecognizedClientException"),
}
INVALID_TOKEN = UNKNOWN | {"s3": (400, "InvalidToken")}
WHOAMI = "/cumulo.api.identity.v1.IdentityService/GetCallerIdentity"
every_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def user(root, make_user, request):
    """Somebody who may do everything, until the test takes it away."""
    name = f"victim-{hashlib.md5(request.node.name.encode(), usedforsecurity=False).hexdigest()[:12]}"
    made = make_user(name)
    yield name, made
    remove(root, name, made)


def remove(root, name, made):
    root.call("iam", "DeleteAccessKey", UserName=name, AccessKeyId=made.key_id)
    root.call("iam", "DeleteUserPolicy", UserName=name, PolicyName="all")
    root.call("iam", "DeleteUser", UserName=name)


def session_of(who: Attacker) -> Attacker:
    answer = who.call("sts", "GetSessionToken")
    assert answer.status == 200, answer
    found = etree.fromstring(answer.body)
    texts = [str(found.findtext(f".//{{*}}{name}")) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    return who.whose(*texts)


@pytest.fixture(scope="module")
def session(root):
    return session_of(root)


@every_call
def test_session_without_its_token_is_refused(root, session, name):
    call = CALLS[name]
    bare = root.whose(session.key_id, session.secret)

    assert call.send(bare, call.signed(bare)).refusal == UNKNOWN[call.dialect]
    assert call.send_presigned(bare, call.presigned(bare)).refusal == UNKNOWN[call.dialect]


@every_call
@pytest.mark.parametrize("kind", ["foreign", "cut", "longer", "another letter", "NUL", "huge", "of a long-term key"])
def test_session_with_another_token_is_refused(root, session, name, kind):
    call = CALLS[name]
    token = session.token
    letter = "A" if token[len(token) // 2] != "A" else "B"
    forged = {
        "foreign": session_of(root).token,
        "cut": token[:-3],
        "longer": token + "A",
        "another letter": token[: len(token) // 2] + letter + token[len(token) // 2 + 1 :],
        "NUL": "x",
        "huge": "A" * 8000,
        "of a long-term key": token,
    }[kind]
    key = (root if kind == "of a long-term key" else session).key_id
    secret = (root if kind == "of a long-term key" else session).secret
    other = root.whose(key, secret, forged)

    assert call.send(other, call.signed(other)).refusal == INVALID_TOKEN[call.dialect]
    if kind != "huge":
        assert call.send_presigned(other, call.presigned(other)).refusal == INVALID_TOKEN[call.dialect]


@every_call
def test_token_of_a_session_must_be_signed_with_it(root, session, name):
    call = CALLS[name]
    bare = root.whose(session.key_id, session.secret)

    answer = call.send(bare, (*call.signed(bare), ("x-amz-security-token", session.token)))

    assert answer.status in (400, 403)
    presigned = call.presigned(bare)
    assert call.send_presigned(bare, f"{presigned}&X-Amz-Security-Token={session.token}").status in (400, 403)


def test_token_in_header_and_query_at_once_is_refused(session):
    target = session.presign("GET", "/kept/object", {"x-amz-security-token": session.token})

    answer = session.send("GET", target, (("x-amz-security-token", session.token),))

    assert answer.refusal == (400, "AuthorizationQueryParametersError")


def bearer_code(server, token):
    """Return the status of a call with a token that somebody kept."""
    with grpc.insecure_channel(server.target) as channel:
        call: Any = channel.unary_unary(WHOAMI)
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", metadata=(("authorization", f"Bearer {token}"),))
    return caught.value.code().name


def disable(root, name, made):
    assert root.call("iam", "UpdateAccessKey", UserName=name, AccessKeyId=made.key_id, Status="Inactive").status == 200


def delete_key(root, name, made):
    assert root.call("iam", "DeleteAccessKey", UserName=name, AccessKeyId=made.key_id).status == 200


def delete_user(root, name, made):
    delete_key(root, name, made)
    assert root.call("iam", "DeleteUserPolicy", UserName=name, PolicyName="all").status == 200
    assert root.call("iam", "DeleteUser", UserName=name).status == 200


@pytest.mark.parametrize("take_away", [disable, delete_key, delete_user], ids=lambda it: it.__name__)
@pytest.mark.parametrize("over", ["AWS", "gRPC"])
def test_key_that_is_taken_away_is_refused_at_the_next_request(root, server, user, take_away, over):
    name, made = user
    calls = [call for call in CALLS.values() if call.method == "GET"]
    probe = CALLS["S3 get"]
    session = session_of(made)
    presigned = [(call, call.presigned(made)) for call in calls]
    with server.client(access_key_id=made.key_id, secret_access_key=made.secret) as client:
        token = client.iam.issue_token().token
        assert client.iam.whoami().arn.endswith(name)
        assert probe.send(made, probe.signed(made)).status == 200
        assert probe.send(session, probe.signed(session)).status == 200

        if over == "AWS":
            take_away(root, name, made)
        else:
            with server.client() as owner:
                if take_away is disable:
                    owner.iam.update_access_key(made.key_id, active=False)
                else:
                    owner.iam.delete_access_key(made.key_id)
                    if take_away is delete_user:
                        owner.iam.delete_user_policy(name, "all")
                        owner.iam.delete_user(name)

        for call in CALLS.values():
            assert call.send(made, call.signed(made)).refusal == UNKNOWN[call.dialect]
        for call, target in presigned:
            assert call.send_presigned(made, target).refusal == UNKNOWN[call.dialect]
        with pytest.raises(CumuloError):
            client.iam.whoami()
        assert bearer_code(server, token) == "UNAUTHENTICATED"
        if take_away is delete_user:
            assert probe.send(session, probe.signed(session)).status in (400, 403)


def test_key_that_is_enabled_again_serves_again(root, user):
    name, made = user
    probe = CALLS["S3 get"]

    disable(root, name, made)
    assert probe.send(made, probe.signed(made)).status == 403
    root.call("iam", "UpdateAccessKey", UserName=name, AccessKeyId=made.key_id, Status="Active")

    assert probe.send(made, probe.signed(made)).status == 200


def test_permission_that_is_taken_away_is_refused_at_the_next_request(root, user):
    name, made = user
    probe = CALLS["S3 get"]
    session = session_of(made)
    assert probe.send(made, probe.signed(made)).status == 200

    root.call("iam", "DeleteUserPolicy", UserName=name, PolicyName="all")

    for who in (made, session):
        assert probe.send(who, probe.signed(who)).refusal == (403, "AccessDenied")


def test_second_key_outlives_the_first(root, user):
    name, made = user
    second = with_key(root, name)
    probe = CALLS["S3 get"]

    delete_key(root, name, made)

    assert probe.send(made, probe.signed(made)).refusal == UNKNOWN["s3"]
    assert probe.send(second, probe.signed(second)).status == 200
    delete_key(root, name, second)


@every_call
def test_unknown_key_is_said_as_aws_says_it_and_no_more(root, name):
    """AWS names a key that it does not know; of one that it knows it says that the signature is wrong, no more."""
    call = CALLS[name]
    answers = []
    for key_id in ("AKIANOBODYNOBODYNOBO", "AKIA", root.key_id[:-1], root.key_id.lower()):
        nobody = root.whose(key_id, "guessed")
        answers.append(call.send(nobody, call.signed(nobody)))

    assert {answer.refusal for answer in answers} == {UNKNOWN[call.dialect]}


def test_disabled_and_unknown_keys_are_told_alike(root, user):
    name, made = user
    disable(root, name, made)
    for call in CALLS.values():
        nobody = root.whose("AKIANOBODYNOBODYNOBO", made.secret)
        unknown = call.send(nobody, call.signed(nobody))
        for secret in (made.secret, "guessed"):
            disabled = call.send(made, call.signed(made, secret=secret))
            assert disabled.refusal == unknown.refusal
            assert len(disabled.body) == len(unknown.body) + len(made.key_id) * (call.service == "s3") - (
                len(nobody.key_id) * (call.service == "s3")
            )


def test_wrong_secret_and_unknown_key_are_told_alike_over_grpc(server, root):
    said = []
    for key_id, secret in ((root.key_id, "guessed"), ("AKIANOBODYNOBODYNOBO", "guessed")):
        with (
            server.client(access_key_id=key_id, secret_access_key=secret) as client,
            pytest.raises(CumuloError) as caught,
        ):
            client.iam.whoami()
        said.append((caught.value.code, str(caught.value).replace(key_id, "")))

    assert said[0] == said[1]


def test_refusals_take_their_time_whatever_is_right_in_them(root):
    """A coarse look: medians of many, far apart only where a path is missing, e.g. no derivation for unknown keys."""
    call = CALLS["S3 get"]
    nobody = root.whose("AKIANOBODYNOBODYNOBO", "guessed")
    right = dict(call.signed(root))["authorization"].rpartition("=")[2]
    lines = dict(call.signed(root))
    wrong = {
        "unknown": [(nobody, nobody_lines) for nobody_lines in [call.signed(nobody)]],
        "first letter": [(root, replaced(lines, right, ("0" if right[0] != "0" else "1") + right[1:]))],
        "last letter": [(root, replaced(lines, right, right[:-1] + ("0" if right[-1] != "0" else "1")))],
    }
    took: dict[str, list[float]] = {name: [] for name in wrong}
    for _ in range(60):
        for name, requests in wrong.items():
            for who, said in requests:
                started = time.perf_counter()
                assert call.send(who, said).status == 403
                took[name].append(time.perf_counter() - started)

    medians = [statistics.median(sorted(times)[:30]) for times in took.values()]
    assert max(medians) < 3 * min(medians)


def replaced(lines, right, wrong):
    return tuple((lines | {"authorization": lines["authorization"].replace(right, wrong)}).items())
