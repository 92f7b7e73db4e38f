"""Access control lists of buckets and objects on the command line, shown and replaced alike."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from cumulo.cli.leaf import Session
from cumulo.cli.output import show_items
from cumulo.client.model import Grant

CANNED: Final = (
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "log-delivery-write",
)
PERMISSIONS: Final = ("READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL")
C = TypeVar("C", bound=Callable[..., Any])


def acl_options(command: C) -> C:
    """Give a command the options that say which list to write."""
    command = click.option(
        "--grant",
        "grants",
        nargs=2,
        multiple=True,
        type=(str, click.Choice(PERMISSIONS)),
        metavar="GRANTEE PERMISSION",
        help="Replace the list; GRANTEE is an account, AllUsers, AuthenticatedUsers, LogDelivery, or emailAddress=…",
    )(command)
    return click.option(
        "--set", "canned", default="", type=click.Choice(("", *CANNED)), help="Replace it by this one."
    )(command)


def show_or_set(
    session: Session, bucket: str, key: str, canned: str, grants: tuple[tuple[str, str], ...], version_id: str = ""
) -> None:
    """Replace a list where something is named, and show it where nothing is."""
    if canned and grants:
        raise click.UsageError("--set or --grant, not both")
    what = {"bucket": bucket} | ({"key": key} if key else {})
    with session.client() as client:
        it = client.bucket(bucket)
        if canned or grants:
            given = [Grant(grantee=grantee, permission=each) for grantee, each in grants]
            it.set_acl(canned, grants=given, key=key, version_id=version_id)
            session.report(f"{key or bucket} has its access control list", what)
        else:
            found = it.acl(key, version_id=version_id)
            rows = (
                {"owner": found.owner, "grantee": one.grantee, "permission": one.permission} for one in found.grants
            )
            show_items(rows, ("owner", "grantee", "permission"), session.output)
