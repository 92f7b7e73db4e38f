"""`cumulo iam`: who may do what, in the words of IAM."""

import re

import click
import rich_click

from cumulo.cli.leaf import EXIT_DENIED, Session, leaf, pairs, text_of
from cumulo.cli.login_command import login_command
from cumulo.cli.output import show_item, show_items


@rich_click.group("iam")
def iam_group() -> None:
    """Users, groups, keys, policies, and why a call is allowed or denied."""


@iam_group.command("whoami")
@leaf
def whoami(session: Session) -> None:
    """Show who the server takes you for."""
    with session.client() as client:
        show_item(client.iam.whoami(), session.output)


@iam_group.command("explain")
@click.argument("action")
@click.argument("resource")
@click.option("--principal", default="", help="A user's name or ARN; by default you.")
@click.option("-c", "--context", multiple=True, metavar="KEY=VALUE", help="E.g. aws:SourceIp=10.0.0.1.")
@leaf
def explain(session: Session, action: str, resource: str, principal: str, context: tuple[str, ...]) -> None:
    """Say whether ACTION (s3:GetObject) on RESOURCE (an ARN) is allowed, and by what; exit 4 if it is not."""
    with session.client() as client:
        it = client.iam.explain(action, resource, principal=principal, context=pairs(context, "--context"))
        show_item(it, session.output, leave_out=("matched_statements",))
        if session.output == "table" and it.matched_statements:
            click.echo()
            show_items(it.matched_statements, ("effect", "policy", "sid", "statement_index"), "table")
    if not it.allowed:
        click.get_current_context().exit(EXIT_DENIED)


iam_group.add_command(login_command)


# Users


@iam_group.group("user")
def user_group() -> None:
    """Manage users."""


@user_group.command("ls")
@click.option("--path-prefix", default="", help="Only those whose path starts so.")
@leaf
def user_ls(session: Session, path_prefix: str) -> None:
    """List users."""
    with session.client() as client:
        show_items(client.iam.users(path_prefix), ("name", "user_id", "path", "created"), session.output)


@user_group.command("create")
@click.argument("name")
@click.option("--path", default="", help="Begins and ends with /.")
@leaf
def user_create(session: Session, name: str, path: str) -> None:
    """Make the user NAME, without any permission."""
    with session.client() as client:
        session.report(f"user {name} is there", client.iam.create_user(name, path=path))


@user_group.command("show")
@click.argument("name", default="")
@leaf
def user_show(session: Session, name: str) -> None:
    """Show a user with his groups, policies and keys; by default you."""
    with session.client() as client:
        user = client.iam.get_user(name)
        show_item(
            {
                "name": user.name,
                "arn": user.arn,
                "user_id": user.user_id,
                "created": user.created,
                "groups": list(user.groups),
                "attached_policies": [it.name for it in client.iam.attached_policies(user=user.name)],
                "inline_policies": list(client.iam.user_policies(user.name)),
                "access_keys": [it.access_key_id for it in client.iam.access_keys(user.name)],
            },
            session.output,
        )


@user_group.command("rm")
@click.argument("name")
@click.option("--force", is_flag=True, help="Take away his keys, groups and policies first.")
@leaf
def user_rm(session: Session, name: str, force: bool) -> None:
    """Delete the user NAME."""
    with session.client() as client:
        iam = client.iam
        if force:
            for key in iam.access_keys(name):
                iam.delete_access_key(key.access_key_id)
            for group in iam.get_user(name).groups:
                iam.remove_user_from_group(name, group)
            for attached in iam.attached_policies(user=name):
                iam.detach_user_policy(name, attached.arn)
            for inline in iam.user_policies(name):
                iam.delete_user_policy(name, inline)
        iam.delete_user(name)
        session.report(f"user {name} is gone", {"name": name})


# Access keys


@iam_group.group("key")
def key_group() -> None:
    """Manage access keys."""


@key_group.command("ls")
@click.argument("user", default="")
@leaf
def key_ls(session: Session, user: str) -> None:
    """List a user's access keys; by default yours."""
    with session.client() as client:
        show_items(client.iam.access_keys(user), ("access_key_id", "user", "active", "created"), session.output)


@key_group.command("create")
@click.argument("user", default="")
@leaf
def key_create(session: Session, user: str) -> None:
    """Make an access key of a user, by default yours. Its secret is shown this once."""
    with session.client() as client:
        show_item(client.iam.create_access_key(user), session.output)


@key_group.command("enable")
@click.argument("access_key_id")
@leaf
def key_enable(session: Session, access_key_id: str) -> None:
    """Turn an access key on again."""
    with session.client() as client:
        key = client.iam.update_access_key(access_key_id, active=True)
        session.report(f"{access_key_id} is active", key)


@key_group.command("disable")
@click.argument("access_key_id")
@leaf
def key_disable(session: Session, access_key_id: str) -> None:
    """Turn an access key off; its tokens end."""
    with session.client() as client:
        key = client.iam.update_access_key(access_key_id, active=False)
        session.report(f"{access_key_id} is inactive", key)


@key_group.command("rm")
@click.argument("access_key_id")
@leaf
def key_rm(session: Session, access_key_id: str) -> None:
    """Delete an access key; its tokens end."""
    with session.client() as client:
        client.iam.delete_access_key(access_key_id)
        session.report(f"{access_key_id} is gone", {"access_key_id": access_key_id})


# Groups


@iam_group.group("group")
def group_group() -> None:
    """Manage groups of users."""


@group_group.command("ls")
@click.option("--path-prefix", default="", help="Only those whose path starts so.")
@leaf
def group_ls(session: Session, path_prefix: str) -> None:
    """List groups."""
    with session.client() as client:
        show_items(client.iam.groups(path_prefix), ("name", "group_id", "path", "created"), session.output)


@group_group.command("create")
@click.argument("name")
@click.option("--path", default="", help="Begins and ends with /.")
@leaf
def group_create(session: Session, name: str, path: str) -> None:
    """Make the group NAME."""
    with session.client() as client:
        session.report(f"group {name} is there", client.iam.create_group(name, path=path))


@group_group.command("show")
@click.argument("name")
@leaf
def group_show(session: Session, name: str) -> None:
    """Show the group NAME with its users and policies."""
    with session.client() as client:
        group = client.iam.get_group(name)
        show_item(
            {
                "name": group.name,
                "arn": group.arn,
                "group_id": group.group_id,
                "created": group.created,
                "users": list(client.iam.group_users(name)),
                "attached_policies": [it.name for it in client.iam.attached_policies(group=name)],
                "inline_policies": list(client.iam.group_policies(name)),
            },
            session.output,
        )


@group_group.command("rm")
@click.argument("name")
@leaf
def group_rm(session: Session, name: str) -> None:
    """Delete the group NAME, which must have no user and no policy."""
    with session.client() as client:
        client.iam.delete_group(name)
        session.report(f"group {name} is gone", {"name": name})


@group_group.command("add")
@click.argument("group")
@click.argument("user")
@leaf
def group_add(session: Session, group: str, user: str) -> None:
    """Put USER into GROUP."""
    with session.client() as client:
        client.iam.add_user_to_group(user, group)
        session.report(f"{user} is in {group}", {"group": group, "user": user})


@group_group.command("remove")
@click.argument("group")
@click.argument("user")
@leaf
def group_remove(session: Session, group: str, user: str) -> None:
    """Take USER out of GROUP."""
    with session.client() as client:
        client.iam.remove_user_from_group(user, group)
        session.report(f"{user} is not in {group}", {"group": group, "user": user})


# Policies


@iam_group.group("policy")
def policy_group() -> None:
    """Manage policies: managed ones, and inline ones of users and groups."""


@policy_group.command("ls")
@click.option("--user", help="Those of this user, attached and inline.")
@click.option("--group", help="Those of this group, attached and inline.")
@click.option("--path-prefix", default="", help="Of all managed ones, only those whose path starts so.")
@leaf
def policy_ls(session: Session, user: str | None, group: str | None, path_prefix: str) -> None:
    """List managed policies, or all that a user or a group has."""
    with session.client() as client:
        if user is None and group is None:
            columns = ("name", "policy_id", "description", "updated")
            show_items(client.iam.policies(path_prefix), columns, session.output)
            return
        kind, whose = _user_or_group(user, group)
        inline = client.iam.user_policies(whose) if kind == "user" else client.iam.group_policies(whose)
        attached = client.iam.attached_policies(**{kind: whose})
        rows = [{"name": it.name, "kind": "attached", "arn": it.arn} for it in attached]
        rows += [{"name": name, "kind": "inline", "arn": ""} for name in inline]
        show_items(rows, ("name", "kind", "arn"), session.output)


@policy_group.command("create")
@click.argument("name")
@click.argument("file")
@click.option("--description", default="", help="At most 1000 characters.")
@leaf
def policy_create(session: Session, name: str, file: str, description: str) -> None:
    """Make the managed policy NAME of the JSON document in FILE; - is standard input."""
    with session.client() as client:
        policy = client.iam.create_policy(name, text_of(file), description=description)
        session.report(f"policy {name} is there", policy)


@policy_group.command("update")
@click.argument("name")
@click.argument("file", required=False)
@click.option("--description", default=None, help="At most 1000 characters.")
@leaf
def policy_update(session: Session, name: str, file: str | None, description: str | None) -> None:
    """Replace the managed policy NAME's document by the one in FILE (- is standard input), its description, or both."""
    if file is None and description is None:
        raise click.UsageError("FILE or --description")
    with session.client() as client:
        document = None if file is None else text_of(file)
        policy = client.iam.update_policy(name, document=document, description=description)
        session.report(f"policy {name} is changed", policy)


@policy_group.command("show")
@click.argument("name")
@click.option("--user", help="An inline policy of this user.")
@click.option("--group", help="An inline policy of this group.")
@leaf
def policy_show(session: Session, name: str, user: str | None, group: str | None) -> None:
    """Show the managed policy NAME, or an inline one with --user or --group."""
    with session.client() as client:
        if user is not None:
            click.echo(client.iam.get_user_policy(user, name))
        elif group is not None:
            click.echo(client.iam.get_group_policy(group, name))
        else:
            show_item(client.iam.get_policy(name), session.output)


@policy_group.command("rm")
@click.argument("name")
@click.option("--user", help="An inline policy of this user.")
@click.option("--group", help="An inline policy of this group.")
@leaf
def policy_rm(session: Session, name: str, user: str | None, group: str | None) -> None:
    """Delete the managed policy NAME, which must be attached nowhere, or an inline one with --user or --group."""
    with session.client() as client:
        if user is not None:
            client.iam.delete_user_policy(user, name)
        elif group is not None:
            client.iam.delete_group_policy(group, name)
        else:
            client.iam.delete_policy(name)
        session.report(f"policy {name} is gone", {"name": name})


@policy_group.command("put")
@click.argument("name")
@click.argument("file")
@click.option("--user", help="Of this user.")
@click.option("--group", help="Of this group.")
@leaf
def policy_put(session: Session, name: str, file: str, user: str | None, group: str | None) -> None:
    """Write the inline policy NAME of a user or group from FILE; - is standard input."""
    kind, whose = _user_or_group(user, group)
    with session.client() as client:
        if kind == "user":
            client.iam.put_user_policy(whose, name, text_of(file))
        else:
            client.iam.put_group_policy(whose, name, text_of(file))
        session.report(f"{kind} {whose} has the policy {name}", {"name": name, kind: whose})


@policy_group.command("attach")
@click.argument("name")
@click.option("--user", help="To this user.")
@click.option("--group", help="To this group.")
@leaf
def policy_attach(session: Session, name: str, user: str | None, group: str | None) -> None:
    """Attach the managed policy NAME to a user or group."""
    kind, whose = _user_or_group(user, group)
    with session.client() as client:
        if kind == "user":
            client.iam.attach_user_policy(whose, name)
        else:
            client.iam.attach_group_policy(whose, name)
        session.report(f"{kind} {whose} has the policy {name}", {"name": name, kind: whose})


@policy_group.command("detach")
@click.argument("name")
@click.option("--user", help="From this user.")
@click.option("--group", help="From this group.")
@leaf
def policy_detach(session: Session, name: str, user: str | None, group: str | None) -> None:
    """Detach the managed policy NAME from a user or group."""
    kind, whose = _user_or_group(user, group)
    with session.client() as client:
        if kind == "user":
            client.iam.detach_user_policy(whose, name)
        else:
            client.iam.detach_group_policy(whose, name)
        session.report(f"{kind} {whose} has the policy {name} no more", {"name": name, kind: whose})


def _user_or_group(user: str | None, group: str | None) -> tuple[str, str]:
    if user is not None and group is None:
        return "user", user
    if group is not None and user is None:
        return "group", group
    raise click.UsageError("either --user or --group")


# Accounts and tokens


@iam_group.group("account")
def account_group() -> None:
    """Manage accounts of the server."""


@account_group.command("ls")
@leaf
def account_ls(session: Session) -> None:
    """List accounts."""
    with session.client() as client:
        show_items(client.iam.accounts(), ("account", "display_name", "email", "created"), session.output)


@account_group.command("create")
@click.argument("name", default="")
@click.option("--display-name", default="", help="What people call it, where NAME is a number.")
@click.option("--email", default="", metavar="ADDRESS", help="An e-mail address that no other account has.")
@leaf
def account_create(session: Session, name: str, display_name: str, email: str) -> None:
    """Make an account and show it with its root's key, this once.

    NAME is its number (12 digits), else what people call it; then the server chooses the number.
    """
    is_number = re.fullmatch(r"\d{12}", name, re.ASCII) is not None
    if not is_number and name and display_name:
        raise click.UsageError("NAME is a display name already; with --display-name it has to be 12 digits")
    with session.client() as client:
        made = client.iam.create_account(
            name if is_number else "", display_name or ("" if is_number else name), email=email
        )
        show_item(made, session.output)


@iam_group.group("token")
def token_group() -> None:
    """Issue and revoke bearer tokens."""


@token_group.command("issue")
@click.option("--life", "life_s", type=click.IntRange(60, 43_200), default=900, show_default=True, help="Seconds.")
@leaf
def token_issue(session: Session, life_s: int) -> None:
    """Trade a proof of your access key for a bearer token, and show it."""
    with session.client() as client:
        show_item(client.iam.issue_token(life_s), session.output)


@token_group.command("revoke")
@click.argument("token_id", required=False)
@click.option("--principal", help="Every token of this user.")
@leaf
def token_revoke(session: Session, token_id: str | None, principal: str | None) -> None:
    """End one token by its id, or every token of a principal."""
    if (token_id is None) == (principal is None):
        raise click.UsageError("either TOKEN_ID or --principal")
    with session.client() as client:
        if principal is not None:
            before = client.iam.revoke_principal_tokens(principal)
            session.report(f"tokens of {principal} are refused", {"issued_before": before})
        else:
            client.iam.revoke_token(token_id=token_id)
            session.report(f"{token_id} is refused", {"token_id": token_id})
