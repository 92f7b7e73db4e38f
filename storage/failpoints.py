"""Named places around each durable step, where tests inject a crash, an error or a pause.

Owns the registry and what is armed. Promises: an unarmed failpoint costs one look at a module global; a name that is
not in the registry cannot be armed or hit; every row of the registry is hit by a test. A failpoint stands so:

    if failpoints.armed:
        failpoints.hit("engine.before_commit")
"""

import errno
import os
import signal
import time
from collections.abc import Mapping

import msgspec

from cumulo.core.settings import InvalidSetting

POINTS: Mapping[str, str] = {
    "engine.before_commit": "a batch has run, its commit has not begun; an error here is a failed commit",
    "engine.after_commit": "a batch is on disk, nobody was told; an error here is a commit whose fate is unknown",
    "engine.rerun": "a batch has run; an error here makes it run again, as a conflict would",
    "data_folder.before_format": "a new folder has its secrets, not yet its FORMAT file",
    "blob.after_create": "a blob's file exists, empty",
    "blob.after_write": "a piece of a blob was written, not synced",
    "blob.before_fsync": "a blob is complete, its file not yet synced",
    "blob.after_fsync": "a blob's file was synced",
    "blob.before_directory_fsync": "a blob's file was synced, its name not yet",
    "blob.after_seal": "a blob is durable, no record names it",
    "blob.before_delete": "nothing names a blob any more, its file still exists",
    "bootstrap.before_credentials_file": "the root key's file is complete under its draft's name only",
    "bootstrap.after_credentials_file": "the root key's file bears its name, which is not yet synced",
    "bootstrap.before_commit": "the root key's file is durable, the key is not yet valid",
    "bootstrap.after_commit": "the root key is valid and durable, nobody was told",
    "topic.before_carrying": "messages for an endpoint were taken from its subscription's queue, nothing was sent",
    "topic.after_carrying": "an endpoint was sent messages, which still lie in its subscription's queue",
    "due.before_deed": "entries were taken from the due index, their deeds not done",
    "due.after_deed": "the deeds of some entries are done and durable",
}
"""Every failpoint and the state of the disk at it."""

armed = False
"""True while any failpoint is armed; the only thing that production code looks at."""


class Injected(OSError):
    """The error of an armed failpoint: what a failing disk would raise."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EIO, f"failpoint {name}")


class Armed(msgspec.Struct):
    """What an armed failpoint does: `crash` (SIGKILL to the process), `error`, or `delay` of `delay_ms`.

    `only_hit` limits it to that hit, counted from 1; 0 is each. `hits` counts.
    """

    action: str
    delay_ms: int = 0
    only_hit: int = 0
    hits: int = 0


_armed: dict[str, Armed] = {}


def arm(text: str) -> None:
    """Arm failpoints as `name=action;…`; the action is `crash`, `error` or `delay:MILLISECONDS`, then optionally
    `@N`: only at the N-th hit. This is the form of the setting `failpoints`; empty arms nothing.

    Raises `InvalidSetting`.
    """
    global armed  # noqa: PLW0603 - one flag for the whole process is what keeps an unarmed failpoint free
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, action = part.partition("=")
        if name not in POINTS:
            raise InvalidSetting(f"unknown failpoint {name!r}; known are {', '.join(POINTS)}")
        action, _, nth = action.partition("@")
        action, _, delay = action.partition(":")
        if action not in ("crash", "error", "delay") or (action == "delay") != delay.isdigit():
            raise InvalidSetting(f"failpoint {part!r}: the action is crash, error or delay:MILLISECONDS")
        if nth and (not nth.isdigit() or nth == "0"):
            raise InvalidSetting(f"failpoint {part!r}: the hit after @ is a number from 1")
        _armed[name] = Armed(action, int(delay or 0), int(nth or 0))
    armed = bool(_armed)


def disarm() -> None:
    """Make every failpoint inert again."""
    global armed  # noqa: PLW0603 - see `arm`
    _armed.clear()
    armed = False


def hits(name: str) -> int:
    """Return how often an armed failpoint was passed; 0 for one that is not armed."""
    point = _armed.get(name)
    return 0 if point is None else point.hits


def hit(name: str) -> None:
    """Do what the failpoint is armed for; call only while `armed`."""
    assert name in POINTS, name
    point = _armed.get(name)
    if point is None:
        return
    point.hits += 1
    if point.only_hit not in (0, point.hits):
        return
    if point.action == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if point.action == "delay":
        time.sleep(point.delay_ms / 1000)
        return
    raise Injected(name)
