"""Locks of objects on the command line: `cumulo object retention`, `cumulo object legal-hold`, and the options of both.

The option `--version-id` is spelled as beside the other commands of objects.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from cumulo.cli.leaf import Session, leaf
from cumulo.cli.output import show_item
from cumulo.cli.places import object_of
from cumulo.cli.times import time_of
from cumulo.client.model import EventHold, ObjectLock, Retention

MODES: Final = ("governance", "compliance")
C = TypeVar("C", bound=Callable[..., Any])

bypass_option = click.option(
    "--bypass-governance", is_flag=True, help="Also what is retained in governance mode, where you may."
)
_version_id = click.option("--version-id", default="", metavar="ID", help="Which version; by default the current one.")
_mode = click.option(
    "--mode",
    type=click.Choice(MODES),
    help="Who may end it before its time: who may bypass governance, or nobody (compliance).",
)
_until = click.option(
    "--retain-until",
    metavar="TIME",
    help="Keep it until then, as 2030-01-31T08:00, in your time zone if none is named.",
)
_event_days = click.option(
    "--event-days",
    type=click.IntRange(1, 36_500),
    metavar="N",
    help="Keep it so many days from an event on, which `object retention --release` tells.",
)


def lock_options(command: C) -> C:
    """Give a command the options that say how what is stored is locked."""
    held = click.option("--legal-hold", "held", is_flag=True, help="Keep it until `object legal-hold --off`.")
    return _mode(_until(_event_days(held(command))))


def asked_lock(mode: str | None, until: str | None, event_days: int | None, *, held: bool) -> ObjectLock | None:
    """Return the lock that options ask for, None where they say nothing."""
    found = _retention(mode, until, event_days)
    if found is None and not held:
        return None
    return ObjectLock(retention=found, legal_hold=True if held else None)


def _retention(
    mode: str | None, until: str | None, event_days: int | None, *, releases: bool = False
) -> Retention | None:
    if (mode is None) != (until is None and event_days is None and not releases):
        raise click.UsageError("--mode and --retain-until or --event-days belong together")
    if mode is None:
        return None
    moment = None if until is None else time_of(until, "--retain-until")
    event = EventHold(on=not releases, days=event_days or 0) if event_days is not None or releases else None
    return Retention(mode=mode.upper(), until=moment, event_hold=event)


@click.command("retention")
@click.argument("what")
@_mode
@_until
@_event_days
@click.option("--release", "releases", is_flag=True, help="Let the days of its event hold pass from now on.")
@click.option("--clear", is_flag=True, help="Retain it no longer.")
@bypass_option
@_version_id
@leaf
def retention(
    session: Session,
    what: str,
    mode: str | None,
    retain_until: str | None,
    event_days: int | None,
    releases: bool,
    clear: bool,
    bypass_governance: bool,
    version_id: str,
) -> None:
    """Show until when the object WHAT must not be deleted, or set that; what holds can only be prolonged."""
    if releases and event_days is not None:
        raise click.UsageError("--event-days or --release, not both")
    asked = _retention(mode, retain_until, event_days, releases=releases)
    if asked is not None and clear:
        raise click.UsageError("--mode and --retain-until, or --clear")
    place = object_of(what)
    with session.client() as client:
        bucket = client.bucket(place.bucket)
        if asked is not None or clear:
            bucket.set_retention(place.key, asked, version_id=version_id, bypass_governance=bypass_governance)
        found = bucket.retention(place.key, version_id=version_id)
    event = None if found is None else found.event_hold
    shown = {
        "mode": None if found is None else found.mode,
        "until": None if found is None else found.until,
        "event_hold": None if event is None else event.on,
    }
    show_item(shown, session.output)


@click.command("legal-hold")
@click.argument("what")
@click.option("--on/--off", "held", default=None, help="Hold it so that nobody deletes it, or let it go.")
@_version_id
@leaf
def legal_hold(session: Session, what: str, held: bool | None, version_id: str) -> None:
    """Show whether the object WHAT is held, hold it or let it go."""
    place = object_of(what)
    with session.client() as client:
        bucket = client.bucket(place.bucket)
        if held is not None:
            bucket.set_legal_hold(place.key, held=held, version_id=version_id)
        found = bucket.legal_hold(place.key, version_id=version_id)
    show_item({"legal_hold": found}, session.output)
