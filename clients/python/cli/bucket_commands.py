"""`cumulo bucket`."""

import contextlib
import json

import click
import msgspec
import rich_click

from cumulo.cli.access_lists import acl_options, show_or_set
from cumulo.cli.leaf import Session, confirmed, leaf, text_of
from cumulo.cli.lock_commands import bypass_option
from cumulo.cli.output import human_size, show_item, show_items
from cumulo.client import Bucket, NotificationRule
from cumulo.client.errors import PermissionDenied

DELETE_BATCH = 1_000
LISTED_KINDS = ("analytics", "intelligent_tiering", "inventory", "metrics")
"""Of configurations, those of which a bucket has many."""
KINDS = (
    *LISTED_KINDS,
    "accelerate",
    "cors",
    "encryption",
    "lifecycle",
    "logging",
    "object_lock",
    "ownership_controls",
    "public_access_block",
    "replication",
    "request_payment",
    "tagging",
    "website",
)


@rich_click.group("bucket")
def bucket_group() -> None:
    """Buckets, their policies, notifications, configurations and quotas."""


@bucket_group.command("ls")
@click.argument("prefix", default="")
@leaf
def ls(session: Session, prefix: str) -> None:
    """List the account's buckets, by PREFIX if given."""
    with session.client() as client:
        show_items(client.buckets(prefix), ("name", "region", "created"), session.output)


@bucket_group.command("mb")
@click.argument("name")
@click.option("--object-lock", is_flag=True, help="Keep versions, and let them be locked; both for good.")
@leaf
def mb(session: Session, name: str, object_lock: bool) -> None:
    """Make the bucket NAME (also as s3://NAME)."""
    with session.client() as client:
        info = client.bucket(bucket_name(name)).create(object_lock=object_lock)
        session.report(f"bucket {info.name} is there", info)


@bucket_group.command("rb")
@click.argument("name")
@click.option("--force", is_flag=True, help="Delete every object, version and upload in it first.")
@bypass_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rb(session: Session, name: str, force: bool, bypass_governance: bool, yes: bool) -> None:
    """Delete the bucket NAME, which must be empty unless --force."""
    name = bucket_name(name)
    if force:
        confirmed(f"Delete the bucket {name} and every object in it?", yes=yes)
    with session.client() as client:
        bucket = client.bucket(name)
        if force:
            _empty(bucket, bypass_governance=bypass_governance)
        bucket.remove()
        session.report(f"bucket {name} is gone", {"name": name})


def _empty(bucket: Bucket, *, bypass_governance: bool) -> None:
    versioning = ""
    with contextlib.suppress(PermissionDenied):  # who may not ask may still empty a bucket that keeps none
        versioning = bucket.versioning()
    if versioning:
        for versions in bucket.versions(page_size=DELETE_BATCH).pages():
            if versions.items:
                bucket.delete_batch(versions.items, bypass_governance=bypass_governance)
    else:
        for page in bucket.list(page_size=DELETE_BATCH).pages():
            if page.items:
                bucket.delete_batch([it.key for it in page.items])
    for upload in bucket.uploads():
        bucket.abort_upload(upload.key, upload.upload_id)


@bucket_group.command("stat")
@click.argument("name")
@leaf
def stat(session: Session, name: str) -> None:
    """Show the bucket NAME, with the number of its objects and their bytes."""
    with session.client() as client:
        bucket = client.bucket(bucket_name(name))
        info = bucket.info()
        count = size = 0
        for it in bucket.list():
            count += 1
            size += it.size
        fields = msgspec.structs.asdict(info) | {"objects": count, "size_bytes": size}
        if session.output == "table":
            fields["size_bytes"] = f"{size} ({human_size(size)})"
        show_item(fields, session.output)


@bucket_group.command("policy")
@click.argument("name")
@click.option("--set", "path", metavar="FILE", help="Write the policy; - is standard input.")
@click.option("--rm", "remove", is_flag=True, help="Remove the policy.")
@leaf
def policy(session: Session, name: str, path: str | None, remove: bool) -> None:
    """Show, write or remove the policy of the bucket NAME."""
    if path is not None and remove:
        raise click.UsageError("--set or --rm, not both")
    name = bucket_name(name)
    with session.client() as client:
        bucket = client.bucket(name)
        if path is not None:
            bucket.set_policy(text_of(path))
            session.report(f"bucket {name} has its policy", {"name": name})
        elif remove:
            bucket.delete_policy()
            session.report(f"bucket {name} has no policy", {"name": name})
        else:
            click.echo(bucket.policy())


@bucket_group.group("versioning")
def versioning_group() -> None:
    """Whether a bucket keeps the versions of its objects (`cumulo object versions` lists them)."""


@versioning_group.command("get")
@click.argument("name")
@leaf
def versioning_get(session: Session, name: str) -> None:
    """Show whether the bucket NAME keeps versions: Enabled, Suspended, or - where it never did."""
    name = bucket_name(name)
    with session.client() as client:
        status = client.bucket(name).versioning()
    if session.output == "table":
        click.echo(status or "-")
    else:
        show_item({"name": name, "status": status}, session.output)


@versioning_group.command("enable")
@click.argument("name")
@leaf
def versioning_enable(session: Session, name: str) -> None:
    """Let the bucket NAME keep a version of each write, and hide what is deleted behind a marker."""
    _set_versioning(session, bucket_name(name), "Enabled")


@versioning_group.command("suspend")
@click.argument("name")
@leaf
def versioning_suspend(session: Session, name: str) -> None:
    """Keep no further versions in the bucket NAME; those that are there stay."""
    _set_versioning(session, bucket_name(name), "Suspended")


def _set_versioning(session: Session, name: str, status: str) -> None:
    with session.client() as client:
        client.bucket(name).set_versioning(status)
        session.report(f"versioning of bucket {name} is {status.lower()}", {"name": name, "status": status})


@bucket_group.command("acl")
@click.argument("name")
@acl_options
@leaf
def acl(session: Session, name: str, canned: str, grants: tuple[tuple[str, str], ...]) -> None:
    """Show or replace the access control list of the bucket NAME."""
    show_or_set(session, bucket_name(name), "", canned, grants)


@bucket_group.command("notification")
@click.argument("name")
@click.option("--queue", metavar="QUEUE", help="Add a rule: send events to this queue.")
@click.option("--topic", metavar="TOPIC", help="Add a rule: publish events to this topic (ARN or name).")
@click.option("--endpoint", metavar="URL", help="Add a rule: post events to this URL.")
@click.option("--event", "events", multiple=True, metavar="EVENT", help="Which; s3:ObjectCreated:* by default.")
@click.option("--prefix", default="", help="Only keys that start so.")
@click.option("--suffix", default="", help="Only keys that end so.")
@click.option("--set", "path", metavar="FILE", help="Replace all rules by a JSON list; - is standard input.")
@click.option("--clear", is_flag=True, help="Remove all rules.")
@click.option("--event-bridge/--no-event-bridge", default=None, help="Send all events in EventBridge's form, too.")
@leaf
def notification(
    session: Session,
    name: str,
    queue: str | None,
    topic: str | None,
    endpoint: str | None,
    events: tuple[str, ...],
    prefix: str,
    suffix: str,
    path: str | None,
    clear: bool,
    event_bridge: bool | None,
) -> None:
    """Show the notification rules of the bucket NAME, add one, replace or remove them all."""
    targets = [target for target in (queue, topic, endpoint) if target is not None]
    if len(targets) + (path is not None) + clear > 1:
        raise click.UsageError("one of --queue, --topic, --endpoint, --set and --clear")
    if not targets and (events or prefix or suffix):
        raise click.UsageError("--event, --prefix and --suffix belong to --queue, --topic and --endpoint")
    with session.client() as client:
        bucket = client.bucket(bucket_name(name))
        rules = bucket.notifications() if not clear and path is None else ()
        if targets:
            added = NotificationRule(
                queue=queue or "",
                topic=topic or "",
                endpoint=endpoint or "",
                events=events or ("s3:ObjectCreated:*",),
                prefix=prefix,
                suffix=suffix,
            )
            rules = (*rules, added)
        elif path is not None:
            rules = tuple(_rules(text_of(path)))
        if targets or path is not None or clear or event_bridge is not None:
            bridges = bucket.event_bridge() if event_bridge is None and not clear else bool(event_bridge)
            rules = bucket.set_notifications(rules, event_bridge=bridges)
        show_items(rules, ("id", "queue", "topic", "endpoint", "events", "prefix", "suffix"), session.output)


@bucket_group.command("config")
@click.argument("name")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--id", "id_", default="", metavar="ID", help="Which one, where a bucket has many of the kind.")
@click.option("--set", "path", metavar="FILE", help="Write it: JSON as the aws CLI takes it; - is standard input.")
@click.option("--rm", "remove", is_flag=True, help="Remove it.")
@leaf
def config(session: Session, name: str, kind: str, id_: str, path: str | None, remove: bool) -> None:
    """Show, write or remove a configuration of the bucket NAME, or list those of a KIND that has ids."""
    if path is not None and remove:
        raise click.UsageError("--set or --rm, not both")
    name = bucket_name(name)
    with session.client() as client:
        bucket = client.bucket(name)
        if path is not None:
            bucket.set_configuration(kind, text_of(path), id_)
            session.report(f"bucket {name} has its {kind} configuration", {"name": name, "kind": kind})
        elif remove:
            bucket.delete_configuration(kind, id_)
            session.report(f"bucket {name} has no such {kind} configuration", {"name": name, "kind": kind})
        else:
            listed = kind in LISTED_KINDS and not id_
            found = list(bucket.configurations(kind)) if listed else bucket.configuration(kind, id_) or {}
            click.echo(json.dumps(found, indent=2))


@bucket_group.command("encryption")
@click.argument("name")
@click.option(
    "--set",
    "algorithm",
    type=click.Choice(["AES256", "aws:kms", "aws:kms:dsse"]),
    help="The server's keys, or its key service's.",
)
@click.option("--kms-key-id", default="", metavar="KEY", help="Id, ARN or alias of the key for `aws:kms`.")
@click.option("--bucket-key", is_flag=True, help="One data key serves several objects for five minutes.")
@click.option("--block-customer-keys", is_flag=True, help="Refuse writes under keys of their callers (SSE-C).")
@leaf
def encryption(session: Session, name: str, algorithm: str | None, kms_key_id: str, **more: bool) -> None:
    """Show or set how the bucket NAME encrypts what comes to it without a word of it."""
    if algorithm is None and kms_key_id:
        algorithm = "aws:kms"
    if algorithm is None and any(more.values()):
        raise click.UsageError("--set says which encryption it shall be")
    with session.client() as client:
        bucket = client.bucket(bucket_name(name))
        if algorithm is not None:
            bucket.set_encryption(
                algorithm,
                kms_key_id=kms_key_id,
                bucket_key=more["bucket_key"],
                blocks_customer_keys=more["block_customer_keys"],
            )
        show_item(bucket.encryption(), session.output)


@bucket_group.command("quota")
@click.argument("name")
@click.option("--bytes", "bytes_max", type=click.IntRange(0), metavar="N", help="At most so many bytes; 0 is no limit.")
@click.option("--objects", "objects_max", type=click.IntRange(0), metavar="N", help="At most so many; 0 is no limit.")
@click.option("--clear", is_flag=True, help="Remove both limits.")
@leaf
def quota(session: Session, name: str, bytes_max: int | None, objects_max: int | None, clear: bool) -> None:
    """Show or set what the bucket NAME may hold. A limit that is not named stays."""
    if clear and (bytes_max is not None or objects_max is not None):
        raise click.UsageError("--clear, or limits")
    with session.client() as client:
        bucket = client.bucket(bucket_name(name))
        if clear:
            bucket.delete_configuration("quota")
        elif bytes_max is not None or objects_max is not None:
            now = bucket.quota()
            bucket.set_quota(
                bytes_max=now.bytes_max if bytes_max is None else bytes_max,
                objects_max=now.objects_max if objects_max is None else objects_max,
            )
        show_item(msgspec.structs.asdict(bucket.quota()), session.output)


def _rules(text: str) -> list[NotificationRule]:
    try:
        return msgspec.convert(json.loads(text), list[NotificationRule])
    except (json.JSONDecodeError, msgspec.ValidationError) as error:
        raise click.UsageError(f"--set: a JSON list of rules with queue and events was expected: {error}") from error


def bucket_name(text: str) -> str:
    """Return the name in `NAME` or `s3://NAME`."""
    return text.removeprefix("s3://").rstrip("/")
