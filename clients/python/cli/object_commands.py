"""`cumulo object`: what `ls`, `cp`, `mv`, `rm`, `cat` and `du` are to files. Objects are written `s3://BUCKET/KEY`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import click
import msgspec
import rich_click

from cumulo.cli.access_lists import acl_options, show_or_set
from cumulo.cli.leaf import Session, confirmed, leaf, pairs
from cumulo.cli.lock_commands import asked_lock, bypass_option, legal_hold, lock_options, retention
from cumulo.cli.output import human_size, show_item, show_items
from cumulo.cli.places import Place, object_of, place_of, side_of
from cumulo.cli.synchronizing import DELETE_BATCH, delete_surplus, listed, plan
from cumulo.cli.transfers import JOBS, copies_of, run_copies
from cumulo.client import Bucket
from cumulo.client.model import Enclosed, Encryption, ObjectVersion

EXPIRES_S = 3_600
EXPIRES_S_MAX = 604_800
CUSTOMER_KEY_BYTES = 32


def _key_in(path: str | None) -> bytes:
    """Return the key in a file, no bytes where none is named."""
    if path is None:
        return b""
    key = Path(path).read_bytes()
    if len(key) != CUSTOMER_KEY_BYTES:
        raise click.UsageError(f"{path} holds {len(key)} bytes: a key has {CUSTOMER_KEY_BYTES}")
    return key


_customer_key = click.option(
    "--customer-key",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="File with the 32 bytes of a key of your own, under which it is encrypted.",
)


_version_id = click.option("--version-id", default="", metavar="ID", help="Which version; by default the current one.")


@rich_click.group("object")
def object_group() -> None:
    """Objects: copy, list, read, remove. They are written s3://BUCKET/KEY."""


@object_group.command("ls")
@click.argument("where")
@click.option("-r", "--recursive", is_flag=True, help="Also what lies below the next slash.")
@leaf
def ls(session: Session, where: str, recursive: bool) -> None:
    """List the objects whose keys start as WHERE (s3://BUCKET/PREFIX) says."""
    place = place_of(where)
    with session.client() as client:
        listing = client.bucket(place.bucket).list(place.key, delimiter="" if recursive else "/")
        show_items(_entries(listing, human=session.output == "table"), ("key", "size", "modified"), session.output)


def _entries(listing: Any, *, human: bool) -> Iterator[dict[str, Any]]:
    for page in listing.pages():
        for prefix in page.common_prefixes:
            yield {"key": prefix, "size": None, "modified": None, "etag": None}
        for it in page.items:
            size = human_size(it.size) if human else it.size
            yield {"key": it.key, "size": size, "modified": it.modified, "etag": it.etag}


@object_group.command("versions")
@click.argument("where")
@click.option("-r", "--recursive", is_flag=True, help="Also what lies below the next slash.")
@leaf
def versions(session: Session, where: str, recursive: bool) -> None:
    """List versions and delete markers of the objects whose keys start as WHERE (s3://BUCKET/PREFIX) says.

    Of each key the newest comes first. A version is restored by `object cp --version-id ID` onto its own key, a deleted
    object by `object rm --version-id ID` of its delete marker.
    """
    place = place_of(where)
    with session.client() as client:
        listing = client.bucket(place.bucket).versions(place.key, delimiter="" if recursive else "/")
        columns = ("key", "version_id", "size", "modified", "latest", "delete_marker")
        show_items(_version_rows(listing, human=session.output == "table"), columns, session.output)


def _version_rows(listing: Any, *, human: bool) -> Iterator[dict[str, Any]]:
    for page in listing.pages():
        for prefix in page.common_prefixes:
            yield dict.fromkeys(ObjectVersion.__struct_fields__) | {"key": prefix}
        for it in page.items:
            yield msgspec.structs.asdict(it) | {"size": human_size(it.size) if human else it.size}


@object_group.command("head")
@click.argument("what")
@_version_id
@_customer_key
@leaf
def head(session: Session, what: str, version_id: str, customer_key: str | None) -> None:
    """Show the description of the object WHAT."""
    place = object_of(what)
    with session.client() as client:
        bucket = client.bucket(place.bucket)
        show_item(bucket.head(place.key, customer_key=_key_in(customer_key), version_id=version_id), session.output)


@object_group.command("attributes")
@click.argument("what")
@_version_id
@_customer_key
@leaf
def attributes(session: Session, what: str, version_id: str, customer_key: str | None) -> None:
    """Show the checksums of the object WHAT, and of each of its parts."""
    place = object_of(what)
    with session.client() as client:
        bucket = client.bucket(place.bucket)
        found = bucket.attributes(place.key, customer_key=_key_in(customer_key), version_id=version_id)
    if session.output != "table":
        show_item(found, session.output)
        return
    names = sorted({name for it in found.parts for name in it.checksums} | set(found.checksums))
    whole = {"part": "all", "size": found.info.size, "etag": found.info.etag, "type": found.checksum_type}
    rows = [whole | {name: found.checksums.get(name) for name in names}]
    rows += [{"part": it.number, "size": it.size, "etag": it.etag, "type": None, **it.checksums} for it in found.parts]
    show_items(rows, ("part", "size", "etag", "type", *names), session.output)


@object_group.command("restore")
@click.argument("what")
@click.option("--days", type=click.IntRange(1, 36_500), default=1, show_default=True, help="How long it can be read.")
@click.option(
    "--tier",
    type=click.Choice(("Bulk", "Standard", "Expedited")),
    default="Standard",
    show_default=True,
    help="How fast; a faster one may overtake a slower one.",
)
@_version_id
@leaf
def restore(
    session: Session, what: str, days: int, tier: Literal["Bulk", "Standard", "Expedited"], version_id: str
) -> None:
    """Ask for a copy of the archived object WHAT that can be read; `object head` tells when it is there."""
    place = object_of(what)
    with session.client() as client:
        was_there = client.bucket(place.bucket).restore(place.key, days, tier=tier, version_id=version_id)
    text = f"it can be read for {days} days more" if was_there else "asked for; object head tells when it is there"
    session.report(text, {"restored": was_there})


@object_group.command("acl")
@click.argument("place")
@acl_options
@_version_id
@leaf
def acl(session: Session, place: str, canned: str, grants: tuple[tuple[str, str], ...], version_id: str) -> None:
    """Show or replace the access control list of the object PLACE (s3://BUCKET/KEY)."""
    of = object_of(place)
    show_or_set(session, of.bucket, of.key, canned, grants, version_id)


@object_group.command("tags")
@click.argument("what")
@click.option("--set", "given", multiple=True, metavar="KEY=TEXT", help="Replace all tags by these.")
@click.option("--clear", is_flag=True, help="Remove all tags.")
@_version_id
@leaf
def tags(session: Session, what: str, given: tuple[str, ...], clear: bool, version_id: str) -> None:
    """Show or replace the tags of the object WHAT."""
    if given and clear:
        raise click.UsageError("--set or --clear, not both")
    place = object_of(what)
    with session.client() as client:
        bucket = client.bucket(place.bucket)
        if given:
            bucket.set_tags(place.key, pairs(given, "--set"), version_id=version_id)
        elif clear:
            bucket.delete_tags(place.key, version_id=version_id)
        found = bucket.tags(place.key, version_id=version_id)
        show_items(({"key": key, "value": value} for key, value in found.items()), ("key", "value"), session.output)


object_group.add_command(retention)
object_group.add_command(legal_hold)


@object_group.command("cat")
@click.argument("what", nargs=-1, required=True)
@_version_id
@_customer_key
@leaf
def cat(session: Session, what: tuple[str, ...], version_id: str, customer_key: str | None) -> None:
    """Write the bytes of objects to standard output."""
    places = [object_of(text) for text in what]
    if version_id and len(places) > 1:
        raise click.UsageError("--version-id belongs to one object")
    options: dict[str, Any] = {"customer_key": _key_in(customer_key), "version_id": version_id}
    with session.client() as client:
        for place in places:
            with client.bucket(place.bucket).open(place.key, **options) as reader:
                for piece in reader.chunks():
                    sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@object_group.command("rm")
@click.argument("what", nargs=-1, required=True)
@click.option("-r", "--recursive", is_flag=True, help="Every object whose key starts so.")
@click.option("--version-id", default="", metavar="ID", help="That version or delete marker of one object, for good.")
@click.option("--versions", "all_versions", is_flag=True, help="All versions and delete markers, for good.")
@bypass_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@leaf
def rm(
    session: Session,
    what: tuple[str, ...],
    recursive: bool,
    version_id: str,
    all_versions: bool,
    bypass_governance: bool,
    yes: bool,
) -> None:
    """Delete objects; where versions are kept a delete marker hides them."""
    if version_id and (recursive or all_versions or len(what) > 1):
        raise click.UsageError("--version-id belongs to one object, without --recursive and --versions")
    places = [place_of(text) if recursive else object_of(text) for text in what]
    if recursive:
        confirmed(f"Delete every {'version' if all_versions else 'object'} below {', '.join(what)}?", yes=yes)
    count = 0
    with session.client() as client:
        for place in places:
            bucket = client.bucket(place.bucket)
            if not recursive and not all_versions:
                bucket.delete(place.key, version_id=version_id, bypass_governance=bypass_governance)
                count += 1
                continue
            for batch in _batches(bucket, place.key, recursive=recursive, all_versions=all_versions):
                bucket.delete_batch(batch, bypass_governance=bypass_governance)
                count += len(batch)
    session.report(f"{count} deleted", {"deleted": count})


def _batches(bucket: Bucket, key: str, *, recursive: bool, all_versions: bool) -> Iterator[Sequence[Any]]:
    """Give what is to be deleted, as batches take it: keys below `key`, or versions of it or of what lies below."""
    if not all_versions:
        for page in bucket.list(key, page_size=DELETE_BATCH).pages():
            if page.items:
                yield [it.key for it in page.items]
        return
    for found in bucket.versions(key, page_size=DELETE_BATCH).pages():
        batch = [it for it in found.items if recursive or it.key == key]
        if batch:
            yield batch
        if len(batch) < len(found.items):  # of what a key begins, it comes first
            return


_jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1, 64), default=JOBS, show_default=True, help="Copies at a time."
)


@object_group.command("cp")
@click.argument("source")
@click.argument("destination", metavar="TARGET")
@click.option("-r", "--recursive", is_flag=True, help="A folder, or every object below a prefix.")
@click.option("--content-type", default="", help="By default guessed from a file's name.")
@click.option("-m", "--metadata", multiple=True, metavar="NAME=TEXT", help="User metadata of what is stored.")
@click.option("--header", multiple=True, metavar="NAME=TEXT", help="What HTTP answers say of it, as cache-control.")
@click.option("--tag", multiple=True, metavar="KEY=TEXT", help="Tags of what is stored.")
@click.option("--storage-class", default="", metavar="CLASS", help="As STANDARD_IA or GLACIER.  [default: STANDARD]")
@click.option("--version-id", default="", metavar="ID", help="Which version of the object SOURCE.")
@click.option("--no-clobber", is_flag=True, help="Store only where there is no object.")
@click.option(
    "--message",
    "messages",
    nargs=2,
    multiple=True,
    metavar="QUEUE BODY",
    help="Send a message in the commit of each object that is stored: both, or neither.",
)
@click.option(
    "--encryption",
    type=click.Choice(["AES256", "aws:kms", "aws:kms:dsse"]),
    help="How to encrypt what is stored, instead of as the bucket says: by the server's keys or its key service's.",
)
@click.option("--kms-key-id", default="", metavar="KEY", help="Id, ARN or alias of the key for `aws:kms`.")
@_customer_key
@click.option(
    "--source-customer-key",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="File with the key under which the objects that are read are encrypted.",
)
@lock_options
@click.option("--resume", is_flag=True, help="Keep what was sent or arrived where it fails, and go on there next time.")
@_jobs
@leaf
def cp(
    session: Session,
    source: str,
    destination: str,
    recursive: bool,
    content_type: str,
    metadata: tuple[str, ...],
    header: tuple[str, ...],
    tag: tuple[str, ...],
    storage_class: str,
    version_id: str,
    no_clobber: bool,
    messages: tuple[tuple[str, str], ...],
    encryption: str | None,
    kms_key_id: str,
    customer_key: str | None,
    source_customer_key: str | None,
    mode: str | None,
    retain_until: str | None,
    event_days: int | None,
    held: bool,
    resume: bool,
    jobs: int,
) -> None:
    """Copy SOURCE to TARGET: files and objects (s3://BUCKET/KEY); - is standard input or output."""
    options: dict[str, Any] = {"content_type": content_type, "metadata": pairs(metadata, "--metadata")}
    options |= {"headers": pairs(header, "--header"), "tags": pairs(tag, "--tag"), "storage_class": storage_class}
    if no_clobber:
        options["if_none_match"] = "*"
    if resume:
        options["resume"] = True
    if messages:
        options["messages"] = [Enclosed(queue=queue, body=body) for queue, body in messages]
    if encryption is not None or kms_key_id or customer_key is not None:
        algorithm = encryption or ("aws:kms" if kms_key_id else "")
        own = _key_in(customer_key)
        options["encryption"] = Encryption(algorithm=algorithm, kms_key_id=kms_key_id, customer_key=own)
    lock = asked_lock(mode, retain_until, event_days, held=held)
    if lock is not None:
        options["lock"] = lock
    source_key = _key_in(source_customer_key)
    with session.client() as client:
        copies = copies_of(
            client, source, destination, recursive=recursive, source_key=source_key, version_id=version_id
        )
        total = run_copies(client, copies, options, jobs=jobs, quiet=session.quiet, source_key=source_key)
    text = f"{len(copies)} copied, {human_size(total)}"
    if destination == "-":
        if not session.quiet:
            click.echo(text, err=True)
    elif source != "-" or session.output != "table":
        session.report(text, {"copied": len(copies), "size_bytes": total})


@object_group.command("mv")
@click.argument("source")
@click.argument("destination", metavar="TARGET")
@click.option("-r", "--recursive", is_flag=True, help="A folder, or every object below a prefix.")
@_jobs
@leaf
def mv(session: Session, source: str, destination: str, recursive: bool, jobs: int) -> None:
    """Copy SOURCE to TARGET as `cp` does, and delete each file or object once its copy is durable."""
    if "-" in (source, destination):
        raise click.UsageError("standard input and output cannot be moved; `object cp` copies them")
    with session.client() as client:
        copies = copies_of(client, source, destination, recursive=recursive)
        total = run_copies(client, copies, {}, jobs=jobs, move=True, quiet=session.quiet)
    session.report(f"{len(copies)} moved, {human_size(total)}", {"moved": len(copies), "size_bytes": total})


@object_group.command("sync")
@click.argument("source")
@click.argument("destination", metavar="TARGET")
@click.option("--delete", "delete", is_flag=True, help="Delete from TARGET what SOURCE does not have.")
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be done.")
@_jobs
@leaf
def sync(session: Session, source: str, destination: str, delete: bool, dry_run: bool, jobs: int) -> None:
    """Make TARGET like SOURCE: folders and prefixes of objects (s3://BUCKET/PREFIX).

    What has the same size and ETag on both sides is not copied: run it again, and it goes on where it was interrupted.
    """
    from_side, to_side = side_of(source), side_of(destination)
    if not isinstance(from_side, Place) and not isinstance(to_side, Place):
        raise click.UsageError("one side must be an object: s3://BUCKET/PREFIX")
    with session.client() as client:
        had = listed(client, from_side, must_exist=True)
        todo = plan(had, listed(client, to_side, must_exist=False), to_side, jobs)
        surplus = todo.surplus if delete else []
        if dry_run:
            steps: list[dict[str, Any]] = [
                {"step": "copy", "what": str(it.source), "to": str(it.target)} for it in todo.copies
            ]
            steps += [{"step": "delete", "what": str(it), "to": None} for it in surplus]
            show_items(steps, ("step", "what", "to"), session.output)
            return
        total = run_copies(client, todo.copies, {}, jobs=jobs, quiet=session.quiet)
        delete_surplus(client, surplus, to_side)
    done = {"copied": len(todo.copies), "size_bytes": total, "unchanged": todo.unchanged, "deleted": len(surplus)}
    text = f"{done['copied']} copied, {human_size(total)}; {done['unchanged']} unchanged; {done['deleted']} deleted"
    session.report(text, done)


@object_group.command("du")
@click.argument("where")
@click.option("-s", "--summarize", is_flag=True, help="Only the sum.")
@leaf
def du(session: Session, where: str, summarize: bool) -> None:
    """Sum up the objects whose keys start as WHERE (s3://BUCKET/PREFIX) says, in each folder and in all."""
    place = place_of(where)
    whole, folders = [0, 0], dict[str, list[int]]()
    with session.client() as client:
        for it in client.bucket(place.bucket).list(place.key):
            end = it.key.find("/", len(place.key) + 1)
            folder = folders.setdefault(it.key[: end + 1], [0, 0]) if end >= 0 and not summarize else [0, 0]
            for count_and_size in (folder, whole):
                count_and_size[0] += 1
                count_and_size[1] += it.size
    human: Callable[[int], object] = human_size if session.output == "table" else int
    rows = (
        {"where": str(Place(place.bucket, key)), "objects": count, "size": human(size)}
        for key, (count, size) in (*folders.items(), (place.key, whole))
    )
    show_items(rows, ("where", "objects", "size"), session.output)


@object_group.command("presign")
@click.argument("what")
@click.option("--method", type=click.Choice(("GET", "PUT")), default="GET", show_default=True, help="What it is for.")
@click.option(
    "--expires",
    type=click.IntRange(1, EXPIRES_S_MAX),
    default=EXPIRES_S,
    show_default=True,
    metavar="S",
    help="How long it holds: 1 to 604800 s.",
)
@click.option("--endpoint", metavar="URL", default=None, help="The HTTP endpoint (CUMULO_URL, AWS_ENDPOINT_URL).")
@_version_id
@leaf
def presign(session: Session, what: str, method: str, expires: int, endpoint: str | None, version_id: str) -> None:
    """Print a URL with which anybody may get or put the object WHAT until it expires."""
    if version_id and method != "GET":
        raise click.UsageError("--version-id belongs to --method GET")
    place = object_of(what)
    with session.client(url=endpoint) as client:
        url = client.bucket(place.bucket).presign(place.key, method, expires, version_id=version_id)
    if session.output == "table":
        click.echo(url)
    else:
        show_item({"url": url, "method": method, "expires_s": expires}, session.output)
