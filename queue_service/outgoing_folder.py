"""The record of what left, or would have left, as e-mail or SMS: one JSON file a message in the data folder's
`outgoing/`.

A file's name is its time, protocol, message id and the first characters of the subscription's id, so that names sort by
time and a repeated delivery replaces its own file. Promises a bounded folder: the oldest files go first. Its files hold
confirmation links, so they are their owner's alone. Does not know how anything is sent.
"""

import asyncio
import datetime as dt
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.queue_service.endpoint_delivery import Parcel
from cumulo.queue_service.topic_envelopes import timestamp
from cumulo.storage.durable import make_directory, write_file

FILES_MAX: Final = 10_000
BYTES_MAX: Final = 256 * 1024 * 1024
VERSION: Final = 1
LIST_MAX: Final = 1_000
_SUFFIX: Final = ".json"


class OutgoingMessage(msgspec.Struct, frozen=True):
    """The content of a file. `sent_by` is `smtp`, or `nobody` where no server for mail is set: only recorded."""

    version: int
    at: str
    protocol: str
    to: str
    kind: str
    message_id: str
    topic_arn: str
    subscription_arn: str
    subject: str
    body: str
    link: str
    sent_by: str


class OutgoingFolder:
    """The folder at `path`, made with its first file."""

    def __init__(self, path: Path, clock: Clock, files_max: int = FILES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._path = path
        self._clock = clock
        self._files_max = files_max
        self._bytes_max = bytes_max
        self._sizes: OrderedDict[str, int] | None = None
        self._bytes = 0
        self._lock = asyncio.Lock()

    async def write(self, parcel: Parcel, subject: str, body: str, sent_by: str) -> None:
        """Record a message."""
        wall_ms = self._clock.wall_ms()
        message = OutgoingMessage(
            version=VERSION,
            at=timestamp(wall_ms),
            protocol=parcel.protocol,
            to=parcel.endpoint,
            kind=parcel.kind,
            message_id=parcel.message_id,
            topic_arn=parcel.topic_arn,
            subscription_arn=parcel.subscription_arn,
            subject=subject,
            body=body,
            link=parcel.link,
            sent_by=sent_by,
        )
        subscription = parcel.subscription_arn.rpartition(":")[2][:8]
        published = dt.datetime.fromtimestamp(parcel.published_ms / 1000, dt.UTC)
        stamp = f"{published:%Y%m%dT%H%M%S}.{parcel.published_ms % 1000:03d}Z"
        name = f"{stamp}-{parcel.protocol}-{parcel.message_id}-{subscription}{_SUFFIX}"
        content = json.dumps(msgspec.structs.asdict(message), indent=2, ensure_ascii=False).encode() + b"\n"
        async with self._lock:
            await asyncio.to_thread(self._write, name, content)

    def _write(self, name: str, content: bytes) -> None:
        make_directory(self._path)
        if self._sizes is None:
            self._sizes = OrderedDict((it.name, it.stat().st_size) for it in files(self._path))
            self._bytes = sum(self._sizes.values())
        self._bytes += len(content) - self._sizes.pop(name, 0)
        self._sizes[name] = len(content)
        while len(self._sizes) > 1 and (len(self._sizes) > self._files_max or self._bytes > self._bytes_max):
            oldest, size = self._sizes.popitem(last=False)
            self._bytes -= size
            (self._path / oldest).unlink(missing_ok=True)
        write_file(self._path / name, content)


def files(path: Path) -> list[Path]:
    """Return the recorded messages of a folder, oldest first."""
    return sorted(path.glob(f"*{_SUFFIX}"))


def newest(path: Path, count: int) -> list[dict[str, Any]]:
    """Return the content of the newest recorded messages of a folder, newest first."""
    found = []
    for file in reversed(files(path)[-min(count, LIST_MAX) :]):
        try:
            found.append(json.loads(file.read_bytes()))
        except FileNotFoundError:
            continue  # the server has removed it meanwhile, as the oldest
    return found
