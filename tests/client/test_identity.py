"""`client.iam` against a real server."""

import pytest

from cumulo.client import Client, errors
from cumulo.testing import Server


def allow(*actions: str, resource: str = "*") -> dict[str, object]:
    statement = {"Sid": "One", "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_root_is_known_to_the_server(client: Client):
    caller = client.iam.whoami()

    assert caller.arn == "arn:aws:iam::000000000000:root"
    assert caller.account == "000000000000"


def test_user_has_what_groups_and_policies_give(client: Client, name: str):
    iam = client.iam
    user = iam.create_user(name, path="/team/")
    iam.create_group(name)
    policy = iam.create_policy(name, allow("sqs:*"), description="all of sqs")

    iam.add_user_to_group(name, name)
    iam.attach_user_policy(name, name)
    iam.attach_group_policy(name, policy.arn)
    iam.put_user_policy(name, "inline", allow("s3:*"))
    iam.put_group_policy(name, "inline", allow("iam:*"))

    assert user.arn == f"arn:aws:iam::000000000000:user/team/{name}"
    assert iam.get_user(name).groups == (name,)
    assert list(iam.group_users(name)) == [name]
    assert [it.arn for it in iam.attached_policies(user=name)] == [policy.arn]
    assert [it.arn for it in iam.attached_policies(group=name)] == [policy.arn]
    assert list(iam.user_policies(name)) == ["inline"]
    assert list(iam.group_policies(name)) == ["inline"]
    assert '"s3:*"' in iam.get_user_policy(name, "inline")
    assert '"iam:*"' in iam.get_group_policy(name, "inline")
    assert iam.get_policy(name).attachment_count == 2


def test_what_is_in_use_is_not_deleted_until_it_is_taken_away(client: Client, name: str):
    iam = client.iam
    iam.create_user(name)
    iam.create_group(name)
    iam.create_policy(name, allow("sqs:*"))
    iam.add_user_to_group(name, name)
    iam.attach_user_policy(name, name)

    with pytest.raises(errors.PreconditionFailed, match="DeleteConflict"):
        iam.delete_user(name)
    iam.remove_user_from_group(name, name)
    iam.detach_user_policy(name, name)
    iam.delete_user(name)
    iam.delete_group(name)
    iam.delete_policy(name)

    for gone in (iam.get_user, iam.get_group, iam.get_policy):
        with pytest.raises(errors.NotFound):
            gone(name)


def test_policy_document_is_replaced(client: Client, name: str):
    client.iam.create_policy(name, allow("sqs:*"), description="old")

    changed = client.iam.update_policy(name, document=allow("s3:*"))

    assert "s3:*" in client.iam.get_policy(name).document
    assert changed.description == "old"


def test_key_can_be_turned_off_and_on(server: Server, client: Client, name: str):
    client.iam.create_user(name)
    key = client.iam.create_access_key(name)
    options = {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}

    with server.client(**options) as own:
        assert own.iam.whoami().arn.endswith(f"user/{name}")
        client.iam.update_access_key(key.access_key_id, active=False)
        with pytest.raises(errors.Unauthenticated):
            own.iam.whoami()
        client.iam.update_access_key(key.access_key_id, active=True)
        assert own.iam.whoami().access_key_id == key.access_key_id

    assert [(it.user, it.active) for it in client.iam.access_keys(name)] == [(name, True)]
    client.iam.delete_access_key(key.access_key_id)
    assert list(client.iam.access_keys(name)) == []


def test_revoked_tokens_are_replaced_without_a_word(server: Server, client: Client, name: str):
    client.iam.create_user(name)
    key = client.iam.create_access_key(name)
    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as own:
        before = own.iam.whoami()

        client.iam.revoke_principal_tokens(name)

        assert own.iam.whoami().arn == before.arn


def test_token_is_issued_and_revoked(client: Client):
    token = client.iam.issue_token(60)

    client.iam.revoke_token(token_id=token.token_id)
    client.iam.revoke_token(token=client.iam.issue_token(60).token)

    assert token.token not in repr(token)


def test_denial_says_what_was_refused_and_why(server: Server, client: Client, name: str):
    client.iam.create_user(name)
    key = client.iam.create_access_key(name)
    own = server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)
    with own, pytest.raises(errors.PermissionDenied) as caught:
        own.queue(name).send("a")

    denial = caught.value
    assert denial.code == "AccessDenied"
    assert denial.action == "sqs:SendMessage"
    assert denial.resource == f"arn:aws:sqs:us-east-1:000000000000:{name}"
    assert "sqs:SendMessage" in denial.reason
    assert denial.request_id


def test_explanation_names_the_statement(client: Client, name: str):
    client.iam.create_user(name)
    client.iam.put_user_policy(name, "inline", allow("s3:GetObject", resource="arn:aws:s3:::a/*"))

    yes = client.iam.explain("s3:GetObject", "arn:aws:s3:::a/b", principal=name)
    no = client.iam.explain("s3:PutObject", "arn:aws:s3:::a/b", principal=name, context={"aws:SourceIp": "10.0.0.1"})

    assert yes.allowed
    assert [(it.effect, it.sid) for it in yes.matched_statements] == [("Allow", "One")]
    assert (no.allowed, no.decision, no.matched_statements) == (False, "implicit deny", ())
    assert "s3:PutObject" in no.reason


def test_account_gets_a_root_key(server: Server, client: Client):
    key = client.iam.create_account(display_name="second")

    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as second:
        caller = second.iam.whoami()

    assert caller.arn.endswith(":root")
    assert caller.account in [it.account for it in client.iam.accounts()]


def test_malformed_policy_is_refused(client: Client, name: str):
    with pytest.raises(errors.InvalidArgument, match="MalformedPolicyDocument"):
        client.iam.create_policy(name, "{")
